//! Games whose members are away: their seats are taken, what is theirs stays
//! theirs, and who can be reached goes before who cannot.

use crate::{client::*, messages::*};
use foregather::{
    server::Server,
    wire::proto::{Game, LeaveReason, Message, MessageType, OwnerPolicy, RegistrationState, StatusCode},
};

const NS: &str = "chess/K7QP";
const AWAY: RegistrationState = RegistrationState::Away;

/// Longer than any test takes.
const LONG: u32 = 600;

fn owned_by(policy: OwnerPolicy) -> Game {
    Game { owner_policy: Some(policy.into()), ..Game::default() }
}

/// A client in rendezvous there.
async fn watcher(server: &Server) -> Client {
    let mut watcher = Client::connect(server).await;
    watcher.granted(rendezvous(NS)).await;
    watcher
}

/// A member with a lease, and the token of its session.
async fn member(server: &Server, watcher: &mut Client, ttl: u32, request: Message) -> (Client, bytes::Bytes) {
    let (mut member, welcome) = welcomed(server, hello()).await;
    member.granted(leased(ttl, request)).await;
    watcher.settle().await;
    (member, token(&welcome).clone())
}

/// Loses the connection of that one.
async fn lose(client: Client, id: &str, watcher: &mut Client) {
    drop(client);
    assert_eq!(states(&watcher.message().await), [(id, AWAY)]);
}

/// What the watcher hears next that says who owns the game from now on.
async fn new_owner(watcher: &mut Client) -> Game {
    loop {
        let heard = watcher.message().await;
        if heard.r#type() == MessageType::Game {
            return game(&heard).clone();
        }
    }
}

#[tokio::test]
async fn the_seat_of_who_is_away_is_taken_until_the_lease_ends() {
    let server = server();
    let mut watcher = watcher(&server).await;
    let [mut bob, mut eve] = clients(&server).await;
    let (_ada, _) = member(&server, &mut watcher, 0, host(NS, "ada", seats(2))).await;
    let (cid, _) = member(&server, &mut watcher, 1, register(NS, "cid")).await;
    eve.granted(lobby("chess/*")).await;
    lose(cid, "cid", &mut watcher).await;
    bob.refused(register(NS, "bob"), StatusCode::GameFull).await;
    bob.refused(quick_match("chess", "bob"), StatusCode::NoOpenGame).await;
    let shown = eve.granted(games(NS)).await;
    assert_eq!((game(&shown).members, game(&shown).capacity), (Some(2), Some(2)));

    // Who waits for a seat gets that one in the moment it is free.
    bob.send([numbered(9, match_or_wait("chess", "bob", 60_000))]).await;
    let answer = bob.message().await;
    assert_eq!((answer.request_id, code(&answer), ids(&answer)), (Some(9), StatusCode::Ok, vec!["bob", "ada"]));
    assert_eq!(gone(&watcher.message().await), [("cid", LeaveReason::Expired)]);
    assert_eq!(ids(&watcher.message().await), ["bob"]);
}

#[tokio::test]
async fn an_owner_who_is_away_owns_until_the_lease_ends() {
    for policy in [OwnerPolicy::Oldest, OwnerPolicy::Close, OwnerPolicy::None] {
        let server = server();
        let mut watcher = watcher(&server).await;
        let (ada, _) = member(&server, &mut watcher, 1, host(NS, "ada", owned_by(policy))).await;
        let (mut bob, _) = member(&server, &mut watcher, 0, register(NS, "bob")).await;
        lose(ada, "ada", &mut watcher).await;
        let shown = bob.granted(games(NS)).await;
        assert_eq!((game(&shown).owner(), game(&shown).term()), ("ada", 1));
        bob.refused(host(NS, "bob", seats(9)), StatusCode::NotOwner).await;
        bob.refused(unregister(NS, Some("ada")), StatusCode::NotOwner).await;

        // She does not come back; it is as if she had left.
        let mut heard = vec![watcher.message().await];
        assert_eq!(gone(&heard[0])[0], ("ada", LeaveReason::Expired));
        let closed = policy == OwnerPolicy::Close;
        if closed {
            if gone(&heard[0]).len() == 1 {
                heard.push(watcher.message().await);
            }
            let all: Vec<_> = heard.iter().flat_map(gone).collect();
            assert_eq!(all, [("ada", LeaveReason::Expired), ("bob", LeaveReason::Closed)]);
            assert_eq!(gone(&bob.message().await), [("bob", LeaveReason::Closed)]);
            continue;
        }
        let now = new_owner(&mut watcher).await;
        let expected = (policy == OwnerPolicy::Oldest).then_some("bob");
        assert_eq!((now.owner.as_deref(), now.term), (expected, Some(2)));
    }
}

