//! A server with a state is killed at random moments, in the middle of everything that its
//! clients do: what was acknowledged in time is there afterwards, and what was not may be.
//! Now and then it is told to stop instead, and then all that was acknowledged is there.
//!
//! `FOREGATHER_KILLS=200 cargo test --release --test faults kill -- --nocapture` is the long
//! run, `FOREGATHER_SEED=7` another course of it.

use crate::{client::*, dice::Dice, folder::Folder, messages::*, program::Server, soak::number};
use bytes::Bytes;
use foregather::wire::proto::{Message, MessageType, StatusCode};
use std::{
    cell::{Cell, RefCell},
    collections::{BTreeMap, BTreeSet},
    time::{Duration, Instant},
};
use tokio::sync::Notify;

/// Kills if nothing else is asked for.
const KILLS: u64 = 10;

/// What was acknowledged longer ago than this is there.
const BOUND: Duration = Duration::from_millis(100);

const CLIENTS: usize = 8;

/// Seats of each game.
const SEATS: u32 = 3;

/// Longer than the whole run.
const TTL_SECS: u32 = 3_600;

/// Where a peer is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Place {
    Nowhere,
    /// And how often it has said something new of itself.
    At(String, u64),
    /// In one of the games there; the answer, which names it, did not come.
    Somewhere(String),
}

impl Place {
    fn is(&self, seen: &Self) -> bool {
        match (self, seen) {
            (Self::Somewhere(pool), Self::At(ns, _)) => ns.strip_prefix(pool.as_str()).is_some(),
            _ => self == seen,
        }
    }
}

/// Something that was asked for and not refused.
#[derive(Debug)]
struct Event {
    sent: Instant,
    acknowledged: Option<Instant>,
    place: Place,
}

/// What was asked of the server, and when it said that it was done.
struct Books {
    peers: RefCell<BTreeMap<String, Vec<Event>>>,
    answers: Cell<usize>,
    answered: Notify,
}

impl Books {
    /// Notes what is being asked for; which entry that is.
    fn ask(&self, id: &str, place: Place) -> usize {
        let mut peers = self.peers.borrow_mut();
        let events = peers.entry(id.to_owned()).or_default();
        events.push(Event { sent: Instant::now(), acknowledged: None, place });
        events.len() - 1
    }

    fn acknowledge(&self, id: &str, entry: usize, place: Place) {
        let mut peers = self.peers.borrow_mut();
        let event = &mut peers.get_mut(id).expect("it was asked for")[entry];
        event.acknowledged = Some(Instant::now());
        event.place = place;
    }

    /// Nothing has come of it.
    fn refuse(&self, id: &str, entry: usize) {
        let mut peers = self.peers.borrow_mut();
        let event = &mut peers.get_mut(id).expect("it was asked for")[entry];
        // As if nothing had been asked: nobody is ever there.
        event.place = Place::Somewhere("\0".into());
    }

    fn answer(&self) {
        self.answers.set(self.answers.get() + 1);
        self.answered.notify_waiters();
    }

    async fn answers(&self, count: usize) {
        while self.answers.get() < count {
            self.answered.notified().await;
        }
    }
}

fn is_refusal(event: &Event) -> bool {
    event.place == Place::Somewhere("\0".into())
}

/// One connection, and what it believes.
struct Load<'a> {
    books: &'a Books,
    dice: Dice,
    client: Client,
    round: u64,
    number: usize,
    /// Where its peer is that registers.
    registered: Option<(String, u64)>,
    /// Where its peer is that is matched.
    seat: Option<String>,
    owns: bool,
    others: BTreeSet<String>,
    resume: Option<(Bytes, Instant)>,
}

