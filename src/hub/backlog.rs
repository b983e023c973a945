use crate::{
    domain::{Announcement, Namespace, PeerId},
    limits::Limits,
    registry::News,
    wire,
};
use bytes::Bytes;
use foldhash::fast::FixedState;
use std::collections::{BTreeMap, HashMap};

/// Bytes that an entry takes besides what it tells, measured as those of a
/// registration are.
const ENTRY_BYTES: usize = 256;

/// What waits for a reader that is behind, folded: of each peer and each game only how
/// it is now. What came and went while the reader was behind leaves nothing. So however
/// much happens, no more waits than the reader has seen and than there is, and the
/// messages, which are not folded.
#[derive(Debug, Default)]
pub struct Backlog {
    /// In the order in which it was told.
    entries: BTreeMap<u64, Entry>,
    /// Where in `entries` each is.
    places: HashMap<About, u64, FixedState>,
    last: u64,
    bytes: usize,
}

/// Something that waits for a reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// How a peer or a game is.
    News(Announcement),
    /// A frame that holds a message.
    Message(Bytes),
}

impl Waiting {
    /// What that is on the wire: as few frames as hold all of it, in order.
    pub fn frames(all: &[Self], limits: &Limits) -> Vec<Bytes> {
        let mut frames = Vec::new();
        for part in all.chunk_by(|one, next| matches!((one, next), (Self::News(_), Self::News(_)))) {
            if let [Self::Message(frame)] = part {
                frames.push(frame.clone());
                continue;
            }
            let news = part.iter().filter_map(|waiting| match waiting {
                Self::News(announcement) => Some(announcement),
                Self::Message(_) => None,
            });
            frames.extend(wire::announcements(news, limits));
        }
        frames
    }
}

#[derive(Debug)]
struct Entry {
    /// `None` of a message, which is never folded.
    about: Option<About>,
    waiting: Waiting,
    /// The reader does not know of it, so it need not hear of its end.
    unseen: bool,
    bytes: usize,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
enum About {
    Peer(Namespace, PeerId),
    /// As those in rendezvous with its peers are told of it.
    Game(Namespace),
    /// As lists show it; one session may watch both.
    Listed(Namespace),
}

impl About {
    fn what(News { announcement, of_list, .. }: &News) -> Self {
        match announcement {
            Announcement::Registered(registration) => Self::Peer(registration.ns.clone(), registration.id.clone()),
            Announcement::Unregistered { ns, id, .. } => Self::Peer(ns.clone(), id.clone()),
            Announcement::Game(game) if *of_list => Self::Listed(game.ns.clone()),
            Announcement::Game(game) => Self::Game(game.ns.clone()),
            Announcement::GameClosed { ns, .. } => Self::Listed(ns.clone()),
        }
    }
}

impl Backlog {
    /// Adds what has happened.
    pub fn fold(&mut self, news: &News) {
        let News { announcement, is_first, .. } = news;
        let about = About::what(news);
        let before = self.places.remove(&about).and_then(|place| self.entries.remove(&place));
        let unseen = before.as_ref().map_or(*is_first, |before| before.unseen);
        self.bytes -= before.map_or(0, |before| before.bytes);
        let is_end = matches!(announcement, Announcement::Unregistered { .. } | Announcement::GameClosed { .. });
        if is_end && unseen {
            return;
        }
        let bytes = ENTRY_BYTES + 2 * wire::announced_bytes(announcement);
        self.bytes += bytes;
        self.last += 1;
        self.places.insert(about.clone(), self.last);
        let waiting = Waiting::News(announcement.clone());
        self.entries.insert(self.last, Entry { about: Some(about), waiting, unseen, bytes });
    }

    /// Adds a frame that holds a message.
    pub fn say(&mut self, frame: Bytes) {
        let bytes = ENTRY_BYTES + frame.len();
        self.bytes += bytes;
        self.last += 1;
        self.entries.insert(self.last, Entry { about: None, waiting: Waiting::Message(frame), unseen: false, bytes });
    }

    /// The reader is given something else that may show all that waits.
    pub fn see(&mut self) {
        for entry in self.entries.values_mut() {
            entry.unseen = false;
        }
    }

