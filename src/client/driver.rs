//! The task that owns the session: it writes what is asked, reads what is answered
//! and announced, and never waits for anybody who listens to it. When the
//! connection is lost it finds another.

use super::{
    ClientError,
    backoff::Backoff,
    bounds,
    conversation::{Call, Conversation, Heard, Introduction},
    dial::Dial,
    line::Shared,
    link::Link,
    pulse::{Beat, Pulse},
    state::{Standing, State},
};
use crate::{
    domain::{Code, Refusal},
    wire::FrameError,
};
use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _};
use std::{io, pin::pin, sync::Arc, time::Duration};
use tokio::{
    io::AsyncWriteExt as _,
    select,
    sync::{mpsc, oneshot},
    time::{Instant, sleep_until, timeout},
};

/// Owns a session until it ends.
pub(super) struct Driver<D> {
    dial: D,
    calls: mpsc::Receiver<Call>,
    conversation: Conversation,
    shared: Arc<Shared>,
    /// How long a close waits for what was asked before it to be answered.
    patience: Duration,
    /// How long it is tried to reconnect.
    reconnect_for: Duration,
    backoff: Backoff,
    /// Until the session is established: who waits for that.
    greeted: Option<oneshot::Sender<()>>,
    /// Since the last WELCOME: when it is enough, and why the connection was lost.
    loss: Option<(Instant, ClientError)>,
}

/// How far the way to the server is from its end.
enum Way {
    Open,
    /// This side ends it; what waits is still written.
    Closing,
    /// This side has said all that it had to say to the server, which is being
    /// written.
    Leaving,
    /// This side has ended it; what the server still says is heard.
    Closed,
    /// It does not take any more; the server may have said why.
    Broken(Arc<io::Error>),
}

/// How a connection has ended.
enum End {
    /// Another one may do better.
    Lost(ClientError),
    /// So has the session.
    Over(ClientError),
}

impl<D: Dial> Driver<D> {
    pub(super) fn new(
        dial: D,
        calls: mpsc::Receiver<Call>,
        shared: Arc<Shared>,
        introduction: Introduction,
        patience: Duration,
        reconnect_for: Duration,
        greeted: oneshot::Sender<()>,
    ) -> Self {
        let conversation =
            Conversation::new(shared.numbers.clone(), shared.own.clone(), shared.post.clone(), introduction);
        let (backoff, greeted, loss) = (Backoff::default(), Some(greeted), None);
        Self { dial, calls, conversation, shared, patience, reconnect_for, backoff, greeted, loss }
    }

    /// Drives the session to its end, on this connection first.
    pub(super) async fn run(mut self, first: (D::Read, D::Write)) {
        let cause = self.drive(first).await;
        tracing::debug!(%cause, "the session has ended");
        let _ = self.shared.ended.set(cause);
    }

    async fn drive(&mut self, first: (D::Read, D::Write)) -> ClientError {
        let mut ends = first;
        loop {
            let cause = match self.talk(Link::new(ends)).await {
                End::Lost(cause) => cause,
                End::Over(cause) => return cause,
            };
            tracing::debug!(%cause, "the connection is lost");
            self.conversation.interrupt();
            ends = match self.reconnect(cause).await {
                Ok(ends) => ends,
                Err(cause) => return cause,
            };
        }
    }

