use super::{
    clock::LATE,
    exchange::Exchange,
    outbox::{End, Outbox, Writing},
};
use crate::{
    domain::{Code, LeaveReason, Refusal, SessionId},
    hub::Progress,
    transport::Stream,
    wire::{self, FrameCodec},
};
use bytes::BytesMut;
use std::{
    cell::Cell,
    io,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};
use tokio::time::{Instant, Sleep, sleep_until};
use tokio_util::{codec::Decoder as _, io::poll_read_buf};

/// Bytes that are read at once.
const READ_BYTES: usize = 64 * 1024;

/// Bytes that are read to see whether there are any.
const PEEKED_BYTES: usize = 4 * 1024;

/// Who has sent so much at once lets the others write first what that has caused.
const FAIR_BYTES: usize = 16 * 1024;

/// How often in a row one gives way, before it is read on all the same: so nobody is kept
/// from being heard by others who never pause.
const WAYS_GIVEN: u8 = 32;

/// Bytes of a connection's beginning that tell which protocol it speaks.
const GREETING_BYTES: usize = 12;

thread_local! {
    /// What a connection reads into. The threads own one each, so that an idle
    /// connection holds none; what is left of a frame that has not come whole is
    /// moved to the connection.
    static READ_BUFFER: Cell<BytesMut> = Cell::new(BytesMut::new());
}

/// One connection, from its acceptance to its end. A future that is written by
/// hand because it must be small (there may be 100,000) and because it does not
/// await single things: whatever woke it, it writes what waits, works on what
/// has come, and reads.
pub(super) struct Connection<S> {
    stream: S,
    exchange: Arc<Exchange>,
    /// `None` for one that is refused on arrival.
    session: Option<SessionId>,
    outbox: Arc<Outbox>,
    codec: FrameCodec,
    /// What has come and is not worked on yet.
    unread: BytesMut,
    writing: Writing,
    phase: Phase,
    /// Nothing has come yet that tells which protocol this is.
    fresh: bool,
    /// The hub has more to do for the last frame.
    unfinished: bool,
    /// It is to be judged, unless something more has come.
    examined: bool,
    /// How often in a row it was not read, for others to write first.
    ways_given: u8,
    /// Runs while a frame is incomplete, and when the connection ends.
    timer: Option<Pin<Box<Sleep>>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    /// Reads and answers.
    Open,
    /// The peer sends no more; what it sent is answered.
    Answering,
    /// The session has ended; the last bytes are written.
    Parting {
        /// Bytes that may still come before the connection is closed.
        linger: usize,
    },
    /// Everything is written and the peer knows that no more comes. Closing now
    /// would reset the connection if bytes of the peer were still on their way,
    /// and take back what it has not read.
    Lingering {
        /// Bytes that may still come.
        left: usize,
    },
}

impl<S: Stream> Connection<S> {
    pub(super) fn new(stream: S, exchange: Arc<Exchange>, session: SessionId, outbox: Arc<Outbox>) -> Self {
        let codec = FrameCodec::new(exchange.limits.frame_bytes);
        Self {
            stream,
            exchange,
            session: Some(session),
            outbox,
            codec,
            unread: BytesMut::new(),
            writing: Writing::default(),
            phase: Phase::Open,
            fresh: true,
            unfinished: false,
            examined: false,
            ways_given: 0,
            timer: None,
        }
    }

    /// A connection that is told `refusal` and nothing else.
    pub(super) fn turned_away(stream: S, exchange: Arc<Exchange>, refusal: &Refusal) -> Self {
        let last = wire::refusal(refusal);
        let linger = exchange.limits.linger_bytes;
        let mut connection = Self {
            stream,
            codec: FrameCodec::new(exchange.limits.frame_bytes),
            exchange,
            session: None,
            outbox: Arc::default(),
            unread: BytesMut::new(),
            writing: Writing::default(),
            phase: Phase::Open,
            fresh: false,
            unfinished: false,
            examined: false,
            ways_given: 0,
            timer: None,
        };
        let end = End { reason: LeaveReason::Disconnected, last, cut: false };
        connection.writing.end_with(&connection.outbox, &connection.exchange.limits, end);
        connection.begin_parting(linger);
        connection
    }

