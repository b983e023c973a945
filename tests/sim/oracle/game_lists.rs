//! Judges lists of games: snapshots and pages of DISCOVER. They are never so
//! long here that they come in parts.

use super::{
    ask::Pairs,
    games::Shown,
    rules::Expected,
    world::{GamesWatch, World},
};
use crate::{
    pattern::matches,
    verdict::{Verdict, ensure},
};
use foregather::{
    domain::Code,
    wire::proto::{Message, MessageType, StatusCode},
};
use std::collections::VecDeque;

/// A list of games that somebody must be given.
#[derive(Debug)]
pub struct GamesAnswer {
    pattern: String,
    filter: Pairs,
    /// For a page: how many games it may hold. `None`: a snapshot.
    page_limit: Option<usize>,
    /// Oldest first: all that are still to be listed.
    owed: Vec<Shown>,
    /// Nobody can say yet whether there are more.
    unsure: bool,
}

/// A cookie that was given out, and the birth of the last game before it.
#[derive(Debug, Clone)]
pub struct GameBookmark {
    pattern: String,
    filter: Pairs,
    cookie: Vec<u8>,
    after: u64,
}

impl World {
    pub fn watch_games(&mut self, session: u64, pattern: String, filter: Pairs) -> Expected {
        if self.session(session).is_of_the_seed() {
            return Expected::refused(Code::InvalidMessage);
        }
        let full = self.watches_left(session) == 0;
        let lists = &mut self.session(session).lists;
        let list = GamesWatch { pattern: pattern.clone(), filter: filter.clone() };
        match lists.iter_mut().find(|list| list.pattern == pattern) {
            Some(known) => *known = list,
            None if full => return Expected::refused(Code::TooManyWatches),
            None => lists.push(list),
        }
        Expected::Games(self.games_answer(pattern, filter, None, 0))
    }

    pub fn leave_games(&mut self, session: u64, pattern: &str) -> Expected {
        let lists = &mut self.session(session).lists;
        let before = lists.len();
        lists.retain(|list| list.pattern != pattern);
        let left = lists.len() < before;
        self.forget_unlisted(session);
        if left { Expected::Done } else { Expected::refused(Code::NotFound) }
    }

    /// Games that no list of a session shows any more are nothing to it.
    fn forget_unlisted(&mut self, session: u64) {
        let known = self.session(session);
        let (lists, mut shown) = (known.lists.clone(), std::mem::take(&mut known.shown));
        let shows = |ns: &String| {
            let told = self.lobby(ns).and_then(|lobby| lobby.told.as_ref());
            lists.iter().any(|list| list.shows(told))
        };
        shown.retain(shows);
        self.session(session).shown = shown;
    }

    pub fn discover_games(
        &mut self,
        session: u64,
        pattern: String,
        filter: Pairs,
        page: usize,
        cookie: Option<Vec<u8>>,
    ) -> Expected {
        if self.session(session).is_of_the_seed() {
            return Expected::refused(Code::InvalidMessage);
        }
        let given = |mark: &&GameBookmark| {
            mark.pattern == pattern && mark.filter == filter && Some(&mark.cookie) == cookie.as_ref()
        };
        let mark = self.game_bookmarks.iter().rev().find(given).map(|mark| mark.after);
        if cookie.is_some() && mark.is_none() {
            return Expected::refused(Code::InvalidCookie);
        }
        Expected::Games(self.games_answer(pattern, filter, Some(page), mark.unwrap_or(0)))
    }

    fn games_answer(&mut self, pattern: String, filter: Pairs, page_limit: Option<usize>, after: u64) -> GamesAnswer {
        let list = GamesWatch { pattern: pattern.clone(), filter: filter.clone() };
        // One who asks once is shown what there is; one who watches is told later of
        // what waits.
        let watched = page_limit.is_none();
        if watched {
            self.learn_waits(&list, true);
        }
        let is_listed = |ns: &str| match watched {
            true => self.is_listed(&list, ns),
            false => list.shows(self.face(ns).as_ref()),
        };
        let listed = self.games.iter().filter(|game| game.birth > after && is_listed(&game.ns));
        let owed = listed.map(|game| self.shown(&game.ns)).collect();
        let unsure = watched && self.is_unsure(&list);
        GamesAnswer { pattern, filter, page_limit, owed, unsure }
    }