    /// Drives one connection to its end.
    async fn talk(&mut self, mut link: Link<D::Read, D::Write>) -> End {
        let shared = self.shared.clone();
        let begun = Instant::now();
        let mut way = Way::Open;
        let mut batch = Vec::with_capacity(bounds::REQUESTS_AT_ONCE);
        let mut pulse: Option<Pulse> = None;
        let mut until = pin!(sleep_until(begun + bounds::ATTEMPT));
        let mut tick = pin!(sleep_until(begun));
        self.conversation.begin();
        let end = loop {
            let open = matches!(way, Way::Open);
            let writes = !matches!(way, Way::Closed | Way::Broken(_)) && !self.conversation.outgoing().is_empty();
            // What was asked before a close is still taken up.
            let asks = open || (matches!(way, Way::Closing) && !self.calls.is_empty());
            let asks = asks && self.conversation.has_room();
            // The first WELCOME is waited for by whoever wants to connect.
            let hurries = if pulse.is_none() { self.greeted.is_none() } else { !open };
            // Nothing depends on which branch is looked at first, and none may be
            // starved by a server or a program that never pauses: no `biased`.
            let next = select! {
                frame = link.read.next() => match self.hear(frame, &mut link, &mut pulse, &way) {
                    Some(end) => break end,
                    None => None,
                },
                written = link.write.write_buf(self.conversation.outgoing()), if writes => match written {
                    Ok(0) => Some(Way::Broken(Arc::new(io::ErrorKind::WriteZero.into()))),
                    Ok(_) => None,
                    Err(error) => Some(Way::Broken(Arc::new(error))),
                },
                _ = self.calls.recv_many(&mut batch, bounds::REQUESTS_AT_ONCE), if asks => {
                    // A stream that was dropped before these requests were made
                    // makes room for them.
                    if shared.stream_gone.notified().now_or_never().is_some() {
                        self.conversation.tidy();
                    }
                    for call in batch.drain(..) {
                        self.conversation.call(call);
                    }
                    None
                }
                () = shared.close.cancelled(), if open => Some(Way::Closing),
                () = shared.stream_gone.notified(), if open => {
                    self.conversation.tidy();
                    None
                }
                () = tick.as_mut(), if open && pulse.is_some() => {
                    // What has come is read before anybody is judged by it.
                    if let Some(frame) = link.read.next().now_or_never()
                        && let Some(end) = self.hear(frame, &mut link, &mut pulse, &way)
                    {
                        break end;
                    }
                    let beat = pulse.as_mut().map(|pulse| pulse.beat(link.heard(), Instant::now()));
                    match beat {
                        Some(Beat::Ask) => self.conversation.ask_for_life(),
                        Some(Beat::Gone) => break self.lost(&way, Some(silence())),
                        Some(Beat::Wait) | None => {}
                    }
                    None
                }
                () = until.as_mut(), if hurries => break self.lost(&way, Some(silence())),
            };
            if let Some(pulse) = &pulse
                && tick.deadline() != pulse.due()
            {
                tick.as_mut().reset(pulse.due());
            }
            match next {
                // A server that has not said WELCOME has nothing to be told.
                Some(Way::Closing) if pulse.is_none() => break End::Over(ClientError::Closed),
                Some(next) if open => {
                    let wait = if matches!(next, Way::Closing) { self.patience } else { bounds::LAST_WORD };
                    until.as_mut().reset(Instant::now() + wait);
                    if matches!(next, Way::Closing) {
                        self.calls.close();
                        self.conversation.withdraw();
                    }
                    way = next;
                }
                // What breaks while it is being closed is closed.
                Some(_) => way = Way::Closed,
                None => {}
            }
            if matches!(way, Way::Closing) && self.calls.is_empty() && self.conversation.take_leave() {
                way = Way::Leaving;
            }
            if matches!(way, Way::Leaving) && self.conversation.outgoing().is_empty() {
                // If it fails, it is closed as well.
                let _ = link.write.shutdown().await;
                way = Way::Closed;
            }
        };
        if pulse.is_some() && begun.elapsed() >= bounds::STEADY {
            self.backoff.reset();
        }
        end
    }

    /// Takes what was read; how the connection has ended, if it has.
    fn hear(
        &mut self,
        frame: Option<Result<Bytes, FrameError>>,
        link: &mut Link<D::Read, D::Write>,
        pulse: &mut Option<Pulse>,
        way: &Way,
    ) -> Option<End> {
        let frame = match frame {
            Some(Ok(frame)) => frame,
            Some(Err(FrameError::Io(error))) => return Some(self.lost(way, Some(error))),
            Some(Err(error)) => return Some(End::Over(ClientError::Protocol(error.to_string()))),
            None => return Some(self.lost(way, None)),
        };
        match self.conversation.receive(&frame) {
            Ok(Heard::Nothing) => {}
            Ok(Heard::Welcome(greeting)) => {
                if let Some(bytes) = greeting.limits.frame_bytes {
                    link.accept_frames_of(bytes);
                }
                *pulse = Some(Pulse::new(&greeting, Instant::now()));
                self.loss = None;
                self.shared
                    .standing
                    .send_replace(Standing { state: State::Connected, greeting: Some(Arc::new(greeting)) });
                if let Some(greeted) = self.greeted.take() {
                    let _ = greeted.send(());
                }
            }
            Ok(Heard::Refused(refusal)) => {
                let is_final = is_final(refusal.code);
                let cause = ClientError::from(refusal);
                return Some(if is_final { End::Over(cause) } else { End::Lost(cause) });
            }
            Err(error) => return Some(End::Over(error)),
        }
        // Another connection has the session now; to fight for it would help nobody.
        let is_superseded = |word: &&Refusal| word.code == Code::Superseded;
        self.conversation
            .last_word()
            .filter(is_superseded)
            .map(|word| End::Over(ClientError::Disconnected { reason: Some(word.clone()), source: None }))
    }

