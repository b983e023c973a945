//! The judge of the simulation: a naive server, written from the protocol's text
//! and sharing no code with the real one. After each call it says what must have
//! come of it, and compares.

mod announced;
mod answers;
mod ask;
mod game_lists;
mod games;
mod hearing;
mod heartbeats;
mod history;
mod identities;
mod leases;
mod lists;
mod lobby;
mod matches;
mod messages;
mod rates;
mod registering;
mod restarts;
mod rules;
mod versions;
mod world;

use crate::{
    coverage::Deed,
    verdict::{Verdict, ensure},
};
use announced::{Doing, News, Word};
use ask::{Ask, Entry};
use bytes::Bytes;
use foregather::{
    domain::{Code, LeaveReason, Refusal, SessionId, Time},
    hub::{HubOptions, Order, Progress},
    wire::proto::{Message, MessageType, StatusCode},
};
pub use games::Face;
use heartbeats::is_question;
use identities::Wanted;
use matches::Late;
use prost::Message as _;
use rates::{Bucket, Callers, Pace};
pub use restarts::Memory;
use std::{
    collections::{BTreeMap, VecDeque},
    net::{IpAddr, SocketAddr},
};
use versions::Versions;
pub use world::Peer;
use world::{Session, World};

/// What the hub did in one call, in its order.
#[derive(Debug)]
pub enum Event {
    /// It asked whether the session whose turn it is has room: the step before is over.
    Asked {
        room: bool,
    },
    Delivered(Delivery),
    /// It asked whether a session takes what others send it.
    AskedOf {
        to: u64,
        keeps_up: bool,
    },
    /// It told a connection to do something.
    Ordered {
        to: u64,
        order: Order,
    },
}

/// A frame for somebody.
#[derive(Debug)]
pub struct Delivery {
    pub to: u64,
    pub message: Box<Message>,
    pub frame: Bytes,
}

/// How much of what a session was sent has left the server.
#[derive(Debug, Clone, Copy)]
pub struct Sent {
    pub welcome: bool,
    pub all: bool,
}

pub struct Oracle {
    world: World,
    pub refusals: BTreeMap<Code, u64>,
    /// Requests that were granted.
    pub granted: u64,
    /// Pages that were asked for after something had changed since their cookie.
    pub old_cookies: u64,
    /// No server has told anybody of a higher version.
    highest: u64,
}

impl Oracle {
    pub fn new(options: &HubOptions) -> Self {
        let world = World {
            limits: options.limits.clone(),
            peers: Vec::new(),
            sessions: Vec::new(),
            callers: Callers::new(options.limit_private_addresses),
            versions: Versions::new(options.last_version),
            marks: Vec::new(),
            server_mark: Default::default(),
            past: Vec::new(),
            horizons: Vec::new(),
            revealed: Vec::new(),
            bookmarks: Vec::new(),
            game_bookmarks: Vec::new(),
            births: 0,
            games: Vec::new(),
            waiters: Vec::new(),
            lobby: Vec::new(),
            history: Vec::new(),
            phase: 0,
            made: None,
            named: Vec::new(),
            resumed: false,
            refused: None,
            turns: Vec::new(),
            said: Vec::new(),
            mailboxes: Vec::new(),
            keeping_up: Vec::new(),
            identities: Vec::new(),
            tokens_given: Vec::new(),
            passed: Vec::new(),
            wanted_orders: Vec::new(),
            before: Vec::new(),
            deeds: Vec::new(),
        };
        Self { world, refusals: BTreeMap::new(), granted: 0, old_cookies: 0, highest: 0 }
    }

