//! Programs that were restarted and take back what was theirs: the older session
//! of the same client_key ends, and its registrations pass over.

use crate::{client::*, messages::*};
use bytes::Bytes;
use foregather::{
    server::Server,
    wire::proto::{Game, Hello, LeaveReason, RegistrationState, StatusCode},
};

const NS: &str = "chess/K7QP";
const KEY: &str = "ada's computer";
const AWAY: RegistrationState = RegistrationState::Away;
const PRESENT: RegistrationState = RegistrationState::Present;

/// Longer than any test takes.
const LONG: u32 = 600;

/// A client in rendezvous with everything.
async fn watcher(server: &Server) -> Client {
    let mut watcher = Client::connect(server).await;
    watcher.granted(rendezvous("chess/**")).await;
    watcher
}

#[tokio::test]
async fn a_register_takes_all_over_from_a_session_that_is_connected() {
    let server = server();
    let mut watcher = watcher(&server).await;
    let (mut old, first) = welcomed(&server, keyed(KEY)).await;
    let born = old.granted(leased(LONG, host(NS, "ada", seats(3)))).await;
    old.granted(register("chess/other", "ada's")).await;
    let mut bob = Client::connect(&server).await;
    bob.granted(register(NS, "bob")).await;
    watcher.settle().await;

    let (mut new, second) = welcomed(&server, keyed(KEY)).await;
    assert!(!second.resumed());
    old.silence().await;
    let answer = new.granted(leased(LONG, register(NS, "ada"))).await;
    assert_eq!(version(&answer), version(&born), "it is an update that changes nothing");
    old.ended_with(StatusCode::Superseded).await;
    drop(old);
    watcher.silence().await;

    // What was its own is the newer one's: the game, and the other registration.
    new.granted(unregister(NS, Some("bob"))).await;
    assert_eq!(gone(&watcher.message().await), [("bob", LeaveReason::Kicked)]);
    new.granted(renew("chess/other", "ada's")).await;
    watcher.silence().await;
    let shown = watcher.granted(games(NS)).await;
    assert_eq!((game(&shown).owner(), game(&shown).term()), ("ada", 1));
    // The older session is over, and its token with it.
    let (_stranger, third) = welcomed(&server, resuming(token(&first))).await;
    assert!(!third.resumed(), "{third:?}");
    new.silence().await;
}

#[tokio::test]
async fn the_register_that_takes_over_updates() {
    let server = server();
    let mut watcher = watcher(&server).await;
    let (mut old, _) = welcomed(&server, keyed(KEY)).await;
    let before = old.granted(register_at(NS, "ada", "here")).await;
    watcher.settle().await;
    let (mut new, _) = welcomed(&server, keyed(KEY)).await;
    let after = new.granted(register_at(NS, "ada", "there")).await;
    let heard = watcher.message().await;
    assert_eq!(addresses(&heard), ["there"]);
    assert_eq!(version(&heard), version(&after));
    assert!(version(&after) > version(&before));
    old.ended_with(StatusCode::Superseded).await;
    watcher.silence().await;
    drop(new);
    assert_eq!(gone(&watcher.message().await), [("ada", LeaveReason::Disconnected)]);
}

#[tokio::test]
async fn who_was_away_is_back() {
    let server = server();
    let mut watcher = watcher(&server).await;
    let (mut old, _) = welcomed(&server, keyed(KEY)).await;
    for ns in [NS, "chess/other"] {
        old.granted(leased(LONG, register(ns, "ada"))).await;
    }
    watcher.settle().await;
    drop(old);
    let away = [watcher.message().await, watcher.message().await];
    assert!(away.iter().all(|message| states(message) == [("ada", AWAY)]));

    let (mut new, _) = welcomed(&server, keyed(KEY)).await;
    watcher.silence().await;
    new.granted(leased(LONG, register(NS, "ada"))).await;
    let back = [watcher.message().await, watcher.message().await];
    assert!(back.iter().all(|message| states(message) == [("ada", PRESENT)]), "{back:?}");
    assert!(back.iter().all(|message| version(message) > version(&away[1])), "{back:?}");
    watcher.silence().await;
    new.granted(renew("chess/other", "ada")).await;
}

