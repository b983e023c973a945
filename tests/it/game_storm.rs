//! Everything that games know, asked for at random by several at once: each
//! request has one answer, and what there is in the end fits together.

use crate::{client::*, messages::*};
use bytes::Bytes;
use foregather::wire::proto::{Game, Message, MessageType, OwnerPolicy, StatusCode};
use std::{
    collections::{BTreeMap, BTreeSet},
    net::SocketAddr,
};

const CLIENTS: u64 = 6;
const REQUESTS: u64 = 1_500;

/// Numbers that look random and are the same in every run (Knuth's MMIX).
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % sides
    }
}

fn settings(dice: &mut Dice) -> Game {
    Game {
        capacity: (dice.roll(2) == 0).then(|| dice.roll(5) as u32),
        locked: (dice.roll(4) == 0).then(|| dice.roll(2) == 0),
        listed: (dice.roll(4) == 0).then(|| dice.roll(3) > 0),
        app_version: (dice.roll(6) == 0).then(|| ["", "1"][dice.roll(2) as usize].into()),
        attributes: attributes(&[("mode", ["", "a", "b"][dice.roll(3) as usize])]),
        owner_policy: (dice.roll(3) == 0).then(|| dice.roll(3) as i32),
        secret: (dice.roll(6) == 0).then(|| Bytes::from_static([&b""[..], b"s"][dice.roll(2) as usize])),
        ..Game::default()
    }
}

fn request(dice: &mut Dice) -> Message {
    let ns = format!("pool{}/{}", dice.roll(2), dice.roll(6));
    let pool = format!("pool{}", dice.roll(2));
    let pattern = [ns.clone(), format!("{pool}/*"), "pool0/**".into()][dice.roll(3) as usize].clone();
    let id = format!("p{}", dice.roll(8));
    let message = match dice.roll(16) {
        0 => register(&ns, &id),
        1..=3 => host(&ns, &id, settings(dice)),
        4 => unregister(&ns, Some(&id)),
        5 => unregister(&ns, None),
        6 => ban(&ns, &id),
        7 => rendezvous(&pattern),
        8 => lobby(&pattern),
        9 => filtered(&[("mode", "a")], lobby(&pattern)),
        10 => discover(&pattern),
        11 => games(&pattern),
        12 => match_or_create(&pool, &id, settings(dice)),
        13 => match_or_wait(&pool, &id, 1 + dice.roll(20) as u32),
        14 => cancel(dice.roll(REQUESTS)),
        _ => quick_match(&pool, &id),
    };
    let message = if dice.roll(3) == 0 { with_secret("s", message) } else { message };
    if dice.roll(5) == 0 { of_version("1", message) } else { message }
}

/// Asks for all of it, and returns how often each kind of answer came.
async fn ask_all(address: SocketAddr, seed: u64) -> (Client, BTreeMap<i32, u64>) {
    let mut client = Client::connect_to(address).await;
    let mut dice = Dice(seed);
    let mut unanswered: BTreeSet<u64> = BTreeSet::new();
    let mut codes = BTreeMap::new();
    for number in 0..REQUESTS {
        unanswered.insert(number);
        client.send([numbered(number, request(&mut dice))]).await;
        while unanswered.len() > 20 || (number == REQUESTS - 1 && !unanswered.is_empty()) {
            let message = client.message().await;
            match message.request_id {
                Some(number) => {
                    assert!(unanswered.contains(&number), "answered twice, or never asked: {message:?}");
                    if !message.more() {
                        unanswered.remove(&number);
                        *codes.entry(code(&message) as i32).or_default() += 1;
                    }
                    assert!(code(&message) == StatusCode::Ok || !text(&message).is_empty());
                }
                None => assert!(
                    matches!(message.r#type(), MessageType::Register | MessageType::Unregister | MessageType::Game),
                    "{message:?}"
                ),
            }
        }
    }
    (client, codes)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_request_has_one_answer_and_all_that_is_shown_agrees() {
    for seed in 1..=3 {
        let server = server_with(|options| (options.threads, options.limits.game_list_ms) = (2, 5));
        let mut observer = Client::connect(&server).await;
        let address = server.local_addr();
        let tasks: Vec<_> = (0..CLIENTS).map(|number| tokio::spawn(ask_all(address, seed * 1_000 + number))).collect();
        let (mut connections, mut codes) = (Vec::new(), BTreeMap::<i32, u64>::new());
        for task in tasks {
            let (client, some) = task.await.expect("it was answered");
            connections.push(client);
            some.into_iter().for_each(|(code, times)| *codes.entry(code).or_default() += times);
        }
        assert_eq!(codes.values().sum::<u64>(), CLIENTS * REQUESTS);
        // Nothing of it is a mistake of the server, and it was not all the same.
        assert!(!codes.contains_key(&StatusCode::Internal.into()) && codes.len() >= 9, "{codes:?}");

        let mut seats_found = 0;
        for pattern in ["pool0/*", "pool1/*"] {
            for shown in observer.list(games(pattern)).await.game {
                let request = with_secret("s", discover(shown.ns()));
                let peers = observer.list(request).await;
                let roster: BTreeSet<_> = ids(&peers).into_iter().collect();
                assert_eq!((roster.len(), roster.len()), (peers.register.len(), shown.members() as usize), "{shown:?}");
                match &shown.owner {
                    Some(owner) => assert!(roster.contains(owner.as_str()), "{shown:?}"),
                    None => assert_eq!(shown.owner_policy(), OwnerPolicy::None, "{shown:?}"),
                }
                seats_found += roster.len();
            }
        }
        assert!(seats_found > 0, "seed {seed}: nobody is left to look at");
        // They go, and nothing of theirs stays.
        drop(connections);
        observer.until("they are gone", || server.sessions() == 1).await;
        for pattern in ["pool0/**", "pool1/**"] {
            assert!(observer.granted(games(pattern)).await.game.is_empty());
            assert!(observer.granted(discover(pattern)).await.register.is_empty());
        }
    }
}
