//! Lists in parts. A list that is longer than a reader has taken yet waits in
//! the registry as a position, not as bytes; it goes on when there is room.
//!
//! What makes a snapshot in parts as good as one at a single moment: members
//! stand in the order in which they came, namespaces in the order of their
//! names. A change at a place that the list has not come to yet is not
//! announced, the list will show its outcome; a change behind that place is
//! announced. So there is no gap and no duplicate, and a namespace that fits
//! into one part is shown as of one moment.

use super::{Registry, cookie, spaces::Space};
use crate::domain::{Answer, ListKind, Namespace, Pattern, Registration, RequestId, Roster, SessionId};
use std::{ops::Bound, sync::Arc};

/// Bytes of one part on the wire, roughly: what is produced at once while nobody
/// else can be served. A quarter of the smallest outbox.
const PART_BYTES: usize = 64 * 1024;

/// Namespaces looked at for one part, for the same reason.
const PART_NAMESPACES: usize = 4_096;

/// A list that is being given out.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) request_id: Option<RequestId>,
    pub(super) pattern: Pattern,
    pub(super) purpose: Purpose,
    /// The last one that was listed; `None` before the first.
    pub(super) after: Option<Position>,
}

impl Listing {
    pub(super) fn new(request_id: Option<RequestId>, pattern: Pattern, purpose: Purpose) -> Self {
        Self { request_id, pattern, purpose, after: None }
    }
}

/// What a list is for.
#[derive(Debug, Clone, Copy)]
pub(super) enum Purpose {
    /// The snapshot of a watch.
    Watch {
        /// The watch is older than the list, and hears of all changes.
        live: bool,
    },
    /// A page of DISCOVER.
    Discover {
        /// So many may still stand on it.
        left: usize,
    },
}

/// A place in the order of a list.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Position {
    pub(super) ns: Namespace,
    /// The number of the change that brought the member in.
    pub(super) joined: u64,
}

/// What one look along the namespaces found.
struct Part {
    peers: Vec<Arc<Registration>>,
    /// Up to where was looked.
    after: Option<Position>,
    /// There was nothing behind that.
    complete: bool,
}

impl Registry {
    /// Answers with the next part of a list, and keeps the list if it has more.
    pub(super) fn list(&mut self, session: SessionId, mut listing: Listing) {
        let (count, left_out) = match listing.purpose {
            Purpose::Watch { .. } => (usize::MAX, Some(session)),
            Purpose::Discover { left } => (left, None),
        };
        let part = self.part(&listing.pattern, listing.after.take(), count, left_out);
        let (kind, more) = match &mut listing.purpose {
            Purpose::Watch { .. } => {
                let own = match &listing.pattern {
                    Pattern::Exact(ns) => self.spaces.get(ns).map(|space| space.version),
                    _ => None,
                };
                (ListKind::Snapshot { version: own.unwrap_or(self.version) }, !part.complete)
            }
            Purpose::Discover { left } => {
                *left -= part.peers.len();
                let more = !part.complete && *left > 0;
                let end = if part.complete || more { None } else { part.after.as_ref() };
                (ListKind::Page { cookie: end.map(|end| cookie::write(&listing.pattern, end)) }, more)
            }
        };
        let roster = Roster { pattern: listing.pattern.clone(), kind, game: None, peers: part.peers, more };
        self.answer(session, listing.request_id, Answer::Roster(roster));
        if more {
            listing.after = part.after;
            self.listings.insert(session, listing);
        }
    }

    /// Whether a watcher hears of a change at that place, or will see its
    /// outcome in the snapshot that it is being given. With several watches that
    /// match, one of them is not that of the snapshot, and hears.
    pub(super) fn hears(&self, session: SessionId, ns: &Namespace, joined: u64, several: bool) -> bool {
        let Some(listing) = self.listings.get(&session) else { return true };
        if !matches!(listing.purpose, Purpose::Watch { live: false }) || !listing.pattern.matches(ns.as_str()) {
            return true;
        }
        let reached = listing.after.as_ref().is_some_and(|after| (ns, joined) <= (&after.ns, after.joined));
        reached || several
    }

