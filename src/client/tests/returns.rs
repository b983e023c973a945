//! What becomes of calls, seats and streams when the connection is lost and another
//! takes its place.

use super::script::*;
use crate::{
    client::{ClientError, ClientOptions, Entry, Event, GameOptions, MatchOptions, Peer},
    domain::{
        Answer, Code, Discover, Game, GameList, LeaveReason, ListKind, Pattern, QuickMatch, Register, Request,
        RequestId, Roster, Subject, Unregister,
    },
};
use futures::FutureExt as _;
use std::time::Duration;
use tokio::{join, time::advance};

fn options() -> ClientOptions {
    ClientOptions::new().lease(Duration::from_secs(20))
}

fn granted_anew(id: &str, version: u64, game: Option<Game>) -> Answer {
    Answer::Granted { registration: registration("a/x", id, version), game: game.map(Box::new) }
}

/// The snapshot of a game.
fn game_snapshot(game: Game, peers: &[(&str, u64)]) -> Answer {
    let Answer::Roster(list) = snapshot("a/x", peers, false) else { panic!("a snapshot is a roster") };
    Answer::Roster(Roster { game: Some(Box::new(game)), ..list })
}

/// The games of that name, there or not.
fn looked_up(game: Option<Game>) -> Answer {
    let pattern = Pattern::parse("a/x").expect("it is legal");
    let (kind, games) = (ListKind::Page { cookie: None }, game.into_iter().collect());
    Answer::Games(GameList { pattern, kind, games, more: false })
}

#[tokio::test(start_paused = true)]
async fn what_there_was_is_there_again_after_one_round_trip() {
    let (client, mut server, mut doors) = reconnecting(options()).await;
    let mut lobby = watching_games(&client, &mut server, "a/*", &[("map", "sea")]).await;
    let mut seat = entered(&client, &mut server, Some(game("a/x", 100)), &[("bob", 1), ("eve", 2)]).await;
    assert_eq!(told(seat.events_mut()), ["game 100", "+bob 1", "+eve 2", "current"]);
    let leased = Peer::new().id("me").lease(Duration::from_millis(2_500));
    let (me, ()) = join!(client.register("b", leased), server.next_gets(granted("b", "me", None)));
    me.expect("it was granted");

    drop(server);
    let mut server = doors.next().await;
    // All of it is said before the server has said anything.
    let (hello, request) = server.asked().await;
    assert!(matches!(request, Request::Hello(_)));
    let mut renewals = Vec::new();
    for _ in 0..2 {
        let (id, Register { ns, peer, ttl_secs, renew, game, secret, .. }) = server.renewed().await;
        assert!(renew && game.is_none() && secret.is_none());
        // A host that was left out is still left out: it may be another one now.
        let address = peer.addresses.first().map(ToString::to_string);
        renewals.push((id, ns.to_string(), peer.id.expect("it has its name").to_string(), address, ttl_secs));
    }
    renewals.sort_by_key(|renewal| renewal.1.clone());
    let [ada, me] = &renewals[..] else { panic!("two are renewed") };
    assert_eq!((&*ada.1, &*ada.2, ada.3.as_deref(), ada.4), ("a/x", "ada", Some("0.0.0.0:7777"), 20));
    assert_eq!((&*me.1, &*me.2, &me.3, me.4), ("b", "me", &None, 3));
    let (games, watch) = server.watched().await;
    assert!(matches!(&watch.subject, Subject::Games { filter } if filter.attributes().len() == 1), "{watch:?}");
    let (peers, watch) = server.watched().await;
    assert_eq!(watch.pattern.to_string(), "a/x");

    let resumed = crate::domain::Welcome {
        resumed: true,
        resume: "second".into(),
        ..crate::domain::Welcome::new("~s".into(), ([192, 0, 2, 7], 1).into())
    };
    server.answer(hello, Answer::Welcome(resumed)).await;
    server.answer(ada.0, granted_anew("ada", 100, Some(game("a/x", 103)))).await;
    server.answer(me.0, Answer::Granted { registration: registration("b", "me", 100), game: None }).await;
    server.answer(games, game_list("a/*", vec![game("a/y", 104)], false)).await;
    let locked = Game { locked: true, ..game("a/x", 105) };
    server.answer(peers, game_snapshot(locked, &[("eve", 2), ("dan", 105)])).await;
    server.announce(came("a/x", "fay", 106)).await;
    settle(&client, &mut server).await;

    // What changed meanwhile is told as changes, and nothing else.
    assert_eq!(told(seat.events_mut()), ["game 105", "+dan 105", "-bob 100", "+fay 106"]);
    assert_eq!(told_of_games(&mut lobby), ["+a/y 104"]);
    assert_eq!(seat.game().expect("it is a game").members, 4);
    drop(seat);
    all_given_back(&mut server).await;
}

