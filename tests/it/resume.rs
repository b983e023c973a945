//! Sessions that go on with another connection: everything that was registered
//! passes to it, nothing else does, and the old connection is out of the play.

use crate::{client::*, messages::*};
use foregather::{
    server::Server,
    wire::proto::{Game, Hello, LeaveReason, Message, MessageType, RegistrationState, StatusCode},
};

const NS: &str = "chess/K7QP";
const AWAY: RegistrationState = RegistrationState::Away;
const PRESENT: RegistrationState = RegistrationState::Present;

/// Longer than any test takes.
const LONG: u32 = 600;

/// A client in rendezvous there.
async fn watcher(server: &Server) -> Client {
    let mut watcher = Client::connect(server).await;
    watcher.granted(rendezvous(NS)).await;
    watcher
}

#[tokio::test]
async fn a_welcome_names_the_session_and_what_it_takes_to_go_on_with_it() {
    let server = server();
    let (_ada, first) = welcomed(&server, hello()).await;
    let (_bob, second) = welcomed(&server, hello()).await;
    for welcome in [&first, &second] {
        assert!(!welcome.resumed());
        assert!(welcome.session().starts_with('~'), "{welcome:?}");
        assert!(token(welcome).len() >= 16, "it cannot be guessed: {welcome:?}");
    }
    assert_ne!(first.session, second.session);
    assert_ne!(token(&first), token(&second));
}

#[tokio::test]
async fn who_was_away_is_back_with_all_that_it_had() {
    let server = server();
    let mut watcher = watcher(&server).await;
    watcher.granted(rendezvous("chess/other")).await;
    let (mut ada, welcome) = welcomed(&server, hello()).await;
    ada.granted(leased(LONG, host(NS, "ada", seats(3)))).await;
    ada.granted(leased(LONG, register("chess/other", "ada's"))).await;
    let mut bob = Client::connect(&server).await;
    bob.granted(register(NS, "bob")).await;
    watcher.settle().await;
    drop(ada);
    let away = [watcher.message().await, watcher.message().await];
    assert_eq!(away.each_ref().map(|message| states(message)[0].1), [AWAY; 2]);

    let (mut ada, again) = welcomed(&server, resuming(token(&welcome))).await;
    assert_eq!((again.resumed(), &again.session), (true, &welcome.session));
    assert_ne!(token(&again), token(&welcome));
    for (before, now) in away.iter().zip([watcher.message().await, watcher.message().await]) {
        let (id, _) = states(before)[0];
        assert_eq!(states(&now), [(id, PRESENT)]);
        assert!(version(&now) > version(before), "{now:?}");
        assert_eq!(now.register[0].peer, before.register[0].peer, "it is told whole");
    }
    ada.silence().await;
    watcher.silence().await;

    // Its seat and its game, what it may do there, and its other registration.
    let shown = watcher.granted(games(NS)).await;
    assert_eq!((game(&shown).owner(), game(&shown).term(), game(&shown).members()), ("ada", 1, 2));
    ada.granted(unregister(NS, Some("bob"))).await;
    assert_eq!(gone(&watcher.message().await), [("bob", LeaveReason::Kicked)]);
    ada.granted(register_at("chess/other", "ada's", "elsewhere")).await;
    assert_eq!(addresses(&watcher.message().await), ["elsewhere"]);
    ada.granted(unregister(NS, None)).await;
    assert_eq!(gone(&watcher.message().await), [("ada", LeaveReason::Unregistered)]);
    // The update took the lease of the other away: it ends with this connection.
    drop(ada);
    assert_eq!(gone(&watcher.message().await), [("ada's", LeaveReason::Disconnected)]);
}

