//! Replies to what others ask.

use super::{ClientError, MessageEvent, Messages, Request, bounds};
use futures::{StreamExt as _, stream::FuturesUnordered};
use tokio::select;

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
                    // Whoever has asked may be gone by now.
                    if let Err(error) = way_back.reply(reply.as_ref()).await {
                        tracing::debug!(%error, "a reply did not arrive");
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
