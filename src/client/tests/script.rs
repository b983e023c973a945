//! A server that does exactly what a test tells it to.

use crate::{
    client::{
        Client, ClientError, ClientOptions, Entry, Event, Events, GameEvent, Games, MatchOptions, OwnerPolicy, Peer,
        Seat, bounds, dial::Dial,
    },
    domain::{
        self, Announcement, Answer, AppVersion, CatchUp, Code, Game, GameList, Hello, LeaveReason, ListKind, Namespace,
        Pattern, PeerId, Refusal, Register, Registration, Rendezvous, Request, RequestId, Roster, Unregister, Welcome,
    },
    limits::Limits,
    wire::{self, FrameCodec},
};
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicU32, Ordering},
    },
    time::Duration,
};
use tokio::{
    io::{AsyncRead, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf, duplex, split},
    join,
    sync::mpsc,
};
use tokio_util::codec::FramedRead;

/// The server's end of a connection.
pub(super) struct Server {
    pub(super) read: FramedRead<ReadHalf<DuplexStream>, FrameCodec>,
    pub(super) write: WriteHalf<DuplexStream>,
}

impl Server {
    /// The next request; `None` once the client has closed its side.
    pub(super) async fn next(&mut self) -> Option<(Option<RequestId>, Request)> {
        let frame = self.read.next().await?.expect("the client writes frames");
        let mut inbound = wire::inbound(&frame, &Limits::default()).expect("the client writes messages");
        let request = inbound.entries.pop().expect("the client asks for something");
        Some((inbound.request_id, request.expect("the client asks for what is legal")))
    }

    pub(super) async fn asked(&mut self) -> (RequestId, Request) {
        let (id, request) = self.next().await.expect("the client asks for something");
        (id.expect("the client numbers its requests"), request)
    }

    /// The next request, which leaves a watch.
    pub(super) async fn left(&mut self) -> Pattern {
        let (_, request) = self.asked().await;
        let Request::Rendezvous(Rendezvous { pattern, leave: true, .. }) = request else { panic!("{request:?}") };
        pattern
    }

    /// The next request, which takes a peer out, and is granted.
    pub(super) async fn given_up(&mut self) -> (String, String) {
        let (id, request) = self.asked().await;
        self.answer(id, Answer::Done).await;
        let Request::Unregister(Unregister { ns, peer: Some(id), ban: false }) = request else { panic!("{request:?}") };
        (ns.to_string(), id.to_string())
    }

    /// The next request, which takes a MATCH back.
    pub(super) async fn cancelled(&mut self) -> RequestId {
        let (_, request) = self.asked().await;
        let Request::Cancel(id) = request else { panic!("{request:?}") };
        id
    }

    pub(super) async fn send(&mut self, bytes: &[u8]) {
        self.write.write_all(bytes).await.expect("the client reads");
    }

    pub(super) async fn answer(&mut self, id: RequestId, answer: Answer) {
        let mut frames = Vec::new();
        wire::answer(Some(id), &answer, &Limits::default(), |frame| frames.push(frame));
        self.send(&frames.concat()).await;
    }

    pub(super) async fn announce(&mut self, announcement: Announcement) {
        self.send(&wire::announcements(&[announcement], &Limits::default()).concat()).await;
    }

    /// Asks for a sign of life.
    pub(super) async fn ask(&mut self, nonce: u64) {
        self.send(&wire::request(None, &Request::Heartbeat { nonce, reply: false })).await;
    }

    /// Answers whatever is asked next with that.
    pub(super) async fn next_gets(&mut self, answer: Answer) {
        let (id, _) = self.asked().await;
        self.answer(id, answer).await;
    }
}

pub(super) fn ends(buffer: usize) -> (DuplexStream, Server) {
    let (client, server) = duplex(buffer);
    let (read, write) = split(server);
    (client, Server { read: FramedRead::new(read, FrameCodec::new(64 * 1024)), write })
}

/// A way to the server on which there is one connection.
struct Once<R, W>(Option<(R, W)>);

impl<R, W> Dial for Once<R, W>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    type Read = R;
    type Write = W;

    async fn dial(&mut self) -> io::Result<(R, W)> {
        self.0.take().ok_or_else(|| io::ErrorKind::ConnectionRefused.into())
    }
}

/// Connects over that connection, and never again.
pub(super) async fn connect_over<R, W>(options: ClientOptions, read: R, write: W) -> Result<Client, ClientError>
where
    R: AsyncRead + Unpin + Send + 'static,
    W: AsyncWrite + Unpin + Send + 'static,
{
    options.reconnect_for(Duration::ZERO).connect_by(Once(Some((read, write))), "a pipe").await
}

