use crate::{
    games_view::{GamesList, GamesView},
    pattern::{is_wild, matches},
    verdict::{Verdict, ensure},
};
use bytes::{Bytes, BytesMut};
use foregather::wire::{
    FrameCodec,
    proto::{Heartbeat, Message, MessageType, Register, RegistrationState, StatusCode},
};
use prost::Message as _;
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use tokio_util::codec::Decoder as _;

/// Which language a client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The four types of the protocol's ancestor, without numbers. Such a client
    /// cannot tell lists from announcements, so it either watches or discovers.
    Seed { watches: bool },
    /// This protocol's own.
    Own,
}

/// What a numbered request was, as far as its answer depends on it.
#[derive(Debug, Clone)]
pub enum Question {
    Watch {
        pattern: String,
        /// What it said that it had seen there.
        since: Option<u64>,
    },
    Leave {
        pattern: String,
    },
    Discover {
        pattern: String,
    },
    WatchGames {
        list: GamesList,
    },
    LeaveGames {
        pattern: String,
    },
    DiscoverGames {
        list: GamesList,
    },
    /// It may be answered later than what was asked after it.
    Match,
    Other,
}

/// What a client knows of a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    pub addresses: Vec<Vec<u8>>,
    pub attributes: BTreeMap<String, String>,
    pub away: bool,
    pub version: u64,
}

type Key = (String, String);

/// One end of a connection, which believes what it reads.
pub struct Client {
    pub dialect: Dialect,
    codec: FrameCodec,
    received: BytesMut,
    /// Numbered requests that wait for their answers, in order.
    pub awaited: VecDeque<(u64, Question)>,
    /// Those of them that may be answered at any time.
    pub matches: Vec<u64>,
    /// There are games: who may hear of one from now on is told what is older.
    plays: bool,
    /// What it knows of games.
    pub games: GamesView,
    /// Others whom it knows of.
    pub view: BTreeMap<Key, Seen>,
    watching: Vec<String>,
    /// What it has seen last of namespaces that it knows all of.
    pub cursors: BTreeMap<String, u64>,
    /// Of which it does not know all, and why is its own affair.
    pub lost: BTreeSet<String>,
    /// What it is given says only what is new.
    catching_up: bool,
    /// Where what it is given stands.
    heading: u64,
    /// Its session, as it was called before and is now.
    pub session: [Option<String>; 2],
    /// Whom the list that it is being given has named.
    named: Option<BTreeSet<Key>>,
    last_announced: u64,
    /// Cookies, and what they are of.
    pub cookies: Vec<(String, Bytes)>,
    /// Where it was let in, and as whom.
    pub seats: Vec<(String, String)>,
    /// Ids that it has come across.
    pub names: Vec<String>,
    /// What it can go on with its session by.
    pub token: Option<Bytes>,
    /// What it was asked and has not answered yet.
    pub questions: Vec<Message>,
    /// Another connection has its session.
    superseded: bool,
    /// How much it has said to others.
    pub said: u64,
    /// What it was told by others, in order.
    pub heard: Vec<Vec<u8>>,
    pub frames_read: u64,
    pub large_answers: u64,
}

impl Client {
    pub fn new(dialect: Dialect, frame_bytes: usize, plays: bool) -> Self {
        Self {
            dialect,
            codec: FrameCodec::new(frame_bytes),
            received: BytesMut::new(),
            awaited: VecDeque::new(),
            matches: Vec::new(),
            plays,
            games: GamesView::default(),
            view: BTreeMap::new(),
            watching: Vec::new(),
            cursors: BTreeMap::new(),
            lost: BTreeSet::new(),
            catching_up: false,
            heading: 0,
            session: [None, None],
            named: None,
            last_announced: 0,
            cookies: Vec::new(),
            seats: Vec::new(),
            names: Vec::new(),
            token: None,
            questions: Vec::new(),
            superseded: false,
            said: 0,
            heard: Vec::new(),
            frames_read: 0,
            large_answers: 0,
        }
    }

    /// Whether it is between two frames.
    pub fn has_read_whole_frames(&self) -> bool {
        self.received.is_empty()
    }

    /// Expects an answer.
    pub fn await_answer(&mut self, number: u64, question: Question) {
        match question {
            Question::Match => self.matches.push(number),
            question => self.awaited.push_back((number, question)),
        }
    }

    /// Takes some bytes that have come.
    pub fn read(&mut self, bytes: &[u8]) -> Verdict {
        self.received.extend_from_slice(bytes);
        loop {
            let frame =
                self.codec.decode(&mut self.received).map_err(|error| format!("a client cannot read: {error}"))?;
            let Some(frame) = frame else { return Ok(()) };
            let message = Message::decode(frame).map_err(|error| format!("a client cannot parse: {error}"))?;
            self.frames_read += 1;
            self.hear(message)?;
        }
    }