    fn advance(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let mut yields = false;
        loop {
            let (end, orders) = self.outbox.take_orders(context.waker());
            if let Some(end) = end {
                self.part(end);
            }
            self.unfinished |= orders.proceed;
            self.examined |= orders.examine;
            if let Some(session) = self.session
                && orders.asked.is_some_and(|asked| asked.elapsed() > LATE)
            {
                self.exchange.asked_late(session);
            }
            if let Some(silence) = orders.silence {
                self.stream.allow_silence(silence);
            }
            let flushed = match self.writing.flush(&self.outbox, &self.exchange.limits, &mut self.stream, context) {
                Poll::Ready(Err(error)) => {
                    self.read_out(context);
                    return self.lost(&error);
                }
                flushed => flushed.is_ready(),
            };
            if self.writing.take_unblocked()
                && let Some(session) = self.session
            {
                self.exchange.heard(session);
            }
            if std::mem::take(&mut yields) || self.gives_way() {
                context.waker().wake_by_ref();
                return Poll::Pending;
            }
            let late = self.timer.as_mut().is_some_and(|timer| timer.as_mut().poll(context).is_ready());
            if late && self.session.is_none() {
                return Poll::Ready(());
            }
            match self.phase {
                Phase::Open | Phase::Answering if self.unfinished => {
                    self.unfinished = self.exchange.proceed(self.session_id()) == Progress::Unfinished;
                    if self.unfinished {
                        if self.examined && !self.has_come(context) && self.judge() {
                            continue;
                        }
                        // With a full outbox it goes on when that is written,
                        // otherwise when others had their turn.
                        if self.writing.flush(&self.outbox, &self.exchange.limits, &mut self.stream, context).is_ready()
                        {
                            context.waker().wake_by_ref();
                        }
                        return Poll::Pending;
                    }
                    let mut unread = std::mem::take(&mut self.unread);
                    self.work(&mut unread);
                    self.keep(unread);
                }
                Phase::Open => match self.read(context) {
                    Poll::Ready(Ok(0)) => self.phase = Phase::Answering,
                    Poll::Ready(Ok(bytes)) => yields = bytes >= FAIR_BYTES,
                    Poll::Ready(Err(error)) => return self.lost(&error),
                    // Only who has nothing more to read is judged: it may be this
                    // server that stood still.
                    Poll::Pending if late => {
                        self.refuse(Refusal::new(
                            Code::InvalidMessage,
                            "half a frame, and then nothing; does the length before the message say more bytes than \
                             follow?",
                        ));
                    }
                    Poll::Pending if self.examined && self.judge() => {}
                    Poll::Pending => return Poll::Pending,
                },
                Phase::Answering => {
                    self.close(LeaveReason::Disconnected);
                    if self.outbox.waiting() == 0 {
                        return Poll::Ready(());
                    }
                    self.begin_parting(0);
                }
                Phase::Parting { linger } => {
                    if !flushed {
                        return Poll::Pending;
                    }
                    let shut = ready!(Pin::new(&mut self.stream).poll_shutdown(context));
                    if shut.is_err() || linger == 0 {
                        return Poll::Ready(());
                    }
                    self.phase = Phase::Lingering { left: linger };
                    self.timer = Some(deadline(self.exchange.limits.linger_ms));
                }
                Phase::Lingering { left } => {
                    let mut discarded = READ_BUFFER.take();
                    discarded.reserve(READ_BYTES);
                    let read = poll_read_buf(Pin::new(&mut self.stream), context, &mut discarded);
                    discarded.clear();
                    READ_BUFFER.set(discarded);
                    match ready!(read) {
                        Ok(bytes) if bytes > 0 && bytes < left => {
                            self.phase = Phase::Lingering { left: left - bytes };
                        }
                        _ => return Poll::Ready(()),
                    }
                }
            }
        }
    }

    /// Whether others are to write first what waits for them. Many who all speak to the
    /// same at once would make it look slow otherwise, before it has had a single turn.
    fn gives_way(&mut self) -> bool {
        let gives =
            self.phase == Phase::Open && !self.unfinished && self.ways_given < WAYS_GIVEN && self.outbox.others_press();
        self.ways_given = if gives { self.ways_given + 1 } else { 0 };
        gives
    }

    /// Reads once, and works on what has come.
    fn read(&mut self, context: &mut Context<'_>) -> Poll<io::Result<usize>> {
        let shared = self.unread.is_empty();
        let mut buffer = if shared {
            let mut buffer = READ_BUFFER.take();
            buffer.reserve(READ_BYTES);
            buffer
        } else {
            let mut buffer = std::mem::take(&mut self.unread);
            if buffer.len() == buffer.capacity() {
                buffer.reserve(buffer.len());
            }
            buffer
        };
        let read = poll_read_buf(Pin::new(&mut self.stream), context, &mut buffer);
        if matches!(read, Poll::Ready(Ok(bytes)) if bytes > 0) {
            self.work(&mut buffer);
            if let Some(session) = self.session.filter(|_| !buffer.is_empty()) {
                self.exchange.heard(session);
            }
        }
        if shared {
            if !buffer.is_empty() {
                self.unread = BytesMut::from(&buffer[..]);
                buffer.clear();
            }
            READ_BUFFER.set(buffer);
        } else {
            self.keep(buffer);
        }
        read
    }

    /// Whether there is something of a peer whose turn it is not to be read on: its
    /// last request is worked on still.
    fn has_come(&mut self, context: &mut Context<'_>) -> bool {
        self.examined = false;
        if self.unread.len() >= READ_BYTES {
            return true;
        }
        self.unread.reserve(PEEKED_BYTES);
        let read = poll_read_buf(Pin::new(&mut self.stream), context, &mut self.unread);
        let has_come = matches!(read, Poll::Ready(Ok(bytes)) if bytes > 0) || self.stream.has_unread();
        if has_come {
            self.exchange.heard(self.session_id());
        }
        has_come
    }

