use super::{
    ClientError, bounds,
    conversation::Call,
    driver::{Driver, Shared},
    own::Own,
    waiter::{Outcome, Waiter},
};
use crate::{
    domain::{Code, Greeting, Hello, Refusal, Request, RequestId},
    wire,
};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};
use tokio::{
    io::{AsyncRead, AsyncWrite},
    sync::{Notify, mpsc, oneshot},
    time::timeout,
};

/// The callers' end of the queue to the driver. The connection is closed when
/// the last clone is dropped.
#[derive(Debug, Clone)]
pub(super) struct Line {
    calls: mpsc::Sender<Call>,
    shared: Arc<Shared>,
    deadline: Duration,
    /// Bytes of a frame that the server accepts.
    frame_bytes: usize,
}

impl Line {
    /// Starts the task that owns the connection, and says HELLO on it.
    pub(super) async fn open<R, W>(
        read: R,
        write: W,
        agent: String,
        deadline: Duration,
    ) -> Result<(Self, Greeting), ClientError>
    where
        R: AsyncRead + Unpin + Send + 'static,
        W: AsyncWrite + Unpin + Send + 'static,
    {
        let (sender, calls) = mpsc::channel(bounds::REQUESTS_WAITING);
        let shared = Arc::new(Shared::default());
        tokio::spawn(Driver::new(read, write, calls, shared.clone(), deadline).run());

        let mut line = Self { calls: sender, shared, deadline, frame_bytes: bounds::FRAME_BYTES };
        let id = line.shared.numbers.next();
        let welcome = line.send(id, wire::hello(id, &agent, &Hello::default()), Waiter::Welcome);
        let greeting: Greeting = line.in_time("HELLO".into(), welcome).await?;
        if let Some(bytes) = greeting.limits.frame_bytes {
            line.frame_bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        }
        Ok((line, greeting))
    }

    /// Asks one thing, and waits for the answer.
    pub(super) async fn ask<T>(
        &self,
        request: Request,
        waiter: impl FnOnce(Outcome<T>) -> Waiter,
    ) -> Result<T, ClientError> {
        let id = self.shared.numbers.next();
        self.send(id, wire::request(Some(id), &request), waiter).await
    }

    async fn send<T>(
        &self,
        id: RequestId,
        frame: Bytes,
        waiter: impl FnOnce(Outcome<T>) -> Waiter,
    ) -> Result<T, ClientError> {
        // The length before the message counts too: a few bytes on the safe side.
        if frame.len() > self.frame_bytes {
            return Err(ClientError::Invalid(Refusal::new(
                Code::TooLarge,
                format!("the request takes {} bytes; the server accepts {}, say less", frame.len(), self.frame_bytes),
            )));
        }
        let (outcome, answer) = oneshot::channel();
        if self.calls.send(Call { id, frame, waiter: waiter(outcome) }).await.is_err() {
            return Err(self.end().await);
        }
        match answer.await {
            Ok(answer) => answer,
            Err(_) => Err(self.end().await),
        }
    }

    /// What it comes to, or that it did not come within the deadline.
    pub(super) async fn in_time<T>(
        &self,
        what: String,
        answer: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        self.in_longer_time(Duration::ZERO, what, answer).await
    }

    /// The same, for what may take so much longer than the deadline.
    pub(super) async fn in_longer_time<T>(
        &self,
        longer: Duration,
        what: String,
        answer: impl Future<Output = Result<T, ClientError>>,
    ) -> Result<T, ClientError> {
        let after = self.deadline + longer;
        timeout(after, answer).await.unwrap_or(Err(ClientError::Deadline { what, after }))
    }

    /// What is registered through it.
    pub(super) fn own(&self) -> &Own {
        &self.shared.own
    }

    /// What tells the driver that a stream is gone.
    pub(super) fn stream_gone(&self) -> Arc<Notify> {
        self.shared.stream_gone.clone()
    }

    /// Closes the connection for all clones, and waits until it is.
    pub(super) async fn close(&self) {
        self.shared.close.cancel();
        self.shared.ended.wait().await;
    }

    /// Why the driver takes no more requests.
    async fn end(&self) -> ClientError {
        if self.shared.close.is_cancelled() { ClientError::Closed } else { self.shared.ended.wait().await.clone() }
    }
}
