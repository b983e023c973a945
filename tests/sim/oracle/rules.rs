//! What must come of a request, by the rules of the protocol.

use super::{
    announced::{Doing, News},
    ask::{Ask, Card, Entry},
    lists::Listing,
    world::{Peer, World, size},
};
use foregather::domain::{Code, LeaveReason, Time};
use std::net::IpAddr;

/// What the one who asked must be told.
#[derive(Debug)]
pub enum Expected {
    /// Any of these; the protocol does not say in which order limits are looked at.
    Refused {
        codes: Vec<Code>,
        retry_after_ms: Option<u32>,
    },
    Done,
    Granted {
        birth: u64,
    },
    Welcome,
    Heartbeat {
        nonce: u64,
    },
    List(Listing),
}

impl Expected {
    fn refused(code: Code) -> Self {
        Self::Refused { codes: vec![code], retry_after_ms: None }
    }
}

/// What must come of a request.
pub struct Outcome {
    pub answer: Expected,
    pub news: Vec<News>,
}

impl From<Expected> for Outcome {
    fn from(answer: Expected) -> Self {
        Self { answer, news: Vec::new() }
    }
}

impl World {
    /// Does what the entry asks for, if it may be done.
    pub fn act(&mut self, session: u64, now: Time, entry: Entry) -> Outcome {
        self.versions.begin_cause();
        if let Err(wait) = self.admit(session, now) {
            return Expected::Refused { codes: vec![Code::RateLimited], retry_after_ms: Some(wait) }.into();
        }
        let ask = match entry {
            Ok(ask) => ask,
            Err(code) => return Expected::refused(code).into(),
        };
        let known = self.session(session);
        if let Ask::Hello { resume } = ask {
            if known.introduced || (resume && known.asked) {
                return Expected::refused(Code::InvalidMessage).into();
            }
            known.introduced = true;
            return Expected::Welcome.into();
        }
        known.asked = true;
        match ask {
            Ask::Hello { .. } => unreachable!("it was dealt with"),
            Ask::Heartbeat { reply: true, .. } => Expected::Done.into(),
            Ask::Heartbeat { nonce, .. } => Expected::Heartbeat { nonce }.into(),
            Ask::Register { ns, id, card } => self.register(session, ns, id, card),
            Ask::Unregister { ns, id } => self.unregister(session, &ns, id.as_deref()),
            Ask::Rendezvous { pattern, leave: true } => {
                let watches = &mut self.session(session).watches;
                let before = watches.len();
                watches.retain(|watch| *watch != pattern);
                let left = watches.len() < before;
                if left { Expected::Done } else { Expected::refused(Code::NotFound) }.into()
            }
            Ask::Rendezvous { pattern, .. } => self.rendezvous(session, pattern).into(),
            Ask::Discover { pattern, limit, cookie } => self.discover(session, pattern, limit, cookie).into(),
        }
    }

    /// The rates: what the connection causes, what it asks, what its address asks.
    fn admit(&mut self, session: u64, now: Time) -> Result<(), u32> {
        let known = self.session(session);
        let observed = known.observed;
        known.fanout_rate.holds(now, 0)?;
        known.entry_rate.holds(now, 1)?;
        known.entry_rate.spend(now, 1);
        let Some(caller) = self.callers.find(observed) else { return Ok(()) };
        caller.entries.holds(now, 1)?;
        caller.entries.spend(now, 1);
        Ok(())
    }

    fn register(&mut self, session: u64, ns: String, id: Option<String>, mut card: Card) -> Outcome {
        let host = self.session(session).host;
        for address in &mut card.addresses {
            *address = located(address, host);
        }
        let known = match &id {
            Some(id) => self.peer(&ns, id),
            None => self.peers.iter().position(|peer| peer.ns == ns && peer.session == session && peer.unnamed),
        };
        let Some(at) = known else { return self.enter(session, ns, id, card) };
        if self.peers[at].session != session {
            return Expected::refused(Code::PeerIdTaken).into();
        }
        let birth = self.peers[at].birth;
        if self.peers[at].card == card {
            return Expected::Granted { birth }.into();
        }
        let name = self.peers[at].id.clone();
        let (old, new) = (size(&ns, name.as_deref(), &self.peers[at].card), size(&ns, name.as_deref(), &card));
        if new > old && self.registered_bytes() - old + new > self.limits.registered_bytes {
            return Expected::refused(Code::ServerFull).into();
        }
        self.peers[at].card = card;
        let change = self.change(&ns);
        self.peers[at].change = change;
        let news = self.news(session, &self.peers[at].clone(), Doing::Came);
        Outcome { answer: Expected::Granted { birth }, news: vec![news] }
    }