#[tokio::test(start_paused = true)]
async fn a_second_loss_before_all_is_back_changes_nothing() {
    let (client, mut server, mut doors) = reconnecting(options()).await;
    let mut seat = entered(&client, &mut server, Some(game("a/x", 100)), &[("bob", 1)]).await;
    assert_eq!(told(seat.events_mut()).len(), 3);
    for step in 0..4 {
        drop(server);
        server = doors.next().await;
        if step > 0 {
            server.welcomes("next", true).await;
            let (renewal, _) = server.renewed().await;
            let (watch, _) = server.watched().await;
            if step > 1 {
                server.answer(renewal, granted_anew("ada", 100, Some(game("a/x", 100)))).await;
            }
            if step > 2 {
                // A part of the list.
                server.answer(watch, snapshot("a/x", &[("eve", 101)], true)).await;
            }
            for _ in 0..8 {
                tokio::task::yield_now().await;
            }
        }
    }
    assert_eq!(told(seat.events_mut()), ["+eve 101"]);
    drop(server);
    let (mut server, _) = doors.welcomed("last", true).await;
    server.next_gets(granted_anew("ada", 100, Some(game("a/x", 100)))).await;
    server.next_gets(game_snapshot(game("a/x", 102), &[("bob", 1)])).await;
    settle(&client, &mut server).await;
    assert_eq!(told(seat.events_mut()), ["-eve 100"]);
}

#[tokio::test(start_paused = true)]
async fn calls_of_every_kind_are_made_again_under_their_numbers() {
    let (client, mut server, mut doors) = reconnecting(options()).await;
    let mut events = watching(&client, &mut server, "w").await;
    let calls = async {
        join!(
            client.register("a", Peer::new().id("me")),
            client.unregister_all("b"),
            client.discover("a"),
            client.rendezvous("c"),
            client.match_game("d", ada(), MatchOptions::new().wait(Duration::from_secs(30))),
            client.join("a/x", ada(), Entry::new()),
            client.games("g", [("map", "sea")]),
        )
    };
    let script = async {
        let mut asked = Vec::new();
        for _ in 0..8 {
            asked.push(server.asked().await);
        }
        // Some of it may have been heard. A part of a list has been answered.
        let list = asked[2].0;
        server.answer(list, page(&[("lost", 1)], None, true)).await;
        advance(Duration::from_secs(7)).await;
        drop(server);

        let (mut server, _) = doors.welcomed("second", true).await;
        let (watch, _) = server.watched().await;
        server.answer(watch, snapshot("w", &[], false)).await;
        let mut again = Vec::new();
        for _ in 0..8 {
            again.push(server.asked().await);
        }
        for (first, second) in asked.iter().zip(&again) {
            match (&first.1, &second.1) {
                // It waits for what is left of the time.
                (Request::Match(first), Request::Match(second)) => {
                    let waited = first.wait - second.wait;
                    assert!((7..=8).contains(&waited.as_secs()), "{waited:?}");
                }
                (one, other) => assert_eq!(one, other),
            }
            assert_eq!(first.0, second.0);
        }
        let id = |n: usize| again[n].0;
        server.answer(id(0), granted("a", "me", None)).await;
        // It was taken out by the first of the two.
        server.answer(id(1), refused(Code::NotFound)).await;
        server.answer(id(2), page(&[("eve", 1)], None, true)).await;
        server.answer(id(2), page(&[("fay", 1)], None, false)).await;
        server.answer(id(3), snapshot("c", &[("bob", 1)], false)).await;
        server.answer(id(4), seat("d/x", &[("ada", 1)])).await;
        server.answer(id(5), granted_anew("ada", 100, None)).await;
        server.answer(id(6), snapshot("a/x", &[], false)).await;
        server.answer(id(7), game_list("g", Vec::new(), false)).await;
        server
    };
    let ((me, out, list, watched, matched, joined, games), mut server) = join!(calls, script);
    assert_eq!(me.expect("it was granted").id.as_str(), "me");
    out.expect("it is out, whichever time that was");
    let listed: Vec<_> = list.expect("it was granted").iter().map(|peer| peer.id.to_string()).collect();
    assert_eq!(listed, ["eve", "fay"]);
    assert_eq!(told(&mut watched.expect("it was granted")), ["+bob 1", "current"]);
    assert_eq!(matched.expect("it was granted").ns().as_str(), "d/x");
    drop(joined.expect("it was granted"));
    games.expect("it was granted");
    assert_eq!(told(&mut events), Vec::<String>::new());
    while server.next().now_or_never().is_some() {}
}

