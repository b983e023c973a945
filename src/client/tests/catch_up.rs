//! What a client that comes back asks for, and what it makes of what has changed
//! meanwhile.

use super::script::*;
use crate::{
    client::{Client, ClientError, ClientOptions, Entry, Event, Events, Peer},
    domain::{Announcement, Answer, CatchUp, Game, LeaveReason, RequestId, Roster},
};
use tokio::join;

/// A client that watches "a", where Bob came by change 90 and Eve by 100, and has heard
/// of nothing since.
async fn watching_two() -> (Client, Server, Doors, Events) {
    let (client, mut server, doors) = reconnecting(ClientOptions::new()).await;
    let (events, ()) = join!(client.rendezvous("a"), async {
        let (id, since) = server.watched_since().await;
        assert_eq!(since, None, "there is nothing yet to go on from");
        server.answer(id, snapshot("a", &[("bob", 90), ("eve", 100)], false)).await;
    });
    let mut events = events.expect("it was granted");
    assert_eq!(told(&mut events), ["+bob 90", "+eve 100", "current"]);
    (client, server, doors, events)
}

/// The next connection, up to the watch, which is asked for since that change.
async fn back(doors: &mut Doors, since: u64) -> (Server, RequestId) {
    let (mut server, _) = doors.welcomed("next", true).await;
    let (id, asked) = server.watched_since().await;
    assert_eq!(asked, Some(since));
    (server, id)
}

fn kicked(id: &str, version: u64) -> Announcement {
    let Announcement::Unregistered { ns, id, .. } = left("a", id, version) else { panic!("it leaves") };
    Announcement::Unregistered { ns, id, reason: LeaveReason::Kicked, version }
}

#[tokio::test(start_paused = true)]
async fn what_changed_meanwhile_is_told_as_if_it_had_been_heard() {
    let (client, mut server, mut doors, mut events) = watching_two().await;
    server.announce(came("a", "dan", 101)).await;
    settle(&client, &mut server).await;
    drop(server);
    let (mut server, id) = back(&mut doors, 101).await;
    let changes = vec![came("a", "fay", 102), kicked("bob", 103), came("a", "eve", 105), left("a", "guest", 106)];
    server.answer(id, catch_up("a", 106, changes, false)).await;
    server.announce(came("a", "guy", 107)).await;
    settle(&client, &mut server).await;
    let mut heard = Vec::new();
    while let Some(Some(event)) = futures::FutureExt::now_or_never(events.next()) {
        heard.push(match event {
            Event::Registered(peer) => format!("+{} {}", peer.id, peer.version),
            Event::Updated(peer) => format!("={} {}", peer.id, peer.version),
            Event::Unregistered { last, reason, version } => format!("-{} {version} {}", last.id, reason.name()),
            other => panic!("{other:?}"),
        });
    }
    // Whoever came and left meanwhile was never there for this one.
    assert_eq!(heard, ["+dan 101", "+fay 102", "-bob 103 KICKED", "=eve 105", "+guy 107"]);

    // From there it goes on, also where nothing has happened.
    drop(server);
    let (mut server, id) = back(&mut doors, 107).await;
    server.answer(id, catch_up("a", 107, Vec::new(), false)).await;
    settle(&client, &mut server).await;
    assert_eq!(told(&mut events), Vec::<String>::new());
    let there: Vec<_> = events.roster().map(|peer| peer.id.to_string()).collect();
    assert_eq!(there, ["dan", "eve", "fay", "guy"]);
}

#[tokio::test(start_paused = true)]
async fn a_list_instead_of_it_is_told_as_differences() {
    let (client, server, mut doors, mut events) = watching_two().await;
    drop(server);
    let (mut server, id) = back(&mut doors, 100).await;
    let list = |peers: &[(&str, u64)], version, more| {
        let Answer::Roster(list) = snapshot("a", peers, more) else { panic!("a snapshot is a roster") };
        Answer::Roster(Roster { kind: crate::domain::ListKind::Snapshot { version }, ..list })
    };
    server.answer(id, list(&[("eve", 200)], 201, true)).await;
    server.answer(id, list(&[("fay", 201)], 202, false)).await;
    settle(&client, &mut server).await;
    assert_eq!(told(&mut events), ["=eve 200", "+fay 201", "-bob 202"]);
    drop(server);
    back(&mut doors, 202).await;
}