    fn hear(&mut self, message: Message) -> Verdict {
        ensure!(!self.superseded, "a client hears more after the last word: {message:?}");
        if let Some(welcome) = &message.welcome {
            self.token.clone_from(&welcome.resume);
            self.session[1].clone_from(&welcome.session);
        }
        if let Some(question) = message.heartbeat.filter(|said| !said.reply()) {
            self.questions.push(answer_to(&question));
        }
        let code = message.status.as_ref().map(|status| status.code());
        self.superseded = code == Some(StatusCode::Superseded);
        for entry in &message.register {
            let id = entry.peer.as_ref().map_or("", |peer| peer.id());
            if self.names.len() < 20 && !self.names.iter().any(|known| known == id) {
                self.names.push(id.to_owned());
            }
        }
        for entry in message.register.iter().filter(|entry| entry.ttl_secs.is_some()) {
            let seat = read_entry(entry).0;
            if self.seats.len() < 20 && !self.seats.contains(&seat) {
                self.seats.push(seat);
            }
        }
        if message.request_id.is_some() {
            return self.hear_answer(message);
        }
        if matches!(self.dialect, Dialect::Seed { .. }) {
            let known = message.r#type.is_some_and(|kind| kind <= MessageType::Status.into());
            ensure!(known, "a client of the seed is sent what it does not know: {message:?}");
        }
        self.hear_announcement(&message)
    }

