//! The client's side of its session without a socket: requests and frames go in,
//! bytes to be written come out. It outlives the connections that carry it.

use super::{
    ClientError, bounds,
    calls::Calls,
    inbox::Post,
    own::Own,
    restore::Restore,
    streams::Streams,
    waiter::{Waiter, Wanted},
};
use crate::{
    domain::{Answer, Greeting, Hello, Namespace, Outbound, Refusal, Request, RequestId, Unregister},
    limits::Limits,
    wire,
};
use bytes::{Bytes, BytesMut};
use std::{
    collections::BTreeSet,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
};

/// A request on its way to the server. Its bytes are nobody's to print.
pub(super) struct Call {
    pub(super) id: RequestId,
    pub(super) request: Request,
    /// The same as bytes.
    pub(super) frame: Bytes,
    pub(super) waiter: Waiter,
}

/// The numbers of requests, for all who share the session. A number is never
/// used for two, whichever connections they are said on.
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

/// How the client introduces itself.
#[derive(Debug, Default)]
pub(super) struct Introduction {
    pub(super) agent: String,
    /// Besides the wishes that never change, the token of the session.
    pub(super) hello: Hello,
}

/// What a frame meant to the connection.
#[derive(Debug)]
pub(super) enum Heard {
    /// Nothing beyond what was done already.
    Nothing,
    /// The server knows who this is.
    Welcome(Greeting),
    /// It does not want to.
    Refused(Refusal),
}

/// How far the present connection is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stage {
    /// There is none.
    Lost,
    /// HELLO is said under this number.
    Introducing(RequestId),
    Welcomed,
}

#[derive(Debug)]
pub(super) struct Conversation {
    limits: Limits,
    numbers: Arc<Numbers>,
    introduction: Introduction,
    stage: Stage,
    /// The session was welcomed once.
    established: bool,
    calls: Calls,
    streams: Streams,
    own: Arc<Own>,
    post: Arc<Post>,
    /// Bytes to be written.
    outgoing: BytesMut,
    /// The server's question for a sign of life that is to be answered. To answer
    /// the latest is enough, so a server that asks and does not read costs nothing.
    asked: Option<u64>,
    /// The last that the server said of its own accord.
    last_word: Option<Refusal>,
}

impl Conversation {
    pub(super) fn new(numbers: Arc<Numbers>, own: Arc<Own>, post: Arc<Post>, introduction: Introduction) -> Self {
        Self {
            limits: bounds::widest(),
            numbers,
            introduction,
            stage: Stage::Lost,
            established: false,
            calls: Calls::new(),
            streams: Streams::default(),
            own,
            post,
            outgoing: BytesMut::new(),
            asked: None,
            last_word: None,
        }
    }

    /// Whether so little waits to be written, or to be given back, that there may
    /// be more.
    pub(super) fn has_room(&self) -> bool {
        self.stage == Stage::Welcomed && self.outgoing.len() < bounds::OUTGOING_BYTES && self.calls.has_room()
    }

    /// What is to be written; the caller takes from its front.
    pub(super) fn outgoing(&mut self) -> &mut BytesMut {
        if let Some(nonce) = self.asked.take_if(|_| self.outgoing.len() < bounds::OUTGOING_BYTES) {
            self.outgoing.extend_from_slice(&wire::request(None, &Request::Heartbeat { nonce, reply: true }));
        }
        &mut self.outgoing
    }

    /// A connection is there. HELLO is said and, if the server may go on with the
    /// session, in the same breath what keeps and watches all that there was; so that
    /// is there again after one round trip.
    pub(super) fn begin(&mut self) {
        let id = self.numbers.next();
        let Introduction { agent, hello } = &self.introduction;
        self.outgoing.extend_from_slice(&wire::hello(id, agent, hello));
        self.stage = Stage::Introducing(id);
        if self.may_be_resumed() {
            self.renew();
            self.watch_again();
        }
    }

    /// The connection is lost. What was not answered waits for the next one.
    pub(super) fn interrupt(&mut self) {
        self.stage = Stage::Lost;
        self.outgoing.clear();
        self.asked = None;
        self.last_word = None;
        self.calls.interrupt();
        self.streams.interrupt();
    }

