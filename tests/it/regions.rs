//! Regions of a world are namespaces: who watches some hears these and no others, and
//! who moves from one to the next misses nothing.

use crate::{client::*, messages::*};
use foregather::wire::proto::{self, Message, MessageType};
use std::{
    collections::BTreeMap,
    net::SocketAddr,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
};

const REGIONS: u64 = 4;
const MOVES: u64 = 200;

/// A creature that lives in its region, and changes all the time.
async fn live(address: SocketAddr, region: String, is_over: Arc<AtomicBool>) {
    let mut creature = Client::connect_to(address).await;
    for step in 0.. {
        creature.send([register_at(&region, "creature", &format!("{step}"))]).await;
        if step % 10 == 0 {
            creature.silence().await;
        }
        if is_over.load(Ordering::Relaxed) {
            return creature.silence().await;
        }
    }
}

fn region(number: u64) -> String {
    format!("world/{}", number % REGIONS)
}

fn step_of(entry: &proto::Register) -> u64 {
    let address = &entry.peer.as_ref().expect("who is there is a peer").addrs[0];
    std::str::from_utf8(address).ok().and_then(|text| text.parse().ok()).expect("its address is its step")
}

/// For each region that is watched, the step that must be heard next.
#[derive(Default)]
struct Sight(BTreeMap<String, u64>);

impl Sight {
    fn hear(&mut self, message: &Message) {
        assert_eq!(message.r#type(), MessageType::Register, "{message:?}");
        for entry in &message.register {
            let expected = self.0.get_mut(entry.ns());
            let expected = expected.unwrap_or_else(|| panic!("that is not watched: {entry:?}"));
            assert_eq!(step_of(entry), *expected, "{}", entry.ns());
            *expected += 1;
        }
    }

    fn begin(&mut self, snapshot: &Message) {
        let [entry] = &snapshot.register[..] else { panic!("one creature lives there: {snapshot:?}") };
        assert!(self.0.insert(entry.ns().to_owned(), step_of(entry) + 1).is_none());
    }

    /// The answer to the request of that number; what is told before it is heard.
    async fn answer(&mut self, mover: &mut Client, number: u64) -> Message {
        loop {
            let message = mover.message().await;
            match message.request_id {
                Some(answered) => {
                    assert_eq!(answered, number, "{message:?}");
                    return message;
                }
                None => self.hear(&message),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_moves_from_region_to_region_hears_those_it_is_in_and_misses_nothing() {
    let server = server();
    let is_over = Arc::new(AtomicBool::new(false));
    let address = server.local_addr();
    let mut seen = Client::connect(&server).await;
    seen.granted(rendezvous("world/*")).await;
    let live = |number| tokio::spawn(live(address, region(number), is_over.clone()));
    let creatures: Vec<_> = (0..REGIONS).map(live).collect();
    let mut born = BTreeMap::new();
    while born.len() < REGIONS as usize {
        let message = seen.message().await;
        born.extend(message.register.iter().map(|entry| (entry.ns().to_owned(), step_of(entry))));
    }
    drop(seen);

    let mut mover = Client::connect(&server).await;
    let mut sight = Sight::default();
    mover.send([numbered(0, rendezvous(&region(0)))]).await;
    let first = sight.answer(&mut mover, 0).await;
    sight.begin(&first);
    for number in 1..=MOVES {
        // It watches the next before it leaves the last.
        let (enter, leave) = (2 * number, 2 * number + 1);
        mover.send([numbered(enter, rendezvous(&region(number))), numbered(leave, leave_of(number - 1))]).await;
        let snapshot = sight.answer(&mut mover, enter).await;
        sight.begin(&snapshot);
        sight.answer(&mut mover, leave).await;
        sight.0.remove(&region(number - 1)).expect("it was watched");
        // Of the one region that is left it hears the next, and nothing else.
        let next = mover.message().await;
        sight.hear(&next);
    }
    is_over.store(true, Ordering::Relaxed);
    for creature in creatures {
        creature.await.expect("it has lived");
    }
}

fn leave_of(number: u64) -> Message {
    leave(&region(number))
}
