//! A snapshot and the announcements after it, while others change everything:
//! no gap between them and nothing twice.

use crate::{client::*, messages::*};
use foregather::{
    server::Server,
    wire::proto::{self, Message, MessageType, StatusCode},
};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

const NS: &str = "chess/lobby";
const WRITERS: usize = 4;
const STEPS: u32 = 300;

/// What a writer does in its step `number`: it comes, it changes, and every
/// seventh time it leaves. After the last it is there.
fn step(id: &str, number: u32) -> Message {
    if leaves(number) { unregister(NS, Some(id)) } else { register_at(NS, id, &number.to_string()) }
}

fn leaves(number: u32) -> bool {
    number % 7 == 6
}

async fn write(address: SocketAddr, id: String) -> Client {
    let mut writer = Client::connect_to(address).await;
    for number in 0..STEPS {
        writer.send([step(&id, number)]).await;
        if number % 10 == 0 {
            writer.silence().await;
        }
    }
    writer.silence().await;
    writer
}

/// Follows the writers, and knows for each which step must be heard next.
struct Follower {
    client: Client,
    next: BTreeMap<String, u32>,
}

impl Follower {
    async fn enter(address: SocketAddr, pattern: &str) -> Self {
        let mut client = Client::connect_to(address).await;
        let snapshot = client.granted(rendezvous(pattern)).await;
        let mut next = BTreeMap::new();
        for entry in &snapshot.register {
            let listed = next.insert(id_of(entry).to_owned(), step_of(entry) + 1);
            assert!(listed.is_none(), "listed twice: {entry:?}");
        }
        Self { client, next }
    }

    /// Hears one announcement, which must be of the step after the last.
    async fn hear(&mut self) {
        let message = self.client.message().await;
        let (id, number) = match message.r#type() {
            MessageType::Register => (ids(&message)[0], Some(step_of(&message.register[0]))),
            _ => (gone(&message)[0].0, None),
        };
        // One that was not listed is before its first step or has left: what
        // comes next is the beginning of a round.
        let expected = match (self.next.get(id), number) {
            (Some(&expected), _) => expected,
            (None, Some(number)) if number % 7 == 0 => number,
            (None, _) => panic!("nobody knows {id}: {message:?}"),
        };
        match number {
            Some(number) => assert_eq!(number, expected, "{id}"),
            None => assert!(leaves(expected), "{id} leaves instead of step {expected}"),
        }
        self.next.insert(id.to_owned(), expected + 1);
    }

    fn is_done(&self) -> bool {
        self.next.len() == WRITERS && self.next.values().all(|&next| next == STEPS)
    }

    async fn hear_to_the_end(mut self) {
        while !self.is_done() {
            self.hear().await;
        }
        self.client.silence().await;
    }
}

fn step_of(entry: &proto::Register) -> u32 {
    let address = &entry.peer.as_ref().expect("who is listed is a peer").addrs[0];
    std::str::from_utf8(address).ok().and_then(|text| text.parse().ok()).expect("a writer's address is its step")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn watchers_that_come_while_others_write_miss_nothing_and_hear_nothing_twice() {
    let server = server_with(|options| options.threads = 2);
    let address = server.local_addr();
    let mut first = Follower::enter(address, NS).await;
    let writers: Vec<_> = (0..WRITERS).map(|number| tokio::spawn(write(address, format!("w{number}")))).collect();

    let mut others = Vec::new();
    for pattern in [NS, "chess/*", "chess/**"].iter().cycle().take(24) {
        // The writing goes on between one entrance and the next.
        for _ in 0..40 {
            first.hear().await;
        }
        others.push(tokio::spawn(async move { Follower::enter(address, pattern).await.hear_to_the_end().await }));
    }
    first.hear_to_the_end().await;
    for other in others {
        other.await.expect("it has heard everything");
    }
    for writer in writers {
        writer.await.expect("it has done its steps");
    }
}

const CROWD: usize = 5_000;

/// Bytes of a peer's addresses; all of them are more than the system keeps for a
/// connection that is not read from (4 MiB on Linux).
const ADDRESSES_BYTES: usize = 8 * 200;

/// Two connections that hold `CROWD` peers between them, the first half and the
/// second.
async fn crowd(server: &Server) -> [Client; 2] {
    let mut halves = [Client::connect(server).await, Client::connect(server).await];
    for (half, client) in halves.iter_mut().enumerate() {
        let numbers = half * CROWD / 2..(half + 1) * CROWD / 2;
        for some in numbers.collect::<Vec<_>>().chunks(25) {
            client.send([together(some.iter().map(|number| long(member(*number))))]).await;
        }
        client.silence().await;
    }
    halves
}

/// REGISTER of a peer that takes its room.
fn long(id: String) -> Message {
    let addrs = vec!["x".repeat(200).into(); ADDRESSES_BYTES / 200];
    register_peer(NS, proto::Peer { id: Some(id), addrs, ..proto::Peer::default() })
}

fn member(number: usize) -> String {
    format!("m{number:04}")
}

/// What a watcher knows: each peer with the number of its last change.
#[derive(Default)]
struct View {
    peers: BTreeMap<String, u64>,
    /// Announcements that came before the list was complete.
    early: usize,
}

impl View {
    fn list(&mut self, part: &Message) {
        for entry in &part.register {
            let known = self.peers.insert(id_of(entry).into(), entry.version.expect("a change is numbered"));
            assert!(known.is_none(), "{} is listed and was known", id_of(entry));
        }
    }

    fn hear(&mut self, message: &Message) {
        match message.r#type() {
            MessageType::Register => {
                for entry in &message.register {
                    let known = self.peers.insert(id_of(entry).into(), entry.version());
                    assert!(known < Some(entry.version()), "old news: {message:?}");
                }
            }
            _ => {
                for entry in &message.unregister {
                    let known = self.peers.remove(entry.peer.as_ref().expect("somebody is gone").id());
                    assert!(known.is_some_and(|known| known < entry.version()), "nobody knew it: {message:?}");
                }
            }
        }
    }
}

