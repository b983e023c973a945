//! DISCOVER of games: oldest first, in pages that survive what happens between
//! them.

use crate::{client::*, messages::*};
use bytes::Bytes;
use foregather::wire::proto::{Game, Message, MessageType, StatusCode};
use std::collections::BTreeSet;

/// A page of the games there.
fn page(pattern: &str, limit: Option<u32>, cookie: Option<Bytes>) -> Message {
    let mut message = games(pattern);
    (message.discovery[0].limit, message.discovery[0].cookie) = (limit, cookie);
    message
}

fn cookie(page: &Message) -> Option<Bytes> {
    page.discovery[0].cookie.clone()
}

#[tokio::test]
async fn pages_are_in_order_of_birth_over_all_namespaces() {
    let server = server_with(|options| options.limits.discover_page = 7);
    let mut client = Client::connect(&server).await;
    // Neither by name nor by place.
    let born: Vec<_> = (0..20).map(|number| format!("chess/{}/{}", number * 7 % 3, (number * 13) % 20)).collect();
    for ns in &born {
        client.granted(host(ns, "a", seats(number_of_seats(ns)))).await;
        client.granted(register("chess/no-game", ns)).await;
    }
    // What happens later makes none of them younger.
    client.granted(host(&born[3], "a", seats(9))).await;
    client.granted(register(&born[0], "b")).await;
    for limit in [None, Some(0), Some(1), Some(2), Some(7), Some(20), Some(u32::MAX)] {
        let first = client.list(page("chess/**", limit, None)).await;
        let expected = limit.filter(|limit| (1..7).contains(limit)).unwrap_or(7);
        assert_eq!((first.r#type(), first.game.len()), (MessageType::Game, expected as usize), "{limit:?}");
        let all = client.all_pages(page("chess/**", limit, None)).await;
        assert_eq!(names(&all), born, "{limit:?}");
        let below = client.all_pages(page("chess/1/*", limit, None)).await;
        let expected: Vec<_> = born.iter().filter(|ns| ns.starts_with("chess/1/")).collect();
        assert_eq!(names(&below), expected, "{limit:?}");
    }
}

fn number_of_seats(ns: &str) -> u32 {
    u32::try_from(ns.len()).expect("names are short")
}

#[tokio::test]
async fn pages_lose_no_game_that_stays_and_repeat_none() {
    for limit in 1..=8 {
        let server = server();
        let mut client = Client::connect(&server).await;
        let game_of = |ns: &str| host(&format!("chess/{ns}"), "a", Game::default());
        for number in 0..7 {
            client.granted(game_of(&format!("s{number}"))).await;
            client.granted(game_of(&format!("g{number}"))).await;
        }
        let mut seen: Vec<String> = Vec::new();
        let mut at = None;
        for number in 0.. {
            let page = client.list(page("chess/*", Some(limit), at)).await;
            assert!(page.game.len() <= limit as usize);
            seen.extend(names(&page).into_iter().map(Into::into));
            at = cookie(&page);
            if at.is_none() {
                break;
            }
            // One is over, one is born, one that stays changes, one hides and shows itself.
            client.ask(2, unregister(&format!("chess/g{}", number * 3 % 7), None)).await;
            client.granted(game_of(&format!("n{}", number % 9))).await;
            let stays = format!("chess/s{}", number % 7);
            client.granted(register(&stays, &format!("{number}"))).await;
            for listed in [false, true] {
                client.granted(host(&stays, "a", Game { listed: Some(listed), ..Game::default() })).await;
            }
            assert!(number < 60, "the list has an end");
        }
        let staying: Vec<_> = seen.iter().filter(|ns| ns.starts_with("chess/s")).collect();
        assert_eq!(
            staying,
            (0..7).map(|number| format!("chess/s{number}")).collect::<Vec<_>>().iter().collect::<Vec<_>>()
        );
        let distinct: BTreeSet<_> = seen.iter().collect();
        // A game that was over and is born again is another one.
        assert_eq!(distinct.len(), seen.len(), "limit {limit}: {seen:?}");
    }
}

#[tokio::test]
async fn a_filter_is_applied_before_pages_are_cut() {
    let server = server();
    let mut client = Client::connect(&server).await;
    for number in 0..30 {
        let mode = ["blitz", "slow", "none"][number % 3];
        let settings =
            Game { attributes: attributes(&[("mode", mode)]), listed: Some(number % 2 == 0), ..Game::default() };
        client.granted(host(&format!("chess/{number:02}"), "a", settings)).await;
    }
    let blitz = |limit, cookie| filtered(&[("mode", "blitz")], page("chess/*", limit, cookie));
    let first = client.list(blitz(Some(3), None)).await;
    assert_eq!(names(&first), ["chess/00", "chess/06", "chess/12"]);
    let second = client.list(blitz(Some(3), cookie(&first))).await;
    assert_eq!((names(&second), cookie(&second)), (vec!["chess/18", "chess/24"], None));
}

#[tokio::test]
async fn a_cookie_is_of_its_list() {
    let server = server();
    let mut client = Client::connect(&server).await;
    for ns in ["chess/1", "chess/2", "chess/3"] {
        client.granted(host(ns, "a", Game::default())).await;
    }
    let of_games = cookie(&client.list(page("chess/*", Some(1), None)).await);
    let of_peers = cookie(&client.list(discover_page("chess/*", Some(1), None)).await);
    assert!(of_games.is_some() && of_peers.is_some());
    for request in [
        page("chess/**", None, of_games.clone()),
        page("chess/1", None, of_games.clone()),
        page("go/*", None, of_games.clone()),
        page("chess/*", None, of_peers),
        discover_page("chess/*", None, of_games.clone()),
        page("chess/*", None, Some(Bytes::from_static(b"0123456789"))),
        page("chess/*", None, Some(Bytes::from_static(&[0xff; 40]))),
    ] {
        client.refused(request, StatusCode::InvalidCookie).await;
    }
    assert_eq!(names(&client.list(page("chess/*", None, of_games)).await), ["chess/2", "chess/3"]);
}

#[tokio::test]
async fn thousands_of_games_are_listed_whole_in_frames_of_one_answer() {
    const GAMES: usize = 2_500;
    let server = server_with(|options| options.limits.discover_page = 10_000);
    let [mut owner, mut watcher] = clients(&server).await;
    let settings = Game { attributes: attributes(&[("name", &"x".repeat(60))]), ..seats(8) };
    let born: Vec<_> = (0..GAMES).map(|number| format!("chess/{:04}", number * 7 % GAMES)).collect();
    for some in born.chunks(250) {
        owner.send([together(some.iter().map(|ns| host(ns, "a", settings.clone())))]).await;
    }
    owner.silence().await;
    for request in [lobby("chess/*"), games("chess/**")] {
        watcher.send([numbered(1, request)]).await;
        let mut listed = Vec::new();
        for part in 1.. {
            let message = watcher.message().await;
            assert_eq!(
                (message.request_id, message.r#type(), code(&message)),
                (Some(1), MessageType::Game, StatusCode::Ok)
            );
            listed.extend(names(&message).into_iter().map(str::to_owned));
            if !message.more() {
                assert!(part > 2, "it is too much for two frames");
                break;
            }
        }
        assert_eq!(listed, born);
    }
    // The list goes on live from there.
    owner.granted(host(&born[17], "a", seats(9))).await;
    assert_eq!(game(&watcher.message().await).capacity, Some(9));
}
