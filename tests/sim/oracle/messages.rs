//! What must come of SEND: who may, as whom, to whom.

use super::{
    announced::News,
    ask::Note,
    rules::{Expected, Outcome},
    world::{Peer, World},
};
use crate::{
    coverage::Deed,
    pattern::matches,
    verdict::{Verdict, ensure},
};
use foregather::{
    domain::Code,
    wire::proto::{Message, Send, send::To},
};

/// As whom somebody speaks.
#[derive(Debug, Clone)]
enum Speaker {
    /// The peer of that birth.
    Peer(u64),
    /// A session that is called so.
    Session(String),
}

/// What several must be told, in the words of one.
#[derive(Debug, Clone)]
pub struct Said {
    speaker: Speaker,
    /// As its sender wrote it.
    entry: Send,
    /// Who must hear it, until they have.
    waiting: Vec<u64>,
}

/// Whether somebody can be told something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reach {
    Open,
    Busy,
    /// Not connected, or it would not understand.
    No,
}

impl World {
    pub fn send(&mut self, session: u64, note: Note) -> Outcome {
        let Note { ns, from, entry } = note;
        if let Err(code) = self.may_speak(session, &ns) {
            return Expected::refused(code).into();
        }
        let speaker = match self.speaker(session, &ns, from.as_deref()) {
            Ok(speaker) => speaker,
            Err(code) => return Expected::refused(code).into(),
        };
        let (answer, waiting, deed) = match self.receivers(session, &ns, entry.to.as_ref().expect("it was read")) {
            Ok(receivers) => receivers,
            Err(Failed::Refused(code)) => return Expected::refused(code).into(),
            Err(Failed::Unknown(what)) => return Expected::Impossible(what).into(),
        };
        self.deeds.push(deed);
        self.deeds.extend(matches!(speaker, Speaker::Session(_)).then_some(Deed::SaidByWatcher));
        self.deeds.extend((waiting == [session]).then_some(Deed::SaidToItself));
        for &to in &waiting {
            let payload = entry.payload().to_vec();
            match self.mailboxes.iter_mut().find(|(known, _)| *known == to) {
                Some((_, all)) => all.push(payload),
                None => self.mailboxes.push((to, vec![payload])),
            }
        }
        self.said.push(Said { speaker, entry, waiting });
        Outcome { answers: vec![(None, answer)], news: Vec::<News>::new() }
    }

    /// Whether somebody is in rendezvous with the peers there, or one of them.
    fn is_around(&self, session: u64, ns: &str) -> bool {
        let Some(known) = self.sessions.iter().find(|known| known.id == session) else { return false };
        let watches = known.watches.iter().any(|watch| matches(&watch.pattern, ns));
        self.is_member(session, ns) || (watches && self.is_open_to(known, ns))
    }

    fn may_speak(&self, session: u64, ns: &str) -> Result<(), Code> {
        if self.is_banned(session, ns) {
            return Err(Code::Banned);
        }
        if self.is_around(session, ns) {
            return Ok(());
        }
        let known = self.sessions.iter().find(|known| known.id == session).expect("it asks");
        let watches = known.watches.iter().any(|watch| matches(&watch.pattern, ns));
        let secret = self.game(ns).is_some_and(|game| !game.secret.is_empty());
        Err(if watches && secret { Code::WrongSecret } else { Code::NotMember })
    }

    fn speaker(&mut self, session: u64, ns: &str, from: Option<&str>) -> Result<Speaker, Code> {
        let mut own = self.peers.iter().filter(|peer| peer.ns == ns && peer.session == session);
        if let Some(id) = from {
            let named = own.find(|peer| peer.id.as_deref() == Some(id));
            return named.map(|peer| Speaker::Peer(peer.birth)).ok_or(Code::NotMember);
        }
        if let Some(oldest) = own.min_by_key(|peer| peer.birth) {
            return Ok(Speaker::Peer(oldest.birth));
        }
        let identity = self.identities.iter().find(|identity| identity.holder == session);
        identity.map(|identity| Speaker::Session(identity.name().to_owned())).ok_or(Code::InvalidMessage)
    }

    /// Whether a session can be told something now. What its pipe takes is known from
    /// the hub's having asked.
    fn reach(&self, session: u64) -> Result<Reach, Failed> {
        let connected = |known: &&super::world::Session| known.id == session && !known.superseded;
        let Some(known) = self.sessions.iter().find(connected) else { return Ok(Reach::No) };
        if known.is_of_the_seed() {
            return Ok(Reach::No);
        }
        match self.keeping_up.iter().find(|(asked, _)| *asked == session) {
            Some((_, true)) => Ok(Reach::Open),
            Some((_, false)) => Ok(Reach::Busy),
            None => Err(Failed::Unknown(format!("nobody asked whether session {session} keeps up"))),
        }
    }

