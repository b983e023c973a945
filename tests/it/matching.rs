//! MATCH: a seat in whichever open game is nearest to full, in one round trip.

use crate::{client::*, messages::*};
use bytes::Bytes;
use foregather::wire::proto::{Game, LeaveReason, MessageType, StatusCode};

/// Makes a game there with that many members, the owner one of them.
async fn fill(client: &mut Client, ns: &str, members: u32, settings: Game) {
    client.granted(host(ns, "owner", settings)).await;
    for member in 2..=members {
        client.granted(register(ns, &format!("{member}"))).await;
    }
}

/// The name of the game that MATCH gives a seat in, to a newcomer.
async fn seat(client: &mut Client, pool: &str, id: &str) -> String {
    game(&client.granted(quick_match(pool, id)).await).ns().to_owned()
}

#[tokio::test]
async fn the_fullest_open_game_is_taken_the_oldest_among_equals_and_unlimited_ones_last() {
    let server = server();
    let mut owner = Client::connect(&server).await;
    for (ns, members, capacity) in [
        ("arena/unlimited-1", 9, 0),
        ("arena/roomy", 4, 8),
        ("arena/full", 3, 3),
        // As full by number, not by what is free.
        ("arena/pair-1", 1, 3),
        ("arena/pair-2", 20, 22),
        ("arena/unlimited-2", 9, 0),
        ("arena/last-seat", 31, 32),
    ] {
        fill(&mut owner, ns, members, seats(capacity)).await;
    }
    let expected = [
        &["arena/last-seat"; 1][..],
        &["arena/pair-1"; 2],
        &["arena/pair-2"; 2],
        &["arena/roomy"; 4],
        &["arena/unlimited-1"; 5],
    ]
    .concat();
    let mut players: [Client; 16] = clients(&server).await;
    let mut next = players.iter_mut();
    for (number, (ns, player)) in expected.iter().zip(&mut next).enumerate() {
        assert_eq!(seat(player, "arena", &format!("p{number}")).await, *ns, "player {number}");
    }
    // A game that becomes the nearest to full goes first, whatever its age.
    owner.granted(unregister("arena/full", Some("3"))).await;
    assert_eq!(seat(next.next().expect("one is left"), "arena", "q").await, "arena/full");
    owner.granted(host("arena/unlimited-2", "owner", seats(10))).await;
    assert_eq!(seat(next.next().expect("one is left"), "arena", "r").await, "arena/unlimited-2");
}

