//! Lists of games, and what those who watch them are told.
//!
//! A game's changes are told at once, and then not again for `game_list_ms`: what
//! happens meanwhile is folded to how the game is when that is over. So everybody
//! who watches has been told the same of a game, and it is enough to remember
//! that once.

use super::{
    News, Registry, cookie,
    listing::{Listing, PART_BYTES, PART_NAMESPACES, Purpose, Topic},
};
use crate::domain::{Announcement, Answer, Filter, Game, GameList, ListKind, Namespace, Pattern, SessionId, Time};
use std::{
    collections::{BTreeMap, BTreeSet},
    ops::{Bound, Range},
    time::Duration,
};

/// What those who watch lists were told within the last `game_list_ms`.
#[derive(Debug, Default)]
pub(super) struct Lobby {
    told: BTreeMap<Namespace, Told>,
    /// When each of these may be told again.
    due: BTreeSet<(Time, Namespace)>,
}

/// What was told of one game.
#[derive(Debug)]
struct Told {
    /// How it was; `None`: not there.
    seen: Option<Seen>,
    /// Something has changed since.
    waiting: bool,
    /// Whose doing the last change was.
    cause: SessionId,
    /// Who has heard of it meanwhile, for watching its peers or for having begun to watch
    /// the list: to them it looks as if the list had it, as it was then.
    heard: BTreeSet<SessionId>,
    /// Lists that were begun meanwhile and do not show it: it is in them no more.
    without: BTreeSet<(SessionId, Pattern)>,
}

/// A game as it was shown, and when it was born.
#[derive(Debug, Clone)]
pub(super) struct Seen {
    born: u64,
    game: Game,
}

/// Whether a session's lists had a game, and have it.
#[derive(Debug, Clone, Copy)]
struct Shown {
    session: SessionId,
    was: bool,
    is: bool,
}

impl Told {
    /// What nobody has heard otherwise yet.
    fn now(cause: SessionId, seen: Option<Seen>) -> Self {
        Self { seen, waiting: false, cause, heard: BTreeSet::new(), without: BTreeSet::new() }
    }
}

impl Lobby {
    /// When something is to be told next.
    pub(super) fn next_due(&self) -> Option<Time> {
        self.due.first().map(|&(time, _)| time)
    }

    fn tell_again(&mut self, at: Time, ns: Namespace, told: Told) {
        self.due.insert((at, ns.clone()));
        self.told.insert(ns, told);
    }

    /// A session has been shown a game as it is now, which the others are told later.
    fn show(&mut self, game: &Game, session: SessionId) {
        let Some(told) = self.told.get_mut(&game.ns).filter(|told| told.waiting) else { return };
        let differs = told.seen.as_ref().is_none_or(|seen| !seen.game.looks_like(game));
        if differs {
            told.heard.insert(session);
        }
    }

    /// A list, or a part of it from one age to another, has been given that has these games:
    /// those that others are told the end of later are not in it. Which these are, and how
    /// many were looked at.
    fn begin(
        &mut self,
        session: SessionId,
        list: &Pattern,
        ages: Range<u64>,
        games: &[Game],
    ) -> (Vec<Namespace>, usize) {
        let (mut missed, mut looked_at) = (Vec::new(), 0);
        let shown: BTreeSet<_> = games.iter().map(|game| &game.ns).collect();
        let (Pattern::Exact(root) | Pattern::Children(root) | Pattern::Descendants(root)) = list;
        // Those below it stand behind it in the order of names.
        let below = self.told.range_mut::<str, _>((Bound::Included(root.as_str()), Bound::Unbounded));
        let below = below.take_while(|(ns, _)| ns.as_str().starts_with(root.as_str()));
        for (ns, told) in below.filter(|(ns, _)| list.matches(ns.as_str())) {
            looked_at += 1;
            let is_missed = |seen: &Seen| seen.born > ages.start && seen.born <= ages.end && !shown.contains(ns);
            if told.waiting && told.seen.as_ref().is_some_and(is_missed) {
                told.without.insert((session, list.clone()));
                missed.push(ns.clone());
            }
        }
        (missed, looked_at)
    }

    /// The game as it was told last, where another announcement of it waits.
    fn withheld(&self, ns: &Namespace) -> Option<Option<&Game>> {
        let told = self.told.get(ns).filter(|told| told.waiting)?;
        Some(told.seen.as_ref().map(|seen| &seen.game))
    }

    pub(super) fn is_empty(&self) -> bool {
        self.told.is_empty()
    }

    /// Whether two that should hold the same games do, for the invariants.
    pub(super) fn is_consistent(&self) -> bool {
        self.due.len() == self.told.len() && self.due.iter().all(|(_, ns)| self.told.contains_key(ns))
    }
}