/// Where a client that reconnects comes to.
pub(super) struct Doors {
    servers: mpsc::Receiver<Server>,
    /// So many attempts find nothing.
    pub(super) closed_for: Arc<AtomicU32>,
    /// How many were made.
    pub(super) attempts: Arc<AtomicU32>,
}

/// The client's way to them.
struct Ways {
    servers: mpsc::Sender<Server>,
    closed_for: Arc<AtomicU32>,
    attempts: Arc<AtomicU32>,
}

impl Dial for Ways {
    type Read = ReadHalf<DuplexStream>;
    type Write = WriteHalf<DuplexStream>;

    async fn dial(&mut self) -> io::Result<(Self::Read, Self::Write)> {
        self.attempts.fetch_add(1, Ordering::Relaxed);
        let closed_for = self.closed_for.load(Ordering::Relaxed);
        let (client, server) = ends(1 << 16);
        if closed_for > 0 || self.servers.send(server).await.is_err() {
            self.closed_for.store(closed_for.saturating_sub(1), Ordering::Relaxed);
            return Err(io::ErrorKind::ConnectionRefused.into());
        }
        Ok(split(client))
    }
}

impl Doors {
    /// The next connection, on which nothing was said yet.
    pub(super) async fn next(&mut self) -> Server {
        self.servers.recv().await.expect("the client comes back")
    }

    /// The next connection, up to the answer to its HELLO.
    pub(super) async fn welcomed(&mut self, token: &'static str, resumed: bool) -> (Server, Hello) {
        let mut server = self.next().await;
        let hello = server.welcomes(token, resumed).await;
        (server, hello)
    }
}

impl Server {
    /// The next request, which is HELLO, and is answered.
    pub(super) async fn welcomes(&mut self, token: &'static str, resumed: bool) -> Hello {
        let (id, request) = self.asked().await;
        let Request::Hello(hello) = request else { panic!("{request:?}") };
        let heartbeat = hello.heartbeat.unwrap_or(Duration::from_secs(5));
        let (session, observed) = ("~s".to_owned(), ([192, 0, 2, 7], 1).into());
        let resume = Bytes::from_static(token.as_bytes());
        self.answer(id, Answer::Welcome(Welcome { session, observed, resume, resumed, heartbeat })).await;
        hello
    }

    /// The next request, which renews a registration; under which number, and as
    /// what.
    pub(super) async fn renewed(&mut self) -> (RequestId, Register) {
        let (id, request) = self.asked().await;
        let Request::Register(register) = request else { panic!("{request:?}") };
        (id, register)
    }

    /// The next request, which is for a watch; under which number, and since when.
    pub(super) async fn watched_since(&mut self) -> (RequestId, Option<u64>) {
        let (id, watch) = self.watched().await;
        (id, watch.since)
    }

    /// The next request, which is for a watch.
    pub(super) async fn watched(&mut self) -> (RequestId, Rendezvous) {
        let (id, request) = self.asked().await;
        let Request::Rendezvous(watch) = request else { panic!("{request:?}") };
        assert!(!watch.leave, "{watch:?}");
        (id, watch)
    }
}

/// A client whose connections come one after the other, and which has still to be
/// welcomed on the first.
pub(super) fn arriving(options: ClientOptions) -> (impl Future<Output = Result<Client, ClientError>>, Doors) {
    let (servers, receiver) = mpsc::channel(1);
    let (closed_for, attempts): (Arc<AtomicU32>, Arc<AtomicU32>) = Default::default();
    let doors = Doors { servers: receiver, closed_for: closed_for.clone(), attempts: attempts.clone() };
    (options.connect_by(Ways { servers, closed_for, attempts }, "a pipe"), doors)
}

/// The same when it was welcomed. The token of its session is "first".
pub(super) async fn reconnecting(options: ClientOptions) -> (Client, Server, Doors) {
    let (client, mut doors) = arriving(options);
    let (client, (server, _)) = join!(client, doors.welcomed("first", false));
    doors.attempts.store(0, Ordering::Relaxed);
    (client.expect("it was welcomed"), server, doors)
}

/// What a server says that cannot be lost, nor asks for signs of life.
pub(super) fn welcome() -> Answer {
    let observed = ([192, 0, 2, 7], 1).into();
    Answer::Welcome(Welcome { heartbeat: bounds::HEARTBEAT_MAX, ..Welcome::new("~s".into(), observed) })
}

