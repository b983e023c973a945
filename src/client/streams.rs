//! Which streams there are, what they watch, and which seats they stand for. The
//! server ends a watch, and takes back a seat, when the last stream that needs it
//! is gone.

use super::{
    ClientError, bounds,
    feed::{Feed, View as _},
    lobby::Lobby,
    own::Own,
    roster::Roster,
    vigils::{Asking, Vigils},
};
use crate::domain::{
    Announcement, Attributes, Filter, Game, LeaveReason, Namespace, Pattern, PeerId, Registration, Rendezvous, Request,
    Subject, Unregister,
};
use std::{mem, sync::Arc};
use tokio::time::Instant;

/// Whom the driver tells what it hears.
#[derive(Debug, Clone)]
pub(super) enum Reader {
    Peers(Arc<Feed<Roster>>),
    Games(Arc<Feed<Lobby>>),
}

impl Reader {
    pub(super) fn is_abandoned(&self) -> bool {
        match self {
            Self::Peers(feed) => feed.is_abandoned(),
            Self::Games(feed) => feed.is_abandoned(),
        }
    }

    fn apply(&self, announcement: &Announcement) -> Result<(), ClientError> {
        match self {
            Self::Peers(feed) => feed.change(|account| account.apply(announcement)),
            Self::Games(feed) => feed.change(|account| account.apply(announcement)),
        }
    }

    fn end(&self, cause: Option<ClientError>) {
        match self {
            Self::Peers(feed) => feed.end(cause),
            Self::Games(feed) => feed.end(cause),
        }
    }

    /// The connection is lost: what was being listed is listed anew on the next.
    fn interrupt(&self) {
        let interrupted = match self {
            Self::Peers(feed) => feed.change(|roster| {
                roster.interrupt();
                Ok(())
            }),
            Self::Games(feed) => feed.change(|lobby| {
                lobby.interrupt();
                Ok(())
            }),
        };
        interrupted.expect("to stop listing takes no room");
    }

    /// Up to which change it has missed nothing where it watches.
    fn cursor(&self) -> Option<u64> {
        match self {
            Self::Peers(feed) => feed.read(Roster::cursor).flatten(),
            Self::Games(_) => None,
        }
    }

