//! Who waits for an answer, of which kind, and what the answer changes.

use super::{
    ClientError,
    own::Own,
    pages::Paging,
    restore::Restore,
    streams::{Reader, Streams},
    vigils::Asking,
};
use crate::domain::{
    Answer, Code, Game, GameList, ListKind, Namespace, Pattern, PeerId, QuickMatch, Recipient, Register, Registration,
    Rendezvous, Request, Roster, Seat, Subject,
};
use std::sync::Arc;
use tokio::sync::oneshot;

/// Where an answer goes.
pub(super) type Outcome<T> = oneshot::Sender<Result<T, ClientError>>;

/// What REGISTER is granted: the own entry, and the game where it is one.
pub(super) type Granted = (Arc<Registration>, Option<Arc<Game>>);

#[derive(Debug)]
pub(super) enum Waiter {
    /// REGISTER where no seat is made of it.
    Register(Outcome<Granted>),
    /// REGISTER for a seat.
    Enter { outcome: Outcome<Granted>, claim: Claim },
    /// MATCH.
    Match { outcome: Outcome<Arc<Registration>>, claim: Claim },
    /// UNREGISTER of one, or of all.
    Unregister { outcome: Outcome<()>, ns: Namespace, peer: Option<PeerId> },
    /// UNREGISTER of a seat that nobody stands for any more.
    GiveUp { ns: Namespace, id: PeerId },
    /// RENDEZVOUS.
    Watch { outcome: Outcome<()>, reader: Reader, asked: Rendezvous },
    /// What follows the first part of a list that is watched, or what is watched
    /// again on another connection.
    Rest(Reader, Wanted),
    /// What brings an own peer back on another connection.
    Restore(Restore),
    /// SEND that wants no reply: whom it was for, if the server chose that.
    Send(Outcome<Option<PeerId>>, Recipient, Namespace),
    /// SEND that wants one.
    Ask(Asking),
    /// RENDEZVOUS for the sake of requests to peers there.
    Vigil(Namespace),
    /// DISCOVER of peers.
    Page(Paging<Registration>),
    /// DISCOVER of games.
    GamePage(Paging<Game>),
}

/// What may come for a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wanted {
    /// All that is there, or the rest of that.
    List,
    /// That, or what has changed since this version.
    CatchUpOrList(u64),
    /// The rest of what has changed since this version.
    CatchUp(u64),
}

/// What follows an answer.
#[derive(Debug)]
pub(super) enum Next {
    Done,
    /// More of it is to come.
    Wait(Waiter),
    /// Something else is to be asked.
    Ask(Request, Waiter),
}

/// A seat that was asked for. It is waited for also when whoever asked is gone:
/// then it is given back.
#[derive(Debug)]
pub(super) struct Claim {
    /// Where the seat will be.
    pub(super) within: Pattern,
    /// For whom; `None`: the server makes a name.
    pub(super) peer: Option<PeerId>,
    /// The stream of whoever waits for the seat.
    pub(super) reader: Reader,
}

impl Claim {
    /// Whether it may be answered with a seat of this peer, or of any.
    pub(super) fn may_be(&self, ns: &Namespace, id: Option<&PeerId>) -> bool {
        let is_wanted = |id| self.peer.as_ref().is_none_or(|wanted| wanted == id);
        self.within.matches(ns.as_str()) && id.is_none_or(is_wanted)
    }

    fn is_met_by(&self, registration: &Registration) -> bool {
        self.may_be(&registration.ns, Some(&registration.id))
    }
}

