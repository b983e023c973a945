//! A server that does exactly what a test tells it to.

use super::super::{Client, ClientError, ClientOptions, Event, Events};
use crate::{
    domain::{
        Announcement, Answer, LeaveReason, ListKind, Namespace, Pattern, PeerId, Registration, Rendezvous, Request,
        RequestId, Roster, Welcome,
    },
    limits::Limits,
    wire::{self, FrameCodec},
};
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _};
use std::sync::Arc;
use tokio::{
    io::{AsyncWriteExt as _, DuplexStream, ReadHalf, WriteHalf, duplex, split},
    join,
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

pub(super) async fn connected_with(options: ClientOptions) -> (Client, Server) {
    let (client, mut server) = ends(1 << 16);
    let (read, write) = split(client);
    let greet = async {
        let observed = ([192, 0, 2, 7], 1).into();
        server.next_gets(Answer::Welcome(Welcome { session: "~s".into(), observed })).await;
    };
    let (client, ()) = join!(options.connect_over(read, write), greet);
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
    let (client, ()) = join!(ClientOptions::new().connect_over(read, write), refuse);
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

pub(super) fn page(peers: &[(&str, u64)], cookie: Option<&'static str>, more: bool) -> Answer {
    list("a", ListKind::Page { cookie: cookie.map(Bytes::from) }, peers, more)
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

/// Events that are there already, as text: "+ada 1" came, "=ada 2" changed, "-ada 3" left.
pub(super) fn told(events: &mut Events) -> Vec<String> {
    let mut told = Vec::new();
    while let Some(Some(event)) = events.next().now_or_never() {
        told.push(match event {
            Event::Registered(peer) => format!("+{} {}", peer.id, peer.version),
            Event::Updated(peer) => format!("={} {}", peer.id, peer.version),
            Event::Unregistered { last, version, .. } => format!("-{} {version}", last.id),
            Event::Current { .. } => "current".to_owned(),
            Event::Ended(error) => format!("ended: {error}"),
        });
    }
    told
}
