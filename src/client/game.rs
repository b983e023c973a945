//! What a program says of games: of its own, and of those that it wants to enter.

use super::bounds;
use crate::domain::{AppVersion, Attributes, GameSettings, OwnerPolicy, Refusal, Secret};
use bytes::Bytes;
use std::time::Duration;

/// What an owner says of its game: when it makes it, all that is to differ from
/// the defaults; later, what is to change.
///
/// ```
/// # use foregather::client::{GameOptions, OwnerPolicy};
/// let game = GameOptions::new()
///     .capacity(4)
///     .attribute("map", "islands")
///     .owner_policy(OwnerPolicy::Close);
/// # drop(game);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GameOptions {
    capacity: Option<u32>,
    locked: Option<bool>,
    listed: Option<bool>,
    app_version: Option<String>,
    attributes: Attributes,
    owner_policy: Option<OwnerPolicy>,
    secret: Option<Bytes>,
}

impl GameOptions {
    /// Nothing is said yet: a game of the defaults, or no change.
    pub fn new() -> Self {
        Self::default()
    }

    /// Seats, the owner's included. 0, which is the default: as many as the
    /// server allows. Fewer than are taken only stops newcomers.
    #[must_use]
    pub fn capacity(mut self, seats: u32) -> Self {
        self.capacity = Some(seats);
        self
    }

    /// Whether newcomers are kept out, such as after the start. Not by default.
    #[must_use]
    pub fn locked(mut self, locked: bool) -> Self {
        self.locked = Some(locked);
        self
    }

    /// Whether the game is in lists and open to [`match_game`](super::Client::match_game),
    /// which is the default. The name of one that is not is its key.
    #[must_use]
    pub fn listed(mut self, listed: bool) -> Self {
        self.listed = Some(listed);
        self
    }

    /// Which program it takes to enter, compared for equality only: at most 64
    /// bytes. The empty one, which is the default: any.
    #[must_use]
    pub fn app_version(mut self, version: impl Into<String>) -> Self {
        self.app_version = Some(version.into());
        self
    }

    /// Something that players choose a game by, such as its map. The same name
    /// again replaces the value; an empty value takes it away.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// What becomes of the game when its owner goes. By default the oldest member
    /// owns it from then on.
    #[must_use]
    pub fn owner_policy(mut self, policy: OwnerPolicy) -> Self {
        self.owner_policy = Some(policy);
        self
    }

    /// What opens the game to those who know it: at most 64 bytes. The empty one,
    /// which is the default: everybody may enter.
    #[must_use]
    pub fn secret(mut self, secret: impl AsRef<[u8]>) -> Self {
        self.secret = Some(Bytes::copy_from_slice(secret.as_ref()));
        self
    }

    /// The same as the protocol has it.
    pub(super) fn parse(self) -> Result<GameSettings, Refusal> {
        GameSettings {
            capacity: self.capacity,
            locked: self.locked,
            listed: self.listed,
            app_version: self.app_version.as_deref().map(AppVersion::parse).transpose()?,
            attributes: self.attributes,
            owner_policy: self.owner_policy,
            secret: self.secret.map(Secret::parse).transpose()?,
        }
        .checked(&bounds::widest())
    }
}

/// What it takes to enter a game that is known by its name.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Entry {
    secret: Bytes,
    app_version: String,
}

impl Entry {
    /// Enough for a game that has neither secret nor version.
    pub fn new() -> Self {
        Self::default()
    }

    /// The game's secret, at most 64 bytes.
    #[must_use]
    pub fn secret(mut self, secret: impl AsRef<[u8]>) -> Self {
        self.secret = Bytes::copy_from_slice(secret.as_ref());
        self
    }

    /// Which program this is, at most 64 bytes. It must be the game's, where the
    /// game names one.
    #[must_use]
    pub fn app_version(mut self, version: impl Into<String>) -> Self {
        self.app_version = version.into();
        self
    }

    /// The same as the protocol has it.
    pub(super) fn parse(self) -> Result<(Secret, AppVersion), Refusal> {
        Ok((Secret::parse(self.secret)?, AppVersion::parse(&self.app_version)?))
    }
}

/// Which game [`Client::match_game`](super::Client::match_game) is to find, and
/// what if there is none.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct MatchOptions {
    pub(super) app_version: String,
    pub(super) create: Option<GameOptions>,
    pub(super) wait: Duration,
}

impl MatchOptions {
    /// Any game that names no version; none is made or waited for.
    pub fn new() -> Self {
        Self::default()
    }

    /// Only games of exactly this version, at most 64 bytes. The empty one, which
    /// is the default: only games that name none.
    #[must_use]
    pub fn app_version(mut self, version: impl Into<String>) -> Self {
        self.app_version = version.into();
        self
    }

    /// The game to make if none is open. It is of the version that is asked for,
    /// and its name is a short code that a person can read out.
    #[must_use]
    pub fn create(mut self, game: GameOptions) -> Self {
        self.create = Some(game);
        self
    }

    /// How long to wait for a game to open: not at all by default, at most as
    /// long as the server allows (5 minutes unless it is set otherwise).
    #[must_use]
    pub fn wait(mut self, wait: Duration) -> Self {
        self.wait = wait.min(bounds::DEADLINE_MAX);
        self
    }
}

/// Whether somebody who was kicked may come back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Return {
    /// At once, if there is a seat.
    Allowed,
    /// Not for as long as the game lives, nor watch it.
    Banned,
}