#[tokio::test]
async fn before_the_loss_is_noticed_all_passes_and_nobody_hears_of_it() {
    for lease in [0, LONG] {
        let server = server();
        let mut watcher = watcher(&server).await;
        let (mut old, welcome) = welcomed(&server, hello()).await;
        old.granted(leased(lease, host(NS, "ada", seats(3)))).await;
        watcher.settle().await;

        let (mut new, again) = welcomed(&server, resuming(token(&welcome))).await;
        assert_eq!((again.resumed(), &again.session), (true, &welcome.session));
        old.ended_with(StatusCode::Superseded).await;
        drop(old);
        new.silence().await;
        watcher.silence().await;

        let answer = new.granted(leased(lease, renew(NS, "ada"))).await;
        assert_eq!(answer.register[0].ttl_secs, Some(lease));
        new.granted(host(NS, "ada", seats(4))).await;
        assert_eq!(game(&watcher.message().await).capacity(), 4);
        drop(new);
        assert_eq!(gone(&watcher.message().await), [("ada", LeaveReason::Disconnected)]);
        watcher.silence().await;
    }
}

#[tokio::test]
async fn the_old_connections_late_death_changes_nothing() {
    let server = server();
    let mut watcher = watcher(&server).await;
    type Ending = fn(Client);
    let endings: &[Ending] = &[|client| drop(client), |client| client.reset()];
    for end in endings {
        let (mut old, welcome) = welcomed(&server, hello()).await;
        old.granted(register(NS, "ada")).await;
        assert_eq!(ids(&watcher.message().await), ["ada"]);
        // It dies with a request under way, and unread words for it.
        let (mut new, _) = welcomed(&server, resuming(token(&welcome))).await;
        old.send([numbered(7, unregister(NS, None)), unregister(NS, Some("ada"))]).await;
        end(old);
        new.silence().await;
        watcher.silence().await;
        assert_eq!(ids(&new.granted(discover(NS)).await), ["ada"]);
        new.granted(unregister(NS, None)).await;
        assert_eq!(gone(&watcher.message().await), [("ada", LeaveReason::Unregistered)]);
    }
}

#[tokio::test]
async fn a_change_that_the_old_connection_made_before_is_kept() {
    let server = server();
    let mut watcher = watcher(&server).await;
    let (mut old, welcome) = welcomed(&server, hello()).await;
    for number in 0..50 {
        old.granted(register_at(NS, "ada", &format!("{number}"))).await;
        assert_eq!(addresses(&watcher.message().await), [format!("{number}")]);
    }
    let (new, _) = welcomed(&server, resuming(token(&welcome))).await;
    old.ended_with(StatusCode::Superseded).await;
    assert_eq!(addresses(&watcher.granted(discover(NS)).await), ["49"]);
    drop(new);
    assert_eq!(gone(&watcher.message().await), [("ada", LeaveReason::Disconnected)]);
}

#[tokio::test]
async fn watches_do_not_pass() {
    let server = server();
    let (mut old, welcome) = welcomed(&server, hello()).await;
    old.granted(leased(LONG, register(NS, "ada"))).await;
    for request in [rendezvous(NS), rendezvous("chess/*"), lobby("chess/**")] {
        old.granted(request).await;
    }
    let (mut new, again) = welcomed(&server, resuming(token(&welcome))).await;
    old.ended_with(StatusCode::Superseded).await;
    let mut bob = Client::connect(&server).await;
    bob.granted(host("chess/other", "bob", Game::default())).await;
    bob.granted(register(NS, "bob")).await;
    new.silence().await;
    for pattern in [NS, "chess/*"] {
        new.refused(leave(pattern), StatusCode::NotFound).await;
    }
    // They are entered again, in the segment of the HELLO.
    let mut third = Client::connect(&server).await;
    third.send([numbered(1, resuming(token(&again))), numbered(2, rendezvous(NS))]).await;
    assert!(crate::messages::welcome(&third.message().await).resumed());
    assert_eq!(ids(&third.message().await), ["bob"], "without its own");
    bob.granted(register(NS, "bob's")).await;
    assert_eq!(ids(&third.message().await), ["bob's"]);
}

