//! A game with a secret: who may enter, watch and list it, and that nobody ever
//! reads the secret.

use crate::{client::*, messages::*};
use bytes::Bytes;
use foregather::{
    server::Server,
    wire::proto::{Game, LeaveReason, Message, StatusCode},
};

const NS: &str = "chess/K7QP";
const SECRET: &str = "correct horse battery staple";

fn guarded(secret: &'static str) -> Game {
    Game { secret: Some(Bytes::from_static(secret.as_bytes())), ..Game::default() }
}

/// ada with a game of this secret, and some others.
async fn with_game<const OTHERS: usize>(server: &Server) -> (Client, [Client; OTHERS]) {
    let mut ada = Client::connect(server).await;
    ada.granted(host(NS, "ada", guarded(SECRET))).await;
    (ada, clients(server).await)
}

#[tokio::test]
async fn entering_watching_and_listing_take_the_secret_or_membership() {
    let server = server();
    let (mut ada, [mut bob, mut watcher, mut lister]) = with_game(&server).await;
    for request in [register(NS, "x"), rendezvous(NS), discover(NS)] {
        for wrong in
            ["", "correct horse battery stapl", "correct horse battery staple!", "Correct horse battery staple"]
        {
            lister.refused(with_secret(wrong, request.clone()), StatusCode::WrongSecret).await;
        }
        let refusal = lister.refused(request, StatusCode::WrongSecret).await;
        assert!(refusal.register.is_empty() && refusal.game.is_empty(), "{refusal:?}");
    }
    assert_eq!(ids(&watcher.granted(with_secret(SECRET, rendezvous(NS))).await), ["ada"]);
    bob.granted(with_secret(SECRET, register(NS, "bob"))).await;
    assert_eq!(ids(&watcher.message().await), ["bob"]);
    assert_eq!(ids(&lister.granted(with_secret(SECRET, discover(NS))).await), ["ada", "bob"]);
    // To have listed it once opens nothing.
    lister.refused(discover(NS), StatusCode::WrongSecret).await;
    // A member needs none, and no wrong one stands in its way.
    assert_eq!(ids(&bob.granted(rendezvous(NS)).await), ["ada"]);
    assert_eq!(ids(&bob.granted(with_secret("wrong", discover(NS))).await), ["ada", "bob"]);
    ada.granted(register_at(NS, "ada", "elsewhere")).await;
    assert_eq!(addresses(&bob.message().await), ["elsewhere"]);
    assert_eq!(addresses(&watcher.message().await), ["elsewhere"]);
    // Who has left is a stranger again.
    bob.granted(unregister(NS, None)).await;
    bob.refused(discover(NS), StatusCode::WrongSecret).await;
    bob.refused(register(NS, "bob"), StatusCode::WrongSecret).await;
}

#[tokio::test]
async fn wildcards_show_its_peers_to_members_only() {
    let server = server();
    let (mut ada, [mut bob, mut stranger]) = with_game(&server).await;
    for client in [&mut stranger, &mut bob] {
        for pattern in ["chess/*", "chess/**"] {
            assert!(client.granted(with_secret(SECRET, rendezvous(pattern))).await.register.is_empty());
            assert!(client.granted(discover(pattern)).await.register.is_empty());
        }
        assert_eq!(client.granted(games("chess/*")).await.game[0].needs_secret, Some(true));
    }
    // Whoever becomes a member hears at that moment of those who are there.
    bob.granted(with_secret(SECRET, register(NS, "bob"))).await;
    assert_eq!(bob.settle().await.iter().flat_map(ids).collect::<Vec<_>>(), ["ada"]);
    ada.granted(with_secret(SECRET, register(NS, "ada's other"))).await;
    assert_eq!(ids(&bob.message().await), ["ada's other"]);
    assert_eq!(ids(&bob.granted(discover("chess/*")).await), ["ada", "bob", "ada's other"]);
    bob.granted(unregister(NS, None)).await;
    ada.granted(with_secret(SECRET, register(NS, "a third"))).await;
    ada.granted(unregister(NS, Some("a third"))).await;
    bob.silence().await;
    assert!(bob.granted(discover("chess/*")).await.register.is_empty());
    stranger.silence().await;
}