    /// Why nothing more will be read.
    fn lost(&self, way: &Way, error: Option<io::Error>) -> End {
        let source = match way {
            Way::Closing | Way::Leaving | Way::Closed => return End::Over(ClientError::Closed),
            Way::Broken(error) => Some(error.clone()),
            Way::Open => error.map(Arc::new),
        };
        let reason = self.conversation.last_word().cloned();
        let is_final = reason.as_ref().is_some_and(|reason| is_final(reason.code));
        let cause = ClientError::Disconnected { reason, source };
        if is_final { End::Over(cause) } else { End::Lost(cause) }
    }

    /// Finds another connection in place of the one that was lost. Whoever wants to
    /// connect, and has not been before, waits for a server that has said when it will
    /// be back, and for no other.
    ///
    /// # Errors
    /// Why it was lost, when it is enough; or that the client was closed.
    async fn reconnect(&mut self, cause: ClientError) -> Result<(D::Read, D::Write), ClientError> {
        let patience = if self.greeted.is_none() { self.reconnect_for } else { self.patience };
        let will_be_back = self.loss.is_some() || cause.code() == Some(Code::ShuttingDown);
        if patience.is_zero() || (self.greeted.is_some() && !will_be_back) {
            return Err(cause);
        }
        let begun = Instant::now();
        let (give_up, first) = self.loss.get_or_insert_with(|| (begun + patience, cause.clone())).clone();
        let mut latest = cause;
        loop {
            let at = Instant::now() + self.backoff.next(latest.retry_after(), chance());
            if at > give_up {
                return Err(first);
            }
            let state = State::Reconnecting { attempt: self.backoff.attempts(), cause: latest.clone() };
            self.shared.standing.send_modify(|standing| standing.state = state);
            let Self { dial, conversation, shared, .. } = self;
            let mut attempt = pin!(async {
                sleep_until(at).await;
                timeout(bounds::ATTEMPT, dial.dial()).await.unwrap_or_else(|_| Err(silence()))
            });
            let outcome = loop {
                select! {
                    outcome = &mut attempt => break outcome,
                    () = shared.close.cancelled() => return Err(ClientError::Closed),
                    () = shared.stream_gone.notified() => conversation.tidy(),
                }
            };
            match outcome {
                Ok(ends) => return Ok(ends),
                Err(error) => latest = ClientError::Disconnected { reason: None, source: Some(Arc::new(error)) },
            }
        }
    }
}

/// Whether a server that ends the connection with this would do so again.
fn is_final(code: Code) -> bool {
    matches!(
        code,
        Code::Superseded
            | Code::NotAuthorized
            | Code::Unsupported
            | Code::InvalidMessage
            | Code::TooLarge
            | Code::Banned
    )
}

/// The server says nothing where it should.
fn silence() -> io::Error {
    io::Error::new(io::ErrorKind::TimedOut, "the server gives no sign of life")
}

/// A number of which every value is as likely. Without one, all wait for the
/// longest.
fn chance() -> u32 {
    getrandom::u32().unwrap_or(u32::MAX)
}

impl<D> Drop for Driver<D> {
    /// However the task ends, also with its runtime: whoever waits is told. The
    /// waiting calls see their senders go when the fields are dropped after this.
    fn drop(&mut self) {
        let _ = self.shared.ended.set(ClientError::Disconnected { reason: None, source: None });
        let cause = self.shared.ended.get().cloned().unwrap_or(ClientError::Closed);
        self.conversation.end(&cause);
        self.shared.standing.send_modify(|standing| standing.state = State::Ended(cause));
    }
}
