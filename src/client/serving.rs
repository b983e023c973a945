//! Replies to what others ask.

use super::{ClientError, MessageEvent, Messages, Request, bounds, messages::WayBack};
use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::{
    select,
    time::{Instant, sleep_until},
};

/// Replies to all that is asked there, several at a time, until the client ends.
///
/// # Errors
/// Why it has ended, unless it was closed.
pub(super) async fn serve<F, A, R>(mut requests: Messages, mut answer: F) -> Result<(), ClientError>
where
    F: FnMut(Request) -> A,
    A: Future<Output = R>,
    R: AsRef<[u8]>,
{
    let mut replies = FuturesUnordered::new();
    loop {
        // Whoever has asked first is not put off by those who come later.
        let event = select! {
            Some(()) = replies.next() => continue,
            event = requests.next(), if replies.len() < bounds::SERVED_AT_ONCE => event,
        };
        match event {
            Some(MessageEvent::Asked(request)) => {
                let way_back = request.way_back.clone();
                let reply = answer(request);
                replies.push(async move {
                    let reply = reply.await;
                    match give(way_back, reply.as_ref()).await {
                        Ok(()) => {}
                        // Whoever has asked may be gone by now.
                        Err(error @ (ClientError::NotFound(_) | ClientError::Closed)) => {
                            tracing::debug!(%error, "nobody waits for a reply any more");
                        }
                        Err(error) => tracing::warn!(%error, "a reply did not arrive"),
                    }
                });
            }
            Some(MessageEvent::Said(_)) => {}
            Some(MessageEvent::Lost { count }) => {
                tracing::warn!(count, "requests were dropped, as they came faster than they were served");
            }
            Some(MessageEvent::Ended(error)) => return Err(error),
            None => return Ok(()),
        }
    }
}

/// Replies as soon as the server takes it. What it has refused it has not passed on, so that
/// can be said again.
///
/// # Errors
/// As [`Client::send`](super::Client::send), if it is not taken within the client's deadline.
async fn give(way_back: WayBack, payload: &[u8]) -> Result<(), ClientError> {
    let give_up = Instant::now() + way_back.deadline();
    let mut pause = bounds::REPLY_PAUSE;
    loop {
        let Err(error) = way_back.clone().reply(payload).await else { return Ok(()) };
        let again = match &error {
            ClientError::RateLimited { retry_after, .. } => Instant::now() + pause.max(*retry_after),
            ClientError::ReceiverBusy(_) => Instant::now() + pause,
            _ => return Err(error),
        };
        if again > give_up {
            return Err(error);
        }
        sleep_until(again).await;
        pause = bounds::REPLY_PAUSE_MAX.min(2 * pause);
    }
}
