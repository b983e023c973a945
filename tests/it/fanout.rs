//! Many who watch one place.

use crate::{client::*, messages::*};
use foregather::wire::proto::LeaveReason;

const WATCHERS: usize = 1_000;
const PEERS: usize = 500;

#[tokio::test]
async fn a_thousand_watchers_hear_everything_in_order_and_nothing_twice() {
    // Both ends of a thousand connections, and what other tests have open.
    let files = rlimit::increase_nofile_limit(u64::MAX).expect("the soft limit may be raised");
    assert!(files >= 3 * WATCHERS as u64, "only {files} open files are allowed; raise the hard limit for this test");

    let server = server();
    let mut watchers = Vec::with_capacity(WATCHERS);
    for _ in 0..WATCHERS {
        let mut watcher = Client::connect(&server).await;
        watcher.send([numbered(1, rendezvous("arena"))]).await;
        watchers.push(watcher);
    }
    for watcher in &mut watchers {
        assert!(watcher.message().await.register.is_empty());
    }

    let expected: Vec<String> = (0..PEERS).map(|number| format!("p{number:03}")).collect();
    let mut client = Client::connect(&server).await;
    client.send(expected.iter().map(|id| register("arena", id))).await;
    client.silence().await;
    for watcher in &mut watchers {
        let mut last = 0;
        for id in &expected {
            let heard = watcher.message().await;
            assert_eq!(ids(&heard), [id]);
            assert!(version(&heard) > last);
            last = version(&heard);
        }
    }

    drop(client);
    let all_lost: Vec<_> = expected.iter().map(|id| (&**id, LeaveReason::Disconnected)).collect();
    for watcher in &mut watchers {
        assert_eq!(gone(&watcher.message().await), all_lost);
    }
    watchers[0].silence().await;
    watchers[WATCHERS - 1].silence().await;
}