    /// Ends the session if it gave no sign of life for too long; all that has come is
    /// read.
    fn judge(&mut self) -> bool {
        self.examined = false;
        if self.stream.has_unread() {
            self.exchange.heard(self.session_id());
            return false;
        }
        let Some(bound) = self.exchange.is_gone(self.session_id()) else { return false };
        let refusal = Refusal::new(
            Code::Unavailable,
            format!("no sign of life from this client for {} ms; connect again", bound.as_millis()),
        );
        self.part(End { reason: LeaveReason::TimedOut, last: wire::refusal(&refusal), cut: true });
        true
    }

    /// Works on what has come from one that cannot be written to any more: it may have
    /// said that it leaves.
    fn read_out(&mut self, context: &mut Context<'_>) {
        while self.phase == Phase::Open && !self.unfinished {
            let Poll::Ready(Ok(1..)) = self.read(context) else { return };
        }
    }

    /// Keeps what is not worked on yet; an empty buffer is given back.
    fn keep(&mut self, buffer: BytesMut) {
        self.unread = if buffer.is_empty() { BytesMut::new() } else { buffer };
    }

    /// Works on the whole frames in `buffer`, until one is unfinished.
    fn work(&mut self, buffer: &mut BytesMut) {
        if self.fresh {
            if let Some(name) = wire::foreign_protocol(buffer) {
                buffer.clear();
                return self.refuse(Refusal::new(
                    Code::InvalidMessage,
                    format!("this port speaks the foregather protocol (foregather.v1 in protobuf), not {name}"),
                ));
            }
            self.fresh = buffer.len() < GREETING_BYTES;
        }
        let mut complete = false;
        while !self.unfinished && matches!(self.phase, Phase::Open | Phase::Answering) {
            let inbound = match self.codec.decode(buffer) {
                Ok(Some(body)) => wire::inbound(&body, &self.exchange.limits),
                Ok(None) => break,
                Err(error) => Err(error.refusal()),
            };
            match inbound {
                Ok(inbound) => {
                    complete = true;
                    self.fresh = false;
                    self.unfinished = self.exchange.receive(self.session_id(), inbound) == Progress::Unfinished;
                }
                Err(refusal) => {
                    buffer.clear();
                    return self.refuse(refusal);
                }
            }
        }
        if complete {
            self.exchange.hand_out();
        }
        if buffer.is_empty() || self.unfinished {
            self.timer = None;
        } else if complete || self.timer.is_none() {
            self.timer = Some(deadline(self.exchange.limits.frame_wait_ms));
        }
    }

    /// Tells the peer why its bytes cannot be read on, and ends the connection.
    fn refuse(&mut self, refusal: Refusal) {
        self.exchange.count_refusal(refusal.code);
        self.part(End { reason: LeaveReason::Disconnected, last: wire::refusal(&refusal), cut: false });
    }

    /// Ends the session, and the connection after a last frame.
    fn part(&mut self, end: End) {
        self.close(end.reason);
        self.writing.end_with(&self.outbox, &self.exchange.limits, end);
        self.unread = BytesMut::new();
        self.begin_parting(self.exchange.limits.linger_bytes);
    }

    fn begin_parting(&mut self, linger: usize) {
        self.phase = Phase::Parting { linger };
        self.timer = Some(deadline(self.exchange.limits.silence_ms));
    }

    fn lost(&mut self, error: &io::Error) -> Poll<()> {
        self.close(match error.kind() {
            // What the kernel says when the peer's machine has not answered for so long.
            io::ErrorKind::TimedOut | io::ErrorKind::HostUnreachable | io::ErrorKind::NetworkUnreachable => {
                LeaveReason::TimedOut
            }
            _ => LeaveReason::Disconnected,
        });
        Poll::Ready(())
    }

    fn close(&mut self, reason: LeaveReason) {
        if let Some(session) = self.session.take() {
            self.exchange.close(session, reason);
        }
    }

    fn session_id(&self) -> SessionId {
        self.session.expect("frames are worked on only while the session is open")
    }
}

/// So many milliseconds from now. Made only for a connection in the middle of a
/// frame, or at its end.
fn deadline(millis: usize) -> Pin<Box<Sleep>> {
    Box::pin(sleep_until(Instant::now() + Duration::from_millis(millis as u64)))
}

impl<S: Stream> Future for Connection<S> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        self.advance(context)
    }
}

/// Whatever ends the future, the session ends with it.
impl<S> Drop for Connection<S> {
    fn drop(&mut self) {
        if let Some(session) = self.session.take() {
            self.exchange.close(session, LeaveReason::Disconnected);
        }
    }
}

#[cfg(test)]
mod tests;
