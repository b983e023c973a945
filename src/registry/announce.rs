//! Who hears of what happens in a namespace.

use super::{News, Output, Registry, games::Game};
use crate::domain::{Announcement, Namespace, SessionId};

/// Those who hear of the peers of a namespace: each once, in order, and how
/// many of its watches match.
pub(super) type Audience = Vec<(SessionId, usize)>;

/// A change, and where it is.
#[derive(Debug)]
pub(super) struct Told {
    /// Where in the namespace.
    pub(super) joined: u64,
    /// The one whom it reaches in any case.
    pub(super) own: Option<SessionId>,
    pub(super) news: News,
}

impl Registry {
    /// Whether the session would hear of the peers there if it watched them.
    pub(super) fn may_hear(&self, session: SessionId, ns: &Namespace) -> bool {
        let guarded = self.spaces.game(ns).filter(|game| game.is_guarded());
        guarded.is_none_or(|game| self.is_let_in(session, ns, game))
    }

    fn is_let_in(&self, session: SessionId, ns: &Namespace, game: &Game) -> bool {
        if game.bans.hold(session, None) {
            return false;
        }
        let rules = &game.rules;
        if (rules.secret.is_none() && rules.listed) || self.is_member(session, ns) {
            return true;
        }
        // Its name is the key of a game that is not listed, and who watches exactly
        // that has it.
        let watch = self.watches.exact(ns, session);
        watch.is_some_and(|brought| rules.secret.is_none() || brought.as_deref() == Some(&rules.secret))
    }

    /// Who hears of the peers there as things are now.
    pub(super) fn audience(&self, ns: &Namespace) -> Audience {
        let mut audience = self.watches.watchers(ns);
        if !audience.is_empty()
            && let Some(game) = self.spaces.game(ns).filter(|game| game.is_guarded())
        {
            audience.retain(|&(session, _)| self.is_let_in(session, ns, game));
        }
        audience
    }

    /// The sessions of the [`Audience`].
    pub(super) fn listeners(&self, ns: &Namespace) -> Vec<SessionId> {
        self.audience(ns).into_iter().map(|(session, _)| session).collect()
    }

    /// Tells those who hear of it, but not the one whose doing it is, of changes
    /// that happened together.
    pub(super) fn tell(
        &mut self,
        cause: SessionId,
        ns: &Namespace,
        audience: &Audience,
        except: Option<SessionId>,
        changes: Vec<Told>,
    ) {
        if changes.is_empty() {
            return;
        }
        let listening = audience.iter().filter(|&&(session, _)| Some(session) != except);
        if !self.listings.is_empty() {
            for Told { joined, own, news } in changes {
                let heard = listening.clone().filter(|&&(session, watches)| self.hears(session, ns, joined, watches));
                let mut to: Vec<SessionId> = heard.map(|&(session, _)| session).collect();
                if let Some(own) = own
                    && let Err(place) = to.binary_search(&own)
                {
                    to.insert(place, own);
                }
                self.announce(cause, to, news);
            }
            return;
        }
        // All of them are heard by the same sessions, but for those who are told
        // only what concerns themselves.
        let to: Vec<SessionId> = listening.map(|&(session, _)| session).collect();
        let mut alone = Vec::new();
        for change in &changes {
            if let Some(own) = change.own
                && to.binary_search(&own).is_err()
            {
                alone.push((own, change.news.clone()));
            }
        }
        if !to.is_empty() {
            let news = changes.into_iter().map(|change| change.news).collect();
            self.outputs.push_back(Output::Announce { cause, to, news });
        }
        for (own, news) in alone {
            self.outputs.push_back(Output::Announce { cause, to: vec![own], news: vec![news] });
        }
    }

    /// Tells those sessions how the game is now.
    pub(super) fn tell_game(&mut self, cause: SessionId, ns: &Namespace, to: Vec<SessionId>) {
        self.lobby_heard(ns, &to);
        let game = self.sight(ns).expect("what has changed exists");
        self.announce(cause, to, Announcement::Game(Box::new(game)));
    }

    /// Adds to what the same sessions are told already, if they are.
    pub(super) fn announce(&mut self, cause: SessionId, to: Vec<SessionId>, news: impl Into<News>) {
        if to.is_empty() {
            return;
        }
        let next = news.into();
        if let Some(Output::Announce { cause: same, to: before, news }) = self.outputs.back_mut()
            && *same == cause
            && *before == to
            && news.iter().all(|before| before.announcement.is_about_games() == next.announcement.is_about_games())
        {
            news.push(next);
        } else {
            self.outputs.push_back(Output::Announce { cause, to, news: vec![next] });
        }
    }
}
