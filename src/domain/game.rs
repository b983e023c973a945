use super::{Attributes, Code, Namespace, PeerId, Refusal};
use crate::limits::Limits;
use bytes::Bytes;
use std::{fmt, sync::Arc, time::Duration};
use subtle::ConstantTimeEq as _;

/// Which program a game is of, such as `1.4`: at most 64 bytes, compared for
/// equality only. The empty one is none.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct AppVersion(Arc<str>);

impl AppVersion {
    /// The longest one, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// Reads one.
    ///
    /// # Errors
    /// `INVALID_MESSAGE` if it is too long.
    pub fn parse(text: &str) -> Result<Self, Refusal> {
        within("app_version", text.len(), Self::MAX_BYTES)?;
        Ok(Self(text.into()))
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for AppVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// What opens a game to those who know it: at most 64 bytes. The empty one is
/// none. It is compared in a time that says nothing of where two differ, and
/// never printed.
#[derive(Clone, Default)]
pub struct Secret(Bytes);

impl Secret {
    /// The longest one, in bytes.
    pub const MAX_BYTES: usize = 64;

    /// Takes a secret.
    ///
    /// # Errors
    /// `INVALID_MESSAGE` if it is too long.
    pub fn parse(bytes: Bytes) -> Result<Self, Refusal> {
        within("secret", bytes.len(), Self::MAX_BYTES)?;
        Ok(Self(bytes))
    }

    /// Whether there is none.
    pub fn is_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The bytes of it, for the wire.
    pub fn bytes(&self) -> &Bytes {
        &self.0
    }
}

impl PartialEq for Secret {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Secret {}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(if self.is_none() { "Secret(none)" } else { "Secret(..)" })
    }
}

/// What becomes of a game whose owner goes. The numbers are the wire's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(i32)]
#[non_exhaustive]
pub enum OwnerPolicy {
    /// The oldest member owns it from then on.
    #[default]
    Oldest = 0,
    /// The game ends with its owner.
    Close = 1,
    /// The game stays, unowned, until somebody claims it.
    None = 2,
}

impl OwnerPolicy {
    /// The policy of this number; `None` for one that is not known here.
    pub fn from_number(number: i32) -> Option<Self> {
        [Self::Oldest, Self::Close, Self::None].into_iter().find(|&policy| policy as i32 == number)
    }

    /// Its name, as the .proto file has it without the prefix.
    pub fn name(self) -> &'static str {
        match self {
            Self::Oldest => "OLDEST",
            Self::Close => "CLOSE",
            Self::None => "NONE",
        }
    }
}

/// What an owner says of its game: at its birth all that is to differ from the
/// defaults, later what is to change.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct GameSettings {
    /// Seats; 0: as many as the server allows, which is the default.
    pub capacity: Option<u32>,
    /// No newcomers.
    pub locked: Option<bool>,
    /// Shown in lists and open to MATCH, which is the default.
    pub listed: Option<bool>,
    /// Which program; the empty one takes it away.
    pub app_version: Option<AppVersion>,
    /// An empty value takes the attribute away.
    pub attributes: Attributes,
    /// What becomes of the game when its owner goes.
    pub owner_policy: Option<OwnerPolicy>,
    /// What opens it; the empty one takes it away.
    pub secret: Option<Secret>,
}

impl GameSettings {
    /// Takes settings whose attributes are within the limits.
    ///
    /// # Errors
    /// `INVALID_MESSAGE`, naming the limit.
    pub fn checked(self, limits: &Limits) -> Result<Self, Refusal> {
        check_attributes("the game has", &self.attributes, limits)?;
        Ok(self)
    }
}

/// Attributes that a game must have, exactly, to be in a list.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Filter(Attributes);

impl Filter {
    /// Takes a filter.
    ///
    /// # Errors
    /// `INVALID_MESSAGE` if it asks for more than a game can have.
    pub fn new(attributes: Attributes, limits: &Limits) -> Result<Self, Refusal> {
        check_attributes("the filter has", &attributes, limits)?;
        Ok(Self(attributes))
    }

    /// Whether these attributes have all that it asks for.
    pub fn passes(&self, attributes: &Attributes) -> bool {
        self.0.iter().all(|(name, value)| attributes.get(name) == Some(value))
    }

    /// Bytes that it counts against `registered_bytes`: as the attributes of a
    /// registration do.
    pub fn size(&self) -> usize {
        let map = if self.0.is_empty() { 0 } else { 430 };
        map + self.0.iter().map(|(name, value)| 216 + name.len() + value.len()).sum::<usize>()
    }

