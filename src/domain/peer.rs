use super::{Code, Refusal};
use crate::limits::Limits;
use bytes::Bytes;
use std::{borrow::Borrow, collections::BTreeMap, fmt, net::IpAddr, sync::Arc};

/// A peer's name in a namespace: 1 byte to `peer_id_bytes`, no control
/// characters, not beginning with `~`, which is kept for session ids.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PeerId(Arc<str>);

impl PeerId {
    /// Reads a peer id.
    ///
    /// # Errors
    /// `INVALID_PEER`, with the rule that the text breaks.
    pub fn parse(text: &str, limits: &Limits) -> Result<Self, Refusal> {
        if text.len() > limits.peer_id_bytes {
            let rule = format!("the peer id is {} bytes long; the limit is {}", text.len(), limits.peer_id_bytes);
            return Err(Refusal::new(Code::InvalidPeer, rule));
        }
        Self::of_any_length(text)
    }

    /// Reads a peer id that was taken under limits which may have been others.
    ///
    /// # Errors
    /// `INVALID_PEER`, with the rule that the text breaks.
    pub fn of_any_length(text: &str) -> Result<Self, Refusal> {
        let broken = |rule: &str| Err(Refusal::new(Code::InvalidPeer, rule));
        if text.is_empty() {
            broken("the peer id is empty; leave it out to be given one")
        } else if text.starts_with('~') {
            broken("a peer id must not begin with '~'; that is for session ids")
        } else if text.chars().any(char::is_control) {
            broken("the peer id holds a control character")
        } else {
            Ok(Self(text.into()))
        }
    }

    /// The id that the server makes for a peer that came without one.
    pub fn from_uuid(uuid: uuid::Uuid) -> Self {
        Self(uuid.hyphenated().encode_lower(&mut uuid::Uuid::encode_buffer()).into())
    }

    /// The text of it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Borrow<str> for PeerId {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PeerId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

/// Where a peer listens. Opaque bytes, by convention the text `host:port` or
/// `udp://host:port`. Two are equal if their bytes are.
#[derive(Clone)]
pub struct Address {
    bytes: Bytes,
    /// Its host was filled in, and is to be anew where its peer comes from elsewhere.
    is_located: bool,
}

impl Address {
    /// The longest host that is filled in: an IPv6 address of 39 characters in
    /// brackets.
    const HOST_BYTES: usize = 41;

    /// What an address grows by at most where its host is filled in: `[::]` becomes
    /// the longest one.
    pub const LOCATED_BYTES: usize = Self::HOST_BYTES - 4;

    /// Takes an address as it is.
    pub fn new(bytes: impl Into<Bytes>) -> Self {
        Self { bytes: bytes.into(), is_located: false }
    }

    /// One that was noted, as [`Address::bytes`] and [`Address::is_located`] were then.
    pub fn noted(bytes: impl Into<Bytes>, is_located: bool) -> Self {
        Self { bytes: bytes.into(), is_located }
    }

    /// The bytes of it; to clone them shares them.
    pub fn bytes(&self) -> &Bytes {
        &self.bytes
    }

    /// Whether its host was filled in, and is to be anew where its peer comes from
    /// elsewhere.
    pub fn is_located(&self) -> bool {
        self.is_located
    }

    /// Bytes that it takes at most: one whose host was filled in may be given any
    /// other one.
    pub fn most_bytes(&self) -> usize {
        match self.around_host() {
            Some((scheme, port)) => scheme.len() + Self::HOST_BYTES + 1 + port.len(),
            None => self.bytes.len(),
        }
    }

    /// What stands before and behind a host that was filled in.
    fn around_host(&self) -> Option<(&str, &str)> {
        let (scheme, rest) = split(std::str::from_utf8(&self.bytes).ok().filter(|_| self.is_located)?);
        let behind = match rest.strip_prefix('[') {
            Some(rest) => rest.split_once("]:"),
            None => rest.split_once(':'),
        };
        behind.map(|(_, port)| (scheme, port))
    }

    /// The same with `host` in the place of a host that means "wherever I come
    /// from", so that a client need not know its own address: `0.0.0.0:7777`,
    /// `udp://[::]:7777`. What was filled in before is filled in anew.
    #[must_use]
    pub fn located(self, host: IpAddr) -> Self {
        let anywhere = || {
            let (scheme, rest) = split(std::str::from_utf8(&self.bytes).ok()?);
            let port = rest.strip_prefix("0.0.0.0:").or_else(|| rest.strip_prefix("[::]:"))?;
            Some((scheme, port))
        };
        let Some((scheme, port)) = self.around_host().or_else(anywhere) else { return self };
        let bytes = match host {
            IpAddr::V4(host) => format!("{scheme}{host}:{port}"),
            IpAddr::V6(host) => format!("{scheme}[{host}]:{port}"),
        };
        Self { bytes: bytes.into(), is_located: true }
    }
}

/// The scheme of an address, with what ends it, and the rest.
fn split(text: &str) -> (&str, &str) {
    match text.find("://") {
        Some(end) => text.split_at(end + "://".len()),
        None => ("", text),
    }
}

impl PartialEq for Address {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl Eq for Address {}

impl fmt::Display for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match std::str::from_utf8(&self.bytes) {
            Ok(text) if !text.chars().any(char::is_control) => f.write_str(text),
            _ => write!(f, "{}", self.bytes.escape_ascii()),
        }
    }
}

