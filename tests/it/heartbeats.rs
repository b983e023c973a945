//! Signs of life: who is silent is asked, who answers stays, who does not is gone
//! at the bound that its WELCOME names, neither earlier nor later.

use crate::{client::*, messages::*};
use foregather::{
    server::Server,
    wire::proto::{LeaveReason, Message, MessageType, RegistrationState, StatusCode, Welcome},
};
use std::time::{Duration, Instant};

const NS: &str = "chess/K7QP";

/// How much later than it is due something may be heard: the machine is shared.
const SLACK: Duration = Duration::from_millis(200);

/// A server that may be wished short heartbeats of, and asks so often.
fn server_asking(retries: usize) -> Server {
    server_with(|options| {
        options.limits.heartbeat_min_ms = 50;
        options.limits.heartbeat_retries = retries;
    })
}

/// A client in rendezvous there.
async fn watcher(server: &Server) -> Client {
    let mut watcher = Client::connect(server).await;
    watcher.granted(rendezvous(NS)).await;
    watcher
}

fn interval(welcome: &Welcome) -> Duration {
    Duration::from_millis(welcome.heartbeat_ms().into())
}

/// How long a ghost may live, as WELCOME says it.
fn bound(welcome: &Welcome) -> Duration {
    interval(welcome) * (welcome.heartbeat_retries() + 1)
}

