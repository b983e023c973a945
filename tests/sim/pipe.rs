//! What is on its way to one client.

use crate::{coverage::Fault, oracle::Sent, sabotage::Saboteur};
use bytes::{Bytes, BytesMut};
use foregather::{
    domain::Announcement,
    hub::{Backlog, Waiting},
    limits::Limits,
    registry::News,
};

/// Bytes on their way, and behind them, if the client does not read, what has happened
/// since, folded.
pub struct Pipe {
    bytes: BytesMut,
    /// Bytes that may wait before there is no more room.
    capacity: usize,
    /// Bytes that may wait before announcements are folded.
    fold_at: usize,
    backlog: Option<Backlog>,
    /// Bytes of the backlog that follow together.
    part_bytes: usize,
    /// Its frame is worked on to the end, room or not.
    pub unbounded: bool,
    /// Bytes that it was ever given.
    given: usize,
    /// Those of them that have left the server: its client may be gone all the same.
    left: usize,
    /// Up to the end of the WELCOME.
    welcome: Option<usize>,
}

impl Pipe {
    pub fn new(capacity: usize, fold_at: usize, part_bytes: usize) -> Self {
        Self {
            bytes: BytesMut::new(),
            capacity,
            fold_at,
            backlog: None,
            part_bytes,
            unbounded: false,
            given: 0,
            left: 0,
            welcome: None,
        }
    }

    pub fn give(&mut self, frame: &[u8]) {
        self.push(frame);
        // It may show what waits behind it.
        self.backlog.iter_mut().for_each(Backlog::see);
    }

    /// A message, which is never folded, stands behind all that was told before.
    pub fn say(&mut self, frame: &Bytes, faults: &mut Vec<Fault>) {
        match &mut self.backlog {
            Some(backlog) => {
                backlog.say(frame.clone());
                faults.push(Fault::SaidBehind);
            }
            None => self.push(frame),
        }
    }

    fn push(&mut self, frame: &[u8]) {
        self.bytes.extend_from_slice(frame);
        self.given += frame.len();
    }

    /// What it was given last was the WELCOME.
    pub fn note_welcome(&mut self) {
        self.welcome = Some(self.given);
    }

    /// Whether its reader is behind for whom so many bytes are to be added.
    pub fn folds(&self, more: usize) -> bool {
        self.backlog.is_some() || (!self.bytes.is_empty() && self.bytes.len() + more > self.fold_at)
    }

    pub fn fold(&mut self, news: &[News], saboteur: &mut Saboteur, faults: &mut Vec<Fault>) {
        let backlog = self.backlog.get_or_insert_default();
        for news in news {
            let before = backlog.bytes();
            let Some(news) = saboteur.bend_news(news) else { continue };
            backlog.fold(&news);
            let ends = matches!(news.announcement, Announcement::Unregistered { .. } | Announcement::GameClosed { .. });
            let cancels = ends && backlog.bytes() < before;
            faults.push(if cancels { Fault::Unseen } else { Fault::Folded });
        }
        if backlog.is_empty() {
            self.backlog = None;
        }
    }

    /// The client takes some.
    pub fn take(&mut self, most: usize, limits: &Limits, saboteur: &mut Saboteur, faults: &mut Vec<Fault>) -> Vec<u8> {
        let mut taken = Vec::new();
        while taken.len() < most {
            if self.bytes.is_empty() && !self.go_on(limits, saboteur, faults) {
                break;
            }
            let count = (most - taken.len()).min(self.bytes.len());
            taken.extend_from_slice(&self.bytes.split_to(count));
        }
        self.left = self.left.max(self.given - self.bytes.len());
        taken
    }

    /// Takes a part of what waits behind the bytes; whether there is any.
    fn go_on(&mut self, limits: &Limits, saboteur: &mut Saboteur, faults: &mut Vec<Fault>) -> bool {
        let Some(backlog) = &mut self.backlog else { return false };
        let part = saboteur.bend_part(backlog.take(self.part_bytes));
        assert!(!part.is_empty(), "a backlog is never empty");
        let about = |waiting: &Waiting| match waiting {
            Waiting::News(Announcement::Registered(entry)) => Some((entry.ns.to_string(), entry.id.to_string())),
            Waiting::News(Announcement::Unregistered { ns, id, .. }) => Some((ns.to_string(), id.to_string())),
            // One for those in rendezvous with the peers, another for lists.
            Waiting::News(Announcement::Game(_) | Announcement::GameClosed { .. }) | Waiting::Message(_) => None,
        };
        let mut named: Vec<_> = part.iter().filter_map(about).collect();
        let count = named.len();
        named.sort();
        named.dedup();
        assert_eq!(named.len(), count, "of each at most one entry waits: {part:?}");
        if backlog.is_empty() {
            self.backlog = None;
        } else {
            faults.push(Fault::BacklogInParts);
        }
        for frame in Waiting::frames(&part, limits) {
            self.push(&frame);
        }
        true
    }

    /// All that waits follows the bytes.
    pub fn flush(&mut self, limits: &Limits, saboteur: &mut Saboteur, faults: &mut Vec<Fault>) {
        while self.go_on(limits, saboteur, faults) {}
    }

    /// Everything leaves the server.
    pub fn send_off(&mut self, limits: &Limits, saboteur: &mut Saboteur, faults: &mut Vec<Fault>) {
        self.flush(limits, saboteur, faults);
        self.left = self.given;
    }

    pub fn is_empty(&self) -> bool {
        self.bytes.is_empty() && !self.is_behind()
    }

    /// Whether its reader may be told less than has happened.
    pub fn may_fold(&self) -> bool {
        self.fold_at < usize::MAX
    }

    /// Whether something waits that is folded.
    pub fn is_behind(&self) -> bool {
        self.backlog.is_some()
    }

    pub fn has_room(&self) -> bool {
        self.unbounded || self.keeps_up()
    }

    /// Whether its reader takes what others send it.
    pub fn keeps_up(&self) -> bool {
        !self.is_behind() && self.bytes.len() < self.capacity
    }

    pub fn sent(&self) -> Sent {
        let all = self.left == self.given && !self.is_behind();
        Sent { welcome: self.welcome.is_some_and(|end| self.left >= end), all }
    }
}
