//! RENDEZVOUS and DISCOVER: who looks at what.

use super::{
    Registry,
    listing::{Listing, Purpose, Topic},
};
use crate::domain::{
    Answer, Code, Discover, Filter, Namespace, Pattern, Refusal, Rendezvous, RequestId, Secret, SessionId, Subject,
};
use std::sync::Arc;

impl Registry {
    /// RENDEZVOUS: the watch begins with the snapshot, of which this call
    /// produces the first part.
    pub fn rendezvous(&mut self, session: SessionId, request_id: Option<RequestId>, request: Rendezvous) {
        let Rendezvous { pattern, subject, leave, since } = request;
        if leave {
            let answer = match self.end_watch(session, &pattern, &subject) {
                Ok(()) => Answer::Done,
                Err(refusal) => Answer::Refused(refusal.of(pattern)),
            };
            return self.answer(session, request_id, answer);
        }
        let begun = match &subject {
            Subject::Peers { secret } => self.watch_peers(session, &pattern, secret),
            Subject::Games { filter } => self.watch_games(session, &pattern, filter),
        };
        match begun {
            // One who watches already keeps hearing everything; for a new watch what
            // the snapshot has not come to yet is left to the snapshot.
            Ok(live) => {
                // A client of the seed knows of no catch-up.
                if let (Pattern::Exact(ns), Subject::Peers { .. }, Some(since), Some(_)) =
                    (&pattern, &subject, since, request_id)
                    && let Some(catch_up) = self.catch_up(session, ns, since)
                {
                    return self.answer(session, request_id, Answer::CatchUp(catch_up));
                }
                let listing = Listing::new(request_id, pattern, Topic::of(subject), Purpose::Watch { live });
                self.list(session, listing);
            }
            Err(refusal) => self.answer(session, request_id, Answer::Refused(refusal.of(pattern))),
        }
    }

    fn end_watch(&mut self, session: SessionId, pattern: &Pattern, subject: &Subject) -> Result<(), Refusal> {
        let patterns = &mut self.session_mut(session).patterns;
        let known = match subject {
            Subject::Peers { .. } => patterns.peers.remove(pattern),
            Subject::Games { .. } => patterns.games.remove(pattern),
        };
        if !known {
            return Err(Refusal::new(Code::NotFound, format!("this connection does not watch {pattern}")));
        }
        match subject {
            Subject::Peers { .. } => drop(self.watches.remove(pattern, session)),
            Subject::Games { .. } => self.registered_bytes -= self.lists.remove(pattern, session).size(),
        }
        Ok(())
    }

    /// Begins a watch of peers; whether the session has heard of all that it shows
    /// until now. A secret is kept for the game that the namespace is or becomes.
    fn watch_peers(&mut self, session: SessionId, pattern: &Pattern, secret: &Secret) -> Result<bool, Refusal> {
        let exact = if let Pattern::Exact(ns) = pattern { Some(ns) } else { None };
        if let Some(ns) = exact {
            self.may_look(session, ns, secret)?;
        }
        let known = self.session(session).patterns.peers.contains(pattern);
        if !known {
            self.room_for_watch(session)?;
            self.session_mut(session).patterns.peers.insert(pattern.clone());
        }
        let live = known && exact.is_none_or(|ns| self.may_hear(session, ns));
        if !known || !secret.is_none() {
            let brought = (!secret.is_none()).then(|| Box::new(secret.clone()));
            self.watches.insert(pattern, session, brought);
        }
        Ok(live)
    }

    /// Begins a watch of games, or gives it another filter; whether the session has
    /// watched them until now.
    fn watch_games(&mut self, session: SessionId, pattern: &Pattern, filter: &Filter) -> Result<bool, Refusal> {
        let known = self.session(session).patterns.games.contains(pattern);
        if !known {
            self.room_for_watch(session)?;
        }
        // A watch costs little, what it filters by may be as long as a peer.
        self.room_for(filter.size())?;
        self.registered_bytes += filter.size();
        self.session_mut(session).patterns.games.insert(pattern.clone());
        let before = self.lists.insert(pattern, session, Arc::new(filter.clone()));
        self.registered_bytes -= before.map_or(0, |before| before.size());
        Ok(known)
    }

    /// Whether the session may watch and list the peers of that namespace.
    pub(super) fn may_look(&self, session: SessionId, ns: &Namespace, secret: &Secret) -> Result<(), Refusal> {
        let Some(game) = self.spaces.game(ns) else { return Ok(()) };
        if game.bans.hold(session, None) {
            return Err(banned());
        }
        // A member need not know the secret, nor one whose watch brought it bring it
        // again.
        let known = self.is_member(session, ns) || (secret.is_none() && self.may_hear(session, ns));
        if !game.rules.opens_to(secret) && !known {
            return Err(wrong_secret());
        }
        Ok(())
    }

    /// DISCOVER.
    pub fn discover(&mut self, session: SessionId, request_id: Option<RequestId>, request: Discover) {
        let Discover { pattern, subject, limit, cookie } = request;
        let allowed = match (&pattern, &subject) {
            (Pattern::Exact(ns), Subject::Peers { secret }) => self.may_look(session, ns, secret),
            _ => Ok(()),
        };
        match allowed.and_then(|()| Topic::of(subject).behind(cookie.as_deref(), &pattern)) {
            Ok(topic) => {
                // A client of the seed knows no pages: it gets everything.
                let page = if request_id.is_some() { self.limits.discover_page } else { usize::MAX };
                let left = limit.map_or(page, |limit| limit.min(self.limits.discover_page));
                self.list(session, Listing::new(request_id, pattern, topic, Purpose::Discover { left }));
            }
            Err(refusal) => self.answer(session, request_id, Answer::Refused(refusal.of(pattern))),
        }
    }
}

pub(super) fn banned() -> Refusal {
    Refusal::new(Code::Banned, "the owner of this game has banned you from it; join another")
}

pub(super) fn wrong_secret() -> Refusal {
    Refusal::new(Code::WrongSecret, "this game takes a secret, and it is not the one given; ask its owner for it")
}