#[tokio::test]
async fn a_waiting_match_does_not_pass() {
    let server = server();
    let mut owner = Client::connect(&server).await;
    for noticed in [true, false] {
        let (mut old, welcome) = welcomed(&server, hello()).await;
        old.granted(leased(LONG, register("elsewhere", "ada"))).await;
        old.send([numbered(7, match_or_wait("chess", "ada", 60_000))]).await;
        old.silence().await;
        let mut old = Some(old);
        if noticed {
            let mut watcher = Client::connect(&server).await;
            watcher.granted(rendezvous("elsewhere")).await;
            old = None;
            assert_eq!(states(&watcher.message().await), [("ada", AWAY)]);
        }
        let (mut new, again) = welcomed(&server, resuming(token(&welcome))).await;
        assert!(again.resumed());
        owner.granted(host(NS, "owner", seats(2))).await;
        new.silence().await;
        assert_eq!(game(&owner.granted(games(NS)).await).members(), 1);
        new.refused(cancel(7), StatusCode::NotFound).await;
        owner.granted(unregister(NS, None)).await;
        new.granted(unregister("elsewhere", None)).await;
        drop(old);
    }
}

#[tokio::test]
async fn what_happened_meanwhile_is_told_behind_the_welcome_and_once() {
    let server = server();
    let mut owner = Client::connect(&server).await;
    for ns in ["kicked/1", "closed/1"] {
        let policy = foregather::wire::proto::OwnerPolicy::Close;
        owner.granted(host(ns, "owner", Game { owner_policy: Some(policy.into()), ..Game::default() })).await;
        owner.granted(rendezvous(ns)).await;
    }
    owner.granted(rendezvous("expired/1")).await;
    let (mut ada, welcome) = welcomed(&server, hello()).await;
    for (ns, ttl) in [("kicked/1", LONG), ("closed/1", LONG), ("expired/1", 1), ("kept/1", LONG), ("lost/1", 0)] {
        ada.granted(leased(ttl, register(ns, "ada"))).await;
    }
    owner.settle().await;
    drop(ada);
    for _ in 0..3 {
        assert_eq!(states(&owner.message().await), [("ada", AWAY)]);
    }
    owner.granted(unregister("kicked/1", Some("ada"))).await;
    assert_eq!(gone(&owner.message().await), [("ada", LeaveReason::Kicked)]);
    owner.granted(unregister("closed/1", None)).await;
    owner.message().await;
    assert_eq!(gone(&owner.message().await), [("ada", LeaveReason::Expired)]);

    let (mut ada, again) = welcomed(&server, resuming(token(&welcome))).await;
    assert!(again.resumed());
    let heard = ada.settle().await;
    let mut told: Vec<_> = heard
        .iter()
        .inspect(|message| assert_eq!((message.r#type(), message.request_id), (MessageType::Unregister, None)))
        .flat_map(|message| &message.unregister)
        .map(|entry| (entry.ns(), entry.reason()))
        .collect();
    told.sort();
    // What the loss itself ended it knows.
    told.retain(|told| *told != ("lost/1", LeaveReason::Disconnected));
    let expected =
        [("closed/1", LeaveReason::Closed), ("expired/1", LeaveReason::Expired), ("kicked/1", LeaveReason::Kicked)];
    assert_eq!(told, expected);
    for (ns, _) in told {
        ada.refused(renew(ns, "ada"), StatusCode::NotFound).await;
    }
    ada.granted(leased(LONG, renew("kept/1", "ada"))).await;

    let (mut ada, once_more) = welcomed(&server, resuming(token(&again))).await;
    assert!(once_more.resumed());
    ada.silence().await;
}

#[tokio::test]
async fn a_ban_holds_for_who_comes_back() {
    let server = server();
    let mut owner = Client::connect(&server).await;
    owner.granted(host(NS, "owner", Game::default())).await;
    let (mut bob, welcome) = welcomed(&server, hello()).await;
    bob.granted(leased(LONG, register("elsewhere", "bob"))).await;
    bob.granted(register(NS, "bob")).await;
    owner.granted(ban(NS, "bob")).await;
    bob.settle().await;
    let (mut again, resumed) = welcomed(&server, resuming(token(&welcome))).await;
    assert!(resumed.resumed());
    bob.ended_with(StatusCode::Superseded).await;
    for request in [register(NS, "robert"), rendezvous(NS), discover(NS)] {
        again.refused(request, StatusCode::Banned).await;
    }
}

#[tokio::test]
async fn a_resume_behind_other_requests_is_refused_and_changes_nothing() {
    let server = server();
    let mut watcher = watcher(&server).await;
    let (mut old, welcome) = welcomed(&server, hello()).await;
    old.granted(leased(LONG, register(NS, "ada"))).await;
    watcher.settle().await;
    for before in [register("elsewhere", "other"), discover(NS), rendezvous("elsewhere")] {
        let mut other = Client::connect(&server).await;
        other.granted(before).await;
        let refusal = other.refused(resuming(token(&welcome)), StatusCode::InvalidMessage).await;
        assert!(refusal.welcome.is_none());
        other.send([register("elsewhere", "without a number"), resuming(token(&welcome))]).await;
        let refusal = other.message().await;
        assert_eq!((code(&refusal), refusal.request_id), (StatusCode::InvalidMessage, None));
    }
    // Neither is one that was welcomed welcomed again.
    let (mut other, own) = welcomed(&server, hello()).await;
    for token in [token(&welcome), token(&own)] {
        other.refused(resuming(token), StatusCode::InvalidMessage).await;
    }
    old.silence().await;
    watcher.silence().await;
    assert!(welcomed(&server, resuming(token(&welcome))).await.1.resumed());
    old.ended_with(StatusCode::Superseded).await;
}

#[tokio::test]
async fn a_hello_that_is_refused_takes_nobody_over() {
    let server = server();
    let (mut old, welcome) = welcomed(&server, hello()).await;
    old.granted(register(NS, "ada")).await;
    let valid = Hello { protocol: Some(1), resume: welcome.resume.clone(), ..Hello::default() };
    for (hello, refusal) in [
        (Hello { protocol: Some(2), ..valid.clone() }, StatusCode::Unsupported),
        (Hello { client_key: Some(vec![0; 65].into()), ..valid.clone() }, StatusCode::InvalidMessage),
        (Hello { agent: Some("x".repeat(129)), ..valid.clone() }, StatusCode::InvalidMessage),
    ] {
        Client::connect(&server).await.refused(hello_with(hello), refusal).await;
    }
    old.silence().await;
    assert!(welcomed(&server, hello_with(valid)).await.1.resumed());
}

#[tokio::test]
async fn a_session_goes_through_many_connections() {
    let server = server();
    let mut watcher = watcher(&server).await;
    let (mut client, first) = welcomed(&server, hello()).await;
    client.granted(leased(LONG, host(NS, "ada", Game::default()))).await;
    watcher.settle().await;
    let mut last = first.clone();
    for number in 0..50 {
        // Every other time the loss is noticed.
        let old = (number % 2 == 0).then_some(client);
        let noticed = old.is_none();
        if noticed {
            assert_eq!(states(&watcher.message().await), [("ada", AWAY)]);
        }
        let (new, again) = welcomed(&server, resuming(token(&last))).await;
        assert_eq!((again.resumed(), &again.session), (true, &first.session), "{number}");
        if noticed {
            assert_eq!(states(&watcher.message().await), [("ada", PRESENT)]);
        }
        (client, last) = (new, again);
    }
    watcher.silence().await;
    assert_eq!(game(&client.granted(games(NS)).await).term(), 1);
    client.granted(leased(LONG, renew(NS, "ada"))).await;
}

#[tokio::test]
async fn what_follows_hello_in_its_segment_is_answered_behind_the_welcome_in_order() {
    let server = server();
    let (mut old, welcome) = welcomed(&server, hello()).await;
    old.granted(leased(LONG, register(NS, "ada"))).await;
    drop(old);
    let mut new = Client::connect(&server).await;
    let requests: [Message; 4] = [resuming(token(&welcome)), renew(NS, "ada"), rendezvous(NS), discover(NS)];
    new.send(requests.into_iter().enumerate().map(|(number, request)| numbered(number as u64, request))).await;
    for (number, kind) in
        [MessageType::Welcome, MessageType::Register, MessageType::Register, MessageType::Register].iter().enumerate()
    {
        let answer = new.message().await;
        assert_eq!((answer.request_id, answer.r#type()), (Some(number as u64), *kind), "{answer:?}");
        assert_eq!(code(&answer), StatusCode::Ok);
    }
    new.silence().await;
}
