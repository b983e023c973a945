//! Seats are exact: never one too many, never "full" while one is free.

use crate::{client::*, messages::*};
use foregather::wire::proto::{Game, LeaveReason, StatusCode};

const NS: &str = "chess/K7QP";

#[tokio::test]
async fn a_game_takes_as_many_as_it_has_seats_and_its_owner_sits_on_one() {
    let server = server();
    let [mut ada, mut bob, mut eve] = clients(&server).await;
    for capacity in [1, 2, 3, 10] {
        ada.granted(host(NS, "ada", seats(capacity))).await;
        for taken in 2..=capacity {
            let joined = bob.granted(register(NS, &format!("{taken}"))).await;
            assert_eq!((game(&joined).members, game(&joined).capacity), (Some(taken), Some(capacity)));
        }
        for client in [&mut eve, &mut bob, &mut ada] {
            let refusal = client.refused(register(NS, "one too many"), StatusCode::GameFull).await;
            assert!(text(&refusal).contains(&capacity.to_string()), "{refusal:?}");
        }
        // Who sits there may say so again, and change.
        assert_eq!(game(&ada.granted(register_at(NS, "ada", "elsewhere")).await).members, Some(capacity));
        assert_eq!(ada.list(discover(NS)).await.register.len(), capacity as usize);
        ada.granted(unregister(NS, None)).await;
        if capacity > 1 {
            bob.granted(unregister(NS, None)).await;
        }
    }
}

#[tokio::test]
async fn a_seat_is_free_again_at_once_however_it_was_left() {
    let server = server();
    let [mut ada, mut bob, mut eve] = clients(&server).await;
    ada.granted(host(NS, "ada", seats(2))).await;
    ada.granted(rendezvous(NS)).await;
    for round in 0..20 {
        bob.granted(register(NS, "bob")).await;
        assert_eq!(ids(&ada.message().await), ["bob"]);
        eve.refused(register(NS, "eve"), StatusCode::GameFull).await;
        match round % 3 {
            0 => drop(bob.granted(unregister(NS, Some("bob"))).await),
            1 => drop(ada.granted(unregister(NS, Some("bob"))).await),
            _ => drop(std::mem::replace(&mut bob, Client::connect(&server).await)),
        }
        let reasons = [LeaveReason::Unregistered, LeaveReason::Kicked, LeaveReason::Disconnected];
        assert_eq!(gone(&ada.message().await), [("bob", reasons[round % 3])]);
        // Whoever has heard of it may have the seat.
        eve.granted(register(NS, "eve")).await;
        bob.settle().await;
        bob.refused(register(NS, "bob"), StatusCode::GameFull).await;
        eve.granted(unregister(NS, None)).await;
        ada.settle().await;
    }
}

#[tokio::test]
async fn fewer_seats_than_members_are_accepted_and_stop_newcomers_only() {
    let server = server();
    let [mut ada, mut bob, mut eve] = clients(&server).await;
    ada.granted(host(NS, "ada", seats(5))).await;
    for id in ["1", "2", "3", "4"] {
        bob.granted(register(NS, id)).await;
    }
    let lowered = ada.granted(host(NS, "ada", seats(2))).await;
    assert_eq!((game(&lowered).members, game(&lowered).capacity), (Some(5), Some(2)));
    bob.granted(register_at(NS, "1", "elsewhere")).await;
    for (id, left) in [("1", 4), ("2", 3), ("3", 2)] {
        eve.refused(register(NS, "eve"), StatusCode::GameFull).await;
        eve.refused(quick_match("chess", "eve"), StatusCode::NoOpenGame).await;
        bob.granted(unregister(NS, Some(id))).await;
        assert_eq!(game(&eve.list(games(NS)).await).members, Some(left));
    }
    eve.refused(register(NS, "eve"), StatusCode::GameFull).await;
    bob.granted(unregister(NS, Some("4"))).await;
    eve.granted(register(NS, "eve")).await;

    // More seats are free at once, and none stands for as many as there may be.
    bob.refused(register(NS, "bob"), StatusCode::GameFull).await;
    ada.granted(host(NS, "ada", seats(3))).await;
    bob.granted(register(NS, "bob")).await;
    ada.granted(host(NS, "ada", seats(0))).await;
    for number in 0..100 {
        bob.granted(register(NS, &format!("{number}"))).await;
    }
}

#[tokio::test]
async fn a_list_and_a_join_say_the_same() {
    let server = server();
    let [mut host_client, mut lister] = clients(&server).await;
    for number in 0..60_u32 {
        let ns = format!("chess/{number:02}");
        let settings = Game { locked: Some(number % 7 == 0), ..seats(number % 5) };
        host_client.granted(host(&ns, "owner", settings)).await;
        for member in 0..number % 6 {
            // Some of them are full before.
            host_client.ask(1, register(&ns, &format!("{member}"))).await;
        }
    }
    let list = lister.all_pages(games("chess/*")).await;
    assert_eq!(list.game.len(), 60);
    let (mut open, mut closed) = (0, 0);
    for game in &list.game {
        let (members, capacity) = (game.members(), game.capacity());
        let answer = lister.ask(1, register(game.ns(), "a newcomer")).await;
        let expected = if game.locked() {
            StatusCode::GameLocked
        } else if capacity > 0 && members >= capacity {
            StatusCode::GameFull
        } else {
            StatusCode::Ok
        };
        assert_eq!(code(&answer), expected, "{game:?}");
        let counted = lister.list(discover(game.ns())).await.register.len();
        match expected {
            StatusCode::Ok => {
                open += 1;
                assert_eq!(crate::messages::game(&answer).members, Some(members + 1));
                assert_eq!(counted, members as usize + 1);
            }
            _ => {
                closed += 1;
                assert_eq!(counted, members as usize);
            }
        }
    }
    assert!(open > 10 && closed > 10, "{open} open and {closed} closed games");
}

#[tokio::test]
async fn everybody_hears_that_a_game_is_full_and_may_begin() {
    let server = server_with(|options| options.limits.game_list_ms = 0);
    let [mut ada, mut bob, mut eve, mut lobby_client] = clients(&server).await;
    lobby_client.granted(lobby("chess/*")).await;
    ada.granted(host(NS, "ada", seats(3))).await;
    let roster = ada.granted(rendezvous(NS)).await;
    assert_eq!((game(&roster).members, game(&roster).capacity), (Some(1), Some(3)));
    // One that follows the peers counts them; they hear no GAME for a seat.
    for (client, id) in [(&mut bob, "bob"), (&mut eve, "eve")] {
        client.granted(register(NS, id)).await;
        assert_eq!(ids(&ada.message().await), [id]);
    }
    ada.silence().await;
    let seen: Vec<_> = lobby_client.settle().await.iter().map(|message| game(message).members()).collect();
    assert_eq!(seen, [1, 2, 3]);
}
