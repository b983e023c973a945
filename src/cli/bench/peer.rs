use bytes::{Bytes, BytesMut};
use foregather::wire::{
    self, FrameCodec,
    proto::{self, Message, MessageType},
};
use socket2::{Domain, Socket, Type};
use std::{
    io::{self, Read as _, Write as _},
    net::{SocketAddr, TcpStream},
    time::Duration,
};
use tokio_util::codec::Decoder as _;

/// How long a measurement waits for anything before it gives up.
const PATIENCE: Duration = Duration::from_secs(10);

/// The largest frame that a measurement reads.
const FRAME_BYTES: usize = 1 << 20;

/// A peer as thin as it can be, so that the server is what is measured: a
/// blocking socket and whole frames, which it does not look into.
pub(super) struct Peer {
    stream: TcpStream,
    codec: FrameCodec,
    buffer: BytesMut,
}

impl Peer {
    pub(super) fn connect(address: SocketAddr) -> io::Result<Self> {
        Self::on(TcpStream::connect(address)?)
    }

    fn on(stream: TcpStream) -> io::Result<Self> {
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(PATIENCE))?;
        Ok(Self { stream, codec: FrameCodec::new(FRAME_BYTES), buffer: BytesMut::new() })
    }

    /// Connects, with little room in the system for what is not read.
    pub(super) fn connect_narrow(address: SocketAddr) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
        socket.set_recv_buffer_size(4 * 1_024)?;
        socket.connect(&address.into())?;
        Self::on(socket.into())
    }

    pub(super) fn send(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.stream.write_all(bytes)
    }

    /// Takes so many bytes, whatever they are.
    pub(super) fn bytes(&mut self, due: usize) -> io::Result<()> {
        let mut left = due.checked_sub(self.buffer.len()).ok_or(io::ErrorKind::InvalidData)?;
        self.buffer.clear();
        let mut bytes = [0; 16 * 1_024];
        while left > 0 {
            let most = left.min(bytes.len());
            let read = self.stream.read(&mut bytes[..most])?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            left -= read;
        }
        Ok(())
    }

    /// The next frame's body.
    pub(super) fn frame(&mut self) -> io::Result<Bytes> {
        loop {
            match self.codec.decode(&mut self.buffer) {
                Ok(Some(body)) => return Ok(body),
                Ok(None) => {}
                Err(error) => return Err(io::Error::new(io::ErrorKind::InvalidData, error.to_string())),
            }
            let mut bytes = [0; 4_096];
            let read = self.stream.read(&mut bytes)?;
            if read == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            self.buffer.extend_from_slice(&bytes[..read]);
        }
    }
}

/// A frame of that body, as it goes over the wire.
pub(super) fn framed(body: &[u8]) -> Result<Bytes, prost::EncodeError> {
    let mut frame = BytesMut::new();
    prost::encode_length_delimiter(body.len(), &mut frame)?;
    frame.extend_from_slice(body);
    Ok(frame.freeze())
}

/// HELLO with a key, as client libraries say it.
pub(super) fn hello(key: &str) -> Bytes {
    wire::message(&Message {
        r#type: Some(MessageType::Hello.into()),
        hello: Some(Box::new(proto::Hello {
            client_key: Some(Bytes::copy_from_slice(key.as_bytes())),
            ..Default::default()
        })),
        ..Message::default()
    })
}

/// REGISTER and RENDEZVOUS in one segment, as a client of the seed says them.
pub(super) fn join_request(ns: &str, id: &str) -> Bytes {
    let register = Message {
        r#type: Some(MessageType::Register.into()),
        register: vec![proto::Register {
            ns: Some(ns.into()),
            peer: Some(proto::Peer {
                id: Some(id.into()),
                addrs: vec![Bytes::from_static(b"192.0.2.1:7777")],
                ..Default::default()
            }),
            ..Default::default()
        }],
        ..Message::default()
    };
    let rendezvous = Message {
        r#type: Some(MessageType::Rendezvous.into()),
        rendezvous: vec![proto::Rendezvous { ns: Some(ns.into()), ..Default::default() }],
        ..Message::default()
    };
    [wire::message(&register), wire::message(&rendezvous)].concat().into()
}
