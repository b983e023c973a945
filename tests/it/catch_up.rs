//! Who comes back and says what it heard last gets what has changed since, or a
//! snapshot, and is told which.

use crate::{client::*, messages::*};
use foregather::{
    server::Server,
    wire::proto::{Game, Message, MessageType, RegistrationState, StatusCode},
};
use std::{
    collections::BTreeSet,
    time::{Duration, Instant},
};

const NS: &str = "chess/K7QP";

/// Longer than any test takes.
const LONG: u32 = 600;

/// The version that the list, or what has changed, stands at.
fn heading(message: &Message) -> u64 {
    let [heading] = &message.rendezvous[..] else { panic!("one heading: {message:?}") };
    heading.version.expect("it stands at a version")
}

/// What has changed, in the order in which it did: "+ada" came or changed, "~ada" is
/// away, "-ada KICKED" left.
#[track_caller]
fn changes(message: &Message) -> Vec<String> {
    assert_eq!((message.r#type(), code(message)), (MessageType::Register, StatusCode::Ok), "{message:?}");
    let [heading] = &message.rendezvous[..] else { panic!("one heading: {message:?}") };
    assert_eq!(heading.snapshot, Some(false), "a catch-up: {message:?}");
    assert_eq!(heading.ns.as_deref(), Some(NS));
    let came = message.register.iter().map(|entry| {
        let sign = if entry.state() == RegistrationState::Away { "~" } else { "+" };
        (entry.ns.as_deref(), entry.version.expect("it is numbered"), id_of(entry), format!("{sign}{}", id_of(entry)))
    });
    let left = message.unregister.iter().map(|entry| {
        let id = entry.peer.as_ref().and_then(|peer| peer.id.as_deref()).expect("it has an id");
        let reason = entry.reason().as_str_name().trim_start_matches("LEAVE_REASON_");
        (entry.ns.as_deref(), entry.version.expect("it is numbered"), id, format!("-{id} {reason}"))
    });
    let (mut came, mut left): (Vec<_>, Vec<_>) = (came.collect(), left.collect());
    for some in [&came, &left] {
        assert!(some.is_sorted_by(|one, next| one.1 < next.1), "in the order of the changes: {message:?}");
    }
    came.append(&mut left);
    came.sort_by_key(|change| change.1);
    let peers: BTreeSet<&str> = came.iter().map(|change| change.2).collect();
    assert_eq!(peers.len(), came.len(), "one entry for each: {message:?}");
    assert!(came.iter().all(|change| change.0 == Some(NS) && change.1 <= heading.version()), "{message:?}");
    came.into_iter().map(|change| change.3).collect()
}

/// Who is listed as being there.
#[track_caller]
fn snapshot(message: &Message) -> Vec<&str> {
    let [heading] = &message.rendezvous[..] else { panic!("one heading: {message:?}") };
    assert_eq!(heading.snapshot, Some(true), "a snapshot: {message:?}");
    assert!(message.unregister.is_empty(), "{message:?}");
    ids(message)
}

/// What one who was there until that change is told when it comes back.
async fn since(client: &mut Client, version: u64) -> Message {
    client.list(rendezvous_since(NS, version)).await
}

/// The same of one who comes on a connection of its own.
async fn back(server: &Server, version: u64) -> Message {
    since(&mut Client::connect(server).await, version).await
}

/// What has changed since then, for one who comes on a connection of its own.
async fn missed(server: &Server, version: u64) -> Vec<String> {
    let message = back(server, version).await;
    assert!(message.register.iter().all(|entry| entry.version() > version), "{message:?}");
    assert!(message.unregister.iter().all(|entry| entry.version() > version), "{message:?}");
    changes(&message)
}

#[tokio::test]
async fn each_peer_that_changed_is_told_once_as_it_is_now() {
    let server = server();
    let [mut ada, mut bob, mut eve, mut fay] = clients(&server).await;
    for (client, id) in [(&mut ada, "ada"), (&mut bob, "bob"), (&mut eve, "eve"), (&mut fay, "fay")] {
        client.granted(register(NS, id)).await;
    }
    let begun = heading(&back(&server, 0).await);
    ada.granted(register_at(NS, "ada", "elsewhere")).await;
    bob.granted(unregister(NS, None)).await;
    eve.granted(unregister(NS, None)).await;
    ada.granted(register(NS, "guest")).await;
    ada.granted(unregister(NS, Some("guest"))).await;
    ada.granted(register_at(NS, "ada", "nowhere")).await;
    let back_again = version(&eve.granted(register(NS, "eve")).await);

    // Of who came and went meanwhile there is nothing to tell.
    let message = back(&server, begun).await;
    assert_eq!(changes(&message), ["-bob UNREGISTERED", "+ada", "+eve"]);
    assert_eq!(heading(&message), back_again);
    let told = message.register.iter().find(|entry| id_of(entry) == "ada").expect("it stands there");
    assert_eq!(told.peer.as_ref().expect("it is a peer").addrs[0], "nowhere");

    // Each version on the way is a place to go on from.
    let guest_came = begun + 4;
    assert_eq!(missed(&server, guest_came).await, ["-guest UNREGISTERED", "+ada", "+eve"]);
    assert_eq!(missed(&server, back_again - 1).await, ["+eve"]);
}

#[tokio::test]
async fn who_left_is_told_with_the_reason() {
    let server = server();
    let [mut ada, mut bob, mut dan, mut guy] = clients(&server).await;
    let (mut eve, _) = welcomed(&server, hello()).await;
    ada.granted(host(NS, "ada", Game::default())).await;
    bob.granted(register(NS, "bob")).await;
    dan.granted(register(NS, "dan")).await;
    eve.granted(leased(1, register(NS, "eve"))).await;
    let (mut fay, _) = welcomed(&server, hello()).await;
    fay.granted(leased(LONG, register(NS, "fay"))).await;
    guy.granted(rendezvous(NS)).await;
    let begun = version(&bob.granted(register_at(NS, "bob", "elsewhere")).await);
    guy.message().await;

    ada.granted(unregister(NS, Some("bob"))).await;
    assert_eq!(gone(&guy.message().await).len(), 1);
    for lost in [dan, eve, fay] {
        drop(lost);
        guy.message().await;
    }
    let before = missed(&server, begun).await;
    assert_eq!(before, ["-bob KICKED", "-dan DISCONNECTED", "~eve", "~fay"]);
    // When eve's lease is over.
    assert_eq!(gone(&guy.message().await).len(), 1);
    let after = missed(&server, begun).await;
    assert_eq!(after, ["-bob KICKED", "-dan DISCONNECTED", "~fay", "-eve EXPIRED"]);
}

#[tokio::test]
async fn where_nothing_has_changed_nothing_is_told() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    let own = version(&ada.granted(register(NS, "ada")).await);
    let message = back(&server, own).await;
    assert_eq!((changes(&message).len(), heading(&message)), (0, own));
    // The snapshot's version, an announcement's, and that of an own grant.
    let listed = heading(&bob.granted(rendezvous(NS)).await);
    assert_eq!(missed(&server, listed).await, Vec::<String>::new());
    ada.granted(register_at(NS, "ada", "elsewhere")).await;
    let announced = version(&bob.message().await);
    assert_eq!(missed(&server, announced).await, Vec::<String>::new());
    let granted = version(&bob.granted(register(NS, "bob")).await);
    assert_eq!(changes(&since(&mut bob, granted).await), Vec::<String>::new());
    // Changes elsewhere have numbers too, and are none here.
    ada.granted(register("chess/other", "ada")).await;
    assert_eq!(missed(&server, granted).await, Vec::<String>::new());
}

#[tokio::test]
async fn a_history_reaches_back_so_many_changes() {
    for limit in [0, 1, 8] {
        let server = server_with(|options| options.limits.history_changes = limit);
        let mut ada = Client::connect(&server).await;
        let mut versions = vec![version(&ada.granted(register(NS, "ada")).await)];
        for number in 0..limit + 2 {
            versions.push(version(&ada.granted(register(NS, &format!("p{number}"))).await));
        }
        let last = versions.len() - 1;
        let told = missed(&server, versions[last - limit]).await;
        let expected: Vec<_> = (last - limit..last).map(|number| format!("+p{number}")).collect();
        assert_eq!(told, expected, "as many as there are kept");
        let message = back(&server, versions[last - limit - 1]).await;
        assert_eq!(snapshot(&message).len(), limit + 3, "one more");
    }
}

#[tokio::test]
async fn all_histories_together_are_bounded() {
    // A few hundred changes' worth, and many namespaces.
    let server = server_with(|options| options.limits.history_bytes = 64 * 1024);
    let mut ada = Client::connect(&server).await;
    let first = version(&ada.granted(register(NS, "ada")).await);
    ada.granted(register(NS, "bob")).await;
    assert_eq!(missed(&server, first).await, ["+bob"]);
    for place in 0..1_000 {
        for id in ["a", "b", "c"] {
            ada.granted(register(&format!("many/{place}"), id)).await;
        }
    }
    // What is kept longest goes first; what was last is there still.
    assert_eq!(snapshot(&back(&server, first).await), ["ada", "bob"]);
    let mut bob = Client::connect(&server).await;
    let last = "many/999";
    let listed = bob.granted(discover(last)).await;
    let message = bob.granted(rendezvous_since(last, listed.register[1].version())).await;
    assert_eq!((message.rendezvous[0].snapshot, ids(&message)), (Some(false), vec!["c"]));
}

#[tokio::test]
async fn what_was_before_a_birth_is_not_told() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    let elsewhere = version(&ada.granted(register("chess/other", "ada")).await);
    let empty = heading(&bob.granted(rendezvous(NS)).await);
    assert!(empty >= elsewhere, "that of an empty one is the server's counter");
    let born = version(&ada.granted(register(NS, "ada")).await);
    let last = version(&ada.granted(register(NS, "eve")).await);
    for before in [0, 1, elsewhere, empty, born - 1] {
        assert_eq!(snapshot(&back(&server, before).await), ["ada", "eve"], "{before}");
    }
    assert_eq!(missed(&server, born).await, ["+eve"]);

    // When all have gone, there is nothing that something could have changed in.
    ada.granted(unregister(NS, None)).await;
    for before in [born, last, last + 1] {
        assert!(snapshot(&back(&server, before).await).is_empty(), "{before}");
    }
    let again = version(&ada.granted(register(NS, "ada")).await);
    ada.granted(register(NS, "fay")).await;
    for before in [born, last, again - 1] {
        assert_eq!(snapshot(&back(&server, before).await), ["ada", "fay"], "{before}");
    }
    assert_eq!(missed(&server, again).await, ["+fay"]);
}