#[tokio::test(start_paused = true)]
async fn what_came_in_part_is_asked_for_again() {
    let (client, server, mut doors, mut events) = watching_two().await;
    drop(server);
    // A catch-up, a list, and what another watch of the same client hears.
    let (mut server, id) = back(&mut doors, 100).await;
    server.answer(id, catch_up("a", 103, vec![came("a", "fay", 101)], true)).await;
    server.announce(came("a", "guy", 104)).await;
    settle(&client, &mut server).await;
    drop(server);
    let (mut server, id) = back(&mut doors, 100).await;
    server.answer(id, snapshot("a", &[("eve", 105)], true)).await;
    settle(&client, &mut server).await;
    drop(server);
    let (mut server, _) = back(&mut doors, 100).await;
    server.announce(left("a", "guy", 106)).await;
    settle(&client, &mut server).await;
    assert_eq!(told(&mut events), ["+fay 101", "=eve 105"]);
    drop(server);

    let (mut server, id) = back(&mut doors, 100).await;
    server.answer(id, catch_up("a", 106, vec![came("a", "fay", 101), left("a", "bob", 102)], true)).await;
    server.announce(came("a", "hal", 107)).await;
    server.answer(id, catch_up("a", 106, vec![came("a", "eve", 105), left("a", "guy", 106)], false)).await;
    settle(&client, &mut server).await;
    assert_eq!(told(&mut events), ["-bob 102", "+hal 107"]);
    drop(server);
    back(&mut doors, 107).await;
}

#[tokio::test(start_paused = true)]
async fn a_stream_goes_on_from_where_it_was_itself() {
    let (client, mut server, mut doors, mut events) = watching_two().await;
    server.announce(came("a", "dan", 101)).await;
    let late = async {
        let (id, since) = server.watched_since().await;
        assert_eq!(since, None);
        server.answer(id, snapshot("a", &[("bob", 90)], true)).await;
        server
    };
    let (other, server) = join!(client.rendezvous("a"), late);
    let mut other = other.expect("it was granted");
    drop(server);
    let (mut server, id) = back(&mut doors, 101).await;
    // The other one has not come to the end of its list yet.
    let (whole, since) = server.watched_since().await;
    assert_eq!(since, None);
    server.answer(id, catch_up("a", 102, vec![left("a", "dan", 102)], false)).await;
    server.answer(whole, snapshot("a", &[("eve", 100)], false)).await;
    settle(&client, &mut server).await;
    assert_eq!(told(&mut events), Vec::<String>::new(), "it came and went unread");
    assert_eq!(told(&mut other), ["+eve 100", "current"]);
}

#[tokio::test(start_paused = true)]
async fn seats_go_on_from_what_was_heard_or_granted_last() {
    let (client, mut server, mut doors) = reconnecting(ClientOptions::new()).await;
    let mut joined = entered(&client, &mut server, Some(game("a/x", 100)), &[("bob", 90)]).await;
    assert_eq!(told(joined.events_mut()).len(), 3);
    // What it does itself is announced to others only.
    let own = Answer::Granted { registration: registration("a/x", "ada", 110), game: Some(Box::new(game("a/x", 110))) };
    let (changed, ()) = join!(joined.update_peer(Peer::new()), server.next_gets(own.clone()));
    changed.expect("it was granted");
    drop(server);
    let (mut server, _) = doors.welcomed("second", true).await;
    let (renewal, _) = server.renewed().await;
    let (watch, since) = server.watched_since().await;
    assert_eq!(since, Some(110));
    server.answer(renewal, own).await;
    let locked = Game { locked: true, ..game("a/x", 112) };
    let Answer::CatchUp(news) = catch_up("a/x", 112, vec![left("a/x", "bob", 111)], false) else { panic!() };
    server.answer(watch, Answer::CatchUp(CatchUp { game: Some(Box::new(locked)), ..news })).await;
    settle(&client, &mut server).await;
    assert_eq!(told(joined.events_mut()), ["game 112", "-bob 111"]);
    assert!(joined.game().is_some_and(|game| game.locked && game.members == 1));
    drop(joined);
    all_given_back(&mut server).await;

    // A seat that was found, in a game whose name was not known.
    let (client, mut server, mut doors) = reconnecting(ClientOptions::new()).await;
    let mut found = matched(&client, &mut server, &[("ada", 100), ("bob", 90)]).await;
    drop(server);
    let (mut server, _) = doors.welcomed("second", true).await;
    server.renewed().await;
    let (watch, since) = server.watched_since().await;
    assert_eq!(since, Some(100));
    server.answer(watch, catch_up("a/x", 101, vec![came("a/x", "eve", 101)], false)).await;
    settle(&client, &mut server).await;
    assert_eq!(told(found.events_mut()), ["game 100", "+bob 90", "current", "+eve 101"]);
}

#[tokio::test(start_paused = true)]
async fn a_new_session_asks_for_the_same() {
    let (client, server, mut doors, mut events) = watching_two().await;
    drop(server);
    let (mut server, _) = doors.welcomed("second", false).await;
    // What was asked in the hope that the session goes on is nothing any more.
    let (hoped, since) = server.watched_since().await;
    assert_eq!(since, Some(100));
    server.answer(hoped, catch_up("a", 102, vec![left("a", "bob", 101), left("a", "eve", 102)], false)).await;
    let (id, since) = server.watched_since().await;
    assert_eq!(since, Some(100));
    server.answer(id, catch_up("a", 101, vec![left("a", "bob", 101)], false)).await;
    settle(&client, &mut server).await;
    assert_eq!(told(&mut events), ["-bob 101"]);
}