impl Registry {
    /// How a game is before a change, for whoever may have to be told what has
    /// changed.
    pub(super) fn lobby_sight(&self, ns: &Namespace) -> Option<Seen> {
        if self.lists.any(ns) && !self.lobby.told.contains_key(ns) { self.seen(ns) } else { None }
    }

    /// Remembers that those in rendezvous with the peers were told of a game whose
    /// next announcement to lists waits.
    pub(super) fn lobby_heard(&mut self, ns: &Namespace, to: &[SessionId]) {
        if let Some(told) = self.lobby.told.get_mut(ns) {
            let lists: Vec<_> = self.lists.of(ns).collect();
            let has_list = |session: &SessionId| lists.iter().any(|watched| watched.by_session.contains_key(session));
            told.heard.extend(to.iter().copied().filter(has_list));
        }
    }

    fn seen(&self, ns: &Namespace) -> Option<Seen> {
        let born = self.spaces.game(ns)?.born;
        self.sight(ns).map(|game| Seen { born, game })
    }

    /// Tells those who watch lists what has become of a game, or remembers to.
    pub(super) fn lobby_changed(&mut self, cause: SessionId, ns: &Namespace, before: Option<Seen>) {
        if let Some(told) = self.lobby.told.get_mut(ns) {
            (told.waiting, told.cause) = (true, cause);
            return;
        }
        if self.lists.any(ns) {
            self.tell_lists(ns, Told::now(cause, before));
        }
    }

    /// Tells what was held back of the game that is due first, as it is now.
    pub(super) fn tell_lobby(&mut self) {
        let (_, ns) = self.lobby.due.pop_first().expect("one of them is due");
        let told = self.lobby.told.remove(&ns).expect("what is due was told before");
        if told.waiting {
            self.tell_lists(&ns, told);
        }
    }

    /// Tells those who watch lists how a game is now that was so before.
    fn tell_lists(&mut self, ns: &Namespace, told: Told) {
        let Told { seen: before, cause, heard, without, .. } = told;
        let after = self.seen(ns);
        let changed = !same(before.as_ref(), after.as_ref());
        if !changed && heard.is_empty() {
            return;
        }
        let version = after.as_ref().map_or(self.version, |seen| seen.game.version);
        let shown = self.who_is_shown(ns, before.as_ref(), after.as_ref(), &without);
        let had = |shown: &Shown| shown.was || heard.contains(&shown.session);
        let those = |which: &dyn Fn(&Shown) -> bool| -> Vec<SessionId> {
            shown.iter().filter(|shown| which(shown)).map(|shown| shown.session).collect()
        };
        let entered = those(&|shown| changed && shown.is && !had(shown));
        let showing = those(&|shown| (changed || heard.contains(&shown.session)) && shown.is && had(shown));
        let closing = those(&|shown| had(shown) && !shown.is);
        if entered.is_empty() && showing.is_empty() && closing.is_empty() {
            return;
        }
        if let Some(Seen { game, .. }) = &after {
            for (to, is_first) in [(entered, true), (showing, false)] {
                self.announce(cause, to, News::of_list(Announcement::Game(Box::new(game.clone())), is_first));
            }
        }
        self.announce(cause, closing, News::of_list(Announcement::GameClosed { ns: ns.clone(), version }, false));

        if self.limits.game_list_ms > 0 {
            let next = self.now.after(Duration::from_millis(self.limits.game_list_ms as u64));
            self.lobby.tell_again(next, ns.clone(), Told::now(cause, after));
        }
    }

    /// Who watches lists that the game is or was in: each session once, in order.
    fn who_is_shown(
        &self,
        ns: &Namespace,
        before: Option<&Seen>,
        after: Option<&Seen>,
        without: &BTreeSet<(SessionId, Pattern)>,
    ) -> Vec<Shown> {
        let mut found: Vec<Shown> = Vec::new();
        let mut several_sets = false;
        for watched in self.lists.of(ns) {
            several_sets |= !found.is_empty();
            found.extend(watched.by_session.iter().map(|(&session, filter)| {
                // One that is over and one of the same name that is born since are two:
                // a list may have come to the first and not to the second.
                let shows = |seen: &Seen| {
                    shows(&watched.pattern, filter, &seen.game) && !self.will_list(session, &watched.pattern, seen.born)
                };
                let began_without = !without.is_empty() && without.contains(&(session, watched.pattern.clone()));
                Shown { session, was: before.is_some_and(shows) && !began_without, is: after.is_some_and(shows) }
            }));
        }
        if several_sets {
            found.sort_unstable_by_key(|shown| shown.session);
            found.dedup_by(|again, first| {
                let same = again.session == first.session;
                if same {
                    (first.was, first.is) = (first.was || again.was, first.is || again.is);
                }
                same
            });
        }
        found
    }

