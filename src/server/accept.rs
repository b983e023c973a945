use super::{connection::Connection, exchange::Exchange};
use crate::transport::tcp;
use std::{
    io,
    net::SocketAddr,
    sync::Arc,
    time::{Duration, Instant},
};
use tokio::{
    net::{TcpListener, TcpStream},
    time::{sleep, timeout},
};
use tokio_util::{sync::CancellationToken, task::TaskTracker};

/// Time without accepting after the system had no file or memory for a
/// connection: time for some to end. The connections wait in the kernel.
const EXHAUSTED_PAUSE: Duration = Duration::from_millis(100);

/// At most one line in the log about that in this time.
const EXHAUSTED_LOG_EVERY: Duration = Duration::from_secs(10);

/// Connections that are being told that there is no room for them, at once and
/// on one thread; those beyond are closed without a word.
pub(super) const TURNED_AWAY_AT_ONCE: usize = 256;

/// For how long a server that another one takes over from still accepts connections, to
/// tell them so: until that one is sure to listen, and until those have come whom the kernel
/// had answered before.
const HANDOVER: Duration = Duration::from_millis(150);

/// When nobody has come for so long after that, nobody does any more.
const HANDOVER_QUIET: Duration = Duration::from_millis(20);

/// Where no other server has come people are told for no longer than this.
const HANDOVER_MOST: Duration = Duration::from_millis(500);

/// Accepts connections and serves them on this thread until `stop`; then lets
/// them end for as long as `grace`. If the server `hands_over`, whoever still comes is
/// accepted, and turned away.
pub(super) async fn serve(
    listener: TcpListener,
    exchange: Arc<Exchange>,
    stop: CancellationToken,
    grace: Duration,
    hands_over: bool,
) {
    let (connections, turned_away) = (TaskTracker::new(), TaskTracker::new());
    let silence = Duration::from_millis(exchange.limits.silence_ms as u64);
    let mut logged: Option<Instant> = None;
    {
        let mut stopped = std::pin::pin!(stop.cancelled());
        loop {
            let accepted = tokio::select! {
                biased;
                () = &mut stopped => break,
                accepted = listener.accept() => accepted,
            };
            match accepted {
                Ok((stream, observed)) => {
                    begin(stream, observed, silence, &exchange, &connections, &turned_away, TURNED_AWAY_AT_ONCE);
                }
                // The peer had left before it was its turn.
                Err(error) if of_the_peer(&error) => {}
                Err(error) => {
                    if logged.is_none_or(|at| at.elapsed() >= EXHAUSTED_LOG_EVERY) {
                        tracing::warn!(%error, "cannot accept connections; those that wait are kept waiting");
                        logged = Some(Instant::now());
                    }
                    sleep(EXHAUSTED_PAUSE).await;
                }
            }
        }
    }
    let ends = Instant::now() + grace;
    if hands_over {
        let turn_away =
            |stream, observed| begin(stream, observed, silence, &exchange, &connections, &turned_away, usize::MAX);
        hand_over(&listener, ends, turn_away).await;
    }
    drop(listener);
    connections.close();
    turned_away.close();
    let left = ends.saturating_duration_since(Instant::now());
    if timeout(left, connections.wait()).await.is_err() {
        tracing::warn!(left = connections.len(), "some connections did not end within the grace");
    }
    if hands_over {
        // They need no more than to read what they were told.
        let _ = timeout(ends.saturating_duration_since(Instant::now()), turned_away.wait()).await;
    }
}

/// Accepts whoever comes until those who come reach another server, or until `ends`.
async fn hand_over(listener: &TcpListener, ends: Instant, turn_away: impl Fn(TcpStream, SocketAddr)) {
    let begun = Instant::now();
    let ends = ends.min(begun + HANDOVER_MOST);
    while Instant::now() < ends {
        let patience = HANDOVER.saturating_sub(begun.elapsed()).max(HANDOVER_QUIET);
        match timeout(patience, listener.accept()).await {
            Ok(Ok((stream, observed))) => turn_away(stream, observed),
            Ok(Err(error)) if of_the_peer(&error) => {}
            Ok(Err(_)) => sleep(HANDOVER_QUIET).await,
            Err(_) if begun.elapsed() < HANDOVER => {}
            Err(_) => return,
        }
    }
}

fn begin(
    stream: TcpStream,
    observed: SocketAddr,
    silence: Duration,
    exchange: &Arc<Exchange>,
    connections: &TaskTracker,
    turned_away: &TaskTracker,
    turned_away_at_once: usize,
) {
    // A connection that cannot be tuned or asked has ended already.
    let Ok(local) = tcp::accepted(&stream, silence).and_then(|()| stream.local_addr()) else { return };
    match exchange.open(observed, local.ip()) {
        Ok((session, outbox)) => {
            connections.spawn(Connection::new(stream, exchange.clone(), session, outbox));
        }
        Err(refusal) if turned_away.len() < turned_away_at_once => {
            turned_away.spawn(Connection::turned_away(stream, exchange.clone(), &refusal));
        }
        // Too many at once to explain it to each.
        Err(_) => {}
    }
}

/// Errors that say something of one connection, not of the listener.
fn of_the_peer(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted | io::ErrorKind::ConnectionReset | io::ErrorKind::Interrupted
    )
}