#[tokio::test(start_paused = true)]
async fn calls_wait_for_a_connection_and_for_their_own_deadline_only() {
    let (client, server, mut doors) = reconnecting(options().deadline(Duration::from_secs(5))).await;
    doors.closed_for.store(3, std::sync::atomic::Ordering::Relaxed);
    drop(server);
    let (me, mut server) = join!(client.register("b", Peer::new().id("me")), async {
        let (mut server, _) = doors.welcomed("second", true).await;
        server.next_gets(granted("b", "me", None)).await;
        server
    });
    me.expect("it was granted, later");
    settle(&client, &mut server).await;

    // What nobody waits for any more is not said at all, unless it may have been.
    let mut lost = Box::pin(client.register("b", Peer::new().id("again")));
    assert!((&mut lost).now_or_never().is_none());
    server.asked().await;
    drop(server);
    let mut server = doors.next().await;
    for outcome in [client.register("b", Peer::new().id("late")).await.map(drop), lost.await.map(drop)] {
        assert!(matches!(outcome, Err(ClientError::Deadline { .. })), "{outcome:?}");
    }
    server.welcomes("third", true).await;
    let (_, renewal) = server.renewed().await;
    assert_eq!(renewal.peer.id.expect("it has its name").as_str(), "me");
    let (id, again) = server.renewed().await;
    assert_eq!((again.peer.id.expect("it has its name").as_str(), again.renew), ("again", false));
    server.answer(id, granted("b", "again", None)).await;
    settle(&client, &mut server).await;
}

#[tokio::test(start_paused = true)]
async fn who_was_taken_out_meanwhile_is_told_once_and_does_not_come_back() {
    let (client, mut server, mut doors) = reconnecting(options()).await;
    let mut seat = entered(&client, &mut server, Some(game("a/x", 100)), &[("eve", 1)]).await;
    assert_eq!(told(seat.events_mut()).len(), 3);
    // A change that was on its way is none any more.
    let mut change = Box::pin(seat.update_peer(Peer::new()));
    assert!((&mut change).now_or_never().is_none());
    assert!(server.renewed().await.1.renew);
    drop(server);
    let (mut server, _) = doors.welcomed("second", true).await;
    let own = registration("a/x", "ada", 101);
    let (ns, id, reason) = (own.ns.clone(), own.id.clone(), LeaveReason::Kicked);
    server.announce(crate::domain::Announcement::Unregistered { ns, id, reason, version: 101 }).await;
    server.next_gets(refused(Code::NotFound)).await;
    server.next_gets(game_snapshot(game("a/x", 101), &[("eve", 1)])).await;
    let (changed, ()) = join!(change, server.next_gets(refused(Code::NotFound)));
    assert!(matches!(changed, Err(ClientError::NotFound(_))), "{changed:?}");
    settle(&client, &mut server).await;
    assert_eq!(told(seat.events_mut()), ["!ada KICKED"]);
    assert!(matches!(seat.update_peer(Peer::new()).await, Err(ClientError::Invalid(_))));

    // The next connection knows nothing of it any more.
    drop(server);
    let (mut server, _) = doors.welcomed("third", true).await;
    assert_eq!(server.watched().await.1.pattern.to_string(), "a/x");
    drop(seat);
    assert_eq!(server.left().await.to_string(), "a/x");
    settle(&client, &mut server).await;
}

#[tokio::test(start_paused = true)]
async fn what_the_server_has_no_more_is_told_and_what_it_cannot_renew_is_kept() {
    let (client, mut server, mut doors) = reconnecting(options()).await;
    let mut seat = entered(&client, &mut server, Some(game("a/x", 100)), &[]).await;
    assert_eq!(told(seat.events_mut()).len(), 2);
    for (code, events) in [(Code::RateLimited, vec![]), (Code::NotFound, vec!["!ada EXPIRED"])] {
        drop(server);
        server = doors.welcomed("next", true).await.0;
        server.next_gets(refused(code)).await;
        server.next_gets(game_snapshot(game("a/x", 101), &[])).await;
        settle(&client, &mut server).await;
        assert_eq!(told(seat.events_mut()), events);
    }
}