pub(super) async fn connected_with(options: ClientOptions) -> (Client, Server) {
    let (client, mut server) = ends(1 << 16);
    let (read, write) = split(client);
    let (client, ()) = join!(connect_over(options, read, write), server.next_gets(welcome()));
    (client.expect("it was welcomed"), server)
}

pub(super) async fn connected() -> (Client, Server) {
    connected_with(ClientOptions::new()).await
}

/// What connecting comes to when the server answers HELLO with those bytes and
/// closes the connection.
pub(super) async fn connecting(bytes: &[u8]) -> ClientError {
    let (client, mut server) = ends(1 << 16);
    let (read, write) = split(client);
    let refuse = async {
        server.asked().await;
        server.send(bytes).await;
        drop(server);
    };
    let (client, ()) = join!(connect_over(ClientOptions::new(), read, write), refuse);
    client.expect_err("it was not welcomed")
}

pub(super) fn registration(ns: &str, id: &str, version: u64) -> Arc<Registration> {
    Arc::new(Registration::new(
        Namespace::parse(ns).expect(ns),
        PeerId::parse(id, &Limits::default()).expect(id),
        Vec::new(),
        [("version".to_owned(), version.to_string())].into(),
        version,
    ))
}

pub(super) fn came(ns: &str, id: &str, version: u64) -> Announcement {
    Announcement::Registered(registration(ns, id, version))
}

pub(super) fn left(ns: &str, id: &str, version: u64) -> Announcement {
    let Registration { ns, id, .. } = (*registration(ns, id, version)).clone();
    Announcement::Unregistered { ns, id, reason: LeaveReason::Disconnected, version }
}

pub(super) fn list(pattern: &str, kind: ListKind, peers: &[(&str, u64)], more: bool) -> Answer {
    let pattern = Pattern::parse(pattern).expect(pattern);
    let ns = match &pattern {
        Pattern::Exact(ns) | Pattern::Children(ns) | Pattern::Descendants(ns) => ns.to_string(),
    };
    let peers = peers.iter().map(|(id, version)| registration(&ns, id, *version)).collect();
    Answer::Roster(Roster { pattern, kind, game: None, peers, more })
}

pub(super) fn snapshot(pattern: &str, peers: &[(&str, u64)], more: bool) -> Answer {
    list(pattern, ListKind::Snapshot { version: 100 }, peers, more)
}

/// What has changed in a namespace; the last of it is the change of that number.
pub(super) fn catch_up(ns: &str, version: u64, changes: Vec<Announcement>, more: bool) -> Answer {
    let ns = Namespace::parse(ns).expect(ns);
    Answer::CatchUp(CatchUp { ns, version, game: None, changes, more })
}

pub(super) fn page(peers: &[(&str, u64)], cookie: Option<&'static str>, more: bool) -> Answer {
    list("a", ListKind::Page { cookie: cookie.map(Bytes::from) }, peers, more)
}

/// A game of four that Ada owns and in which two are; the map is "sea".
pub(super) fn game(ns: &str, version: u64) -> Game {
    let map = [("map".to_owned(), "sea".to_owned())];
    Game {
        ns: Namespace::parse(ns).expect(ns),
        owner: Some(registration(ns, "ada", version).id.clone()),
        capacity: 4,
        members: 2,
        locked: false,
        listed: true,
        app_version: AppVersion::default(),
        attributes: Arc::new(map.into()),
        owner_policy: OwnerPolicy::Oldest,
        term: 1,
        version,
        needs_secret: false,
    }
}

pub(super) fn changed(game: Game) -> Announcement {
    Announcement::Game(Box::new(game))
}

pub(super) fn closed(ns: &str, version: u64) -> Announcement {
    Announcement::GameClosed { ns: Namespace::parse(ns).expect(ns), version }
}

pub(super) fn game_list(pattern: &str, games: Vec<Game>, more: bool) -> Answer {
    let pattern = Pattern::parse(pattern).expect(pattern);
    Answer::Games(GameList { pattern, kind: ListKind::Snapshot { version: 100 }, games, more })
}

pub(super) fn granted(ns: &str, id: &str, game: Option<Game>) -> Answer {
    Answer::Granted { registration: registration(ns, id, 100), game: game.map(Box::new) }
}

/// The seat of the first of these in a game of all of them.
pub(super) fn seat(ns: &str, peers: &[(&str, u64)]) -> Answer {
    let members = u32::try_from(peers.len()).expect("there are few of them");
    let game = Game { members, ..game(ns, 100) };
    let peers = peers.iter().map(|(id, version)| registration(ns, id, *version)).collect();
    Answer::Seat(domain::Seat { ns: game.ns.clone(), version: 100, game: Some(Box::new(game)), peers, more: false })
}

