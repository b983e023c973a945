//! A seat in a game.

use super::{
    Client, ClientError, Entry, Event, Events, GameOptions, MatchOptions, Peer, Return, handle,
    streams::Reader,
    waiter::{Claim, Granted, Waiter},
};
use crate::domain::{
    self, AppVersion, Code, Game, Namespace, Pattern, PeerId, QuickMatch, Refusal, Register, Registration, Rendezvous,
    Request, Subject, Unregister,
};
use futures::{Stream, future};
use std::{
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll},
};

/// A seat in a game, or a place in a namespace that is none: who one is there,
/// which game it is, and what happens there, as a [`Stream`] too.
///
/// It is given up by [`Seat::leave`], or by dropping it; then all others hear that
/// the peer has left. It keeps the connection. A [`Client::match_game`] that is
/// repeated gives the same seat again; then it is given up when the last of them
/// is dropped.
#[derive(Debug)]
#[must_use = "a seat that is dropped is given up"]
pub struct Seat {
    events: Events,
    client: Client,
    ns: Namespace,
    id: PeerId,
    own: Mutex<Own>,
}

/// The own peer.
#[derive(Debug, Clone)]
struct Own {
    /// As it was asked for last: a host that was left out is still left out. A
    /// REGISTER replaces all of it, also one that is about the game.
    peer: domain::Peer,
    /// Seconds that it is kept while the connection is lost, which a REGISTER
    /// replaces too.
    ttl_secs: u32,
    /// As it was granted.
    registration: Arc<Registration>,
}

impl Client {
    /// Makes a game and sits in it as its owner, in rendezvous with all who come.
    /// A game that was left by its owner and waits for another
    /// ([`OwnerPolicy::None`](super::OwnerPolicy::None)) is taken over, if the
    /// options name its secret and version.
    ///
    /// # Errors
    /// [`ClientError::GameExists`] if there is something of that name already.
    pub async fn host(&self, ns: &str, peer: Peer, game: GameOptions) -> Result<Seat, ClientError> {
        let ns = handle::namespace(ns)?;
        let ttl_secs = peer.lease_secs().unwrap_or(self.lease_secs);
        let read = || Ok((peer.parse()?, game.parse()?));
        let (peer, game) = read().map_err(|refusal: Refusal| ClientError::Invalid(refusal.of(&ns)))?;
        let what = format!("the game {ns}");
        let secret = game.secret.clone().unwrap_or_default();
        let app_version = game.app_version.clone().unwrap_or_default();
        let seat = self
            .enter(
                what,
                Register { game: Some(Box::new(game)), secret, app_version, ttl_secs, ..Register::new(ns, peer) },
            )
            .await?;
        if seat.game().is_some() { Ok(seat) } else { Err(knows_no_games(seat.ns())) }
    }

    /// Enters a game that is known by its name, and is in rendezvous there. A
    /// namespace that is no game is entered too; then [`Seat::game`] is `None`.
    ///
    /// # Errors
    /// Why it is closed to this peer: [`ClientError::GameFull`],
    /// [`ClientError::GameLocked`], [`ClientError::WrongSecret`],
    /// [`ClientError::Banned`], [`ClientError::VersionMismatch`],
    /// [`ClientError::PeerIdTaken`].
    pub async fn join(&self, ns: &str, peer: Peer, entry: Entry) -> Result<Seat, ClientError> {
        let ns = handle::namespace(ns)?;
        let ttl_secs = peer.lease_secs().unwrap_or(self.lease_secs);
        let read = || Ok((peer.parse()?, entry.parse()?));
        let (peer, (secret, app_version)) = read().map_err(|refusal: Refusal| ClientError::Invalid(refusal.of(&ns)))?;
        let what = format!("the seat in {ns}");
        self.enter(what, Register { secret, app_version, ttl_secs, ..Register::new(ns, peer) }).await
    }

