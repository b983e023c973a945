//! The client against the server, over real sockets. A thread besides the test's
//! drives the connections, also while the test waits for a server to stop.

mod catch_up;
mod games;
mod messages;
mod proxy;
mod reconnects;
mod seats;

use foregather::{
    client::{
        Client, ClientError, ClientOptions, Code, Event, Events, LeaveReason, Namespace, Peer, PeerId, Registration,
    },
    server::{Server, ServerOptions},
};
use futures::FutureExt as _;
use std::{collections::BTreeMap, sync::Arc, time::Duration};
use tokio::{io::AsyncReadExt as _, net::TcpListener, time::timeout};

/// Until when something that must happen has to have happened. Generous: a test
/// that waits for it has failed.
const PATIENCE: Duration = Duration::from_secs(20);

fn server_with(change: impl FnOnce(&mut ServerOptions)) -> Server {
    let mut options = ServerOptions {
        listen: ([127, 0, 0, 1], 0).into(),
        advertise: Some([192, 0, 2, 1].into()),
        ..ServerOptions::default()
    };
    change(&mut options);
    Server::start(options).expect("a free port of loopback")
}

fn server() -> Server {
    server_with(|_| {})
}

async fn connect(server: &Server) -> Client {
    Client::connect(server.local_addr()).await.expect("the server listens")
}

async fn next(events: &mut Events) -> Event {
    timeout(PATIENCE, events.next()).await.expect("an event in time").expect("the stream goes on")
}

/// A row of numbers that looks random and is not.
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) % bound
    }
}

/// An own registration as others see it: how long it is kept is not theirs to know.
fn seen(own: &Registration) -> Arc<Registration> {
    let mut seen = own.clone();
    seen.ttl_secs = 0;
    Arc::new(seen)
}

