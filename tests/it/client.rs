//! What a test speaks to the server with: frames of messages on a TCP socket,
//! and nothing that thinks for itself.

use bytes::{Bytes, BytesMut};
use foregather::{
    server::{Server, ServerOptions},
    wire::{
        FrameCodec,
        proto::{self, Message, MessageType, StatusCode},
    },
};
use prost::Message as _;
use std::{net::SocketAddr, time::Duration};
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};
use tokio_util::codec::{Decoder as _, Encoder as _};

/// Until when something that must happen has to have happened. Generous: a test
/// that waits for it has failed.
pub const PATIENCE: Duration = Duration::from_secs(20);

/// A server on a free port of loopback, which takes 192.0.2.1 for its address.
pub fn server() -> Server {
    server_with(|_| {})
}

/// The same with other options.
pub fn server_with(change: impl FnOnce(&mut ServerOptions)) -> Server {
    let mut options = ServerOptions {
        listen: ([127, 0, 0, 1], 0).into(),
        advertise: Some([192, 0, 2, 1].into()),
        ..ServerOptions::default()
    };
    change(&mut options);
    Server::start(options).expect("a free port of loopback")
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
        let stream = TcpStream::connect(address).await.expect("the server listens");
        stream.set_nodelay(true).expect("a socket");
        Self { stream, codec: FrameCodec::new(16 << 20), buffer: BytesMut::new() }
    }

    /// Sends messages in one segment.
    pub async fn send(&mut self, messages: impl IntoIterator<Item = Message>) {
        let mut bytes = BytesMut::new();
        for message in messages {
            self.codec.encode(&message, &mut bytes).expect("a message of a test is small");
        }
        self.send_bytes(&bytes).await;
    }

    pub async fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).await.expect("the server reads");
    }

    /// The next message; `None` at the end of the connection.
    pub async fn next(&mut self) -> Option<Message> {
        timeout(PATIENCE, self.next_frame())
            .await
            .expect("the server said nothing")
            .map(|frame| Message::decode(frame).expect("the server speaks protobuf"))
    }

    async fn next_frame(&mut self) -> Option<Bytes> {
        loop {
            if let Some(frame) = self.codec.decode(&mut self.buffer).expect("the server sends frames") {
                return Some(frame);
            }
            match self.stream.read_buf(&mut self.buffer).await {
                Ok(0) | Err(_) => return None,
                Ok(_) => {}
            }
        }
    }

    /// The next message, which must be there.
    pub async fn message(&mut self) -> Message {
        self.next().await.expect("the server closed the connection")
    }

    /// Sends a request under this number and returns its answer.
    pub async fn ask(&mut self, request_id: u64, request: Message) -> Message {
        self.send([Message { request_id: Some(request_id), ..request }]).await;
        let answer = self.message().await;
        assert_eq!(answer.request_id, Some(request_id), "{answer:?}");
        answer
    }

    /// Waits until the server has worked on everything sent so far: asks for a
    /// sign of life and returns what came before it.
    pub async fn settle(&mut self) -> Vec<Message> {
        let nonce = 0x5e77_1e;
        self.send([Message {
            r#type: Some(MessageType::Heartbeat.into()),
            heartbeat: Some(proto::Heartbeat { nonce: Some(nonce), reply: None }),
            ..Message::default()
        }])
        .await;
        let mut before = Vec::new();
        loop {
            let message = self.message().await;
            match &message.heartbeat {
                Some(heartbeat) if heartbeat.nonce == Some(nonce) => return before,
                _ => before.push(message),
            }
        }
    }

    /// The end of the connection, before which nothing comes.
    pub async fn end(&mut self) {
        let message = self.next().await;
        assert!(message.is_none(), "{message:?}");
    }
}

pub fn peer(id: &str) -> proto::Peer {
    proto::Peer { id: Some(id.into()), addrs: vec![Bytes::copy_from_slice(id.as_bytes())], ..Default::default() }
}

pub fn register(ns: &str, id: &str) -> Message {
    Message {
        r#type: Some(MessageType::Register.into()),
        register: vec![proto::Register { ns: Some(ns.into()), peer: Some(peer(id)), ..Default::default() }],
        ..Message::default()
    }
}

pub fn unregister(ns: &str, id: Option<&str>) -> Message {
    Message {
        r#type: Some(MessageType::Unregister.into()),
        unregister: vec![proto::Unregister { ns: Some(ns.into()), peer: id.map(peer), ..Default::default() }],
        ..Message::default()
    }
}

pub fn rendezvous(ns: &str) -> Message {
    Message {
        r#type: Some(MessageType::Rendezvous.into()),
        rendezvous: vec![proto::Rendezvous { ns: Some(ns.into()), ..Default::default() }],
        ..Message::default()
    }
}

pub fn discover(ns: &str) -> Message {
    Message {
        r#type: Some(MessageType::Discover.into()),
        discovery: vec![proto::Discover { ns: Some(ns.into()), ..Default::default() }],
        ..Message::default()
    }
}

pub fn hello() -> Message {
    Message {
        r#type: Some(MessageType::Hello.into()),
        hello: Some(Box::new(proto::Hello { protocol: Some(1), agent: Some("a test".into()), ..Default::default() })),
        ..Message::default()
    }
}

/// Who is listed, in order.
pub fn ids(message: &Message) -> Vec<&str> {
    message.register.iter().filter_map(|entry| entry.peer.as_ref()?.id.as_deref()).collect()
}

pub fn code(message: &Message) -> StatusCode {
    message.status.as_ref().expect("it has a status").code()
}
