//! What a client believes of games.

use crate::{
    pattern::{is_wild, matches},
    verdict::{Verdict, ensure},
};
use bytes::Bytes;
use foregather::wire::proto::Game;
use std::collections::BTreeMap;

/// Which games a list shows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GamesList {
    pub pattern: String,
    pub filter: BTreeMap<String, String>,
}

impl GamesList {
    fn shows(&self, game: &Game) -> bool {
        let passes = self.filter.iter().all(|(name, value)| game.attributes.get(name) == Some(value));
        matches(&self.pattern, game.ns()) && passes && (game.listed() || !is_wild(&self.pattern))
    }
}

/// Games, as one client knows them.
#[derive(Default)]
pub struct GamesView {
    /// The newest that was said of each.
    pub known: BTreeMap<String, Game>,
    /// How new what was last announced of each was.
    announced: BTreeMap<String, u64>,
    /// Answers may overtake what is announced.
    pub overtaken: bool,
    /// What its lists show.
    pub listed: BTreeMap<String, Game>,
    lists: Vec<GamesList>,
    /// Which the list that it is being given has named.
    named: Option<Vec<String>>,
    /// Cookies, and what they are of.
    pub cookies: Vec<(GamesList, Bytes)>,
}

impl GamesView {
    /// Something was announced.
    pub fn hear(&mut self, game: &Game) -> Verdict {
        let before = self.known.get(game.ns()).map_or(0, Game::version).min(match self.overtaken {
            true => self.announced.get(game.ns()).copied().unwrap_or(0),
            false => u64::MAX,
        });
        ensure!(game.version() >= before, "a game is announced as it was before {before}: {game:?}");
        self.announced.insert(game.ns().to_owned(), game.version());
        self.learn(game);
        let shown = !game.closed() && self.lists.iter().any(|list| list.shows(game));
        if shown {
            self.listed.insert(game.ns().to_owned(), game.clone());
        } else {
            self.listed.remove(game.ns());
        }
        Ok(())
    }

    /// Takes what is newer than what was known.
    pub fn learn(&mut self, game: &Game) {
        let before = self.known.get(game.ns()).map_or(0, Game::version);
        if game.version() >= before && !game.closed() {
            self.known.insert(game.ns().to_owned(), game.clone());
        }
    }

    /// A complete list: games that it does not name are gone, unless another
    /// list shows them.
    pub fn hear_list(&mut self, list: GamesList, games: &[Game], more: bool) {
        let named = self.named.get_or_insert_default();
        for game in games {
            named.push(game.ns().to_owned());
            self.listed.insert(game.ns().to_owned(), game.clone());
        }
        games.iter().for_each(|game| self.learn(game));
        if more {
            return;
        }
        let named = self.named.take().unwrap_or_default();
        self.lists.retain(|known| known.pattern != list.pattern);
        let lists = &self.lists;
        let stays = |game: &Game| lists.iter().any(|list| list.shows(game));
        self.listed.retain(|ns, game| !matches(&list.pattern, ns) || named.contains(ns) || stays(game));
        self.lists.push(list);
    }

    /// It wants to hear of these no longer.
    pub fn leave(&mut self, pattern: &str) {
        self.lists.retain(|list| list.pattern != pattern);
        let lists = &self.lists;
        self.listed.retain(|_, game| lists.iter().any(|list| list.shows(game)));
    }
}
