//! Who is in rendezvous, and what of it the reader has not heard yet. Nothing
//! here knows of sockets, tasks or time: announcements go in, events come out.

use crate::domain::{Announcement, LeaveReason, Namespace, Pattern, PeerId, Registration};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    sync::Arc,
};

/// What happened in a namespace, as a reader hears it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change {
    Registered(Arc<Registration>),
    Updated(Arc<Registration>),
    Unregistered { last: Arc<Registration>, reason: LeaveReason, version: u64 },
    Current { version: u64 },
}

/// A roster that took more memory than it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Overflow;

type Key = (Namespace, PeerId);

/// Who is there by what the server has said, and how that differs from what the
/// reader was told. There is at most one difference for each peer, however much
/// the server has said of it.
#[derive(Debug)]
pub(super) struct Roster {
    pattern: Pattern,
    limit_bytes: usize,
    /// The sum of [`cost`] over all members.
    bytes: usize,
    /// Those who are there, and those whose leaving is still to be told.
    members: BTreeMap<Key, Member>,
    /// What is to be told, in order. A peer's news keeps the place that its first
    /// untold change took: one that changes all the time is not put off for ever.
    untold: BTreeMap<u64, News>,
    last_place: u64,
    listing: Listing,
    /// The highest version heard of. Comparable only where it is of one namespace.
    version: u64,
}

#[derive(Debug)]
struct Member {
    /// As it stands, or stood last.
    registration: Arc<Registration>,
    /// Why and by which change it left, where that is still to be told.
    left: Option<(LeaveReason, u64)>,
    /// The reader knows of it.
    told: bool,
    /// Its place among what is untold.
    place: Option<u64>,
    /// The snapshot during or after which it was last spoken of.
    snapshot: u64,
}

#[derive(Debug)]
enum News {
    Of(Key),
    Current { version: u64 },
}

/// How far the list of who is there has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Listing {
    /// Which list it is; 0 before the first.
    snapshot: u64,
    /// Parts of it are still to come.
    running: bool,
}

impl Roster {
    /// An empty one of these namespaces, which may take so much memory.
    pub(super) fn new(pattern: Pattern, limit_bytes: usize) -> Self {
        Self {
            pattern,
            limit_bytes,
            bytes: 0,
            members: BTreeMap::new(),
            untold: BTreeMap::new(),
            last_place: 0,
            listing: Listing { snapshot: 0, running: false },
            version: 0,
        }
    }

    /// Takes a part of a list of all who are there. When it is complete, those
    /// whom neither the list nor an announcement since its beginning has named are
    /// gone.
    pub(super) fn list(&mut self, peers: Vec<Arc<Registration>>, version: u64, more: bool) -> Result<(), Overflow> {
        if !self.listing.running {
            self.listing = Listing { snapshot: self.listing.snapshot + 1, running: true };
        }
        self.version = self.version.max(version);
        for registration in peers {
            if self.pattern.matches(registration.ns.as_str()) {
                self.put(registration)?;
            }
        }
        if !more {
            self.listing.running = false;
            let unnamed: Vec<Key> = self
                .members
                .iter()
                .filter(|(_, member)| member.snapshot != self.listing.snapshot && member.left.is_none())
                .map(|(key, _)| key.clone())
                .collect();
            for key in unnamed {
                // The list does not say why; this is the reason that says least.
                self.take_out(key, LeaveReason::Unregistered, version);
            }
            self.untold.retain(|_, news| matches!(news, News::Of(_)));
            self.enqueue(News::Current { version });
        }
        Ok(())
    }