#[tokio::test]
async fn without_the_same_key_on_both_sides_the_id_is_taken() {
    let server = server();
    let mut watcher = watcher(&server).await;
    let empty = || hello_with(Hello { protocol: Some(1), client_key: Some(Bytes::new()), ..Hello::default() });
    let cases = [
        (Some(keyed(KEY)), Some(keyed("another"))),
        (Some(keyed(KEY)), Some(keyed("ada's compute"))),
        (Some(keyed(KEY)), Some(empty())),
        (Some(keyed(KEY)), Some(hello())),
        (Some(keyed(KEY)), None),
        (Some(empty()), Some(empty())),
        (Some(empty()), Some(hello())),
        (Some(hello()), Some(hello())),
        (Some(hello()), Some(keyed(KEY))),
        (None, Some(keyed(KEY))),
    ];
    for (case, (older, newer)) in cases.into_iter().enumerate() {
        let [mut old, mut new] = clients(&server).await;
        if let Some(hello) = older {
            old.hello(hello).await;
        }
        if let Some(hello) = newer {
            new.hello(hello).await;
        }
        old.granted(register(NS, "ada")).await;
        assert_eq!(ids(&watcher.message().await), ["ada"]);
        new.refused(register(NS, "ada"), StatusCode::PeerIdTaken).await;
        new.refused(renew(NS, "ada"), StatusCode::NotFound).await;
        old.silence().await;
        watcher.silence().await;
        old.granted(unregister(NS, Some("ada"))).await;
        assert_eq!(gone(&watcher.message().await), [("ada", LeaveReason::Unregistered)], "{case}");
    }
}

#[tokio::test]
async fn the_longest_key_is_one_too() {
    let server = server();
    let key = Bytes::from(vec![0xff; 64]);
    let hello = || hello_with(Hello { protocol: Some(1), client_key: Some(key.clone()), ..Hello::default() });
    let (mut old, _) = welcomed(&server, hello()).await;
    old.granted(register(NS, "ada")).await;
    let (mut new, _) = welcomed(&server, hello()).await;
    new.granted(register(NS, "ada")).await;
    old.ended_with(StatusCode::Superseded).await;
}

#[tokio::test]
async fn two_programs_with_one_key_live_side_by_side_under_other_ids() {
    let server = server();
    let (mut one, _) = welcomed(&server, keyed(KEY)).await;
    let (mut two, _) = welcomed(&server, keyed(KEY)).await;
    one.granted(register(NS, "one")).await;
    two.granted(register(NS, "two")).await;
    one.granted(register("chess/other", "two")).await;
    two.granted(unregister(NS, Some("two"))).await;
    one.silence().await;
    two.silence().await;
}

#[tokio::test]
async fn a_match_takes_the_seat_of_the_older_session() {
    let server = server();
    let mut watcher = watcher(&server).await;
    for connected in [true, false] {
        let (mut old, _) = welcomed(&server, keyed(KEY)).await;
        let seat = old.granted(leased(LONG, match_or_create("chess", "ada", seats(2)))).await;
        let ns = game(&seat).ns().to_owned();
        watcher.settle().await;
        let mut old = Some(old);
        if !connected {
            old = None;
            assert_eq!(states(&watcher.message().await), [("ada", AWAY)]);
        }
        let (mut new, _) = welcomed(&server, keyed(KEY)).await;
        let again = new.granted(leased(LONG, match_or_create("chess", "ada", seats(2)))).await;
        assert_eq!((game(&again).ns(), game(&again).members(), ids(&again)[0]), (&*ns, 1, "ada"));
        match &mut old {
            Some(old) => drop(old.ended_with(StatusCode::Superseded).await),
            None => assert_eq!(states(&watcher.message().await), [("ada", PRESENT)]),
        }
        watcher.silence().await;
        new.granted(unregister(&ns, None)).await;
        assert_eq!(gone(&watcher.message().await), [("ada", LeaveReason::Unregistered)]);
    }
    // Without the key there is no such seat: another game is made.
    let (mut old, _) = welcomed(&server, keyed(KEY)).await;
    let seat = old.granted(match_or_create("chess", "ada", seats(2))).await;
    let (mut other, _) = welcomed(&server, keyed("another")).await;
    let another = other.granted(match_or_create("chess", "ada", seats(2))).await;
    assert_ne!(game(&seat).ns, game(&another).ns);
    old.silence().await;
}

