//! Saying something to peers, hearing what they say, asking and replying.

use super::{
    Client, ClientError, Messages, Receipt, Reply, Request, Seat, To, bounds, handle,
    inbox::{Inbox, Purpose},
    line::Line,
    serving,
    vigils::Asking,
    waiter::{self, Waiter},
};
use crate::domain::{self, Code, Message, Namespace, Party, Pattern, PeerId, Recipient, Refusal};
use bytes::Bytes;
use std::{sync::Arc, time::Duration};
use tokio::{sync::Notify, time::timeout};

impl Client {
    /// Says something in a namespace to one peer, to the owner, to all or to any; done when
    /// the server has handed it to those it is for. It has no history: whoever is not
    /// connected does not hear it. Who has a peer there or is in rendezvous with the peers
    /// there may send; the receivers are told the oldest own peer there, or the session.
    ///
    /// A message is said once. If the connection is lost before the server has answered, it
    /// is not known whether it was passed on: [`ClientError::Interrupted`]. One that waits
    /// for a connection is said on the next.
    ///
    /// # Errors
    /// [`ClientError::NotFound`] if there is no such receiver, or it is away;
    /// [`ClientError::ReceiverBusy`] if it does not keep up;
    /// [`ClientError::Refused`] with [`Code::NotMember`] for whoever is not there;
    /// [`ClientError::Invalid`] if it is longer than the server accepts (as a rule 60 KiB).
    pub async fn send(&self, ns: &str, to: impl Into<To>, payload: impl AsRef<[u8]>) -> Result<Receipt, ClientError> {
        let message = message(handle::namespace(ns)?, to.into(), payload.as_ref())?;
        say(&self.line, None, message).await
    }

    /// What is said to this client, from now on, in a namespace or in those that a pattern
    /// stands for. The server is asked for nothing: it tells whoever has a peer there what
    /// is for that peer, and whoever is in rendezvous there what is for all. So it is best
    /// called before [`Client::register`] or [`Client::rendezvous`], when nothing can have
    /// been said yet.
    ///
    /// # Errors
    /// [`ClientError::Invalid`] if that is no pattern.
    pub fn messages(&self, pattern: &str) -> Result<Messages, ClientError> {
        Ok(self.mail(Purpose::Hear, handle::pattern(pattern)?, None))
    }

    /// Asks somebody something, and waits for the reply for so long, a day at most.
    /// [`To::Any`] spreads requests over all members, such as workers of the same kind; of
    /// [`To::All`], whoever replies first is heard.
    ///
    /// To hear whether whoever was asked leaves, the namespace is watched, if this client
    /// does not watch it already, while requests there wait and for a minute after that.
    /// Only those who are known to leave are noticed: a session that only watches is not.
    /// To drop the future takes back all of that, but not what was said.
    ///
    /// # Errors
    /// At once, if the server refuses it, as [`Client::send`]; if whoever was asked leaves:
    /// [`ClientError::ReceiverLeft`]; and if this client's connection is lost after it was
    /// said, as the reply may be lost with it: [`ClientError::Interrupted`].
    /// [`ClientError::Deadline`] if there is no reply by then, also from one who is away.
    pub async fn request(
        &self,
        ns: &str,
        to: impl Into<To>,
        payload: impl AsRef<[u8]>,
        deadline: Duration,
    ) -> Result<Reply, ClientError> {
        let message = message(handle::namespace(ns)?, to.into(), payload.as_ref())?;
        ask(&self.line, None, message, deadline).await
    }

    /// Replies to what is asked of this client in a namespace, from the moment of the call:
    /// `answer` is called for each request, and what its future comes to is sent back, again
    /// if the server does not take it at once ([`ClientError::RateLimited`],
    /// [`ClientError::ReceiverBusy`]), within this client's deadline. Up to
    /// 64 are answered at once, in whichever order they are done. A request that somebody
    /// serves goes to nobody else of this client: of several who serve there, to the eldest.
    ///
    /// It ends when it is dropped (requests that are being answered are dropped with it) or
    /// when the client ends, which it does not keep. As [`Client::messages`], it is best
    /// called before there is anybody to be asked:
    ///
    /// ```
    /// # use foregather::{client::{Client, Peer}, server::{Server, ServerOptions}};
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// # let server = Server::start(ServerOptions { listen: ([127, 0, 0, 1], 0).into(), ..Default::default() })?;
    /// let client = Client::connect(server.local_addr()).await?;
    /// let serving = client.serve("workers/echo", |request| async move { request.payload });
    /// client.register("workers/echo", Peer::new()).await?;
    /// tokio::spawn(serving);
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`ClientError::Invalid`] if that is no namespace; why the client has ended, unless it
    /// was closed.
    pub fn serve<F, A, R>(&self, ns: &str, answer: F) -> impl Future<Output = Result<(), ClientError>> + use<F, A, R>
    where
        F: FnMut(Request) -> A,
        A: Future<Output = R>,
        R: AsRef<[u8]>,
    {
        let requests = handle::namespace(ns).map(|ns| self.mail(Purpose::Serve, ns.into(), None));
        async move { serving::serve(requests?, answer).await }
    }

    fn mail(&self, purpose: Purpose, pattern: Pattern, own: Option<PeerId>) -> Messages {
        let inbox = Inbox::new(pattern, own.clone(), self.message_bytes);
        let inbox = self.line.shared().post.open(purpose, inbox, self.line.stream_gone());
        Messages::new(inbox, own, self.line.downgrade())
    }
}