#[tokio::test]
async fn an_exact_watch_hears_as_long_as_its_secret_is_the_right_one() {
    let server = server();
    let (mut ada, [mut watcher, mut bob]) = with_game(&server).await;
    watcher.granted(with_secret(SECRET, rendezvous(NS))).await;
    let changed = ada.granted(host(NS, "ada", guarded("another"))).await;
    // The change itself is for those who might hear before it.
    assert_eq!(watcher.message().await.game, changed.game);
    bob.granted(with_secret("another", register(NS, "bob"))).await;
    watcher.silence().await;
    watcher.refused(rendezvous(NS), StatusCode::WrongSecret).await;
    watcher.refused(with_secret(SECRET, discover(NS)), StatusCode::WrongSecret).await;
    assert_eq!(ids(&watcher.granted(with_secret("another", rendezvous(NS))).await), ["ada", "bob"]);
    bob.granted(unregister(NS, None)).await;
    assert_eq!(gone(&watcher.message().await), [("bob", LeaveReason::Unregistered)]);
}

#[tokio::test]
async fn a_watch_that_brought_the_secret_once_may_be_repeated_without() {
    let server = server();
    let (mut ada, [mut watcher]) = with_game(&server).await;
    watcher.granted(with_secret(SECRET, rendezvous(NS))).await;
    assert_eq!(ids(&watcher.granted(rendezvous(NS)).await), ["ada"]);
    ada.granted(register_at(NS, "ada", "elsewhere")).await;
    assert_eq!(addresses(&watcher.message().await), ["elsewhere"]);
    // A wrong one is refused, and the watch is as it was.
    watcher.refused(with_secret("wrong", rendezvous(NS)), StatusCode::WrongSecret).await;
    ada.granted(register_at(NS, "ada", "back")).await;
    assert_eq!(addresses(&watcher.message().await), ["back"]);
    // One that was left brings nothing.
    watcher.granted(leave(NS)).await;
    watcher.refused(rendezvous(NS), StatusCode::WrongSecret).await;
}

#[tokio::test]
async fn who_may_hear_only_from_now_on_is_told_who_is_there() {
    let server = server();
    let (mut ada, [mut bob, mut wildcard, mut early]) = with_game(&server).await;
    bob.granted(with_secret(SECRET, register(NS, "bob"))).await;
    wildcard.granted(rendezvous("chess/**")).await;
    // It was there before the game of its secret, and keeps what it brought.
    early.granted(with_secret("soon", rendezvous("chess/soon"))).await;
    for secret in ["", SECRET, ""] {
        ada.granted(host(NS, "ada", guarded(secret))).await;
        let heard = wildcard.settle().await;
        // When it closes it hears that, the last of it.
        let peers: Vec<_> = heard.iter().flat_map(ids).collect();
        assert_eq!(peers, if secret.is_empty() { vec!["ada", "bob"] } else { vec![] }, "{heard:?}");
        let shown: Vec<_> = heard.iter().flat_map(|message| &message.game).map(|game| game.needs_secret()).collect();
        assert_eq!(shown, [!secret.is_empty()]);
        bob.granted(register_at(NS, "bob", &format!("after {secret}"))).await;
        assert_eq!(wildcard.settle().await.len(), usize::from(secret.is_empty()));
    }
    ada.granted(host("chess/soon", "ada", guarded("soon"))).await;
    assert_eq!(ids(&early.message().await), ["ada"]);
}

#[tokio::test]
async fn an_exact_watch_whose_secret_becomes_the_right_one_hears_from_then_on() {
    let server = server();
    let [mut ada, mut watcher] = clients(&server).await;
    ada.granted(host(NS, "ada", Game::default())).await;
    ada.granted(register(NS, "ada's other")).await;
    assert_eq!(watcher.granted(with_secret("later", rendezvous(NS))).await.register.len(), 2);
    ada.granted(host(NS, "ada", guarded("now"))).await;
    assert_eq!(game(&watcher.message().await).needs_secret, Some(true));
    ada.granted(unregister(NS, Some("ada's other"))).await;
    watcher.silence().await;
    ada.granted(host(NS, "ada", guarded("later"))).await;
    let heard = watcher.settle().await;
    assert_eq!(heard.iter().flat_map(ids).collect::<Vec<_>>(), ["ada"], "{heard:?}");
    ada.granted(register_at(NS, "ada", "elsewhere")).await;
    assert_eq!(addresses(&watcher.message().await), ["elsewhere"]);
}