    /// A connection came, and this is what the hub said.
    pub fn open(&mut self, observed: SocketAddr, host: IpAddr, said: &Result<SessionId, Refusal>) -> Verdict {
        let World { limits, sessions, callers, .. } = &mut self.world;
        let full = sessions.len() >= limits.connections || callers.is_full(observed, limits.connections_per_address);
        match said {
            Err(refusal) => {
                self.refuse(refusal.code);
                ensure!(full && refusal.code == Code::TooManyConnections, "a connection was refused: {refusal}");
            }
            Ok(id) => {
                ensure!(!full, "a connection was accepted beyond the limit");
                ensure!(sessions.iter().all(|session| session.id != id.0), "session {id:?} is there twice");
                callers.enter(observed, Bucket::new(limits.address_entries_per_sec, limits.address_entries_burst));
                sessions.push(Session {
                    id: id.0,
                    observed,
                    host,
                    introduced: false,
                    asked: false,
                    numbered: false,
                    watches: Vec::new(),
                    lists: Vec::new(),
                    shown: Vec::new(),
                    told_games: Vec::new(),
                    misled: Vec::new(),
                    missed: Vec::new(),
                    request_id: None,
                    entries: VecDeque::new(),
                    alone: false,
                    listing: None,
                    pace: Pace::new(limits),
                    superseded: false,
                    pulse: None,
                });
            }
        }
        Ok(())
    }

    /// The hub is about to be given that message. `true`: it must be worked on to
    /// its end before anybody else's turn, because the oracle could not tell how
    /// far it has come. `sent`: how much of what it was sent has left the server.
    pub fn accept(&mut self, session: SessionId, now: Time, message: &Message, sent: Sent) -> bool {
        self.world.hear_life(session.0, now);
        self.world.retire_tokens(session.0, sent.welcome, sent.all);
        let entries = ask::entries(message, &self.world.limits);
        let lists = |entry: &Entry| matches!(entry, Ok(Ask::Rendezvous { .. } | Ask::Discover { .. }));
        let session = self.world.session(session.0);
        session.alone = entries[..entries.len() - 1].iter().any(lists);
        session.request_id = message.request_id;
        session.numbered |= message.request_id.is_some();
        session.entries = entries.into();
        session.alone
    }

    /// The hub has worked on that session's frame.
    pub fn judge(&mut self, session: SessionId, now: Time, events: &[Event], progress: Progress) -> Verdict {
        let id = session.0;
        let finished = progress == Progress::Finished;
        if self.world.session(id).alone {
            let heard: Vec<&Delivery> = events.iter().filter_map(delivery).collect();
            let entries = std::mem::take(&mut self.world.session(id).entries);
            self.step(id, now, entries.into(), &heard)?;
        } else {
            let mut steps = events.split(|event| matches!(event, Event::Asked { .. }));
            let before = steps.next().unwrap_or_default();
            ensure!(before.is_empty(), "something was sent before there was room: {before:?}");
            let rooms = events.iter().filter_map(|event| match event {
                Event::Asked { room } => Some(*room),
                Event::Delivered(_) | Event::AskedOf { .. } | Event::Ordered { .. } => None,
            });
            for (room, step) in rooms.zip(steps) {
                ensure!(room || step.is_empty(), "something was sent though there was no room: {step:?}");
                if room {
                    let heard: Vec<&Delivery> = step.iter().filter_map(delivery).collect();
                    self.world.keeping_up = step.iter().filter_map(asked_of).collect();
                    let listing = self.world.session(id).listing.is_some();
                    let next = if listing { None } else { self.world.session(id).entries.pop_front() };
                    self.step(id, now, next.into_iter().collect(), &heard)?;
                }
            }
        }
        if finished {
            let left = self.world.session(id).entries.len();
            ensure!(left == 0, "the frame was left with {left} entries to go");
            if let Some(listing) = self.world.session(id).listing.take() {
                self.world.hear_list(id, listing, &mut VecDeque::new(), false, true)?;
            }
        }
        self.hear_orders(events)
    }

    /// Bytes came that are no whole frame yet.
    pub fn heard(&mut self, session: SessionId, now: Time) {
        self.world.hear_life(session.0, now);
    }

    /// Everything that has come from a session is read, and the hub was asked whether
    /// it is gone.
    pub fn judge_silence(&mut self, session: SessionId, now: Time, gone: bool) -> Verdict {
        self.world.judge_silence(session.0, now, gone)
    }

