//! A live list of games tells each game's newest state, at most ten times a
//! second, and nothing that nobody was shown.

use crate::{client::*, messages::*};
use foregather::wire::proto::{Game, LeaveReason, Message};
use std::time::{Duration, Instant};

const NS: &str = "chess/1";

fn mode(mode: &str) -> Game {
    Game { attributes: attributes(&[("mode", mode)]), ..Game::default() }
}

fn listed(listed: bool) -> Game {
    Game { listed: Some(listed), ..Game::default() }
}

#[tokio::test]
async fn what_changes_often_is_folded_to_the_newest_state() {
    let apart = Duration::from_millis(100);
    let server = server();
    let [mut ada, mut watcher] = clients(&server).await;
    watcher.granted(lobby("chess/*")).await;
    ada.granted(host(NS, "ada", mode("0"))).await;
    let shown = |message: &Message| game(message).attributes["mode"].parse::<u64>().expect("its mode is a number");
    assert_eq!(shown(&watcher.message().await), 0, "the first is told at once");
    let begun = Instant::now();
    let mut latest = 0;
    while begun.elapsed() < apart * 6 {
        latest += 1;
        ada.granted(host(NS, "ada", mode(&latest.to_string()))).await;
    }
    let (mut heard, mut newest) = (0, 0);
    while newest < latest {
        let message = watcher.message().await;
        assert!(shown(&message) > newest, "{message:?}");
        newest = shown(&message);
        heard += 1;
    }
    let windows = begun.elapsed().as_millis() / apart.as_millis() + 1;
    assert!(heard <= windows, "{heard} announcements in {windows} tenths of a second");
    assert!(heard >= 2 && latest > 20, "{heard} of {latest} changes");
    watcher.silence().await;
}

#[tokio::test]
async fn what_comes_and_goes_between_two_announcements_is_told_as_it_ends() {
    let server = server_with(|options| options.limits.game_list_ms = 60_000);
    let [mut ada, mut watcher, mut late] = clients(&server).await;
    watcher.granted(lobby("chess/*")).await;
    ada.granted(host(NS, "ada", seats(4))).await;
    assert_eq!(game(&watcher.message().await).capacity, Some(4));
    for capacity in 5..20 {
        ada.granted(host(NS, "ada", seats(capacity))).await;
    }
    watcher.silence().await;
    // Who asks is told what is, not what was announced.
    assert_eq!(game(&late.granted(games("chess/*")).await).capacity, Some(19));
    assert_eq!(game(&late.granted(lobby("chess/*")).await).capacity, Some(19));
    // Those among the peers wait for nothing.
    late.granted(rendezvous(NS)).await;
    ada.granted(host(NS, "ada", seats(20))).await;
    assert_eq!(game(&late.message().await).capacity, Some(20));
    ada.granted(unregister(NS, None)).await;
    assert_eq!(gone(&late.message().await), [("ada", LeaveReason::Unregistered)]);
    assert!(late.granted(games("chess/*")).await.game.is_empty());
    late.silence().await;
    watcher.silence().await;
    // Another game waits for none of this.
    ada.granted(host("chess/2", "ada", seats(2))).await;
    for client in [&mut watcher, &mut late] {
        assert_eq!(names(&client.message().await), ["chess/2"]);
    }
}

#[tokio::test]
async fn what_was_never_shown_is_not_taken_away() {
    let server = server();
    let [mut ada, mut watcher] = clients(&server).await;
    watcher.granted(lobby("chess/*")).await;
    // Its birth is told at once, its end when the time has come.
    ada.send([host(NS, "ada", seats(1)), unregister(NS, None)]).await;
    assert_eq!(game(&watcher.message().await).capacity, Some(1));
    assert_eq!(game(&watcher.message().await).closed, Some(true));
    // Another begins and ends in the time after that, and nobody hears of it.
    ada.send([host(NS, "ada", seats(50)), unregister(NS, None), host(NS, "ada", seats(60))]).await;
    assert_eq!(game(&watcher.message().await).capacity, Some(60));
    // One that ends and begins again has only changed, and so has one that hides.
    ada.send([unregister(NS, None), host(NS, "ada", seats(70))]).await;
    assert_eq!(game(&watcher.message().await).capacity, Some(70));
    ada.send([host(NS, "ada", listed(false)), host(NS, "ada", listed(true)), host(NS, "ada", seats(80))]).await;
    assert_eq!(game(&watcher.message().await).capacity, Some(80));
    ada.send([unregister(NS, None)]).await;
    assert_eq!(game(&watcher.message().await).closed, Some(true));
    watcher.silence().await;
}

/// What one who watches the list knows of the game.
struct Late {
    client: Client,
    known: Option<u64>,
}

impl Late {
    async fn enter(mut client: Client, pattern: &str) -> Self {
        let snapshot = client.granted(lobby(pattern)).await;
        Self { client, known: snapshot.game.first().and_then(|game| game.version) }
    }

    fn hear(&mut self, message: &Message) {
        let game = game(message);
        assert!(self.known.is_none_or(|known| known < game.version()), "old news: {game:?}");
        assert!(!game.closed() || self.known.is_some(), "nobody had shown it: {game:?}");
        self.known = (!game.closed()).then(|| game.version());
    }
}

#[tokio::test]
async fn who_enters_while_an_announcement_waits_knows_each_game_once() {
    let server = server_with(|options| options.limits.game_list_ms = 30);
    let mut ada = Client::connect(&server).await;
    let mut watchers = vec![Late::enter(Client::connect(&server).await, "chess/*").await];
    let mut newest = 0;
    for round in 0..40 {
        let settings = match round % 5 {
            0 | 3 => listed(true),
            1 | 4 => listed(false),
            _ => mode(&round.to_string()),
        };
        newest = game(&ada.granted(host(NS, "ada", settings)).await).version();
        let pattern = if round % 2 == 0 { "chess/*" } else { "chess/**" };
        watchers.push(Late::enter(Client::connect(&server).await, pattern).await);
        if round % 7 == 0 {
            ada.granted(unregister(NS, None)).await;
        }
        // The first sets the pace: some enter before an announcement, some after.
        if round % 3 == 0 {
            let first = &mut watchers[0];
            for message in first.client.settle().await {
                first.hear(&message);
            }
        }
    }
    assert_eq!(game(&ada.granted(games(NS)).await).version, Some(newest));
    let last = game(&ada.granted(host(NS, "ada", Game { listed: Some(true), ..seats(40) })).await).version;
    for watcher in &mut watchers {
        while watcher.known != last {
            let message = watcher.client.message().await;
            watcher.hear(&message);
        }
        watcher.client.silence().await;
    }
}