    /// Whether the snapshot that the session is being given for that watch is yet
    /// to come to the game of that age.
    fn will_list(&self, session: SessionId, watch: &Pattern, born: u64) -> bool {
        let Some(listings) = self.listings.get(&session) else { return false };
        listings.iter().any(|listing| match (&listing.topic, listing.purpose) {
            (Topic::Games { after, .. }, Purpose::Watch { live: false }) => listing.pattern == *watch && *after < born,
            _ => false,
        })
    }

    /// Answers with the next part of a list of games, oldest first; the list, if it
    /// has more.
    pub(super) fn list_games(&mut self, session: SessionId, mut listing: Listing) -> Option<Listing> {
        let Listing { request_id, pattern, topic: Topic::Games { filter, after }, purpose } = &mut listing else {
            unreachable!("it lists games");
        };
        let from = *after;
        // What is withheld from those who watch is told to them later; who asks once
        // is shown what there is.
        let (count, told) = match purpose {
            Purpose::Discover { left } => (*left, false),
            _ => (usize::MAX, true),
        };
        let is_shown = |game: &Game| shows(pattern, filter, game) && !(told && self.is_withheld(pattern, filter, game));
        let mut games = Vec::new();
        let mut version = self.version;
        let complete = match &*pattern {
            Pattern::Exact(ns) => {
                version = self.spaces.get(ns).map_or(version, |space| space.version);
                let seen = self.seen(ns).filter(|seen| seen.born > *after);
                games.extend(seen.map(|seen| seen.game).filter(is_shown));
                true
            }
            Pattern::Children(root) | Pattern::Descendants(root) => {
                let (mut budget, mut looked_at) = (PART_BYTES, 0);
                let mut more = self.ages.after(root, *after);
                loop {
                    let Some((born, ns)) = more.next() else { break true };
                    if looked_at == PART_NAMESPACES {
                        break false;
                    }
                    looked_at += 1;
                    let game = self.sight(ns).filter(|_| pattern.matches(ns.as_str()));
                    if let Some(game) = game.filter(is_shown) {
                        // Only one that is to be shown makes another page.
                        if games.len() == count || budget == 0 {
                            break false;
                        }
                        budget = budget.saturating_sub(wire_bytes(&game));
                        games.push(game);
                    }
                    *after = born;
                }
            }
        };
        let mut more = !complete;
        let kind = if let Purpose::Discover { left } = purpose {
            *left -= games.len();
            more &= *left > 0;
            let cookie = (!complete && !more).then(|| cookie::write_games(pattern, *after));
            ListKind::Page { cookie }
        } else {
            ListKind::Snapshot { version }
        };
        if told {
            for game in &games {
                self.lobby.show(game, session);
            }
            let to = if complete { u64::MAX } else { *after };
            let (missed, looked_at) = self.lobby.begin(session, pattern, from..to, &games);
            for ns in missed {
                // An earlier list of that pattern may have shown it; nothing else has.
                if self.lists.count(&ns, session) == 1
                    && self.watches.count(&ns, session) == 0
                    && let Some(told) = self.lobby.told.get_mut(&ns)
                {
                    told.heard.remove(&session);
                }
            }
            self.steps.set(self.steps.get() + looked_at);
        }
        let (request_id, pattern) = (*request_id, pattern.clone());
        self.answer(session, request_id, Answer::Games(GameList { pattern, kind, games, more }));
        more.then_some(listing)
    }

    /// Whether a list that is watched does not show the game yet: another
    /// announcement of it waits, and the list did not have it before. Else it would
    /// have it twice, or, if it is to leave again, for ever.
    fn is_withheld(&self, pattern: &Pattern, filter: &Filter, game: &Game) -> bool {
        let before = self.lobby.withheld(&game.ns);
        before.is_some_and(|before| !before.is_some_and(|before| shows(pattern, filter, before)))
    }
}

/// Whether a game is in a list: it is listed, or its name was asked for, and it has
/// what the filter asks for.
fn shows(pattern: &Pattern, filter: &Filter, game: &Game) -> bool {
    (game.listed || matches!(pattern, Pattern::Exact(_))) && filter.passes(&game.attributes)
}

/// Whether nothing that a list shows has changed.
fn same(before: Option<&Seen>, after: Option<&Seen>) -> bool {
    match (before, after) {
        (None, None) => true,
        (Some(before), Some(after)) => before.born == after.born && before.game.looks_like(&after.game),
        _ => false,
    }
}

/// About what a game takes on the wire.
fn wire_bytes(game: &Game) -> usize {
    let attributes: usize = game.attributes.iter().map(|(name, value)| name.len() + value.len() + 12).sum();
    let owner = game.owner.as_ref().map_or(0, |id| id.as_str().len());
    game.ns.as_str().len() + owner + game.app_version.as_str().len() + attributes + 64
}
