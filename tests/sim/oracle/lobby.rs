//! Lists of games that are kept up to date: what their watchers must be told,
//! folded to at most one announcement of each game in a while.

use super::{
    games::{Face, Game, Shown},
    world::{GamesWatch, Session, World},
};
use crate::{
    coverage::Deed,
    pattern::{is_wild, matches},
    verdict::{Verdict, ensure},
};
use foregather::{domain::Time, wire::proto};
use std::time::Duration;

/// A GAME that somebody was sent.
#[derive(Debug)]
pub struct Whisper {
    pub to: u64,
    pub entry: proto::Game,
    /// It was due to those in rendezvous with the peers.
    pub of_peers: bool,
}

/// What all lists were told of a game, and when.
#[derive(Debug, Clone)]
pub struct Lobby {
    pub ns: String,
    /// The last state that was announced; `None`: it was over, or not yet born.
    pub told: Option<Face>,
    at: Option<Time>,
    /// Somebody heard it. If not, nobody can say whether it was announced.
    heard: bool,
    /// Something has changed since.
    changed: bool,
    /// What has changed is to be announced later.
    pub waits: bool,
    /// Perhaps: no list showed it, so nobody can say yet whether that waits.
    unsure: bool,
    /// When what waits began to.
    since: Time,
    /// The hub was called since the last announcement has had its time. Until then
    /// what happens may wait for that call.
    over: bool,
}

/// Whether it is time to announce a game.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Duty {
    Must,
    May,
    MustNot,
}

impl GamesWatch {
    /// Whether a game that looks so is in its list.
    pub fn shows(&self, face: Option<&Face>) -> bool {
        let Some(Face { game, .. }) = face else { return false };
        let passes = self.filter.iter().all(|(name, value)| game.attributes.get(name) == Some(value));
        matches(&self.pattern, &game.ns) && passes && (game.listed || !is_wild(&self.pattern))
    }
}

impl Session {
    /// Whether one of its lists has that game in it.
    fn lists_show(&self, face: Option<&Face>) -> bool {
        self.lists.iter().any(|list| list.shows(face))
    }

    /// Whether its lists show that game, as it was announced or as it is.
    fn is_concerned(&self, lobby: &Lobby, now: Option<&Face>) -> bool {
        self.lists_show(lobby.told.as_ref()) || self.lists_show(now)
    }

    /// It knows now what was last set there.
    pub fn hear_of_game(&mut self, ns: &str, birth: u64) {
        self.told_games.retain(|(told, _)| told != ns);
        self.told_games.push((ns.to_owned(), birth));
    }
}

impl World {
    fn window(&self) -> Duration {
        Duration::from_millis(self.limits.game_list_ms as u64)
    }

    pub fn lobby(&self, ns: &str) -> Option<&Lobby> {
        self.lobby.iter().find(|lobby| lobby.ns == ns)
    }

    /// Compares what lists were told in this step with what they must be told.
    pub fn hear_lobby(&mut self, now: Time, whispers: &[Whisper], timeout: bool) -> Verdict {
        let history = std::mem::take(&mut self.history);
        let mut places: Vec<String> = history.iter().map(|(ns, _)| ns.clone()).collect();
        places.extend(whispers.iter().map(|whisper| whisper.entry.ns().to_owned()));
        places.extend(self.lobby.iter().filter(|lobby| lobby.waits).map(|lobby| lobby.ns.clone()));
        if timeout {
            let window = self.window();
            for lobby in &mut self.lobby {
                lobby.over |= lobby.at.is_none_or(|at| now >= at.after(window));
            }
        }
        places.sort_unstable();
        places.dedup();
        for ns in places {
            let states: Vec<Shown> =
                history.iter().filter(|(place, _)| *place == ns).map(|(_, shown)| shown.clone()).collect();
            let told: Vec<&Whisper> = whispers.iter().filter(|whisper| whisper.entry.ns() == ns).collect();
            self.hear_game(now, &ns, states, &told, timeout)
                .map_err(|what| format!("at {now:?}, the lists that show {ns:?}: {what}"))?;
        }
        Ok(())
    }