/// Who was there, by the events up to `Current`.
async fn current(events: &mut Events) -> Vec<String> {
    let mut ids = Vec::new();
    loop {
        match next(events).await {
            Event::Registered(peer) => ids.push(peer.id.to_string()),
            Event::Current { .. } => return ids,
            Event::Game(_) => {}
            other => panic!("{other:?}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn two_clients_see_each_other_come_change_and_go() -> Result<(), ClientError> {
    let server = server();
    let (ada, bob) = (connect(&server).await, connect(&server).await);
    assert!(ada.welcome().session.starts_with('~'));
    assert!(ada.welcome().observed.ip().is_loopback());

    let me = ada.register("chess/K7QP", Peer::new().address(":7777").attribute("name", "Ada")).await?;
    assert_eq!(me.addresses[0].to_string(), "192.0.2.1:7777");
    let mut events = bob.rendezvous("chess/K7QP").await?;
    let Event::Registered(seen) = next(&mut events).await else { panic!("Ada is there") };
    assert_eq!(seen, me);
    assert!(matches!(next(&mut events).await, Event::Current { .. }));

    // The same peer again is an update, and a repeat is none.
    let changed = ada.register("chess/K7QP", Peer::new().address(":7778")).await?;
    assert_eq!(changed.id, me.id);
    assert_eq!(ada.register("chess/K7QP", Peer::new().address(":7778")).await?, changed);
    assert!(matches!(next(&mut events).await, Event::Updated(peer) if peer == changed));

    ada.unregister("chess/K7QP", &me.id).await?;
    let Event::Unregistered { last, reason, version } = next(&mut events).await else { panic!("Ada left") };
    assert_eq!((last, reason), (changed.clone(), LeaveReason::Unregistered));
    assert!(version > changed.version);
    assert_eq!(events.roster().count(), 0);

    // The watch ends with its stream, and one's own registrations are one's own.
    drop(events);
    bob.register("chess/K7QP", Peer::new().id("bob")).await?;
    let mut again = bob.rendezvous("chess/*").await?;
    assert!(current(&mut again).await.is_empty());
    assert_eq!(bob.discover("chess/**").await?.len(), 1);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_client_that_ends_in_any_way_leaves() -> Result<(), ClientError> {
    let server = server();
    let watcher = connect(&server).await;
    let mut events = watcher.rendezvous("chess/**").await?;
    assert!(current(&mut events).await.is_empty());

    let (dropped, closed) = (connect(&server).await, connect(&server).await);
    dropped.register("chess/a", Peer::new().id("dropped")).await?;
    closed.register("chess/b", Peer::new().id("closed")).await?;
    for _ in 0..2 {
        assert!(matches!(next(&mut events).await, Event::Registered(_)));
    }
    drop(dropped);
    assert!(matches!(next(&mut events).await, Event::Unregistered { last, .. } if last.id.as_str() == "dropped"));
    closed.close().await;
    assert!(matches!(next(&mut events).await, Event::Unregistered { last, .. } if last.id.as_str() == "closed"));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_killed_client_leaves_too() -> Result<(), ClientError> {
    let server = server();
    let watcher = connect(&server).await;
    let mut events = watcher.rendezvous("chess/a").await?;
    assert!(current(&mut events).await.is_empty());

    // To end its runtime kills a client like the end of its process does.
    let address = server.local_addr();
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a thread");
    let killed = runtime
        .spawn(async move {
            let client = Client::connect(address).await?;
            client.register("chess/a", Peer::new().id("killed")).await?;
            Ok::<_, ClientError>(client)
        })
        .await
        .expect("it does not panic")?;
    assert!(matches!(next(&mut events).await, Event::Registered(_)));
    runtime.shutdown_background();
    assert!(matches!(next(&mut events).await, Event::Unregistered { reason: LeaveReason::Disconnected, .. }));
    // Whoever holds it still is told.
    assert!(matches!(killed.discover("chess/a").await, Err(ClientError::Disconnected { .. })));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn long_lists_come_in_pages_and_snapshots_in_parts() -> Result<(), ClientError> {
    let server = server_with(|options| options.limits.discover_page = 100);
    let (host, guest) = (connect(&server).await, connect(&server).await);
    for number in 0..1_050 {
        let peer = Peer::new().id(format!("{number:04}")).attribute("about", "x".repeat(200));
        host.register("chess/a", peer).await?;
    }
    let ids: Vec<_> = guest.discover("chess/*").await?.iter().map(|peer| peer.id.to_string()).collect();
    let expected: Vec<_> = (0..1_050).map(|number| format!("{number:04}")).collect();
    assert_eq!(ids, expected);
    assert_eq!(current(&mut guest.rendezvous("chess/a").await?).await, expected);

    let page = guest.discover_page("chess/a", Some(7), None).await?;
    assert_eq!(page.peers.len(), 7);
    let rest = guest.discover_page("chess/a", Some(2), page.cookie).await?;
    assert_eq!(rest.peers[0].id.as_str(), "0007");
    let refused = guest.discover_page("chess/b", None, rest.cookie).await;
    assert_eq!(refused.expect_err("it is of another list").code(), Some(Code::InvalidCookie));

    let small = ClientOptions::new().roster_bytes(100_000).connect(server.local_addr()).await?;
    assert!(matches!(small.discover("chess/a").await, Err(ClientError::TooMany { .. })));
    let mut events = small.rendezvous("chess/a").await?;
    let error = loop {
        if let Event::Ended(error) = next(&mut events).await {
            break error;
        }
    };
    assert!(matches!(error, ClientError::TooMany { .. }));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn refusals_name_their_reason() -> Result<(), ClientError> {
    let server = server_with(|options| {
        options.limits.connections = 2;
        options.limits.watches_per_connection = 1;
    });
    let (ada, bob) = (connect(&server).await, connect(&server).await);
    ada.register("chess/a", Peer::new().id("ada")).await?;
    let code = |error: ClientError| error.code();
    assert_eq!(
        bob.register("chess/a", Peer::new().id("ada")).await.map_err(code),
        Err(Some(Code::PeerIdTaken)),
        "another has it"
    );
    let id = &ada.discover("chess/a").await?[0].id;
    assert_eq!(bob.unregister("chess/a", id).await.map_err(code), Err(Some(Code::NotOwner)));
    assert_eq!(bob.unregister_all("chess/a").await.map_err(code), Err(Some(Code::NotFound)));

    let watch = bob.rendezvous("chess/a").await?;
    assert_eq!(bob.rendezvous("chess/b").await.map(drop).map_err(code), Err(Some(Code::TooManyWatches)));
    // A second stream of the same is none too many, and a dropped one makes room.
    let same = bob.rendezvous("chess/a").await?;
    drop((watch, same));
    bob.rendezvous("chess/b").await?;

    let third = Client::connect(server.local_addr()).await.expect_err("two are connected");
    assert!(matches!(&third, ClientError::Refused(refusal) if refusal.code == Code::TooManyConnections), "{third}");
    Ok(())
}

/// A reader of a stream, and what it makes of what it is told.
struct Reader {
    events: Events,
    there: BTreeMap<(Namespace, PeerId), Arc<Registration>>,
}

impl Reader {
    fn of(events: Events) -> Self {
        Self { events, there: BTreeMap::new() }
    }

    /// Takes what is there to be read. Every event must follow from the ones before.
    fn read(&mut self) {
        while let Some(Some(event)) = self.events.next().now_or_never() {
            match event {
                Event::Registered(peer) => {
                    let before = self.there.insert((peer.ns.clone(), peer.id.clone()), peer);
                    assert_eq!(before, None, "whoever comes was not there");
                }
                Event::Updated(peer) => {
                    let version = peer.version;
                    let before = self.there.insert((peer.ns.clone(), peer.id.clone()), peer);
                    assert!(before.expect("whoever changes was there").version < version);
                }
                Event::Unregistered { last, version, .. } => {
                    let before = self.there.remove(&(last.ns.clone(), last.id.clone()));
                    assert!(before.expect("whoever leaves was there").version < version);
                }
                Event::Current { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_told_adds_up_to_what_is_there() -> Result<(), ClientError> {
    const PLAYERS: u64 = 8;
    const STEPS: usize = 400;
    let server = server_with(|options| options.threads = 2);
    let watcher = connect(&server).await;

    let mut players = Vec::new();
    for player in 0..PLAYERS {
        let client = connect(&server).await;
        players.push(tokio::spawn(async move {
            let mut numbers = Numbers(player);
            for step in 0..STEPS {
                let ns = format!("chess/{}", numbers.below(3));
                let id = format!("{player}-{}", numbers.below(3));
                if numbers.below(3) == 0 {
                    // As often as not there is nobody to take out.
                    let _ = client.unregister_all(&ns).await;
                } else {
                    client.register(&ns, Peer::new().id(id).attribute("step", step.to_string())).await?;
                }
            }
            Ok::<_, ClientError>(client)
        }));
    }

    // Streams that begin at any time, one that is never read and others that are
    // read now and then.
    let mut readers = Vec::new();
    let mut numbers = Numbers(0);
    while !players.iter().all(|player| player.is_finished()) {
        if readers.len() < 12 {
            let pattern = ["chess/0", "chess/1", "chess/*", "chess/**"][numbers.below(4) as usize];
            readers.push((pattern, Reader::of(watcher.rendezvous(pattern).await?)));
        } else {
            watcher.discover_page("chess/none", Some(1), None).await?;
        }
        let chosen = numbers.below(readers.len() as u64) as usize;
        if chosen > 0 {
            readers[chosen].1.read();
        }
    }
    let mut clients = Vec::new();
    for player in players {
        clients.push(player.await.expect("it does not panic")?);
    }

    for (pattern, mut reader) in readers {
        let mut listed = watcher.discover(pattern).await?;
        listed.sort_by(|a, b| (&a.ns, &a.id).cmp(&(&b.ns, &b.id)));
        assert_eq!(reader.events.roster().collect::<Vec<_>>(), listed, "{pattern}");
        reader.read();
        assert_eq!(reader.there.into_values().collect::<Vec<_>>(), listed, "{pattern}");
    }
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn a_server_that_stops_says_when_to_come_back() -> Result<(), ClientError> {
    let server = server();
    let client = ClientOptions::new().reconnect_for(Duration::ZERO).connect(server.local_addr()).await?;
    let mut events = client.rendezvous("chess/a").await?;
    current(&mut events).await;
    tokio::task::spawn_blocking(move || server.stop()).await.expect("it stops").expect("it has no state");
    let Event::Ended(error) = next(&mut events).await else { panic!("the connection is lost") };
    assert_eq!((error.code(), error.retry_after()), (Some(Code::ShuttingDown), Some(Duration::from_millis(250))));
    assert!(events.next().await.is_none());
    assert_eq!(client.discover("chess/a").await.expect_err("it is lost").code(), Some(Code::ShuttingDown));
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_is_no_server_is_told_in_time() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port of loopback");
    let address = listener.local_addr().expect("it is bound");

    // It takes the connection and says nothing.
    let options = || ClientOptions::new().deadline(Duration::from_millis(50));
    let error = options().connect(address).await.expect_err("nobody answers");
    assert!(matches!(error, ClientError::Deadline { .. }), "{error}");

    let hangs_up = async {
        // The connection of before, and the one of now.
        let (first, _) = listener.accept().await.expect("it came");
        let (mut second, _) = listener.accept().await.expect("it comes");
        let mut hello = [0; 4];
        second.read_exact(&mut hello).await.expect("HELLO comes");
        drop((first, second));
    };
    let (outcome, ()) = tokio::join!(Client::connect(address), hangs_up);
    let error = outcome.expect_err("it hung up");
    assert!(matches!(error, ClientError::Protocol(_)), "{error}");

    drop(listener);
    let error = Client::connect(address).await.expect_err("nobody listens");
    assert!(matches!(error, ClientError::Connect { .. }), "{error}");
    let error = Client::connect("no port").await.expect_err("it is no address");
    assert!(matches!(error, ClientError::Connect { .. }), "{error}");
}