#[tokio::test(start_paused = true)]
async fn what_is_only_registered_is_registered_anew_in_a_new_session() {
    let (client, mut server, mut doors) = reconnecting(options()).await;
    let mut events = watching(&client, &mut server, "b").await;
    let (me, ()) =
        join!(client.register("b", Peer::new().address(":7777")), server.next_gets(granted("b", "made-up", None)));
    me.expect("it was granted");
    drop(server);
    let (mut server, _) = doors.welcomed("second", false).await;
    // What was asked in the hope that the session goes on is nothing any more,
    // whatever its answer.
    let (renewal, register) = server.renewed().await;
    assert!(register.renew);
    let (watch, _) = server.watched().await;
    server.answer(renewal, refused(Code::NotFound)).await;
    server.answer(watch, snapshot("b", &[("old", 1)], false)).await;
    let (id, register) = server.renewed().await;
    assert!(!register.renew);
    assert_eq!(register.peer.id.as_ref().expect("it has its name").as_str(), "made-up");
    assert_eq!(register.peer.addresses[0].to_string(), "0.0.0.0:7777");
    server.answer(id, granted("b", "made-up", None)).await;
    // An older session of this program, which the new one took over from, is not
    // this one's removal.
    let own = registration("b", "made-up", 101);
    let (ns, id, reason) = (own.ns.clone(), own.id.clone(), LeaveReason::Unregistered);
    server.announce(crate::domain::Announcement::Unregistered { ns, id, reason, version: 101 }).await;
    server.next_gets(snapshot("b", &[("new", 102)], false)).await;
    settle(&client, &mut server).await;
    assert_eq!(told(&mut events), ["+new 102"]);

    // It is held in the new session as it was in the old one.
    drop(server);
    let (mut server, hello) = doors.welcomed("third", true).await;
    assert_eq!(hello.resume.as_deref(), Some(&b"second"[..]));
    assert!(server.renewed().await.1.renew);
}

#[tokio::test(start_paused = true)]
async fn whoever_made_a_game_makes_it_again_or_joins_it() {
    let hosting = async |options: GameOptions| {
        let (client, mut server, doors) = reconnecting(self::options()).await;
        let script = async {
            server.next_gets(granted("a/x", "ada", Some(game("a/x", 100)))).await;
            server.next_gets(game_snapshot(game("a/x", 100), &[])).await;
        };
        let (seat, ()) = join!(client.host("a/x", ada(), options), script);
        let mut seat = seat.expect("it was granted");
        assert_eq!(told(seat.events_mut()), ["game 100", "current"]);
        let update = seat.update(GameOptions::new().locked(true).attribute("map", "moor"));
        let locked = Game { locked: true, ..game("a/x", 101) };
        let (updated, ()) = join!(update, server.next_gets(granted_anew("ada", 100, Some(locked))));
        updated.expect("it was granted");
        drop(server);
        (client, doors, seat)
    };
    let secret = || GameOptions::new().capacity(4).attribute("map", "sea").secret("hush").app_version("1.4");

    let (client, mut doors, mut seat) = hosting(secret()).await;
    let (mut server, _) = doors.welcomed("second", false).await;
    assert!(server.renewed().await.1.renew);
    server.watched().await;
    let (id, again) = server.renewed().await;
    let settings = again.game.expect("it is made again");
    assert_eq!((settings.capacity, settings.locked), (Some(4), Some(true)));
    assert_eq!(settings.attributes["map"], "moor");
    assert_eq!((again.ttl_secs, again.app_version.as_str(), again.secret.is_none()), (20, "1.4", false));
    server.answer(id, granted_anew("ada", 200, Some(Game { locked: true, ..game("a/x", 200) }))).await;
    let (id, watch) = server.watched().await;
    assert!(matches!(watch.subject, Subject::Peers { secret } if &secret.bytes()[..] == b"hush"));
    server.answer(id, game_snapshot(Game { locked: true, ..game("a/x", 200) }, &[("bob", 201)])).await;
    settle(&client, &mut server).await;
    assert_eq!(told(seat.events_mut()), ["+bob 201"]);
    assert_eq!((seat.own().version, seat.is_owner()), (200, true));

    // Another has made it again by now.
    let (client, mut doors, mut seat) = hosting(secret()).await;
    let (mut server, _) = doors.welcomed("second", false).await;
    server.renewed().await;
    server.watched().await;
    server.next_gets(refused(Code::GameExists)).await;
    let (watch, _) = server.watched().await;
    let (id, joins) = server.renewed().await;
    assert!(joins.game.is_none() && !joins.renew);
    assert_eq!((&joins.secret.bytes()[..], joins.app_version.as_str()), (&b"hush"[..], "1.4"));
    let owned = Game { owner: Some(registration("a/x", "bob", 1).id.clone()), ..game("a/x", 200) };
    server.answer(id, granted_anew("ada", 200, Some(owned.clone()))).await;
    server.answer(watch, game_snapshot(owned.clone(), &[("bob", 199)])).await;
    settle(&client, &mut server).await;
    assert_eq!(told(seat.events_mut()), ["+bob 199"]);
    assert!(!seat.is_owner());
    // From then on it is a guest there.
    drop(server);
    let (mut server, _) = doors.welcomed("third", false).await;
    server.renewed().await;
    server.watched().await;
    assert!(matches!(server.asked().await.1, Request::Discover(Discover { .. })));
}