    /// Sits in whichever open game directly below `pool` has the fewest free
    /// seats; without one, makes a game or waits for one as the options say. Takes
    /// one round trip, and the deadline more than it waits. To drop the future
    /// takes the request back, and the seat too if it was granted at that moment.
    ///
    /// # Errors
    /// [`ClientError::NoOpenGame`].
    pub async fn match_game(&self, pool: &str, peer: Peer, options: MatchOptions) -> Result<Seat, ClientError> {
        let pool = handle::namespace(pool)?;
        let MatchOptions { app_version, create, wait } = options;
        let ttl_secs = peer.lease_secs().unwrap_or(self.lease_secs);
        let read =
            || Ok((peer.parse()?, AppVersion::parse(&app_version)?, create.map(GameOptions::parse).transpose()?));
        let (peer, app_version, create) = read().map_err(|refusal: Refusal| ClientError::Invalid(refusal.of(&pool)))?;

        let what = format!("the match in {pool}");
        // Where it will be is not known yet.
        let events = self.events((&pool).into());
        let claim = Claim {
            within: Pattern::Children(pool.clone()),
            peer: peer.id.clone(),
            reader: Reader::Peers(events.0.feed()),
        };
        let request =
            Request::Match(Box::new(QuickMatch { pool, peer: peer.clone(), app_version, create, wait, ttl_secs }));
        let seat = self.line.ask(request, |outcome| Waiter::Match { outcome, claim });
        let registration = self.line.in_longer_time(wait, what, seat).await?;
        Ok(Seat::new(self.clone(), events, peer, ttl_secs, registration))
    }

    /// Takes somebody out of a game that a peer of this client owns.
    ///
    /// # Errors
    /// [`ClientError::NotOwner`]; [`ClientError::NotFound`] if nobody of that id is
    /// there.
    pub async fn kick(&self, ns: &str, id: &PeerId, back: Return) -> Result<(), ClientError> {
        let ns = handle::namespace(ns)?;
        let what = format!("kicking {id} out of {ns}");
        self.take_out(what, Unregister { ns, peer: Some(id.clone()), ban: back == Return::Banned }).await
    }

    /// Registers, and is in rendezvous there, in one round trip.
    async fn enter(&self, what: String, register: Register) -> Result<Seat, ClientError> {
        let (ns, peer, ttl_secs) = (register.ns.clone(), register.peer.clone(), register.ttl_secs);
        let events = self.events((&ns).into());
        let reader = Reader::Peers(events.0.feed());
        let claim = Claim { within: (&ns).into(), peer: peer.id.clone(), reader: reader.clone() };
        let entered = self.line.ask(Request::Register(register), |outcome| Waiter::Enter { outcome, claim });
        // Whoever is there needs no secret to watch.
        let watched = self.watch(Rendezvous::new(ns.into(), Subject::default()), reader);
        let both = async {
            let (entered, watched) = future::join(entered, watched).await;
            let (registration, _game): Granted = entered?;
            watched?;
            Ok(registration)
        };
        let registration = self.line.in_time(what, both).await?;
        Ok(Seat::new(self.clone(), events, peer, ttl_secs, registration))
    }
}

impl Seat {
    fn new(client: Client, events: Events, peer: domain::Peer, ttl_secs: u32, registration: Arc<Registration>) -> Self {
        let (ns, id) = (registration.ns.clone(), registration.id.clone());
        let peer = domain::Peer { id: Some(id.clone()), ..peer };
        Self { events, client, ns, id, own: Mutex::new(Own { peer, ttl_secs, registration }) }
    }

    /// Where it is.
    pub fn ns(&self) -> &Namespace {
        &self.ns
    }

    pub(super) fn id(&self) -> &PeerId {
        &self.id
    }

    pub(super) fn client(&self) -> &Client {
        &self.client
    }

    /// Who sits in it: the own peer as it was registered last; its addresses may
    /// have changed when the client has reconnected from elsewhere.
    pub fn own(&self) -> Arc<Registration> {
        let now = self.client.line.own().registration(&self.ns, &self.id);
        now.unwrap_or_else(|| self.lock().registration.clone())
    }

    /// The game as it stands by all that the server has said so far: settings,
    /// owner, and how many are there. Once the own peer was taken out, as it stood
    /// then. `None`: the namespace is no game.
    pub fn game(&self) -> Option<Arc<Game>> {
        let (mut game, others) = self.events.0.read(|roster| roster.game())?;
        if let Some(others) = others {
            let members = others + self.client.line.own().count(&self.ns);
            Arc::make_mut(&mut game).members = u32::try_from(members).unwrap_or(u32::MAX);
        }
        Some(game)
    }

