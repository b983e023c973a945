//! Who looks on: a client without HELLO, which is never asked for anything and
//! hears of everything.

use crate::{client::*, messages::*, program::Server};
use foregather::wire::proto::{LeaveReason, Message, MessageType, RegistrationState, Welcome};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};
use tokio::time::timeout;

pub const NS: &str = "chess/K7QP";
pub const AWAY: RegistrationState = RegistrationState::Away;
pub const PRESENT: RegistrationState = RegistrationState::Present;

/// Longer than any test takes.
pub const LONG: u32 = 600;

/// How much later than it is due something may be heard: the machine is shared.
pub const SLACK: Duration = Duration::from_millis(300);

/// Sixteen times as often as if nothing is set.
pub const HEARTBEAT_MS: u32 = 300;

/// How often a server asks if nothing else is set.
pub const RETRIES: u32 = 3;

pub const INTERVAL: Duration = Duration::from_millis(HEARTBEAT_MS as u64);

/// How long a ghost may live.
pub const BOUND: Duration = Duration::from_millis(HEARTBEAT_MS as u64 * (RETRIES as u64 + 1));

pub fn address(server: &Server) -> SocketAddr {
    server.address.parse().expect("it says where it listens")
}

/// A client in rendezvous there.
pub async fn watcher(server: &Server) -> Client {
    watcher_of(address(server), NS).await
}

pub async fn watcher_of(server: SocketAddr, pattern: &str) -> Client {
    let mut watcher = Client::connect_to(server).await;
    watcher.granted(rendezvous(pattern)).await;
    watcher
}

/// A client that has said HELLO, and that peer with that lease.
pub async fn peer_of(server: SocketAddr, id: &str, ttl_secs: u32) -> (Client, Welcome) {
    let mut client = Client::connect_to(server).await;
    let welcome = client.hello(wishing(HEARTBEAT_MS)).await;
    client.granted(leased(ttl_secs, register(NS, id))).await;
    (client, welcome)
}

/// What is heard within that time, which must be nothing. That time passes is what
/// these tests are about: it is the fault that lasts so long.
pub async fn nothing_for(watcher: &mut Client, time: Duration) {
    if let Ok(heard) = timeout(time, watcher.next()).await {
        panic!("there was something to hear: {heard:?}");
    }
}

/// That one left, and when that was heard.
pub async fn leaves(watcher: &mut Client, id: &str, reason: LeaveReason) -> Instant {
    let heard = watcher.message().await;
    assert_eq!(gone(&heard), [(id, reason)]);
    Instant::now()
}

/// That one is in this state from now on, and when that was heard.
pub async fn becomes(watcher: &mut Client, id: &str, state: RegistrationState) -> Instant {
    let heard = watcher.message().await;
    assert_eq!(heard.r#type(), MessageType::Register, "{heard:?}");
    assert_eq!(states(&heard), [(id, state)]);
    Instant::now()
}

/// Answers for its client until the connection ends, and returns what ended it.
pub async fn answer_heartbeats(mut client: Client) -> Option<Message> {
    loop {
        let message = client.next().await?;
        match &message.heartbeat {
            Some(question) => client.send_or_lost(heartbeat(question.nonce(), Some(true))).await,
            None => return Some(message),
        }
    }
}