#[tokio::test]
async fn what_is_still_to_come_was_not_heard() {
    let server = server();
    let mut ada = Client::connect(&server).await;
    let last = version(&ada.granted(register(NS, "ada")).await);
    for ahead in [last + 1, last + 1_000_000, u64::MAX - 1, u64::MAX] {
        assert_eq!(snapshot(&back(&server, ahead).await), ["ada"], "{ahead}");
    }
}

#[tokio::test]
async fn patterns_games_and_clients_of_the_seed_get_lists() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    let born = version(&ada.granted(host(NS, "ada", seats(4))).await);
    ada.granted(register(NS, "eve")).await;
    for pattern in ["chess/*", "chess/**"] {
        let message = bob.granted(rendezvous_since(pattern, born)).await;
        assert_eq!(snapshot(&message), ["ada", "eve"], "{pattern}");
    }
    for pattern in [NS, "chess/*"] {
        let mut request = lobby(pattern);
        request.rendezvous[0].version = Some(born);
        let message = bob.granted(request).await;
        assert_eq!((names(&message), message.rendezvous[0].snapshot), (vec![NS], Some(true)), "{pattern}");
    }
    let mut seed = Client::connect(&server).await;
    seed.send([rendezvous_since(NS, born)]).await;
    let message = seed.message().await;
    assert_eq!((ids(&message), message.rendezvous.len()), (vec!["ada", "eve"], 0));
    assert!(message.unregister.is_empty() && message.game.is_empty(), "{message:?}");
}

