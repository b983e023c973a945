use super::exchange::Exchange;
use std::{sync::Arc, time::Instant};
use tokio::{select, time::sleep_until};
use tokio_util::sync::CancellationToken;

/// Calls the hub whenever something is due, until `stop`. One timer for all: what
/// waits stands in order in the registry.
pub(super) async fn serve(exchange: Arc<Exchange>, stop: CancellationToken) {
    loop {
        let next = exchange.handle_timeout();
        select! {
            () = stop.cancelled() => return,
            () = exchange.rescheduled.notified() => {}
            () = sleep_until(next.unwrap_or_else(Instant::now).into()), if next.is_some() => {}
        }
    }
}
