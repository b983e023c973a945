//! Games: the flags that set them up, and how they are shown.

use super::player::attribute;
use clap::ValueEnum;
use foregather::client::{Game, GameOptions, OwnerPolicy};
use serde_json::{Value, json};

/// What whoever makes a game says of it besides its seats.
#[derive(Debug, clap::Args)]
pub struct GameFlags {
    /// Something that players choose the game by. May be repeated
    #[arg(long = "game-attr", value_name = "NAME=VALUE", value_parser = attribute)]
    game_attrs: Vec<(String, String)>,
    /// What becomes of the game when its owner goes
    #[arg(long, value_name = "POLICY")]
    owner_policy: Option<Policy>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Policy {
    /// The oldest member owns it from then on (the default)
    Oldest,
    /// It ends
    Close,
    /// It stays, unowned, until somebody hosts it again
    None,
}

impl From<Policy> for OwnerPolicy {
    fn from(policy: Policy) -> Self {
        match policy {
            Policy::Oldest => Self::Oldest,
            Policy::Close => Self::Close,
            Policy::None => Self::None,
        }
    }
}

impl GameFlags {
    /// Whether none of them was given.
    pub fn is_empty(&self) -> bool {
        self.game_attrs.is_empty() && self.owner_policy.is_none()
    }

    /// A game that is so, and otherwise as it is by default.
    pub fn options(&self) -> GameOptions {
        let options = GameOptions::new();
        let options = self.owner_policy.iter().fold(options, |options, &policy| options.owner_policy(policy.into()));
        self.game_attrs.iter().fold(options, |options, (name, value)| options.attribute(name, value))
    }
}

/// How many seats are taken, of how many.
pub fn seats(members: u32, capacity: u32) -> String {
    if capacity == 0 { members.to_string() } else { format!("{members}/{capacity}") }
}

/// What keeps newcomers out.
pub fn lock(game: &Game) -> &'static str {
    match (game.locked, game.needs_secret) {
        (false, false) => "open",
        (true, false) => "locked",
        (false, true) => "secret",
        (true, true) => "locked+secret",
    }
}

/// A game, for a program.
pub fn object(event: &str, game: &Game) -> Value {
    json!({
        "event": event,
        "ns": game.ns.as_str(),
        "owner": game.owner.as_ref().map(|owner| owner.as_str()),
        "capacity": game.capacity,
        "members": game.members,
        "locked": game.locked,
        "listed": game.listed,
        "app_version": game.app_version.as_str(),
        "attributes": *game.attributes,
        "owner_policy": game.owner_policy.name(),
        "term": game.term,
        "needs_secret": game.needs_secret,
        "version": game.version,
    })
}