    /// Compares what connections were told to do with what they must do.
    fn hear_orders(&mut self, events: &[Event]) -> Verdict {
        let mut wanted = std::mem::take(&mut self.world.wanted_orders);
        for (to, order) in orders(events) {
            let done = match order {
                Order::Proceed | Order::Ask(_) => continue,
                Order::Examine => None,
                Order::AllowSilence(bound) => Some(Wanted::Silence(*bound)),
                Order::End(bytes) => {
                    is_superseded(bytes)?;
                    self.refuse(Code::Superseded);
                    Some(Wanted::Superseded)
                }
            };
            let Some(at) = wanted.iter().position(|&(who, what)| who == to && Some(what) == done) else {
                return Err(format!("session {to} is told to {order:?}, and not to be: {wanted:?}"));
            };
            wanted.swap_remove(at);
        }
        ensure!(wanted.is_empty(), "connections were not told: {wanted:?}");
        Ok(())
    }

    /// The connection has ended, for this reason.
    pub fn close(&mut self, now: Time, session: SessionId, reason: LeaveReason, events: &[Event]) -> Verdict {
        let known = self.world.session(session.0);
        let (observed, superseded, pace) = (known.observed, known.superseded, known.pace);
        self.world.sessions.retain(|known| known.id != session.0);
        self.world.callers.leave(observed);
        self.world.forget_waiters(session.0);
        self.world.versions.begin_cause();
        let heard: Vec<&Delivery> = events.iter().filter_map(delivery).collect();
        self.known(&heard)?;
        self.hear_orders(events)?;
        if superseded {
            self.world.deeds.push(Deed::LateDeath);
            ensure!(events.is_empty(), "the end of one who was superseded is nobody's business: {events:?}");
            return Ok(());
        }
        let (late, news) = self.world.lose(session.0, now, reason, pace);
        self.hear_rest(session.0, now, late, news, &heard)
    }