    fn enter(&mut self, session: u64, ns: String, id: Option<String>, card: Card) -> Outcome {
        let limits = &self.limits;
        let held = self.peers.iter().filter(|peer| peer.session == session).count();
        let met = [
            (held >= limits.registrations_per_connection, Code::TooManyRegistrations),
            (!self.exists(&ns) && self.namespaces() >= limits.namespaces, Code::NamespaceLimit),
            (self.registered_bytes() + size(&ns, id.as_deref(), &card) > limits.registered_bytes, Code::ServerFull),
        ];
        let codes: Vec<Code> = met.into_iter().filter_map(|(met, code)| met.then_some(code)).collect();
        if !codes.is_empty() {
            return Expected::Refused { codes, retry_after_ms: None }.into();
        }
        self.births += 1;
        let change = self.change(&ns);
        let peer = Peer { unnamed: id.is_none(), ns, id, session, card, birth: self.births, change };
        self.peers.push(peer.clone());
        let news = self.news(session, &peer, Doing::Came);
        Outcome { answer: Expected::Granted { birth: peer.birth }, news: vec![news] }
    }

    fn unregister(&mut self, session: u64, ns: &str, id: Option<&str>) -> Outcome {
        let leaving: Vec<u64> = match id {
            Some(id) => {
                let Some(at) = self.peer(ns, id) else { return Expected::refused(Code::NotFound).into() };
                if self.peers[at].session != session {
                    return Expected::refused(Code::NotOwner).into();
                }
                vec![self.peers[at].birth]
            }
            None => {
                let own = self.peers.iter().filter(|peer| peer.ns == ns && peer.session == session);
                own.map(|peer| peer.birth).collect()
            }
        };
        if leaving.is_empty() {
            return Expected::refused(Code::NotFound).into();
        }
        Outcome { answer: Expected::Done, news: self.take_out(session, &leaving, LeaveReason::Unregistered) }
    }

    /// Takes peers out, all for the same cause.
    pub fn take_out(&mut self, session: u64, births: &[u64], reason: LeaveReason) -> Vec<News> {
        let mut news = Vec::new();
        for &birth in births {
            let at = self.peers.iter().position(|peer| peer.birth == birth).expect("it was found just now");
            let mut peer = self.peers.remove(at);
            peer.change = self.change(&peer.ns);
            news.push(self.news(session, &peer, Doing::Left(reason)));
        }
        self.tidy();
        news
    }

    fn rendezvous(&mut self, session: u64, pattern: String) -> Expected {
        let limit = self.limits.watches_per_connection;
        let known = self.session(session);
        let fresh = !known.watches.contains(&pattern);
        if fresh {
            if known.watches.len() >= limit {
                return Expected::refused(Code::TooManyWatches);
            }
            known.watches.push(pattern.clone());
        }
        let listing = self.listing(session, pattern, None);
        Expected::List(Listing { fresh, ..listing })
    }

    fn discover(&mut self, session: u64, pattern: String, limit: Option<usize>, cookie: Option<Vec<u8>>) -> Expected {
        let most = self.limits.discover_page;
        // A client of the seed knows no pages, and is told of everybody.
        let page = if self.session(session).request_id.is_some() { most } else { usize::MAX };
        let page = limit.map_or(page, |limit| limit.min(most));
        let mut listing = self.listing(session, pattern, Some(page));
        if let Some(cookie) = cookie {
            let given = |mark: &&super::lists::Bookmark| mark.pattern == listing.pattern && mark.cookie == cookie;
            let Some(mark) = self.bookmarks.iter().rev().find(given) else {
                return Expected::refused(Code::InvalidCookie);
            };
            listing.trail = mark.trail.clone();
            listing.began = mark.began;
        }
        Expected::List(listing)
    }

    fn listing(&mut self, session: u64, pattern: String, page_limit: Option<usize>) -> Listing {
        Listing {
            request_id: self.session(session).request_id,
            pattern,
            page_limit,
            trail: Vec::new(),
            began: self.births,
            listed: 0,
            frames: 0,
            fresh: false,
            was_complete: false,
            announced: Vec::new(),
        }
    }
}

/// A host that means "wherever I come from" becomes the one that others see.
fn located(address: &[u8], host: IpAddr) -> Vec<u8> {
    let host = match host {
        IpAddr::V4(host) => host.to_string(),
        IpAddr::V6(host) => format!("[{host}]"),
    };
    for scheme in ["", "udp://"] {
        for nowhere in ["0.0.0.0", "[::]"] {
            if let Some(port) = address.strip_prefix(format!("{scheme}{nowhere}:").as_bytes()) {
                return [scheme.as_bytes(), host.as_bytes(), b":", port].concat();
            }
        }
    }
    address.to_vec()
}