impl Seat {
    /// Says something here, as the own peer; see [`Client::send`].
    ///
    /// # Errors
    /// As there.
    pub async fn send(&self, to: impl Into<To>, payload: impl AsRef<[u8]>) -> Result<Receipt, ClientError> {
        let message = message(self.ns().clone(), to.into(), payload.as_ref())?;
        say(&self.client().line, Some(self.id().clone()), message).await
    }

    /// What is said here from now on, to the own peer and to all; see
    /// [`Client::messages`]. What was said before the call is not told: a host that others
    /// may speak to at once calls [`Client::messages`] before it takes the seat.
    pub fn messages(&self) -> Messages {
        self.client().mail(Purpose::Hear, self.ns().into(), Some(self.id().clone()))
    }

    /// Asks somebody here something, as the own peer; see [`Client::request`].
    ///
    /// # Errors
    /// As there.
    pub async fn request(
        &self,
        to: impl Into<To>,
        payload: impl AsRef<[u8]>,
        deadline: Duration,
    ) -> Result<Reply, ClientError> {
        let message = message(self.ns().clone(), to.into(), payload.as_ref())?;
        ask(&self.client().line, Some(self.id().clone()), message, deadline).await
    }

    /// Replies to what the own peer is asked, from the moment of the call; see
    /// [`Client::serve`]. It does not keep the seat.
    ///
    /// # Errors
    /// As there.
    pub fn serve<F, A, R>(&self, answer: F) -> impl Future<Output = Result<(), ClientError>> + use<F, A, R>
    where
        F: FnMut(Request) -> A,
        A: Future<Output = R>,
        R: AsRef<[u8]>,
    {
        let requests = self.client().mail(Purpose::Serve, self.ns().into(), Some(self.id().clone()));
        serving::serve(requests, answer)
    }
}

/// What is to be said.
fn message(ns: Namespace, to: To, payload: &[u8]) -> Result<Message, ClientError> {
    let to = match to {
        To::Owner => Recipient::Owner,
        To::All => Recipient::All,
        To::Any => Recipient::Any,
        To::Peer(id) => {
            let party = Party::parse(&id, &bounds::widest());
            Recipient::To(party.map_err(|refusal| ClientError::Invalid(refusal.of(&ns)))?)
        }
    };
    Ok(Message::new(ns, to, Bytes::copy_from_slice(payload)))
}

/// Says it, as that own peer there.
pub(super) async fn say(line: &Line, from: Option<PeerId>, message: Message) -> Result<Receipt, ClientError> {
    fits(line, &message)?;
    let (to, ns) = (message.to.clone(), message.ns.clone());
    let what = waiter::what(&to, &ns);
    let request = domain::Request::Send { from, message };
    let to = line.in_time(what, line.ask(request, |outcome| Waiter::Send(outcome, to, ns))).await?;
    Ok(Receipt { to })
}

/// The same, and waits for the reply.
async fn ask(line: &Line, from: Option<PeerId>, message: Message, deadline: Duration) -> Result<Reply, ClientError> {
    fits(line, &message)?;
    let (to, ns, id) = (message.to.clone(), message.ns.clone(), line.message_id());
    let (what, after) = (format!("the reply to {}", waiter::what(&to, &ns)), deadline.min(bounds::DEADLINE_MAX));
    let request = domain::Request::Send { from, message: Message { id: Some(id), ..message } };
    let mut gone = Gone(Some(line.stream_gone()));
    let asking = |outcome| Waiter::Ask(Asking { ns, to, id, outcome, hold: None });
    let reply = timeout(after, line.ask(request, asking)).await;
    if reply.is_ok() {
        gone.0 = None;
    }
    reply.unwrap_or(Err(ClientError::Deadline { what, after }))
}

/// Whether the server takes so long a message.
fn fits(line: &Line, message: &Message) -> Result<(), ClientError> {
    let limit = line.greeting().limits.payload_bytes;
    let (length, limit) =
        (message.payload.len(), limit.map_or(usize::MAX, |bytes| bytes.try_into().unwrap_or(usize::MAX)));
    if length <= limit {
        return Ok(());
    }
    let text = format!("the payload is {length} bytes long; the server accepts {limit}");
    Err(ClientError::Invalid(Refusal::new(Code::TooLarge, text).of(&message.ns)))
}

/// Tells the driver that nobody waits for the reply any more, unless it has come.
struct Gone(Option<Arc<Notify>>);

impl Drop for Gone {
    fn drop(&mut self) {
        if let Some(gone) = &self.0 {
            gone.notify_one();
        }
    }
}
