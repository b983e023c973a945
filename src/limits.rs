//! Every limit of the server: its name with its unit, its default, its range,
//! and what it costs at worst. The command line, the environment and the
//! configuration file all read this one table, so a limit that stands here can
//! be set everywhere and one that does not stand here does not exist.

use crate::domain::{Address, Namespace, SessionName};
use std::time::Duration;

/// One row of the table, for whoever sets or prints limits by name.
#[derive(Debug, Clone, Copy)]
pub struct LimitRow {
    /// The name, with its unit last: `frame_bytes`.
    pub name: &'static str,
    /// What it bounds and what it costs at worst.
    pub doc: &'static str,
    /// The value if nothing else is said.
    pub default: usize,
    /// The smallest value accepted.
    pub min: usize,
    /// The largest value accepted.
    pub max: usize,
}

macro_rules! limits {
    ($($(#[doc = $doc:literal])+ $name:ident = $default:expr, $min:expr => $max:expr;)+) => {
        /// The limits in force. Everything that grows with what peers send is
        /// bounded by one of these.
        #[derive(Debug, Clone, PartialEq, Eq)]
        pub struct Limits {
            $($(#[doc = $doc])+ pub $name: usize,)+
        }

        impl Default for Limits {
            fn default() -> Self {
                Self { $($name: $default,)+ }
            }
        }

        impl Limits {
            /// Every limit, in the order of this file.
            pub const TABLE: &'static [LimitRow] = &[
                $(LimitRow {
                    name: stringify!($name),
                    doc: concat!($($doc),+),
                    default: $default,
                    min: $min,
                    max: $max,
                },)+
            ];

            /// The limit of this name, to be read or set; `None` if there is no such limit.
            pub fn by_name(&mut self, name: &str) -> Option<&mut usize> {
                match name {
                    $(stringify!($name) => Some(&mut self.$name),)+
                    _ => None,
                }
            }
        }
    };
}

const KIB: usize = 1024;
const MIB: usize = 1024 * KIB;

limits! {
    /// Bytes of one frame, its length prefix not counted. A connection that is
    /// in the middle of a frame holds at most this much.
    frame_bytes = 64 * KIB, 16 * KIB => 16 * MIB;
    /// Bytes of one message's payload, if a frame holds as many. It is held once however
    /// many hear it.
    payload_bytes = 60 * KIB, 0 => 16 * MIB;
    /// Entries in one frame, counted before it is decoded. While it is decoded an
    /// entry takes up to about 2 KiB (a peer and a game, with an attribute each),
    /// and each further address or attribute in it up to about 150 bytes; while it
    /// waits for its reader, nearly as much.
    frame_entries = 1_024, 1 => 65_536;
    /// Milliseconds from the first byte of a frame to its last.
    frame_wait_ms = 10_000, 100 => 600_000;
    /// Connections in all. One that has registered a peer and watches was measured
    /// to take 2.6 KiB.
    connections = 100_000, 1 => 10_000_000;
    /// Connections from one public address (one /64 in IPv6).
    connections_per_address = 1_024, 1 => 10_000_000;
    /// Registrations that one connection holds.
    registrations_per_connection = 4_096, 1 => 1_000_000;
    /// Namespaces and patterns that one connection watches. Each costs up to about
    /// 700 bytes; what a list of games is filtered by is counted in
    /// `registered_bytes`.
    watches_per_connection = 1_024, 1 => 1_000_000;
    /// Namespaces that exist. An empty one does not; each costs about 700 bytes
    /// besides its registrations.
    namespaces = 250_000, 1 => 100_000_000;
    /// Bytes of a peer id. At least a UUID must fit.
    peer_id_bytes = 128, 36 => 1_024;
    /// Addresses of one peer.
    addresses = 16, 1 => 1_024;
    /// Bytes of one address, as the peer gives it.
    address_bytes = 256, 16 => 4_096;
    /// Attributes of one peer.
    attributes = 32, 0 => 1_024;
    /// Bytes of all attributes of one peer, names and values.
    attributes_bytes = 4 * KIB, 0 => MIB;
    /// Bytes of everything that is registered, as counted by
    /// `Registration::size`: the worst case of all registrations together.
    registered_bytes = 1_024 * MIB, 64 * KIB => 1_024 * 1_024 * MIB;
    /// Registrations on one page of DISCOVER.
    discover_page = 1_000, 1 => 100_000;
    /// Members of one game; a capacity beyond it is lowered to it. What each costs
    /// is counted in `registered_bytes`.
    game_members = 10_000, 1 => 1_000_000;
    /// Bans of one game. Each costs up to about 400 bytes, which are counted in
    /// `registered_bytes`.
    game_bans = 1_024, 0 => 1_000_000;
    /// Milliseconds that a MATCH may wait for a game. While it waits it counts as a
    /// registration and as a watch of its connection, and in `registered_bytes`.
    wait_ms = 300_000, 0 => 86_400_000;
    /// Seconds that a registration may outlive a lost connection; a ttl beyond it is
    /// lowered to it. A session that nobody is connected to lives as long as its
    /// longest lease; each lease counts for 1 KiB in `registered_bytes`.
    ttl_secs = 3_600, 0 => 604_800;
    /// Games in which its peer's id is taken or banned, that a MATCH passes over
    /// before it takes none for open.
    match_candidates = 1_024, 1 => 1_000_000;
    /// Changes of one namespace that are remembered for those who come back to it.
    history_changes = 256, 0 => 65_536;
    /// Bytes that all of these may take. Beyond it whole namespaces' are forgotten, and
    /// who comes back there is shown everything anew.
    history_bytes = 64 * MIB, 0 => 1_024 * 1_024 * MIB;
    /// Milliseconds between two announcements of one game in the lists that show
    /// it; what changes meanwhile is folded to its latest state.
    game_list_ms = 100, 0 => 60_000;
    /// Bytes that wait for one connection's reader, 32 for each frame included.
    /// Beyond a quarter of it what is announced is folded to the latest state of each
    /// peer and each game, which counts at twice its bytes and 256; beyond half of it a
    /// message to this reader alone is refused with RECEIVER_BUSY. Beyond all of it the
    /// reader is told SLOW_CONSUMER and cut.
    outbox_bytes = MIB, 256 * KIB => 1_024 * MIB;
    /// Bytes that wait for all readers together. Lists take at most half of it.
    /// Beyond half of it a reader for whom more than 16 KiB and more than an equal
    /// share waits is cut at the next byte for it, beyond all of it everyone for
    /// whom more than 16 KiB waits: the true bound is this, and 16 KiB and a frame
    /// for each connection.
    outboxes_bytes = 512 * MIB, MIB => 1_024 * 1_024 * MIB;
    /// Entries a second from one connection, over time.
    entries_per_sec = 1_000, 1 => 1_000_000;
    /// Entries at once from one connection that was quiet.
    entries_burst = 8_192, 1 => 10_000_000;
    /// Bytes a second that one connection causes to be sent to others, over
    /// time: a game of 16 at 60 messages of 1 KiB a second takes 1 MiB.
    fanout_bytes_per_sec = 16 * MIB, KIB => 1_024 * 1_024 * MIB;
    /// Bytes at once that one connection causes to be sent to others.
    fanout_burst_bytes = 256 * MIB, KIB => 1_024 * 1_024 * MIB;
    /// Entries a second from one public address, over time.
    address_entries_per_sec = 10_000, 1 => 10_000_000;
    /// Entries at once from one public address that was quiet.
    address_entries_burst = 100_000, 1 => 100_000_000;
    /// Bytes a second that one public address causes to be sent to others, over
    /// time.
    address_fanout_bytes_per_sec = 64 * MIB, KIB => 1_024 * 1_024 * MIB;
    /// Bytes at once that one public address causes to be sent to others.
    address_fanout_burst_bytes = 1_024 * MIB, KIB => 1_024 * 1_024 * MIB;
    /// Milliseconds that a closed connection is still read from, so that what
    /// was written to it last arrives.
    linger_ms = 1_000, 0 => 60_000;
    /// Bytes that are read and thrown away in that time.
    linger_bytes = 64 * KIB, 0 => 16 * MIB;
    /// Milliseconds without an answer from a peer's machine until its connection
    /// counts as lost (TCP keep-alive and TCP_USER_TIMEOUT), and that the last
    /// bytes for a connection that has ended may take.
    silence_ms = 20_000, 1_000 => 3_600_000;
    /// Milliseconds of silence after which a client that said HELLO, and no wish, is
    /// asked for a sign of life. It is gone that long after the last question:
    /// `heartbeat_ms * (heartbeat_retries + 1)` bounds a ghost's life.
    heartbeat_ms = 5_000, 250 => 60_000;
    /// The least that a client may wish for as `heartbeat_ms`.
    heartbeat_min_ms = 250, 50 => 60_000;
    /// The most that a client may wish for as `heartbeat_ms`.
    heartbeat_max_ms = 60_000, 250 => 600_000;
    /// How often a silent client is asked for a sign of life.
    heartbeat_retries = 3, 1 => 100;
    /// Milliseconds that a shutdown may take, telling everyone included.
    shutdown_grace_ms = 5_000, 0 => 600_000;
    /// Milliseconds after which clients are asked to come back from a shutdown. Those
    /// of the Rust library do so within half a second from then.
    shutdown_retry_ms = 250, 0 => 3_600_000;
}

impl Limits {
    /// For how long a client that is asked after silences of `interval` may give no
    /// sign of life, in milliseconds.
    pub fn bound_ms(&self, interval: Duration) -> u64 {
        let intervals = u64::from(self.heartbeat_retries()) + 1;
        u64::try_from(interval.as_millis()).unwrap_or(u64::MAX).saturating_mul(intervals)
    }

    /// How often a silent client is asked for a sign of life.
    pub(crate) fn heartbeat_retries(&self) -> u32 {
        u32::try_from(self.heartbeat_retries).unwrap_or(u32::MAX)
    }

    /// Bytes that a message's payload may have: what else stands in its frame must fit too,
    /// which is its namespace, its sender, its receiver and its numbers.
    pub(crate) fn payload_most(&self) -> usize {
        let names = Namespace::MAX_BYTES + 2 * self.peer_id_bytes.max(SessionName::MAX_BYTES);
        self.payload_bytes.min(self.frame_bytes.saturating_sub(names + KIB))
    }

    /// What is wrong with the values, each named, or with how they relate;
    /// empty if nothing is.
    pub fn faults(&self) -> Vec<String> {
        let mut values = self.clone();
        let mut faults: Vec<String> = Self::TABLE
            .iter()
            .filter_map(|row| {
                let value = *values.by_name(row.name).expect("TABLE names fields only");
                row.fault(value)
            })
            .collect();

        // An encoded registration must fit into a frame by itself: a frame is
        // where a list is cut. 4 bytes for each tag and length inside, 1 KiB
        // for everything around it.
        let largest = self
            .peer_id_bytes
            .saturating_add(
                self.addresses.saturating_mul(self.address_bytes.saturating_add(4 + Address::LOCATED_BYTES)),
            )
            .saturating_add(self.attributes_bytes)
            .saturating_add(self.attributes.saturating_mul(12))
            .saturating_add(Namespace::MAX_BYTES + KIB);
        // A game's attributes may stand in the same frame.
        let largest = largest
            .saturating_add(self.peer_id_bytes)
            .saturating_add(self.attributes_bytes)
            .saturating_add(self.attributes.saturating_mul(12));
        if largest > self.frame_bytes {
            faults.push(format!(
                "frame_bytes: {} is too small for the largest peer and game that peer_id_bytes, addresses, \
                 address_bytes, attributes and attributes_bytes allow; it takes {largest}",
                self.frame_bytes
            ));
        }
        if self.outbox_bytes < self.frame_bytes.saturating_mul(2) {
            faults.push(format!(
                "outbox_bytes: {} is too small; two frames of frame_bytes must fit, {}",
                self.outbox_bytes,
                self.frame_bytes.saturating_mul(2)
            ));
        }
        if self.heartbeat_ms < self.heartbeat_min_ms || self.heartbeat_ms > self.heartbeat_max_ms {
            faults.push(format!(
                "heartbeat_ms: {} is not within heartbeat_min_ms and heartbeat_max_ms, {} to {}",
                self.heartbeat_ms, self.heartbeat_min_ms, self.heartbeat_max_ms
            ));
        }
        faults
    }
}

impl LimitRow {
    /// What is wrong with this value for this limit, if anything is.
    pub fn fault(&self, value: usize) -> Option<String> {
        (value < self.min || value > self.max)
            .then(|| format!("{}: {value} is out of range; use {} to {}", self.name, self.min, self.max))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_defaults_have_no_faults() {
        assert_eq!(Limits::default().faults(), Vec::<String>::new());
    }

    #[test]
    fn a_payload_is_as_long_as_a_frame_can_hold() {
        let limits = Limits { frame_bytes: 16 * KIB, ..Limits::default() };
        assert_eq!(Limits::default().payload_most(), 60 * KIB);
        assert_eq!(limits.payload_most(), 16 * KIB - KIB - 255 - 2 * 128);
        assert_eq!(Limits { payload_bytes: 100, ..limits }.payload_most(), 100);
    }

    #[test]
    fn every_fault_is_reported_at_once_and_by_name() {
        let limits = Limits { linger_ms: 60_001, frame_bytes: 1, addresses: 0, ..Limits::default() };
        let faults = limits.faults().join("\n");
        for name in ["linger_ms: 60001", "frame_bytes: 1", "addresses: 0", "too small for the largest peer and game"] {
            assert!(faults.contains(name), "{name} is missing in: {faults}");
        }
    }

    #[test]
    fn every_limit_accepts_its_bounds_and_nothing_beyond() {
        for row in Limits::TABLE {
            assert!(row.fault(row.default).is_none(), "{}", row.name);
            assert!(row.fault(row.min).is_none() && row.fault(row.max).is_none(), "{}", row.name);
            assert!(row.fault(row.max + 1).is_some(), "{}", row.name);
            assert!(row.min == 0 || row.fault(row.min - 1).is_some(), "{}", row.name);
        }
    }
}