    /// Takes a change, which may be of another namespace. Before the first list
    /// has begun it is left to the list.
    pub(super) fn apply(&mut self, announcement: &Announcement) -> Result<(), Overflow> {
        let (ns, id, version) = match announcement {
            Announcement::Registered(registration) => (&registration.ns, &registration.id, registration.version),
            Announcement::Unregistered { ns, id, version, .. } => (ns, id, *version),
            Announcement::Game(_) | Announcement::GameClosed { .. } => return Ok(()),
        };
        if self.listing.snapshot == 0 || !self.pattern.matches(ns.as_str()) {
            return Ok(());
        }
        let key = (ns.clone(), id.clone());
        let stale = match self.members.get(&key) {
            Some(member) => version <= member.version(),
            // Versions number the changes of one namespace; those of two are not
            // compared.
            None => matches!(self.pattern, Pattern::Exact(_)) && version <= self.version,
        };
        if stale {
            return Ok(());
        }
        self.version = self.version.max(version);
        match announcement {
            Announcement::Registered(registration) => self.put(registration.clone()),
            Announcement::Unregistered { reason, .. } => {
                self.take_out(key, *reason, version);
                Ok(())
            }
            Announcement::Game(_) | Announcement::GameClosed { .. } => Ok(()),
        }
    }

    /// The next thing to tell.
    pub(super) fn pop(&mut self) -> Option<Change> {
        let (_, news) = self.untold.pop_first()?;
        let key = match news {
            News::Current { version } => return Some(Change::Current { version }),
            News::Of(key) => key,
        };
        let Entry::Occupied(mut entry) = self.members.entry(key) else {
            unreachable!("what is forgotten is not to be told any more");
        };
        let member = entry.get_mut();
        member.place = None;
        let last = member.registration.clone();
        Some(match (member.left, member.told) {
            (Some((reason, version)), _) => {
                self.bytes -= cost(&last);
                entry.remove();
                Change::Unregistered { last, reason, version }
            }
            (None, true) => Change::Updated(last),
            (None, false) => {
                member.told = true;
                Change::Registered(last)
            }
        })
    }

    /// Those who are there, by namespace and id, whether told or not.
    pub(super) fn present(&self) -> impl Iterator<Item = &Arc<Registration>> {
        self.members.values().filter(|member| member.left.is_none()).map(|member| &member.registration)
    }

    /// How many changes are to be told.
    #[cfg(test)]
    pub(super) fn untold(&self) -> usize {
        self.untold.len()
    }

    fn put(&mut self, registration: Arc<Registration>) -> Result<(), Overflow> {
        let key = (registration.ns.clone(), registration.id.clone());
        self.bytes += cost(&registration);
        match self.members.get_mut(&key) {
            Some(member) => {
                member.snapshot = self.listing.snapshot;
                if registration.version <= member.version() {
                    self.bytes -= cost(&registration);
                    return Ok(());
                }
                self.bytes -= cost(&member.registration);
                member.registration = registration;
                member.left = None;
            }
            None => {
                let snapshot = self.listing.snapshot;
                let member = Member { registration, left: None, told: false, place: None, snapshot };
                self.members.insert(key.clone(), member);
            }
        }
        self.news_of(key);
        if self.bytes > self.limit_bytes { Err(Overflow) } else { Ok(()) }
    }

    fn take_out(&mut self, key: Key, reason: LeaveReason, version: u64) {
        let Some(member) = self.members.get_mut(&key).filter(|member| member.left.is_none()) else { return };
        if member.told {
            member.left = Some((reason, version));
            self.news_of(key);
        } else {
            // It came and went unseen: there is nothing to tell.
            if let Some(place) = member.place {
                self.untold.remove(&place);
            }
            self.bytes -= cost(&member.registration);
            self.members.remove(&key);
        }
    }

    /// Sees to it that the member's state will be told.
    fn news_of(&mut self, key: Key) {
        let member = self.members.get_mut(&key).expect("there is news of members only");
        if member.place.is_none() {
            member.place = Some(self.last_place + 1);
            self.enqueue(News::Of(key));
        }
    }

    fn enqueue(&mut self, news: News) {
        self.last_place += 1;
        self.untold.insert(self.last_place, news);
    }
}

impl Member {
    /// The last change of it.
    fn version(&self) -> u64 {
        self.left.map_or(self.registration.version, |(_, version)| version)
    }
}

