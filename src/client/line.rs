use super::{
    ClientError, bounds,
    conversation::{Call, Introduction, Numbers},
    dial::Dial,
    driver::Driver,
    inbox::Post,
    own::Own,
    state::{Standing, State},
    waiter::{Outcome, Waiter},
};
use crate::{
    domain::{Code, Greeting, Refusal, Request},
    wire,
};
use std::{
    sync::{
        Arc, Weak,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};
use tokio::{
    sync::{Notify, SetOnce, mpsc, oneshot, watch},
    time::timeout,
};
use tokio_util::sync::{CancellationToken, DropGuard};

/// What the driver shares with everybody who uses the session.
#[derive(Debug)]
pub(super) struct Shared {
    pub(super) numbers: Arc<Numbers>,
    pub(super) own: Arc<Own>,
    /// Where messages go.
    pub(super) post: Arc<Post>,
    /// How many messages were to be replied to.
    next_message: AtomicU64,
    /// A stream was dropped.
    pub(super) stream_gone: Arc<Notify>,
    /// The client is to be closed.
    pub(super) close: CancellationToken,
    /// How it stands with the server.
    pub(super) standing: watch::Sender<Standing>,
    /// Why the client has ended; set before anybody is told that it has.
    pub(super) ended: SetOnce<ClientError>,
}

impl Default for Shared {
    fn default() -> Self {
        Self {
            numbers: Arc::default(),
            own: Arc::default(),
            post: Arc::default(),
            next_message: AtomicU64::default(),
            stream_gone: Arc::default(),
            close: CancellationToken::new(),
            standing: watch::Sender::new(Standing { state: State::Connected, greeting: None }),
            ended: SetOnce::new(),
        }
    }
}

/// The callers' end of the queue to the driver. The client is closed when the last
/// clone is dropped.
#[derive(Debug, Clone)]
pub(super) struct Line {
    calls: mpsc::Sender<Call>,
    shared: Arc<Shared>,
    deadline: Duration,
    /// Closes the client, whatever the driver does at the moment.
    last: Arc<DropGuard>,
}

/// The same of one who does not keep the client.
#[derive(Debug, Clone)]
pub(super) struct WeakLine {
    calls: mpsc::WeakSender<Call>,
    shared: Arc<Shared>,
    deadline: Duration,
    last: Weak<DropGuard>,
}

impl WeakLine {
    /// How long each call may take.
    pub(super) fn deadline(&self) -> Duration {
        self.deadline
    }

    /// The line, while somebody keeps the client.
    pub(super) fn upgrade(&self) -> Option<Line> {
        let last = self.last.upgrade()?;
        let calls = self.calls.upgrade()?;
        Some(Line { calls, shared: self.shared.clone(), deadline: self.deadline, last })
    }
}

impl Line {
    /// Starts the task that owns the session, and waits until it is welcomed.
    pub(super) async fn open<D: Dial>(
        dial: D,
        first: (D::Read, D::Write),
        introduction: Introduction,
        deadline: Duration,
        reconnect_for: Duration,
    ) -> Result<Self, ClientError> {
        let (sender, calls) = mpsc::channel(bounds::REQUESTS_WAITING);
        let shared = Arc::new(Shared::default());
        let (greeted, greeting) = oneshot::channel();
        let driver = Driver::new(dial, calls, shared.clone(), introduction, deadline, reconnect_for, greeted);
        tokio::spawn(driver.run(first));

        let last = Arc::new(shared.close.clone().drop_guard());
        let line = Self { calls: sender, shared, deadline, last };
        let welcome = async {
            match greeting.await {
                Ok(()) => Ok(()),
                Err(_) => Err(line.end().await),
            }
        };
        line.in_time("HELLO".into(), welcome).await?;
        Ok(line)
    }

    /// What the server said when it was connected to last.
    pub(super) fn greeting(&self) -> Arc<Greeting> {
        self.shared.standing.borrow().greeting.clone().expect("a client is made when it was welcomed")
    }

    /// Asks one thing, and waits for the answer.
    pub(super) async fn ask<T>(
        &self,
        request: Request,
        waiter: impl FnOnce(Outcome<T>) -> Waiter,
    ) -> Result<T, ClientError> {
        let id = self.shared.numbers.next();
        let frame = wire::request(Some(id), &request);
        let accepted = self
            .greeting()
            .limits
            .frame_bytes
            .map_or(bounds::FRAME_BYTES, |bytes| usize::try_from(bytes).unwrap_or(usize::MAX));
        // The length before the message counts too: a few bytes on the safe side.
        if frame.len() > accepted {
            return Err(ClientError::Invalid(Refusal::new(
                Code::TooLarge,
                format!("the request takes {} bytes; the server accepts {accepted}, say less", frame.len()),
            )));
        }
        let (outcome, answer) = oneshot::channel();
        if self.calls.send(Call { id, request, frame, waiter: waiter(outcome) }).await.is_err() {
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

    /// The same for one who does not keep the client.
    pub(super) fn downgrade(&self) -> WeakLine {
        let Self { calls, shared, deadline, last } = self;
        WeakLine { calls: calls.downgrade(), shared: shared.clone(), deadline: *deadline, last: Arc::downgrade(last) }
    }

    /// A number for a message that is to be replied to. No two of a million in a row have
    /// the same, and only whoever is asked knows it: so nobody else can reply, and a reply
    /// to what was asked before this program was started anew is not taken for another. It
    /// is below 2^53, for those who count in JSON.
    pub(super) fn message_id(&self) -> u64 {
        let count = self.shared.next_message.fetch_add(1, Ordering::Relaxed) % (1 << 20);
        u64::from(getrandom::u32().unwrap_or_default()) << 20 | count
    }

    /// What is registered through it.
    pub(super) fn own(&self) -> &Own {
        &self.shared.own
    }

    pub(super) fn shared(&self) -> &Shared {
        &self.shared
    }

    /// What tells the driver that a stream is gone.
    pub(super) fn stream_gone(&self) -> Arc<Notify> {
        self.shared.stream_gone.clone()
    }

    /// Closes the client for all clones, and waits until it is.
    pub(super) async fn close(&self) {
        self.shared.close.cancel();
        self.shared.ended.wait().await;
    }

    /// Why the driver takes no more requests.
    async fn end(&self) -> ClientError {
        if self.shared.close.is_cancelled() { ClientError::Closed } else { self.shared.ended.wait().await.clone() }
    }
}
