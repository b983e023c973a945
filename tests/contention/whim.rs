//! What people want, thrown.

use crate::dice::Dice;
use foregather::{
    domain::{AppVersion, GameSettings, OwnerPolicy, Peer, PeerId, Secret, SessionId},
    limits::Limits,
};
use std::time::Duration;

/// Programs that play in the same pools.
const APP_VERSIONS: &[&str] = &["", "1.0", "2.0"];

const SECRETS: &[&str] = &["", "sesame", "swordfish"];

const POLICIES: &[OwnerPolicy] = &[OwnerPolicy::Oldest, OwnerPolicy::Close, OwnerPolicy::None];

pub fn app_version(dice: &mut Dice) -> AppVersion {
    AppVersion::parse(dice.pick::<&str>(APP_VERSIONS)).expect("it is short")
}

pub fn secret(dice: &mut Dice) -> Secret {
    Secret::parse(dice.pick::<&str>(SECRETS).as_bytes().into()).expect("it is short")
}

fn policy(dice: &mut Dice) -> OwnerPolicy {
    *dice.pick(POLICIES)
}

/// A peer without an id, with one of its own, or with one that others want too.
pub fn peer(session: SessionId, dice: &mut Dice) -> Peer {
    let name = match dice.weighted(&[60, 25, 15]) {
        0 => return Peer::default(),
        1 => format!("p{}", session.0),
        _ => format!("number {}", dice.below(20)),
    };
    peer_named(&name)
}

pub fn peer_named(name: &str) -> Peer {
    let id = PeerId::parse(name, &Limits::default()).expect("it is legal");
    Peer { id: Some(id), ..Peer::default() }
}

/// A peer's repetition of itself, now and then with news.
pub fn renewal(id: &PeerId, dice: &mut Dice) -> Peer {
    let news = [("ready".to_owned(), dice.below(3).to_string())];
    Peer { id: Some(id.clone()), attributes: news.into(), ..Peer::default() }
}

fn capacity(dice: &mut Dice) -> u32 {
    let capacity = match dice.weighted(&[5, 35, 49, 9, 1, 1]) {
        0 => 1,
        1 => 2,
        2 => dice.within(3..=8),
        3 => dice.within(9..=32),
        4 => 0,
        _ => 1_000_000,
    };
    u32::try_from(capacity).expect("it is small")
}

/// A new game: as a rule open to all.
pub fn game(dice: &mut Dice) -> GameSettings {
    GameSettings {
        capacity: Some(capacity(dice)),
        locked: dice.chance(4).then_some(true),
        listed: dice.chance(4).then_some(false),
        owner_policy: Some(policy(dice)),
        secret: dice.chance(5).then(|| secret(dice)),
        ..GameSettings::default()
    }
}

/// What an owner changes in a game of so many: as a rule so that it is open after it.
pub fn change(members: usize, dice: &mut Dice) -> GameSettings {
    let mut change = GameSettings::default();
    match dice.weighted(&[40, 20, 15, 15, 5, 4, 1]) {
        0 => {
            let near = [members.saturating_sub(1), members, members + 1, members + 1, members + 2];
            change.capacity = Some(u32::try_from(*dice.pick(&near)).expect("it is small"));
        }
        1 => change.locked = Some(dice.chance(30)),
        2 => change.listed = Some(dice.chance(70)),
        3 => change.secret = Some(if dice.chance(70) { Secret::default() } else { secret(dice) }),
        4 => change.app_version = Some(app_version(dice)),
        5 => change.owner_policy = Some(policy(dice)),
        _ => change.capacity = Some(*dice.pick(&[0, 1_000_000])),
    }
    change
}

/// How long somebody waits.
pub fn patience(dice: &mut Dice) -> Duration {
    Duration::from_micros(dice.within(1..=200_000) as u64)
}
