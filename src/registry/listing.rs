//! Lists in parts. A list that is longer than a reader has taken yet waits in
//! the registry as a position, not as bytes; it goes on when there is room.
//!
//! What makes a snapshot in parts as good as one at a single moment: members
//! stand in the order in which they came, namespaces in the order of their
//! names. A change at a place that the list has not come to yet is not
//! announced, the list will show its outcome; a change behind that place is
//! announced. So there is no gap and no duplicate, and a namespace that fits
//! into one part is shown as of one moment.

use super::{Output, Registry, cookie, games, spaces::Space};
use crate::domain::{
    Announcement, Answer, Code, Filter, ListKind, Namespace, Pattern, Refusal, Registration, RequestId, Roster, Seat,
    Secret, SessionId, Subject,
};
use std::{ops::Bound, sync::Arc};

/// Bytes of one part on the wire, roughly: what is produced at once while nobody
/// else can be served. A quarter of the smallest outbox.
pub(super) const PART_BYTES: usize = 64 * 1024;

/// Namespaces looked at for one part, for the same reason.
pub(super) const PART_NAMESPACES: usize = 4_096;

/// Members that somebody who may hear of them from now on is told of at once.
const REVEALED_AT_ONCE: usize = 64;

/// A list that is being given out.
#[derive(Debug)]
pub(super) struct Listing {
    pub(super) request_id: Option<RequestId>,
    pub(super) pattern: Pattern,
    pub(super) topic: Topic,
    pub(super) purpose: Purpose,
}

impl Listing {
    pub(super) fn new(request_id: Option<RequestId>, pattern: Pattern, topic: Topic, purpose: Purpose) -> Self {
        Self { request_id, pattern, topic, purpose }
    }
}

/// What is listed, and how far that has come.
#[derive(Debug)]
pub(super) enum Topic {
    /// Who is there.
    Peers {
        /// What was brought to be shown them.
        secret: Secret,
        /// The last one that was listed; `None` before the first.
        after: Option<Position>,
    },
    /// Which games there are.
    Games {
        filter: Filter,
        /// The birth of the last one that was listed; 0 before the first.
        after: u64,
    },
}

impl Topic {
    /// What was asked for, from the beginning.
    pub(super) fn of(subject: Subject) -> Self {
        match subject {
            Subject::Peers { secret } => Self::Peers { secret, after: None },
            Subject::Games { filter } => Self::Games { filter, after: 0 },
        }
    }