#[tokio::test(start_paused = true)]
async fn a_guest_comes_back_only_to_a_game_that_is_still_there() {
    for (there, answer, events) in [
        (None, None, vec!["!ada CLOSED"]),
        (Some(game("a/x", 200)), Some(granted_anew("ada", 200, Some(game("a/x", 200)))), vec![]),
        (Some(game("a/x", 200)), Some(refused(Code::GameFull)), vec!["!ada EXPIRED"]),
        // It ended between the two.
        (Some(game("a/x", 200)), Some(granted_anew("ada", 200, None)), vec!["!ada CLOSED"]),
    ] {
        let (client, mut server, mut doors) = reconnecting(options()).await;
        let mut seat = entered(&client, &mut server, Some(game("a/x", 100)), &[]).await;
        assert_eq!(told(seat.events_mut()).len(), 2);
        drop(server);
        let (mut server, _) = doors.welcomed("second", false).await;
        server.renewed().await;
        server.watched().await;
        let (look, request) = server.asked().await;
        let Request::Discover(Discover { pattern, subject: Subject::Games { .. }, .. }) = request else {
            panic!("{request:?}")
        };
        assert_eq!(pattern.to_string(), "a/x");
        let (watch, _) = server.watched().await;
        server.answer(look, looked_up(there)).await;
        server.answer(watch, snapshot("a/x", &[], false)).await;
        let is_gone_again = matches!(&answer, Some(Answer::Granted { game: None, .. }));
        if let Some(answer) = answer {
            let (id, register) = server.renewed().await;
            assert!(!register.renew && register.game.is_none());
            server.answer(id, answer).await;
        }
        if is_gone_again {
            assert_eq!(server.given_up().await.1, "ada");
        }
        settle(&client, &mut server).await;
        assert_eq!(told(seat.events_mut()), events);
    }
}

#[tokio::test(start_paused = true)]
async fn who_is_gone_when_the_connection_is_back_gives_back_what_was_granted() {
    // A seat that was dropped meanwhile.
    let (client, mut server, mut doors) = reconnecting(options()).await;
    let seat = entered(&client, &mut server, Some(game("a/x", 100)), &[]).await;
    drop(server);
    let mut server = doors.next().await;
    drop(seat);
    for _ in 0..8 {
        tokio::task::yield_now().await;
    }
    server.welcomes("second", true).await;
    // It was renewed and watched in the same breath as HELLO.
    server.renewed().await;
    server.watched().await;
    let mut gave_back = vec![server.asked().await.1, server.asked().await.1];
    gave_back.sort_by_key(|request| matches!(request, Request::Rendezvous(_)));
    assert!(matches!(&gave_back[0], Request::Unregister(Unregister { peer: Some(_), .. })), "{gave_back:?}");
    assert!(matches!(&gave_back[1], Request::Rendezvous(watch) if watch.leave), "{gave_back:?}");
    settle(&client, &mut server).await;

    // One that was dropped before it is not even asked for.
    let (client, mut server, mut doors) = reconnecting(options()).await;
    let seat = entered(&client, &mut server, Some(game("a/x", 100)), &[]).await;
    doors.closed_for.store(3, std::sync::atomic::Ordering::Relaxed);
    drop(server);
    let mut states = client.states();
    states.next().await;
    drop(seat);
    let (mut server, _) = doors.welcomed("second", true).await;
    assert_eq!(server.given_up().await.1, "ada");
    settle(&client, &mut server).await;

    // A seat that may have been granted when the one who asked was gone: under a
    // name it is given up, without one it is asked for only to be given up.
    let (client, mut server, mut doors) = reconnecting(options()).await;
    match_given_up(&client, &mut server).await;
    let mut call = Box::pin(client.join("a/y", ada(), Entry::new()));
    assert!((&mut call).now_or_never().is_none());
    server.renewed().await;
    server.watched().await;
    drop(call);
    drop(server);
    let (mut server, _) = doors.welcomed("second", true).await;
    let (id, request) = server.asked().await;
    let Request::Match(asked) = request else { panic!("{request:?}") };
    let QuickMatch { wait, create, .. } = *asked;
    assert!(wait.is_zero() && create.is_none());
    server.answer(id, seat_of_ada()).await;
    let (_, request) = server.asked().await;
    assert!(matches!(&request, Request::Unregister(Unregister { ns, .. }) if ns.as_str() == "a/y"), "{request:?}");
    all_given_back(&mut server).await;
}