#[tokio::test]
async fn who_can_be_reached_owns_before_who_was_there_longer() {
    let server = server();
    let mut watcher = watcher(&server).await;
    let (mut ada, _) = member(&server, &mut watcher, 0, host(NS, "ada", Game::default())).await;
    let (bob, bobs) = member(&server, &mut watcher, LONG, register(NS, "bob")).await;
    let (cid, _) = member(&server, &mut watcher, LONG, register(NS, "cid")).await;
    let (mut dan, _) = member(&server, &mut watcher, 0, register(NS, "dan")).await;
    lose(bob, "bob", &mut watcher).await;
    ada.granted(unregister(NS, None)).await;
    assert_eq!(new_owner(&mut watcher).await.owner(), "cid", "bob is older, but away");

    // That one who can be reached is there changes nothing for an owner who is away.
    lose(cid, "cid", &mut watcher).await;
    let (mut bob, welcome) = welcomed(&server, resuming(&bobs)).await;
    assert!(welcome.resumed());
    assert_eq!(states(&watcher.message().await), [("bob", RegistrationState::Present)]);
    let shown = bob.granted(games(NS)).await;
    assert_eq!((game(&shown).owner(), game(&shown).term()), ("cid", 2));

    dan.refused(unregister(NS, Some("cid")), StatusCode::NotOwner).await;
    watcher.silence().await;
}

#[tokio::test]
async fn where_nobody_can_be_reached_the_oldest_owns() {
    let server = server();
    let mut watcher = watcher(&server).await;
    let (mut ada, _) = member(&server, &mut watcher, 0, host(NS, "ada", Game::default())).await;
    let (bob, bobs) = member(&server, &mut watcher, LONG, register(NS, "bob")).await;
    let (cid, _) = member(&server, &mut watcher, LONG, register(NS, "cid")).await;
    lose(cid, "cid", &mut watcher).await;
    lose(bob, "bob", &mut watcher).await;
    ada.granted(unregister(NS, None)).await;
    let now = new_owner(&mut watcher).await;
    assert_eq!((now.owner(), now.term(), now.members()), ("bob", 2, 2));
    let (mut bob, _) = welcomed(&server, resuming(&bobs)).await;
    bob.granted(host(NS, "bob", seats(5))).await;
}

#[tokio::test]
async fn who_is_away_can_be_kicked_and_learns_it_when_back() {
    let server = server();
    let mut watcher = watcher(&server).await;
    let (mut ada, _) = member(&server, &mut watcher, 0, host(NS, "ada", Game::default())).await;
    let (bob, bobs) = member(&server, &mut watcher, LONG, register(NS, "bob")).await;
    lose(bob, "bob", &mut watcher).await;
    ada.granted(ban(NS, "bob")).await;
    assert_eq!(gone(&watcher.message().await), [("bob", LeaveReason::Kicked)]);
    // That was all that the session had. Whether it is told so then, or begins anew,
    // it stays out.
    let (mut bob, _) = welcomed(&server, resuming(&bobs)).await;
    bob.settle().await;
    bob.refused(register(NS, "bob"), StatusCode::Banned).await;
}

#[tokio::test]
async fn a_match_gives_who_was_away_its_game_again() {
    let server = server();
    let mut watcher = Client::connect(&server).await;
    watcher.granted(lobby("chess/*")).await;
    let (mut ada, welcome) = welcomed(&server, hello()).await;
    // Its answer is lost on the way.
    ada.send([numbered(1, leased(LONG, match_or_create("chess", "ada", seats(4))))]).await;
    let born = watcher.message().await;
    let ns = game(&born).ns().to_owned();
    watcher.granted(rendezvous(&ns)).await;
    drop(ada);
    assert_eq!(states(&watcher.message().await), [("ada", AWAY)]);

    let (mut ada, again) = welcomed(&server, resuming(token(&welcome))).await;
    assert!(again.resumed());
    let answer = ada.granted(leased(LONG, match_or_create("chess", "ada", seats(4)))).await;
    assert_eq!((game(&answer).ns(), game(&answer).members(), game(&answer).owner()), (&*ns, 1, "ada"));
    assert_eq!(states(&watcher.message().await), [("ada", RegistrationState::Present)]);
    watcher.silence().await;
}