    /// Time has passed, and the hub was told so.
    pub fn timeout(&mut self, now: Time, events: &[Event]) -> Verdict {
        let all: Vec<&Delivery> = events.iter().filter_map(delivery).collect();
        self.known(&all)?;
        let (questions, heard): (Vec<&Delivery>, Vec<&Delivery>) = all.iter().partition(|said| is_question(said));
        let examined = orders(events).filter(|(_, order)| **order == Order::Examine).map(|(to, _)| to);
        self.world.hear_questions(now, &questions, &examined.collect::<Vec<u64>>())?;
        self.world.note_waiting();
        // What is due at the same time has no order: some are told that they have waited
        // too long, and others are given the seat of somebody who expired.
        let refused = |session: u64, number: u64| {
            let is_it = |said: &&&Delivery| said.to == session && said.message.request_id == Some(number);
            let answer = heard.iter().find(is_it);
            answer.is_none_or(|said| said.message.r#type == Some(MessageType::Status.into()))
        };
        let mut late = self.world.expire_waiters(now, refused);
        let (answers, news) = self.world.end_leases(now);
        late.extend(answers);
        late.extend(self.world.expire_waiters(now, |_, _| true));
        let place = |late: &Late| {
            heard.iter().position(|said| said.to == late.session && said.message.request_id == Some(late.number))
        };
        late.sort_by_key(place);
        self.hear_late(late, &heard)?;
        let whispers = self.world.hear_news(news, &heard)?;
        self.world.hear_lobby(now, &whispers, true)?;
        self.world.before.clear();
        let strange = orders(events).find(|(_, order)| !matches!(order, Order::Examine | Order::Proceed));
        ensure!(strange.is_none(), "nothing but to look is ordered when time passes: {strange:?}");
        Ok(())
    }

    /// When something must happen by itself at the latest.
    pub fn due(&self) -> Option<Time> {
        self.due_soon().into_iter().chain(self.leases_due()).chain(self.pulses_due()).min()
    }

    /// The same without leases and signs of life.
    pub fn due_soon(&self) -> Option<Time> {
        self.world.waiters_due().into_iter().chain(self.world.lists_due()).min()
    }

    /// Whether lists of games may still have something to be told.
    pub fn lists_wait(&self) -> bool {
        self.world.lobby.iter().any(|lobby| lobby.waits)
    }

    /// When somebody is to be asked for a sign of life, or judged.
    pub fn pulses_due(&self) -> Option<Time> {
        self.world.pulse_due()
    }

    /// What leads to the session whose lease ends at that moment.
    pub fn token_due(&self, now: Time) -> Option<Bytes> {
        self.world.token_due(now)
    }

    /// When the next lease ends.
    pub fn leases_due(&self) -> Option<Time> {
        self.world.leases_due()
    }

    /// Judges what came besides the answers to the one who had its turn.
    fn hear_rest(&mut self, cause: u64, now: Time, late: Vec<Late>, news: Vec<News>, heard: &[&Delivery]) -> Verdict {
        // Answers first, because they say what newcomers are called.
        self.hear_late(late, heard)?;
        let whispers = self.world.hear_news(news, heard)?;
        self.world.all_was_heard()?;
        self.world.hear_lobby(now, &whispers, false)?;
        self.world.charge(cause, now, heard);
        Ok(())
    }

    /// Answers to those who waited, each session's in order.
    fn hear_late(&mut self, late: Vec<Late>, heard: &[&Delivery]) -> Verdict {
        let mut answers: Vec<(u64, VecDeque<&Message>)> = Vec::new();
        for delivery in heard.iter().filter(|delivery| delivery.message.request_id.is_some()) {
            match answers.iter_mut().find(|(to, _)| *to == delivery.to) {
                Some((_, messages)) => messages.push_back(&delivery.message),
                None => answers.push((delivery.to, [&*delivery.message].into())),
            }
        }
        for Late { session, number, answer } in late {
            let mut nothing = VecDeque::new();
            let own = answers.iter_mut().find(|(to, _)| *to == session).map(|(_, messages)| messages);
            self.hear_answer(session, Some(number), answer, own.unwrap_or(&mut nothing))?;
        }
        let stray = answers.iter().find(|(_, messages)| !messages.is_empty());
        ensure!(stray.is_none(), "somebody is answered, but another one asked: {stray:?}");
        Ok(())
    }

    /// Bytes came that are no message, and were refused with this.
    pub fn refuse(&mut self, code: Code) {
        *self.refusals.entry(code).or_default() += 1;
    }

    /// What a session should know of others, as far as it watches them.
    pub fn truth_for(&self, session: SessionId) -> Vec<&Peer> {
        self.world.truth_for(session.0)
    }

    /// Whether a session hears of that namespace, and always has since its list.
    pub fn watches(&self, session: SessionId, ns: &str) -> bool {
        let watcher = self.world.sessions.iter().find(|known| known.id == session.0);
        watcher.is_some_and(|watcher| !watcher.missed.iter().any(|missed| missed == ns))
            && self.world.hears(session.0, ns)
    }

    /// Whether a session was not told of something there.
    pub fn misses(&self, session: SessionId, ns: &str) -> bool {
        let watcher = self.world.sessions.iter().find(|known| known.id == session.0);
        watcher.is_none_or(|watcher| watcher.missed.iter().any(|missed| missed == ns))
    }

    /// What a session was told by others since it began, in order.
    pub fn mailbox(&self, session: SessionId) -> &[Vec<u8>] {
        self.world.mailbox(session.0)
    }

    pub fn sessions(&self) -> usize {
        self.world.sessions.len()
    }

    /// What has happened to games.
    pub fn deeds(&mut self) -> Vec<Deed> {
        std::mem::take(&mut self.world.deeds)
    }

    /// Games that a session's lists must show it.
    pub fn listed_for(&self, session: SessionId) -> Vec<Face> {
        self.world.listed_for(session.0)
    }

    /// Games of which a session must know what was last set.
    pub fn known_to(&self, session: SessionId) -> Vec<Face> {
        self.world.known_to(session.0)
    }

    pub fn peers(&self) -> usize {
        self.world.peers.len()
    }

    /// Whether that session is in the middle of a list for certain: without a
    /// number, the end of a list is not told.
    pub fn is_listing(&self, session: SessionId) -> bool {
        self.world.sessions.iter().any(|known| known.id == session.0 && known.is_within_list())
    }

    /// Whether anybody else is.
    pub fn others_are_listing(&self, session: SessionId) -> bool {
        self.world.sessions.iter().any(|known| known.id != session.0 && known.is_within_list())
    }

    /// Judges one step: some entries and everything that was sent meanwhile.
    fn step(&mut self, session: u64, now: Time, entries: Vec<Entry>, heard: &[&Delivery]) -> Verdict {
        self.known(heard)?;
        let (own, others): (Vec<&Delivery>, Vec<&Delivery>) =
            heard.iter().copied().partition(|delivery| delivery.to == session);
        let mut answers: VecDeque<&Message> = own.iter().map(|delivery| &*delivery.message).collect();
        let births = self.world.births;
        let (mut late, mut news, mut early) = (Vec::new(), Vec::new(), 0);
        if let Some(listing) = self.world.session(session).listing.take() {
            let listing = self.world.hear_list(session, listing, &mut answers, false, false)?;
            self.world.session(session).listing = listing;
        }
        for entry in entries {
            let made = answers.front().and_then(|answer| answer.rendezvous.first()).map(|made| made.ns().to_owned());
            self.world.made = made;
            let games = answers.iter().flat_map(|answer| &answer.game);
            self.world.named = games.map(|game| game.ns().to_owned()).collect();
            let welcome = answers.front().and_then(|answer| answer.welcome.as_ref());
            self.world.resumed = welcome.is_some_and(|welcome| welcome.resumed());
            let status = answers.front().and_then(|answer| answer.status.as_ref());
            self.world.refused = status.map(|status| status.code()).filter(|&code| code != StatusCode::Ok);
            let outcome = self.world.act(session, now, entry);
            let parts = |news: &News| match news.word {
                Word::Ceded(_) => true,
                Word::Peer { doing: Doing::Left(LeaveReason::Kicked), .. } => news.waiting.contains(&session),
                _ => false,
            };
            let parts = outcome.news.iter().any(parts);
            // What becomes its own is no other's peer before it is told so, and what it may
            // not have is gone.
            while parts && answers.front().is_some_and(|said| is_about_leaving(said)) {
                answers.pop_front();
                early += 1;
            }
            news.extend(outcome.news);
            for (later, answer) in outcome.answers {
                self.hear_answer(session, later, answer, &mut answers)?;
            }
        }
        late.extend(self.world.serve_seated(births));
        let (later, seated) = self.world.seat_waiters();
        late.extend(later);
        news.extend(seated);
        // What follows the answers in what a session is told are announcements.
        let answered = own.len() - answers.len();
        let first = own.iter().copied().take(early);
        let rest: Vec<&Delivery> = first.chain(own.iter().copied().skip(answered)).chain(others).collect();
        self.hear_rest(session, now, late, news, &rest)
    }

    fn known(&self, heard: &[&Delivery]) -> Verdict {
        let open = |id: u64| self.world.sessions.iter().any(|session| session.id == id && !session.superseded);
        let stray = heard.iter().find(|delivery| !open(delivery.to));
        ensure!(stray.is_none(), "sent to a session that is over: {stray:?}");
        let large = heard.iter().find(|delivery| delivery.frame.len() > self.world.limits.frame_bytes + 3);
        ensure!(large.is_none(), "a frame over the limit: {large:?}");
        Ok(())
    }
}

fn delivery(event: &Event) -> Option<&Delivery> {
    match event {
        Event::Delivered(delivery) => Some(delivery),
        Event::Asked { .. } | Event::AskedOf { .. } | Event::Ordered { .. } => None,
    }
}

fn asked_of(event: &Event) -> Option<(u64, bool)> {
    match event {
        Event::AskedOf { to, keeps_up } => Some((*to, *keeps_up)),
        Event::Asked { .. } | Event::Delivered(_) | Event::Ordered { .. } => None,
    }
}

fn orders(events: &[Event]) -> impl Iterator<Item = (u64, &Order)> {
    events.iter().filter_map(|event| match event {
        Event::Ordered { to, order } => Some((*to, order)),
        Event::Asked { .. } | Event::AskedOf { .. } | Event::Delivered(_) => None,
    })
}

fn is_about_leaving(said: &Message) -> bool {
    said.request_id.is_none() && said.r#type == Some(MessageType::Unregister.into())
}

/// Whether these last bytes say that another connection has taken over, and no more.
fn is_superseded(bytes: &Bytes) -> Verdict {
    let said = Message::decode_length_delimited(bytes.clone()).map_err(|error| format!("last bytes: {error}"))?;
    let bare = said.request_id.is_none() && said.r#type == Some(MessageType::Status.into());
    let code = said.status.as_ref().map(|status| status.code());
    ensure!(bare && code == Some(StatusCode::Superseded), "the last word is {said:?}");
    Ok(())
}