    pub(super) fn is(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Peers(one), Self::Peers(other)) => Arc::ptr_eq(one, other),
            (Self::Games(one), Self::Games(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

/// One that lives, or that is gone and still has something to give back.
#[derive(Debug)]
struct Stream {
    reader: Reader,
    /// What it was asked to watch, unless that was refused or has failed.
    watch: Option<Rendezvous>,
    /// The seat that it stands for.
    seat: Option<Seat>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Seat {
    ns: Namespace,
    id: PeerId,
}

#[derive(Debug, Default)]
pub(super) struct Streams {
    /// The server sends a change once however many of them it concerns.
    live: Vec<Stream>,
    /// Their readers are gone. As a rule nothing keeps them.
    gone: Vec<Stream>,
    /// What is watched for the sake of requests to peers.
    pub(super) vigils: Vigils,
    /// What the server is to be told.
    requests: Vec<Request>,
}

impl Streams {
    /// A stream is to be watching. What is to be asked of the server so that all
    /// streams that share the watch get what they show, if that is something else.
    pub(super) fn watch(&mut self, reader: &Reader, asked: &Rendezvous) -> Option<Rendezvous> {
        let wider = self.wider(asked);
        self.entry(reader).watch = Some(asked.clone());
        wider
    }

    /// Somebody in a namespace is to be asked something, and whether they leave is to be
    /// heard: what is to be asked of the server for that, unless it is watched already.
    pub(super) fn attend(&mut self, asking: &mut Asking) -> Option<Rendezvous> {
        let watch = Rendezvous::new((&asking.ns).into(), Subject::default());
        let is_watched = self.all().any(|stream| stream.shares(&watch));
        let (is_to_be_watched, over) = self.vigils.attend(asking, is_watched, Instant::now());
        self.end_vigils(over);
        is_to_be_watched.then_some(watch)
    }

    /// The server did not grant the watch.
    pub(super) fn refused(&mut self, reader: &Reader) {
        if let Some(Rendezvous { pattern: Pattern::Exact(ns), .. }) = self.entry(reader).watch.take() {
            self.vigils.refused(&ns);
        }
    }

    /// Ends a stream, and its watch with it. A seat stays until its reader is gone.
    pub(super) fn fail(&mut self, reader: &Reader, error: ClientError) {
        reader.end(Some(error));
        if let Some(watch) = self.entry(reader).watch.take() {
            self.leave(watch);
        }
    }

    /// The stream stands for a seat that the server has granted.
    pub(super) fn sit(&mut self, reader: &Reader, own: &Registration) {
        self.entry(reader).seat = Some(Seat { ns: own.ns.clone(), id: own.id.clone() });
    }

    /// A peer of this client's own has come or changed, as the server has granted.
    pub(super) fn own_came(&self, own: &Registration, is_new: bool) {
        for stream in &self.live {
            if let Reader::Peers(feed) = &stream.reader {
                let noted = feed.change(|roster| {
                    roster.own_came(own, is_new);
                    Ok(())
                });
                noted.expect("to note a version takes no room");
            }
        }
    }

    /// Takes the game as it stands after a request of this client's own.
    pub(super) fn settle(&self, game: &Arc<Game>) {
        for stream in &self.live {
            if let Reader::Peers(feed) = &stream.reader {
                let settled = feed.change(|roster| {
                    roster.settle(game);
                    Ok(())
                });
                settled.expect("to settle takes no room");
            }
        }
    }

    /// Tells all whom it concerns.
    pub(super) fn announce(&mut self, announcement: &Announcement, own: &Own) {
        let removed = match announcement {
            // That is an older session of this client, which the present one has taken
            // its peers over from.
            Announcement::Unregistered { reason: LeaveReason::Unregistered, .. } => None,
            Announcement::Unregistered { ns, id, reason, version } => {
                own.leave(ns, id).map(|last| (last, *reason, *version))
            }
            _ => None,
        };
        let mut failed = Vec::new();
        for Stream { reader, watch, .. } in &self.live {
            let outcome = match (&removed, reader) {
                // That reaches its owner without any watch.
                (Some((last, reason, version)), Reader::Peers(feed)) => {
                    feed.change(|roster| roster.removed(last, *reason, *version))
                }
                (None, reader) if watch.is_some() => reader.apply(announcement),
                _ => Ok(()),
            };
            if let Err(error) = outcome {
                failed.push((reader.clone(), error));
            }
        }
        for (reader, error) in failed {
            self.fail(&reader, error);
        }
        if let Announcement::Unregistered { ns, id, reason, .. } = announcement {
            self.vigils.left(ns, id, *reason);
        }
    }

    /// The connection is lost, and all watches with it.
    pub(super) fn interrupt(&mut self) {
        self.tidy();
        self.live.iter().for_each(|stream| stream.reader.interrupt());
        self.gone.iter_mut().for_each(|stream| stream.watch = None);
        self.vigils.interrupt();
        self.requests.clear();
    }

    /// What is to be watched again on another connection, and by whom: from where it
    /// was heard of last. A game that takes a secret is opened by the one that an own
    /// peer has entered it with.
    pub(super) fn watches(&self, own: &Own) -> Vec<(Reader, Rendezvous)> {
        let again = |Stream { reader, watch, .. }: &Stream| {
            let mut asked = watch.clone()?;
            if let (Pattern::Exact(ns), Subject::Peers { secret }) = (&asked.pattern, &mut asked.subject)
                && secret.is_none()
            {
                *secret = own.secret(ns);
            }
            asked.since = reader.cursor();
            Some((reader.clone(), self.wider(&asked).unwrap_or(asked)))
        };
        self.live.iter().filter_map(again).collect()
    }

    /// Finds those whose readers are gone.
    pub(super) fn tidy(&mut self) {
        let (gone, live) = mem::take(&mut self.live).into_iter().partition(|stream| stream.reader.is_abandoned());
        self.live = live;
        self.gone.extend::<Vec<_>>(gone);
        self.vigils.tidy(Instant::now());
    }

    /// Gives back what nobody needs any more. A seat is kept for as long as a
    /// request that was made before may be answered with the same, for somebody
    /// else; a watch also for one of another peer in the same game.
    pub(super) fn release(&mut self, own: &Own, is_claimed: impl Fn(&Namespace, Option<&PeerId>) -> bool) {
        let mut at = 0;
        while let Some(Stream { watch, seat, .. }) = self.gone.get_mut(at) {
            let seat = seat.take_if(|seat| !is_claimed(&seat.ns, Some(&seat.id)));
            let watch = watch.take_if(|watch| match watch {
                Rendezvous { pattern: Pattern::Exact(ns), subject: Subject::Peers { .. }, .. } => !is_claimed(ns, None),
                _ => true,
            });
            if let Some(seat) = seat {
                self.give_up(seat, own);
            }
            if let Some(watch) = watch {
                self.leave(watch);
            }
            if self.gone[at].watch.is_none() && self.gone[at].seat.is_none() {
                self.gone.remove(at);
            } else {
                at += 1;
            }
        }
    }

    /// Ends the watches that no request has needed for a while.
    pub(super) fn end_idle_vigils(&mut self) {
        let over = self.vigils.release(Instant::now());
        self.end_vigils(over);
    }

    /// Tells all that nothing more will come.
    pub(super) fn end(&mut self, cause: &ClientError) {
        for stream in self.live.drain(..) {
            stream.reader.end((!matches!(cause, ClientError::Closed)).then(|| cause.clone()));
        }
    }

    /// What the server is to be told.
    pub(super) fn requests(&mut self) -> Vec<Request> {
        mem::take(&mut self.requests)
    }

    fn entry(&mut self, reader: &Reader) -> &mut Stream {
        let find = |list: &[Stream]| list.iter().position(|stream| stream.reader.is(reader));
        if let Some(at) = find(&self.gone) {
            return &mut self.gone[at];
        }
        if let Some(at) = find(&self.live) {
            return &mut self.live[at];
        }
        let list = if reader.is_abandoned() { &mut self.gone } else { &mut self.live };
        list.push(Stream { reader: reader.clone(), watch: None, seat: None });
        list.last_mut().expect("it was pushed just now")
    }

    fn all(&self) -> impl Iterator<Item = &Stream> {
        self.live.iter().chain(&self.gone)
    }

    fn end_vigils(&mut self, over: Vec<Namespace>) {
        for ns in over {
            self.leave(Rendezvous::new(ns.into(), Subject::default()));
        }
    }

    /// Ends a watch, unless another stream or a request shares it.
    fn leave(&mut self, watch: Rendezvous) {
        let is_kept = match &watch {
            Rendezvous { pattern: Pattern::Exact(ns), subject: Subject::Peers { .. }, .. } => self.vigils.keeps(ns),
            _ => false,
        };
        if !is_kept && self.all().all(|other| !other.shares(&watch)) {
            let Rendezvous { pattern, subject, .. } = watch;
            let subject = match subject {
                Subject::Peers { .. } => Subject::default(),
                Subject::Games { .. } => Subject::Games { filter: Filter::default() },
            };
            self.requests.push(Request::Rendezvous(Rendezvous { leave: true, ..Rendezvous::new(pattern, subject) }));
        }
    }

    /// Takes a peer out, unless it is out already or another stream stands for it.
    fn give_up(&mut self, seat: Seat, own: &Own) {
        if self.all().all(|other| other.seat.as_ref() != Some(&seat)) && own.is_there(&seat.ns, &seat.id) {
            let Seat { ns, id } = seat;
            self.requests.push(Request::Unregister(Unregister { ns, peer: Some(id), ban: false }));
        }
    }

    /// The server keeps one filter for a watch, the last that it was given. One
    /// that asks only for what all of them ask for lets everything through that
    /// any of them shows; each stream applies its own to what comes.
    pub(super) fn wider(&self, asked: &Rendezvous) -> Option<Rendezvous> {
        let Subject::Games { filter } = &asked.subject else { return None };
        let mut common: Attributes = filter.attributes().clone();
        for other in self.all().filter(|other| other.shares(asked)) {
            if let Some(Rendezvous { subject: Subject::Games { filter }, .. }) = &other.watch {
                common.retain(|name, value| filter.attributes().get(name) == Some(value));
            }
        }
        (common.len() < filter.attributes().len()).then(|| {
            let filter = Filter::new(common, &bounds::widest()).expect("a part of what is legal is legal");
            Rendezvous { subject: Subject::Games { filter }, ..asked.clone() }
        })
    }
}

impl Stream {
    /// Whether its watch is the same to the server.
    fn shares(&self, watch: &Rendezvous) -> bool {
        let is_of_games = |watch: &Rendezvous| matches!(watch.subject, Subject::Games { .. });
        self.watch.as_ref().is_some_and(|own| own.pattern == watch.pattern && is_of_games(own) == is_of_games(watch))
    }
}
