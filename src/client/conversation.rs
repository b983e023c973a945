//! The client's side of one connection without its socket: requests and frames
//! go in, bytes to be written come out.

use super::{ClientError, bounds, calls::Calls, own::Own, streams::Streams, waiter::Waiter};
use crate::{
    domain::{Greeting, Outbound, Refusal, Request, RequestId, Unregister},
    limits::Limits,
    wire,
};
use bytes::{Bytes, BytesMut};
use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

/// A request on its way to the server.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) id: RequestId,
    pub(super) frame: Bytes,
    pub(super) waiter: Waiter,
}

/// The numbers of requests, for all who share the connection.
#[derive(Debug, Default)]
pub(super) struct Numbers(AtomicU64);

impl Numbers {
    pub(super) fn next(&self) -> RequestId {
        RequestId(self.0.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn was_used(&self, id: RequestId) -> bool {
        (1..=self.0.load(Ordering::Relaxed)).contains(&id.0)
    }
}

#[derive(Debug)]
pub(super) struct Conversation {
    limits: Limits,
    numbers: Arc<Numbers>,
    calls: Calls,
    streams: Streams,
    own: Arc<Own>,
    /// Bytes to be written.
    outgoing: BytesMut,
    /// The server's question for a sign of life that is to be answered. To answer
    /// the latest is enough, so a server that asks and does not read costs nothing.
    asked: Option<u64>,
    /// The last that the server said of its own accord.
    last_word: Option<Refusal>,
}

impl Conversation {
    pub(super) fn new(numbers: Arc<Numbers>, own: Arc<Own>) -> Self {
        Self {
            limits: bounds::widest(),
            numbers,
            calls: Calls::new(),
            streams: Streams::default(),
            own,
            outgoing: BytesMut::new(),
            asked: None,
            last_word: None,
        }
    }

    /// Whether so little waits to be written, or to be given back, that there may
    /// be more.
    pub(super) fn has_room(&self) -> bool {
        self.outgoing.len() < bounds::OUTGOING_BYTES && self.calls.has_room()
    }

    /// What is to be written; the caller takes from its front.
    pub(super) fn outgoing(&mut self) -> &mut BytesMut {
        if let Some(nonce) = self.asked.take_if(|_| self.outgoing.len() < bounds::OUTGOING_BYTES) {
            self.outgoing.extend_from_slice(&wire::request(None, &Request::Heartbeat { nonce, reply: true }));
        }
        &mut self.outgoing
    }

    /// Takes up a request, unless whoever made it has given up already.
    pub(super) fn call(&mut self, call: Call) {
        let Call { id, frame, waiter } = call;
        if waiter.is_abandoned() {
            return;
        }
        let instead = match &waiter {
            Waiter::Watch { reader, asked, .. } => self.streams.watch(reader, asked),
            _ => None,
        };
        let frame = instead.map_or(frame, |asked| wire::request(Some(id), &Request::Rendezvous(asked)));
        self.outgoing.extend_from_slice(&frame);
        self.calls.insert(id, waiter);
    }

    /// Takes the body of a frame. A greeting is handed out too, for what it says
    /// of frames.
    ///
    /// # Errors
    /// If the server broke the protocol.
    pub(super) fn receive(&mut self, body: &[u8]) -> Result<Option<Greeting>, ClientError> {
        match wire::outbound(body, &self.limits).map_err(|refusal| ClientError::Protocol(refusal.text))? {
            Outbound::Welcome { request_id: id, .. } | Outbound::Answer { request_id: id, .. }
                if !self.numbers.was_used(id) =>
            {
                return Err(ClientError::Protocol(format!("it answered request {}, which was never made", id.0)));
            }
            Outbound::Welcome { request_id, greeting } => {
                self.calls.welcome(request_id, greeting.clone())?;
                return Ok(Some(greeting));
            }
            Outbound::Answer { request_id, answer } => {
                self.calls.answer(request_id, answer, &self.own, &mut self.streams)?;
                self.give_back();
            }
            Outbound::Announced(announcements) => {
                for announcement in &announcements {
                    self.streams.announce(announcement, &self.own);
                }
                self.give_back();
            }
            Outbound::Asked { nonce } => self.asked = Some(nonce),
            Outbound::Parting(refusal) => self.last_word = Some(refusal),
            Outbound::Unknown => {}
        }
        Ok(None)
    }

    /// Ends the watches, gives up the seats and takes back the requests of those
    /// who are gone.
    pub(super) fn tidy(&mut self) {
        for id in self.calls.tidy() {
            self.tell(&Request::Cancel(id));
        }
        self.streams.tidy();
        self.give_back();
    }

    /// Tells all streams that nothing more will come.
    pub(super) fn end(&mut self, cause: &ClientError) {
        self.streams.end(cause);
    }

    /// What the server said last of its own accord, if anything.
    pub(super) fn last_word(&mut self) -> Option<Refusal> {
        self.last_word.take()
    }

    /// Tells the server what is needed no longer.
    fn give_back(&mut self) {
        self.streams.release(&self.own, |ns, id| self.calls.may_be_given(ns, id));
        for request in self.streams.requests() {
            let id = self.tell(&request);
            if let Request::Unregister(Unregister { ns, peer: Some(peer), .. }) = request {
                self.calls.give_up(id, ns, peer);
            }
        }
    }

    /// Says something whose answer nobody waits for.
    fn tell(&mut self, request: &Request) -> RequestId {
        let id = self.numbers.next();
        self.outgoing.extend_from_slice(&wire::request(Some(id), request));
        id
    }
}