    fn part(&self, pattern: &Pattern, after: Option<Position>, count: usize, left_out: Option<SessionId>) -> Part {
        let mut part = Part { peers: Vec::new(), after, complete: false };
        let mut budget = PART_BYTES;
        let mut namespaces = PART_NAMESPACES;
        // The namespace that the last part ended in is looked at once more: it
        // may have more members.
        let mut next = match (&part.after, pattern) {
            (Some(after), _) => self.spaces.first_from(Bound::Included(after.ns.as_str())),
            (None, Pattern::Exact(ns)) => self.spaces.first_from(Bound::Included(ns.as_str())),
            (None, Pattern::Children(root) | Pattern::Descendants(root)) => {
                self.spaces.first_from(Bound::Included(&format!("{root}/")))
            }
        };
        while let Some((ns, space)) = next.filter(|(ns, _)| within(pattern, ns)) {
            if namespaces == 0 {
                return part;
            }
            namespaces -= 1;
            if pattern.matches(ns.as_str()) && !part.take(ns, space, count, left_out, &mut budget) {
                return part;
            }
            next = match below_child(pattern, ns) {
                // One level is asked for: what is deeper is passed over at once.
                Some(behind) => self.spaces.first_from(Bound::Included(&behind)),
                None => self.spaces.first_from(Bound::Excluded(ns.as_str())),
            };
            // Nothing behind `ns` is left out by remembering that all of it was seen.
            if part.after.as_ref().is_none_or(|after| after.ns < *ns) {
                part.after = Some(Position { ns: ns.clone(), joined: u64::MAX });
            }
        }
        part.complete = true;
        part
    }
}

impl Part {
    /// Lists the members of one namespace; false if it had to stop before the
    /// last one that is to be listed.
    fn take(
        &mut self,
        ns: &Namespace,
        space: &Space,
        count: usize,
        left_out: Option<SessionId>,
        budget: &mut usize,
    ) -> bool {
        let from = match &self.after {
            Some(after) if after.ns == *ns => Bound::Excluded(after.joined),
            _ => Bound::Unbounded,
        };
        for (&joined, entry) in space.members.range((from, Bound::Unbounded)) {
            if Some(entry.session) == left_out {
                continue;
            }
            if self.peers.len() == count || *budget == 0 {
                return false;
            }
            *budget = budget.saturating_sub(wire_bytes(&entry.registration));
            self.after = Some(Position { ns: ns.clone(), joined });
            self.peers.push(entry.registration.clone());
        }
        true
    }
}

/// About what a registration takes on the wire: its texts, and 4 bytes for each
/// tag and length.
fn wire_bytes(registration: &Registration) -> usize {
    let addresses: usize = registration.addresses.iter().map(|address| address.bytes().len() + 4).sum();
    let attributes: usize = registration.attributes.iter().map(|(name, value)| name.len() + value.len() + 12).sum();
    registration.ns.as_str().len() + registration.id.as_str().len() + addresses + attributes + 24
}

/// Whether a namespace that is in order behind the beginning of `pattern` is
/// still below its end.
pub(super) fn within(pattern: &Pattern, ns: &Namespace) -> bool {
    match pattern {
        Pattern::Exact(own) => own == ns,
        Pattern::Children(root) | Pattern::Descendants(root) => {
            ns.as_str().strip_prefix(root.as_str()).is_some_and(|rest| rest.starts_with('/'))
        }
    }
}

/// For a list of one level: the text behind everything below that child of it
/// which `ns` is, or is below. ('0' follows '/' in byte order.)
fn below_child(pattern: &Pattern, ns: &Namespace) -> Option<String> {
    let Pattern::Children(root) = pattern else { return None };
    let child = ns.as_str()[root.as_str().len() + 1..].split('/').next().unwrap_or_default();
    let deeper = ns.as_str().len() > root.as_str().len() + 1 + child.len();
    // The child itself is passed singly: between it and what is below it other
    // names may stand ("a/b", "a/b.c", "a/b/c").
    deeper.then(|| format!("{root}/{child}0"))
}
