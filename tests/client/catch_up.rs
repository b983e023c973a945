//! Clients that come back to where they were, and what they are told of the time in
//! between.

use super::{PATIENCE, connect, current, proxy::Proxy, server, server_with};
use foregather::{
    client::{Client, ClientError, ClientOptions, Entry, Event, Events, GameOptions, Peer, Return, Seat, State},
    server::Server,
};
use std::time::Duration;
use tokio::time::timeout;

const NS: &str = "chess/K7QP";

fn peer(id: &str) -> Peer {
    Peer::new().id(id).address(":7777")
}

async fn next(events: &mut Events) -> Event {
    timeout(PATIENCE, events.next()).await.expect("an event in time").expect("the stream goes on")
}

/// What happens up to the coming of that peer, as text.
async fn told(events: &mut Events, last: &str) -> Vec<String> {
    let mut told = Vec::new();
    loop {
        told.push(match next(events).await {
            Event::Registered(peer) if peer.id.as_str() == last => return told,
            Event::Registered(peer) => format!("+{}", peer.id),
            Event::Updated(peer) => format!("{}{}", if peer.away { "~" } else { "=" }, peer.id),
            Event::Unregistered { last, reason, .. } => format!("-{} {}", last.id, reason.name()),
            Event::Game(game) => format!("game {}/{}", game.ns, game.capacity),
            other => panic!("{other:?}"),
        });
    }
}

/// Ends the client's connection, and returns when it has noticed.
async fn cut(proxy: &Proxy, client: &Client) {
    let mut states = client.states();
    proxy.shut(true);
    proxy.cut();
    let lost = async { while !matches!(states.next().await, Some(State::Reconnecting { .. })) {} };
    timeout(PATIENCE, lost).await.expect("it notices in time");
}

/// Two who stay, and one who leaves when it is told to.
async fn table(server: &Server) -> Result<(Client, Seat, Client), ClientError> {
    let (ada, dan) = (connect(server).await, connect(server).await);
    let hers = ada.host(NS, peer("ada"), GameOptions::new().capacity(8)).await?;
    for id in ["bob", "cat"] {
        dan.register(NS, peer(id)).await?;
    }
    Ok((ada, hers, dan))
}

/// What one is told of, by events and in its roster, that was away while all that
/// happened.
async fn meanwhile(server: &Server) -> Result<Vec<String>, ClientError> {
    let proxy = Proxy::before(server.local_addr()).await;
    let watcher = Client::connect(proxy.address).await?;
    let (ada, hers, dan) = table(server).await?;
    let mut events = watcher.rendezvous(NS).await?;
    assert_eq!(current(&mut events).await, ["ada", "bob", "cat"]);

    cut(&proxy, &watcher).await;
    let bob = events.roster().find(|peer| peer.id.as_str() == "bob").expect("he is there");
    hers.kick(&bob.id, Return::Allowed).await?;
    dan.register(NS, peer("guest")).await?;
    dan.unregister_all(NS).await?;
    dan.register(NS, peer("cat")).await?;
    hers.update(GameOptions::new().capacity(5)).await?;
    hers.update_peer(peer("ada").attribute("ready", "yes")).await?;
    proxy.shut(false);
    let mut states = watcher.states();
    while !matches!(states.now(), State::Connected) {
        timeout(PATIENCE, states.next()).await.expect("it is back in time").expect("it is back");
    }
    // What it is answered then stands behind what it has missed.
    watcher.discover(NS).await?;
    ada.register(NS, peer("last")).await?;
    let told = told(&mut events, "last").await;
    assert_eq!(events.roster().collect::<Vec<_>>(), dan.discover(NS).await?.sorted());
    Ok(told)
}

trait Sorted {
    fn sorted(self) -> Self;
}

impl Sorted for Vec<std::sync::Arc<foregather::client::Registration>> {
    fn sorted(mut self) -> Self {
        self.sort_by(|one, other| one.id.cmp(&other.id));
        self
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_was_missed_is_told_as_it_happened() -> Result<(), ClientError> {
    let told = meanwhile(&server()).await?;
    assert_eq!(told, ["game chess/K7QP/5", "-bob KICKED", "=cat", "=ada"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn what_nobody_remembers_is_told_by_what_it_has_come_to() -> Result<(), ClientError> {
    let mut told = meanwhile(&server_with(|options| options.limits.history_changes = 3)).await?;
    told.sort();
    assert_eq!(told, ["-bob UNREGISTERED", "=ada", "=cat", "game chess/K7QP/5"]);
    Ok(())
}

#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn seats_go_on_from_where_they_were() -> Result<(), ClientError> {
    let server = server();
    let proxy = Proxy::before(server.local_addr()).await;
    let ada = ClientOptions::new().lease(Duration::from_secs(60)).connect(proxy.address).await?;
    let (bob, mut hers) = (connect(&server).await, ada.host(NS, peer("ada"), GameOptions::new()).await?);
    let mut his = bob.join(NS, peer("bob"), Entry::new()).await?;
    while !matches!(next(hers.events_mut()).await, Event::Registered(_)) {}
    for round in 0..3 {
        cut(&proxy, &ada).await;
        let joined = bob.join(NS, peer("eve"), Entry::new()).await?;
        his.update_peer(peer("bob").attribute("round", round.to_string())).await?;
        joined.leave().await?;
        proxy.shut(false);
        loop {
            match next(hers.events_mut()).await {
                Event::Updated(bob) => {
                    assert_eq!(bob.attributes["round"], round.to_string());
                    break;
                }
                // She may have been back before eve was gone.
                Event::Registered(peer) if peer.id.as_str() == "eve" => {}
                other => panic!("{other:?}"),
            }
        }
    }
    assert!(hers.is_owner());
    while his.roster().any(|peer| peer.away) {
        next(his.events_mut()).await;
    }
    Ok(())
}

/// Members whom a secret has hidden are told when it hides them no longer, in whatever
/// order they had come and changed.
#[tokio::test(flavor = "multi_thread", worker_threads = 1)]
async fn whom_a_secret_has_hidden_is_told_whole() -> Result<(), ClientError> {
    let server = server();
    let proxy = Proxy::before(server.local_addr()).await;
    let watcher = Client::connect(proxy.address).await?;
    let ada = connect(&server).await;
    let hers = ada.host(NS, peer("ada"), GameOptions::new()).await?;
    let mut events = watcher.rendezvous(NS).await?;
    assert_eq!(current(&mut events).await, ["ada"]);
    hers.update(GameOptions::new().secret("hush")).await?;
    let bob = connect(&server).await;
    let his = bob.join(NS, peer("bob"), Entry::new().secret("hush")).await?;
    let _cats = bob.join(NS, peer("cat"), Entry::new().secret("hush")).await?;
    his.update_peer(peer("bob").attribute("ready", "yes")).await?;
    hers.update(GameOptions::new().secret("")).await?;
    let mut seen = Vec::new();
    while seen.len() < 2 {
        if let Event::Registered(peer) = next(&mut events).await {
            seen.push(peer.id.to_string());
        }
    }
    seen.sort();
    assert_eq!(seen, ["bob", "cat"]);

    // Nor is anybody missed by one that was not there when it happened.
    hers.update(GameOptions::new().secret("hush")).await?;
    bob.register(NS, peer("dog")).await.expect("he is a member");
    cut(&proxy, &watcher).await;
    hers.update(GameOptions::new().secret("")).await?;
    proxy.shut(false);
    timeout(PATIENCE, async {
        while events.roster().count() < 4 {
            events.next().await;
        }
    })
    .await
    .expect("in time");
    Ok(())
}