impl Waiter {
    /// Nobody waits any more.
    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::GiveUp { .. } => true,
            Self::Restore(_) | Self::Vigil(_) => false,
            Self::Send(outcome, ..) => outcome.is_closed(),
            Self::Ask(asking) => asking.outcome.is_closed(),
            Self::Register(outcome) => outcome.is_closed(),
            Self::Enter { claim, .. } | Self::Match { claim, .. } => claim.reader.is_abandoned(),
            Self::Unregister { outcome, .. } => outcome.is_closed(),
            Self::Watch { reader, .. } | Self::Rest(reader, _) => reader.is_abandoned(),
            Self::Page(paging) => paging.outcome.is_closed(),
            Self::GamePage(paging) => paging.outcome.is_closed(),
        }
    }

    /// The answer matters also when nobody waits for it: by it the client knows
    /// what it has.
    pub(super) fn is_of_a_seat(&self) -> bool {
        matches!(self, Self::Enter { .. } | Self::Match { .. } | Self::GiveUp { .. })
    }

    /// The seat that it waits for.
    pub(super) fn claim(&self) -> Option<&Claim> {
        match self {
            Self::Enter { claim, .. } | Self::Match { claim, .. } => Some(claim),
            _ => None,
        }
    }

    /// It belongs to the connection, and is asked for anew on another.
    pub(super) fn is_of_the_connection(&self) -> bool {
        matches!(self, Self::Rest(..) | Self::Restore(_) | Self::Vigil(_))
    }

    /// It is about a message.
    pub(super) fn is_of_a_message(&self) -> bool {
        matches!(self, Self::Send(..) | Self::Ask(_))
    }

    /// The connection is lost on which a message was said.
    pub(super) fn interrupt(self) {
        match self {
            Self::Send(outcome, to, ns) => {
                let what = what(&to, &ns);
                let _ = outcome.send(Err(ClientError::Interrupted { what }));
            }
            Self::Ask(asking) => asking.interrupt(),
            _ => {}
        }
    }

    /// Takes an answer to that request, or a part of one. `repeated`: the request
    /// may have been granted before, on a connection that was lost.
    ///
    /// # Errors
    /// If it is no answer to what was asked.
    pub(super) fn take(
        self,
        answer: Answer,
        asked: Option<&Request>,
        repeated: bool,
        own: &Own,
        streams: &mut Streams,
    ) -> Result<Next, ClientError> {
        let (request, answered) = (self.name(), name(&answer));
        let mismatch = || ClientError::Protocol(format!("it answered {request} with {answered}"));
        // Here and below: a receiver that is gone has stopped waiting.
        match (self, answer) {
            // Whatever the server says, it is not there any more.
            (Self::GiveUp { ns, id }, Answer::Done | Answer::Refused(_)) => drop(own.leave(&ns, &id)),
            (Self::Restore(restore), answer) => return restore.take(answer, own, streams).ok_or_else(mismatch),
            // It was taken out by the same request, or with the lost connection.
            (Self::Unregister { outcome, ns, peer }, Answer::Refused(refusal))
                if refusal.code == Code::NotFound && (repeated || own.has(&ns, peer.as_ref())) =>
            {
                left(&ns, peer.as_ref(), own);
                let _ = outcome.send(Ok(()));
            }
            (waiter, Answer::Refused(refusal)) => waiter.refuse(refusal.into(), streams),
            (Self::Register(outcome), Answer::Granted { registration, game }) => {
                let _ = outcome.send(Ok(granted(registration, game, asked, own, streams)));
            }
            (Self::Enter { outcome, claim }, Answer::Granted { registration, game })
                if claim.is_met_by(&registration) =>
            {
                streams.sit(&claim.reader, &registration);
                let _ = outcome.send(Ok(granted(registration, game, asked, own, streams)));
            }
            (Self::Match { outcome, claim }, Answer::Seat(seat)) => {
                return seated(claim, seat, outcome, asked, own, streams).ok_or_else(mismatch);
            }
            (Self::Unregister { outcome, ns, peer }, Answer::Done) => {
                left(&ns, peer.as_ref(), own);
                let _ = outcome.send(Ok(()));
            }
            (Self::Send(outcome, to, ns), answer) => {
                let sent = sent(&to, &ns, answer).ok_or_else(mismatch)?;
                let _ = outcome.send(Ok(sent));
            }
            (Self::Ask(asking), answer) => {
                let sent = sent(&asking.to, &asking.ns, answer).ok_or_else(mismatch)?;
                streams.vigils.open(asking, sent);
            }
            (Self::Vigil(ns), Answer::Roster(Roster { kind: ListKind::Snapshot { .. }, more, .. })) if more => {
                return Ok(Next::Wait(Self::Vigil(ns)));
            }
            (Self::Vigil(_), Answer::Roster(Roster { kind: ListKind::Snapshot { .. }, .. })) => {}
            (Self::Watch { outcome, reader, .. }, answer) => {
                let taken = list(&reader, Wanted::List, answer).ok_or_else(mismatch)?;
                let _ = outcome.send(Ok(()));
                return Ok(rest(reader, taken, streams));
            }
            (Self::Rest(reader, wanted), answer) => {
                let taken = list(&reader, wanted, answer).ok_or_else(mismatch)?;
                return Ok(rest(reader, taken, streams));
            }
            (Self::Page(paging), Answer::Roster(Roster { kind: ListKind::Page { cookie }, peers, more, .. })) => {
                return Ok(paging
                    .take(peers, cookie, more)
                    .map_or(Next::Done, |paging| Next::Wait(Self::Page(paging))));
            }
            (Self::GamePage(paging), Answer::Games(GameList { kind: ListKind::Page { cookie }, games, more, .. })) => {
                let games = games.into_iter().map(Arc::new).collect();
                let paging = paging.take(games, cookie, more);
                return Ok(paging.map_or(Next::Done, |paging| Next::Wait(Self::GamePage(paging))));
            }
            _ => return Err(mismatch()),
        }
        Ok(Next::Done)
    }

    fn refuse(self, error: ClientError, streams: &mut Streams) {
        match self {
            Self::Register(outcome) | Self::Enter { outcome, .. } => drop(outcome.send(Err(error))),
            Self::Match { outcome, .. } => drop(outcome.send(Err(error))),
            Self::Unregister { outcome, .. } => drop(outcome.send(Err(error))),
            Self::Watch { outcome, reader, .. } => {
                streams.refused(&reader);
                let _ = outcome.send(Err(error));
            }
            // A list that was granted can end early all the same.
            Self::Rest(reader, _) => streams.fail(&reader, error),
            Self::GiveUp { .. } | Self::Restore(_) => {}
            Self::Send(outcome, ..) => drop(outcome.send(Err(error))),
            Self::Ask(asking) => drop(asking.outcome.send(Err(error))),
            // Then it is not heard who leaves; whether the message goes is another matter.
            Self::Vigil(ns) => streams.vigils.refused(&ns),
            Self::Page(paging) => drop(paging.outcome.send(Err(error))),
            Self::GamePage(paging) => drop(paging.outcome.send(Err(error))),
        }
    }

    fn name(&self) -> &'static str {
        match self {
            Self::Restore(_) => "what brings a peer back",
            Self::Register(_) | Self::Enter { .. } => "REGISTER",
            Self::Match { .. } => "MATCH",
            Self::Unregister { .. } | Self::GiveUp { .. } => "UNREGISTER",
            Self::Watch { .. } | Self::Rest(..) | Self::Vigil(_) => "RENDEZVOUS",
            Self::Send(..) | Self::Ask(_) => "SEND",
            Self::Page(_) | Self::GamePage(_) => "DISCOVER",
        }
    }
}

