use super::{bounds, options};
use crate::domain::{self, Address, Attributes, PeerId, Refusal};
use std::time::Duration;

/// Who is to be registered: where it can be reached and what is said of it.
///
/// ```
/// # use foregather::client::Peer;
/// let ada = Peer::new().address(":7777").attribute("name", "Ada");
/// # drop(ada);
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Peer {
    id: Option<String>,
    addresses: Vec<Address>,
    attributes: Attributes,
    lease: Option<Duration>,
}

impl Peer {
    /// A peer of which nothing is said yet; the server makes an id for it.
    pub fn new() -> Self {
        Self::default()
    }

    /// The name that it wants in its namespace: at most 128 bytes, not beginning
    /// with `~`.
    #[must_use]
    pub fn id(mut self, id: impl Into<String>) -> Self {
        self.id = Some(id.into());
        self
    }

    /// One more place where it listens, in its order of preference: by convention
    /// `host:port` or `udp://host:port`. The host may be left out (`:7777`), or be
    /// `0.0.0.0` or `[::]`; the server then fills in the address that it sees this
    /// client come from.
    #[must_use]
    pub fn address(mut self, address: impl Into<Address>) -> Self {
        self.addresses.push(with_host(address.into()));
        self
    }

    /// Something that the game says of it, such as a name or a colour. The same
    /// name again replaces the value.
    #[must_use]
    pub fn attribute(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.attributes.insert(name.into(), value.into());
        self
    }

    /// For how long it stays when this client's connection is lost, in whole
    /// seconds; others see it as away meanwhile. By default a seat stays as
    /// [`ClientOptions::lease`](super::ClientOptions::lease) says, and what is only
    /// registered leaves at once.
    #[must_use]
    pub fn lease(mut self, lease: Duration) -> Self {
        self.lease = Some(lease);
        self
    }

    /// The seconds of it, if something was said of them.
    pub(super) fn lease_secs(&self) -> Option<u32> {
        self.lease.map(options::secs)
    }

    /// The same as the protocol has it.
    pub(super) fn parse(self) -> Result<domain::Peer, Refusal> {
        let limits = bounds::widest();
        let id = self.id.map(|id| PeerId::parse(&id, &limits)).transpose()?;
        domain::Peer::new(id, self.addresses, self.attributes, &limits)
    }
}

/// Writes out the host that was left out of `:port` or `udp://:port`.
fn with_host(address: Address) -> Address {
    let Ok(text) = std::str::from_utf8(address.bytes()) else { return address };
    let (scheme, rest) = match text.find("://") {
        Some(end) => text.split_at(end + "://".len()),
        None => ("", text),
    };
    let port = rest.strip_prefix(':').filter(|port| port.parse::<u16>().is_ok());
    match port {
        Some(port) => Address::from(format!("{scheme}0.0.0.0:{port}")),
        None => address,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::Code;

    #[test]
    fn a_host_that_is_left_out_is_for_the_server_to_fill_in() {
        for (given, meant) in [
            (":7777", "0.0.0.0:7777"),
            ("udp://:7777", "udp://0.0.0.0:7777"),
            ("192.0.2.7:7777", "192.0.2.7:7777"),
            ("[::]:7777", "[::]:7777"),
            ("::1", "::1"),
            (":", ":"),
            (":99999", ":99999"),
            ("", ""),
        ] {
            assert_eq!(with_host(Address::from(given)), Address::from(meant), "{given}");
        }
    }

    #[test]
    fn what_no_server_takes_is_refused_before_it_is_sent() {
        assert!(Peer::new().parse().is_ok());
        for bad in [Peer::new().id(""), Peer::new().id("~me"), Peer::new().attribute("a", "v".repeat(2 << 20))] {
            assert_eq!(bad.parse().expect_err("it breaks a rule").code, Code::InvalidPeer);
        }
    }
}
