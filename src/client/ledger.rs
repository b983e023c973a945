//! What there is, and what of it the reader has not heard yet. Nothing here knows
//! of sockets, tasks or time: what the server says goes in, differences come out.

use super::{ClientError, extent::Extent};
use crate::domain::{Namespace, Pattern};
use std::{
    collections::{BTreeMap, btree_map::Entry},
    fmt::Debug,
    sync::Arc,
};

/// What a ledger is of.
pub(super) trait Record: Debug {
    /// What tells one from another.
    type Key: Clone + Ord + Debug;
    /// Why one is gone.
    type Cause: Copy + Debug + PartialEq;
    /// Why, where nobody has said it.
    const UNSAID: Self::Cause;

    fn key(&self) -> Self::Key;
    fn ns(&self) -> &Namespace;
    /// The number of the change that made it what it is.
    fn version(&self) -> u64;
    /// Bytes that it takes, its place in the ledger and its news included.
    fn cost(&self) -> usize;
}

/// One difference between what there is and what the reader knows.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Change<R: Record> {
    Came(Arc<R>),
    Changed(Arc<R>),
    Gone { last: Arc<R>, cause: R::Cause, version: u64 },
    Current { version: u64 },
}

/// What there is by what the server has said, and how that differs from what the
/// reader was told. There is at most one difference for each entry, however much
/// the server has said of it.
#[derive(Debug)]
pub(super) struct Ledger<R: Record> {
    pattern: Pattern,
    limit_bytes: usize,
    /// The sum of [`Record::cost`] over all entries.
    bytes: usize,
    /// Those that are there, and those whose going is still to be told.
    entries: BTreeMap<R::Key, Line<R>>,
    /// What is to be told, in order. An entry's news keeps the place that its first
    /// untold change took: one that changes all the time is not put off for ever.
    untold: BTreeMap<u64, News<R::Key>>,
    last_place: u64,
    extent: Extent,
    /// The reader knows that it has been told all that was there at first.
    current_told: bool,
}

#[derive(Debug)]
struct Line<R: Record> {
    /// As it stands, or stood last.
    record: Arc<R>,
    /// Why and by which change it went, where that is still to be told.
    gone: Option<(R::Cause, u64)>,
    /// The reader knows of it.
    told: bool,
    /// Its place among what is untold.
    place: Option<u64>,
    /// The list during or after which it was last spoken of.
    list: u64,
}

#[derive(Debug)]
enum News<K> {
    Of(K),
    Current { version: u64 },
}

impl<R: Record> Ledger<R> {
    /// An empty one of these namespaces, which may take so much memory.
    pub(super) fn new(pattern: Pattern, limit_bytes: usize) -> Self {
        Self {
            pattern,
            limit_bytes,
            bytes: 0,
            entries: BTreeMap::new(),
            untold: BTreeMap::new(),
            last_place: 0,
            extent: Extent::default(),
            current_told: false,
        }
    }

    pub(super) fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// The first list has begun. Before that, whatever is announced is left to it.
    pub(super) fn has_begun(&self) -> bool {
        self.extent.list() > 0
    }

    /// All that is there has been listed.
    pub(super) fn is_complete(&self) -> bool {
        self.extent.is_complete()
    }

    /// The connection is lost: no more parts of a list will come. The next list is
    /// another one, which begins anew.
    pub(super) fn interrupt(&mut self) {
        self.extent.interrupt();
    }

    /// The change up to which nothing in the one namespace that this is of was missed:
    /// what to ask a server for all that has changed since then by.
    pub(super) fn cursor(&self) -> Option<u64> {
        self.extent.cursor().filter(|_| matches!(self.pattern, Pattern::Exact(_)))
    }

    /// A change was heard of that nobody announces, such as one of this client's own.
    pub(super) fn heard(&mut self, version: u64) {
        self.extent.hear(version);
    }

    /// Something may be missed from now on that no version tells of: the next list is
    /// to be of all that is there.
    pub(super) fn lose_track(&mut self) {
        self.extent.lose_track();
    }