    fn hear_game(&mut self, now: Time, ns: &str, mut states: Vec<Shown>, told: &[&Whisper], timeout: bool) -> Verdict {
        let happened = !states.is_empty();
        if !happened {
            states.push(self.shown(ns));
        } else if let Some((_, before)) = self.before.iter().find(|(place, _)| place == ns) {
            // What has waited may go out before what is due at the same time changes it.
            states.insert(0, before.clone());
        }
        let mut lobby = match self.lobby.iter().position(|lobby| lobby.ns == ns) {
            Some(at) => self.lobby.swap_remove(at),
            None => Lobby {
                ns: ns.to_owned(),
                told: None,
                at: None,
                heard: false,
                changed: false,
                waits: false,
                unsure: false,
                since: now,
                over: true,
            },
        };
        let certain = told.iter().any(|whisper| !whisper.of_peers);
        let last = states.last().expect("there is at least the present one").clone();
        if !lobby.waits {
            lobby.since = now;
        }
        lobby.changed |= happened;
        let duty = lobby.duty(now, self.window(), happened, timeout, last.face.as_ref());
        ensure!(duty != Duty::MustNot || !certain, "{lobby:?} was told too early, or nothing has changed: {told:?}");
        let concerns = |session: &Session| session.is_concerned(&lobby, last.face.as_ref());
        let concerned = self.sessions.iter().any(concerns);
        if certain || (duty == Duty::Must && concerned) {
            let state = self.told_state(states, told)?;
            self.hear_state(&lobby, &state, told)?;
            if timeout && certain {
                self.deeds.push(Deed::Folded);
            }
            let (told, waits) = (state.face, !state.mark.is_at(&last.mark));
            lobby = Lobby {
                told,
                at: Some(now),
                heard: certain,
                changed: waits,
                waits,
                unsure: false,
                over: false,
                since: now,
                ..lobby
            };
        } else if happened && !concerned {
            (lobby.changed, lobby.waits, lobby.unsure) = (true, true, true);
        } else if timeout && now >= lobby.latest(self.window()) && (duty == Duty::May || !concerned) {
            // It is as it was announced, or there is nobody to tell: whether that is
            // announced is left open.
            (lobby.at, lobby.heard, lobby.unsure, lobby.over) = (Some(now), false, false, false);
            lobby.settle(last.face);
        } else if happened {
            lobby.waits = true;
        }
        for whisper in told {
            let session = self.session(whisper.to);
            session.misled.retain(|misled| misled != ns);
            if whisper.of_peers && lobby.waits {
                session.misled.push(ns.to_owned());
            }
        }
        self.lobby.push(lobby);
        Ok(())
    }

    /// Which of the states that it had was announced.
    fn told_state(&mut self, mut states: Vec<Shown>, told: &[&Whisper]) -> Verdict<Shown> {
        let sample = told.iter().find(|whisper| !whisper.of_peers && whisper.entry.closed.is_none());
        let Some(sample) = sample else { return Ok(states.pop().expect("there is at least the present one")) };
        let mut last_wrong = String::new();
        for state in states.into_iter().rev() {
            match self.check_game(&state, &sample.entry) {
                Ok(()) => return Ok(state),
                Err(wrong) if last_wrong.is_empty() => last_wrong = wrong,
                Err(_) => {}
            }
        }
        Err(last_wrong)
    }

    fn hear_state(&mut self, lobby: &Lobby, state: &Shown, told: &[&Whisper]) -> Verdict {
        let same = match (&lobby.told, &state.face) {
            (Some(before), Some(after)) => before.looks_like(after),
            (before, after) => before.is_none() && after.is_none(),
        };
        let ids: Vec<u64> = self.sessions.iter().map(|session| session.id).collect();
        for id in ids {
            let session = self.session(id);
            let after = session.lists_show(state.face.as_ref());
            let before = session.lists_show(lobby.told.as_ref());
            let knows = session.shown.contains(&lobby.ns);
            let heard: Vec<&&Whisper> = told.iter().filter(|whisper| whisper.to == id).collect();
            let sure = heard.iter().filter(|whisper| !whisper.of_peers).count();
            ensure!(sure <= 1, "session {id} was told {sure} times");
            if after {
                ensure!(!heard.is_empty() || same, "session {id} was not told of {state:?}, after {lobby:?}");
                for whisper in heard.iter().filter(|whisper| !whisper.of_peers) {
                    self.check_game(state, &whisper.entry)?;
                }
                let session = self.session(id);
                session.shown.retain(|ns| *ns != lobby.ns);
                session.shown.push(lobby.ns.clone());
            } else {
                let closed = heard.iter().filter(|whisper| !whisper.of_peers).all(|whisper| is_closing(&whisper.entry));
                ensure!(closed, "session {id} was told of what its lists do not show: {heard:?}");
                ensure!(sure == 1 || !(before && knows), "session {id} was not told that it is closed");
                // What it heard among the peers looks like what its list is told.
                let misled = self.session(id).misled.contains(&lobby.ns);
                ensure!(
                    sure == 0 || before || knows || misled,
                    "session {id} was told that it is closed, and was never shown it"
                );
                let session = self.session(id);
                session.shown.retain(|ns| *ns != lobby.ns);
            }
        }
        Ok(())
    }

    /// Learns from a list that was given out what waits; `complete`: what it does
    /// not name does.
    pub fn learn_waits(&mut self, list: &GamesWatch, complete: bool) {
        let mut lobbies = std::mem::take(&mut self.lobby);
        for lobby in lobbies.iter_mut().filter(|lobby| lobby.unsure) {
            let face = self.face(&lobby.ns);
            if !list.shows(face.as_ref()) || list.shows(lobby.told.as_ref()) {
                continue;
            }
            if self.named.contains(&lobby.ns) {
                lobby.settle(face);
                lobby.unsure = false;
            }
            lobby.unsure &= !complete;
        }
        self.lobby = lobbies;
    }

