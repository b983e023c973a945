use super::exchange::Exchange;
use std::sync::Arc;
use tokio::{
    select,
    task::yield_now,
    time::{Instant, sleep_until},
};
use tokio_util::sync::CancellationToken;

/// Calls the hub whenever something is due, until `stop`. One timer for all: what
/// waits stands in order in the registry.
pub(super) async fn serve(exchange: Arc<Exchange>, stop: CancellationToken) {
    while !stop.is_cancelled() {
        let next = exchange.handle_timeout();
        if next.is_some_and(|next| next <= Instant::now()) {
            // There is more to do than at once; connections have their turn first.
            yield_now().await;
            continue;
        }
        select! {
            () = stop.cancelled() => return,
            () = exchange.rescheduled.notified() => {}
            () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
        }
    }
}
