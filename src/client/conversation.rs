//! The client's side of one connection without its socket: requests and frames
//! go in, bytes to be written come out.

use super::{
    ClientError, bounds,
    calls::{Calls, Effect, Waiter},
    feed::Feed,
};
use crate::{
    domain::{Announcement, Greeting, Outbound, Pattern, Refusal, Rendezvous, Request, RequestId, Subject},
    limits::Limits,
    wire,
};
use bytes::{Bytes, BytesMut};
use std::{
    mem,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
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
    /// Every stream that lives. The server sends a change once however many of
    /// them it concerns.
    feeds: Vec<Arc<Feed>>,
    /// Bytes to be written.
    outgoing: BytesMut,
    /// The server's question for a sign of life that is to be answered. To answer
    /// the latest is enough, so a server that asks and does not read costs nothing.
    asked: Option<u64>,
    /// The last that the server said of its own accord.
    last_word: Option<Refusal>,
}

impl Conversation {
    pub(super) fn new(numbers: Arc<Numbers>) -> Self {
        Self {
            limits: bounds::widest(),
            numbers,
            calls: Calls::new(),
            feeds: Vec::new(),
            outgoing: BytesMut::new(),
            asked: None,
            last_word: None,
        }
    }

    /// Whether so little waits to be written that there may be more.
    pub(super) fn has_room(&self) -> bool {
        self.outgoing.len() < bounds::OUTGOING_BYTES
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
        if let Waiter::Watch { feed, .. } = &waiter {
            self.feeds.push(feed.clone());
        }
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
            Outbound::Answer { request_id, answer } => match self.calls.answer(request_id, answer)? {
                Effect::None => {}
                Effect::Refused(feed) => self.forget(&feed),
                Effect::Failed(feed, error) => self.fail(&feed, error),
            },
            Outbound::Announced(announcements) => announcements.iter().for_each(|change| self.announced(change)),
            Outbound::Asked { nonce } => self.asked = Some(nonce),
            Outbound::Parting(refusal) => self.last_word = Some(refusal),
            Outbound::Unknown => {}
        }
        Ok(None)
    }

    /// Ends the watches whose readers are gone.
    pub(super) fn tidy(&mut self) {
        let (gone, kept) = mem::take(&mut self.feeds).into_iter().partition::<Vec<_>, _>(|feed| feed.is_abandoned());
        self.feeds = kept;
        for feed in gone {
            self.leave(feed.pattern());
        }
    }

    /// Tells all streams that nothing more will come.
    pub(super) fn end(&mut self, cause: &ClientError) {
        for feed in mem::take(&mut self.feeds) {
            feed.end((!matches!(cause, ClientError::Closed)).then(|| cause.clone()));
        }
    }

    /// What the server said last of its own accord, if anything.
    pub(super) fn last_word(&mut self) -> Option<Refusal> {
        self.last_word.take()
    }

    fn announced(&mut self, change: &Announcement) {
        let mut failed = Vec::new();
        for feed in &self.feeds {
            if let Err(error) = feed.apply(change) {
                failed.push((feed.clone(), error));
            }
        }
        for (feed, error) in failed {
            self.fail(&feed, error);
        }
    }

    /// Ends one stream, and its watch with it.
    fn fail(&mut self, feed: &Arc<Feed>, error: ClientError) {
        feed.end(Some(error));
        self.forget(feed);
        self.leave(feed.pattern());
    }

    fn forget(&mut self, feed: &Arc<Feed>) {
        self.feeds.retain(|other| !Arc::ptr_eq(other, feed));
    }

    /// Tells the server to end the watch, unless another stream shares it. Nobody
    /// waits for the answer.
    fn leave(&mut self, pattern: &Pattern) {
        if self.feeds.iter().all(|other| other.pattern() != pattern) {
            let request =
                Request::Rendezvous(Rendezvous { pattern: pattern.clone(), subject: Subject::default(), leave: true });
            self.outgoing.extend_from_slice(&wire::request(Some(self.numbers.next()), &request));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Answer, LeaveReason, ListKind, Namespace, PeerId, Registration, Roster},
        wire::proto,
    };
    use tokio::sync::oneshot;

    /// Frames of every kind, as a good server sends them.
    fn frames() -> Vec<Bytes> {
        let limits = Limits::default();
        let ada = Arc::new(Registration::new(
            Namespace::parse("a").expect("it is legal"),
            PeerId::parse("ada", &limits).expect("it is legal"),
            vec!["192.0.2.7:7777".into()],
            [("name".to_owned(), "Ada".to_owned())].into(),
            3,
        ));
        let (ns, id) = (ada.ns.clone(), ada.id.clone());
        let list = |kind| Roster { pattern: ns.clone().into(), kind, game: None, peers: vec![ada.clone()], more: true };
        let observed = ([192, 0, 2, 7], 1).into();
        let mut frames = Vec::new();
        for answer in [
            Answer::Done,
            Answer::Granted { registration: ada.clone(), game: None },
            Answer::Roster(list(ListKind::Snapshot { version: 3 })),
            Answer::Roster(list(ListKind::Page { cookie: Some(Bytes::from_static(b"next")) })),
            Answer::Refused(Refusal::new(crate::domain::Code::NotFound, "gone").of(&ns)),
            Answer::Welcome(crate::domain::Welcome { session: "~s".into(), observed }),
        ] {
            wire::answer(Some(RequestId(1)), &answer, &limits, |frame| frames.push(frame));
        }
        let left = Announcement::Unregistered { ns: ns.clone(), id, reason: LeaveReason::Kicked, version: 4 };
        frames.extend(wire::announcements(&[Announcement::Registered(ada.clone()), left], &limits));
        frames.push(wire::request(None, &Request::Heartbeat { nonce: 1, reply: false }));
        frames.push(wire::message(&proto::Message { r#type: Some(99), ..Default::default() }));
        frames
    }

    #[test]
    fn no_bytes_make_the_client_panic() {
        // Each frame with each of its bytes changed, cut off there, or doubled.
        for frame in frames() {
            let (_, body) = frame.split_at(if frame[0] & 0x80 == 0 { 1 } else { 2 });
            for at in 0..body.len() {
                for change in [0x00, 0x01, 0x02, 0x7f, 0x80, 0xff] {
                    let mut changed = body.to_vec();
                    changed[at] ^= change;
                    hear(&[body, &changed, &body[..at], &changed, body]);
                }
            }
        }
    }

    /// Says all of that to a client that watches and waits for an answer.
    fn hear(bodies: &[&[u8]]) {
        let mut conversation = Conversation::new(Arc::default());
        let feed = Arc::new(Feed::new(Pattern::parse("a").expect("it is legal"), 2_000));
        let (outcome, _answer) = oneshot::channel();
        let id = conversation.numbers.next();
        let waiter = Waiter::Watch { outcome: Some(outcome), feed };
        conversation.call(Call { id, frame: Bytes::new(), waiter });
        for body in bodies {
            // What is wrong with it is told elsewhere.
            let _ = conversation.receive(body);
        }
        conversation.tidy();
    }
}
