//! A lobby of thousands of games: its list comes in parts, and is whole though it
//! changes meanwhile.

use crate::{client::*, messages::*};
use foregather::{
    server::Server,
    wire::proto::{Game, Message, MessageType},
};
use std::collections::BTreeMap;

const GAMES: usize = 3_000;

/// What a game says of itself; that of all is more than the system keeps for a
/// connection that is not read from.
fn long(text: &str) -> Game {
    Game { attributes: attributes(&[("name", &text.repeat(2_000 / text.len()))]), ..seats(100) }
}

fn name(number: usize) -> String {
    format!("chess/{:04}", number * 7 % GAMES)
}

/// What a lobby knows: each game in its newest state.
#[derive(Default)]
struct View {
    games: BTreeMap<String, Game>,
    /// Announcements that came before the list was complete.
    early: usize,
}

impl View {
    fn list(&mut self, part: &Message) {
        for game in &part.game {
            let known = self.games.insert(game.ns().into(), game.clone());
            assert_eq!(known, None, "it is listed and was known");
        }
    }

    fn hear(&mut self, message: &Message) {
        assert_eq!(message.r#type(), MessageType::Game, "{message:?}");
        for game in &message.game {
            if game.closed() {
                let known = self.games.remove(game.ns());
                assert!(known.is_some_and(|known| known.version < game.version), "nobody knew it: {game:?}");
            } else {
                let known = self.games.insert(game.ns().into(), game.clone());
                assert!(known.is_none_or(|known| known.version < game.version), "old news: {game:?}");
            }
        }
    }
}

/// Changes games at places that differ from round to round.
async fn churn(owner: &mut Client, round: usize) {
    let place = |step: usize| name(round * step % GAMES);
    owner
        .send([
            host(&place(397), "a", long(&format!("{round}-"))),
            register(&place(211), &format!("member {round}")),
            // Some of these are over already.
            unregister(&name(round % 50 * 59), None),
            host(&place(131), "a", Game { listed: Some(round.is_multiple_of(2)), ..Game::default() }),
            host(&format!("chess/new-{round}"), "a", long("new ")),
        ])
        .await;
    owner.settle().await;
}

/// A server with all these games, and the one who owns them.
async fn crowd(game_list_ms: usize) -> (Server, Client) {
    let server = server_with(|options| {
        options.limits.game_list_ms = game_list_ms;
        options.limits.registrations_per_connection = 10 * GAMES;
        options.limits.discover_page = 10 * GAMES;
    });
    let mut owner = Client::connect(&server).await;
    for number in 0..GAMES {
        owner.send([host(&name(number), "a", long("old "))]).await;
    }
    owner.silence().await;
    (server, owner)
}

#[tokio::test]
async fn a_list_of_thousands_of_games_is_whole_though_it_changes_meanwhile() {
    for game_list_ms in [0, 20] {
        let (server, mut owner) = crowd(game_list_ms).await;
        // It reads slowly, so that the server has to wait in the middle of the list.
        let mut watcher = Client::connect_narrow(&server).await;
        watcher.send([numbered(1, lobby("chess/*"))]).await;
        let (mut view, mut parts, mut round) = (View::default(), 0, 0);
        loop {
            let message = watcher.message().await;
            if message.request_id == Some(1) {
                parts += 1;
                view.list(&message);
                if !message.more() {
                    break;
                }
                for _ in 0..2 {
                    churn(&mut owner, round).await;
                    round += 1;
                }
            } else {
                view.early += 1;
                view.hear(&message);
            }
        }
        assert!(parts > 50, "only {parts} parts");
        assert!(view.early > 0, "nothing has changed behind the list's back");
        churn(&mut owner, round).await;
        owner.granted(host("chess/end", "a", seats(1))).await;
        let truth = Client::connect(&server).await.list(games("chess/*")).await;
        let truth: BTreeMap<String, Game> = truth.game.into_iter().map(|game| (game.ns().into(), game)).collect();
        while view.games != truth {
            view.hear(&watcher.message().await);
        }
        watcher.silence().await;
    }
}

#[tokio::test]
async fn a_game_that_is_over_and_born_again_on_the_way_leaves_no_ghost() {
    for ends in [false, true] {
        let (server, mut owner) = crowd(50).await;
        let mut other = Client::connect(&server).await;
        let first = name(0);
        other.granted(lobby(&first)).await;
        let mut watcher = Client::connect_narrow(&server).await;
        watcher.send([numbered(1, lobby("chess/*"))]).await;
        let mut view = View::default();
        view.list(&watcher.message().await);
        assert!(view.games.contains_key(&first), "the oldest is listed first");

        // The first change is told at once, the others when their time has come.
        owner.send([host(&first, "a", seats(7)), unregister(&first, None), host(&first, "a", seats(8))]).await;
        while game(&other.message().await).capacity != Some(8) {}
        // By now it is the youngest, where the list has not come to.
        if ends {
            owner.granted(unregister(&first, None)).await;
            while !game(&other.message().await).closed() {}
        }
        loop {
            let message = watcher.message().await;
            if message.request_id != Some(1) {
                view.hear(&message);
                continue;
            }
            // What is born again may be listed again.
            message.game.iter().for_each(|game| drop(view.games.insert(game.ns().into(), game.clone())));
            if !message.more() {
                break;
            }
        }
        for message in watcher.settle().await {
            view.hear(&message);
        }
        let shown = view.games.get(&first).map(Game::capacity);
        assert_eq!(shown, if ends { None } else { Some(8) }, "what it knows of a game that has ended: {ends}");
        assert_eq!(view.games.len(), GAMES - usize::from(ends));
    }
}
