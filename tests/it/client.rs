//! What a test speaks to the server with: frames of messages on a TCP socket,
//! and nothing that thinks for itself.

use crate::messages::*;
use bytes::{Bytes, BytesMut};
use foregather::{
    server::{Server, ServerOptions},
    wire::{
        FrameCodec,
        proto::{Message, MessageType, StatusCode, Welcome},
    },
};
use prost::Message as _;
use std::{
    net::{IpAddr, Ipv4Addr, SocketAddr},
    time::{Duration, Instant},
};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::{TcpSocket, TcpStream},
    time::timeout,
};
use tokio_util::codec::Decoder as _;

/// Until when something that must happen has to have happened. Generous: a test
/// that waits for it has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// The longest frame that a server of these tests may send.
const FRAME_BYTES: usize = 64 * 1024;

/// A server on a free port of loopback, which takes 192.0.2.1 for its address.
pub fn server() -> Server {
    server_with(|_| {})
}

/// The same with other options.
pub fn server_with(change: impl FnOnce(&mut ServerOptions)) -> Server {
    let mut options = ServerOptions {
        listen: (Ipv4Addr::LOCALHOST, 0).into(),
        advertise: Some([192, 0, 2, 1].into()),
        ..ServerOptions::default()
    };
    // A server that stops waits for its clients to close; most tests do not.
    options.limits.linger_ms = 100;
    // A test asks as fast as it can; the rates have tests of their own.
    options.limits.entries_per_sec = 1_000_000;
    options.limits.entries_burst = 10_000_000;
    // Nor is a slow test to be asked for signs of life.
    options.limits.heartbeat_ms = 60_000;
    change(&mut options);
    Server::start(options).expect("a free port of loopback")
}

/// So many clients of it.
pub async fn clients<const COUNT: usize>(server: &Server) -> [Client; COUNT] {
    let mut clients = Vec::with_capacity(COUNT);
    for _ in 0..COUNT {
        clients.push(Client::connect(server).await);
    }
    clients.try_into().unwrap_or_else(|_| unreachable!("there are as many as were asked for"))
}

/// A client that has said this HELLO, and its WELCOME.
pub async fn welcomed(server: &Server, hello: Message) -> (Client, Welcome) {
    let mut client = Client::connect(server).await;
    let welcome = client.hello(hello).await;
    (client, welcome)
}

pub struct Client {
    pub stream: TcpStream,
    codec: FrameCodec,
    buffer: BytesMut,
}

impl Client {
    pub async fn connect(server: &Server) -> Self {
        Self::connect_to(server.local_addr()).await
    }

    pub async fn connect_to(address: SocketAddr) -> Self {
        Self::on(TcpStream::connect(address).await.expect("the server listens"))
    }