#[tokio::test]
async fn the_answer_is_the_game_with_its_roster_and_what_follows_is_heard() {
    let server = server();
    let [mut ada, mut bob, mut eve] = clients(&server).await;
    ada.granted(host("arena/1", "ada", seats(3))).await;
    ada.granted(register("arena/1", "ada's other")).await;
    ada.granted(rendezvous("arena/1")).await;

    let answer = bob.granted(quick_match("arena", "bob")).await;
    assert_eq!((answer.r#type(), ids(&answer)), (MessageType::Match, vec!["bob", "ada", "ada's other"]));
    assert_eq!(answer.register[0].ttl_secs, Some(0));
    assert!(answer.register.iter().all(|entry| entry.ns.as_deref() == Some("arena/1")));
    let [heading] = &answer.rendezvous[..] else { panic!("one heading: {answer:?}") };
    assert_eq!((heading.ns.as_deref(), heading.snapshot), (Some("arena/1"), Some(true)));
    assert_eq!((heading.version, game(&answer).version), (Some(version(&answer)), Some(version(&answer))));
    assert_eq!((game(&answer).members, game(&answer).owner()), (Some(3), "ada"));
    bob.silence().await;

    // Those who were there hear of it as of any who comes.
    let heard = ada.message().await;
    assert_eq!((heard.r#type(), ids(&heard), version(&heard)), (MessageType::Register, vec!["bob"], version(&answer)));
    ada.granted(unregister("arena/1", Some("ada's other"))).await;
    assert_eq!(gone(&bob.message().await), [("ada's other", LeaveReason::Unregistered)]);
    eve.granted(register("arena/1", "eve")).await;
    assert_eq!(ids(&bob.message().await), ["eve"]);
    // It is in rendezvous there, and may leave that.
    bob.granted(leave("arena/1")).await;
    eve.granted(unregister("arena/1", None)).await;
    bob.silence().await;
}

#[tokio::test]
async fn addresses_are_given_as_they_were_registered() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    let mut request = match_or_create("arena", "", seats(2));
    request.r#match.as_mut().expect("it is a MATCH").peer = Some(peer_at("ada", "0.0.0.0:7777"));
    assert_eq!(addresses(&ada.granted(request).await), ["192.0.2.1:7777"]);
    let answer = bob.granted(quick_match("arena", "bob")).await;
    let theirs = answer.register[1].peer.as_ref().expect("who is listed is a peer");
    assert_eq!(theirs.addrs, [Bytes::from_static(b"192.0.2.1:7777")]);
}

#[tokio::test]
async fn games_that_are_not_open_are_not_taken() {
    let server = server();
    let [mut owner, mut bob] = clients(&server).await;
    let guarded = Game { secret: Some(Bytes::from_static(b"hunter2")), ..Game::default() };
    let versioned = Game { app_version: Some("1.4".into()), ..Game::default() };
    for (ns, settings) in [
        ("arena/unlisted", Game { listed: Some(false), ..Game::default() }),
        ("arena/locked", Game { locked: Some(true), ..Game::default() }),
        ("arena/guarded", guarded),
        ("arena/versioned", versioned),
        ("arena/full", seats(1)),
        ("arena/below/1", seats(2)),
        ("arena", seats(2)),
        ("arena-2/1", seats(2)),
    ] {
        owner.granted(host(ns, "owner", settings)).await;
    }
    owner.granted(register("arena/no-game", "owner")).await;
    // The id that it wants is taken there.
    owner.granted(host("arena/taken", "owner", seats(3))).await;
    owner.granted(register("arena/taken", "bob")).await;
    let before = bob.granted(discover("arena/**")).await;
    bob.refused(quick_match("arena", "bob"), StatusCode::NoOpenGame).await;
    for version in ["1.3", "1.40"] {
        bob.refused(of_version(version, quick_match("arena", "bob")), StatusCode::NoOpenGame).await;
    }
    bob.refused(quick_match("nothing", "bob"), StatusCode::NoOpenGame).await;
    assert_eq!(bob.granted(discover("arena/**")).await, before, "nobody was registered on the way");

    let answer = bob.granted(of_version("1.4", quick_match("arena", "bob"))).await;
    assert_eq!(game(&answer).ns(), "arena/versioned");
    assert_eq!(seat(&mut bob, "arena/below", "bob").await, "arena/below/1");
}

#[tokio::test]
async fn who_is_banned_gets_a_seat_elsewhere() {
    let server = server();
    let [mut ada, mut bob, mut eve] = clients(&server).await;
    ada.granted(host("arena/1", "ada", seats(3))).await;
    bob.granted(register("arena/1", "bob")).await;
    ada.granted(ban("arena/1", "bob")).await;
    bob.settle().await;
    for id in ["bob", "robert"] {
        bob.refused(quick_match("arena", id), StatusCode::NoOpenGame).await;
    }
    eve.refused(quick_match("arena", "bob"), StatusCode::NoOpenGame).await;
    ada.granted(host("arena/2", "ada", seats(9))).await;
    assert_eq!(seat(&mut bob, "arena", "bob").await, "arena/2");
    assert_eq!(seat(&mut eve, "arena", "eve").await, "arena/1");
}

#[tokio::test]
async fn a_repeat_is_harmless() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    ada.granted(host("arena/1", "ada", seats(4))).await;
    ada.granted(rendezvous("arena/1")).await;
    let first = bob.granted(quick_match("arena", "bob")).await;
    assert_eq!(ids(&ada.message().await), ["bob"]);
    let without_id = {
        let mut message = quick_match("arena", "bob");
        message.r#match.as_mut().expect("it is a MATCH").peer = None;
        message
    };
    // There is a better one by now; and the game that it sits in is closed to others.
    ada.granted(host("arena/2", "ada", seats(2))).await;
    ada.granted(host("arena/1", "ada", Game { locked: Some(true), ..Game::default() })).await;
    bob.settle().await;
    for request in [
        quick_match("arena", "bob"),
        without_id,
        match_or_create("arena", "bob", seats(9)),
        match_or_wait("arena", "bob", 1_000),
    ] {
        let again = bob.granted(request.clone()).await;
        assert_eq!((again.r#type(), &again.register), (MessageType::Match, &first.register), "{request:?}");
        assert_eq!((game(&again).ns(), game(&again).locked), ("arena/1", Some(true)));
    }
    ada.silence().await;
    bob.silence().await;

    // A watch that was left is there again.
    bob.granted(leave("arena/1")).await;
    bob.granted(quick_match("arena", "bob")).await;
    ada.granted(host("arena/1", "ada", Game { locked: Some(false), ..Game::default() })).await;
    assert_eq!(game(&bob.message().await).locked, Some(false));

    // Another id is another seat, in the same game or in a better one.
    assert_eq!(seat(&mut bob, "arena", "robert").await, "arena/2");
    let answer = bob.granted(quick_match("arena", "rob")).await;
    assert_eq!((game(&answer).ns(), ids(&answer)), ("arena/1", vec!["rob", "ada"]));
    assert_eq!(ids(&ada.message().await), ["rob"]);
    assert_eq!(ids(&ada.list(discover("arena/1")).await), ["ada", "bob", "rob"]);
}

#[tokio::test]
async fn hello_and_match_go_in_one_segment_and_all_is_answered_in_order() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    ada.granted(host("arena/1", "ada", seats(3))).await;
    let requests = [hello(), quick_match("arena", "bob"), discover("arena/1"), quick_match("arena", "bob")];
    bob.send(requests.into_iter().zip(1..).map(|(request, number)| numbered(number, request))).await;
    use MessageType::{Match, Register, Welcome};
    for (number, kind) in [(1, Welcome), (2, Match), (3, Register), (4, Match)] {
        let answer = bob.message().await;
        assert_eq!((answer.request_id, answer.r#type(), code(&answer)), (Some(number), kind, StatusCode::Ok));
        assert!(kind == Welcome || answer.register.len() == 2, "{answer:?}");
    }
    bob.silence().await;
}

#[tokio::test]
async fn the_roster_of_a_big_game_comes_in_several_frames() {
    const CROWD: usize = 3_000;
    let server = server();
    let [mut owner, mut bob] = clients(&server).await;
    owner.granted(host("arena/1", "owner", seats(0))).await;
    let names: Vec<_> = (0..CROWD).map(|number| format!("{number:04}")).collect();
    for some in names.chunks(500) {
        owner.send([together(some.iter().map(|id| register("arena/1", id)))]).await;
    }
    owner.silence().await;
    bob.send([numbered(7, quick_match("arena", "bob"))]).await;
    let mut listed = Vec::new();
    for number in 0.. {
        let part = bob.message().await;
        assert_eq!((part.request_id, part.r#type(), code(&part)), (Some(7), MessageType::Match, StatusCode::Ok));
        assert_eq!(part.game.len(), usize::from(number == 0), "the game stands in the first frame");
        assert_eq!((part.rendezvous.len(), part.rendezvous[0].snapshot), (1, Some(true)));
        listed.extend(ids(&part).into_iter().map(str::to_owned));
        if !part.more() {
            assert!(number > 0, "it is too much for one frame");
            break;
        }
    }
    assert_eq!((listed[0].as_str(), listed[1].as_str()), ("bob", "owner"));
    assert_eq!(listed[2..], names);
}
