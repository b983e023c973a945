use crate::{
    domain::{Code, Refusal, Time},
    limits::Limits,
    session::{Bucket, Rate},
};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
};

/// What comes from one address, summed over its connections.
#[derive(Debug)]
pub(super) struct Addresses {
    /// Loopback and private addresses count as well.
    private_too: bool,
    by_address: HashMap<IpAddr, Usage>,
}

#[derive(Debug, Default)]
struct Usage {
    connections: usize,
    entry_rate: Bucket,
}

impl Addresses {
    pub(super) fn new(private_too: bool) -> Self {
        Self { private_too, by_address: HashMap::new() }
    }

    /// What an address is counted under; `None` if it is not counted.
    fn key(&self, address: IpAddr) -> Option<IpAddr> {
        let address = address.to_canonical();
        if !self.private_too && is_private(address) {
            return None;
        }
        Some(match address {
            IpAddr::V4(_) => address,
            // A customer has a /64 at least, so single addresses say nothing.
            IpAddr::V6(address) => Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)).into(),
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.by_address.is_empty()
    }

    pub(super) fn connect(&mut self, address: IpAddr, limits: &Limits) -> Result<(), Refusal> {
        let Some(key) = self.key(address) else { return Ok(()) };
        let usage = self.by_address.entry(key).or_default();
        if usage.connections >= limits.connections_per_address {
            return Err(Refusal::new(
                Code::TooManyConnections,
                format!(
                    "your address has {} connections here, which is the limit; close one",
                    limits.connections_per_address
                ),
            ));
        }
        usage.connections += 1;
        Ok(())
    }

    /// With its last connection an address is forgotten: the map is never larger
    /// than the number of connections.
    pub(super) fn disconnect(&mut self, address: IpAddr) {
        let Some(key) = self.key(address) else { return };
        let usage = self.by_address.get_mut(&key).expect("it was counted when it connected");
        usage.connections -= 1;
        if usage.connections == 0 {
            self.by_address.remove(&key);
        }
    }

    pub(super) fn admit(&mut self, now: Time, address: IpAddr, limits: &Limits) -> Result<(), Refusal> {
        let Some(key) = self.key(address) else { return Ok(()) };
        let usage = self.by_address.get_mut(&key).expect("it was counted when it connected");
        let rate = Rate { per_sec: limits.address_entries_per_sec, burst: limits.address_entries_burst };
        usage.entry_rate.take(now, rate).map_err(|after| {
            Refusal::new(
                Code::RateLimited,
                format!("over {} requests a second from your address", limits.address_entries_per_sec),
            )
            .retry_after(after)
        })
    }
}

/// Addresses of a LAN, of this machine, or shared by a provider's customers
/// (RFC 1918, 3927, 4193, 4291, 6598).
fn is_private(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(address) => {
            let [first, second, ..] = address.octets();
            address.is_private()
                || address.is_loopback()
                || address.is_link_local()
                || (first == 100 && (64..128).contains(&second))
        }
        IpAddr::V6(address) => address.is_loopback() || address.is_unique_local() || address.is_unicast_link_local(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn ip(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    #[test]
    fn connections_of_a_public_address_are_bounded_from_both_sides() {
        let limits = Limits { connections_per_address: 2, ..Limits::default() };
        let mut addresses = Addresses::new(false);
        for (first, second, third) in
            [("192.0.2.1", "192.0.2.1", "::ffff:192.0.2.1"), ("2001:db8::1", "2001:db8::2:2", "2001:db8::3")]
        {
            assert!(addresses.connect(ip(first), &limits).is_ok());
            assert!(addresses.connect(ip(second), &limits).is_ok());
            let refusal = addresses.connect(ip(third), &limits).expect_err("the third is one too many");
            assert_eq!(refusal.code, Code::TooManyConnections);
            addresses.disconnect(ip(first));
            assert!(addresses.connect(ip(third), &limits).is_ok());
        }
        assert!(addresses.connect(ip("2001:db8:0:1::1"), &limits).is_ok(), "another /64 is another address");
        assert_eq!(addresses.by_address.len(), 3);
    }

    #[test]
    fn private_addresses_are_bounded_only_if_asked() {
        let limits = Limits { connections_per_address: 1, ..Limits::default() };
        for address in
            ["127.0.0.1", "10.1.2.3", "192.168.0.9", "169.254.1.1", "100.64.0.1", "::1", "fd00::1", "fe80::1"]
        {
            let (mut off, mut on) = (Addresses::new(false), Addresses::new(true));
            for _ in 0..3 {
                assert!(off.connect(ip(address), &limits).is_ok(), "{address}");
            }
            assert!(on.connect(ip(address), &limits).is_ok(), "{address}");
            assert!(on.connect(ip(address), &limits).is_err(), "{address}");
        }
    }

    #[test]
    fn requests_from_one_address_are_bounded_over_all_its_connections() {
        let limits = Limits { address_entries_per_sec: 1, address_entries_burst: 2, ..Limits::default() };
        let mut addresses = Addresses::new(false);
        let address = ip("192.0.2.1");
        addresses.connect(address, &limits).expect("one is within the limit");
        let now = Time::default();
        assert!(addresses.admit(now, address, &limits).is_ok());
        assert!(addresses.admit(now, address, &limits).is_ok());
        let refusal = addresses.admit(now, address, &limits).expect_err("the burst is used up");
        assert_eq!((refusal.code, refusal.retry_after), (Code::RateLimited, Some(Duration::from_secs(1))));
        assert!(addresses.admit(now.after(Duration::from_secs(1)), address, &limits).is_ok());
    }
}