    /// Takes a part of a list of all that is there. When it is complete, what
    /// neither the list nor an announcement since its beginning has named is gone.
    /// A list that follows another is told as the differences from it.
    pub(super) fn list(
        &mut self,
        records: impl IntoIterator<Item = Arc<R>>,
        version: u64,
        more: bool,
    ) -> Result<(), ClientError> {
        self.extent.list_on(version);
        for record in records {
            if self.pattern.matches(record.ns().as_str()) {
                self.put(record)?;
            }
        }
        if !more {
            self.extent.complete(version);
            self.forget_unnamed(version);
            if !self.current_told {
                self.untold.retain(|_, news| matches!(news, News::Of(_)));
                self.enqueue(News::Current { version });
            }
        }
        Ok(())
    }

    /// Takes a part of what has changed since the cursor: one that has come or changed
    /// since, as it is now.
    pub(super) fn has_come(&mut self, record: Arc<R>) -> Result<(), ClientError> {
        self.put(record)
    }

    /// The same of one that has gone since.
    pub(super) fn has_gone(&mut self, key: R::Key, cause: R::Cause, version: u64) {
        if self.entries.get(&key).is_some_and(|line| version > line.version()) {
            self.take_out(key, cause, version);
        }
    }

    /// All that has changed up to that version was taken.
    pub(super) fn caught_up(&mut self, version: u64) {
        self.extent.complete(version);
    }

    /// Takes an announcement, which may be of another namespace.
    pub(super) fn came(&mut self, record: &Arc<R>) -> Result<(), ClientError> {
        if !self.is_news(record.ns(), &record.key(), record.version()) {
            return Ok(());
        }
        self.heard(record.version());
        self.put(record.clone())
    }

    /// Takes the announcement that one is gone.
    pub(super) fn gone(&mut self, ns: &Namespace, key: R::Key, cause: R::Cause, version: u64) {
        if self.is_news(ns, &key, version) {
            self.heard(version);
            self.take_out(key, cause, version);
        }
    }

    /// The next thing to tell.
    pub(super) fn pop(&mut self) -> Option<Change<R>> {
        let (_, news) = self.untold.pop_first()?;
        let key = match news {
            News::Current { version } => {
                self.current_told = true;
                return Some(Change::Current { version });
            }
            News::Of(key) => key,
        };
        let Entry::Occupied(mut entry) = self.entries.entry(key) else {
            unreachable!("what is forgotten is not to be told any more");
        };
        let line = entry.get_mut();
        line.place = None;
        let last = line.record.clone();
        Some(match (line.gone, line.told) {
            (Some((cause, version)), _) => {
                self.bytes -= last.cost();
                entry.remove();
                Change::Gone { last, cause, version }
            }
            (None, true) => Change::Changed(last),
            (None, false) => {
                line.told = true;
                Change::Came(last)
            }
        })
    }

    /// Where in the order of what is untold the next thing to tell stands.
    pub(super) fn first_place(&self) -> Option<u64> {
        self.untold.keys().next().copied()
    }

    /// A place behind all that is untold, for something else that is to be told in
    /// order with it.
    pub(super) fn take_place(&mut self) -> u64 {
        self.last_place += 1;
        self.last_place
    }

    /// What is there, by key, whether told or not.
    pub(super) fn present(&self) -> impl Iterator<Item = &Arc<R>> {
        self.entries.values().filter(|line| line.gone.is_none()).map(|line| &line.record)
    }

    /// How many changes are to be told.
    #[cfg(test)]
    pub(super) fn untold(&self) -> usize {
        self.untold.len()
    }

    /// That it takes more memory than it may.
    pub(super) fn too_many(&self) -> ClientError {
        ClientError::TooMany { pattern: self.pattern.to_string(), limit_bytes: self.limit_bytes }
    }

    fn is_news(&self, ns: &Namespace, key: &R::Key, version: u64) -> bool {
        self.has_begun()
            && self.pattern.matches(ns.as_str())
            // One that was hidden comes with the version that it had all the time, so it
            // is compared with nothing but what is known of itself.
            && self.entries.get(key).is_none_or(|line| version > line.version())
    }

    fn put(&mut self, record: Arc<R>) -> Result<(), ClientError> {
        let (key, cost) = (record.key(), record.cost());
        let list = self.extent.list();
        match self.entries.get_mut(&key) {
            Some(line) => {
                line.list = list;
                if record.version() <= line.version() {
                    return Ok(());
                }
                self.bytes -= line.record.cost();
                line.record = record;
                line.gone = None;
            }
            None => {
                self.entries.insert(key.clone(), Line { record, gone: None, told: false, place: None, list });
            }
        }
        self.bytes += cost;
        self.news_of(key);
        if self.bytes > self.limit_bytes { Err(self.too_many()) } else { Ok(()) }
    }