    /// What it asks for.
    pub fn attributes(&self) -> &Attributes {
        &self.0
    }
}

/// Refuses attributes of a game that are too many or too long.
pub(crate) fn check_attributes(whose: &str, attributes: &Attributes, limits: &Limits) -> Result<(), Refusal> {
    let broken = |rule| Err(Refusal::new(Code::InvalidMessage, rule));
    if attributes.len() > limits.attributes {
        return broken(format!("{whose} {} attributes; the limit is {}", attributes.len(), limits.attributes));
    }
    let bytes: usize = attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
    if bytes > limits.attributes_bytes {
        return broken(format!("{whose} {bytes} bytes of attributes; the limit is {}", limits.attributes_bytes));
    }
    Ok(())
}

/// A game as everybody may see it, at one moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Game {
    /// Its namespace.
    pub ns: Namespace,
    /// Who owns it; `None`: nobody.
    pub owner: Option<PeerId>,
    /// Seats; 0: as many as the server allows.
    pub capacity: u32,
    /// Seats taken.
    pub members: u32,
    /// No newcomers.
    pub locked: bool,
    /// Shown in lists and open to MATCH.
    pub listed: bool,
    /// Which program.
    pub app_version: AppVersion,
    /// What its owner says of it.
    pub attributes: Arc<Attributes>,
    /// What becomes of it when its owner goes.
    pub owner_policy: OwnerPolicy,
    /// Counts its owners, from 1.
    pub term: u64,
    /// The number of the last change in its namespace.
    pub version: u64,
    /// To enter it takes a secret.
    pub needs_secret: bool,
}

impl Game {
    /// Whether nothing that it shows differs, but the number of the last change.
    pub(crate) fn looks_like(&self, other: &Self) -> bool {
        Self { version: other.version, ..self.clone() } == *other
    }
}

/// MATCH.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct QuickMatch {
    /// The games are directly below it.
    pub pool: Namespace,
    /// Who wants to play.
    pub peer: super::Peer,
    /// Only games of exactly this one.
    pub app_version: AppVersion,
    /// The game to make if none is open.
    pub create: Option<GameSettings>,
    /// How long to wait for one to open.
    pub wait: Duration,
    /// As in [`Register`](super::Register).
    pub ttl_secs: u32,
}

/// Refuses what is longer than its fixed size.
pub(crate) fn within(name: &str, bytes: usize, max: usize) -> Result<(), Refusal> {
    if bytes > max {
        return Err(Refusal::new(Code::InvalidMessage, format!("{name} is {bytes} bytes long; the limit is {max}")));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_1_to_64_bytes_and_is_not_printed() {
        let secret = |bytes: &'static [u8]| Secret::parse(Bytes::from_static(bytes));
        assert_eq!(secret(b"hunter2"), secret(b"hunter2"));
        assert_ne!(secret(b"hunter2"), secret(b"hunter3"));
        assert_ne!(secret(b"hunter2"), secret(b"hunter"));
        assert!(secret(b"").is_ok_and(|secret| secret.is_none()));
        assert!(secret(&[7; 64]).is_ok());
        assert_eq!(secret(&[7; 65]).expect_err("it is too long").code, Code::InvalidMessage);
        assert_eq!(format!("{:?}", secret(b"hunter2")), "Ok(Secret(..))");
    }

    #[test]
    fn an_app_version_is_at_most_64_bytes() {
        assert!(AppVersion::parse(&"x".repeat(64)).is_ok());
        assert_eq!(AppVersion::parse(&"x".repeat(65)).expect_err("it is too long").code, Code::InvalidMessage);
        assert!(AppVersion::default().is_none());
    }

    #[test]
    fn a_filter_asks_for_equality() {
        let limits = Limits::default();
        let attributes = |pairs: &[(&str, &str)]| -> Attributes {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let game = attributes(&[("mode", "blitz"), ("map", "north")]);
        for (asked, passes) in [
            (attributes(&[]), true),
            (attributes(&[("mode", "blitz")]), true),
            (attributes(&[("mode", "blitz"), ("map", "south")]), false),
            (attributes(&[("mode", "bli")]), false),
            (attributes(&[("colour", "")]), false),
        ] {
            assert_eq!(Filter::new(asked.clone(), &limits).expect("it is short").passes(&game), passes, "{asked:?}");
        }
        let many = |count: usize| (0..count).map(|number| (number.to_string(), String::new())).collect();
        assert!(Filter::new(many(32), &limits).is_ok());
        assert_eq!(Filter::new(many(33), &limits).expect_err("too many").code, Code::InvalidMessage);
    }
}