    /// What the reader is to be given next: so many bytes of it, or a single entry.
    pub fn take(&mut self, most: usize) -> Vec<Waiting> {
        let (mut taken, mut bytes) = (Vec::new(), 0);
        while let Some(entry) = self.entries.first_entry()
            && (taken.is_empty() || bytes + entry.get().bytes <= most)
        {
            let entry = entry.remove();
            bytes += entry.bytes;
            if let Some(about) = &entry.about {
                self.places.remove(about);
            }
            taken.push(entry.waiting);
        }
        self.bytes -= bytes;
        taken
    }

    /// Whether nothing waits.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Bytes that it counts for.
    pub fn bytes(&self) -> usize {
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Game, LeaveReason, Registration};
    use std::{collections::BTreeSet, sync::Arc};

    fn ns() -> Namespace {
        Namespace::parse("chess").expect("it is legal")
    }

    fn id(number: u32) -> PeerId {
        PeerId::parse(&format!("p{number}"), &Limits::default()).expect("it is legal")
    }

    fn is_there(peer: u32, version: u64) -> Announcement {
        Announcement::Registered(Arc::new(Registration::new(ns(), id(peer), Vec::new(), Default::default(), version)))
    }

    fn came(peer: u32, version: u64) -> News {
        News { is_first: true, ..is_there(peer, version).into() }
    }

    fn changed(peer: u32, version: u64) -> News {
        is_there(peer, version).into()
    }

    fn gone(peer: u32, version: u64) -> Announcement {
        Announcement::Unregistered { ns: ns(), id: id(peer), reason: LeaveReason::Unregistered, version }
    }

    /// The news that are taken out; there are no messages.
    fn taken(backlog: &mut Backlog, most: usize) -> Vec<Announcement> {
        let all = backlog.take(most).into_iter();
        let news = all.map(|waiting| match waiting {
            Waiting::News(announcement) => announcement,
            Waiting::Message(frame) => panic!("{frame:?}"),
        });
        news.collect()
    }

    fn folded(all: &[News]) -> Vec<Announcement> {
        let mut backlog = Backlog::default();
        all.iter().for_each(|news| backlog.fold(news));
        let taken = taken(&mut backlog, usize::MAX);
        assert_eq!((backlog.is_empty(), backlog.bytes(), backlog.places.len()), (true, 0, 0));
        taken
    }

    #[test]
    fn of_each_peer_the_latest_state_waits_in_the_order_of_the_changes() {
        let all = [changed(1, 1), came(2, 2), changed(1, 3), gone(3, 4).into()];
        assert_eq!(folded(&all), [is_there(2, 2), is_there(1, 3), gone(3, 4)]);
    }

    #[test]
    fn one_who_came_and_went_unseen_leaves_nothing_and_one_who_was_seen_does() {
        assert_eq!(folded(&[came(1, 1), changed(1, 2), gone(1, 3).into()]), []);
        assert_eq!(folded(&[changed(1, 2), gone(1, 3).into()]), [gone(1, 3)]);
        // It was seen, left, and came again; once more.
        let again = [gone(1, 1).into(), came(1, 2), gone(1, 3).into()];
        assert_eq!(folded(&again), [gone(1, 3)]);
        assert_eq!(folded(&again[..2]), [is_there(1, 2)]);
        assert_eq!(folded(&[came(1, 1), gone(1, 2).into(), came(1, 3)]), [is_there(1, 3)]);
    }

    /// A game of a list, or as those among its peers are told of it.
    fn game(capacity: u32, version: u64, of_list: bool) -> News {
        let announcement = Announcement::Game(Box::new(Game {
            ns: ns(),
            owner: None,
            capacity,
            members: 1,
            locked: false,
            listed: true,
            app_version: Default::default(),
            attributes: Default::default(),
            owner_policy: Default::default(),
            term: 1,
            version,
            needs_secret: false,
        }));
        News { announcement, is_first: false, of_list }
    }

