//! Readers that do not read: they cost nobody else anything.

use crate::{client::*, messages::*};
use foregather::{
    server::Server,
    wire::proto::{LeaveReason, Message, MessageType, StatusCode},
};

/// More than any system keeps for connections that are not read from.
const MOST_UPDATES: usize = 20_000;

/// A server whose outboxes are small. It does not linger: what waits for one who
/// was cut must arrive without that.
fn server_of_small_outboxes() -> Server {
    server_with(|options| {
        options.limits.outbox_bytes = 256 * 1024;
        options.limits.outboxes_bytes = 1024 * 1024;
        options.limits.linger_ms = 0;
    })
}

/// Peers that the updates are of, in turn: what waits of one is folded to the latest.
const WRITERS: usize = 200;

/// An update of 4 KiB that differs from the one before.
fn update(number: usize) -> Message {
    let addrs = (0..16).map(|address| format!("{number:08}-{address:02}{}", "x".repeat(245)).into()).collect();
    let id = format!("writer-{}", number % WRITERS);
    let peer = foregather::wire::proto::Peer { id: Some(id), addrs, ..Default::default() };
    register_peer("arena", peer)
}

/// Reads to the end, which must be the word that it was too slow; returns how
/// many messages came before.
async fn read_to_the_cut(client: &mut Client) -> usize {
    let mut before = 0;
    loop {
        let message = client.message().await;
        if message.r#type() == MessageType::Status {
            assert_eq!(code(&message), StatusCode::SlowConsumer);
            client.end().await;
            return before;
        }
        before += 1;
    }
}

/// A client that hears what is written and who is cut.
async fn witness(server: &Server) -> Client {
    let mut witness = Client::connect(server).await;
    for ns in ["sleepers", "arena"] {
        witness.granted(rendezvous(ns)).await;
    }
    witness
}

/// A client that watches and never reads; it is a peer itself, elsewhere.
async fn sleeper(server: &Server, witness: &mut Client, id: &str) -> Client {
    let mut sleeper = Client::connect_narrow(server).await;
    sleeper.granted(register("sleepers", id)).await;
    sleeper.granted(rendezvous("arena")).await;
    assert_eq!(ids(&witness.message().await), [id]);
    sleeper
}

/// Writes until that many sleepers are cut, while a witness hears everything;
/// returns who was cut after how many updates.
async fn write_until_cut(server: &Server, witness: &mut Client, count: usize) -> Vec<(String, usize)> {
    let mut writer = Client::connect(server).await;
    let mut cut = Vec::new();
    let mut number = 0;
    while cut.len() < count {
        number += 1;
        assert!(number < MOST_UPDATES, "only {cut:?} are cut");
        writer.granted(update(number)).await;
        loop {
            let heard = witness.message().await;
            if heard.r#type() == MessageType::Register {
                // Each update is heard, one after the other, whoever sleeps.
                assert_eq!(heard.register[0].peer, update(number).register[0].peer);
                break;
            }
            let [(id, LeaveReason::Slow)] = gone(&heard)[..] else { panic!("{heard:?}") };
            cut.push((id.to_owned(), number));
        }
    }
    cut
}

#[tokio::test]
async fn one_who_never_reads_is_cut_and_disturbs_nobody() {
    let server = server_of_small_outboxes();
    let mut witness = witness(&server).await;
    let mut sleeper = sleeper(&server, &mut witness, "zzz").await;

    let cut = write_until_cut(&server, &mut witness, 1).await;
    assert_eq!(cut[0].0, "zzz");
    // What had been written before arrives whole, and then the word.
    let read = read_to_the_cut(&mut sleeper).await;
    assert!((1..=cut[0].1).contains(&read), "{read} of {}", cut[0].1);
    // What is folded counts for twice its bytes.
    assert!(2 * cut[0].1 * 4_096 > 256 * 1024, "an outbox was not full after {} updates", cut[0].1);
    witness.until("both are gone", || server.sessions() == 1).await;
}

