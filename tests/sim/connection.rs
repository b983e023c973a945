use crate::{
    client::{Client, Dialect},
    dice::Dice,
    scenario::Scenario,
};
use bytes::BytesMut;
use foregather::{
    domain::{Code, SessionId},
    wire::{FrameCodec, proto::Message},
};
use prost::{
    Message as _,
    encoding::{encode_varint, encoded_len_varint},
};
use std::{
    collections::VecDeque,
    net::{IpAddr, SocketAddr},
};

/// Bodies that are no message: a wrong wire type, a field number 0, a length
/// beyond the end, a namespace that is not UTF-8.
const NO_MESSAGES: &[&[u8]] = &[&[0x32, 0], &[0x07], &[0x12, 5, 1], &[0x12, 3, 0x0a, 1, 0xff]];

/// What a client has sent, as it meant it.
pub enum Sent {
    Message(Box<Message>),
    /// Bytes that end the connection, with this code.
    Broken(Code),
}

/// A client and its way to the hub.
pub struct Connection {
    pub session: SessionId,
    pub client: Client,
    /// Bytes on their way to the hub.
    pub underway: BytesMut,
    /// Bytes that have arrived and are not worked on.
    pub arrived: BytesMut,
    pub codec: FrameCodec,
    /// What the bytes hold, frame by frame.
    pub sent: VecDeque<Sent>,
    /// The hub has not finished the last frame.
    pub unfinished: bool,
    /// The client sends no more, and goes when all is answered.
    pub half_closed: bool,
    /// The client is gone, and the server does not know.
    pub abandoned: bool,
    /// The server has said its last word.
    pub ended: bool,
    /// The server wants to know whether anything has come.
    pub examined: bool,
    /// Something has arrived that the hub was not told of.
    pub unheard: bool,
    /// The client says nothing, not even that it lives.
    pub silent: bool,
}

impl Connection {
    pub fn new(dice: &mut Dice, scenario: &Scenario, session: SessionId) -> Self {
        let dialect =
            if dice.chance(scenario.seed_dialect) { Dialect::Seed { watches: dice.chance(60) } } else { Dialect::Own };
        let frame_bytes = scenario.limits.frame_bytes;
        Self {
            session,
            client: Client::new(dialect, frame_bytes, scenario.games.is_some()),
            underway: BytesMut::new(),
            arrived: BytesMut::new(),
            codec: FrameCodec::new(frame_bytes),
            sent: VecDeque::new(),
            unfinished: false,
            half_closed: false,
            abandoned: false,
            ended: false,
            examined: false,
            unheard: false,
            silent: false,
        }
    }

    pub fn send(&mut self, message: Message, frame_bytes: usize) {
        message.encode_length_delimited(&mut self.underway).expect("the buffer grows");
        let fits = message.encoded_len() <= frame_bytes;
        self.sent.push_back(if fits { Sent::Message(Box::new(message)) } else { Sent::Broken(Code::TooLarge) });
    }

    /// Sends what no client should.
    pub fn send_garbage(&mut self, dice: &mut Dice, frame_bytes: usize) {
        let code = match dice.below(4) {
            0 => {
                encode_varint(frame_bytes as u64 + 1, &mut self.underway);
                Code::TooLarge
            }
            1 => {
                self.underway.extend_from_slice(if dice.chance(50) { &[0x80, 0] } else { &[0xff; 10] });
                Code::InvalidMessage
            }
            _ => {
                let body = *dice.pick(NO_MESSAGES);
                self.underway.reserve(encoded_len_varint(body.len() as u64) + body.len());
                encode_varint(body.len() as u64, &mut self.underway);
                self.underway.extend_from_slice(body);
                Code::InvalidMessage
            }
        };
        self.sent.push_back(Sent::Broken(code));
    }
}

/// Where a connection comes from, and what others reach it by.
pub fn origin(dice: &mut Dice) -> (SocketAddr, IpAddr) {
    let ip: IpAddr = (*dice.pick(&[
        "127.0.0.1",
        "10.0.0.7",
        "192.0.2.1",
        "192.0.2.2",
        "2001:db8::1",
        "2001:db8::2",
        "2001:db8:0:1::1",
        "::1",
    ]))
    .parse()
    .expect("these are addresses");
    let port = u16::try_from(dice.within(1_024..=65_535)).expect("it is a port");
    let advertised = "198.51.100.9".parse().expect("this is an address");
    (SocketAddr::new(ip, port), if ip.is_loopback() { advertised } else { ip })
}
