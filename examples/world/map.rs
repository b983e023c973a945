//! Where things are.

use foregather::client::Registration;
use std::{fmt, str::FromStr};

/// Steps from one side of a region to the other.
const STEPS: i32 = 4;

/// What a player's registration says of where it stands.
pub const AT: &str = "at";

/// A place in the world, in steps; or a region, counted from that of the place 0/0.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Place {
    x: i32,
    y: i32,
}

impl Place {
    /// Where a player says that it stands; `None` for whoever is no player.
    pub fn of(registration: &Registration) -> Option<Self> {
        registration.attributes.get(AT)?.parse().ok()
    }

    /// The region that it is in.
    pub fn region(self) -> Self {
        Self { x: self.x.div_euclid(STEPS), y: self.y.div_euclid(STEPS) }
    }

    /// The namespace of a region.
    pub fn ns(self) -> String {
        format!("world/{self}")
    }

    /// One step from here; `None` if that is no way to go.
    pub fn step(self, way: &[u8]) -> Option<Self> {
        let (right, up) = match way {
            b"up" => (0, 1),
            b"down" => (0, -1),
            b"left" => (-1, 0),
            b"right" => (1, 0),
            _ => return None,
        };
        Some(Self { x: self.x.checked_add(right)?, y: self.y.checked_add(up)? })
    }
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.x, self.y)
    }
}

impl FromStr for Place {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let read = || {
            let (x, y) = text.split_once('/')?;
            Some(Self { x: x.parse().ok()?, y: y.parse().ok()? })
        };
        read().ok_or_else(|| format!("{text:?} is no place such as 3/-1"))
    }
}
