//! Cables that are pulled: nobody is told that the other end is gone, so it is
//! silence that tells, and for how long is published.

use crate::{client::Client, messages::*, network::*, watching::*};
use foregather::wire::proto::{LeaveReason, StatusCode};
use std::{
    net::SocketAddr,
    time::{Duration, Instant},
};

/// A client at the far end that has said HELLO, with that peer.
async fn far_peer(cable: &Cable, server: SocketAddr, id: &str, ttl_secs: u32) -> (Client, bytes::Bytes) {
    let mut client = cable.client_at(FAR, server);
    let welcome = client.hello(wishing(HEARTBEAT_MS)).await;
    client.granted(leased(ttl_secs, register(NS, id))).await;
    (client, token(&welcome).clone())
}

/// What was heard of whoever is beyond a cable that was cut between these two
/// moments is within the bound, and not early by more than one interval.
fn assert_at_the_bound(heard: Instant, before_cut: Instant, after_cut: Instant) {
    let (at_least, at_most) = (heard - after_cut, heard - before_cut);
    assert!(at_most >= BOUND - INTERVAL, "it is judged early: {at_most:?} after the cut");
    assert!(at_least <= BOUND + SLACK, "it is judged late: {at_least:?} after the cut");
}

#[test]
fn a_cable_that_is_cut_to_who_has_no_lease() {
    in_a_network_of_its_own("half_open::a_cable_that_is_cut_to_who_has_no_lease", async {
        let cable = Cable::lay();
        let server = cable.server(&[]);
        let mut watcher = watcher(&server).await;
        let (ada, _) = far_peer(&cable, address(&server), "ada", 0).await;
        becomes(&mut watcher, "ada", PRESENT).await;
        let ada = tokio::spawn(answer_heartbeats(ada));
        // She answers: she is there for longer than the bound.
        nothing_for(&mut watcher, BOUND * 3 / 2).await;
        let before = Instant::now();
        cable.cut();
        let after = Instant::now();
        let heard = leaves(&mut watcher, "ada", LeaveReason::TimedOut).await;
        assert_at_the_bound(heard, before, after);
        nothing_for(&mut watcher, INTERVAL).await;
        // When it is mended her machine learns that nobody knows it any more.
        cable.mend();
        ada.await.expect("it ends");
        watcher.silence().await;
    });
}

#[test]
fn a_cable_that_is_cut_to_who_has_a_lease() {
    in_a_network_of_its_own("half_open::a_cable_that_is_cut_to_who_has_a_lease", async {
        let cable = Cable::lay();
        let server = cable.server(&[]);
        let mut watcher = watcher(&server).await;
        let (ada, token) = far_peer(&cable, address(&server), "ada", LONG).await;
        becomes(&mut watcher, "ada", PRESENT).await;
        let ada = tokio::spawn(answer_heartbeats(ada));
        let before = Instant::now();
        cable.cut();
        let after = Instant::now();
        let heard = becomes(&mut watcher, "ada", AWAY).await;
        assert_at_the_bound(heard, before, after);
        cable.mend();
        let mut again = cable.client_at(FAR, address(&server));
        assert!(again.hello(resuming(&token)).await.resumed());
        becomes(&mut watcher, "ada", PRESENT).await;
        // The old connection dies by and by.
        ada.await.expect("it ends");
        again.granted(leased(LONG, renew(NS, "ada"))).await;
        watcher.silence().await;
    });
}

#[test]
fn a_cable_that_is_mended_before_the_bound() {
    in_a_network_of_its_own("half_open::a_cable_that_is_mended_before_the_bound", async {
        let cable = Cable::lay();
        // The kernel's own bound would be over by then; it is raised to the client's.
        let server = cable.server(&["--silence-ms", "1_000", "--heartbeat-retries", "9"]);
        let bound = INTERVAL * 10;
        let mut watcher = watcher(&server).await;
        let (mut ada, _) = far_peer(&cable, address(&server), "ada", 0).await;
        becomes(&mut watcher, "ada", PRESENT).await;
        ada.silence().await;
        cable.cut();
        // It is on its way when the cable is mended, and the kernel brings it.
        ada.send([register_at(NS, "ada", "elsewhere")]).await;
        let ada = tokio::spawn(answer_heartbeats(ada));
        nothing_for(&mut watcher, bound / 2).await;
        cable.mend();
        assert_eq!(addresses(&watcher.message().await), ["elsewhere"]);
        nothing_for(&mut watcher, bound * 5 / 4).await;
        assert!(!ada.is_finished());
    });
}