    /// Takes up a request, unless whoever made it has given up already.
    pub(super) fn call(&mut self, call: Call) {
        let Call { id, request, frame, mut waiter } = call;
        if waiter.is_abandoned() {
            return;
        }
        if let Waiter::Ask(asking) = &mut waiter {
            // What is to be heard of its receiver is to be heard from before it is said.
            let watch = self.streams.attend(asking);
            let ns = asking.ns.clone();
            self.give_back();
            if let Some(watch) = watch {
                self.ask(Request::Rendezvous(watch), Waiter::Vigil(ns));
            }
        }
        let instead = match &waiter {
            Waiter::Watch { reader, asked, .. } => self.streams.watch(reader, asked),
            _ => None,
        };
        let frame = instead.map_or(frame, |asked| wire::request(Some(id), &Request::Rendezvous(asked)));
        self.outgoing.extend_from_slice(&frame);
        self.calls.insert(id, Some(request), waiter, true);
    }

    /// Takes the body of a frame.
    ///
    /// # Errors
    /// If the server broke the protocol.
    pub(super) fn receive(&mut self, body: &[u8]) -> Result<Heard, ClientError> {
        match wire::outbound(body, &self.limits).map_err(|refusal| ClientError::Protocol(refusal.text))? {
            Outbound::Welcome { request_id: id, .. } | Outbound::Answer { request_id: id, .. }
                if !self.numbers.was_used(id) =>
            {
                return Err(ClientError::Protocol(format!("it answered request {}, which was never made", id.0)));
            }
            Outbound::Welcome { request_id, greeting } => {
                if self.stage != Stage::Introducing(request_id) {
                    return Err(ClientError::Protocol("it said WELCOME where HELLO was not said".into()));
                }
                self.welcome(&greeting);
                return Ok(Heard::Welcome(greeting));
            }
            Outbound::Answer { request_id, answer } if self.stage == Stage::Introducing(request_id) => {
                return match answer {
                    Answer::Refused(refusal) => Ok(Heard::Refused(refusal)),
                    _ => Err(ClientError::Protocol("it answered HELLO with something else than WELCOME".into())),
                };
            }
            Outbound::Answer { request_id, answer } => {
                if let Some((request, waiter)) = self.calls.answer(request_id, answer, &self.own, &mut self.streams)? {
                    self.ask(request, waiter);
                }
                self.give_back();
            }
            Outbound::Announced(announcements) => {
                for announcement in &announcements {
                    self.streams.announce(announcement, &self.own);
                }
                self.give_back();
            }
            Outbound::Said(deliveries) => {
                for delivery in deliveries {
                    match delivery.message.reply_to {
                        Some(id) => self.streams.vigils.reply(id, delivery),
                        None => self.post.take(&delivery),
                    }
                }
            }
            Outbound::Asked { nonce } => {
                self.asked = Some(nonce);
                // A server that has nothing to say asks now and then.
                self.give_back();
            }
            Outbound::Parting(refusal) => self.last_word = Some(refusal),
            Outbound::Unknown => {}
        }
        Ok(Heard::Nothing)
    }

    /// Asks the server for a sign of life.
    pub(super) fn ask_for_life(&mut self) {
        let RequestId(nonce) = self.numbers.next();
        self.outgoing.extend_from_slice(&wire::request(None, &Request::Heartbeat { nonce, reply: false }));
    }

    /// Ends the watches, gives up the seats and takes back the requests of those
    /// who are gone.
    pub(super) fn tidy(&mut self) {
        for id in self.calls.tidy() {
            self.tell(&Request::Cancel(id));
        }
        self.streams.tidy();
        self.post.tidy();
        self.give_back();
    }

    /// The client is to be closed: nobody waits for a game any more.
    pub(super) fn withdraw(&mut self) {
        self.tidy();
        for id in self.calls.matches() {
            self.tell(&Request::Cancel(id));
        }
    }