/// A message, for a person.
pub(super) fn what(to: &Recipient, ns: &Namespace) -> String {
    match to {
        Recipient::To(party) => format!("the message to {party} in {ns}"),
        Recipient::Owner => format!("the message to the owner of {ns}"),
        Recipient::All => format!("the message to all in {ns}"),
        Recipient::Any => format!("the message to any in {ns}"),
    }
}

/// Whom a message was for, where the server has chosen; `None` if that is no answer to
/// SEND.
#[allow(clippy::option_option)]
fn sent(to: &Recipient, place: &Namespace, answer: Answer) -> Option<Option<PeerId>> {
    match (to, answer) {
        (Recipient::Owner | Recipient::Any, Answer::Sent { ns, to }) if ns == *place => Some(Some(to)),
        (Recipient::To(_) | Recipient::All, Answer::Done) => Some(None),
        _ => None,
    }
}

/// One is there no longer, or all.
fn left(ns: &Namespace, peer: Option<&PeerId>, own: &Own) {
    match peer {
        Some(id) => drop(own.leave(ns, id)),
        None => own.leave_all(ns),
    }
}

/// Takes what a REGISTER was granted.
fn granted(
    registration: Arc<Registration>,
    game: Option<Box<Game>>,
    asked: Option<&Request>,
    own: &Own,
    streams: &Streams,
) -> Granted {
    if let Some(Request::Register(asked)) = asked {
        streams.own_came(&registration, !own.is_there(&registration.ns, &registration.id));
        own.enter(&registration, asked.clone(), game.is_some());
    }
    let game = game.map(|game| Arc::new(*game));
    if let Some(game) = &game {
        streams.settle(game);
    }
    (registration, game)
}

