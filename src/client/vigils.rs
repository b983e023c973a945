//! Requests to peers that wait for a reply, and the namespaces that are watched so that
//! it is heard if whoever was asked leaves.

use super::{ClientError, Reply, bounds, waiter, waiter::Outcome};
use crate::domain::{Delivery, LeaveReason, Namespace, Party, PeerId, Recipient};
use std::{collections::HashMap, mem, sync::Arc};
use tokio::time::Instant;

/// A request to a peer that the server has not answered yet.
#[derive(Debug)]
pub(super) struct Asking {
    pub(super) ns: Namespace,
    pub(super) to: Recipient,
    /// The number that the reply names.
    pub(super) id: u64,
    pub(super) outcome: Outcome<Reply>,
    /// Keeps the vigil, however this ends.
    pub(super) hold: Option<Arc<()>>,
}

impl Asking {
    /// The connection is lost on which it was said.
    pub(super) fn interrupt(self) {
        let Self { ns, to, outcome, .. } = self;
        let _ = outcome.send(Err(ClientError::Interrupted { what: waiter::what(&to, &ns) }));
    }
}

/// One that was passed on.
#[derive(Debug)]
struct Open {
    /// Whose leaving ends it; `None`: nobody's.
    receiver: Option<Party>,
    to: Recipient,
    outcome: Outcome<Reply>,
}

/// A namespace in which somebody was asked something, on this connection.
#[derive(Debug)]
struct Vigil {
    /// The server was asked to tell who leaves, and has not refused.
    is_watched: bool,
    /// Each request that was not answered yet has a copy of it.
    hold: Arc<()>,
    open: HashMap<u64, Open>,
    /// When the last of them has begun or ended.
    used: Instant,
}

impl Vigil {
    fn new(now: Instant) -> Self {
        Self { is_watched: false, hold: Arc::default(), open: HashMap::new(), used: now }
    }

    fn is_idle(&self) -> bool {
        self.open.is_empty() && Arc::strong_count(&self.hold) == 1
    }
}

/// All of them. None outlives the connection.
#[derive(Debug, Default)]
pub(super) struct Vigils {
    places: HashMap<Namespace, Vigil>,
    /// When those that were idle for too long are looked for again.
    look_at: Option<Instant>,
    /// From how many on they are looked for at once.
    crowded_at: usize,
}

impl Vigils {
    /// A request is to be said. Whether its namespace is to be watched first, and which
    /// are not to be watched any more.
    pub(super) fn attend(&mut self, asking: &mut Asking, is_watched: bool, now: Instant) -> (bool, Vec<Namespace>) {
        let vigil = self.places.entry(asking.ns.clone()).or_insert_with(|| Vigil::new(now));
        asking.hold = Some(vigil.hold.clone());
        vigil.used = now;
        let is_to_be_watched = !is_watched && !vigil.is_watched;
        // That of a stream may be refused still.
        vigil.is_watched |= is_to_be_watched;
        let over = if self.places.len() >= self.crowded_at { self.look(now) } else { Vec::new() };
        (is_to_be_watched, over)
    }

    /// The namespace is not watched for their sake: the server does not allow it.
    pub(super) fn refused(&mut self, ns: &Namespace) {
        if let Some(vigil) = self.places.get_mut(ns) {
            vigil.is_watched = false;
        }
    }

    /// A request was passed on, to that peer where the server has chosen.
    pub(super) fn open(&mut self, asking: Asking, chosen: Option<PeerId>) {
        let Asking { ns, to, id, outcome, hold: _ } = asking;
        if outcome.is_closed() {
            return;
        }
        let receiver = match &to {
            Recipient::To(party) => Some(party.clone()),
            _ => chosen.map(Party::Peer),
        };
        let vigil = self.places.entry(ns).or_insert_with(|| Vigil::new(Instant::now()));
        vigil.open.insert(id, Open { receiver, to, outcome });
    }

