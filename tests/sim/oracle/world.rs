//! What is true: who is where, who watches what, what was given out. All of it
//! in lists that are searched from front to back.

use super::{
    ask::{Card, Entry, Pairs},
    game_lists::GameBookmark,
    games::{Game, Shown},
    heartbeats::Pulse,
    history::Past,
    identities::{Identity, Wanted},
    lists::{Bookmark, Listing, reached},
    lobby::Lobby,
    matches::Waiter,
    messages::Said,
    rates::{Callers, Pace},
    versions::{Change, Mark, Versions},
};
use crate::{coverage::Deed, pattern::matches};
use foregather::{
    domain::{Address, Namespace, PeerId, Registration, Time},
    limits::Limits,
    wire::proto::StatusCode,
};
use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
};

/// A peer in a namespace.
#[derive(Debug, Clone)]
pub struct Peer {
    pub ns: String,
    /// Unknown while nobody was told what the server called it.
    pub id: Option<String>,
    pub session: u64,
    pub card: Card,
    /// Its addresses as it said them, hosts not filled in.
    pub said: Vec<Vec<u8>>,
    /// Seconds that it outlives a lost connection.
    pub ttl: u32,
    /// Its connection is lost; it may come back until then.
    pub away_until: Option<Time>,
    /// It came without an id.
    pub unnamed: bool,
    /// Counts registrations: the smaller, the older.
    pub birth: u64,
    /// The change that made it what it is.
    pub change: Change,
}

impl Peer {
    /// What it says of itself, hosts not filled in.
    pub fn raw(&self) -> Card {
        Card { addresses: self.said.clone(), attributes: self.card.attributes.clone() }
    }
}

/// A watch of peers.
#[derive(Debug, Clone)]
pub struct Watch {
    pub pattern: String,
    /// What its RENDEZVOUS brought.
    pub secret: Vec<u8>,
}

/// A watch of games.
#[derive(Debug, Clone)]
pub struct GamesWatch {
    pub pattern: String,
    pub filter: Pairs,
}

/// A connection, from the server's side.
#[derive(Debug, Clone)]
pub struct Session {
    pub id: u64,
    pub observed: SocketAddr,
    pub host: IpAddr,
    pub introduced: bool,
    pub asked: bool,
    /// It has numbered something.
    pub numbered: bool,
    pub watches: Vec<Watch>,
    pub lists: Vec<GamesWatch>,
    /// Games that its lists have shown it, and not closed.
    pub shown: Vec<String>,
    /// Games of which it knows what was last set, and their births.
    pub told_games: Vec<(String, u64)>,
    /// Games of which it was told something that was taken back before lists were told.
    pub misled: Vec<String>,
    /// Where it was not told of something.
    pub missed: Vec<String>,
    pub request_id: Option<u64>,
    /// What its frame still asks for.
    pub entries: VecDeque<Entry>,
    /// Its frame is worked on to the end before anybody else's.
    pub alone: bool,
    /// The list that it is being given in parts.
    pub listing: Option<Listing>,
    pub pace: Pace,
    /// Another connection has taken over what this one had: it neither hears nor does anything.
    pub superseded: bool,
    /// It is asked for signs of life.
    pub pulse: Option<Pulse>,
}

impl Session {
    /// Whether it must hear of a change of that peer now.
    pub fn must_hear(&self, peer: &Peer) -> bool {
        let listed = |listing: &Listing| peer.birth <= reached(&listing.trail, &peer.ns);
        self.is_in_rendezvous(&peer.ns) || (self.may_hear(peer) && self.listing.as_ref().is_some_and(listed))
    }

    /// Whether it may hear of a change of that peer now, rather than in a later
    /// part of the list that it is being given.
    pub fn may_hear(&self, peer: &Peer) -> bool {
        self.new_watch().is_some_and(|watch| matches(watch, &peer.ns))
    }

    pub fn is_within_list(&self) -> bool {
        self.listing.as_ref().is_some_and(|listing| listing.request_id.is_some())
    }

    /// Whether it may be a program that knows four types only.
    pub fn is_of_the_seed(&self) -> bool {
        !self.introduced && !self.numbered
    }

    pub fn new_watch(&self) -> Option<&String> {
        self.listing.as_ref().filter(|listing| listing.fresh).map(|listing| &listing.pattern)
    }
}