fn seat_of_ada() -> Answer {
    seat("a/x", &[("ada", 1)])
}

#[tokio::test(start_paused = true)]
async fn a_stream_that_may_not_watch_any_more_ends_with_the_reason() {
    let (client, mut server, mut doors) = reconnecting(options()).await;
    let mut events = watching(&client, &mut server, "a").await;
    let mut others = watching(&client, &mut server, "b").await;
    drop(server);
    let (mut server, _) = doors.welcomed("second", true).await;
    server.next_gets(refused(Code::Banned)).await;
    server.next_gets(snapshot("b", &[], false)).await;
    let Some(Event::Ended(error)) = events.next().await else { panic!("it ends") };
    assert_eq!(error.code(), Some(Code::Banned));
    assert!(events.next().await.is_none());
    assert_eq!(told(&mut others), Vec::<String>::new());
    while let Some(Some((_, request))) = server.next().now_or_never() {
        assert!(matches!(request, Request::Rendezvous(watch) if watch.leave));
    }
}

#[tokio::test(start_paused = true)]
async fn a_close_gives_up_all_that_would_outlive_the_connection() {
    let (client, mut server, _doors) = reconnecting(options()).await;
    let seat = entered(&client, &mut server, None, &[]).await;
    let (me, ()) = join!(client.register("b", Peer::new().id("me")), server.next_gets(granted("b", "me", None)));
    me.expect("it was granted");
    // One is on its way, and a match whose game is not known yet.
    let mut call = Box::pin(client.register("c", Peer::new().id("me")));
    assert!((&mut call).now_or_never().is_none());
    let (register, _) = server.asked().await;
    let mut matched = Box::pin(client.match_game("d", ada(), MatchOptions::new().wait(Duration::from_secs(60))));
    assert!((&mut matched).now_or_never().is_none());
    let (waiting, _) = server.asked().await;
    let other = client.clone();
    let script = async {
        assert_eq!(server.cancelled().await, waiting);
        server.answer(waiting, self::seat("d/x", &[("ada", 1)])).await;
        let mut out = Vec::new();
        for _ in 0..4 {
            let (_, request) = server.asked().await;
            let Request::Unregister(Unregister { ns, peer: None, .. }) = request else { panic!("{request:?}") };
            out.push(ns.to_string());
        }
        out.sort();
        assert_eq!(out, ["a/x", "b", "c", "d/x"]);
        server.answer(register, granted("c", "me", None)).await;
        assert!(server.next().await.is_none());
        drop(server);
    };
    let ((), _, _, ()) = join!(other.close(), call, matched, script);
    drop(seat);

    // The last clone that is dropped does the same.
    let (client, mut server, _doors) = reconnecting(options()).await;
    let (me, ()) = join!(client.register("b", Peer::new().id("me")), server.next_gets(granted("b", "me", None)));
    me.expect("it was granted");
    drop(client);
    assert!(matches!(server.asked().await.1, Request::Unregister(Unregister { peer: None, .. })));
    assert!(server.next().await.is_none());
}

#[test]
fn numbers_are_used_once() {
    // What is asked on one connection may be answered on the next.
    let numbers = super::super::conversation::Numbers::default();
    assert_eq!((numbers.next(), numbers.next()), (RequestId(1), RequestId(2)));
}