#[tokio::test]
async fn who_watched_the_peers_that_become_its_own_hears_them_go() {
    let server = server();
    let mut watcher = watcher(&server).await;
    let (mut old, _) = welcomed(&server, keyed(KEY)).await;
    old.granted(register(NS, "ada")).await;
    old.granted(register(NS, "ada's")).await;
    old.granted(register("chess/unwatched", "ada's")).await;
    watcher.settle().await;
    let (mut new, _) = welcomed(&server, keyed(KEY)).await;
    assert_eq!(ids(&new.granted(rendezvous(NS)).await), ["ada", "ada's"]);

    new.send([numbered(1, register(NS, "ada"))]).await;
    let (mut gone_from_roster, mut answered) = (Vec::new(), false);
    for message in new.settle().await {
        if message.request_id == Some(1) {
            assert_eq!(code(&message), StatusCode::Ok);
            answered = true;
        } else {
            gone_from_roster.extend(gone(&message).into_iter().map(|(id, reason)| (id.to_owned(), reason)));
        }
    }
    gone_from_roster.sort();
    let left = LeaveReason::Unregistered;
    assert_eq!((answered, gone_from_roster), (true, vec![("ada".to_owned(), left), ("ada's".to_owned(), left)]));
    watcher.silence().await;
    old.ended_with(StatusCode::Superseded).await;
    // From now on they are its own: it hears of what it did not ask for alone.
    new.granted(register_at(NS, "ada's", "elsewhere")).await;
    new.silence().await;
    assert_eq!(addresses(&watcher.message().await), ["elsewhere"]);
}

#[tokio::test]
async fn what_is_too_much_for_one_connection_does_not_pass() {
    for (own, fits) in [(1, true), (2, false)] {
        let server = server_with(|options| options.limits.registrations_per_connection = 3);
        let mut watcher = watcher(&server).await;
        let (mut old, _) = welcomed(&server, keyed(KEY)).await;
        old.granted(leased(LONG, register(NS, "ada"))).await;
        old.granted(register(NS, "ada's")).await;
        let (mut new, _) = welcomed(&server, keyed(KEY)).await;
        for number in 0..own {
            new.granted(register("chess/other", &format!("{number}"))).await;
        }
        watcher.settle().await;
        if fits {
            new.granted(register(NS, "ada")).await;
            old.ended_with(StatusCode::Superseded).await;
            new.granted(renew(NS, "ada's")).await;
            new.refused(register(NS, "a fourth"), StatusCode::TooManyRegistrations).await;
        } else {
            new.refused(register(NS, "ada"), StatusCode::TooManyRegistrations).await;
            new.refused(register_at(NS, "ada's", "elsewhere"), StatusCode::TooManyRegistrations).await;
            old.silence().await;
            old.granted(leased(LONG, renew(NS, "ada"))).await;
            old.granted(register("chess/other", "a third")).await;
            assert_eq!(ids(&watcher.message().await), ["a third"]);
        }
        watcher.silence().await;
    }
}

#[tokio::test]
async fn watches_and_waiting_matches_of_the_older_session_end_with_it() {
    let server = server();
    let (mut old, _) = welcomed(&server, keyed(KEY)).await;
    old.granted(register(NS, "ada")).await;
    old.granted(rendezvous("chess/*")).await;
    old.send([numbered(7, match_or_wait("arena", "ada", 60_000))]).await;
    old.silence().await;
    let (mut new, _) = welcomed(&server, keyed(KEY)).await;
    new.granted(register(NS, "ada")).await;
    let mut owner = Client::connect(&server).await;
    owner.granted(host("arena/1", "owner", Game::default())).await;
    owner.granted(register("chess/other", "owner")).await;
    new.silence().await;
    assert_eq!(game(&owner.granted(games("arena/1")).await).members(), 1);
    new.refused(cancel(7), StatusCode::NotFound).await;
}

#[tokio::test]
async fn a_restart_storm_leaves_the_last_one() {
    let server = server();
    let mut watcher = watcher(&server).await;
    let mut last = None;
    for number in 0..100 {
        let (mut client, _) = welcomed(&server, keyed(KEY)).await;
        client.granted(leased(LONG, register(NS, "ada"))).await;
        let old: Option<Client> = last.replace(client);
        if number % 3 == 0 {
            drop(old);
        } else if let Some(mut old) = old {
            old.ended_with(StatusCode::Superseded).await;
        }
    }
    assert_eq!(ids(&watcher.message().await), ["ada"]);
    watcher.silence().await;
    drop(last);
    assert_eq!(states(&watcher.message().await), [("ada", AWAY)]);
}
