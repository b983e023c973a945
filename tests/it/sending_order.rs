//! What is sent one after the other is heard one after the other, however fast.

use crate::{client::*, messages::*};
use foregather::wire::proto::{Message, MessageType, StatusCode, send::To};
use prost::Message as _;
use std::io::Read as _;

const NS: &str = "arena";

/// As many as make everything that gathers, waits and wakes happen many times.
const MANY: u64 = 10_000;

/// Reads so many answers, which must all say that it was done, in order.
async fn all_done(client: &mut Client, count: u64) {
    for number in 0..count {
        let answer = client.message().await;
        assert_eq!((answer.request_id, code(&answer)), (Some(number), StatusCode::Ok), "{answer:?}");
    }
}

fn counted(receiver: To, count: u64) -> impl Iterator<Item = Message> {
    (0..count).map(move |number| numbered(number, say(NS, receiver.clone(), number.to_be_bytes().to_vec())))
}

fn count_of(message: &Message) -> u64 {
    u64::from_be_bytes(said(message).payload().try_into().expect("it holds a number"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_one_to_one() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    ada.granted(register(NS, "ada")).await;
    bob.granted(register(NS, "bob")).await;
    let reading = tokio::spawn(async move {
        for number in 0..MANY {
            assert_eq!(count_of(&bob.message().await), number);
        }
        bob.silence().await;
    });
    ada.send(counted(to("bob"), MANY)).await;
    all_done(&mut ada, MANY).await;
    reading.await.expect("it hears all");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn from_two_to_one_each_in_its_own() {
    let server = server_with(|options| options.threads = 2);
    let [mut ada, mut bob, mut cid] = clients(&server).await;
    ada.granted(register(NS, "ada")).await;
    bob.granted(register(NS, "bob")).await;
    cid.granted(register(NS, "cid")).await;
    let reading = tokio::spawn(async move {
        let mut next = [0, 0];
        for _ in 0..2 * MANY {
            let heard = cid.message().await;
            let from = usize::from(said(&heard).from() == "bob");
            assert_eq!(count_of(&heard), next[from], "from {}", said(&heard).from());
            next[from] += 1;
        }
        cid.silence().await;
    });
    let sending = [ada, bob].map(|mut client| {
        tokio::spawn(async move {
            client.send(counted(to("cid"), MANY)).await;
            all_done(&mut client, MANY).await;
        })
    });
    for sender in sending {
        sender.await.expect("all are accepted");
    }
    reading.await.expect("it hears all");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_and_messages_to_one_who_reads_come_as_they_happened() {
    const EACH: usize = 2_000;
    let server = server();
    let [mut ada, mut eve, mut fay] = clients(&server).await;
    ada.granted(register(NS, "ada")).await;
    let name = eve.hello(hello()).await.session.expect("a WELCOME names the session");
    eve.granted(rendezvous(NS)).await;
    fay.granted(rendezvous(NS)).await;
    // A change that both hear, a message to both, one to one of them.
    let each = |number: usize| {
        let (address, text) = (number.to_string(), number.to_string());
        [register_at(NS, "ada", &address), say(NS, To::All(true), text.clone()), say(NS, to(&name), text)]
    };
    let all: Vec<Message> = (0..EACH).flat_map(each).collect();
    let reading = [(eve, true), (fay, false)].map(|(mut client, is_named)| {
        tokio::spawn(async move {
            for number in 0..EACH {
                let expected = number.to_string();
                assert_eq!(addresses(&client.message().await), [expected.as_str()]);
                for _ in 0..1 + usize::from(is_named) {
                    assert_eq!(said(&client.message().await).payload(), expected.as_bytes());
                }
            }
            client.silence().await;
        })
    });
    ada.send(all).await;
    ada.silence().await;
    for reader in reading {
        reader.await.expect("it hears all");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_stand_where_the_messages_of_others_leave_them() {
    // What one who is sent much asks for meanwhile is answered, each once and in order.
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    ada.granted(register(NS, "ada")).await;
    bob.granted(register(NS, "bob")).await;
    let talking = [(ada, "bob"), (bob, "ada")].map(|(mut client, other)| {
        tokio::spawn(async move {
            client.send(counted(to(other), MANY / 2)).await;
            let (mut answers, mut messages) = (0, 0);
            while answers < MANY / 2 || messages < MANY / 2 {
                let heard = client.message().await;
                if heard.r#type() == MessageType::Send {
                    assert_eq!((count_of(&heard), said(&heard).from()), (messages, other));
                    messages += 1;
                } else {
                    assert_eq!((heard.request_id, code(&heard)), (Some(answers), StatusCode::Ok));
                    answers += 1;
                }
            }
            client
        })
    });
    for client in talking {
        client.await.expect("it hears all").silence().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn large_ones_faster_than_anybody_reads_are_refused_or_heard() {
    const LARGE: u64 = 200;
    const BYTES: usize = 60 * 1_024;
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    ada.granted(register(NS, "ada")).await;
    bob.granted(register(NS, "bob")).await;
    let large = |number: u64| {
        let mut payload = number.to_be_bytes().to_vec();
        payload.resize(BYTES, 7);
        numbered(number, say(NS, to("bob"), payload))
    };
    // It reads whatever there is and looks at it later, so that nobody reads faster.
    let mut stream = bob.stream.into_std().expect("a socket");
    stream.set_nonblocking(false).expect("a socket");
    let reading = std::thread::spawn(move || {
        let (mut all, mut buffer) = (Vec::new(), vec![0; 1 << 20]);
        while !all.ends_with(b"last") {
            let count = stream.read(&mut buffer).expect("it is connected");
            assert!(count > 0, "the server closed the connection");
            all.extend_from_slice(&buffer[..count]);
        }
        all
    });
    ada.send((0..LARGE).map(large)).await;
    let (mut accepted, mut refused) = (Vec::new(), 0);
    for number in 0..LARGE {
        let answer = ada.message().await;
        assert_eq!(answer.request_id, Some(number));
        match code(&answer) {
            StatusCode::Ok => accepted.push(number),
            StatusCode::ReceiverBusy => refused += 1,
            other => panic!("{other:?}"),
        }
    }
    println!("{refused} of {LARGE} were refused");
    // As many as may wait for one who reads were taken, before it has read anything.
    assert_eq!(accepted[..4], [0, 1, 2, 3]);
    // What was refused is sent again, and gets there: the receiver is not busy for long.
    let mut again: Vec<u64> = (0..LARGE).filter(|number| !accepted.contains(number)).collect();
    accepted.append(&mut again.clone());
    again.reverse();
    while let Some(&number) = again.last() {
        ada.send([large(number)]).await;
        match code(&ada.message().await) {
            StatusCode::Ok => drop(again.pop()),
            other => assert_eq!(other, StatusCode::ReceiverBusy),
        }
    }
    while code(&ada.ask(1, say(NS, to("bob"), "last")).await) != StatusCode::Ok {}
    let all = reading.join().expect("it hears the last");
    let mut stream = &all[..];
    let mut heard = Vec::new();
    while !stream.is_empty() {
        let message = Message::decode_length_delimited(&mut stream).expect("whole frames");
        heard.push(said(&message).payload().to_vec());
    }
    assert_eq!(heard.pop().as_deref(), Some(&b"last"[..]));
    let heard: Vec<u64> =
        heard.iter().map(|payload| u64::from_be_bytes(payload[..8].try_into().expect("it is long"))).collect();
    assert_eq!(heard, accepted);
}