#[test]
fn a_session_that_comes_back_before_the_loss_is_noticed() {
    in_a_network_of_its_own("half_open::a_session_that_comes_back_before_the_loss_is_noticed", async {
        let cable = Cable::lay();
        let server = cable.server(&[]);
        let mut watcher = watcher(&server).await;
        let mut ada = cable.client_at(FAR, address(&server));
        let welcome = ada.hello(wishing(HEARTBEAT_MS)).await;
        ada.granted(register_at(NS, "ada", "0.0.0.0:7777")).await;
        assert_eq!(addresses(&watcher.message().await), ["10.77.0.2:7777"]);
        ada.granted(register_at("elsewhere", "ada", "198.51.100.7:7777")).await;
        watcher.granted(rendezvous("elsewhere")).await;
        cable.cut();
        // It has moved: another address, another network.
        cable.mend();
        let mut again = cable.client_at(FARTHER, address(&server));
        let resumed = again.hello(resuming(token(&welcome))).await;
        assert_eq!((resumed.resumed(), &resumed.session), (true, &welcome.session));
        // Only what the server had filled in is another now, and told.
        let moved = watcher.message().await;
        assert_eq!((addresses(&moved), states(&moved)), (vec!["10.77.0.3:7777".to_owned()], vec![("ada", PRESENT)]));
        ada.ended_with(StatusCode::Superseded).await;
        watcher.silence().await;
        assert_eq!(addresses(&watcher.granted(discover("elsewhere")).await), ["198.51.100.7:7777"]);
    });
}

/// What the kernel adds to `silence_ms` at most: it counts keep-alive in seconds.
const KERNEL: Duration = Duration::from_secs(2);

#[test]
fn a_cable_that_is_cut_to_a_client_of_the_seed() {
    in_a_network_of_its_own("half_open::a_cable_that_is_cut_to_a_client_of_the_seed", async {
        let cable = Cable::lay();
        let silence = Duration::from_secs(3);
        let server = cable.server(&["--silence-ms", "3_000"]);
        for (what, talks) in [("silent", false), ("spoken to", true)] {
            let mut watcher = watcher(&server).await;
            let mut seed = cable.client_at(FAR, address(&server));
            seed.send([register(NS, "seed"), rendezvous(NS)]).await;
            becomes(&mut watcher, "seed", PRESENT).await;
            // Nobody asks it anything, and it may be silent for as long as it likes.
            nothing_for(&mut watcher, silence * 3 / 2).await;
            let mut talker = Client::connect_to(address(&server)).await;
            let cut = Instant::now();
            cable.cut();
            if talks {
                talker.granted(register(NS, "talker")).await;
                becomes(&mut watcher, "talker", PRESENT).await;
            }
            let heard = leaves(&mut watcher, "seed", LeaveReason::TimedOut).await;
            assert!(heard - cut >= silence / 2, "{what}: it is judged early: {:?}", heard - cut);
            assert!(heard - cut <= silence + KERNEL, "{what}: it is judged late: {:?}", heard - cut);
            println!("{what}: after {:?} of {silence:?}", heard - cut);
            cable.mend();
            watcher.silence().await;
        }
    });
}

#[test]
fn a_cable_to_a_client_of_the_seed_that_is_mended_in_time() {
    in_a_network_of_its_own("half_open::a_cable_to_a_client_of_the_seed_that_is_mended_in_time", async {
        let cable = Cable::lay();
        let silence = Duration::from_secs(4);
        let server = cable.server(&["--silence-ms", "4_000"]);
        let mut watcher = watcher(&server).await;
        let mut seed = cable.client_at(FAR, address(&server));
        seed.send([register(NS, "seed"), rendezvous(NS)]).await;
        becomes(&mut watcher, "seed", PRESENT).await;
        cable.cut();
        nothing_for(&mut watcher, silence / 4).await;
        cable.mend();
        nothing_for(&mut watcher, silence * 3 / 2).await;
        let mut talker = Client::connect_to(address(&server)).await;
        talker.granted(register(NS, "talker")).await;
        assert_eq!(ids(&seed.message().await), ["talker"]);
    });
}