#[tokio::test(start_paused = true)]
async fn where_a_secret_hides_somebody_all_is_asked_for() {
    let secret = |version| Game { needs_secret: true, ..game("a/x", version) };
    let begun = async || {
        let (client, mut server, doors) = reconnecting(ClientOptions::new()).await;
        let (events, ()) = join!(client.rendezvous("a/x"), async {
            let (id, _) = server.watched_since().await;
            let Answer::Roster(list) = snapshot("a/x", &[("ada", 90)], false) else { panic!("it is a roster") };
            server.answer(id, Answer::Roster(Roster { game: Some(Box::new(game("a/x", 100))), ..list })).await;
        });
        (client, server, doors, events.expect("it was granted"))
    };
    // What was hidden is told with the versions that it had all the time.
    let (client, mut server, mut doors, mut events) = begun().await;
    server.announce(changed(secret(101))).await;
    server.announce(changed(game("a/x", 110))).await;
    for (id, version) in [("eve", 109), ("fay", 103)] {
        server.announce(came("a/x", id, version)).await;
    }
    settle(&client, &mut server).await;
    assert_eq!(told(&mut events)[3..], ["+eve 109", "+fay 103"]);
    drop(server);
    let (mut server, _) = doors.welcomed("second", true).await;
    assert_eq!(server.watched_since().await.1, None);

    // Whoever enters sees who was hidden from one that only watched.
    let (client, mut server, mut doors, _events) = begun().await;
    server.announce(changed(secret(101))).await;
    let granted = Answer::Granted { registration: registration("a/x", "me", 105), game: Some(Box::new(secret(105))) };
    let script = async {
        server.next_gets(granted.clone()).await;
        server.next_gets(snapshot("a/x", &[("ada", 90)], false)).await;
    };
    let (seat, ()) = join!(client.join("a/x", Peer::new().id("me"), Entry::new().secret("hush")), script);
    let _seat = seat.expect("it was granted");
    drop(server);
    let (mut server, _) = doors.welcomed("second", true).await;
    server.renewed().await;
    assert_eq!(server.watched_since().await.1, None);
    assert_eq!(server.watched_since().await.1, Some(105), "the seat's own stream has seen all");
}

#[tokio::test(start_paused = true)]
async fn what_cannot_have_changed_ends_everything() {
    let elsewhere = || catch_up("b", 101, Vec::new(), false);
    let with = |change, version| catch_up("a", version, vec![change], false);
    let of_game = || {
        let Answer::CatchUp(news) = catch_up("a", 101, Vec::new(), false) else { panic!("it is one") };
        Answer::CatchUp(CatchUp { game: Some(Box::new(game("b", 101))), ..news })
    };
    let (more, rest) = (|| catch_up("a", 101, Vec::new(), true), || snapshot("a", &[], false));
    for (name, answers) in [
        ("another namespace", vec![elsewhere()]),
        ("a peer of another one", vec![with(came("a/b", "eve", 101), 101)]),
        ("one who left another one", vec![with(left("a/b", "eve", 101), 101)]),
        ("the game of another one", vec![of_game()]),
        ("what was heard before", vec![with(came("a", "eve", 100), 101)]),
        ("who had left before", vec![with(left("a", "eve", 99), 101)]),
        ("what is still to happen", vec![with(came("a", "eve", 102), 101)]),
        ("the rest as a list", vec![more(), rest()]),
        ("the rest of a list", vec![snapshot("a", &[], true), elsewhere()]),
    ] {
        let (client, server, mut doors, mut events) = watching_two().await;
        drop(server);
        let (mut server, id) = back(&mut doors, 100).await;
        for answer in answers {
            server.answer(id, answer).await;
        }
        let Some(Event::Ended(ClientError::Protocol(_))) = events.next().await else { panic!("{name}") };
        assert!(matches!(client.discover("a").await, Err(ClientError::Protocol(_))), "{name}");
    }

    // Nobody has asked for it.
    for pattern in ["a", "a/*"] {
        let (client, mut server) = connected().await;
        let (events, ()) = join!(client.rendezvous(pattern), server.next_gets(catch_up("a", 101, Vec::new(), false)));
        assert!(matches!(events, Err(ClientError::Protocol(_))), "{pattern}: {events:?}");
    }
    let (client, server, mut doors) = reconnecting(ClientOptions::new()).await;
    let mut server = server;
    let mut lobby = watching_games(&client, &mut server, "a/x", &[]).await;
    drop(server);
    let (mut server, _) = doors.welcomed("second", true).await;
    let (id, since) = server.watched_since().await;
    assert_eq!(since, None);
    server.answer(id, catch_up("a/x", 101, Vec::new(), false)).await;
    assert!(matches!(lobby.next().await, Some(crate::client::GameEvent::Ended(ClientError::Protocol(_)))));
}