    #[test]
    fn a_game_that_left_a_list_is_still_one_for_who_watches_its_peers() {
        let closed = || News { of_list: true, ..Announcement::GameClosed { ns: ns(), version: 3 }.into() };
        let opened = || News { is_first: true, ..game(2, 1, true) };
        assert_eq!(folded(&[opened(), game(5, 2, false), closed()]), [game(5, 2, false).announcement]);
        assert_eq!(folded(&[opened(), closed()]), []);
        let both = [game(2, 1, true), closed(), game(5, 4, false)];
        assert_eq!(folded(&both), [closed().announcement, game(5, 4, false).announcement]);
    }

    #[test]
    fn one_who_is_shown_otherwise_meanwhile_is_not_unseen() {
        let mut backlog = Backlog::default();
        backlog.fold(&came(1, 1));
        backlog.see();
        backlog.fold(&gone(1, 2).into());
        assert_eq!(taken(&mut backlog, usize::MAX), [gone(1, 2)]);
    }

    #[test]
    fn what_waits_is_bounded_by_who_was_seen_and_who_is_there_however_much_happens() {
        // The reader knows of the first ten; they and ten others come and go at random.
        let (mut backlog, mut there) = (Backlog::default(), (0..10).collect::<BTreeSet<u32>>());
        let mut known = there.clone();
        let mut most = 0;
        let mut dice = 1u64;
        for version in 1..100_000 {
            dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            let peer = (dice >> 33) as u32 % 20;
            let news = match (there.contains(&peer), dice >> 60) {
                (true, 0..8) => changed(peer, version),
                (true, _) => {
                    there.remove(&peer);
                    gone(peer, version).into()
                }
                (false, _) => {
                    there.insert(peer);
                    came(peer, version)
                }
            };
            backlog.fold(&news);
            most = most.max(backlog.bytes());
            assert!(backlog.entries.len() <= 20 && backlog.bytes() <= 20 * (ENTRY_BYTES + 100));
            if !dice.is_multiple_of(1_009) {
                continue;
            }
            // It reads a part.
            for announcement in taken(&mut backlog, 8 * ENTRY_BYTES) {
                let About::Peer(_, id) = About::what(&announcement.clone().into()) else {
                    unreachable!("of peers only")
                };
                let peer = id.as_str()[1..].parse().expect("an id is a letter and a number");
                match announcement {
                    Announcement::Registered(_) => drop(known.insert(peer)),
                    _ => assert!(known.remove(&peer), "who was never shown is not told to have gone"),
                }
            }
        }
        for announcement in taken(&mut backlog, usize::MAX) {
            let About::Peer(_, id) = About::what(&announcement.clone().into()) else { unreachable!("of peers only") };
            let peer: u32 = id.as_str()[1..].parse().expect("an id is a letter and a number");
            match announcement {
                Announcement::Registered(_) => drop(known.insert(peer)),
                _ => drop(known.remove(&peer)),
            }
        }
        assert_eq!(known, there);
        assert!(most > 10 * ENTRY_BYTES, "most of them waited at once");
    }

    #[test]
    fn each_message_waits_where_it_was_said() {
        let mut backlog = Backlog::default();
        let said = |number: u8| Bytes::from(vec![1, number]);
        backlog.fold(&changed(1, 1));
        backlog.say(said(1));
        backlog.say(said(1));
        backlog.fold(&changed(2, 2));
        backlog.fold(&changed(3, 3));
        backlog.say(said(2));
        // It stands where it was told last.
        backlog.fold(&changed(1, 4));
        backlog.see();
        let all = backlog.take(usize::MAX);
        let news = |announcement| Waiting::News(announcement);
        let message = |number| Waiting::Message(said(number));
        let order =
            [message(1), message(1), news(is_there(2, 2)), news(is_there(3, 3)), message(2), news(is_there(1, 4))];
        assert_eq!(all, order);
        assert_eq!((backlog.is_empty(), backlog.bytes()), (true, 0));

        let limits = Limits::default();
        let together = wire::announcements(&[is_there(2, 2), is_there(3, 3)], &limits).concat();
        let last = wire::announcements(&[is_there(1, 4)], &limits).concat();
        let frames = Waiting::frames(&all, &limits);
        assert_eq!(frames, [said(1), said(1), together.into(), said(2), last.into()]);
    }
}
