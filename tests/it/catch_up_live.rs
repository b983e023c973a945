//! A watcher that is lost and comes back again and again, while others change
//! everything: what it was told once, what it missed, and what it hears then fit
//! together without a gap and without anything twice.

use crate::{client::*, messages::*};
use foregather::wire::proto::{self, Message, MessageType};
use std::{collections::BTreeMap, net::SocketAddr};
use tokio::task::JoinHandle;

const NS: &str = "chess/lobby";
const WRITERS: usize = 4;
const STEPS: u32 = 400;

/// It is there all the time, so that the namespace is.
const WITNESS: &str = "witness";

/// What a writer does in its step `number`: it comes, it changes, and every seventh
/// time it leaves. After the last it is there.
fn step(id: &str, number: u32) -> Message {
    if leaves(number) { unregister(NS, Some(id)) } else { register_at(NS, id, &number.to_string()) }
}

fn leaves(number: u32) -> bool {
    number % 7 == 6
}

fn step_of(entry: &proto::Register) -> u32 {
    let address = &entry.peer.as_ref().expect("who is listed is a peer").addrs[0];
    std::str::from_utf8(address).ok().and_then(|text| text.parse().ok()).expect("a writer's address is its step")
}

async fn write(address: SocketAddr, id: String) -> Client {
    let mut writer = Client::connect_to(address).await;
    for number in 0..STEPS {
        writer.send([step(&id, number)]).await;
        if number % 5 == 0 {
            writer.silence().await;
        }
    }
    writer.silence().await;
    writer
}

/// What a watcher knows, over all of its connections.
#[derive(Default)]
struct Known {
    /// Of each writer the step that must be heard next.
    next: BTreeMap<String, u32>,
    /// The number of the last change that each is known by.
    versions: BTreeMap<String, u64>,
    cursor: u64,
    catch_ups: usize,
    snapshots: usize,
    /// Changes that were told in catch-ups.
    missed: usize,
}

impl Known {
    /// Comes back, and takes what it is told of the time in between.
    async fn back(&mut self, address: SocketAddr) -> Client {
        let mut client = Client::connect_to(address).await;
        let message = client.list(rendezvous_since(NS, self.cursor)).await;
        let [heading] = &message.rendezvous[..] else { panic!("one heading: {message:?}") };
        if heading.snapshot() {
            self.snapshots += 1;
            self.versions.clear();
            for entry in message.register.iter().filter(|entry| id_of(entry) != WITNESS) {
                self.next.insert(id_of(entry).to_owned(), step_of(entry) + 1);
                self.versions.insert(id_of(entry).to_owned(), entry.version());
            }
            // Whoever is not listed has left, in whichever step that was.
            self.next.retain(|id, _| self.versions.contains_key(id));
        } else {
            self.catch_ups += 1;
            self.missed += message.register.len() + message.unregister.len();
            for entry in &message.register {
                let (id, step) = (id_of(entry), step_of(entry));
                assert!(self.next.get(id).is_none_or(|&next| step >= next), "{id} went back to {step}");
                assert!(entry.version() > self.cursor, "{entry:?} was heard before");
                self.next.insert(id.to_owned(), step + 1);
            }
            for entry in &message.unregister {
                let id = entry.peer.as_ref().and_then(|peer| peer.id.as_deref()).expect("it has an id");
                assert!(entry.version() > self.cursor, "{entry:?} was heard before");
                // In which step is not told: it begins a round anew.
                self.next.remove(id);
            }
        }
        self.cursor = self.cursor.max(heading.version());
        client
    }

    /// Takes one announcement, which must be of the step after the last.
    fn hear(&mut self, message: &Message) {
        let (id, number) = match message.r#type() {
            MessageType::Register => (ids(message)[0], Some(step_of(&message.register[0]))),
            _ => (gone(message)[0].0, None),
        };
        assert!(version(message) > self.cursor, "heard before: {message:?}");
        self.cursor = version(message);
        let expected = match (self.next.get(id), number) {
            (Some(&expected), _) => expected,
            (None, Some(number)) if number % 7 == 0 => number,
            (None, _) => panic!("nobody knows {id}: {message:?}"),
        };
        match number {
            Some(number) => assert_eq!(number, expected, "{id}"),
            None => assert!(leaves(expected), "{id} leaves instead of step {expected}"),
        }
        if leaves(expected) && number.is_none() {
            self.next.remove(id);
        } else {
            self.next.insert(id.to_owned(), expected + 1);
        }
    }

    fn is_done(&self) -> bool {
        self.next.len() == WRITERS && self.next.values().all(|&next| next == STEPS)
    }
}

/// A watcher whose connection is lost after so many announcements, again and again.
async fn follow(address: SocketAddr, after: usize) -> Known {
    let mut known = Known::default();
    while !known.is_done() {
        let mut client = known.back(address).await;
        for _ in 0..after {
            if known.is_done() {
                break;
            }
            known.hear(&client.message().await);
        }
        if known.is_done() {
            client.silence().await;
        }
        // What was on its way is lost with it.
        client.reset();
    }
    known
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_watcher_that_is_lost_again_and_again_misses_nothing_and_hears_nothing_twice() {
    let server = server_with(|options| options.threads = 2);
    let address = server.local_addr();
    let mut witness = Client::connect(&server).await;
    witness.granted(register(NS, WITNESS)).await;
    let followers: Vec<JoinHandle<Known>> =
        [1, 3, 10, 40].into_iter().map(|after| tokio::spawn(follow(address, after))).collect();
    let writers: Vec<_> = (0..WRITERS).map(|number| tokio::spawn(write(address, format!("w{number}")))).collect();
    for follower in followers {
        let Known { catch_ups, snapshots, missed, .. } = follower.await.expect("it has heard everything");
        println!("{catch_ups} catch-ups with {missed} changes, {snapshots} snapshots");
        assert!(catch_ups > 3 && missed > 3, "nothing was tried");
    }
    for writer in writers {
        writer.await.expect("it has done its steps");
    }
}