/// Changes the crowd at a place that differs from round to round: one changes,
/// one leaves and may come back, one comes who was never there.
async fn churn(half: &mut Client, round: usize) {
    let place = |step: usize| member(round * step % (CROWD / 2));
    half.send([
        register_at(NS, &place(397), &format!("round {round}")),
        unregister(NS, Some(&member(round % 40 * 61))),
        register(NS, &format!("n{round:04}")),
        register_at(NS, &member(round % 30 * 61), &"y".repeat(200)),
    ])
    .await;
    for refusal in half.settle().await {
        assert_eq!(code(&refusal), StatusCode::NotFound, "somebody who had left before");
    }
}

#[tokio::test]
async fn a_list_of_thousands_comes_in_parts_and_is_whole_though_it_changes_meanwhile() {
    for pattern in [NS, "chess/*", "chess/**"] {
        let server = server();
        let [mut half, _other_half] = crowd(&server).await;
        // It reads slowly, so that the server has to wait in the middle of the list.
        let mut watcher = Client::connect_narrow(&server).await;
        watcher.send([numbered(1, rendezvous(pattern))]).await;
        let (mut view, mut parts, mut rounds) = (View::default(), 0, 0);
        loop {
            let message = watcher.message().await;
            if message.request_id == Some(1) {
                parts += 1;
                view.list(&message);
                if !message.more() {
                    break;
                }
                for _ in 0..3 {
                    churn(&mut half, rounds).await;
                    rounds += 1;
                }
            } else {
                view.early += 1;
                view.hear(&message);
            }
        }
        assert!(parts > CROWD * ADDRESSES_BYTES / (64 * 1024), "{pattern} in {parts} parts");
        assert!(view.early > 0, "{pattern}: nothing has changed behind the list's back");
        churn(&mut half, rounds).await;
        half.send([register(NS, "end")]).await;
        while !view.peers.contains_key("end") {
            view.hear(&watcher.message().await);
        }

        let truth = watcher.pages(NS, None).await;
        assert_eq!(view.peers.len(), truth.register.len());
        let truth = truth.register.iter().map(|entry| (id_of(entry).to_owned(), entry.version.unwrap_or(0))).collect();
        assert!(view.peers == truth, "{pattern}: the watcher knows something else than there is");
    }
}

#[tokio::test]
async fn a_client_of_the_seed_gets_a_long_list_in_frames_that_it_can_read() {
    let server = server();
    let _crowd = crowd(&server).await;
    for request in [rendezvous(NS), discover(NS)] {
        let mut client = Client::connect(&server).await;
        client.send([request]).await;
        let mut seen = BTreeSet::new();
        while seen.len() < CROWD {
            // That no frame is over the limit is looked at wherever one is read.
            let message = client.message().await;
            assert_eq!((message.r#type(), message.request_id, message.more), (MessageType::Register, None, None));
            assert!(!message.register.is_empty());
            for entry in &message.register {
                assert!(seen.insert(id_of(entry).to_owned()), "{} is listed twice", id_of(entry));
            }
        }
        client.silence().await;
    }
}

#[tokio::test]
async fn many_namespaces_are_listed_whole_too() {
    let server = server_with(|options| options.limits.registrations_per_connection = CROWD);
    let mut holder = Client::connect(&server).await;
    let names: Vec<_> = (0..CROWD).map(|number| format!("chess/{number:04}/{}", number % 3)).collect();
    for some in names.chunks(500) {
        holder.send([together(some.iter().map(|ns| register(ns, "a")))]).await;
    }
    holder.silence().await;
    let mut watcher = Client::connect(&server).await;
    let list = watcher.list(rendezvous("chess/**")).await;
    let listed: BTreeSet<_> = list.register.iter().filter_map(|entry| entry.ns.clone()).collect();
    assert_eq!((listed.len(), list.register.len()), (CROWD, CROWD));
    assert!(watcher.list(rendezvous("chess/*")).await.register.is_empty());
    assert_eq!(watcher.list(rendezvous("chess/0007/*")).await.register.len(), 1);
}