    fn take_out(&mut self, key: R::Key, cause: R::Cause, version: u64) {
        let Some(line) = self.entries.get_mut(&key).filter(|line| line.gone.is_none()) else { return };
        if line.told {
            line.gone = Some((cause, version));
            self.news_of(key);
        } else {
            // It came and went unseen: there is nothing to tell.
            if let Some(place) = line.place {
                self.untold.remove(&place);
            }
            self.bytes -= line.record.cost();
            self.entries.remove(&key);
        }
    }

    /// Takes out what was not spoken of since the list began.
    fn forget_unnamed(&mut self, version: u64) {
        let is_unnamed = |line: &Line<R>| line.list != self.extent.list() && line.gone.is_none();
        let unnamed: Vec<R::Key> =
            self.entries.iter().filter(|(_, line)| is_unnamed(line)).map(|(key, _)| key.clone()).collect();
        for key in unnamed {
            self.take_out(key, R::UNSAID, version);
        }
    }

    /// Sees to it that the entry's state will be told.
    fn news_of(&mut self, key: R::Key) {
        let line = self.entries.get_mut(&key).expect("there is news of entries only");
        if line.place.is_none() {
            line.place = Some(self.last_place + 1);
            self.enqueue(News::Of(key));
        }
    }

    fn enqueue(&mut self, news: News<R::Key>) {
        let place = self.take_place();
        self.untold.insert(place, news);
    }
}