#[tokio::test]
async fn a_stranger_learns_of_nobody_by_trying_to_take_them_out() {
    let server = server();
    let (_ada, [mut bob, mut stranger]) = with_game(&server).await;
    bob.granted(with_secret(SECRET, register(NS, "bob"))).await;
    for id in ["ada", "bob", "nobody"] {
        for request in [unregister(NS, Some(id)), ban(NS, id)] {
            stranger.refused(request, StatusCode::NotFound).await;
        }
    }
    bob.refused(unregister(NS, Some("ada")), StatusCode::NotOwner).await;
    bob.refused(unregister(NS, Some("nobody")), StatusCode::NotFound).await;
}

/// The frames that come until everything sent so far was worked on, as bytes.
async fn raw(client: &mut Client) -> Vec<u8> {
    let marker = 0x0123_4567_89ab_cdef;
    client.send([heartbeat(marker, None)]).await;
    let mut bytes = Vec::new();
    loop {
        let frame = client.frame().await.expect("the connection lives");
        bytes.extend_from_slice(&frame);
        let message = <Message as prost::Message>::decode(frame).expect("the server speaks protobuf");
        if message.heartbeat.is_some_and(|answer| answer.nonce == Some(marker)) {
            return bytes;
        }
    }
}

#[tokio::test]
async fn the_secret_is_never_sent_to_anybody() {
    let server = server();
    let (mut ada, [mut bob, mut list, mut watcher]) = with_game(&server).await;
    list.send([numbered(1, lobby("chess/**")), numbered(2, games(NS)), numbered(3, rendezvous("chess/*"))]).await;
    watcher.send([numbered(1, with_secret(SECRET, rendezvous(NS)))]).await;
    bob.send([
        numbered(1, with_secret(SECRET, register(NS, "bob"))),
        numbered(2, rendezvous(NS)),
        numbered(3, host(NS, "bob", guarded(SECRET))),
        numbered(4, with_secret(SECRET, host("chess//", "bob", guarded(SECRET)))),
        with_secret(SECRET, register(NS, "~")),
        with_secret(&format!("{SECRET}{SECRET}{SECRET}"), register(NS, "b")),
        numbered(5, match_or_create("chess", "robert", guarded(SECRET))),
        numbered(6, with_secret(SECRET, discover(NS))),
    ])
    .await;
    let answers = raw(&mut bob).await;
    ada.send([
        numbered(1, host(NS, "ada", Game { locked: Some(true), ..guarded(SECRET) })),
        numbered(2, host(NS, "ada", Game { attributes: attributes(&[("a", "b")]), ..guarded("") })),
        numbered(3, host(NS, "ada", guarded(SECRET))),
        numbered(4, with_secret(SECRET, unregister(NS, None))),
    ])
    .await;
    let mut all = vec![answers];
    for client in [&mut ada, &mut bob, &mut list, &mut watcher] {
        all.push(raw(client).await);
    }
    for bytes in all {
        assert!(bytes.len() > 100, "it has heard something");
        let shows = bytes.windows(SECRET.len()).any(|window| window == SECRET.as_bytes());
        assert!(!shows, "{}", String::from_utf8_lossy(&bytes));
    }
}

#[tokio::test]
async fn a_crowd_that_may_be_heard_of_from_now_on_is_told_whole_and_nobody_twice() {
    let server = server();
    let (mut ada, [mut eve]) = with_game(&server).await;
    let crowd: Vec<String> = (0..200).map(|number| format!("peer-{number:03}")).collect();
    for id in &crowd {
        ada.granted(register(NS, id)).await;
    }
    assert!(ids(&eve.granted(rendezvous("chess/*")).await).is_empty());
    ada.granted(host(NS, "ada", guarded(""))).await;
    // One comes while the others are being told.
    ada.granted(register(NS, "late")).await;
    let mut heard = Vec::new();
    while heard.len() < crowd.len() + 2 {
        heard.extend(ids(&eve.message().await).into_iter().map(str::to_owned));
    }
    eve.silence().await;
    heard.sort();
    let mut all: Vec<String> = crowd.into_iter().chain(["ada".into(), "late".into()]).collect();
    all.sort();
    assert_eq!(heard, all);
}
