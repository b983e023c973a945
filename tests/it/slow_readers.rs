//! A reader that stops while very much happens, and goes on: it has missed how things
//! came about, and knows exactly how they are; nobody else has noticed anything.
//!
//! `FOREGATHER_SLOW_READERS=1000 FOREGATHER_SLOW_CHANGES=100000 cargo test --release
//! --test it slow_readers` is the large run; what it costs the others in time and the
//! server in memory is measured by `foregather bench slow`.

use crate::{client::*, messages::*};
use foregather::{
    server::Server,
    wire::proto::{Message, MessageType, StatusCode},
};
use std::{collections::BTreeMap, env};
use tokio::task::JoinSet;

const NS: &str = "arena";

/// Peers that come, change and go, in turn.
const PEERS: usize = 300;

/// Entries of one frame.
const AT_ONCE: usize = 50;

/// Everyone who is there with the number of its last change.
type Roster = BTreeMap<String, u64>;

fn number(name: &str, otherwise: usize) -> usize {
    env::var(name).map_or(otherwise, |value| value.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

/// A server whose system does not take one for dead that takes nothing from it; it would
/// after `silence_ms`.
fn patient_server() -> Server {
    server_with(|options| options.limits.silence_ms = 3_600_000)
}

/// The peer of that step, and whether it leaves: each fourth time that it is its turn.
fn step(step: usize) -> (String, bool) {
    // Another order in every round, so that nothing is folded where it stood.
    let (round, at) = (step / PEERS, step % PEERS);
    (format!("p{:03}", (at * 7 + round * 13) % PEERS), round % 4 == 3)
}

/// Takes what is announced; how many changes that was.
fn apply(roster: &mut Roster, message: &Message) -> usize {
    assert!(message.request_id.is_none(), "{message:?}");
    match message.r#type() {
        MessageType::Register => {
            for entry in &message.register {
                let before = roster.insert(id_of(entry).to_owned(), entry.version());
                assert!(before.is_none_or(|before| before < entry.version()), "{entry:?} after {before:?}");
            }
            message.register.len()
        }
        MessageType::Unregister => {
            for entry in &message.unregister {
                let id = entry.peer.as_ref().and_then(|peer| peer.id.as_deref()).expect("it has an id");
                let before = roster.remove(id);
                assert!(before.is_some_and(|before| before < entry.version()), "{entry:?} after {before:?}");
            }
            message.unregister.len()
        }
        other => panic!("{other:?}: {message:?}"),
    }
}

/// Reads to the change of that number; what is there then, and how many were told.
async fn read_to(mut client: Client, last: u64) -> (Roster, usize) {
    let (mut roster, mut told) = (Roster::new(), 0);
    loop {
        let message = client.message().await;
        told += apply(&mut roster, &message);
        let entries = message.register.iter().map(|entry| entry.version());
        let reached = entries.chain(message.unregister.iter().map(|entry| entry.version())).max();
        if reached.is_some_and(|reached| reached >= last) {
            return (roster, told);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_that_stops_and_goes_on_knows_all_and_was_not_cut() {
    let readers = number("FOREGATHER_SLOW_READERS", 20);
    let changes = number("FOREGATHER_SLOW_CHANGES", 20_000);
    rlimit::increase_nofile_limit(u64::MAX).expect("a limit");
    let server = patient_server();
    let mut stopped = Client::connect_narrow(&server).await;
    stopped.granted(rendezvous(NS)).await;
    let mut reading = JoinSet::new();
    // The number of the last change is known when all is done; until then each reads on.
    let (done, _) = tokio::sync::watch::channel(None::<u64>);
    for _ in 0..readers {
        let mut client = Client::connect(&server).await;
        client.granted(rendezvous(NS)).await;
        let mut done = done.subscribe();
        reading.spawn(async move {
            let (mut roster, mut told, mut reached) = (Roster::new(), 0, 0);
            loop {
                let last = *done.borrow_and_update();
                if last.is_some_and(|last| reached >= last) {
                    return (roster, told);
                }
                tokio::select! {
                    message = client.message() => {
                        told += apply(&mut roster, &message);
                        let entries = message.register.iter().map(|entry| entry.version());
                        let left = message.unregister.iter().map(|entry| entry.version());
                        reached = entries.chain(left).max().unwrap_or(reached);
                    }
                    changed = done.changed() => changed.expect("it is told when all is done"),
                }
            }
        });
    }

    let mut writer = Client::connect(&server).await;
    for first in (0..changes).step_by(AT_ONCE) {
        // Those that come or change, then those that leave: their order is no matter.
        let steps: Vec<_> = (first..changes.min(first + AT_ONCE)).map(|number| (number, step(number))).collect();
        let come = steps.iter().filter(|(_, (_, leaves))| !leaves);
        let come: Vec<_> = come.map(|(number, (id, _))| register_at(NS, id, &number.to_string())).collect();
        let leave = steps.iter().filter(|(_, (_, leaves))| *leaves);
        let leave: Vec<_> = leave.map(|(_, (id, _))| unregister(NS, Some(id))).collect();
        writer.send([come, leave].into_iter().filter(|some| !some.is_empty()).map(together)).await;
        writer.silence().await;
    }
    let last = version(&writer.granted(register(NS, "last")).await);
    done.send_replace(Some(last));

    let listed = writer.pages(NS, None).await;
    let there: Roster = listed.register.iter().map(|entry| (id_of(entry).to_owned(), entry.version())).collect();
    let mut most = 0;
    while let Some(reader) = reading.join_next().await {
        let (roster, told) = reader.expect("it hears everything");
        assert_eq!(roster, there);
        most = most.max(told);
    }
    assert_eq!(most, changes + 1, "those who read hear all that happens");

    let (roster, told) = read_to(stopped, last).await;
    println!("{changes} changes, {readers} readers; the one that had stopped was told {told}");
    assert_eq!(roster, there);
    assert!(told < changes / 2, "{told}: it was told what has become of it, not all that happened");
    assert!(server.refusals().is_empty(), "nobody is cut");
}

#[tokio::test]
async fn what_waits_is_no_more_than_there_is_and_answers_stand_behind_it() {
    let server = patient_server();
    let mut stopped = Client::connect_narrow(&server).await;
    stopped.granted(rendezvous(NS)).await;
    let mut writer = Client::connect(&server).await;
    // Enough that it is behind, whatever the system keeps for it.
    for round in 0..400 {
        let address = format!("{round}{}", "x".repeat(250));
        let peers = (0..AT_ONCE).map(|number| register_at(NS, &format!("p{number:02}"), &address));
        writer.send([together(peers)]).await;
        writer.silence().await;
    }
    // What it asks is answered when it has heard what happened before.
    stopped.send([numbered(9, discover(NS))]).await;
    writer.granted(unregister(NS, Some("p00"))).await;
    let last = version(&writer.granted(register(NS, "last")).await);
    let mut roster = Roster::new();
    let answer = loop {
        let message = stopped.message().await;
        if message.request_id == Some(9) {
            break message;
        }
        apply(&mut roster, &message);
    };
    assert_eq!(code(&answer), StatusCode::Ok);
    let listed: Roster = answer.register.iter().map(|entry| (id_of(entry).to_owned(), entry.version())).collect();
    assert_eq!(roster, listed);
    assert_eq!((roster.len(), roster.get("p00"), roster.get("last")), (AT_ONCE, None, Some(&last)));
    stopped.silence().await;
}
