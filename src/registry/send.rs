//! SEND: to whom a message goes. Nothing is kept of it, and nothing changes but whose
//! turn it is.

use super::{
    Output, Registry,
    look::{banned, wrong_secret},
    spaces,
};
use crate::domain::{
    Answer, Code, Delivery, Message, Namespace, Party, PeerId, Recipient, Refusal, RequestId, SessionId, SessionName,
};
use std::ops::Bound;

/// Whether a session can be sent a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reach {
    /// It takes one.
    Open,
    /// It does not keep up with what it is sent.
    Busy,
    /// It would not know what that is: a client of the seed.
    Deaf,
}

/// What is known of sessions elsewhere.
pub trait Directory {
    /// Whether that open session can be sent a message now.
    fn reach(&self, session: SessionId) -> Reach;

    /// Whether it would not know what a message is.
    fn is_deaf(&self, session: SessionId) -> bool {
        self.reach(session) == Reach::Deaf
    }

    /// What a session is called, if it is introduced.
    fn name(&self, session: SessionId) -> Option<SessionName>;

    /// The session that is called that.
    fn find(&self, name: &SessionName) -> Option<SessionId>;
}

impl Registry {
    /// SEND.
    pub fn send(
        &mut self,
        session: SessionId,
        request_id: Option<RequestId>,
        from: Option<&PeerId>,
        message: Message,
        directory: &impl Directory,
    ) {
        let sent = self.may_send(session, &message.ns).and_then(|()| {
            let from = self.speaker(session, &message.ns, from, directory)?;
            let (to, answer) = self.receivers(session, &message, directory)?;
            Ok((from, to, answer))
        });
        match sent {
            Ok((from, to, answer)) => {
                self.answer(session, request_id, answer);
                if !to.is_empty() {
                    self.outputs.push_back(Output::Say { cause: session, to, delivery: Delivery { from, message } });
                }
            }
            Err(refusal) => self.answer(session, request_id, Answer::Refused(refusal.of(&message.ns))),
        }
    }

    /// Whether it is registered or in rendezvous there.
    fn may_send(&self, session: SessionId, ns: &Namespace) -> Result<(), Refusal> {
        let game = self.spaces.game(ns);
        if game.is_some_and(|game| game.bans.hold(session, None)) {
            return Err(banned());
        }
        if self.is_member(session, ns) {
            return Ok(());
        }
        let watches = self.watches.count(ns, session) > 0;
        if watches && self.may_hear(session, ns) {
            return Ok(());
        }
        if watches && game.is_some_and(|game| !game.rules.secret.is_none()) {
            return Err(wrong_secret());
        }
        Err(Refusal::new(Code::NotMember, "this connection neither has a peer here nor watches; do either to send"))
    }

    /// As whom it speaks there.
    fn speaker(
        &self,
        session: SessionId,
        ns: &Namespace,
        from: Option<&PeerId>,
        directory: &impl Directory,
    ) -> Result<Party, Refusal> {
        if let Some(id) = from {
            let own = self.spaces.find(ns, id).filter(|(_, entry)| entry.session == session);
            return own.map(|_| Party::Peer(id.clone())).ok_or_else(|| {
                Refusal::new(Code::NotMember, "this connection has no peer of the id in `from` here; leave it out")
            });
        }
        if let Some(oldest) = spaces::own(ns, &self.session(session).registrations).next() {
            return Ok(Party::Peer(self.spaces.member(ns, oldest).registration.id.clone()));
        }
        directory.name(session).map(Party::Session).ok_or_else(|| {
            Refusal::new(
                Code::InvalidMessage,
                "who only watches needs a name to be answered by; say HELLO, or register a peer, before sending",
            )
        })
    }