pub(super) async fn watching_games(
    client: &Client,
    server: &mut Server,
    pattern: &str,
    filter: &[(&str, &str)],
) -> Games {
    let asked = client.games(pattern, filter.iter().copied());
    let (games, ()) = join!(asked, server.next_gets(game_list(pattern, Vec::new(), false)));
    let mut games = games.expect("it was granted");
    assert_eq!(told_of_games(&mut games), ["current"]);
    games
}

pub(super) async fn watching(client: &Client, server: &mut Server, pattern: &str) -> Events {
    let (events, ()) = join!(client.rendezvous(pattern), server.next_gets(snapshot(pattern, &[], false)));
    let mut events = events.expect("it was granted");
    assert!(matches!(events.next().await, Some(Event::Current { version: 100 })));
    events
}

/// One request there and back: what the server said before it has been heard.
pub(super) async fn settle(client: &Client, server: &mut Server) {
    let (done, ()) = join!(client.unregister_all("a"), server.next_gets(Answer::Done));
    done.expect("it was granted");
}

/// Events that are there already, as text: "+a/x 1" opened, "=a/x 2" changed, "-a/x 3" closed.
pub(super) fn told_of_games(games: &mut Games) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(Some(event)) = games.next().now_or_never() {
        told.push(match event {
            GameEvent::Opened(game) => format!("+{} {}", game.ns, game.version),
            GameEvent::Changed(game) => format!("={} {}", game.ns, game.version),
            GameEvent::Closed { last, version } => format!("-{} {version}", last.ns),
            GameEvent::Current { .. } => "current".to_owned(),
            GameEvent::Ended(error) => format!("ended: {error}"),
        });
    }
    told
}

/// Events that are there already, as text: "+ada 1" came, "=ada 2" changed, "-ada 3" left.
pub(super) fn told(events: &mut Events) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(Some(event)) = events.next().now_or_never() {
        told.push(match event {
            Event::Registered(peer) => format!("+{} {}", peer.id, peer.version),
            Event::Updated(peer) => format!("={} {}", peer.id, peer.version),
            Event::Unregistered { last, version, .. } => format!("-{} {version}", last.id),
            Event::Removed { last, reason, .. } => format!("!{} {}", last.id, reason.name()),
            Event::Game(game) => format!("game {}", game.version),
            Event::Current { .. } => "current".to_owned(),
            Event::Ended(error) => format!("ended: {error}"),
        });
    }
    told
}

pub(super) fn ada() -> Peer {
    Peer::new().id("ada").address(":7777").attribute("name", "Ada")
}

pub(super) fn refused(code: Code) -> Answer {
    Answer::Refused(Refusal::new(code, "for a reason"))
}

/// Ada enters "a/x", where these others are.
pub(super) async fn entered(client: &Client, server: &mut Server, game: Option<Game>, others: &[(&str, u64)]) -> Seat {
    let script = async {
        server.next_gets(granted("a/x", "ada", game.clone())).await;
        let Answer::Roster(list) = snapshot("a/x", others, false) else { panic!("a snapshot is a roster") };
        server.next_gets(Answer::Roster(Roster { game: game.clone().map(Box::new), ..list })).await;
    };
    let (seat, ()) = join!(client.join("a/x", ada(), Entry::new()), script);
    seat.expect("it was granted")
}

pub(super) async fn matched(client: &Client, server: &mut Server, peers: &[(&str, u64)]) -> Seat {
    let (seat, ()) = join!(client.match_game("a", ada(), MatchOptions::new()), server.next_gets(seat("a/x", peers)));
    seat.expect("it was granted")
}

/// Begins a match and is gone before the answer; under which number.
pub(super) async fn match_given_up(client: &Client, server: &mut Server) -> RequestId {
    let mut call = Box::pin(client.match_game("a", ada(), MatchOptions::new().wait(Duration::from_secs(60))));
    assert!((&mut call).now_or_never().is_none());
    let (id, request) = server.asked().await;
    assert!(matches!(request, Request::Match(_)), "{request:?}");
    drop(call);
    assert_eq!(server.cancelled().await, id);
    id
}

/// The next two requests give up Ada's seat and leave its namespace.
pub(super) async fn all_given_back(server: &mut Server) {
    assert_eq!(server.given_up().await, ("a/x".to_owned(), "ada".to_owned()));
    assert_eq!(server.left().await.to_string(), "a/x");
}