impl<R: Record> Line<R> {
    /// The last change of it.
    fn version(&self) -> u64 {
        self.gone.map_or(self.record.version(), |(_, version)| version)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Announcement, LeaveReason, PeerId, Registration},
        limits::Limits,
    };

    type Peers = Ledger<Registration>;

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

    /// A peers of "a" that has been listed as empty.
    fn peers() -> Peers {
        let mut peers = Peers::new(Pattern::parse("a").expect("it is legal"), 1 << 20);
        peers.list(Vec::new(), 0, false).expect("it is small");
        assert_eq!(told(&mut peers), ["current 0"]);
        peers
    }

    fn apply(peers: &mut Peers, announcement: &Announcement) -> Result<(), ClientError> {
        match announcement {
            Announcement::Registered(registration) => peers.came(registration)?,
            Announcement::Unregistered { ns, id, reason, version } => {
                peers.gone(ns, (ns.clone(), id.clone()), *reason, *version);
            }
            other => panic!("{other:?}"),
        }
        Ok(())
    }

    fn hear(peers: &mut Peers, announcements: impl IntoIterator<Item = Announcement>) {
        for announcement in announcements {
            apply(peers, &announcement).expect("it is small");
        }
    }

    /// All that is to be told, as text: "+ada 1" came, "=ada 2" changed, "-ada 3" left.
    fn told(peers: &mut Peers) -> Vec<String> {
        let mut told = Vec::new();
        while let Some(change) = peers.pop() {
            told.push(match change {
                Change::Came(registration) => format!("+{} {}", registration.id, registration.version),
                Change::Changed(registration) => format!("={} {}", registration.id, registration.version),
                Change::Gone { last, version, .. } => format!("-{} {version}", last.id),
                Change::Current { version } => format!("current {version}"),
            });
        }
        let present: usize = peers.present().map(|registration| registration.cost()).sum();
        assert_eq!(peers.bytes, present, "what is told is forgotten");
        told
    }

    #[test]
    fn what_is_read_at_once_is_told_as_it_happens() {
        let mut peers = peers();
        for (announcement, event) in [
            (came("ada", 1), "+ada 1"),
            (came("bob", 2), "+bob 2"),
            (came("ada", 3), "=ada 3"),
            (left("ada", 4), "-ada 4"),
            (came("ada", 5), "+ada 5"),
        ] {
            hear(&mut peers, [announcement]);
            assert_eq!(told(&mut peers), [event]);
        }
    }

    #[test]
    fn what_piles_up_is_one_event_a_peer_and_that_the_latest() {
        let mut peers = peers();
        hear(&mut peers, [came("ada", 1), came("bob", 2), came("ada", 3), came("ada", 4)]);
        assert_eq!(told(&mut peers), ["+ada 4", "+bob 2"]);
        hear(&mut peers, [came("ada", 5), came("bob", 6), came("ada", 7)]);
        assert_eq!(told(&mut peers), ["=ada 7", "=bob 6"]);
    }

    #[test]
    fn a_join_and_a_leave_that_were_both_unseen_cancel() {
        let mut peers = peers();
        hear(&mut peers, [came("ada", 1), came("bob", 2), left("ada", 3)]);
        assert_eq!(peers.untold(), 1);
        assert_eq!(told(&mut peers), ["+bob 2"]);

        // One who was seen, left and came back unseen has changed.
        hear(&mut peers, [left("bob", 4), came("bob", 5)]);
        assert_eq!(told(&mut peers), ["=bob 5"]);
        hear(&mut peers, [left("bob", 6), came("bob", 7), left("bob", 8)]);
        assert_eq!(told(&mut peers), ["-bob 8"]);
        assert_eq!(peers.present().count(), 0);
    }

    #[test]
    fn versions_never_go_backwards() {
        let mut peers = peers();
        hear(&mut peers, [came("ada", 7), came("ada", 5), left("ada", 6), came("ada", 7)]);
        assert_eq!(told(&mut peers), ["+ada 7"]);
        hear(&mut peers, [left("ada", 9), came("ada", 8)]);
        assert_eq!(told(&mut peers), ["-ada 9"]);
    }

    #[test]
    fn who_was_hidden_is_told_whatever_happened_meanwhile() {
        let mut peers = peers();
        hear(&mut peers, [came("ada", 9), came("bob", 7), left("ada", 10), came("eve", 8)]);
        assert_eq!(told(&mut peers), ["+bob 7", "+eve 8"]);
        assert_eq!(peers.cursor(), Some(10), "it never goes back");
    }

    #[test]
    fn a_second_snapshot_comes_out_as_differences() {
        let mut peers = peers();
        peers.list(list(&[("ada", 1), ("bob", 2), ("eve", 3)]), 3, false).expect("it is small");
        assert_eq!(told(&mut peers), ["+ada 1", "+bob 2", "+eve 3"]);
        peers.list(list(&[("ada", 1), ("dan", 8), ("eve", 9)]), 9, false).expect("it is small");
        assert_eq!(told(&mut peers), ["+dan 8", "=eve 9", "-bob 9"]);
    }

    #[test]
    fn a_snapshot_that_was_interrupted_begins_anew() {
        let mut peers = Peers::new(Pattern::parse("a").expect("it is legal"), 1 << 20);
        peers.list(list(&[("ada", 1), ("bob", 2)]), 2, true).expect("it is small");
        assert_eq!(told(&mut peers), ["+ada 1", "+bob 2"]);
        peers.interrupt();
        peers.list(list(&[("bob", 2), ("eve", 3)]), 4, true).expect("it is small");
        peers.list(list(&[("dan", 4)]), 4, false).expect("it is small");
        assert_eq!(told(&mut peers), ["+eve 3", "+dan 4", "-ada 4", "current 4"]);
        // What was said of somebody before counts only until the list begins anew.
        peers.list(list(&[("bob", 2), ("eve", 3)]), 5, true).expect("it is small");
        peers.interrupt();
        peers.list(list(&[("eve", 3)]), 6, false).expect("it is small");
        assert_eq!(told(&mut peers), ["-bob 6", "-dan 6"]);
    }

    #[test]
    fn what_is_announced_between_the_parts_of_a_snapshot_counts() {
        let mut peers = Peers::new(Pattern::parse("a").expect("it is legal"), 1 << 20);
        peers.list(list(&[("ada", 1), ("bob", 2)]), 2, true).expect("it is small");
        hear(&mut peers, [left("ada", 3), came("dan", 4)]);
        peers.list(list(&[("eve", 2), ("dan", 4)]), 4, false).expect("it is small");
        assert_eq!(told(&mut peers), ["+bob 2", "+dan 4", "+eve 2", "current 4"]);
        // In the second one, a member that only an announcement names is there still.
        peers.list(list(&[("bob", 2)]), 4, true).expect("it is small");
        hear(&mut peers, [came("eve", 5)]);
        peers.list(Vec::new(), 5, false).expect("it is small");
        assert_eq!(told(&mut peers), ["=eve 5", "-dan 5"]);
    }

    #[test]
    fn current_is_told_behind_everybody_who_was_there_and_once() {
        let mut peers = Peers::new(Pattern::parse("a").expect("it is legal"), 1 << 20);
        peers.list(list(&[("ada", 1)]), 1, false).expect("it is small");
        hear(&mut peers, [came("bob", 2)]);
        peers.list(list(&[("ada", 1), ("bob", 2), ("dan", 3)]), 3, false).expect("it is small");
        assert_eq!(told(&mut peers), ["+ada 1", "+bob 2", "+dan 3", "current 3"]);
    }

    #[test]
    fn what_is_caught_up_with_is_told_as_what_is_announced() {
        let mut peers = peers();
        peers.list(list(&[("ada", 1), ("bob", 2), ("eve", 3)]), 3, false).expect("it is small");
        assert_eq!(told(&mut peers).len(), 3);
        // What a list that was interrupted has brought is no news when it comes again.
        peers.interrupt();
        peers.list(list(&[("dan", 5), ("fay", 6)]), 6, true).expect("it is small");
        peers.interrupt();
        assert_eq!(told(&mut peers), ["+dan 5", "+fay 6"]);

        peers.has_come(registration("a", "ada", 4)).expect("it is small");
        peers.has_come(registration("a", "dan", 5)).expect("it is small");
        let gone = |id| registration("a", id, 0).key();
        for (id, version) in [("bob", 7), ("fay", 8), ("nobody", 9)] {
            peers.has_gone(gone(id), LeaveReason::Kicked, version);
        }
        peers.has_come(registration("a", "guy", 10)).expect("it is small");
        // Of who is not named, nothing has changed.
        peers.caught_up(10);
        assert_eq!(peers.pop().map(|change| matches!(change, Change::Changed(ada) if ada.version == 4)), Some(true));
        assert!(matches!(peers.pop(), Some(Change::Gone { cause: LeaveReason::Kicked, version: 7, .. })));
        assert_eq!(told(&mut peers), ["-fay 8", "+guy 10"]);
        let present: Vec<_> = peers.present().map(|peer| peer.id.to_string()).collect();
        assert_eq!(present, ["ada", "dan", "eve", "guy"]);
    }

    #[test]
    fn other_namespaces_and_earlier_changes_are_not_its_concern() {
        let mut peers = Peers::new(Pattern::parse("a").expect("it is legal"), 1 << 20);
        hear(&mut peers, [came("ada", 1)]);
        peers.list(vec![registration("b", "bob", 1)], 1, false).expect("it is small");
        hear(&mut peers, [Announcement::Registered(registration("a/b", "bob", 2)), left("nobody", 3)]);
        assert_eq!(told(&mut peers), ["current 1"]);
    }

    #[test]
    fn a_wildcard_keeps_namespaces_apart() {
        let mut peers = Peers::new(Pattern::parse("a/**").expect("it is legal"), 1 << 20);
        peers.list(vec![registration("a/x", "ada", 9)], 9, false).expect("it is small");
        hear(&mut peers, [Announcement::Registered(registration("a/y/z", "ada", 2))]);
        assert_eq!(told(&mut peers), ["+ada 9", "current 9", "+ada 2"]);
        assert_eq!(peers.present().count(), 2);
    }

    #[test]
    fn memory_is_bounded_from_both_sides() {
        let one = registration("a", "ada", 1).cost();
        let mut peers = Peers::new(Pattern::parse("a").expect("it is legal"), 2 * one);
        peers.list(list(&[("ada", 1), ("bob", 2)]), 2, false).expect("there is room for two");
        // An update and one who takes the place of another fit as well.
        hear(&mut peers, [came("ada", 3), left("bob", 4), came("dan", 5)]);
        assert!(matches!(apply(&mut peers, &came("eve", 6)), Err(ClientError::TooMany { .. })));
    }

    #[test]
    fn a_reader_who_never_reads_costs_one_event_a_peer() {
        let mut peers = peers();
        for round in 0..1_000 {
            for peer in 0..10 {
                hear(&mut peers, [came(&format!("peer-{peer}"), 1 + round * 10 + peer)]);
            }
            assert_eq!((peers.untold(), peers.entries.len()), (10, 10));
        }
        for peer in 0..10_000 {
            hear(&mut peers, [came("guest", 20_000 + 2 * peer), left("guest", 20_001 + 2 * peer)]);
        }
        assert_eq!((peers.untold(), peers.entries.len()), (10, 10));
    }
}