#[tokio::test]
async fn a_change_of_secret_or_listing_may_have_hidden_something() {
    let secret = |secret: &'static str| Game { secret: Some(secret.into()), ..Game::default() };
    let listed = |listed| Game { listed: Some(listed), ..Game::default() };
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    let mut last = version(&ada.granted(host(NS, "ada", Game::default())).await);
    for (settings, words) in [
        (secret("hush"), "hush"),
        (secret("whisper"), "whisper"),
        (secret(""), ""),
        (listed(false), ""),
        (listed(true), ""),
    ] {
        let before = last;
        ada.granted(host(NS, "ada", settings.clone())).await;
        last = version(&ada.granted(register_at(NS, "ada", &format!("{settings:?}")[..20])).await).max(last);
        last = last.max(version(&ada.granted(register(NS, "guest")).await));
        last = last.max(version(&ada.granted(register_at(NS, "guest", &last.to_string())).await));
        let mut client = Client::connect(&server).await;
        let message = client.list(with_secret(words, rendezvous_since(NS, before))).await;
        assert_eq!(snapshot(&message), ["ada", "guest"], "{settings:?}");
        // What happened after it is told as before.
        ada.granted(unregister(NS, Some("guest"))).await;
        assert_eq!(gone(&client.message().await).len(), 1);
        let message = client.list(with_secret(words, rendezvous_since(NS, last))).await;
        assert_eq!(changes(&message), ["-guest UNREGISTERED"], "{settings:?}");
        last = heading(&message);
    }
    // Other settings hide nobody. (It is a change of her address as well.)
    ada.granted(host(NS, "ada", Game { locked: Some(true), ..seats(7) })).await;
    assert_eq!(missed(&server, last).await, ["+ada"]);

    // Nor does it open what is closed.
    ada.granted(host(NS, "ada", secret("hush"))).await;
    bob.refused(rendezvous_since(NS, last), StatusCode::WrongSecret).await;
    bob.refused(with_secret("whisper", rendezvous_since(NS, last)), StatusCode::WrongSecret).await;
}

