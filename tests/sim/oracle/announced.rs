//! Judges announcements: each change once, to everybody in rendezvous there, to
//! nobody else, in order.

use super::{
    Delivery,
    ask::Card,
    games::Shown,
    lobby::Whisper,
    versions::Change,
    world::{Peer, World},
};
use crate::verdict::{Verdict, ensure};
use foregather::{
    domain::{LeaveReason, Time},
    wire::proto::{self, Message, MessageType},
};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Doing {
    /// It came, or is now as it says.
    Came,
    Left(LeaveReason),
}

/// What there is to hear.
#[derive(Debug)]
pub enum Word {
    Peer {
        peer: Peer,
        doing: Doing,
    },
    /// Nothing happened to this one: whoever is told could not hear of it before.
    Told(Peer),
    /// It belongs to whoever is told from now on, and is no other's peer to it: a change
    /// of its own, which nobody else hears of.
    Ceded(Peer),
    /// The settings or the owner of a game changed.
    Game {
        shown: Shown,
        change: Change,
    },
}

/// A change that others must hear of.
#[derive(Debug)]
pub struct News {
    pub ns: String,
    pub word: Word,
    /// What happened in a namespace in one phase is told before the next.
    pub phase: u64,
    /// Who must hear of it, until they have.
    pub waiting: Vec<u64>,
    /// Who may hear of it now rather than in a later part of their list.
    pub allowed: Vec<u64>,
}

impl News {
    fn is_due_to(&self, session: u64) -> bool {
        self.waiting.contains(&session) || self.allowed.contains(&session)
    }

    fn cross_off(&mut self, session: u64) {
        self.waiting.retain(|&waiting| waiting != session);
        self.allowed.retain(|&allowed| allowed != session);
    }
}

/// How far each session has been told, within a step.
#[derive(Default)]
struct Told {
    versions: Vec<(u64, u64)>,
    phases: Vec<(u64, String, u64)>,
}

impl Told {
    /// Numbers only grow.
    fn version(&mut self, to: u64, version: u64) -> Verdict {
        let before = self.versions.iter().rev().find(|(other, _)| *other == to).map_or(0, |&(_, version)| version);
        ensure!(version > before, "session {to} hears {version} after {before}");
        self.versions.push((to, version));
        Ok(())
    }

    /// A seat's roster is as new as all that was heard before; the same one may be
    /// told several times.
    fn seat(&mut self, to: u64, version: u64) -> Verdict {
        if self.versions.contains(&(to, version)) { Ok(()) } else { self.version(to, version) }
    }

    fn phase(&mut self, to: u64, ns: &str, phase: u64) -> Verdict {
        let same = |(other, place, _): &&(u64, String, u64)| *other == to && place == ns;
        let before = self.phases.iter().rev().find(same).map_or(0, |&(.., phase)| phase);
        ensure!(phase >= before, "session {to} hears of {ns:?} in a wrong order");
        self.phases.push((to, ns.to_owned(), phase));
        Ok(())
    }
}

impl World {
    /// Compares what sessions were told with what they must be told; what may be
    /// meant for lists of games is left over.
    pub fn hear_news(&mut self, mut news: Vec<News>, heard: &[&Delivery]) -> Verdict<Vec<Whisper>> {
        let mut told = Told::default();
        let mut whispers = Vec::new();
        for &delivery in heard {
            let whispered = self.hear_delivery(delivery, &mut news, &mut told);
            whispers.extend(whispered.map_err(|what| format!("{what}, in {delivery:?}"))?);
        }
        for News { ns, word, waiting, .. } in &news {
            ensure!(waiting.is_empty(), "sessions {waiting:?} were not told of {ns:?}: {word:?}");
        }
        Ok(whispers)
    }

    /// Counts what one session made the server send to others.
    pub fn charge(&mut self, cause: u64, now: Time, heard: &[&Delivery]) {
        let announced = heard.iter().filter(|delivery| delivery.message.request_id.is_none());
        let fanout = announced.map(|delivery| delivery.frame.len()).sum();
        if let Some(pace) = self.pace(cause) {
            pace.fanout.spend(now, fanout);
        }
    }

