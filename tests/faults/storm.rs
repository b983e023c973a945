//! Thousands who lose their connections at once, and come back at once.

use crate::{client::*, messages::*, program::Server, watching::*};
use bytes::Bytes;
use foregather::wire::proto::{MessageType, RegistrationState, StatusCode};
use std::{
    collections::BTreeMap,
    fs,
    time::{Duration, Instant},
};
use tokio::task::JoinSet;

const PLAYERS: usize = 5_000;

/// Members of each game.
const SEATS: usize = 8;

/// Until when all are back. About a second on two cores that do nothing else.
const BACK_WITHIN: Duration = Duration::from_secs(15);

/// What the server's memory may grow by over what it takes when all are there.
const MORE_KIB: u64 = 64 * 1_024;

fn game_of(number: usize) -> String {
    format!("storm/{:04}", number / SEATS)
}

fn id_of_player(number: usize) -> String {
    format!("player-{number:05}")
}

/// KiB of memory that the server has at the moment, and had at most.
fn memory_kib(server: &Server) -> (u64, u64) {
    let status = fs::read_to_string(format!("/proc/{}/status", server.program.child.id())).expect("Linux has it");
    let kib = |name: &str| {
        let line = status.lines().find_map(|line| line.strip_prefix(name)).expect("Linux tells it");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    };
    (kib("VmRSS:"), kib("VmHWM:"))
}

struct There {
    client: Client,
    token: Bytes,
}

/// All come at once: the first time into their games, or back to them.
async fn all_come(server: &Server, tokens: Vec<Option<Bytes>>) -> Vec<There> {
    let server = address(server);
    let mut coming = JoinSet::new();
    for (number, resume) in tokens.into_iter().enumerate() {
        coming.spawn(async move {
            let (ns, id) = (game_of(number), id_of_player(number));
            let mut client = Client::connect_to(server).await;
            let (hello, entry) = match &resume {
                Some(token) => (resuming(token), renew(&ns, &id)),
                None => (hello(), register(&ns, &id)),
            };
            let requests = [hello, leased(LONG, entry), rendezvous(&ns)];
            client.send((1..).zip(requests).map(|(number, request)| numbered(number, request))).await;
            let mut token = Bytes::new();
            let mut answered = 0;
            while answered < 3 {
                let message = client.message().await;
                if message.request_id.is_none() {
                    assert_eq!(message.r#type(), MessageType::Register, "nobody leaves: {message:?}");
                    continue;
                }
                assert_eq!(code(&message), StatusCode::Ok, "{message:?}");
                answered += 1;
                if let Some(welcome) = message.welcome {
                    assert_eq!(welcome.resumed(), resume.is_some());
                    token = welcome.resume.expect("it holds a token");
                }
            }
            (number, There { client, token })
        });
    }
    let mut there = BTreeMap::new();
    while let Some(one) = coming.join_next().await {
        let (number, one) = one.expect("it came");
        there.insert(number, one);
    }
    there.into_values().collect()
}

/// Reads until all have been heard of in that state, and nobody has left.
async fn all_heard(watcher: &mut Client, state: RegistrationState) {
    let mut heard = 0;
    while heard < PLAYERS {
        let message = watcher.message().await;
        assert_eq!(message.r#type(), MessageType::Register, "somebody left: {message:?}");
        assert!(message.register.iter().all(|entry| entry.state() == state), "{message:?}");
        heard += message.register.len();
    }
    assert_eq!(heard, PLAYERS, "nobody twice");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn five_thousand_who_reconnect_at_once() {
    // The server takes what files it may; so does this.
    let files = rlimit::increase_nofile_limit(u64::MAX).expect("a limit");
    assert!(files > 2 * PLAYERS as u64 + 100, "{files} files are too few for it; see ulimit -n");
    let server = Server::start();
    let mut watcher = watcher_of(address(&server), "storm/**").await;
    let there = all_come(&server, vec![None; PLAYERS]).await;
    all_heard(&mut watcher, PRESENT).await;
    let (before, _) = memory_kib(&server);

    let tokens: Vec<_> = there.iter().map(|one| Some(one.token.clone())).collect();
    there.into_iter().for_each(|one| one.client.reset());
    all_heard(&mut watcher, AWAY).await;
    let begun = Instant::now();
    let there = all_come(&server, tokens).await;
    let took = begun.elapsed();
    all_heard(&mut watcher, PRESENT).await;
    watcher.silence().await;
    let (after, most) = memory_kib(&server);
    println!("{PLAYERS} back after {took:?}; server {before} KiB before, {after} after, {most} at most");
    assert!(took < BACK_WITHIN, "{took:?}");
    assert!(most < before + MORE_KIB, "{most} KiB, {before} before");

    // Once more, before the server has noticed that anything was lost.
    let tokens: Vec<_> = there.iter().map(|one| Some(one.token.clone())).collect();
    let begun = Instant::now();
    let back = all_come(&server, tokens).await;
    let took = begun.elapsed();
    let mut told = 0;
    for mut old in there {
        // Others of its game that came back, then that it is over.
        while let Some(message) = old.client.next().await {
            if message.r#type() == MessageType::Status {
                assert_eq!(code(&message), StatusCode::Superseded);
                told += 1;
            }
        }
    }
    assert_eq!(told, PLAYERS);
    watcher.silence().await;
    let (after, most) = memory_kib(&server);
    println!("{PLAYERS} took over after {took:?}; server {after} KiB, {most} at most");
    assert!(took < BACK_WITHIN, "{took:?}");
    assert!(most < before + MORE_KIB, "{most} KiB, {before} before");
    drop(back);
}