    fn receivers(&mut self, session: u64, ns: &str, to: &To) -> Result<(Expected, Vec<u64>, Deed), Failed> {
        let (receiver, answer, deed) = match to {
            To::All(_) => {
                let hears = |known: &&super::world::Session| {
                    let watches = known.watches.iter().any(|watch| matches(&watch.pattern, ns));
                    known.id != session && watches && self.is_open_to(known, ns) && !known.is_of_the_seed()
                };
                let all: Vec<u64> = self.sessions.iter().filter(hears).map(|known| known.id).collect();
                let deed = if all.is_empty() { Deed::SaidToNobody } else { Deed::SaidToAll };
                return Ok((Expected::Done, all, deed));
            }
            To::Any(_) => return self.next_in_turn(session, ns),
            To::Owner(_) => {
                let owner = self.game(ns).and_then(|game| game.owner);
                let owner = owner.and_then(|birth| self.born(birth)).cloned().ok_or(Failed::Refused(Code::NotFound))?;
                let answer = Expected::Sent { ns: ns.to_owned(), birth: owner.birth };
                (owner.session, answer, Deed::SaidToOwner)
            }
            To::Peer(name) if name.starts_with('~') => {
                let identity = self.identities.iter().find(|identity| identity.name() == name);
                let holder = identity.map(|identity| identity.holder).filter(|&holder| self.is_around(holder, ns));
                (holder.ok_or(Failed::Refused(Code::NotFound))?, Expected::Done, Deed::SaidToSession)
            }
            To::Peer(id) => {
                let at = self.peer(ns, id).ok_or(Failed::Refused(Code::NotFound))?;
                (self.peers[at].session, Expected::Done, Deed::SaidToPeer)
            }
        };
        match self.reach(receiver)? {
            Reach::Open => Ok((answer, vec![receiver], deed)),
            Reach::Busy => Err(Failed::Refused(Code::ReceiverBusy)),
            Reach::No => Err(Failed::Refused(Code::NotFound)),
        }
    }

    /// The oldest of those behind the one who had the last turn, or the oldest of all.
    fn next_in_turn(&mut self, session: u64, ns: &str) -> Result<(Expected, Vec<u64>, Deed), Failed> {
        let last = self.turns.iter().find(|(place, _)| place == ns).map_or(0, |&(_, birth)| birth);
        let others = self.peers.iter().filter(|peer| peer.ns == ns && peer.session != session);
        let mut others: Vec<&Peer> = others.collect();
        others.sort_by_key(|peer| (peer.birth <= last, peer.birth));
        let mut refusal = Code::NotFound;
        for (passed, peer) in others.iter().enumerate() {
            match self.reach(peer.session)? {
                Reach::Open => {
                    let (birth, receiver) = (peer.birth, peer.session);
                    self.turns.retain(|(place, _)| place != ns);
                    self.turns.push((ns.to_owned(), birth));
                    let deed = if passed > 0 { Deed::PassedOverInTurn } else { Deed::SaidToAny };
                    return Ok((Expected::Sent { ns: ns.to_owned(), birth }, vec![receiver], deed));
                }
                Reach::Busy => refusal = Code::ReceiverBusy,
                Reach::No => {}
            }
        }
        Err(Failed::Refused(refusal))
    }

    /// The answer that says whom a message was for.
    pub fn hear_sent(&mut self, ns: &str, birth: u64, answer: &Message) -> Verdict {
        let [entry] = answer.send.as_slice() else { return Err("it does not say whom it was for".into()) };
        let Some(To::Peer(id)) = &entry.to else { return Err("it does not say whom it was for".into()) };
        let bare = Send { ns: Some(ns.to_owned()), to: entry.to.clone(), ..Default::default() };
        ensure!(*entry == bare, "it should be {bare:?}");
        self.is_called(birth, ns, id)
    }

    fn is_called(&mut self, birth: u64, ns: &str, id: &str) -> Verdict {
        match self.name_of(birth) {
            Some(name) => ensure!(name == id, "{id:?} should be {name:?}"),
            None => self.learn_id(birth, ns, id)?,
        }
        Ok(())
    }

    /// Somebody is told what another one has said.
    pub fn hear_said(&mut self, to: u64, message: &Message) -> Verdict {
        let seed = self.sessions.iter().any(|session| session.id == to && session.is_of_the_seed());
        ensure!(!seed, "session {to} is a client of the seed and cannot read this");
        let [entry] = message.send.as_slice() else { return Err("a frame holds one message".into()) };
        let is_it = |said: &Said| {
            let from = entry.from.clone();
            said.waiting.contains(&to) && Send { from, ..said.entry.clone() } == *entry
        };
        let Some(at) = self.said.iter().position(is_it) else {
            return Err(format!("session {to} is told what nobody said to it; {:?}", self.said));
        };
        // Each of them once.
        let waiting = &mut self.said[at].waiting;
        let place = waiting.iter().position(|&waiting| waiting == to).expect("it was looked for");
        waiting.swap_remove(place);
        match self.said[at].speaker.clone() {
            Speaker::Session(name) => ensure!(entry.from() == name, "it was {name:?} who said that"),
            Speaker::Peer(birth) => self.is_called(birth, entry.ns(), entry.from())?,
        }
        Ok(())
    }

    /// All that was said was heard.
    pub fn all_was_heard(&mut self) -> Verdict {
        let said = std::mem::take(&mut self.said);
        let unheard = said.iter().find(|said| !said.waiting.is_empty());
        ensure!(unheard.is_none(), "somebody was not told: {unheard:?}");
        Ok(())
    }

    /// What a session was told by others since it began, in order.
    pub fn mailbox(&self, session: u64) -> &[Vec<u8>] {
        self.mailboxes.iter().find(|(known, _)| *known == session).map_or(&[], |(_, all)| all)
    }
}

/// Why nobody is told.
#[derive(Debug)]
enum Failed {
    Refused(Code),
    /// The server has not looked at what it must have.
    Unknown(String),
}
