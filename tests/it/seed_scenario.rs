//! The scenario on the seed's own page, spoken by a client that was generated
//! from the seed's own messages and has never heard of Foregather.

use crate::{
    client::{Client, PATIENCE, server},
    messages::{ids, rendezvous},
};
use prost::Message as _;
use seed::{Discover, Message, MessageType, Peer, Register, Rendezvous};
use std::net::SocketAddr;
use tokio::{
    io::{AsyncReadExt as _, AsyncWriteExt as _},
    net::TcpStream,
    time::timeout,
};

/// tests/vectors/seed.proto, as prost would generate it.
mod seed {
    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Message {
        #[prost(enumeration = "MessageType", optional, tag = "1")]
        pub r#type: Option<i32>,
        #[prost(message, repeated, tag = "2")]
        pub register: Vec<Register>,
        #[prost(message, repeated, tag = "3")]
        pub unregister: Vec<Unregister>,
        #[prost(message, repeated, tag = "4")]
        pub rendezvous: Vec<Rendezvous>,
        #[prost(message, repeated, tag = "5")]
        pub discovery: Vec<Discover>,
    }

    #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, prost::Enumeration)]
    pub enum MessageType {
        Register = 0,
        Unregister = 1,
        Rendezvous = 2,
        Discover = 3,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Peer {
        #[prost(string, optional, tag = "1")]
        pub id: Option<String>,
        #[prost(bytes = "vec", repeated, tag = "2")]
        pub addrs: Vec<Vec<u8>>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Register {
        #[prost(string, optional, tag = "1")]
        pub ns: Option<String>,
        #[prost(message, optional, tag = "2")]
        pub peer: Option<Peer>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Unregister {
        #[prost(string, optional, tag = "1")]
        pub ns: Option<String>,
        #[prost(message, optional, tag = "2")]
        pub peer: Option<Peer>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Rendezvous {
        #[prost(string, optional, tag = "1")]
        pub ns: Option<String>,
    }

    #[derive(Clone, PartialEq, prost::Message)]
    pub struct Discover {
        #[prost(string, optional, tag = "1")]
        pub namespace: Option<String>,
    }
}

const NS: &str = "my-app";

/// STATUS, which the seed does not know.
const STATUS: i32 = 4;

fn entry(name: &str) -> Register {
    let peer = Peer { id: Some(format!("Qm{name}")), addrs: vec![format!("Address{name}").into_bytes()] };
    Register { ns: Some(NS.into()), peer: Some(peer) }
}

/// REGISTER, as the client sends it and as the server announces and lists it.
fn registered(names: &[&str]) -> Message {
    Message {
        r#type: Some(MessageType::Register.into()),
        register: names.iter().map(|name| entry(name)).collect(),
        ..Message::default()
    }
}

fn enters() -> Message {
    Message {
        r#type: Some(MessageType::Rendezvous.into()),
        rendezvous: vec![Rendezvous { ns: Some(NS.into()) }],
        ..Message::default()
    }
}

fn asks() -> Message {
    Message {
        r#type: Some(MessageType::Discover.into()),
        discovery: vec![Discover { namespace: Some(NS.into()) }],
        ..Message::default()
    }
}

/// The seed's client, down to its framing.
struct SeedClient {
    stream: TcpStream,
    received: Vec<u8>,
}

impl SeedClient {
    async fn connect(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).await.expect("the server listens");
        Self { stream, received: Vec::new() }
    }

    async fn send(&mut self, messages: &[Message]) {
        let bytes: Vec<u8> = messages.iter().flat_map(prost::Message::encode_length_delimited_to_vec).collect();
        self.stream.write_all(&bytes).await.expect("the server reads");
    }

    async fn next(&mut self) -> Option<Message> {
        loop {
            if let Ok(length) = prost::decode_length_delimiter(&self.received[..]) {
                let whole = length + prost::length_delimiter_len(length);
                if self.received.len() >= whole {
                    let frame: Vec<u8> = self.received.drain(..whole).collect();
                    return Some(Message::decode_length_delimited(&frame[..]).expect("the seed's parser reads it"));
                }
            }
            let read = timeout(PATIENCE, self.stream.read_buf(&mut self.received)).await;
            if read.expect("the server said nothing").expect("the connection lives") == 0 {
                return None;
            }
        }
    }

    async fn hears(&mut self, expected: Message) {
        assert_eq!(self.next().await, Some(expected));
    }

    /// Leaves in good order, and proves that nothing was left unheard.
    async fn leaves(mut self) {
        self.stream.shutdown().await.expect("the connection is open");
        assert_eq!(self.next().await, None);
    }
}

#[tokio::test]
async fn the_scenario_of_the_seed_is_heard_word_for_word() {
    let server = server();
    // REGISTER and RENDEZVOUS are silent, so somebody else has to tell when A's
    // are done and B may come.
    let mut bystander = Client::connect(&server).await;
    bystander.send([rendezvous(NS)]).await;
    bystander.silence().await;

    let mut a = SeedClient::connect(server.local_addr()).await;
    a.send(&[registered(&["A"]), enters()]).await;
    assert_eq!(ids(&bystander.message().await), ["QmA"]);

    let mut b = SeedClient::connect(server.local_addr()).await;
    b.send(&[registered(&["B"]), enters()]).await;
    b.hears(registered(&["A"])).await;
    a.hears(registered(&["B"])).await;

    let mut c = SeedClient::connect(server.local_addr()).await;
    c.send(&[registered(&["C"]), enters()]).await;
    c.hears(registered(&["A", "B"])).await;
    a.hears(registered(&["C"])).await;
    b.hears(registered(&["C"])).await;

    // The seed's page shows A and B only; C has not left since.
    let mut d = SeedClient::connect(server.local_addr()).await;
    d.send(&[asks()]).await;
    d.hears(registered(&["A", "B", "C"])).await;
    d.leaves().await;

    let unregistered = |name: &str| Message {
        r#type: Some(MessageType::Unregister.into()),
        unregister: vec![seed::Unregister {
            ns: Some(NS.into()),
            peer: Some(Peer { id: Some(format!("Qm{name}")), addrs: Vec::new() }),
        }],
        ..Message::default()
    };
    // C says so; B only closes its connection. Both sound the same to A.
    c.send(&[unregistered("C")]).await;
    a.hears(unregistered("C")).await;
    b.hears(unregistered("C")).await;
    c.leaves().await;
    b.leaves().await;
    a.hears(unregistered("B")).await;
    a.leaves().await;
}

#[tokio::test]
async fn a_client_of_the_seed_hears_of_a_refusal_and_of_nothing_else_it_does_not_know() {
    let server = server();
    let mut client = SeedClient::connect(server.local_addr()).await;
    let mut nowhere = registered(&["A"]);
    nowhere.register[0].ns = Some("no//where".into());
    // A refused entry, then what is answered with an empty list, silence, and a list.
    client.send(&[nowhere, asks(), enters(), registered(&["A"]), asks()]).await;
    let refusal = client.next().await.expect("a refusal is not silent");
    assert_eq!(refusal, Message { r#type: Some(STATUS), ..Message::default() });
    client.hears(registered(&[])).await;
    client.hears(registered(&["A"])).await;
    client.leaves().await;
}