    /// To whom it goes, and what its sender is told then.
    fn receivers(
        &mut self,
        session: SessionId,
        message: &Message,
        directory: &impl Directory,
    ) -> Result<(Vec<SessionId>, Answer), Refusal> {
        let ns = &message.ns;
        let (receiver, answer) = match &message.to {
            Recipient::All => {
                let mut all = self.listeners(ns);
                all.retain(|&watcher| {
                    let is_deaf = directory.is_deaf(watcher);
                    // Who hears it is charged by the byte, and it takes time to find who does not.
                    if is_deaf {
                        self.step();
                    }
                    watcher != session && !is_deaf
                });
                return Ok((all, Answer::Done));
            }
            Recipient::Any => {
                let (to, session) = self.next_in_turn(session, ns, directory)?;
                return Ok((vec![session], Answer::Sent { ns: ns.clone(), to }));
            }
            Recipient::Owner => {
                let owner = self.spaces.game(ns).and_then(|game| game.owner);
                let owner = owner.ok_or_else(|| Refusal::new(Code::NotFound, "nobody owns this namespace now"))?;
                let entry = self.spaces.member(ns, owner);
                (entry.session, Answer::Sent { ns: ns.clone(), to: entry.registration.id.clone() })
            }
            Recipient::To(Party::Peer(id)) => {
                (self.spaces.find(ns, id).map(|(_, entry)| entry.session).ok_or_else(nobody)?, Answer::Done)
            }
            Recipient::To(Party::Session(name)) => {
                let is_there = |&other: &SessionId| {
                    self.is_member(other, ns) || (self.watches.count(ns, other) > 0 && self.may_hear(other, ns))
                };
                (directory.find(name).filter(is_there).ok_or_else(nobody)?, Answer::Done)
            }
        };
        match self.reach(receiver, directory) {
            Some(Reach::Open) => Ok((vec![receiver], answer)),
            Some(Reach::Busy) => Err(busy("the receiver does")),
            Some(Reach::Deaf) => Err(Refusal::new(
                Code::NotFound,
                "the receiver does not take messages: it has neither said HELLO nor numbered a request",
            )),
            None => Err(Refusal::new(Code::NotFound, "the receiver is away; it may come back")),
        }
    }

    /// Whether a session can be sent a message; `None` while nobody is connected to it.
    fn reach(&self, session: SessionId, directory: &impl Directory) -> Option<Reach> {
        let is_there = self.sessions.get(&session).is_some_and(|known| known.absent.is_none());
        is_there.then(|| directory.reach(session))
    }

    /// The member of somebody else whose turn it is. Those who cannot be reached now are
    /// passed over.
    fn next_in_turn(
        &mut self,
        session: SessionId,
        ns: &Namespace,
        directory: &impl Directory,
    ) -> Result<(PeerId, SessionId), Refusal> {
        let space = self.spaces.get(ns).ok_or_else(nobody)?;
        let behind = space.members.range((Bound::Excluded(space.served), Bound::Unbounded));
        let around = behind.chain(space.members.range(..=space.served));
        let mut is_busy = false;
        let mut next = None;
        for (&joined, entry) in around {
            self.step();
            if entry.session == session {
                continue;
            }
            match self.reach(entry.session, directory) {
                Some(Reach::Open) => {
                    next = Some((joined, entry.registration.id.clone(), entry.session));
                    break;
                }
                Some(Reach::Busy) => is_busy = true,
                Some(Reach::Deaf) | None => {}
            }
        }
        match next {
            Some((joined, id, session)) => {
                self.spaces.get_mut(ns).expect("it was looked at just now").served = joined;
                Ok((id, session))
            }
            None if is_busy => Err(busy("all others here do")),
            None => Err(Refusal::new(Code::NotFound, "no other member here takes messages now")),
        }
    }
}

fn nobody() -> Refusal {
    Refusal::new(Code::NotFound, "there is no such receiver here; it may have left already")
}

fn busy(who: &str) -> Refusal {
    Refusal::new(Code::ReceiverBusy, format!("{who} not keep up with what was sent before; send again later"))
}
