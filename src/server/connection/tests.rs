use super::*;
use crate::{
    domain::{Hello, Request},
    hub::HubOptions,
    limits::Limits,
    wire::proto::{self, MessageType},
};
use futures::poll;
use prost::Message as _;
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, DuplexStream, ReadBuf, duplex},
    task::yield_now,
    time::advance,
};

impl Stream for DuplexStream {
    fn allow_silence(&self, _silence: Duration) {}

    fn has_unread(&self) -> bool {
        false
    }
}

/// A way that can be read from, and once it is torn not written to.
struct Torn {
    stream: DuplexStream,
    torn: bool,
}

impl AsyncRead for Torn {
    fn poll_read(mut self: Pin<&mut Self>, context: &mut Context<'_>, into: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(context, into)
    }
}

impl AsyncWrite for Torn {
    fn poll_write(mut self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        if self.torn {
            return Poll::Ready(Err(io::ErrorKind::ConnectionReset.into()));
        }
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl Stream for Torn {
    fn allow_silence(&self, _silence: Duration) {}

    fn has_unread(&self) -> bool {
        false
    }
}

fn exchange() -> Arc<Exchange> {
    let limits = Limits::default();
    let options = HubOptions { limits, limit_private_addresses: false, last_version: 0, seed: [0; 32], state: None };
    Arc::new(Exchange::new(options, None))
}

fn connected_to<S: Stream>(
    exchange: &Arc<Exchange>,
    stream: impl FnOnce(DuplexStream) -> S,
) -> (DuplexStream, Connection<S>) {
    let (client, server) = duplex(1 << 12);
    let observed = ([198, 51, 100, 7], 1).into();
    let local = [192, 0, 2, 1].into();
    let (session, outbox) = exchange.open(observed, local).expect("there is room for it");
    (client, Connection::new(stream(server), exchange.clone(), session, outbox))
}

fn connected() -> (DuplexStream, Connection<DuplexStream>) {
    connected_to(&exchange(), |stream| stream)
}

async fn heard(client: &mut DuplexStream) -> proto::Message {
    let mut length = usize::from(client.read_u8().await.expect("the server says something"));
    if length >= 0x80 {
        length = length - 0x80 + (usize::from(client.read_u8().await.expect("the rest of the length")) << 7);
    }
    let mut body = vec![0; length];
    client.read_exact(&mut body).await.expect("a whole frame");
    proto::Message::decode(&body[..]).expect("the server speaks protobuf")
}

#[tokio::test(start_paused = true)]
async fn a_server_that_stood_still_reads_before_it_judges() {
    let (mut client, mut connection) = connected();
    let question = wire::request(None, &Request::Heartbeat { nonce: 7, reply: false });
    let (half, rest) = question.split_at(3);
    client.write_all(half).await.expect("there is room");
    assert!(poll!(&mut connection).is_pending());
    // The server does not run while the rest comes and the wait passes.
    client.write_all(rest).await.expect("there is room");
    advance(Duration::from_secs(60)).await;
    assert!(poll!(&mut connection).is_pending());
    assert_eq!(heard(&mut client).await.r#type(), MessageType::Heartbeat);

    // One from whom nothing more came is told so.
    client.write_all(half).await.expect("there is room");
    assert!(poll!(&mut connection).is_pending());
    advance(Duration::from_secs(60)).await;
    assert!(poll!(&mut connection).is_pending());
    assert_eq!(heard(&mut client).await.r#type(), MessageType::Status);
}

/// So many milliseconds pass, and what is due then is done.
async fn pass(connection: &mut Connection<DuplexStream>, millis: u64) {
    advance(Duration::from_millis(millis)).await;
    connection.exchange.handle_timeout();
    assert!(poll!(connection).is_pending());
}

fn hello() -> bytes::Bytes {
    let heartbeat = Some(Duration::from_millis(250));
    wire::request(None, &Request::Hello(Hello { heartbeat, ..Hello::default() }))
}

#[tokio::test(start_paused = true)]
async fn who_was_asked_in_vain_is_judged_when_all_that_has_come_is_read() {
    let (mut client, mut connection) = connected();
    client.write_all(&hello()).await.expect("there is room");
    assert!(poll!(&mut connection).is_pending());
    assert_eq!(heard(&mut client).await.r#type(), MessageType::Welcome);
    for round in 0..3 {
        pass(&mut connection, 250).await;
        assert_eq!(heard(&mut client).await.r#type(), MessageType::Heartbeat, "question {round}");
    }
    // What it answers comes before the time is over, and is read after it. Half a
    // frame is a sign of life.
    let answer = wire::request(None, &Request::Heartbeat { nonce: 3, reply: true });
    client.write_all(&answer[..2]).await.expect("there is room");
    pass(&mut connection, 250).await;
    client.write_all(&answer[2..]).await.expect("there is room");
    assert!(poll!(&mut connection).is_pending());

    for round in 0..3 {
        pass(&mut connection, 250).await;
        assert_eq!(heard(&mut client).await.r#type(), MessageType::Heartbeat, "question {round}");
    }
    pass(&mut connection, 249).await;
    assert_eq!(connection.exchange.sessions(), 1);
    pass(&mut connection, 1).await;
    assert_eq!(connection.exchange.sessions(), 0);
    let last = heard(&mut client).await;
    assert_eq!(last.status.expect("a last word").code(), proto::StatusCode::Unavailable);
}

#[tokio::test(start_paused = true)]
async fn who_was_asked_when_nothing_could_be_written_is_asked_anew() {
    let (mut client, mut connection) = connected();
    client.write_all(&hello()).await.expect("there is room");
    assert!(poll!(&mut connection).is_pending());
    assert_eq!(heard(&mut client).await.r#type(), MessageType::Welcome);
    // All questions are asked while the connection has no turn, and the time for an
    // answer is over.
    for _ in 0..4 {
        advance(Duration::from_millis(250)).await;
        connection.exchange.handle_timeout();
    }
    assert!(poll!(&mut connection).is_pending());
    assert_eq!(connection.exchange.sessions(), 1, "it has not heard any of them before");
    for question in 0..3 {
        assert_eq!(heard(&mut client).await.r#type(), MessageType::Heartbeat, "question {question}");
    }
    // All of that was one question: two more follow.
    for question in 1..3 {
        pass(&mut connection, 250).await;
        assert_eq!(heard(&mut client).await.r#type(), MessageType::Heartbeat, "question {question}");
    }
    assert_eq!(connection.exchange.sessions(), 1);
    pass(&mut connection, 250).await;
    assert_eq!(connection.exchange.sessions(), 0);
}

#[tokio::test(start_paused = true)]
async fn what_has_come_counts_though_nothing_can_be_written_any_more() {
    let exchange = exchange();
    let entry = proto::Register { ns: Some("chess".into()), ttl_secs: Some(30), ..Default::default() };
    let message = |kind: MessageType| proto::Message { r#type: Some(kind.into()), ..Default::default() };
    let register = proto::Message { register: vec![entry], ..message(MessageType::Register) };
    let (mut client, mut connection) = connected_to(&exchange, |stream| Torn { stream, torn: false });
    client.write_all(&wire::message(&register)).await.expect("there is room");
    assert!(poll!(&mut connection).is_pending());
    let (mut watcher, mut watching) = connected_to(&exchange, |stream| stream);
    let entry = proto::Rendezvous { ns: Some("chess".into()), ..Default::default() };
    let watch = proto::Message { rendezvous: vec![entry], ..message(MessageType::Rendezvous) };
    watcher.write_all(&wire::message(&watch)).await.expect("there is room");
    assert!(poll!(&mut watching).is_pending());
    assert_eq!(heard(&mut watcher).await.register.len(), 1);

    // It asks for something, says that it leaves, and is gone before it can be told.
    let question = wire::request(None, &Request::Heartbeat { nonce: 1, reply: false });
    let question = wire::inbound(&question[1..], &connection.exchange.limits).expect("it is a request");
    assert_eq!(connection.exchange.receive(connection.session_id(), question), Progress::Finished);
    let entry = proto::Unregister { ns: Some("chess".into()), ..Default::default() };
    let leave = proto::Message { unregister: vec![entry], ..message(MessageType::Unregister) };
    client.write_all(&wire::message(&leave)).await.expect("there is room");
    connection.stream.torn = true;
    assert!(poll!(&mut connection).is_ready());
    assert!(poll!(&mut watching).is_pending());
    let [gone] = &heard(&mut watcher).await.unregister[..] else { panic!("it has left") };
    assert_eq!(gone.reason(), proto::LeaveReason::Unregistered);
}

/// One who has asked much, and does not read the answers.
async fn behind() -> (DuplexStream, Connection<DuplexStream>) {
    let (mut client, mut connection) = connected();
    let question = wire::request(None, &Request::Heartbeat { nonce: u64::MAX, reply: false });
    let questions = [hello(), question.repeat(5_000).into()].concat();
    let mut left = &questions[..];
    while !left.is_empty() {
        if let Poll::Ready(written) = poll!(std::pin::pin!(client.write(left))) {
            left = &left[written.expect("the server reads")..];
        }
        assert!(poll!(&mut connection).is_pending());
        // This task has its turns too.
        yield_now().await;
    }
    (client, connection)
}

#[tokio::test(start_paused = true)]
async fn one_who_reads_what_waits_for_it_is_alive_though_it_says_nothing() {
    let (mut client, mut connection) = behind().await;
    let mut some = [0; 1_024];
    for _ in 0..20 {
        client.read_exact(&mut some).await.expect("its answers wait");
        pass(&mut connection, 200).await;
    }
    assert_eq!(connection.exchange.sessions(), 1);
    for _ in 0..6 {
        pass(&mut connection, 250).await;
    }
    assert_eq!(connection.exchange.sessions(), 0, "it reads no more");
}

/// One that is served by itself. All that it is sent fits on its way, so it keeps up with
/// whatever the server finds the time to write.
fn served(exchange: &Arc<Exchange>) -> DuplexStream {
    let (client, server) = duplex(4 << 20);
    let observed = ([198, 51, 100, 7], 1).into();
    let (session, outbox) = exchange.open(observed, [192, 0, 2, 1].into()).expect("there is room for it");
    tokio::spawn(Connection::new(server, exchange.clone(), session, outbox));
    client
}

/// Says that, and hears the answer.
async fn asks(client: &mut DuplexStream, kind: MessageType, entry: proto::Message) -> proto::Message {
    let message = proto::Message { r#type: Some(kind.into()), request_id: Some(1), ..entry };
    client.write_all(&wire::message(&message)).await.expect("there is room");
    heard(client).await
}

async fn registered(exchange: &Arc<Exchange>, id: &str) -> DuplexStream {
    let mut client = served(exchange);
    let peer = Some(proto::Peer { id: Some(id.into()), ..Default::default() });
    let register = vec![proto::Register { ns: Some("chess".into()), peer, ..Default::default() }];
    let granted = asks(&mut client, MessageType::Register, proto::Message { register, ..Default::default() }).await;
    assert_eq!(granted.register.len(), 1);
    client
}

/// Each of them says something as long as can be, all at the same moment.
async fn all_say(clients: &mut [DuplexStream], to: proto::send::To) {
    let payload = Some(vec![b'x'; 60 * 1024].into());
    let send = vec![proto::Send { ns: Some("chess".into()), to: Some(to), payload, ..Default::default() }];
    let (r#type, request_id) = (Some(MessageType::Send.into()), Some(2));
    let said = wire::message(&proto::Message { r#type, request_id, send, ..Default::default() });
    for client in clients {
        client.write_all(&said).await.expect("there is room");
    }
}

#[tokio::test]
async fn whoever_reads_is_not_busy_because_many_speak_to_it_at_once() {
    let exchange = exchange();
    let _ada = registered(&exchange, "ada").await;
    let mut others = Vec::new();
    for id in 0..12 {
        others.push(registered(&exchange, &format!("peer-{id}")).await);
    }
    all_say(&mut others, proto::send::To::Peer("ada".into())).await;
    for (at, client) in others.iter_mut().enumerate() {
        let code = heard(client).await.status.expect("it is answered").code();
        assert_eq!(code, proto::StatusCode::Ok, "the {at}th of them");
    }
}

#[tokio::test]
async fn whoever_reads_is_not_cut_because_many_speak_to_all_at_once() {
    let exchange = exchange();
    let mut others = Vec::new();
    for id in 0..24 {
        others.push(registered(&exchange, &format!("peer-{id}")).await);
    }
    let mut listener = served(&exchange);
    let rendezvous = vec![proto::Rendezvous { ns: Some("chess".into()), ..Default::default() }];
    let shown = asks(&mut listener, MessageType::Rendezvous, proto::Message { rendezvous, ..Default::default() }).await;
    assert_eq!(shown.register.len(), 24);
    all_say(&mut others, proto::send::To::All(true)).await;
    let mut left: usize = 24 * 60 * 1024;
    while left > 0 {
        let bytes = listener.read(&mut [0; 64 * 1024]).await.expect("it is read from");
        assert!(bytes > 0, "it is cut, and {left} bytes are not told");
        left = left.saturating_sub(bytes);
    }
}
