//! `renew`: who came back learns what it still has, and enters nowhere.

use crate::{client::*, messages::*};
use foregather::wire::proto::{Game, StatusCode};

const NS: &str = "chess/K7QP";

#[tokio::test]
async fn what_is_still_there_is_updated() {
    let server = server();
    let [mut ada, mut watcher] = clients(&server).await;
    let first = ada.granted(host(NS, "ada", seats(3))).await;
    watcher.granted(rendezvous(NS)).await;
    let same = ada.granted(renew(NS, "ada")).await;
    assert_eq!((version(&same), &same.game), (version(&first), &first.game));
    watcher.silence().await;

    let mut moved = register_at(NS, "ada", "elsewhere");
    moved.register[0].renew = Some(true);
    let answer = ada.granted(leased(7, moved)).await;
    assert_eq!((addresses(&answer), answer.register[0].ttl_secs), (vec!["elsewhere".to_owned()], Some(7)));
    assert_eq!(addresses(&watcher.message().await), ["elsewhere"]);

    let mut settings = host(NS, "ada", seats(9));
    settings.register[0].renew = Some(true);
    ada.granted(settings).await;
    assert!(watcher.settle().await.iter().any(|message| message.game.iter().any(|game| game.capacity() == 9)));
}

#[tokio::test]
async fn what_is_not_there_stays_away() {
    let server = server();
    let [mut ada, mut bob, mut watcher] = clients(&server).await;
    watcher.granted(rendezvous("chess/**")).await;
    watcher.granted(lobby("chess/**")).await;
    let mut born = host("chess/new", "bob", Game::default());
    born.register[0].renew = Some(true);
    for request in [renew(NS, "bob"), born] {
        bob.refused(request, StatusCode::NotFound).await;
    }
    watcher.silence().await;

    ada.granted(host(NS, "ada", seats(1))).await;
    watcher.settle().await;
    // Neither beside others, nor as one of them, whatever else there is to refuse.
    for id in ["bob", "ada"] {
        bob.refused(renew(NS, id), StatusCode::NotFound).await;
    }
    bob.granted(register("chess/other", "bob")).await;
    watcher.settle().await;
    bob.refused(renew(NS, "bob"), StatusCode::NotFound).await;
    bob.refused(renew("chess/other", "robert"), StatusCode::NotFound).await;
    watcher.silence().await;

    // Without a number it is refused as well, and not silently.
    bob.send([renew(NS, "bob")]).await;
    assert_eq!(code(&bob.message().await), StatusCode::NotFound);
    // Said not to be one, it is none.
    let mut plain = renew("chess/third", "bob");
    plain.register[0].renew = Some(false);
    bob.granted(plain).await;
    assert_eq!(ids(&watcher.message().await), ["bob"]);
}

#[tokio::test]
async fn who_was_taken_out_does_not_come_back_by_it() {
    let server = server();
    let [mut ada, mut bob] = clients(&server).await;
    ada.granted(host(NS, "ada", Game::default())).await;
    bob.granted(register(NS, "bob")).await;
    ada.granted(unregister(NS, Some("bob"))).await;
    bob.settle().await;
    bob.refused(renew(NS, "bob"), StatusCode::NotFound).await;
    assert_eq!(ids(&ada.granted(discover(NS)).await), ["ada"]);
    bob.granted(register(NS, "bob")).await;
    bob.granted(renew(NS, "bob")).await;
}