impl Load<'_> {
    fn id(&self, kind: &str) -> String {
        format!("{kind}-{}-{}", self.round, self.number)
    }

    fn pool(&self) -> String {
        format!("kill/pool-{}", self.round)
    }

    /// Asks, and hears what happens meanwhile; `None`: the server is gone.
    async fn ask(&mut self, request: Message) -> Option<Message> {
        self.client.send_or_lost(numbered(1, request)).await;
        loop {
            let message = self.client.next().await?;
            if message.request_id == Some(1) {
                self.books.answer();
                return Some(message);
            }
            let matched = self.id("matched");
            for left in &message.unregister {
                let id = left.peer.as_ref().and_then(|peer| peer.id.clone()).unwrap_or_default();
                self.others.remove(&id);
                if id == matched && left.ns == self.seat {
                    self.seat = None;
                }
            }
            for came in message.register.iter().filter(|came| came.ns == self.seat) {
                self.others.insert(id_of(came).to_owned());
            }
            if let Some(game) = message.game.iter().find(|game| game.ns == self.seat) {
                self.owns = game.owner.as_deref() == Some(&matched);
            }
        }
    }

    async fn register(&mut self) -> Option<()> {
        let id = self.id("registered");
        let (ns, count) = match &self.registered {
            Some((ns, count)) => (ns.clone(), count + 1),
            None => (format!("kill/room-{}", self.dice.below(4)), 1),
        };
        let place = Place::At(ns.clone(), count);
        let mut peer = peer(&id);
        peer.attributes = attributes(&[("n", &count.to_string())]);
        let entry = self.books.ask(&id, place.clone());
        let answer = self.ask(leased(TTL_SECS, register_peer(&ns, peer))).await?;
        assert_eq!(code(&answer), StatusCode::Ok, "{answer:?}");
        self.books.acknowledge(&id, entry, place);
        self.registered = Some((ns, count));
        Some(())
    }

    async fn unregister(&mut self) -> Option<()> {
        let Some((ns, _)) = self.registered.take() else { return Some(()) };
        let id = self.id("registered");
        let entry = self.books.ask(&id, Place::Nowhere);
        let answer = self.ask(unregister(&ns, Some(&id))).await?;
        assert_eq!(code(&answer), StatusCode::Ok, "{answer:?}");
        self.books.acknowledge(&id, entry, Place::Nowhere);
        Some(())
    }

    async fn find_seat(&mut self) -> Option<()> {
        let (id, pool) = (self.id("matched"), self.pool());
        let mut request = match_or_create(&pool, &id, seats(SEATS));
        request.r#match.as_mut().expect("it is a MATCH").ttl_secs = Some(TTL_SECS);
        let entry = self.books.ask(&id, Place::Somewhere(format!("{pool}/")));
        let answer = self.ask(request).await?;
        assert_eq!(code(&answer), StatusCode::Ok, "{answer:?}");
        let game = game(&answer);
        let ns = game.ns.clone().expect("a game has a name");
        self.books.acknowledge(&id, entry, Place::At(ns.clone(), 0));
        self.owns = game.owner.as_deref() == Some(&id);
        self.others = ids(&answer).into_iter().filter(|other| *other != id).map(str::to_owned).collect();
        self.seat = Some(ns);
        Some(())
    }

    async fn leave_seat(&mut self) -> Option<()> {
        let Some(ns) = self.seat.clone() else { return Some(()) };
        let id = self.id("matched");
        let entry = self.books.ask(&id, Place::Nowhere);
        let answer = self.ask(unregister(&ns, Some(&id))).await?;
        match code(&answer) {
            StatusCode::Ok => self.books.acknowledge(&id, entry, Place::Nowhere),
            // It was kicked meanwhile.
            StatusCode::NotFound | StatusCode::NotOwner => self.books.refuse(&id, entry),
            _ => panic!("{answer:?}"),
        }
        self.seat = None;
        Some(())
    }

    async fn kick(&mut self) -> Option<()> {
        let (Some(ns), Some(other)) = (self.seat.clone(), self.others.pop_first()) else { return Some(()) };
        let entry = self.books.ask(&other, Place::Nowhere);
        let answer = self.ask(unregister(&ns, Some(&other))).await?;
        match code(&answer) {
            StatusCode::Ok => self.books.acknowledge(&other, entry, Place::Nowhere),
            _ => self.books.refuse(&other, entry),
        }
        Some(())
    }

    /// Goes on until the server is gone.
    async fn run(mut self) -> Self {
        self.begin().await;
        while self.step().await.is_some() {}
        self
    }

    async fn begin(&mut self) -> Option<()> {
        let answer = self.ask(wishing(60_000)).await?;
        self.resume = Some((token(welcome(&answer)).clone(), Instant::now()));
        Some(())
    }

    async fn step(&mut self) -> Option<()> {
        match (self.dice.below(100), self.seat.is_some()) {
            (0..40, _) => self.register().await,
            (40..60, _) => self.unregister().await,
            (60..100, false) => self.find_seat().await,
            (60..85, true) if self.owns && !self.others.is_empty() => self.kick().await,
            _ => self.leave_seat().await,
        }
    }
}

/// Everybody who is in a game or room, by id; nobody is in two.
async fn everybody(client: &mut Client) -> BTreeMap<String, Place> {
    let mut seen = BTreeMap::new();
    for entry in client.pages("kill/**", None).await.register {
        let peer = entry.peer.as_ref().expect("who is listed is a peer");
        let count = peer.attributes.get("n").map_or(0, |count| count.parse().expect("a number"));
        let place = Place::At(entry.ns.clone().expect("it is somewhere"), count);
        let before = seen.insert(id_of(&entry).to_owned(), place);
        assert_eq!(before, None, "{} is in two places", id_of(&entry));
    }
    seen
}