/// Takes the seat that MATCH has found, with the first part of its roster.
fn seated(
    claim: Claim,
    seat: Seat,
    outcome: Outcome<Arc<Registration>>,
    asked: Option<&Request>,
    own: &Own,
    streams: &mut Streams,
) -> Option<Next> {
    let Seat { ns, version, game: Some(game), peers, more } = seat else { return None };
    let mut peers = peers.into_iter();
    let registration = peers.next().filter(|first| first.ns == ns && game.ns == ns && claim.is_met_by(first))?;
    let Claim { reader, .. } = claim;
    let Reader::Peers(feed) = &reader else { return None };

    if let Some(Request::Match(asked)) = asked {
        own.enter(&registration, entry(asked, &game, &registration), true);
    }
    streams.sit(&reader, &registration);
    streams.watch(&reader, &Rendezvous::new((&ns).into(), Subject::default()));
    let listed = feed.change(|roster| {
        roster.settle_in(&ns);
        roster.list(Some(game), peers.collect(), version, more)
    });
    let _ = outcome.send(Ok(registration));
    Some(rest(reader, (listed, more.then_some(Wanted::List)), streams))
}

/// The REGISTER that would have given the same seat. Whoever owns the game that
/// was found has made it.
fn entry(asked: &QuickMatch, game: &Game, registration: &Registration) -> Register {
    let QuickMatch { peer, app_version, create, ttl_secs, .. } = asked;
    let game = create.as_ref().filter(|_| game.owner.as_ref() == Some(&registration.id)).map(|create| {
        let mut settings = create.clone();
        settings.app_version.get_or_insert_with(|| app_version.clone());
        Box::new(settings)
    });
    let secret = game.as_ref().and_then(|game| game.secret.clone()).unwrap_or_default();
    let (app_version, ttl_secs) = (app_version.clone(), *ttl_secs);
    Register { game, secret, app_version, ttl_secs, ..Register::new(registration.ns.clone(), peer.clone()) }
}

/// Whether there was room for what came, and what more is to come of it.
type Taken = (Result<(), ClientError>, Option<Wanted>);

/// Takes a part of what a stream begins with, or goes on with. `None` if that is
/// something else than may come.
fn list(reader: &Reader, wanted: Wanted, answer: Answer) -> Option<Taken> {
    let (taken, more) = match (reader, wanted, answer) {
        (
            Reader::Peers(feed),
            Wanted::List | Wanted::CatchUpOrList(_),
            Answer::Roster(Roster { kind: ListKind::Snapshot { version }, game, peers, more, .. })
            | Answer::Seat(Seat { version, game, peers, more, .. }),
        ) => (feed.change(|roster| roster.list(game, peers, version, more)), more.then_some(Wanted::List)),
        (Reader::Peers(feed), Wanted::CatchUpOrList(since) | Wanted::CatchUp(since), Answer::CatchUp(catch_up)) => {
            let more = catch_up.more.then_some(Wanted::CatchUp(since));
            let is_possible = feed.read(|roster| roster.may_catch_up(since, &catch_up)).unwrap_or(true);
            is_possible.then(|| (feed.change(|roster| roster.catch_up(catch_up)), more))?
        }
        (
            Reader::Games(feed),
            Wanted::List,
            Answer::Games(GameList { kind: ListKind::Snapshot { version }, games, more, .. }),
        ) => (feed.change(|lobby| lobby.list(games, version, more)), more.then_some(Wanted::List)),
        _ => return None,
    };
    Some((taken, more))
}

fn rest(reader: Reader, (taken, more): Taken, streams: &mut Streams) -> Next {
    match taken {
        Ok(()) => more.map_or(Next::Done, |wanted| Next::Wait(Waiter::Rest(reader, wanted))),
        Err(error) => {
            streams.fail(&reader, error);
            Next::Done
        }
    }
}

fn name(answer: &Answer) -> &'static str {
    match answer {
        Answer::Refused(_) => "a refusal",
        Answer::Done => "a bare OK",
        Answer::Granted { .. } => "a registration",
        Answer::Roster(Roster { kind: ListKind::Snapshot { .. }, .. }) => "a snapshot",
        Answer::Roster(Roster { kind: ListKind::Page { .. }, .. }) => "a page of a list",
        Answer::CatchUp(_) => "a catch-up",
        Answer::Games(_) => "a list of games",
        Answer::Seat(_) => "a seat",
        Answer::Sent { .. } => "whom a message was for",
        Answer::Welcome(_) => "WELCOME",
        Answer::Heartbeat { .. } => "HEARTBEAT",
    }
}
