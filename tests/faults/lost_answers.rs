//! Answers that do not arrive: what they would have said can be asked for again.

use crate::{client::Client, messages::*, network::*, watching::*};
use foregather::wire::proto::StatusCode;
use std::time::Instant;

#[test]
fn a_welcome_that_is_lost() {
    in_a_network_of_its_own("lost_answers::a_welcome_that_is_lost", async {
        let cable = Cable::lay();
        let server = cable.server(&[]);
        let mut watcher = watcher(&server).await;
        let mut ada = cable.client_at(FAR, address(&server));
        let welcome = ada.hello(wishing(60_000)).await;
        ada.granted(leased(LONG, register(NS, "ada"))).await;
        becomes(&mut watcher, "ada", PRESENT).await;
        for gives_up in [false, true] {
            ada.reset();
            becomes(&mut watcher, "ada", AWAY).await;
            let mut unlucky = cable.client_at(FAR, address(&server));
            cable.cut_one_way();
            // What it pipelines is done, and answered as little.
            unlucky.send([resuming(token(&welcome)), leased(LONG, renew(NS, "ada"))]).await;
            becomes(&mut watcher, "ada", PRESENT).await;
            if gives_up {
                unlucky.reset();
                becomes(&mut watcher, "ada", AWAY).await;
                cable.mend_one_way();
            } else {
                // It takes its cable for dead and tries another connection.
                cable.mend_one_way();
                let mut other = cable.client_at(FAR, address(&server));
                assert!(other.hello(resuming(token(&welcome))).await.resumed());
                watcher.silence().await;
                drop(unlucky);
                ada = other;
                continue;
            }
            let mut other = cable.client_at(FAR, address(&server));
            let again = other.hello(resuming(token(&welcome))).await;
            assert_eq!((again.resumed(), &again.session), (true, &welcome.session));
            becomes(&mut watcher, "ada", PRESENT).await;
            ada = other;
        }
        watcher.silence().await;
        ada.granted(leased(LONG, renew(NS, "ada"))).await;
    });
}

#[test]
fn a_seat_whose_answer_is_lost() {
    in_a_network_of_its_own("lost_answers::a_seat_whose_answer_is_lost", async {
        let cable = Cable::lay();
        let server = cable.server(&["--heartbeat-ms", "300"]);
        let mut watcher = watcher_of(address(&server), "pool/*").await;
        let mut unlucky = cable.client_at(FAR, address(&server));
        cable.cut_one_way();
        unlucky
            .send([keyed("ada's computer"), numbered(2, leased(LONG, match_or_create("pool", "ada", seats(4))))])
            .await;
        becomes(&mut watcher, "ada", PRESENT).await;
        // It never saw a token. Its key gets it the same seat, and nobody hears of it.
        cable.mend_one_way();
        let mut again = Client::connect_to(address(&server)).await;
        again.hello(keyed("ada's computer")).await;
        let begun = Instant::now();
        let seat = again.granted(leased(LONG, match_or_create("pool", "ada", seats(4)))).await;
        assert_eq!((game(&seat).owner(), game(&seat).members()), ("ada", 1));
        watcher.silence().await;
        assert!(begun.elapsed() < BOUND, "nobody had to be timed out for it");
        let other = again.refused(renew("pool/nowhere", "ada"), StatusCode::NotFound).await;
        assert!(other.register.is_empty());
    });
}

#[tokio::test]
async fn connections_that_end_at_any_moment_around_their_hello() {
    let server = crate::program::Server::start();
    let mut watcher = watcher(&server).await;
    let (ada, welcome) = peer_of(address(&server), "ada", LONG).await;
    becomes(&mut watcher, "ada", PRESENT).await;
    drop(ada);
    becomes(&mut watcher, "ada", AWAY).await;
    let requests = [resuming(token(&welcome)), leased(LONG, renew(NS, "ada"))];
    let bytes: Vec<u8> = requests.iter().flat_map(|request| frame(request).to_vec()).collect();
    for sent in 0..=bytes.len() {
        for ends_at_once in [true, false] {
            let mut client = Client::connect_to(address(&server)).await;
            client.send_bytes(&bytes[..sent]).await;
            if !ends_at_once {
                client.half_close().await;
                while client.next().await.is_some() {}
            }
            client.reset();
        }
    }
    let mut last = Client::connect_to(address(&server)).await;
    assert!(last.hello(resuming(token(&welcome))).await.resumed());
    // It was away and there in turn, and never gone; it is there in the end.
    let heard = watcher.settle().await;
    let states: Vec<_> = heard.iter().flat_map(states).map(|(_, state)| state).collect();
    assert!(states.windows(2).all(|pair| pair[0] != pair[1]), "{states:?}");
    assert_eq!((states.first(), states.last()), (Some(&PRESENT), Some(&PRESENT)));
    assert!(states.len() > bytes.len() / 2, "hardly any HELLO came through: {}", states.len());
}
