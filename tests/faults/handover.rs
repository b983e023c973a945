//! A server that takes over from another one on the same address with the same state:
//! whoever connects reaches one of the two, and everybody has what they had.

use crate::{
    client::*,
    folder::Folder,
    messages::*,
    program::{Program, Server, foregather},
};
use foregather::wire::proto::{MessageType, RegistrationState, StatusCode};
use std::{
    cell::{Cell, RefCell},
    collections::BTreeMap,
    net::SocketAddr,
};
use tokio::{net::TcpStream, time::timeout};

/// Who connects again and again, at once.
const CALLERS: usize = 16;

/// Who has a seat.
const MEMBERS: usize = 60;

/// What became of those who connected.
#[derive(Default)]
struct Calls {
    over: Cell<bool>,
    ends: RefCell<BTreeMap<&'static str, usize>>,
}

impl Calls {
    fn count(&self, end: &str) -> usize {
        self.ends.borrow().get(end).copied().unwrap_or(0)
    }

    async fn call(&self, address: SocketAddr) {
        while !self.over.get() {
            let stream = timeout(PATIENCE, TcpStream::connect(address)).await.expect("nobody answers");
            let mut client = Client::on(stream.expect("somebody listens at any time"));
            client.send_or_lost(numbered(1, hello())).await;
            let first = client.next().await.expect("nobody is cut off without a word");
            let end = match first.r#type() {
                MessageType::Welcome => "welcome",
                MessageType::Status if code(&first) == StatusCode::ShuttingDown => {
                    assert!(first.status.as_ref().is_some_and(|status| status.retry_after_ms.is_some()), "{first:?}");
                    "shutting down"
                }
                _ => panic!("{first:?}"),
            };
            *self.ends.borrow_mut().entry(end).or_default() += 1;
            // Tens of thousands of them would use up the ports of this machine.
            client.reset();
        }
    }
}

/// Has a seat, loses its connection so many times, and is told so; each time it goes on.
async fn stay(address: SocketAddr, number: usize, times: usize, settled: &Cell<usize>) {
    let (ns, id) = (format!("chess/{}", number / 4), format!("player-{number}"));
    let mut client = Client::connect_to(address).await;
    let mut resume = token(&client.hello(wishing(60_000)).await).clone();
    client.granted(leased(60, register(&ns, &id))).await;
    settled.set(settled.get() + 1);
    for time in 1..=times {
        client.ended_with(StatusCode::ShuttingDown).await;
        loop {
            client = Client::connect_to(address).await;
            client.send_or_lost(numbered(1, resuming(&resume))).await;
            let first = client.next().await.expect("nobody is cut off without a word");
            if first.r#type() != MessageType::Welcome {
                assert_eq!(code(&first), StatusCode::ShuttingDown, "{first:?}");
                continue;
            }
            let welcome = welcome(&first);
            assert!(welcome.resumed(), "{id} has to begin anew, at handover {time}");
            resume = token(welcome).clone();
            break;
        }
        client.granted(leased(60, renew(&ns, &id))).await;
        settled.set(settled.get() + 1);
    }
    while settled.get() < (times + 1) * MEMBERS {
        client.silence().await;
    }
}

fn waits(program: &Program) {
    loop {
        if program.error_line().contains("waiting for it to end") {
            return;
        }
    }
}

#[tokio::test]
async fn whoever_connects_while_one_server_takes_over_from_another_is_served_or_told_to_come_back() {
    const TIMES: usize = 3;
    let folder = Folder::new("handover");
    let path = folder.file("server.state");
    let path = path.to_str().expect("it is UTF-8 here");
    let flags = ["--state", path, "--shutdown-retry-ms", "50", "--linger-ms", "100"];
    let mut server = Server::start_with(&flags);
    let address: SocketAddr = server.address.parse().expect("it says where it listens");
    let (calls, settled) = (Calls::default(), Cell::new(0));

    let rolling = async {
        for time in 1..=TIMES {
            while settled.get() < time * MEMBERS {
                tokio::task::yield_now().await;
            }
            let arguments = ["serve", "--json", "--listen", &server.address, "--advertise", "192.0.2.1"];
            let next = Program::start(foregather(&arguments).args(flags));
            // These wait for processes, while everybody else goes on.
            let next = tokio::task::spawn_blocking(move || {
                waits(&next);
                next
            });
            let next = next.await.expect("it waits for the other one");
            server.program.signal("TERM");
            let (next, listening) = tokio::task::spawn_blocking(move || {
                let listening = next.json();
                (next, listening)
            })
            .await
            .expect("it listens when the other one ends");
            assert_eq!(listening["address"], server.address.as_str());
            let before = std::mem::replace(&mut server.program, next);
            let ended = tokio::task::spawn_blocking(|| before.finish()).await.expect("it ends");
            assert_eq!(ended.code(), 0, "{}", ended.stderr);
        }
    };
    let members = async {
        futures::future::join_all((0..MEMBERS).map(|number| stay(address, number, TIMES, &settled))).await;
    };
    let work = async {
        tokio::join!(rolling, members);
        calls.over.set(true);
    };
    let callers = futures::future::join_all((0..CALLERS).map(|_| calls.call(address)));
    tokio::join!(work, callers);

    let (served, turned_away) = (calls.count("welcome"), calls.count("shutting down"));
    println!("{served} of those who connected were served, {turned_away} were told to come back, none was refused");
    assert!(served > 0 && turned_away > 0, "nobody came at the moment that matters");
    let mut client = Client::connect_to(address).await;
    let all = client.pages("chess/*", None).await;
    assert_eq!(all.register.len(), MEMBERS, "nobody has two seats");
    assert!(
        states(&all).iter().all(|(_, state)| [RegistrationState::Present, RegistrationState::Away].contains(state))
    );
}

#[test]
fn a_server_with_another_state_does_not_share_the_address() {
    let folder = Folder::new("not-shared");
    let [one, other] = ["one.state", "other.state"].map(|name| folder.file(name).display().to_string());
    let server = Server::start_with(&["--state", &one]);
    for flags in [&["--state", other.as_str()][..], &[]] {
        let mut command = foregather(&["serve", "--listen", &server.address]);
        let second = Program::start(command.args(flags)).finish();
        assert_eq!(second.code(), 71, "{}", second.stderr);
        assert!(second.stderr.contains("cannot listen on"), "{}", second.stderr);
    }
    // Nor does one that would wait for the state, where a server listens that has none.
    let stateless = Server::start();
    let second = Program::start(&mut foregather(&["serve", "--listen", &stateless.address, "--state", &one])).finish();
    assert_eq!(second.code(), 71, "{}", second.stderr);
    assert!(second.stderr.contains("cannot listen on"), "{}", second.stderr);
}