/// Bytes that a member takes, its place in the roster and its news included.
pub(super) fn cost(registration: &Registration) -> usize {
    registration.size() + registration.ns.as_str().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::limits::Limits;

    fn registration(ns: &str, id: &str, version: u64) -> Arc<Registration> {
        Arc::new(Registration::new(
            Namespace::parse(ns).expect(ns),
            PeerId::parse(id, &Limits::default()).expect(id),
            Vec::new(),
            [("version".to_owned(), version.to_string())].into(),
            version,
        ))
    }

    fn came(id: &str, version: u64) -> Announcement {
        Announcement::Registered(registration("a", id, version))
    }

    fn left(id: &str, version: u64) -> Announcement {
        let Registration { ns, id, .. } = (*registration("a", id, 0)).clone();
        Announcement::Unregistered { ns, id, reason: LeaveReason::Disconnected, version }
    }

    fn list(peers: &[(&str, u64)]) -> Vec<Arc<Registration>> {
        peers.iter().map(|(id, version)| registration("a", id, *version)).collect()
    }

    /// A roster of "a" that has been listed as empty.
    fn roster() -> Roster {
        let mut roster = Roster::new(Pattern::parse("a").expect("it is legal"), 1 << 20);
        roster.list(Vec::new(), 0, false).expect("it is small");
        assert_eq!(told(&mut roster), ["current 0"]);
        roster
    }

    fn hear(roster: &mut Roster, announcements: impl IntoIterator<Item = Announcement>) {
        for announcement in announcements {
            roster.apply(&announcement).expect("it is small");
        }
    }

    /// All that is to be told, as text: "+ada 1" came, "=ada 2" changed, "-ada 3" left.
    fn told(roster: &mut Roster) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(change) = roster.pop() {
            told.push(match change {
                Change::Registered(registration) => format!("+{} {}", registration.id, registration.version),
                Change::Updated(registration) => format!("={} {}", registration.id, registration.version),
                Change::Unregistered { last, version, .. } => format!("-{} {version}", last.id),
                Change::Current { version } => format!("current {version}"),
            });
        }
        let present: usize = roster.present().map(|registration| cost(registration)).sum();
        assert_eq!(roster.bytes, present, "what is told is forgotten");
        told
    }

    #[test]
    fn what_is_read_at_once_is_told_as_it_happens() {
        let mut roster = roster();
        for (announcement, event) in [
            (came("ada", 1), "+ada 1"),
            (came("bob", 2), "+bob 2"),
            (came("ada", 3), "=ada 3"),
            (left("ada", 4), "-ada 4"),
            (came("ada", 5), "+ada 5"),
        ] {
            hear(&mut roster, [announcement]);
            assert_eq!(told(&mut roster), [event]);
        }
    }

    #[test]
    fn what_piles_up_is_one_event_a_peer_and_that_the_latest() {
        let mut roster = roster();
        hear(&mut roster, [came("ada", 1), came("bob", 2), came("ada", 3), came("ada", 4)]);
        assert_eq!(told(&mut roster), ["+ada 4", "+bob 2"]);
        hear(&mut roster, [came("ada", 5), came("bob", 6), came("ada", 7)]);
        assert_eq!(told(&mut roster), ["=ada 7", "=bob 6"]);
    }

    #[test]
    fn a_join_and_a_leave_that_were_both_unseen_cancel() {
        let mut roster = roster();
        hear(&mut roster, [came("ada", 1), came("bob", 2), left("ada", 3)]);
        assert_eq!(roster.untold(), 1);
        assert_eq!(told(&mut roster), ["+bob 2"]);

        // One who was seen, left and came back unseen has changed.
        hear(&mut roster, [left("bob", 4), came("bob", 5)]);
        assert_eq!(told(&mut roster), ["=bob 5"]);
        hear(&mut roster, [left("bob", 6), came("bob", 7), left("bob", 8)]);
        assert_eq!(told(&mut roster), ["-bob 8"]);
        assert_eq!(roster.present().count(), 0);
    }

    #[test]
    fn versions_never_go_backwards() {
        let mut roster = roster();
        hear(&mut roster, [came("ada", 7), came("ada", 5), left("ada", 6), came("ada", 7)]);
        assert_eq!(told(&mut roster), ["+ada 7"]);
        hear(&mut roster, [left("ada", 9), came("ada", 8)]);
        assert_eq!(told(&mut roster), ["-ada 9"]);
        hear(&mut roster, [came("ada", 8)]);
        assert_eq!(told(&mut roster), Vec::<String>::new());
    }

    #[test]
    fn a_second_snapshot_comes_out_as_differences() {
        let mut roster = roster();
        roster.list(list(&[("ada", 1), ("bob", 2), ("eve", 3)]), 3, false).expect("it is small");
        assert_eq!(told(&mut roster), ["+ada 1", "+bob 2", "+eve 3", "current 3"]);
        roster.list(list(&[("ada", 1), ("dan", 8), ("eve", 9)]), 9, false).expect("it is small");
        assert_eq!(told(&mut roster), ["+dan 8", "=eve 9", "-bob 9", "current 9"]);
    }

    #[test]
    fn what_is_announced_between_the_parts_of_a_snapshot_counts() {
        let mut roster = roster();
        roster.list(list(&[("ada", 1), ("bob", 2)]), 2, true).expect("it is small");
        hear(&mut roster, [left("ada", 3), came("dan", 4)]);
        roster.list(list(&[("eve", 2), ("dan", 4)]), 4, false).expect("it is small");
        assert_eq!(told(&mut roster), ["+bob 2", "+dan 4", "+eve 2", "current 4"]);
        // In the second one, a member that only an announcement names is there still.
        roster.list(list(&[("bob", 2)]), 4, true).expect("it is small");
        hear(&mut roster, [came("eve", 5)]);
        roster.list(Vec::new(), 5, false).expect("it is small");
        assert_eq!(told(&mut roster), ["=eve 5", "-dan 5", "current 5"]);
    }

    #[test]
    fn current_is_told_behind_everybody_who_was_there_and_once() {
        let mut roster = roster();
        roster.list(list(&[("ada", 1)]), 1, false).expect("it is small");
        hear(&mut roster, [came("bob", 2)]);
        roster.list(list(&[("ada", 1), ("bob", 2), ("dan", 3)]), 3, false).expect("it is small");
        assert_eq!(told(&mut roster), ["+ada 1", "+bob 2", "+dan 3", "current 3"]);
    }

    #[test]
    fn other_namespaces_and_earlier_changes_are_not_its_concern() {
        let mut roster = Roster::new(Pattern::parse("a").expect("it is legal"), 1 << 20);
        hear(&mut roster, [came("ada", 1)]);
        roster.list(vec![registration("b", "bob", 1)], 1, false).expect("it is small");
        hear(&mut roster, [Announcement::Registered(registration("a/b", "bob", 2)), left("nobody", 3)]);
        assert_eq!(told(&mut roster), ["current 1"]);
    }

    #[test]
    fn a_wildcard_keeps_namespaces_apart() {
        let mut roster = Roster::new(Pattern::parse("a/**").expect("it is legal"), 1 << 20);
        roster.list(vec![registration("a/x", "ada", 9)], 9, false).expect("it is small");
        hear(&mut roster, [Announcement::Registered(registration("a/y/z", "ada", 2))]);
        assert_eq!(told(&mut roster), ["+ada 9", "current 9", "+ada 2"]);
        assert_eq!(roster.present().count(), 2);
    }

    #[test]
    fn memory_is_bounded_from_both_sides() {
        let one = cost(&registration("a", "ada", 1));
        let mut roster = Roster::new(Pattern::parse("a").expect("it is legal"), 2 * one);
        roster.list(list(&[("ada", 1), ("bob", 2)]), 2, false).expect("there is room for two");
        // An update and one who takes the place of another fit as well.
        hear(&mut roster, [came("ada", 3), left("bob", 4), came("dan", 5)]);
        assert_eq!(roster.apply(&came("eve", 6)), Err(Overflow));
    }

    #[test]
    fn a_reader_who_never_reads_costs_one_event_a_peer() {
        let mut roster = roster();
        for round in 0..1_000 {
            for peer in 0..10 {
                hear(&mut roster, [came(&format!("peer-{peer}"), 1 + round * 10 + peer)]);
            }
            assert_eq!((roster.untold(), roster.members.len()), (10, 10));
        }
        for peer in 0..10_000 {
            hear(&mut roster, [came("guest", 20_000 + 2 * peer), left("guest", 20_001 + 2 * peer)]);
        }
        assert_eq!((roster.untold(), roster.members.len()), (10, 10));
    }
}