    /// Whether the own peer owns the game.
    pub fn is_owner(&self) -> bool {
        self.game().is_some_and(|game| game.owner.as_ref() == Some(&self.id))
    }

    /// Who else is there now, ordered by id; see [`Events::roster`].
    pub fn roster(&self) -> impl Iterator<Item = Arc<Registration>> + use<> {
        self.events.roster()
    }

    /// The next event; see [`Events::next`].
    pub async fn next(&mut self) -> Option<Event> {
        self.events.next().await
    }

    /// What happens there, for whoever wants the stream apart from the seat.
    pub fn events_mut(&mut self) -> &mut Events {
        &mut self.events
    }

    /// Changes what the options name of the game, which all others hear. Returns
    /// the game as it stands then. In a game that has no owner, its member becomes
    /// the owner by this, if the options name the game's secret.
    ///
    /// # Errors
    /// [`ClientError::NotOwner`].
    pub async fn update(&self, game: GameOptions) -> Result<Arc<Game>, ClientError> {
        let game =
            self.still_there().and(game.parse()).map_err(|refusal| ClientError::Invalid(refusal.of(&self.ns)))?;
        let what = format!("the change of the game {}", self.ns);
        let secret = game.secret.clone().unwrap_or_default();
        let Own { peer, ttl_secs, .. } = self.lock().clone();
        // A change of who has just been taken out is not to bring them back.
        let register = Register { ttl_secs, renew: true, ..Register::new(self.ns.clone(), peer) };
        let request = Register { game: Some(Box::new(game)), secret, ..register };
        let (_, game) = self.client.call(what, Request::Register(request), Waiter::Register).await?;
        game.ok_or_else(|| knows_no_games(&self.ns))
    }

    /// Replaces the own peer's addresses and attributes, which all others hear.
    /// Its id stays, whatever `peer` says, and its lease if `peer` does not say
    /// another.
    ///
    /// # Errors
    /// As [`Client::register`].
    pub async fn update_peer(&self, peer: Peer) -> Result<Arc<Registration>, ClientError> {
        let ttl_secs = peer.lease_secs().unwrap_or(self.lock().ttl_secs);
        let peer = self.still_there().and(peer.id(self.id.as_str()).parse());
        let peer = peer.map_err(|refusal| ClientError::Invalid(refusal.of(&self.ns)))?;
        let what = format!("the change of {} in {}", self.id, self.ns);
        let register = Register { ttl_secs, renew: true, ..Register::new(self.ns.clone(), peer.clone()) };
        let (registration, _game) = self.client.call(what, Request::Register(register), Waiter::Register).await?;
        *self.lock() = Own { peer, ttl_secs, registration: registration.clone() };
        Ok(registration)
    }

    /// Takes somebody out of the game; see [`Client::kick`].
    ///
    /// # Errors
    /// As there.
    pub async fn kick(&self, id: &PeerId, back: Return) -> Result<(), ClientError> {
        self.client.kick(self.ns.as_str(), id, back).await
    }

    /// Gives the seat up, and waits until the server has it back. One that was
    /// taken away already is given up too.
    ///
    /// # Errors
    /// If the connection is lost or slow.
    pub async fn leave(self) -> Result<(), ClientError> {
        match self.client.unregister(self.ns.as_str(), &self.id).await {
            Err(ClientError::NotFound(_)) => Ok(()),
            outcome => outcome,
        }
    }

    /// A change of a peer that is not there would be its return.
    fn still_there(&self) -> Result<(), Refusal> {
        if self.client.line.own().is_there(&self.ns, &self.id) {
            return Ok(());
        }
        Err(Refusal::new(Code::NotMember, format!("{} was taken out; enter again to change something", self.id)))
    }

    fn lock(&self) -> MutexGuard<'_, Own> {
        self.own.lock().expect("nobody panics while holding it")
    }
}

impl Stream for Seat {
    type Item = Event;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Event>> {
        self.events.poll(cx)
    }
}

/// What a server meant that granted all but the game.
fn knows_no_games(ns: &Namespace) -> ClientError {
    Refusal::new(Code::Unsupported, "this server does not know of games; it may be too old").of(ns).into()
}