    fn hear_announcement(&mut self, message: &Message) -> Verdict {
        if message.r#type == Some(MessageType::Game.into()) {
            message.game.iter().try_for_each(|game| self.games.hear(game))?;
        }
        self.heard.extend(message.send.iter().map(|said| said.payload().to_vec()));
        for entry in &message.register {
            let (ns, id) = read_entry(entry).0;
            let known = self.view.contains_key(&(ns.clone(), id)) && !self.games.known.contains_key(&ns);
            self.hear_version(entry.version(), known || !self.plays)?;
        }
        for entry in &message.unregister {
            self.hear_version(entry.version(), true)?;
        }
        let came = message.register.iter().map(|entry| (entry.ns(), entry.version()));
        let left = message.unregister.iter().map(|entry| (entry.ns(), entry.version()));
        let games = message.game.iter().map(|game| (game.ns(), game.version()));
        for (ns, version) in came.chain(left).chain(games) {
            self.advance_known(ns, version);
        }
        for entry in &message.register {
            let (key, seen) = read_entry(entry);
            if let Some(named) = &mut self.named {
                named.insert(key.clone());
            }
            self.view.insert(key, seen);
        }
        for entry in &message.unregister {
            let id = entry.peer.as_ref().map_or("", |peer| peer.id());
            self.view.remove(&(entry.ns().to_owned(), id.to_owned()));
        }
        Ok(())
    }

    /// Numbers grow.
    fn hear_version(&mut self, version: u64, strict: bool) -> Verdict {
        // A client of the seed gets lists in the same shape, which are older.
        if self.dialect == Dialect::Own {
            let last = self.last_announced;
            ensure!(version > last || !strict, "{version} is announced after {last}");
            self.last_announced = last.max(version);
        }
        Ok(())
    }

    fn hear_answer(&mut self, message: Message) -> Verdict {
        if let Some(at) = self.matches.iter().position(|number| message.request_id == Some(*number)) {
            return self.hear_match(at, &message);
        }
        let Some((number, question)) = self.awaited.front().cloned() else {
            return Err(format!("an answer to nothing: {message:?}"));
        };
        ensure!(message.request_id == Some(number), "request {number} is to be answered next: {message:?}");
        let granted = message.status.as_ref().is_some_and(|status| status.code.unwrap_or(0) == 0);
        let more = message.more.unwrap_or(false);
        self.large_answers += u64::from(more);
        if granted {
            if message.r#type != Some(MessageType::Status.into()) && !matches!(question, Question::WatchGames { .. }) {
                message.game.iter().for_each(|game| self.games.learn(game));
            }
            match question {
                Question::Watch { pattern, since } => {
                    if let Some(heading) = message.rendezvous.first() {
                        self.catching_up = heading.snapshot == Some(false);
                        self.heading = heading.version();
                    }
                    match since.filter(|_| self.catching_up) {
                        Some(since) => self.hear_catch_up(pattern, since, &message, more),
                        None => self.hear_snapshot(pattern, &message.register, more),
                    }
                }
                Question::WatchGames { list } => self.games.hear_list(list, &message.game, more),
                Question::LeaveGames { pattern } => self.games.leave(&pattern),
                Question::DiscoverGames { list } => {
                    let cookie = message.discovery.first().and_then(|entry| entry.cookie.clone());
                    self.games.cookies.extend(cookie.map(|cookie| (list, cookie)));
                }
                Question::Leave { pattern } => {
                    self.watching.retain(|watch| *watch != pattern);
                    let watching = &self.watching;
                    self.view.retain(|(ns, _), _| watching.iter().any(|watch| matches(watch, ns)));
                    self.cursors.retain(|ns, _| watching.contains(ns));
                }
                Question::Discover { pattern } => {
                    let cookie = message.discovery.first().and_then(|entry| entry.cookie.clone());
                    self.cookies.extend(cookie.map(|cookie| (pattern, cookie)));
                }
                Question::Match | Question::Other => {}
            }
        }
        if !more {
            self.awaited.pop_front();
        }
        Ok(())
    }

    /// The answer to a MATCH: a seat, and who else is there.
    fn hear_match(&mut self, at: usize, message: &Message) -> Verdict {
        let more = message.more.unwrap_or(false);
        self.large_answers += u64::from(more);
        if message.r#type == Some(MessageType::Match.into()) {
            let Some(heading) = message.rendezvous.first() else {
                return Err(format!("a seat in no game: {message:?}"));
            };
            self.heading = heading.version();
            message.game.iter().for_each(|game| self.games.learn(game));
            // The first entry of the first frame is its own.
            let own = message.game.len().min(message.register.len());
            self.hear_snapshot(heading.ns().to_owned(), &message.register[own..], more);
        }
        if !more {
            self.matches.remove(at);
        }
        Ok(())
    }

    /// A complete list: peers that it does not name are gone.
    fn hear_snapshot(&mut self, pattern: String, entries: &[Register], more: bool) {
        let named = self.named.get_or_insert_default();
        for entry in entries {
            let (key, seen) = read_entry(entry);
            named.insert(key.clone());
            self.view.insert(key, seen);
        }
        if more {
            return;
        }
        let named = self.named.take().unwrap_or_default();
        self.view.retain(|key, _| !matches(&pattern, &key.0) || named.contains(key));
        // What it knows of others is known by this watch from now on.
        let watching = &self.watching;
        self.cursors.retain(|ns, _| watching.contains(ns) || !matches(&pattern, ns));
        self.lost.remove(&pattern);
        if !is_wild(&pattern) {
            self.advance(&pattern, self.heading);
        }
        if !self.watching.contains(&pattern) {
            self.watching.push(pattern);
        }
    }

    /// What has changed since it was there last.
    fn hear_catch_up(&mut self, ns: String, since: u64, message: &Message, more: bool) {
        for entry in &message.register {
            let (key, seen) = read_entry(entry);
            self.view.insert(key, seen);
        }
        for entry in &message.unregister {
            let id = entry.peer.as_ref().map_or("", |peer| peer.id());
            self.view.remove(&(ns.clone(), id.to_owned()));
        }
        if more {
            return;
        }
        let live = self.watching.contains(&ns);
        if live || (self.may_go_on(&ns) && self.cursors.get(&ns).is_some_and(|&cursor| since <= cursor)) {
            self.advance(&ns, self.heading);
        } else {
            // It asked for less than it needed.
            self.cursors.remove(&ns);
            self.lost.insert(ns.clone());
        }
        if !live {
            self.watching.push(ns);
        }
    }

    /// Whether what it knew of others there, on an earlier connection, is still about others.
    fn may_go_on(&self, ns: &str) -> bool {
        let [before, now] = &self.session;
        let same = before.is_some() && before == now;
        same || (now.is_none() && !self.seats.iter().any(|(seat, _)| seat == ns))
    }

    fn advance(&mut self, ns: &str, version: u64) {
        let cursor = self.cursors.entry(ns.to_owned()).or_insert(version);
        *cursor = (*cursor).max(version);
    }

    /// Something was announced of a namespace of which it knows all.
    fn advance_known(&mut self, ns: &str, version: u64) {
        if self.watching.iter().any(|watch| watch == ns)
            && let Some(cursor) = self.cursors.get_mut(ns)
        {
            *cursor = (*cursor).max(version);
        }
    }
}

/// That it lives.
fn answer_to(question: &Heartbeat) -> Message {
    Message {
        r#type: Some(MessageType::Heartbeat.into()),
        heartbeat: Some(Heartbeat { nonce: question.nonce, reply: Some(true) }),
        ..Default::default()
    }
}

fn read_entry(entry: &Register) -> (Key, Seen) {
    let peer = entry.peer.clone().unwrap_or_default();
    let key = (entry.ns().to_owned(), peer.id().to_owned());
    let away = entry.state() == RegistrationState::Away;
    let addresses = peer.addrs.iter().map(|address| address.to_vec()).collect();
    (key, Seen { addresses, attributes: peer.attributes, away, version: entry.version() })
}