    /// Writes down what games that wait to be announced look like.
    pub fn note_waiting(&mut self) {
        let waiting = self.lobby.iter().filter(|lobby| lobby.waits);
        self.before = waiting.map(|lobby| (lobby.ns.clone(), self.shown(&lobby.ns))).collect();
    }

    /// Whether it is open which games a list shows now.
    pub fn is_unsure(&self, list: &GamesWatch) -> bool {
        let mut unsure = self.lobby.iter().filter(|lobby| lobby.unsure);
        unsure.any(|lobby| list.shows(self.face(&lobby.ns).as_ref()) && !list.shows(lobby.told.as_ref()))
    }

    /// Whether a list shows a game to somebody who asks now: what is about to be
    /// announced as new is left to that.
    pub fn is_listed(&self, list: &GamesWatch, ns: &str) -> bool {
        let waiting = self.lobby(ns).filter(|lobby| lobby.waits);
        list.shows(self.face(ns).as_ref()) && waiting.is_none_or(|lobby| list.shows(lobby.told.as_ref()))
    }

    /// All that a session's lists show.
    pub fn listed_for(&self, session: u64) -> Vec<Face> {
        let watcher = self.sessions.iter().find(|known| known.id == session).expect("it is open");
        let faces = self.games.iter().filter_map(|game| self.face(&game.ns));
        faces.filter(|face| watcher.lists_show(Some(face))).collect()
    }

    /// Games that are still what a session was told of, where it hears of changes.
    pub fn known_to(&self, session: u64) -> Vec<Face> {
        let watcher = self.sessions.iter().find(|known| known.id == session).expect("it is open");
        let knows = |game: &&Game| watcher.told_games.contains(&(game.ns.clone(), game.birth));
        let heard = self.games.iter().filter(knows).filter(|game| self.hears(session, &game.ns));
        heard.filter_map(|game| self.face(&game.ns)).collect()
    }

    /// When lists must be told at the latest, if any must.
    pub fn lists_due(&self) -> Option<Time> {
        let owed = |lobby: &&Lobby| {
            let now = self.face(&lobby.ns);
            let same = match (&lobby.told, &now) {
                (Some(told), Some(now)) => told.looks_like(now),
                (told, now) => told.is_none() && now.is_none(),
            };
            let hears = |session: &Session| {
                session.lists_show(now.as_ref())
                    || (session.lists_show(lobby.told.as_ref()) && session.shown.contains(&lobby.ns))
            };
            lobby.waits && !lobby.unsure && !same && self.sessions.iter().any(hears)
        };
        let due = self.lobby.iter().filter(owed).map(|lobby| lobby.latest(self.window()));
        due.min()
    }
}

impl Lobby {
    /// One of which nothing is to be told.
    pub fn settled(ns: &str, told: Option<Face>) -> Self {
        Self {
            ns: ns.to_owned(),
            told,
            at: None,
            heard: false,
            changed: false,
            waits: false,
            unsure: false,
            since: Time::START,
            over: true,
        }
    }

    /// It counts as announced.
    fn settle(&mut self, face: Option<Face>) {
        (self.told, self.changed, self.waits) = (face, false, false);
    }

    /// When it must be announced, if it waits.
    fn latest(&self, window: Duration) -> Time {
        self.at.filter(|_| self.heard).unwrap_or(self.since).after(window)
    }

    fn duty(&self, now: Time, window: Duration, happened: bool, timeout: bool, face: Option<&Face>) -> Duty {
        let over = self.at.is_none_or(|at| now >= at.after(window));
        let same = match (&self.told, face) {
            (Some(told), Some(face)) => told.looks_like(face),
            (told, face) => told.is_none() && face.is_none(),
        };
        let duty = match (self.changed, over) {
            (false, _) => Duty::MustNot,
            (true, true) if timeout && !self.unsure && now >= self.latest(window) => Duty::Must,
            (true, true) if timeout => Duty::May,
            // What is late already may go out with what is new, or when its time comes.
            (true, true) if self.waits || !self.over => Duty::May,
            (true, true) => Duty::Must,
            (true, false) if happened && (!self.heard || self.unsure) => Duty::May,
            (true, false) => Duty::MustNot,
        };
        if same && duty == Duty::Must { Duty::May } else { duty }
    }
}

/// Says that a game is closed, and no more.
fn is_closing(entry: &proto::Game) -> bool {
    let bare = proto::Game { ns: entry.ns.clone(), version: entry.version, closed: Some(true), ..Default::default() };
    *entry == bare && entry.version.is_some()
}