impl fmt::Debug for Address {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

impl From<&str> for Address {
    fn from(text: &str) -> Self {
        Self::new(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Address {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

/// What a game says of its players.
pub type Attributes = BTreeMap<String, String>;

/// Who somebody is and where to find them, as they say it themselves.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Peer {
    /// The name it wants; `None`: the server is to make one.
    pub id: Option<PeerId>,
    /// Where it listens, in its order of preference.
    pub addresses: Vec<Address>,
    /// What its game says of it.
    pub attributes: Attributes,
}

impl Peer {
    /// Takes a peer whose addresses and attributes are within the limits.
    ///
    /// # Errors
    /// `INVALID_PEER`, naming the limit.
    pub fn new(
        id: Option<PeerId>,
        addresses: Vec<Address>,
        attributes: Attributes,
        limits: &Limits,
    ) -> Result<Self, Refusal> {
        let broken = |rule: String| Err(Refusal::new(Code::InvalidPeer, rule));
        if addresses.len() > limits.addresses {
            return broken(format!("the peer has {} addresses; the limit is {}", addresses.len(), limits.addresses));
        }
        if let Some(long) = addresses.iter().find(|address| address.bytes.len() > limits.address_bytes) {
            return broken(format!(
                "an address of the peer is {} bytes long; the limit is {}",
                long.bytes.len(),
                limits.address_bytes
            ));
        }
        if attributes.len() > limits.attributes {
            return broken(format!("the peer has {} attributes; the limit is {}", attributes.len(), limits.attributes));
        }
        let bytes: usize = attributes.iter().map(|(name, value)| name.len() + value.len()).sum();
        if bytes > limits.attributes_bytes {
            return broken(format!(
                "the attributes of the peer take {bytes} bytes; the limit is {}",
                limits.attributes_bytes
            ));
        }
        Ok(Self { id, addresses, attributes })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn attributes(count: usize, bytes: usize) -> Attributes {
        // Names of 4 bytes, the first value as long as it takes.
        let mut all: Attributes = (0..count).map(|i| (format!("{i:04}"), String::new())).collect();
        if let Some(mut first) = all.first_entry() {
            first.insert("v".repeat(bytes - 4 * count));
        }
        all
    }

    #[test]
    fn a_peer_id_is_1_to_128_bytes() {
        let limits = Limits::default();
        for good in ["a", "é", &"x".repeat(128), "a~"] {
            assert!(PeerId::parse(good, &limits).is_ok(), "{good:?}");
        }
        for bad in ["", "~a", "a\0", "a\r", &"x".repeat(129)] {
            assert_eq!(PeerId::parse(bad, &limits).expect_err(bad).code, Code::InvalidPeer);
        }
    }

    #[test]
    fn addresses_and_attributes_are_bounded_from_both_sides() {
        let limits = Limits::default();
        let peer = |addresses: Vec<Address>, attributes| Peer::new(None, addresses, attributes, &limits);
        let long = |bytes: usize| Address::new("x".repeat(bytes));

        assert!(peer(vec![long(256); 16], attributes(32, 4_096)).is_ok());
        assert!(peer(vec![], Attributes::new()).is_ok());
        for bad in [
            peer(vec![long(1); 17], Attributes::new()),
            peer(vec![long(257)], Attributes::new()),
            peer(vec![], attributes(33, 200)),
            peer(vec![], attributes(32, 4_097)),
        ] {
            assert_eq!(bad.expect_err("it is over a limit").code, Code::InvalidPeer);
        }
    }

    #[test]
    fn only_an_unspecified_host_is_replaced() {
        let v4: IpAddr = "192.0.2.7".parse().expect("an address");
        let v6: IpAddr = "2001:db8::7".parse().expect("an address");
        for (given, host, located) in [
            ("0.0.0.0:7777", v4, "192.0.2.7:7777"),
            ("[::]:7777", v4, "192.0.2.7:7777"),
            ("udp://0.0.0.0:1", v6, "udp://[2001:db8::7]:1"),
            ("udp://[::]:1", v4, "udp://192.0.2.7:1"),
            ("10.0.0.0:7777", v4, "10.0.0.0:7777"),
            ("0.0.0.0", v4, "0.0.0.0"),
            ("host:0.0.0.0:1", v4, "host:0.0.0.0:1"),
            ("", v4, ""),
        ] {
            assert_eq!(Address::from(given).located(host), Address::from(located), "{given}");
        }
        // What was filled in is filled in anew, and nothing else.
        for (given, located) in [
            ("0.0.0.0:7777", "[2001:db8::7]:7777"),
            ("udp://[::]:1", "udp://[2001:db8::7]:1"),
            ("ws://0.0.0.0:80/game:7", "ws://[2001:db8::7]:80/game:7"),
            ("192.0.2.7:7777", "192.0.2.7:7777"),
        ] {
            let moved = Address::from(given).located(v4).located(v6);
            assert_eq!(moved, Address::from(located), "{given}");
            let most = moved.most_bytes();
            assert!(moved.bytes().len() <= most, "{given}");
            let back = moved.located(v4);
            assert_eq!((&back, back.most_bytes()), (&Address::from(given).located(v4), most), "{given}");
        }
        let binary = Address::new(&[0xff, 0x00][..]);
        assert_eq!(binary.clone().located(v4), binary);
        assert_eq!(binary.to_string(), "\\xff\\x00");
    }
}