#[tokio::test]
async fn all_that_do_not_read_share_one_bound() {
    // Eight outboxes would take 2 MiB; together they have 1 MiB.
    const SLEEPERS: usize = 8;
    let server = server_of_small_outboxes();
    let mut witness = witness(&server).await;
    let mut sleepers = Vec::new();
    for number in 0..SLEEPERS {
        sleepers.push(sleeper(&server, &mut witness, &format!("z{number}")).await);
    }
    let cut = write_until_cut(&server, &mut witness, SLEEPERS).await;
    let mut least_waiting = usize::MAX;
    for (id, updates) in cut {
        let number: usize = id[1..].parse().expect("a sleeper's id is its number");
        let read = read_to_the_cut(&mut sleepers[number]).await;
        // What was thrown away is what waited in the outbox.
        least_waiting = least_waiting.min(updates - read);
    }
    assert!(least_waiting * 4_200 < 256 * 1024, "no outbox was cut before it was full itself");
    witness.until("all are gone", || server.sessions() == 1).await;
}

#[tokio::test]
async fn one_who_asks_for_much_and_does_not_read_is_not_worked_for_until_it_does() {
    const LISTS: u64 = 60;
    let server = server_of_small_outboxes();
    let mut crowd = Client::connect(&server).await;
    let address = "x".repeat(200);
    crowd.send((0..1_000).map(|number| register_at("lists", &format!("{number:04}"), &address))).await;
    crowd.silence().await;

    // 15 MB of answers: far more than an outbox, and all its own doing.
    let mut client = Client::connect_narrow(&server).await;
    client.send((0..LISTS).map(|number| numbered(number, discover("lists")))).await;

    // They are not made before they are read: another one who does not read still
    // has room to fill its own outbox before it is cut.
    let mut witness = witness(&server).await;
    let mut sleeper = sleeper(&server, &mut witness, "zzz").await;
    let cut = write_until_cut(&server, &mut witness, 1).await;
    let waiting = cut[0].1 - read_to_the_cut(&mut sleeper).await;
    assert!(2 * waiting * 4_200 > 256 * 1024, "it was cut when {waiting} updates waited for it");

    for number in 0..LISTS {
        assert_eq!(client.rest_of_list(number).await.register.len(), 1_000);
    }
    client.silence().await;
}

#[tokio::test]
async fn one_who_reads_is_not_cut_for_what_others_leave_unread() {
    const SLEEPERS: usize = 8;
    const AT_ONCE: usize = 50;
    // Their outboxes have room enough; it is the bound over all that they reach.
    let server = server_with(|options| {
        options.limits.outbox_bytes = 1024 * 1024;
        options.limits.outboxes_bytes = 1024 * 1024;
    });
    let mut witness = witness(&server).await;
    let mut sleepers = Vec::new();
    for number in 0..SLEEPERS {
        sleepers.push(sleeper(&server, &mut witness, &format!("z{number}")).await);
    }
    // Changes that come together wait together for a moment, for the best of
    // readers too.
    let mut writer = Client::connect(&server).await;
    let (mut cut, mut round) = (0, 0);
    while cut < SLEEPERS {
        round += 1;
        assert!(round * AT_ONCE < MOST_UPDATES * 2, "only {cut} are cut");
        let address = format!("{round}{}", "x".repeat(250));
        writer.send([together((0..AT_ONCE).map(|number| register_at("arena", &number.to_string(), &address)))]).await;
        let mut heard = 0;
        while heard < AT_ONCE {
            let message = witness.message().await;
            if message.r#type() == MessageType::Register {
                heard += 1;
            } else {
                assert_eq!(gone(&message)[0].1, LeaveReason::Slow);
                cut += 1;
            }
        }
    }
    witness.silence().await;
}

#[tokio::test]
async fn what_waits_for_one_who_sends_no_more_is_written_all_the_same() {
    // 8 MB, more than the system takes; the outbox has room for the rest.
    const UPDATES: usize = 2_000;
    let server = server_with(|options| {
        options.limits.outbox_bytes = 64 << 20;
        options.limits.linger_ms = 0;
    });
    let mut witness = Client::connect(&server).await;
    witness.granted(rendezvous("sleepers")).await;
    let mut sleeper = sleeper(&server, &mut witness, "zzz").await;
    let mut writer = Client::connect(&server).await;
    for number in 0..UPDATES {
        writer.granted(update(number)).await;
    }
    sleeper.half_close().await;
    assert_eq!(gone(&witness.message().await), [("zzz", LeaveReason::Disconnected)]);
    for number in 0..UPDATES {
        assert_eq!(sleeper.message().await.register[0].peer, update(number).register[0].peer);
    }
    sleeper.end().await;
}