    /// Takes out all that is registered, for a lease outlives the connection; once
    /// no request that is on its way can add a place which is not known yet. Whether
    /// that is so.
    pub(super) fn take_leave(&mut self) -> bool {
        if !self.calls.matches().is_empty() {
            return false;
        }
        let held = self.own.holdings();
        let stays =
            held.iter().map(|holding| &holding.registration).filter(|own| !self.calls.takes_out(&own.ns, &own.id));
        let places: BTreeSet<Namespace> = stays.map(|own| &own.ns).chain(self.calls.entered()).cloned().collect();
        for ns in places {
            self.tell(&Request::Unregister(Unregister { ns, peer: None, ban: false }));
        }
        true
    }

    /// Tells all streams that nothing more will come.
    pub(super) fn end(&mut self, cause: &ClientError) {
        self.streams.end(cause);
        self.post.end(cause);
    }

    /// What the server said last of its own accord, if anything.
    pub(super) fn last_word(&self) -> Option<&Refusal> {
        self.last_word.as_ref()
    }

    /// The server knows who this is, and may still know what was registered.
    fn welcome(&mut self, greeting: &Greeting) {
        let was_asked = self.may_be_resumed();
        let token = &greeting.resume;
        let is_kept = !token.is_empty() && token.len() <= bounds::TOKEN_BYTES;
        self.introduction.hello.resume = is_kept.then(|| token.clone());
        self.stage = Stage::Welcomed;
        if !self.established {
            self.established = true;
            return;
        }
        if !(greeting.resumed && was_asked) {
            self.calls.forget_restoring();
            self.enter_again();
            self.watch_again();
        }
        let Self { calls, own, streams, outgoing, .. } = self;
        calls.repeat(greeting.resumed, own, streams, |id, request| {
            outgoing.extend_from_slice(&wire::request(Some(id), request));
        });
        self.give_back();
    }

    fn may_be_resumed(&self) -> bool {
        self.established && self.introduction.hello.resume.is_some()
    }

    /// Asks whether all own peers are there still, as they are to be.
    fn renew(&mut self) {
        for holding in self.own.holdings() {
            let own = &holding.registration;
            if !self.calls.takes_out(&own.ns, &own.id) {
                let (request, waiter) = Restore::renew(&holding, self.calls.newest(&own.ns, &own.id));
                self.ask(request, waiter);
            }
        }
    }

    /// Registers all own peers anew.
    fn enter_again(&mut self) {
        for holding in self.own.holdings() {
            let own = &holding.registration;
            if !self.calls.takes_out(&own.ns, &own.id) {
                let (request, waiter) = Restore::anew(&holding);
                self.ask(request, waiter);
            }
        }
    }

    /// Watches all that was watched, except what somebody still waits for.
    fn watch_again(&mut self) {
        for (reader, asked) in self.streams.watches(&self.own) {
            if !self.calls.begins(&reader) {
                let wanted = asked.since.map_or(Wanted::List, Wanted::CatchUpOrList);
                self.ask(Request::Rendezvous(asked), Waiter::Rest(reader, wanted));
            }
        }
    }

    /// Tells the server what is needed no longer.
    fn give_back(&mut self) {
        self.streams.end_idle_vigils();
        self.streams.release(&self.own, |ns, id| self.calls.may_be_given(ns, id));
        for request in self.streams.requests() {
            if let Request::Unregister(Unregister { ns, peer: Some(peer), .. }) = request {
                let request = Unregister { ns: ns.clone(), peer: Some(peer.clone()), ban: false };
                let is_said = self.stage == Stage::Welcomed;
                let id = self.numbers.next();
                if is_said {
                    self.outgoing.extend_from_slice(&wire::request(Some(id), &Request::Unregister(request)));
                }
                self.calls.give_up(id, ns, peer, is_said);
            } else {
                self.tell(&request);
            }
        }
    }

    /// Asks something for the session's own sake.
    fn ask(&mut self, request: Request, waiter: Waiter) {
        let id = self.numbers.next();
        self.outgoing.extend_from_slice(&wire::request(Some(id), &request));
        self.calls.insert(id, Some(request), waiter, true);
    }

    /// Says something whose answer nobody waits for, and which means something on
    /// the present connection only.
    fn tell(&mut self, request: &Request) {
        if self.stage != Stage::Lost {
            let id = self.numbers.next();
            self.outgoing.extend_from_slice(&wire::request(Some(id), request));
        }
    }
}
