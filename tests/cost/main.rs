//! What a request costs does not grow with the number of games: the instructions
//! of the same requests with 10 and with 100,000 open games, counted by valgrind.
//! Time would say something else on each machine and in each minute; instructions
//! are the same every time.
#![cfg(target_os = "linux")]

mod callgrind;
mod house;
mod operations;

use house::House;
use operations::{OPERATIONS, TIMES};
use std::{env, fmt};

/// Open games, few and many.
const FEW: usize = 10;
const MANY: usize = 100_000;

/// How many times as much it may cost with many as with few.
const MOST: f64 = 1.2;

/// Set for the process that valgrind looks at: the same test of the same program.
const MEASURED: &str = "FOREGATHER_COST_MEASURED";

const TEST: &str = "cost_does_not_grow";

/// An operation's instructions with few games and with many.
struct Cost {
    name: &'static str,
    few: u64,
    many: u64,
}

impl Cost {
    fn ratio(&self) -> f64 {
        self.many as f64 / self.few as f64
    }
}

impl fmt::Display for Cost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:<48}{:>10}{:>10}{:>8.2}", self.name, self.few, self.many, self.ratio())
    }
}

#[test]
fn cost_does_not_grow() {
    if env::var_os(MEASURED).is_some() {
        return measured_process();
    }
    // One more for each number of games: what must be seen to grow.
    let counts = callgrind::count(TEST, MEASURED, 2 * (OPERATIONS.len() + 1));
    let (few, many) = counts.split_at(OPERATIONS.len() + 1);
    let names = OPERATIONS.iter().map(|operation| operation.name).chain(["a look at every game"]);
    let each = |count: &u64| count / TIMES as u64;
    let costs = names.zip(few).zip(many).map(|((name, few), many)| Cost { name, few: each(few), many: each(many) });
    let mut costs: Vec<Cost> = costs.collect();
    let canary = costs.pop().expect("it was measured last");

    println!("{:<48}{FEW:>10}{MANY:>10}{:>8}", "instructions of one, with so many games:", "ratio");
    costs.iter().for_each(|cost| println!("{cost}"));
    assert!(canary.ratio() > 100.0, "what grows is not seen to grow: {canary}");
    let grown: Vec<&str> = costs.iter().filter(|cost| cost.ratio() > MOST).map(|cost| cost.name).collect();
    assert!(
        grown.is_empty(),
        "{grown:?} cost more than {MOST} times as much; where it goes: callgrind_annotate --threshold=100 {}, which is \
         the first of them with few games; {} is with many",
        callgrind::profile(1).display(),
        callgrind::profile(2 + OPERATIONS.len()).display()
    );
}

fn measured_process() {
    for games in [FEW, MANY] {
        let mut house = House::new(games);
        for operation in OPERATIONS {
            operation.repeat(&mut house);
            callgrind::end_of_counting();
        }
        (0..TIMES).for_each(|_| house.look_at_every_game());
        callgrind::end_of_counting();
    }
}
