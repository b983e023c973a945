//! A table is everybody's, a card is one player's, and a referee can be replaced by itself.

use crate::process::{Process, server};
use foregather::server::Server;

const KEY: [(&str, &str); 1] = [("POKER_KEY", "of this test")];

fn referee(server: &Server, hands: u32) -> Process {
    let arguments = format!("referee red --players 2 --hands {hands} --deadline-ms 600000 --pause-ms 20");
    Process::start_in(KEY, server, "poker", &arguments)
}

fn bot(server: &Server, name: &str) -> Process {
    Process::start(server, "poker", &format!("bot {name} red"))
}

/// Which hands have ended, by what was heard.
fn ended(lines: &[String]) -> Vec<u32> {
    let end = |line: &String| line.contains(" wins").then(|| number(line));
    lines.iter().filter_map(end).collect()
}

/// The hand that a line is about.
fn number(line: &str) -> u32 {
    let behind = line.split("hand ").nth(1).and_then(|rest| rest.split(':').next());
    behind.and_then(|number| number.parse().ok()).unwrap_or_else(|| panic!("of no hand: {line}"))
}

#[test]
fn a_table_goes_on_when_its_referee_dies_and_is_back() {
    let server = server();
    let mut first = referee(&server, 1_000);
    first.says("the table red is open");
    let looking_on = Process::start(&server, "poker", "watch red");
    let mut seen = looking_on.says_until("looking on");
    assert_eq!(seen, ["+ referee", "looking on"]);
    // What is said is heard by those who are there.
    let ada = bot(&server, "ada");
    ada.says("ada sits at red");
    let bob = bot(&server, "bob");

    let mut dealt = first.says_until("hand 3: ");
    let lobby = Process::start(&server, "poker", "lobby").ends();
    let [table] = &lobby[..] else { panic!("one table is in progress: {lobby:#?}") };
    assert!(table.starts_with("poker/red 2/2 hand "), "{table}");
    first.kill();
    let mut by_ada = ada.says_until("the referee is away");
    seen.extend(looking_on.says_until("~ referee is away"));
    let hand = 5 + by_ada.iter().filter(|line| line.contains("hand")).map(|line| number(line)).max().unwrap_or(0);

    let second = referee(&server, hand);
    let goes_on = second.says_until("goes on behind hand ").remove(0);
    let void: u32 = goes_on.rsplit(' ').next().and_then(|hand| hand.parse().ok()).expect("it names the hand");
    dealt.extend(second.ends());
    let last = dealt.last().expect("it says who has won");
    assert!(last.starts_with("the game is over: "), "{last}");
    by_ada.extend(ada.ends());
    let by_bob = bob.ends();

    for heard in [&by_ada, &by_bob] {
        assert!(heard.iter().any(|line| line == "the referee is back"), "{heard:#?}");
        assert_eq!(heard.last().map(String::as_str), Some("the table is over: CLOSED"));
        // Only the hand in which the referee died has no end, or one that it was killed
        // before it had told everybody.
        let mut hands = ended(heard);
        hands.retain(|&hand| hand != void);
        assert_eq!(hands, (1..=hand).filter(|&hand| hand != void).collect::<Vec<_>>(), "{heard:#?}");
        // Of each hand it has seen one card, its own.
        let mut cards: Vec<u32> =
            heard.iter().filter(|line| line.contains("you have")).map(|line| number(line)).collect();
        let count = cards.len();
        cards.dedup();
        assert_eq!(cards.len(), count, "{heard:#?}");
        assert!(heard.iter().all(|line| !line.contains("you have") || line.starts_with("(to me) ")));
    }
    assert!(by_ada.iter().any(|line| line == "bob: hello everybody"), "{by_ada:#?}");

    // Who looks on has seen all that is everybody's, and no card.
    seen.extend(looking_on.says_until("- referee (UNREGISTERED)"));
    for public in ["ada: hello everybody", "+ bob", "~ referee is away", "~ referee is here"] {
        assert!(seen.iter().any(|line| line == public), "{public}: {seen:#?}");
    }
    assert!(ended(&seen).contains(&hand), "{seen:#?}");
    assert!(seen.iter().all(|line| !line.contains("you have")), "{seen:#?}");
}

#[test]
fn a_player_who_is_killed_is_played_without() {
    let server = server();
    // Its seat is kept, and it may be back in time: who is killed over a card is waited for.
    let arguments = "referee red --players 2 --hands 1000 --deadline-ms 3000 --pause-ms 20";
    let referee = Process::start(&server, "poker", arguments);
    referee.says("the table red is open");
    let (_ada, mut bob) = (bot(&server, "ada"), bot(&server, "bob"));
    bob.says_until("(to me) hand 2: ");
    bob.kill();
    let said = referee.says_until(": bob is not there");
    let hand = number(said.last().expect("it has said that"));
    referee.says_until(&format!("hand {}: bob is not there", hand + 1));
}

#[test]
fn whoever_comes_before_the_referee_is_told_and_makes_no_table() {
    let server = server();
    let early = bot(&server, "ada").ends();
    assert_eq!(early, ["there is no table red yet; start its referee first"]);
    referee(&server, 1).says("the table red is open");
}

#[test]
fn an_old_program_is_told_which_version_to_get() {
    let server = server();
    let referee = referee(&server, 1);
    referee.says("the table red is open");
    let old = Process::start(&server, "poker", "bot ada red --app-version 1").ends();
    assert_eq!(old, ["this is poker 1, and the table red plays version 2: get that one"]);
}