    /// The same from where an earlier page ended.
    pub(super) fn behind(self, cookie: Option<&[u8]>, pattern: &Pattern) -> Result<Self, Refusal> {
        let Some(cookie) = cookie else { return Ok(self) };
        let topic = match self {
            Self::Peers { secret, .. } => {
                cookie::read(cookie, pattern).map(|position| Self::Peers { secret, after: Some(position) })
            }
            Self::Games { filter, .. } => {
                cookie::read_games(cookie, pattern).map(|after| Self::Games { filter, after })
            }
        };
        topic.ok_or_else(|| {
            Refusal::new(Code::InvalidCookie, "this cookie is not from a page of this list; begin without one")
        })
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
    /// The snapshot of a watch that came with a seat.
    Seat {
        /// Where the one who sits there stands.
        joined: u64,
        /// As in [`Purpose::Watch`].
        live: bool,
    },
    /// Who is there, for one who watches and may hear of it only from now on. It
    /// answers nothing: it is told as changes are.
    Reveal {
        /// Whose doing that is.
        cause: SessionId,
        /// Those who stand behind that place are shown by another list.
        until: u64,
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
    /// Answers with a list, or with its first part; behind what the session is
    /// being given already.
    pub(super) fn list(&mut self, session: SessionId, listing: Listing) {
        if let Some(waiting) = self.listings.get_mut(&session) {
            waiting.push_back(listing);
        } else if let Some(unfinished) = self.next_part(session, listing) {
            self.listings.insert(session, [unfinished].into());
            self.outputs.push_back(Output::Proceed { to: session });
        }
    }

    /// Begins to show who is there to one who may hear of it only from now on, as
    /// far as a list that is being given does not come there by itself.
    pub(super) fn reveal(&mut self, cause: SessionId, ns: &Namespace, to: SessionId) {
        let mut until = u64::MAX;
        for listing in self.listings.get(&to).into_iter().flatten() {
            let Listing { pattern, topic: Topic::Peers { after, .. }, purpose: Purpose::Watch { .. }, .. } = listing
            else {
                continue;
            };
            if pattern.matches(ns.as_str()) {
                match after {
                    Some(after) if after.ns > *ns => {}
                    Some(after) if after.ns == *ns => until = until.min(after.joined),
                    _ => return,
                }
            }
        }
        // Until it has heard of all, the last change that it has heard of says little.
        self.spaces.guard_history(ns);
        let topic = Topic::of(Subject::default());
        let listing = Listing::new(None, ns.into(), topic, Purpose::Reveal { cause, until });
        let members = self.spaces.get(ns).map_or(0, |space| space.members.len());
        if members <= REVEALED_AT_ONCE {
            self.list(to, listing);
        } else {
            // Many may be shown many at once: each takes it when it has room.
            self.listings.entry(to).or_default().push_back(listing);
            self.outputs.push_back(Output::Proceed { to });
        }
    }

    /// Produces the next part of the session's list.
    pub fn proceed(&mut self, session: SessionId) {
        let Some(mut waiting) = self.listings.remove(&session) else { return };
        let listing = waiting.pop_front().expect("a session without lists is not kept");
        if let Some(unfinished) = self.next_part(session, listing) {
            waiting.push_front(unfinished);
        }
        if !waiting.is_empty() {
            self.listings.insert(session, waiting);
        }
    }

    /// Answers with a part of a list; the list, if it has more.
    fn next_part(&mut self, session: SessionId, listing: Listing) -> Option<Listing> {
        match listing.topic {
            Topic::Peers { .. } => self.list_peers(session, listing),
            Topic::Games { .. } => self.list_games(session, listing),
        }
    }

    /// Whether a list for this session has parts left, for
    /// [`Registry::proceed`] to produce. Until then it makes no other request.
    pub fn is_listing(&self, session: SessionId) -> bool {
        self.listings.contains_key(&session)
    }

    fn list_peers(&mut self, session: SessionId, mut listing: Listing) -> Option<Listing> {
        let Listing { request_id, pattern, topic: Topic::Peers { secret, after }, purpose } = &mut listing else {
            unreachable!("it lists peers");
        };
        let first = after.is_none();
        let (count, left_out) = match purpose {
            Purpose::Watch { .. } | Purpose::Seat { .. } | Purpose::Reveal { .. } => (usize::MAX, Some(session)),
            Purpose::Discover { left } => (*left, None),
        };
        // Asked for each part: a ban or a new secret may have come between them.
        let open = |ns: &Namespace| match (&*pattern, &*purpose) {
            (Pattern::Exact(_), Purpose::Watch { .. } | Purpose::Seat { .. } | Purpose::Discover { .. }) => {
                self.may_look(session, ns, secret).is_ok()
            }
            _ => self.may_hear(session, ns),
        };
        let until = if let Purpose::Reveal { until, .. } = &*purpose { *until } else { u64::MAX };
        let Part { mut peers, after: reached, complete } =
            self.part(pattern, open, after.take(), until, count, left_out);
        let own = match &*pattern {
            Pattern::Exact(ns) => self.spaces.get(ns),
            _ => None,
        };
        let version = own.map_or(self.version, |space| space.version);
        let game = match &*pattern {
            Pattern::Exact(ns) if first => own.and_then(|space| games::sight(ns, space)).map(Box::new),
            _ => None,
        };
        let mut more = !complete;
        let answer = match purpose {
            Purpose::Watch { .. } => {
                let kind = ListKind::Snapshot { version };
                Answer::Roster(Roster { pattern: pattern.clone(), kind, game, peers, more })
            }
            Purpose::Seat { joined, live } => {
                let Pattern::Exact(ns) = &*pattern else { unreachable!("a seat is in one namespace") };
                match own.and_then(|space| space.members.get(joined)) {
                    Some(seated) if first => peers.insert(0, seated.registration.clone()),
                    Some(_) => {}
                    None if first => {
                        let why = "the seat was taken away again before it could be told; ask once more";
                        let refusal = Refusal::new(Code::NotFound, why).of(ns);
                        // What is refused leaves no watch behind.
                        if !*live && self.session_mut(session).patterns.peers.remove(pattern) {
                            self.watches.remove(pattern, session);
                        }
                        let request_id = *request_id;
                        self.answer(session, request_id, Answer::Refused(refusal));
                        return None;
                    }
                    None => {}
                }
                Answer::Seat(Seat { ns: ns.clone(), version, game, peers, more })
            }
            Purpose::Reveal { cause, .. } => {
                let news: Vec<_> = peers.into_iter().map(|peer| Announcement::Registered(peer).into()).collect();
                if !news.is_empty() {
                    self.outputs.push_back(Output::Announce { cause: *cause, to: vec![session], news });
                }
                *after = reached;
                let Pattern::Exact(ns) = &*pattern else { unreachable!("one namespace is revealed at a time") };
                if !first && self.spaces.contains(ns) {
                    self.spaces.guard_history(ns);
                }
                return more.then_some(listing);
            }
            Purpose::Discover { left } => {
                *left -= peers.len();
                more &= *left > 0;
                let end = if complete || more { None } else { reached.as_ref() };
                let kind = ListKind::Page { cookie: end.map(|end| cookie::write(pattern, end)) };
                Answer::Roster(Roster { pattern: pattern.clone(), kind, game: None, peers, more })
            }
        };
        *after = reached;
        let request_id = *request_id;
        self.answer(session, request_id, answer);
        more.then_some(listing)
    }

    /// Whether a watcher hears of a change at that place, or will see its
    /// outcome in the snapshot that it is being given. Of so many `watches` that
    /// match, those hear whose snapshot is not yet to come there.
    pub(super) fn hears(&self, session: SessionId, ns: &Namespace, joined: u64, watches: usize) -> bool {
        let Some(listings) = self.listings.get(&session) else { return true };
        let mut to_come = 0;
        for Listing { pattern, topic, purpose, .. } in listings {
            let Topic::Peers { after, .. } = topic else { continue };
            let reached = after.as_ref().is_some_and(|after| (ns, joined) <= (&after.ns, after.joined));
            if reached || !pattern.matches(ns.as_str()) {
                continue;
            }
            match purpose {
                Purpose::Watch { live: false } | Purpose::Seat { live: false, .. } => to_come += 1,
                // What is revealed is not known by any watch.
                Purpose::Reveal { until, .. } if joined <= *until => return false,
                Purpose::Watch { live: true }
                | Purpose::Seat { live: true, .. }
                | Purpose::Reveal { .. }
                | Purpose::Discover { .. } => {}
            }
        }
        to_come < watches
    }

    /// The peers of a part, which `count` and its size bound, of the namespaces that
    /// are `open` to who is given it.
    fn part(
        &self,
        pattern: &Pattern,
        open: impl Fn(&Namespace) -> bool,
        after: Option<Position>,
        until: u64,
        count: usize,
        left_out: Option<SessionId>,
    ) -> Part {
        let mut part = Part { peers: Vec::new(), after, complete: false };
        let mut budget = PART_BYTES;
        let root = match pattern {
            Pattern::Exact(ns) => {
                let space = self.spaces.get(ns).filter(|_| open(ns));
                part.complete = space.is_none_or(|space| part.take(ns, space, until, count, left_out, &mut budget));
                return part;
            }
            Pattern::Children(root) | Pattern::Descendants(root) => root,
        };
        let mut namespaces = PART_NAMESPACES;
        // The namespace that the last part ended in is looked at once more: it
        // may have more members.
        let mut next = match &part.after {
            Some(after) => self.spaces.first_from(Bound::Included(after.ns.as_str())),
            None => self.spaces.first_from(Bound::Included(&format!("{root}/"))),
        };
        while let Some((ns, space)) = next.filter(|(ns, _)| within(pattern, ns)) {
            if namespaces == 0 {
                return part;
            }
            namespaces -= 1;
            if open(ns) && pattern.matches(ns.as_str()) && !part.take(ns, space, u64::MAX, count, left_out, &mut budget)
            {
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
        until: u64,
        count: usize,
        left_out: Option<SessionId>,
        budget: &mut usize,
    ) -> bool {
        let from = match &self.after {
            Some(after) if after.ns == *ns => Bound::Excluded(after.joined),
            _ => Bound::Unbounded,
        };
        for (&joined, entry) in
            space.members.range((from, Bound::Unbounded)).take_while(|&(&joined, _)| joined <= until)
        {
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
pub(super) fn wire_bytes(registration: &Registration) -> usize {
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