    /// A reply has come. One that nobody waits for, or from somebody else than the peer that
    /// was asked, is nothing.
    pub(super) fn reply(&mut self, id: u64, Delivery { from, message }: Delivery) {
        let Some(vigil) = self.places.get_mut(&message.ns) else { return };
        // Whoever was not asked by its own id may reply as another peer of the same client:
        // which of them was meant, only the server knows.
        let is_its = |open: &Open| match &open.to {
            Recipient::To(Party::Peer(receiver)) => from.as_str() == receiver.as_str(),
            _ => true,
        };
        if vigil.open.get(&id).is_some_and(is_its)
            && let Some(open) = vigil.open.remove(&id)
        {
            vigil.used = Instant::now();
            let _ = open.outcome.send(Ok(Reply { from, payload: message.payload }));
        }
    }

    /// A peer has left. A request that the server had not answered by then is of a later
    /// one of that id, or will be refused.
    pub(super) fn left(&mut self, ns: &Namespace, peer: &PeerId, reason: LeaveReason) {
        let Some(vigil) = self.places.get_mut(ns) else { return };
        let is_of_it = |open: &Open| matches!(&open.receiver, Some(Party::Peer(receiver)) if receiver == peer);
        for (_, open) in vigil.open.extract_if(|_, open| is_of_it(open)) {
            vigil.used = Instant::now();
            let left = ClientError::ReceiverLeft { ns: ns.clone(), peer: peer.clone(), reason };
            let _ = open.outcome.send(Err(left));
        }
    }

    /// The connection is lost, and the replies may be lost with it.
    pub(super) fn interrupt(&mut self) {
        for (ns, vigil) in mem::take(self).places {
            for (_, open) in vigil.open {
                let what = waiter::what(&open.to, &ns);
                let _ = open.outcome.send(Err(ClientError::Interrupted { what }));
            }
        }
    }

    /// Forgets the requests whose futures are gone.
    pub(super) fn tidy(&mut self, now: Instant) {
        for vigil in self.places.values_mut() {
            let before = vigil.open.len();
            vigil.open.retain(|_, open| !open.outcome.is_closed());
            if vigil.open.len() < before {
                vigil.used = now;
            }
        }
    }

    /// Whether a watch that a stream has shared goes on for requests that wait. Without
    /// any, it ends with the stream.
    pub(super) fn keeps(&mut self, ns: &Namespace) -> bool {
        match self.places.get_mut(ns) {
            Some(vigil) if !vigil.is_idle() => {
                vigil.is_watched = true;
                true
            }
            Some(_) => {
                self.places.remove(ns);
                false
            }
            None => false,
        }
    }

    /// Which namespaces are not to be watched any more for the sake of requests.
    pub(super) fn release(&mut self, now: Instant) -> Vec<Namespace> {
        if self.places.is_empty() || self.look_at.is_some_and(|at| now < at) {
            return Vec::new();
        }
        self.look(now)
    }

    /// Those that were idle for too long, and the eldest where too many are.
    fn look(&mut self, now: Instant) -> Vec<Namespace> {
        let mut idle: Vec<_> = self
            .places
            .iter()
            .filter(|(_, vigil)| vigil.is_idle())
            .map(|(ns, vigil)| (vigil.used, ns.clone()))
            .collect();
        idle.sort_by_key(|(used, _)| *used);
        let too_many = idle.len().saturating_sub(bounds::VIGILS_IDLE);
        let is_over = |at: usize, used: Instant| at < too_many || now.saturating_duration_since(used) >= bounds::VIGIL;
        let over: Vec<_> =
            idle.into_iter().enumerate().filter(|(at, (used, _))| is_over(*at, *used)).map(|(_, (_, ns))| ns).collect();
        for ns in &over {
            self.places.remove(ns);
        }
        self.look_at = Some(now + bounds::VIGIL / 60);
        // The next look is worth its while.
        self.crowded_at = 2 * self.places.len().max(bounds::VIGILS_IDLE);
        over
    }
}