/// The number of a question for a sign of life.
#[track_caller]
fn asked(message: &Message) -> u64 {
    assert_eq!((message.r#type(), message.request_id), (MessageType::Heartbeat, None), "{message:?}");
    let question = message.heartbeat.as_ref().expect("a HEARTBEAT holds one");
    assert!(!question.reply(), "it is no answer: {message:?}");
    question.nonce.expect("it has a number")
}

#[tokio::test]
async fn what_a_client_wishes_is_granted_within_the_limits() {
    let server = server_with(|options| {
        options.limits.heartbeat_min_ms = 100;
        options.limits.heartbeat_ms = 300;
        options.limits.heartbeat_max_ms = 1_000;
        options.limits.heartbeat_retries = 5;
    });
    let wishes = [
        (None, 300),
        (Some(0), 300),
        (Some(1), 100),
        (Some(99), 100),
        (Some(100), 100),
        (Some(101), 101),
        (Some(300), 300),
        (Some(999), 999),
        (Some(1_000), 1_000),
        (Some(1_001), 1_000),
        (Some(u32::MAX), 1_000),
    ];
    for (wish, granted) in wishes {
        let (_client, welcome) = welcomed(&server, wishing(wish)).await;
        assert_eq!((welcome.heartbeat_ms, welcome.heartbeat_retries), (Some(granted), Some(5)), "{wish:?}");
    }
}

#[tokio::test]
async fn if_nothing_is_set_it_is_20_seconds() {
    let server = server_with(|options| options.limits = Default::default());
    for (wish, granted) in [(None, 5_000), (Some(249), 250), (Some(250), 250), (Some(60_001), 60_000)] {
        let (_client, welcome) = welcomed(&server, wishing(wish)).await;
        assert_eq!((welcome.heartbeat_ms, welcome.heartbeat_retries), (Some(granted), Some(3)));
    }
}

#[tokio::test]
async fn who_says_nothing_is_asked_so_often_and_gone_at_the_bound() {
    for (retries, wish) in [(1, 300), (3, 100), (3, 250)] {
        let server = server_asking(retries);
        let mut watcher = watcher(&server).await;
        let (mut ada, welcome) = welcomed(&server, wishing(wish)).await;
        assert_eq!(interval(&welcome), Duration::from_millis(wish.into()));
        // The server hears her a little later than she speaks, and never earlier.
        let before = Instant::now();
        ada.granted(register(NS, "ada")).await;
        let after = Instant::now();
        assert_eq!(ids(&watcher.message().await), ["ada"]);
        for number in 1..=welcome.heartbeat_retries() {
            asked(&ada.message().await);
            assert!(before.elapsed() >= interval(&welcome) * number, "question {number} is early");
            assert!(after.elapsed() <= interval(&welcome) * number + SLACK, "question {number} is late");
        }
        let (heard, ()) = tokio::join!(watcher.message(), async {
            ada.ended_with(StatusCode::Unavailable).await;
        });
        assert_eq!(gone(&heard), [("ada", LeaveReason::TimedOut)]);
        assert!(before.elapsed() >= bound(&welcome), "she is taken out early");
        assert!(after.elapsed() <= bound(&welcome) + SLACK, "she is taken out late: {:?}", after.elapsed());
        watcher.silence().await;
    }
}

#[tokio::test]
async fn who_answers_stays() {
    let server = server_asking(3);
    let mut watcher = watcher(&server).await;
    let (mut ada, welcome) = welcomed(&server, wishing(100)).await;
    ada.granted(register(NS, "ada")).await;
    assert_eq!(ids(&watcher.message().await), ["ada"]);
    let begun = Instant::now();
    while begun.elapsed() < bound(&welcome) * 4 {
        let nonce = asked(&ada.message().await);
        ada.send([heartbeat(nonce, Some(true))]).await;
    }
    watcher.silence().await;
    assert_eq!(ids(&ada.granted(discover(NS)).await), ["ada"]);
}

#[tokio::test]
async fn an_answer_to_the_last_question_is_soon_enough() {
    let server = server_asking(3);
    let mut watcher = watcher(&server).await;
    let (mut ada, welcome) = welcomed(&server, wishing(100)).await;
    ada.granted(register(NS, "ada")).await;
    assert_eq!(ids(&watcher.message().await), ["ada"]);
    for _ in 0..4 {
        let begun = Instant::now();
        for _ in 0..welcome.heartbeat_retries() {
            asked(&ada.message().await);
        }
        assert!(begun.elapsed() > interval(&welcome) * 2, "they are counted anew");
        ada.send([heartbeat(0, Some(true))]).await;
    }
    watcher.silence().await;
    ada.silence().await;
}

#[tokio::test]
async fn any_byte_is_life() {
    let server = server_asking(1);
    let (mut watcher, mut bystander) = (watcher(&server).await, Client::connect(&server).await);
    let (mut ada, welcome) = welcomed(&server, wishing(300)).await;
    ada.granted(register(NS, "ada")).await;
    assert_eq!(ids(&watcher.message().await), ["ada"]);
    // A frame that comes byte by byte, for several times the bound: while it comes
    // she is not even asked.
    let mut request = numbered(7, register_at(NS, "ada", "elsewhere"));
    request.register[0].peer.as_mut().expect("it names a peer").attributes =
        attributes(&[("long", &"x".repeat(4_000))]);
    let bytes = frame(&request);
    let (mut sent, begun) = (0, Instant::now());
    while begun.elapsed() < bound(&welcome) * 3 {
        assert!(sent + 1 < bytes.len(), "the frame is too short for this");
        ada.send_bytes(&bytes[sent..=sent]).await;
        sent += 1;
        let pause = Instant::now();
        while pause.elapsed() < interval(&welcome) / 10 {
            bystander.silence().await;
        }
    }
    ada.send_bytes(&bytes[sent..]).await;
    let answer = ada.message().await;
    assert_eq!((answer.request_id, code(&answer)), (Some(7), StatusCode::Ok), "{answer:?}");
    assert_eq!(addresses(&watcher.message().await), ["elsewhere"]);
    watcher.silence().await;
}

#[tokio::test]
async fn the_beginning_of_an_answer_is_one() {
    let server = server_asking(2);
    let mut watcher = watcher(&server).await;
    let (mut ada, welcome) = welcomed(&server, wishing(100)).await;
    ada.granted(register(NS, "ada")).await;
    assert_eq!(ids(&watcher.message().await), ["ada"]);
    let answer = frame(&heartbeat(u64::MAX, Some(true)));
    let begun = Instant::now();
    for byte in answer.iter().cycle() {
        asked(&ada.message().await);
        ada.send_bytes(&[*byte]).await;
        if begun.elapsed() > bound(&welcome) * 4 {
            break;
        }
    }
    watcher.silence().await;
}

#[tokio::test]
async fn a_busy_client_is_never_asked() {
    let server = server_asking(1);
    let (mut ada, welcome) = welcomed(&server, wishing(300)).await;
    let begun = Instant::now();
    while begun.elapsed() < bound(&welcome) * 2 {
        ada.granted(register(NS, "ada")).await;
    }
}

#[tokio::test]
async fn what_is_sent_to_a_client_is_no_sign_of_its_life() {
    let server = server_asking(1);
    let [mut bob] = clients(&server).await;
    let (mut ada, welcome) = welcomed(&server, wishing(150)).await;
    ada.granted(rendezvous(NS)).await;
    let begun = Instant::now();
    let mut questions = 0;
    for number in 0.. {
        assert!(begun.elapsed() < bound(&welcome) + SLACK, "it is not asked");
        bob.granted(register_at(NS, "bob", &format!("{number}"))).await;
        let heard = ada.message().await;
        match heard.r#type() {
            MessageType::Register => {}
            MessageType::Status => {
                assert_eq!(code(&heard), StatusCode::Unavailable);
                break;
            }
            _ => {
                asked(&heard);
                questions += 1;
            }
        }
    }
    assert_eq!(questions, 1);
    ada.end().await;
}

#[tokio::test]
async fn who_never_said_hello_is_never_asked() {
    let server = server_with(|options| {
        options.limits.heartbeat_min_ms = 50;
        options.limits.heartbeat_ms = 250;
        options.limits.heartbeat_retries = 1;
    });
    let [mut seed, mut numbering, mut silent] = clients(&server).await;
    seed.send([register(NS, "seed"), rendezvous(NS)]).await;
    numbering.granted(register(NS, "numbering")).await;
    assert_eq!(ids(&seed.message().await), ["numbering"]);
    // One that is asked, and gone, twice over.
    for _ in 0..2 {
        let (mut timer, _) = welcomed(&server, hello()).await;
        asked(&timer.message().await);
        timer.ended_with(StatusCode::Unavailable).await;
    }
    for client in [&mut seed, &mut numbering, &mut silent] {
        client.silence().await;
    }
}

#[tokio::test]
async fn who_is_silent_before_its_first_request_is_gone_too() {
    let server = server_asking(1);
    let (mut client, welcome) = welcomed(&server, wishing(100)).await;
    let begun = Instant::now();
    asked(&client.message().await);
    client.ended_with(StatusCode::Unavailable).await;
    assert!(begun.elapsed() < bound(&welcome) + SLACK);
}

#[tokio::test]
async fn who_waits_for_a_game_and_is_silent_waits_no_longer() {
    let server = server_asking(1);
    let (mut ada, _) = welcomed(&server, wishing(100)).await;
    ada.send([numbered(1, match_or_wait("chess", "ada", 60_000))]).await;
    asked(&ada.message().await);
    loop {
        let Some(heard) = ada.next().await else { break };
        assert!(heard.request_id.is_some() || code(&heard) == StatusCode::Unavailable, "{heard:?}");
    }
    let mut owner = Client::connect(&server).await;
    assert_eq!(game(&owner.granted(host(NS, "owner", seats(2))).await).members(), 1);
}

#[tokio::test]
async fn who_has_a_lease_is_away_at_the_bound_and_may_come_back() {
    let server = server_asking(1);
    let mut watcher = watcher(&server).await;
    let (mut ada, welcome) = welcomed(&server, wishing(100)).await;
    ada.granted(leased(600, register(NS, "ada"))).await;
    assert_eq!(ids(&watcher.message().await), ["ada"]);
    let begun = Instant::now();
    asked(&ada.message().await);
    ada.ended_with(StatusCode::Unavailable).await;
    assert_eq!(states(&watcher.message().await), [("ada", RegistrationState::Away)]);
    assert!(begun.elapsed() <= bound(&welcome) + SLACK);

    let mut again = resuming(token(&welcome));
    again.hello.as_mut().expect("it is a HELLO").heartbeat_ms = Some(1_000);
    let (_ada, resumed) = welcomed(&server, again).await;
    assert_eq!((resumed.resumed(), resumed.heartbeat_ms), (true, Some(1_000)), "a wish is for a connection");
    assert_eq!(states(&watcher.message().await), [("ada", RegistrationState::Present)]);
}

#[tokio::test]
async fn a_thousand_who_fall_silent_together_are_gone_at_the_bound() {
    const MANY: usize = 1_000;
    let server = server_asking(1);
    let mut watcher = watcher(&server).await;
    let mut clients = Vec::new();
    let begun = Instant::now();
    for number in 0..MANY {
        let mut client = Client::connect(&server).await;
        client.send([wishing(500), register(NS, &format!("{number:04}"))]).await;
        clients.push(client);
    }
    let last = Instant::now();
    let (mut came, mut left) = (0, 0);
    while left < MANY {
        let heard = watcher.message().await;
        match heard.r#type() {
            MessageType::Register => came += heard.register.len(),
            _ => {
                assert!(heard.unregister.iter().all(|entry| entry.reason() == LeaveReason::TimedOut), "{heard:?}");
                left += heard.unregister.len();
            }
        }
    }
    assert_eq!((came, left), (MANY, MANY));
    assert!(begun.elapsed() > Duration::from_millis(1_000), "the first is gone early");
    assert!(last.elapsed() < Duration::from_millis(1_000) + 2 * SLACK, "{:?}", last.elapsed());
}
