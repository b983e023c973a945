use crate::{
    domain::{Code, Refusal, Time},
    limits::Limits,
    session::{Bucket, Rate},
};
use std::{
    collections::HashMap,
    net::{IpAddr, Ipv6Addr},
};

/// Addresses that are kept before the first look for those that can be forgotten.
const FIRST_PURGE: usize = 1_024;

/// What comes from one address, summed over its connections.
#[derive(Debug)]
pub(super) struct Addresses {
    /// Loopback and private addresses count as well.
    private_too: bool,
    by_address: HashMap<IpAddr, Usage>,
    /// With so many addresses those that can be forgotten are.
    purge_at: usize,
}

/// Of one address. It outlives the last connection until it has earned back what
/// it spent, or a new connection would be a new allowance.
#[derive(Debug, Default)]
struct Usage {
    connections: usize,
    entry_rate: Bucket,
    fanout_rate: Bucket,
}

impl Usage {
    fn can_be_forgotten(&self, now: Time) -> bool {
        self.connections == 0 && self.entry_rate.is_full(now) && self.fanout_rate.is_full(now)
    }
}

impl Addresses {
    pub(super) fn new(private_too: bool) -> Self {
        Self { private_too, by_address: HashMap::new(), purge_at: FIRST_PURGE }
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

    fn usage(&mut self, address: IpAddr) -> Option<&mut Usage> {
        let key = self.key(address)?;
        Some(self.by_address.get_mut(&key).expect("it was counted when it connected"))
    }

    /// Whether no connection is counted.
    pub(super) fn is_empty(&self) -> bool {
        self.by_address.values().all(|usage| usage.connections == 0)
    }

    pub(super) fn connect(&mut self, now: Time, address: IpAddr, limits: &Limits) -> Result<(), Refusal> {
        let Some(key) = self.key(address) else { return Ok(()) };
        self.purge(now);
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

    pub(super) fn disconnect(&mut self, now: Time, address: IpAddr) {
        let Some(usage) = self.usage(address) else { return };
        usage.connections -= 1;
        if usage.can_be_forgotten(now) {
            let key = self.key(address);
            key.and_then(|key| self.by_address.remove(&key));
        }
    }

    /// Forgets addresses that say nothing any more, each time their number has
    /// doubled: what is kept is at most twice what must be.
    fn purge(&mut self, now: Time) {
        if self.by_address.len() >= self.purge_at {
            self.by_address.retain(|_, usage| !usage.can_be_forgotten(now));
            self.purge_at = FIRST_PURGE.max(2 * self.by_address.len());
        }
    }

    pub(super) fn admit(&mut self, now: Time, address: IpAddr, limits: &Limits) -> Result<(), Refusal> {
        let Some(usage) = self.usage(address) else { return Ok(()) };
        let limited = |what: String, after| Refusal::new(Code::RateLimited, what).retry_after(after);
        usage.fanout_rate.holds(now, 0, fanout_rate(limits)).map_err(|after| {
            limited(
                format!("your address causes over {} bytes a second to be sent", limits.address_fanout_bytes_per_sec),
                after,
            )
        })?;
        usage.entry_rate.take(now, entry_rate(limits)).map_err(|after| {
            limited(format!("over {} requests a second from your address", limits.address_entries_per_sec), after)
        })
    }

    /// Counts work that is as much as so many entries.
    pub(super) fn charge_entries(&mut self, now: Time, address: IpAddr, entries: usize, limits: &Limits) {
        if let Some(usage) = self.usage(address) {
            usage.entry_rate.charge(now, entries, entry_rate(limits));
        }
    }

    /// Counts what the address has caused to be sent to others.
    pub(super) fn charge_fanout(&mut self, now: Time, address: IpAddr, bytes: usize, limits: &Limits) {
        if let Some(usage) = self.usage(address) {
            usage.fanout_rate.charge(now, bytes, fanout_rate(limits));
        }
    }
}

fn entry_rate(limits: &Limits) -> Rate {
    Rate { per_sec: limits.address_entries_per_sec, burst: limits.address_entries_burst }
}

fn fanout_rate(limits: &Limits) -> Rate {
    Rate { per_sec: limits.address_fanout_bytes_per_sec, burst: limits.address_fanout_burst_bytes }
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

    const NOW: Time = Time::START;

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
            assert!(addresses.connect(NOW, ip(first), &limits).is_ok());
            assert!(addresses.connect(NOW, ip(second), &limits).is_ok());
            let refusal = addresses.connect(NOW, ip(third), &limits).expect_err("the third is one too many");
            assert_eq!(refusal.code, Code::TooManyConnections);
            addresses.disconnect(NOW, ip(first));
            assert!(addresses.connect(NOW, ip(third), &limits).is_ok());
        }
        assert!(addresses.connect(NOW, ip("2001:db8:0:1::1"), &limits).is_ok(), "another /64 is another address");
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
                assert!(off.connect(NOW, ip(address), &limits).is_ok(), "{address}");
            }
            assert!(on.connect(NOW, ip(address), &limits).is_ok(), "{address}");
            assert!(on.connect(NOW, ip(address), &limits).is_err(), "{address}");
        }
    }

    #[test]
    fn requests_from_one_address_are_bounded_over_all_its_connections() {
        let limits = Limits { address_entries_per_sec: 1, address_entries_burst: 2, ..Limits::default() };
        let mut addresses = Addresses::new(false);
        let address = ip("192.0.2.1");
        addresses.connect(NOW, address, &limits).expect("one is within the limit");
        let now = Time::default();
        assert!(addresses.admit(now, address, &limits).is_ok());
        assert!(addresses.admit(now, address, &limits).is_ok());
        let refusal = addresses.admit(now, address, &limits).expect_err("the burst is used up");
        assert_eq!((refusal.code, refusal.retry_after), (Code::RateLimited, Some(Duration::from_secs(1))));
        assert!(addresses.admit(now.after(Duration::from_secs(1)), address, &limits).is_ok());
    }

    #[test]
    fn to_come_again_is_no_new_allowance_and_to_stay_away_is() {
        let limits = Limits { address_entries_per_sec: 1, address_entries_burst: 1, ..Limits::default() };
        let mut addresses = Addresses::new(false);
        let address = ip("192.0.2.1");
        let visit = |addresses: &mut Addresses, now| {
            addresses.connect(now, address, &limits).expect("one connection is allowed");
            let admitted = addresses.admit(now, address, &limits).is_ok();
            addresses.disconnect(now, address);
            admitted
        };
        assert!(visit(&mut addresses, NOW));
        assert!(!visit(&mut addresses, NOW));
        assert_eq!(addresses.by_address.len(), 1, "it is remembered until it has earned back what it spent");
        let later = NOW.after(Duration::from_secs(1));
        assert!(visit(&mut addresses, later));

        // Those that say nothing any more are forgotten before there are many.
        let much_later = NOW.after(Duration::from_secs(10));
        for number in 0..10_000u32 {
            let address = IpAddr::V4((0xc633_0000 + number).into());
            let now = much_later.after(Duration::from_secs(u64::from(number)));
            addresses.connect(now, address, &limits).expect("one connection is allowed");
            addresses.admit(now, address, &limits).expect("its first request");
            addresses.disconnect(now, address);
        }
        assert!(addresses.by_address.len() <= FIRST_PURGE, "{}", addresses.by_address.len());
    }

    #[test]
    fn what_an_address_causes_is_bounded_over_all_its_connections() {
        let limits =
            Limits { address_fanout_bytes_per_sec: 1_024, address_fanout_burst_bytes: 2_048, ..Limits::default() };
        let mut addresses = Addresses::new(false);
        let address = ip("192.0.2.1");
        addresses.connect(NOW, address, &limits).expect("the first connection");
        addresses.charge_fanout(NOW, address, 2_048, &limits);
        assert!(addresses.admit(NOW, address, &limits).is_ok());
        addresses.charge_fanout(NOW, address, 1_024, &limits);
        let refusal = addresses.admit(NOW, address, &limits).expect_err("it owes what it caused");
        assert_eq!((refusal.code, refusal.retry_after), (Code::RateLimited, Some(Duration::from_secs(1))));
    }
}