    /// Connects from that address of this machine.
    pub async fn connect_from(server: &Server, from: impl Into<IpAddr>) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.bind(SocketAddr::new(from.into(), 0)).expect("an address of this machine");
        Self::on(socket.connect(server.local_addr()).await.expect("the server listens"))
    }

    /// Connects, with little room in the system for what is not read.
    pub async fn connect_narrow(server: &Server) -> Self {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(4 * 1024).expect("a small buffer");
        Self::on(socket.connect(server.local_addr()).await.expect("the server listens"))
    }

    pub fn on(stream: TcpStream) -> Self {
        stream.set_nodelay(true).expect("a socket");
        Self { stream, codec: FrameCodec::new(FRAME_BYTES), buffer: BytesMut::new() }
    }

    /// Sends messages in one segment.
    pub async fn send(&mut self, messages: impl IntoIterator<Item = Message>) {
        let mut bytes = BytesMut::new();
        for message in messages {
            bytes.unsplit(frame(&message));
        }
        self.send_bytes(&bytes).await;
    }

    /// The same, where the connection may be over already.
    pub async fn send_or_lost(&mut self, message: Message) {
        // What the server said before it went is still to be read.
        let _ = self.stream.write_all(&frame(&message)).await;
    }

    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the server reads");
    }

    /// Sends no more, and may still be answered.
    pub async fn half_close(&mut self) {
        self.stream.shutdown().await.expect("the connection is open");
    }

    /// Ends the connection with an RST, as a crashed machine or a rude program does.
    pub fn reset(self) {
        socket2::SockRef::from(&self.stream).set_linger(Some(Duration::ZERO)).expect("a socket");
    }

    /// The body of the next frame; `None` at the end of the connection.
    pub async fn frame(&mut self) -> Option<Bytes> {
        timeout(PATIENCE, self.read_frame()).await.expect("the server said nothing")
    }

    async fn read_frame(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.codec.decode(&mut self.buffer).expect("the server sends frames within its limit")
            {
                return Some(frame);
            }
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next message; `None` at the end of the connection.
    pub async fn next(&mut self) -> Option<Message> {
        self.frame().await.map(|frame| Message::decode(frame).expect("the server speaks protobuf"))
    }

    /// The next message, which must be there.
    pub async fn message(&mut self) -> Message {
        self.next().await.expect("the server closed the connection")
    }

    /// Sends a request under this number and returns its answer.
    pub async fn ask(&mut self, request_id: u64, request: Message) -> Message {
        self.send([numbered(request_id, request)]).await;
        let answer = self.message().await;
        assert_eq!(answer.request_id, Some(request_id), "{answer:?}");
        answer
    }

    /// Sends a request that must be granted.
    pub async fn granted(&mut self, request: Message) -> Message {
        let answer = self.ask(1, request).await;
        assert_eq!(code(&answer), StatusCode::Ok, "{answer:?}");
        answer
    }

    /// Says HELLO, which may be followed by more than the WELCOME.
    pub async fn hello(&mut self, hello: Message) -> Welcome {
        welcome(&self.granted(hello).await).clone()
    }

    /// Sends a request that must be refused with that code.
    pub async fn refused(&mut self, request: Message, expected: StatusCode) -> Message {
        let answer = self.ask(1, request).await;
        assert_eq!((answer.r#type(), code(&answer)), (MessageType::Status, expected), "{answer:?}");
        assert!(!text(&answer).is_empty());
        answer
    }

    /// Sends a request that is answered with a list.
    pub async fn list(&mut self, request: Message) -> Message {
        self.send([numbered(1, request)]).await;
        self.rest_of_list(1).await
    }

    /// The frames of one answer that are yet to come, put together.
    pub async fn rest_of_list(&mut self, request_id: u64) -> Message {
        let mut whole = self.message().await;
        assert!(matches!(whole.r#type(), MessageType::Register | MessageType::Game | MessageType::Match), "{whole:?}");
        let begun = Instant::now();
        let mut more = whole.more();
        while more {
            assert!(begun.elapsed() < PATIENCE, "a list without end");
            let mut part = self.message().await;
            assert_eq!((part.request_id, part.r#type), (Some(request_id), whole.r#type), "{part:?}");
            assert_eq!(code(&part), StatusCode::Ok, "{part:?}");
            more = part.more();
            whole.register.append(&mut part.register);
            whole.unregister.append(&mut part.unregister);
            whole.game.append(&mut part.game);
            // How far it has come, and as of when, stands with the last.
            whole = Message { rendezvous: part.rendezvous, discovery: part.discovery, more: part.more, ..whole };
        }
        assert_eq!((whole.request_id, code(&whole)), (Some(request_id), StatusCode::Ok), "{whole:?}");
        whole
    }

    /// Everything that DISCOVER lists, page by page, put together.
    pub async fn pages(&mut self, pattern: &str, limit: Option<u32>) -> Message {
        self.all_pages(discover_page(pattern, limit, None)).await
    }

    /// The same of any DISCOVER.
    pub async fn all_pages(&mut self, mut request: Message) -> Message {
        let mut all = Message::default();
        let begun = Instant::now();
        loop {
            assert!(begun.elapsed() < PATIENCE, "pages without end");
            let mut page = self.list(request.clone()).await;
            all.register.append(&mut page.register);
            all.game.append(&mut page.game);
            request.discovery[0].cookie = page.discovery[0].cookie.clone();
            if request.discovery[0].cookie.is_none() {
                return Message { register: all.register, game: all.game, ..page };
            }
        }
    }

    /// Waits until the server has worked on everything sent so far: asks for a
    /// sign of life and returns what came before it.
    pub async fn settle(&mut self) -> Vec<Message> {
        let nonce = 0x5e77_1eaf;
        self.send([heartbeat(nonce, None)]).await;
        let mut before = Vec::new();
        loop {
            let message = self.message().await;
            match &message.heartbeat {
                Some(answer) if answer.nonce == Some(nonce) => return before,
                _ => before.push(message),
            }
        }
    }

    /// The same where nothing may have come.
    pub async fn silence(&mut self) {
        let heard = self.settle().await;
        assert!(heard.is_empty(), "{heard:?}");
    }

    /// Waits for something that the server does in its own time, and asks this
    /// connection for signs of life meanwhile; nothing else may come on it.
    pub async fn until(&mut self, what: &str, mut holds: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !holds() {
            assert!(begun.elapsed() < PATIENCE, "still not: {what}");
            self.silence().await;
        }
    }

    /// The refusal that the server ends the connection with.
    pub async fn ended_with(&mut self, expected: StatusCode) -> Message {
        let last = self.message().await;
        assert_eq!((last.r#type(), last.request_id), (MessageType::Status, None), "{last:?}");
        assert_eq!(code(&last), expected, "{last:?}");
        self.end().await;
        last
    }

    /// The end of the connection, before which nothing comes.
    pub async fn end(&mut self) {
        let message = self.next().await;
        assert!(message.is_none(), "{message:?}");
    }
}
