//! What a client of the seed hears of leases: one who is away registered once
//! more, one whose lease ended left. It knows no other words.

use crate::{client::*, messages::*};
use foregather::wire::proto::{LeaveReason, Message, MessageType, RegistrationState, StatusCode};

const NS: &str = "chess/K7QP";

const AWAY: RegistrationState = RegistrationState::Away;
const PRESENT: RegistrationState = RegistrationState::Present;

/// Longer than any test takes.
const LONG: u32 = 600;

/// Everything that has come, and not more than the seed knows. It asks for a list
/// of nothing, as it has no other way to know that all has come.
async fn heard(seed: &mut Client) -> Vec<Message> {
    seed.send([discover("nowhere")]).await;
    let mut heard = Vec::new();
    loop {
        let message = seed.message().await;
        if message.r#type() == MessageType::Register && message.register.is_empty() {
            return heard;
        }
        assert!(message.r#type.is_some_and(|kind| (0..=4).contains(&kind)), "{message:?}");
        heard.push(message);
    }
}

#[tokio::test]
async fn a_client_of_the_seed_hears_away_and_expired_in_its_own_words() {
    let server = server_with(|options| options.limits.heartbeat_ms = 250);
    let mut seed = Client::connect(&server).await;
    seed.send([register(NS, "seed"), rendezvous(NS)]).await;
    assert!(heard(&mut seed).await.is_empty());
    let (mut ada, welcome) = welcomed(&server, wishing(60_000)).await;
    ada.granted(leased(LONG, register(NS, "ada"))).await;
    assert_eq!(states(&seed.message().await), [("ada", PRESENT)]);
    drop(ada);
    assert_eq!(states(&seed.message().await), [("ada", AWAY)]);
    // Who comes meanwhile sees her listed like any other, and cannot be her.
    let mut late = Client::connect(&server).await;
    late.send([rendezvous(NS), register(NS, "ada")]).await;
    assert_eq!(states(&late.message().await), [("seed", PRESENT), ("ada", AWAY)]);
    assert_eq!(code(&late.message().await), StatusCode::PeerIdTaken);

    let (mut ada, again) = welcomed(&server, resuming(token(&welcome))).await;
    assert!(again.resumed());
    assert_eq!(states(&seed.message().await), [("ada", PRESENT)]);
    ada.granted(leased(1, register(NS, "ada"))).await;
    drop(ada);
    assert_eq!(states(&seed.message().await), [("ada", AWAY)]);
    assert_eq!(gone(&seed.message().await), [("ada", LeaveReason::Expired)]);
    assert!(heard(&mut seed).await.is_empty());
}

#[tokio::test]
async fn it_hears_who_left_for_whatever_reason_and_nothing_else() {
    let server = server_with(|options| {
        options.limits.heartbeat_min_ms = 50;
        options.limits.heartbeat_retries = 1;
    });
    let mut seed = Client::connect(&server).await;
    seed.send([register(NS, "seed"), rendezvous(NS)]).await;
    assert!(heard(&mut seed).await.is_empty());
    let (mut ada, _) = welcomed(&server, wishing(100)).await;
    let (mut bob, _) = welcomed(&server, wishing(60_000)).await;
    ada.granted(register(NS, "ada")).await;
    bob.granted(leased(LONG, register(NS, "bob"))).await;
    assert_eq!(ids(&seed.message().await), ["ada"]);
    assert_eq!(ids(&seed.message().await), ["bob"]);
    // ada says no more.
    assert_eq!(gone(&seed.message().await), [("ada", LeaveReason::TimedOut)]);
    bob.granted(unregister(NS, None)).await;
    assert_eq!(gone(&seed.message().await), [("bob", LeaveReason::Unregistered)]);
    assert!(heard(&mut seed).await.is_empty());
}

#[tokio::test]
async fn what_a_client_of_the_seed_registered_ends_with_its_connection() {
    let server = server();
    let [mut seed, mut other] = clients(&server).await;
    other.send([rendezvous(NS)]).await;
    assert!(heard(&mut other).await.is_empty());
    seed.send([register(NS, "seed")]).await;
    assert_eq!(ids(&other.message().await), ["seed"]);
    seed.reset();
    assert_eq!(gone(&other.message().await), [("seed", LeaveReason::Disconnected)]);
    assert!(heard(&mut other).await.is_empty());
}