    fn hear_delivery(&mut self, delivery: &Delivery, news: &mut [News], told: &mut Told) -> Verdict<Vec<Whisper>> {
        let Delivery { to, message, .. } = delivery;
        if message.request_id.is_some() {
            // Of a seat that was waited for: what it says was judged before.
            let roster = message.rendezvous.first().filter(|_| !message.game.is_empty());
            return roster.map_or(Ok(()), |roster| told.seat(*to, roster.version())).map(|()| Vec::new());
        }
        let bare = message.status.is_none() && message.more.is_none();
        ensure!(bare, "session {to} is answered, but another one asked");
        match message.r#type.and_then(|kind| MessageType::try_from(kind).ok()) {
            Some(MessageType::Register) if !message.register.is_empty() => {
                message.register.iter().try_for_each(|entry| self.hear_came(*to, entry, news, told))?;
            }
            Some(MessageType::Unregister) if !message.unregister.is_empty() => {
                message.unregister.iter().try_for_each(|entry| self.hear_left(*to, entry, news, told))?;
            }
            Some(MessageType::Game) if !message.game.is_empty() => return self.hear_games(*to, message, news, told),
            Some(MessageType::Send) => self.hear_said(*to, message)?,
            _ => return Err(format!("session {to} is told, and did not ask")),
        }
        Ok(Vec::new())
    }

    fn hear_came(&mut self, to: u64, entry: &proto::Register, news: &mut [News], told: &mut Told) -> Verdict {
        let id = entry.peer.as_ref().map_or("", |peer| peer.id());
        let came = |word: &Word| matches!(word, Word::Told(_) | Word::Peer { doing: Doing::Came, .. });
        let at = self.find_news(to, news, entry.ns(), id, came)?;
        let (peer, happened) = match &news[at].word {
            Word::Peer { peer, .. } => (peer.clone(), true),
            Word::Told(peer) => (peer.clone(), false),
            Word::Ceded(_) | Word::Game { .. } => unreachable!("it is about a peer that came"),
        };
        self.check_other(&peer, entry)?;
        if happened {
            told.version(to, entry.version())?;
            told.phase(to, entry.ns(), news[at].phase)?;
        }
        self.cross_off(to, id, peer.change, &mut news[at]);
        Ok(())
    }

    fn hear_left(&mut self, to: u64, entry: &proto::Unregister, news: &mut [News], told: &mut Told) -> Verdict {
        let who = entry.peer.clone().unwrap_or_default();
        ensure!(Card::of(&who) == Card::default() && entry.ban.is_none(), "only the id is said of one who left");
        let reason = LeaveReason::from_number(entry.reason.unwrap_or(0));
        let left = |word: &Word| match word {
            Word::Peer { doing, .. } => *doing == Doing::Left(reason),
            Word::Ceded(_) => reason == LeaveReason::Unregistered,
            _ => false,
        };
        let at = self.find_news(to, news, entry.ns(), who.id(), left)?;
        let (Word::Peer { peer, .. } | Word::Ceded(peer)) = &news[at].word else {
            unreachable!("it is about a peer that left")
        };
        let (peer, phase) = (peer.clone(), news[at].phase);
        if peer.id.is_none() {
            self.learn_id(peer.birth, entry.ns(), who.id())?;
        }
        let Some(version) = entry.version else { return Err(format!("{entry:?} has no version")) };
        self.versions.learn(peer.change, version)?;
        told.version(to, version)?;
        told.phase(to, entry.ns(), phase)?;
        self.cross_off(to, who.id(), peer.change, &mut news[at]);
        Ok(())
    }

    fn hear_games(&mut self, to: u64, message: &Message, news: &mut [News], told: &mut Told) -> Verdict<Vec<Whisper>> {
        let seed = self.sessions.iter().any(|session| session.id == to && session.is_of_the_seed());
        ensure!(!seed, "session {to} is a client of the seed and cannot read this");
        let mut whispers = Vec::new();
        for entry in &message.game {
            let mut of_peers = false;
            for news in news.iter_mut().filter(|news| news.ns == entry.ns() && news.is_due_to(to)) {
                let Word::Game { shown, change } = &mut news.word else { continue };
                if !of_peers && entry.closed.is_none() && self.check_face(shown, entry).is_ok() {
                    let Some(version) = entry.version else { return Err(format!("{entry:?} has no version")) };
                    self.versions.learn(*change, version)?;
                    told.version(to, version)?;
                    told.phase(to, &news.ns, news.phase)?;
                    let birth = shown.face.as_ref().map_or(0, |face| face.game.birth);
                    self.session(to).hear_of_game(&news.ns, birth);
                    news.cross_off(to);
                    of_peers = true;
                }
            }
            whispers.push(Whisper { to, entry: entry.clone(), of_peers });
        }
        Ok(whispers)
    }

    /// Which change this is about.
    fn find_news(&self, to: u64, news: &[News], ns: &str, id: &str, is_it: impl Fn(&Word) -> bool) -> Verdict<usize> {
        let about = |known: &dyn Fn(Option<&str>) -> bool| {
            news.iter().position(|news| {
                let (Word::Peer { peer, .. } | Word::Told(peer) | Word::Ceded(peer)) = &news.word else {
                    return false;
                };
                let name = self.name_of(peer.birth).or(peer.id.clone());
                news.ns == ns && known(name.as_deref()) && is_it(&news.word) && news.is_due_to(to)
            })
        };
        // An id that was never heard of can only be that which the server made.
        about(&|known| known == Some(id))
            .or_else(|| about(&|known| known.is_none()))
            .ok_or_else(|| format!("session {to} hears of {id:?} in {ns:?}, which is not its due: {news:?}"))
    }

    fn cross_off(&mut self, to: u64, id: &str, change: Change, news: &mut News) {
        if let Word::Peer { peer, .. } | Word::Told(peer) | Word::Ceded(peer) = &mut news.word {
            peer.id = Some(id.to_owned());
        }
        news.cross_off(to);
        if let Some(listing) = &mut self.session(to).listing {
            listing.announced.push(change);
        }
    }
}