#[tokio::test]
async fn the_game_is_told_with_it() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    let born = version(&ada.granted(host(NS, "ada", seats(4))).await);
    bob.granted(register(NS, "bob")).await;
    ada.granted(host(NS, "ada", Game { locked: Some(true), ..Game::default() })).await;
    let message = back(&server, born).await;
    assert_eq!(changes(&message), ["+bob"]);
    let shown = game(&message);
    assert_eq!((shown.capacity, shown.members, shown.locked()), (Some(4), Some(2), true));
    assert_eq!(message.game, Client::connect(&server).await.granted(rendezvous(NS)).await.game);
    // The owner is gone, and another it is.
    drop(ada);
    let mut bob_watches = since(&mut bob, born).await;
    while changes(&bob_watches).is_empty() {
        bob_watches = since(&mut bob, born).await;
    }
    assert_eq!(changes(&bob_watches), ["-ada DISCONNECTED"]);
    let shown = game(&bob_watches);
    assert_eq!((shown.owner.as_deref(), shown.term), (Some("bob"), Some(2)));
}

#[tokio::test]
async fn ones_own_is_left_out_and_what_was_told_is_not_told_again() {
    let server = server();
    let mut ada = Client::connect(&server).await;
    let born = version(&ada.granted(host(NS, "ada", Game::default())).await);
    let (mut bob, welcome) = welcomed(&server, hello()).await;
    bob.granted(leased(LONG, register(NS, "bob"))).await;
    let robert = version(&bob.granted(register(NS, "robert")).await);
    bob.granted(register("chess/elsewhere", "bob")).await;
    bob.granted(unregister(NS, Some("robert"))).await;
    bob.granted(leased(LONG, register_at(NS, "bob", "elsewhere"))).await;
    assert_eq!(changes(&since(&mut bob, born).await), Vec::<String>::new());
    assert_eq!(missed(&server, robert).await, ["-robert UNREGISTERED", "+bob"]);

    // Kicked while it is away: that is told it, and once.
    ada.granted(rendezvous(NS)).await;
    drop(bob);
    assert_eq!(states(&ada.message().await), [("bob", RegistrationState::Away)]);
    ada.granted(unregister(NS, Some("bob"))).await;
    assert_eq!(gone(&ada.message().await).len(), 1);
    let mut bob = Client::connect(&server).await;
    bob.send([numbered(1, resuming(token(&welcome))), numbered(2, rendezvous_since(NS, born))]).await;
    assert!(bob.message().await.welcome.expect("it is welcomed").resumed());
    let (mut kicked, mut told) = (0, None);
    while told.is_none() {
        let message = bob.message().await;
        if message.request_id == Some(2) {
            told = Some(changes(&message));
        } else {
            assert_eq!(gone(&message), [("bob", foregather::wire::proto::LeaveReason::Kicked)]);
            kicked += 1;
        }
    }
    assert_eq!((kicked, told), (1, Some(Vec::new())));
    bob.silence().await;
    assert_eq!(missed(&server, robert).await, ["-robert UNREGISTERED", "-bob KICKED"]);
}

#[tokio::test]
async fn a_watch_that_is_there_already_gets_the_same() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    let born = version(&ada.granted(register(NS, "ada")).await);
    bob.granted(rendezvous(NS)).await;
    ada.granted(register(NS, "eve")).await;
    bob.message().await;
    for _ in 0..3 {
        assert_eq!(changes(&since(&mut bob, born).await), ["+eve"]);
    }
    ada.granted(unregister(NS, Some("eve"))).await;
    assert_eq!(bob.settle().await.len(), 1, "it is heard once");
    bob.granted(leave(NS)).await;
    ada.granted(register(NS, "fay")).await;
    bob.silence().await;
}