/// Whether somebody may be there, after an end of the server at which all is certain that
/// was acknowledged `before`.
fn judge(id: &str, events: &[Event], seen: &Place, before: Instant) {
    let begin = Event { sent: before - Duration::from_secs(3_600), acknowledged: None, place: Place::Nowhere };
    let is_certain = |event: &Event| event.acknowledged.is_some_and(|at| at < before);
    let events: Vec<&Event> = events.iter().filter(|event| !is_refusal(event)).collect();
    let is_over = |event: &Event| {
        let later = |other: &&&Event| event.acknowledged.is_some_and(|at| other.sent >= at);
        events.iter().filter(later).any(|other| is_certain(other))
    };
    let nothing_is_certain = !events.iter().any(|event| is_certain(event));
    let may_be = events.iter().filter(|event| !is_over(event)).any(|event| event.place.is(seen))
        || (nothing_is_certain && begin.place == *seen);
    let ago = |at: Instant| before.saturating_duration_since(at);
    let told: Vec<_> =
        events.iter().map(|event| (ago(event.sent), event.acknowledged.map(ago), &event.place)).collect();
    assert!(may_be, "{id} is {seen:?}; it was asked and acknowledged, so long before all is certain: {told:?}");
}

#[tokio::test]
async fn kill_the_server_at_any_moment() {
    let seed = number("FOREGATHER_SEED").unwrap_or(1);
    let kills = number("FOREGATHER_KILLS").unwrap_or(KILLS);
    let mut dice = Dice::new(seed);
    let folder = Folder::new("killed");
    let path = folder.file("server.state");
    let path = path.to_str().expect("it is UTF-8 here");
    let flags = ["--state", path, "--entries-per-sec", "1_000_000", "--entries-burst", "10_000_000", "--log", "warn"];
    let mut server = Server::start_with(&flags);
    let mut kept: BTreeMap<String, Place> = BTreeMap::new();
    let (mut certain, mut lost, mut resumed) = (0, 0, 0);

    for round in 0..kills {
        let address = server.address.parse().expect("it says where it listens");
        let books = Books { peers: RefCell::default(), answers: Cell::new(0), answered: Notify::new() };
        let mut loads = Vec::new();
        for number in 0..CLIENTS {
            let client = Client::connect_to(address).await;
            let dice = Dice::new(dice.number());
            loads.push(Load {
                books: &books,
                dice,
                client,
                round,
                number,
                registered: None,
                seat: None,
                owns: false,
                others: BTreeSet::new(),
                resume: None,
            });
        }
        let moment = dice.within(10..=8_000);
        let kill = async {
            books.answers(moment).await;
            if round % 5 == 4 {
                server.program.signal("TERM");
                return None;
            }
            let killed = Instant::now();
            server.program.kill();
            Some(killed - BOUND)
        };
        let (before, loads) = tokio::join!(kill, futures::future::join_all(loads.into_iter().map(Load::run)));

        // One that came to its end has acknowledged nothing that it did not write.
        let before = before.unwrap_or_else(Instant::now);
        server = Server::start_with(&flags);
        let mut client = Client::connect_to(server.address.parse().expect("it says where it listens")).await;
        let mut seen = everybody(&mut client).await;
        for (id, place) in &kept {
            assert_eq!(seen.remove(id).as_ref(), Some(place), "{id} was there before");
        }
        let peers = books.peers.take();
        for (id, place) in &seen {
            let events = peers.get(id).unwrap_or_else(|| panic!("{id} never came: {place:?}"));
            judge(id, events, place, before);
        }
        for (id, events) in &peers {
            let place = seen.get(id).unwrap_or(&Place::Nowhere);
            judge(id, events, place, before);
            let in_time = |event: &&Event| event.acknowledged.is_some_and(|at| at < before);
            certain += events.iter().filter(in_time).count();
            let last = events.iter().rfind(|event| event.acknowledged.is_some());
            lost += usize::from(last.is_some_and(|event| !event.place.is(place)));
        }
        for game in client.all_pages(games("kill/**")).await.game {
            let ns = game.ns.as_deref().unwrap_or_default();
            let members =
                seen.values().chain(kept.values()).filter(|place| matches!(place, Place::At(at, _) if at == ns));
            assert_eq!(game.members(), u32::try_from(members.count()).expect("a few"), "{game:?}");
            assert!(game.members() <= SEATS && game.members() > 0, "{game:?}");
        }
        // Whoever was given a token in time goes on with it.
        for load in loads {
            let Some((token, at)) = load.resume.clone() else { continue };
            let mut client = Client::connect_to(server.address.parse().expect("it says where it listens")).await;
            let answer = client.ask(1, resuming(&token)).await;
            assert_eq!(answer.r#type(), MessageType::Welcome, "{answer:?}");
            let has_something = [load.id("registered"), load.id("matched")].iter().any(|id| seen.contains_key(id));
            if has_something {
                let goes_on = welcome(&answer).resumed();
                assert!(goes_on || at >= before, "a token was forgotten, {:?} before all is certain", before - at);
                resumed += usize::from(goes_on);
            }
        }
        kept.append(&mut seen);
    }
    println!(
        "seed {seed}: {kills} ends, a fifth of them by SIGTERM; {certain} changes were acknowledged in time, and are there; {lost} peers were as \
         before a change of the last moment; {resumed} sessions went on; {} peers are there at the end",
        kept.len()
    );
    assert!(certain > 0 && resumed > 0 && !kept.is_empty(), "nothing was tried");
}
