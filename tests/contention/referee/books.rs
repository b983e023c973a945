use super::{
    room::{Member, Room, Wish},
    waiting::Queue,
};
use foregather::domain::{GameSettings, Namespace, PeerId, SessionId};
use std::collections::{BTreeMap, HashMap};

/// Who has a seat where, kept from requests and answers alone.
#[derive(Debug)]
pub struct Books {
    /// The most seats of any game.
    most: u32,
    births: u64,
    by_name: HashMap<Namespace, u64>,
    /// Under the namespace above them, oldest first.
    pools: HashMap<String, BTreeMap<u64, Room>>,
    seats: HashMap<SessionId, Vec<(Namespace, PeerId)>>,
}

impl Books {
    pub fn new(most: u32) -> Self {
        Self { most, births: 0, by_name: HashMap::new(), pools: HashMap::new(), seats: HashMap::new() }
    }

    pub fn room(&self, ns: &Namespace) -> Option<&Room> {
        self.pools.get(pool(ns))?.get(self.by_name.get(ns)?)
    }

    pub fn room_mut(&mut self, ns: &Namespace) -> Option<&mut Room> {
        self.pools.get_mut(pool(ns))?.get_mut(self.by_name.get(ns)?)
    }

    /// Directly below that namespace, oldest first.
    pub fn rooms(&self, pool: &str) -> impl Iterator<Item = &Room> {
        self.pools.get(pool).into_iter().flat_map(BTreeMap::values)
    }

    /// Where that session has seats, oldest first.
    pub fn seats(&self, session: SessionId) -> &[(Namespace, PeerId)] {
        self.seats.get(&session).map_or(&[], Vec::as_slice)
    }

    /// Seats that are taken directly below that namespace.
    pub fn members(&self, pool: &str) -> usize {
        self.rooms(pool).map(|room| room.members.len()).sum()
    }

    /// Whether that session is in any namespace directly below that pool.
    pub fn sits_below(&self, session: SessionId, pool_name: &Namespace) -> bool {
        self.seats(session).iter().any(|(ns, _)| pool(ns) == pool_name.as_str())
    }

    /// Whether that session has a seat in a game below that pool, with that id if it names one.
    pub fn has_seat(&self, session: SessionId, pool_name: &Namespace, id: Option<&PeerId>) -> bool {
        let is_game = |ns: &Namespace| self.room(ns).is_some_and(|room| room.rules.is_some());
        let is_wanted = |own: &PeerId| id.is_none_or(|id| id == own);
        let mut below = self.seats(session).iter().filter(|(ns, _)| pool(ns) == pool_name.as_str());
        below.any(|(ns, own)| is_wanted(own) && is_game(ns))
    }

    /// The game that MATCH must give: the fullest that is open, the oldest of them.
    pub fn fullest(&self, pool: &Namespace, wish: Wish<'_>) -> Option<&Room> {
        // The first of equals is the oldest.
        self.rooms(pool.as_str()).filter(|room| room.is_open_to(wish)).min_by_key(|room| room.rank())
    }

    /// Whether a game is open to whoever waits for one, but for ids and bans.
    pub fn has_open(&self, queue: &Queue) -> bool {
        self.rooms(queue.pool.as_str()).any(|room| room.is_open(&queue.app_version))
    }

    /// A namespace comes into being, as a game if there are settings.
    pub fn bear(&mut self, ns: &Namespace, settings: Option<&GameSettings>) {
        self.births += 1;
        self.by_name.insert(ns.clone(), self.births);
        let room = Room::new(ns.clone(), settings, self.most);
        self.pools.entry(pool(ns).to_owned()).or_default().insert(self.births, room);
    }

    /// Somebody takes a seat in a room that exists; whether one was free.
    pub fn enter(&mut self, ns: &Namespace, id: PeerId, session: SessionId) -> bool {
        self.seats.entry(session).or_default().push((ns.clone(), id.clone()));
        let room = self.room_mut(ns).expect("one enters what was born");
        let was_free = room.free() > 0;
        room.members.push(Member { id, session });
        was_free
    }

    /// The seats of that session in that room are gone, or the one of that id.
    pub fn give_up(&mut self, ns: &Namespace, session: SessionId, id: Option<&PeerId>) {
        if let Some(seats) = self.seats.get_mut(&session) {
            seats.retain(|(other, own)| other != ns || id.is_some_and(|id| id != own));
        }
    }

    /// Forgets a room in which nobody is left.
    pub fn bury(&mut self, ns: &Namespace) {
        if let Some(birth) = self.by_name.get(ns).copied()
            && self.room(ns).is_some_and(|room| room.members.is_empty())
        {
            self.by_name.remove(ns);
            self.pools.get_mut(pool(ns)).expect("rooms lie in pools").remove(&birth);
        }
    }

    pub fn forget(&mut self, session: SessionId) -> Vec<(Namespace, PeerId)> {
        self.seats.remove(&session).unwrap_or_default()
    }
}

/// The namespace that it is directly below.
pub fn pool(ns: &Namespace) -> &str {
    ns.parent().unwrap_or("")
}
