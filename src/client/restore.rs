//! How the own peers come to be on the server again after a connection was lost:
//! what is asked for each, what the answer means, and what is told if it cannot be
//! had again.

use super::{
    own::{Holding, Own},
    streams::Streams,
    waiter::{Next, Waiter},
};
use crate::domain::{
    Announcement, Answer, Code, Discover, Filter, GameList, LeaveReason, Namespace, PeerId, Register, Registration,
    Request, Subject, Unregister,
};
use std::sync::Arc;

/// One own peer, on its way back.
#[derive(Debug)]
pub(super) struct Restore {
    pub(super) ns: Namespace,
    pub(super) id: PeerId,
    step: Step,
}

/// What was asked last.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Step {
    /// Whether the session that goes on still has it.
    Renew,
    /// Whether the game that it had a seat in is still there: to register there
    /// would make another namespace of that name.
    Look,
    /// To enter a new session, with the game that this client had made.
    Host,
    /// To enter a new session.
    Enter,
}

impl Restore {
    /// What to ask of the server that goes on with the session. The peer is as the
    /// newest request has it, answered or not, so that nothing is turned back.
    pub(super) fn renew(holding: &Holding, newest: Option<&Register>) -> (Request, Waiter) {
        let Holding { asked, registration, .. } = holding;
        let Register { peer, ttl_secs, .. } = newest.unwrap_or(asked).clone();
        let request = Register { ttl_secs, renew: true, ..Register::new(asked.ns.clone(), peer) };
        (Request::Register(request), Self::at(Step::Renew, registration))
    }

    /// What to ask of a server that knows nothing of the session any more.
    pub(super) fn anew(holding: &Holding) -> (Request, Waiter) {
        let Holding { asked, registration, in_game } = holding;
        if asked.game.is_some() {
            return (Request::Register(asked.clone()), Self::at(Step::Host, registration));
        }
        if !in_game {
            return (Request::Register(asked.clone()), Self::at(Step::Enter, registration));
        }
        let request = Discover {
            pattern: (&asked.ns).into(),
            subject: Subject::Games { filter: Filter::default() },
            limit: Some(1),
            cookie: None,
        };
        (Request::Discover(request), Self::at(Step::Look, registration))
    }

    fn at(step: Step, registration: &Registration) -> Waiter {
        Waiter::Restore(Self { ns: registration.ns.clone(), id: registration.id.clone(), step })
    }

    /// Takes the answer; `None` if it is no answer to what was asked.
    pub(super) fn take(self, answer: Answer, own: &Own, streams: &mut Streams) -> Option<Next> {
        // It was given up, or taken out, while it was on its way.
        let Some(Holding { asked, in_game, .. }) = own.holding(&self.ns, &self.id) else {
            return Some(self.undo(answer));
        };
        match (self.step, answer) {
            (_, Answer::Granted { registration, .. }) if registration.ns != self.ns || registration.id != self.id => {
                return None;
            }
            // Another game may have the name by now, but no game has.
            (Step::Enter, Answer::Granted { game: None, .. }) if in_game => {
                self.lose(LeaveReason::Closed, own, streams);
                return Some(self.give_up());
            }
            (Step::Renew | Step::Host | Step::Enter, Answer::Granted { registration, game }) => {
                streams.own_came(&registration, self.step != Step::Renew);
                own.enter(&registration, asked, game.is_some());
                if let Some(game) = game {
                    streams.settle(&Arc::new(*game));
                }
            }
            // What was refused for another reason than that it is gone is there still.
            (Step::Renew, Answer::Refused(refusal)) if refusal.code != Code::NotFound => {
                tracing::warn!(ns = %self.ns, peer = %self.id, %refusal, "a registration could not be renewed");
            }
            (Step::Host, Answer::Refused(refusal)) if refusal.code == Code::GameExists => {
                own.forget_game(&self.ns, &self.id);
                let request = Request::Register(Register { game: None, ..asked });
                return Some(Next::Ask(request, Waiter::Restore(Self { step: Step::Enter, ..self })));
            }
            (Step::Look, Answer::Games(GameList { games, .. })) if games.iter().any(|game| game.ns == self.ns) => {
                let request = Request::Register(asked);
                return Some(Next::Ask(request, Waiter::Restore(Self { step: Step::Enter, ..self })));
            }
            (Step::Look, Answer::Games(_)) => self.lose(LeaveReason::Closed, own, streams),
            (_, Answer::Refused(refusal)) => {
                tracing::warn!(ns = %self.ns, peer = %self.id, %refusal, "a registration is lost with its connection");
                self.lose(LeaveReason::Expired, own, streams);
            }
            _ => return None,
        }
        Some(Next::Done)
    }

    /// What was granted to nobody goes back.
    fn undo(self, answer: Answer) -> Next {
        if matches!(answer, Answer::Granted { .. }) && self.step != Step::Renew { self.give_up() } else { Next::Done }
    }

    fn give_up(self) -> Next {
        let Self { ns, id, .. } = self;
        let request = Unregister { ns: ns.clone(), peer: Some(id.clone()), ban: false };
        Next::Ask(Request::Unregister(request), Waiter::GiveUp { ns, id })
    }

    /// Tells all streams that it is out. No number counts this change, as nobody
    /// else knows of it: it is told under that of the last state.
    fn lose(&self, reason: LeaveReason, own: &Own, streams: &mut Streams) {
        let version = own.registration(&self.ns, &self.id).map_or(0, |last| last.version);
        let (ns, id) = (self.ns.clone(), self.id.clone());
        streams.announce(&Announcement::Unregistered { ns, id, reason, version }, own);
    }
}