    /// Takes the list from the front of what a session is told.
    pub fn hear_games_answer(
        &mut self,
        session: u64,
        number: Option<u64>,
        answer: GamesAnswer,
        heard: &mut VecDeque<&Message>,
    ) -> Verdict {
        let count = answer.page_limit.map_or(answer.owed.len(), |limit| limit.min(answer.owed.len()));
        let (mut listed, mut frames) = (0, 0);
        // Without a number, an empty snapshot is silence.
        let mut more = number.is_some() || answer.page_limit.is_some() || count > 0;
        while more {
            let Some(frame) = heard.pop_front() else {
                return Err(format!("session {session} is not told all of {answer:?}"));
            };
            check_frame(number, &answer, frame, frames)?;
            frames += 1;
            for told in &frame.game {
                ensure!(listed < count, "{told:?} is listed, but not to be: {answer:?}");
                self.check_game(&answer.owed[listed], told)?;
                listed += 1;
            }
            more = if number.is_some() { frame.more == Some(true) } else { listed < count };
            if !more && number.is_some() && answer.page_limit.is_some() {
                let cookie = frame.discovery.first().and_then(|entry| entry.cookie.as_ref());
                let is_next = answer.owed.len() > count;
                ensure!(
                    answer.unsure || cookie.is_some() == is_next,
                    "a page's cookie leads to what there is: {frame:?} of {answer:?}"
                );
                let last = listed.checked_sub(1).and_then(|last| answer.owed[last].face.as_ref());
                self.game_bookmarks.extend(cookie.zip(last).map(|(cookie, last)| GameBookmark {
                    pattern: answer.pattern.clone(),
                    filter: answer.filter.clone(),
                    cookie: cookie.to_vec(),
                    after: last.game.birth,
                }));
            }
        }
        ensure!(listed == count, "a list of {listed} games should be {answer:?}");
        if answer.page_limit.is_none() {
            self.remember_shown(session, &answer);
        }
        Ok(())
    }

    /// A snapshot is complete: games that it does not name are gone, unless
    /// another list shows them.
    fn remember_shown(&mut self, session: u64, answer: &GamesAnswer) {
        let known = self.session(session);
        let others: Vec<GamesWatch> =
            known.lists.iter().filter(|list| list.pattern != answer.pattern).cloned().collect();
        let before = std::mem::take(&mut known.shown);
        let stays = |ns: &String| {
            let told = self.lobby(ns).and_then(|lobby| lobby.told.as_ref());
            !matches(&answer.pattern, ns) || others.iter().any(|list| list.shows(told))
        };
        let mut shown: Vec<String> = before.into_iter().filter(stays).collect();
        for face in answer.owed.iter().filter_map(|owed| owed.face.as_ref()) {
            if !shown.contains(&face.game.ns) {
                shown.push(face.game.ns.clone());
            }
        }
        self.session(session).shown = shown;
    }
}

fn check_frame(number: Option<u64>, answer: &GamesAnswer, frame: &Message, frames: usize) -> Verdict {
    let wrong = || format!("{frame:?} is no frame of {answer:?}");
    ensure!(frame.r#type == Some(MessageType::Game.into()) && frame.request_id == number, "{}", wrong());
    ensure!(frame.status.as_ref().map(|status| status.code()) == number.map(|_| StatusCode::Ok), "{}", wrong());
    ensure!(frame.register.is_empty() && frame.unregister.is_empty(), "{}", wrong());
    if number.is_none() {
        let bare = frame.rendezvous.is_empty() && frame.discovery.is_empty() && frame.more.is_none();
        ensure!(bare, "{}", wrong());
        return Ok(());
    }
    let headed = if answer.page_limit.is_some() {
        let heading = frame.discovery.first();
        heading.is_some_and(|heading| heading.ns() == answer.pattern && heading.games == Some(true))
    } else {
        frame.rendezvous.first().is_some_and(|heading| {
            heading.ns() == answer.pattern
                && heading.games == Some(true)
                && heading.snapshot == Some(true)
                && heading.version.is_some()
        })
    };
    ensure!(headed || frames > 0, "{}", wrong());
    Ok(())
}
