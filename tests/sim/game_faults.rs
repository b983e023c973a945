//! Bugs of games, as a saboteur plays them: what the hub is told, and what it says.

use crate::sabotage::Sabotage;
use bytes::Bytes;
use foregather::{
    domain::{GameSettings, Request, SessionId},
    wire::{self, proto},
};
use proto::{Message, MessageType, StatusCode};
use std::collections::BTreeMap;

/// By how many seats a game is made to look emptier than it is.
const EMPTIER: u32 = 50;

/// What a saboteur must know to hide, or to hit.
#[derive(Debug, Default)]
pub struct GameFaults {
    /// Who was granted which peer.
    holders: Vec<(String, String, SessionId)>,
    /// Clients that were told something, and whether never anything with a number.
    plain: BTreeMap<SessionId, bool>,
}

impl GameFaults {
    /// Changes what the hub is asked for.
    pub fn bend(&self, sabotage: Sabotage, request: &mut Request) {
        let settings: Option<&mut GameSettings> = match request {
            Request::Register(register) => register.game.as_deref_mut(),
            Request::Match(quick_match) => quick_match.create.as_mut(),
            _ => None,
        };
        let Some(capacity) = settings.and_then(|settings| settings.capacity.as_mut()) else { return };
        match sabotage {
            Sabotage::SeatOneTooMany if is_bent_by_one(*capacity) => *capacity += 1,
            Sabotage::PickEmptier if *capacity == 3 => *capacity += EMPTIER,
            _ => {}
        }
    }

    /// Looks at what the hub says.
    pub fn observe(&mut self, to: SessionId, message: &Message) {
        for entry in message.register.iter().filter(|entry| entry.ttl_secs.is_some()) {
            let id = entry.peer.as_ref().map_or("", |peer| peer.id());
            self.holders.retain(|(ns, known, _)| ns != entry.ns() || known != id);
            self.holders.push((entry.ns().to_owned(), id.to_owned(), to));
        }
        let bare = message.request_id.is_none() && message.game.is_empty() && message.welcome.is_none();
        *self.plain.entry(to).or_insert(true) &= bare;
    }

    /// Whether this is a frame to spoil now and then.
    pub fn may_spoil(&self, sabotage: Sabotage, _to: SessionId, message: &Message) -> bool {
        let of_games = message.r#type == Some(MessageType::Game.into()) && message.request_id.is_none();
        match sabotage {
            Sabotage::ClaimFull => {
                message.r#type == Some(MessageType::Register.into())
                    && message.register.iter().any(|entry| entry.ttl_secs.is_some())
                    && !message.game.is_empty()
            }
            Sabotage::ShowGameToSeed => of_games && self.plain.values().any(|&plain| plain),
            _ => false,
        }
    }

    /// What becomes of a frame; `seventh`: it is its turn.
    pub fn spoil(
        &self,
        sabotage: Sabotage,
        seventh: bool,
        to: SessionId,
        mut message: Message,
    ) -> Vec<(SessionId, Bytes)> {
        let announced = message.request_id.is_none();
        let mut others = Vec::new();
        match sabotage {
            Sabotage::SeatOneTooMany | Sabotage::PickEmptier => {
                for capacity in message.game.iter_mut().filter_map(|game| game.capacity.as_mut()) {
                    *capacity = unbent(sabotage, *capacity);
                }
            }
            Sabotage::ClaimFull if seventh => {
                (message.register, message.game) = (Vec::new(), Vec::new());
                message.r#type = Some(MessageType::Status.into());
                let status = message.status.get_or_insert_default();
                status.code = Some(StatusCode::GameFull.into());
                status.text = Some("full, it says".into());
            }
            Sabotage::NameOtherOwner if announced => {
                for game in message.game.iter_mut().filter(|game| game.term() > 1 && game.owner.is_some()) {
                    game.owner = Some("somebody".into());
                }
            }
            Sabotage::SwallowClosed if announced && message.game.iter().any(|game| game.closed()) => return Vec::new(),
            Sabotage::ShowGameToSeed if seventh => {
                others.extend(self.plain.iter().filter(|(_, plain)| **plain).map(|(&known, _)| known));
            }
            Sabotage::HideKick if announced => {
                let kicked = |entry: &proto::Unregister| {
                    let id = entry.peer.as_ref().map_or("", |peer| peer.id()).to_owned();
                    entry.reason == Some(proto::LeaveReason::Kicked.into())
                        && self.holders.contains(&(entry.ns().to_owned(), id, to))
                };
                if message.unregister.iter().any(kicked) {
                    return Vec::new();
                }
            }
            _ => {}
        }
        let frame = wire::message(&message);
        let copies = others.into_iter().map(|other| (other, frame.clone()));
        [(to, frame.clone())].into_iter().chain(copies).collect()
    }
}

/// Small capacities only, and all of them, so that none looks like a bent one.
fn is_bent_by_one(capacity: u32) -> bool {
    (2..=5).contains(&capacity)
}

/// What the capacity was before it was bent.
fn unbent(sabotage: Sabotage, capacity: u32) -> u32 {
    match (sabotage, capacity) {
        (Sabotage::SeatOneTooMany, 3..=6) => capacity - 1,
        (Sabotage::PickEmptier, capacity) if capacity == 3 + EMPTIER => 3,
        _ => capacity,
    }
}