#[derive(Debug, Clone)]
pub struct World {
    pub limits: Limits,
    /// Oldest first.
    pub peers: Vec<Peer>,
    pub sessions: Vec<Session>,
    pub callers: Callers,
    pub versions: Versions,
    /// Where each namespace that exists stands.
    pub marks: Vec<(String, Mark)>,
    /// Where the server stands.
    pub server_mark: Mark,
    /// What has happened in each of them since it began.
    pub past: Vec<Past>,
    /// Where those that are older than the server stood when it began.
    pub horizons: Vec<(String, Mark)>,
    /// Where those stood in which somebody was told of all who are there.
    pub revealed: Vec<(String, Mark)>,
    pub bookmarks: Vec<Bookmark>,
    pub game_bookmarks: Vec<GameBookmark>,
    pub births: u64,
    /// Oldest first.
    pub games: Vec<Game>,
    /// First come first.
    pub waiters: Vec<Waiter>,
    pub lobby: Vec<Lobby>,
    /// What games looked like in this step, after each change of them.
    pub history: Vec<(String, Shown)>,
    /// Counts what happens in a step one after the other.
    pub phase: u64,
    /// What the server says that it has called a new game.
    pub made: Option<String>,
    /// Games that it names in its answers of this step.
    pub named: Vec<String>,
    /// Whether it says to a HELLO of this step that it goes on with a session.
    pub resumed: bool,
    /// With what code it refuses what is asked for in this step.
    pub refused: Option<StatusCode>,
    /// Sessions of those who said HELLO, connected or not.
    pub identities: Vec<Identity>,
    /// Tokens that were ever given out.
    pub tokens_given: Vec<Vec<u8>>,
    /// Births of peers that have passed to another session in this step.
    pub passed: Vec<u64>,
    /// What connections must be told to do, by what has happened in this step.
    pub wanted_orders: Vec<(u64, Wanted)>,
    /// Whose turn it was last, by birth, where messages to any were sent.
    pub turns: Vec<(String, u64)>,
    /// What was said in this step, and not heard by all yet.
    pub said: Vec<Said>,
    /// What each session was told by others.
    pub mailboxes: Vec<(u64, Vec<Vec<u8>>)>,
    /// Whether sessions of which the server has asked in this step keep up.
    pub keeping_up: Vec<(u64, bool)>,
    /// What waiting games looked like before this step.
    pub before: Vec<(String, Shown)>,
    pub deeds: Vec<Deed>,
}

impl World {
    pub fn session(&mut self, id: u64) -> &mut Session {
        self.sessions.iter_mut().find(|session| session.id == id).expect("the driver speaks of open sessions")
    }

    pub fn peer(&self, ns: &str, id: &str) -> Option<usize> {
        self.peers.iter().position(|peer| peer.ns == ns && peer.id.as_deref() == Some(id))
    }

    pub fn born(&mut self, birth: u64) -> Option<&mut Peer> {
        self.peers.iter_mut().find(|peer| peer.birth == birth)
    }

    /// What somebody was told that this peer is called, gone or not.
    pub fn name_of(&self, birth: u64) -> Option<String> {
        self.peers.iter().find(|peer| peer.birth == birth).and_then(|peer| peer.id.clone())
    }

    pub fn next_phase(&mut self) {
        self.phase += 1;
    }

    pub fn namespaces(&self) -> usize {
        self.marks.len()
    }

    pub fn exists(&self, ns: &str) -> bool {
        self.peers.iter().any(|peer| peer.ns == ns)
    }

    pub fn registered_bytes(&self) -> usize {
        self.peers.iter().map(|peer| size(&peer.ns, peer.id.as_deref(), &peer.raw(), peer.ttl)).sum()
    }

    /// Numbers a change of that namespace.
    pub fn change(&mut self, ns: &str) -> Change {
        let change = self.versions.next_change();
        self.server_mark.advance(change);
        match self.marks.iter_mut().find(|(name, _)| name == ns) {
            Some((_, mark)) => mark.advance(change),
            None => {
                let mut mark = Mark::default();
                mark.advance(change);
                self.marks.push((ns.to_owned(), mark));
            }
        }
        change
    }

    /// Forgets namespaces that their last peer has left.
    pub fn tidy(&mut self) {
        let peers = &self.peers;
        self.marks.retain(|(name, _)| peers.iter().any(|peer| peer.ns == *name));
        self.past.retain(|past| peers.iter().any(|peer| peer.ns == past.ns));
        self.turns.retain(|(name, _)| peers.iter().any(|peer| peer.ns == *name));
        self.revealed.retain(|(name, _)| peers.iter().any(|peer| peer.ns == *name));
        self.horizons.retain(|(name, _)| peers.iter().any(|peer| peer.ns == *name));
    }
}

/// What the limit on registered bytes counts for such a peer. This is the one
/// thing that the oracle asks the server's own code: it is an estimate of memory
/// and has no meaning of its own.
pub fn size(ns: &str, id: Option<&str>, raw: &Card, ttl: u32) -> usize {
    // Where a host is filled in, any other one must fit as well.
    let anywhere = IpAddr::from([127, 0, 0, 1]);
    let limits = Limits::default();
    // What the server makes up is as long as a UUID.
    let id = id.map_or_else(|| "-".repeat(36), str::to_owned);
    let mut registration = Registration::new(
        Namespace::parse(ns).expect("it was accepted"),
        PeerId::parse(&id, &limits).expect("it was accepted"),
        raw.addresses.iter().map(|address| Address::new(address.clone()).located(anywhere)).collect(),
        raw.attributes.clone(),
        0,
    );
    registration.ttl_secs = ttl;
    registration.size()
}