/// A server whose frames hold little, and what a peer may say fits into them.
fn server_of_small_frames() -> Server {
    server_with(|options| {
        options.limits.frame_bytes = 16 * 1024;
        options.limits.addresses = 4;
        options.limits.attributes = 4;
        options.limits.attributes_bytes = 1024;
        options.limits.history_changes = 1_000;
    })
}

/// REGISTER of a peer that takes about 1 KiB.
fn large(number: usize) -> Message {
    let mut message = register(NS, &format!("p{number:03}"));
    let address = |at: usize| format!("{number:03}-{at}{}", "x".repeat(245)).into();
    message.register[0].peer.as_mut().expect("it is a peer").addrs = (0..4).map(address).collect();
    message
}

#[tokio::test]
async fn a_long_one_comes_in_several_frames() {
    const PEERS: usize = 50;
    let server = server_of_small_frames();
    let [mut ada, mut bob] = clients(&server).await;
    let mut begun = version(&ada.granted(host(NS, "ada", seats(100))).await);
    for number in (4..PEERS).step_by(5) {
        begun = version(&ada.granted(register(NS, &format!("p{number:03}"))).await);
    }
    for number in 0..PEERS {
        if number % 5 == 4 {
            ada.granted(unregister(NS, Some(&format!("p{number:03}")))).await;
        } else {
            ada.granted(large(number)).await;
        }
    }
    bob.send([numbered(7, rendezvous_since(NS, begun))]).await;
    let (mut frames, mut told, mut reached) = (0, Vec::new(), [begun; 2]);
    loop {
        let message = bob.message().await;
        assert_eq!((message.request_id, message.rendezvous[0].snapshot), (Some(7), Some(false)), "{message:?}");
        assert_eq!(message.game.len(), usize::from(frames == 0), "the game stands in the first");
        // Those who came and those who left, each in the order in which they did.
        let came = message.register.iter().map(|entry| entry.version());
        let left = message.unregister.iter().map(|entry| entry.version());
        for (version, which) in came.map(|version| (version, 0)).chain(left.map(|version| (version, 1))) {
            assert!(version > reached[which], "{message:?}");
            reached[which] = version;
        }
        told.extend(changes(&message));
        frames += 1;
        if !message.more() {
            assert_eq!(Some(heading(&message)), reached.into_iter().max());
            break;
        }
    }
    told.sort_by_key(|change| change[1..5].to_owned());
    assert!(frames >= 3, "{frames}");
    let expected: Vec<_> = (0..PEERS)
        .map(|number| if number % 5 == 4 { format!("-p{number:03} UNREGISTERED") } else { format!("+p{number:03}") })
        .collect();
    assert_eq!(told, expected);
    ada.granted(unregister(NS, Some("p000"))).await;
    assert_eq!(bob.settle().await.len(), 1, "from there it goes on");
}

#[tokio::test]
async fn one_that_is_longer_than_a_part_of_a_list_is_a_list() {
    let server = server_of_small_frames();
    let mut ada = Client::connect(&server).await;
    let born = version(&ada.granted(register(NS, "ada")).await);
    for number in 0..100 {
        ada.granted(large(number)).await;
    }
    let message = back(&server, born).await;
    assert_eq!(snapshot(&message).len(), 101);
    // As much of it as fits into one is told as what it is.
    let some = message.register[70].version();
    assert_eq!(missed(&server, some).await.len(), 30);
}

#[tokio::test]
async fn a_client_of_a_lost_connection_goes_on_in_one_round_trip() {
    let server = server();
    let mut ada = Client::connect(&server).await;
    let (mut bob, welcome) = welcomed(&server, hello()).await;
    bob.granted(leased(LONG, register(NS, "bob"))).await;
    bob.granted(rendezvous(NS)).await;
    let heard = {
        ada.granted(register(NS, "ada")).await;
        version(&bob.message().await)
    };
    bob.reset();
    ada.granted(register(NS, "eve")).await;
    let mut bob = Client::connect(&server).await;
    let begun = Instant::now();
    bob.send([
        numbered(1, resuming(token(&welcome))),
        numbered(2, renew(NS, "bob")),
        numbered(3, rendezvous_since(NS, heard)),
    ])
    .await;
    assert!(bob.message().await.welcome.expect("it is welcomed").resumed());
    assert_eq!(code(&bob.message().await), StatusCode::Ok);
    assert_eq!(changes(&bob.message().await), ["+eve"]);
    assert!(begun.elapsed() < Duration::from_secs(5));
    bob.silence().await;
}
