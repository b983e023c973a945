//! Whole lists held against the books, now and then.

use super::{Referee, room::Room, violation::Violation};
use foregather::domain::{Game, Namespace, PeerId};

impl Referee {
    /// The games that are listed below that pool, in the order of their births.
    pub fn audit_list(&mut self, pool: &Namespace, listed: &[Game]) {
        let rooms: Vec<&Room> = self.books.rooms(pool.as_str()).filter(|room| room.is_listed()).collect();
        if !rooms.iter().map(|room| &room.ns).eq(listed.iter().map(|game| &game.ns)) {
            self.violations.note(Violation::Misreported, || format!("{listed:?} is the list of {rooms:?}"));
        }
    }

    /// One game, listed or not, and who is there, in the order in which they came.
    pub fn audit_room(&mut self, ns: &Namespace, shown: &[Game], roster: &[PeerId]) {
        self.tally.audited += 1;
        let room = self.books.room(ns).expect("the books were asked which there are");
        let wrong = match shown {
            [] if room.rules.is_none() => None,
            [game] => room.compare(game),
            _ => Some(Violation::Misreported),
        };
        let is_complete = room.members.iter().map(|member| &member.id).eq(roster);
        if let Some(violation) = wrong.or((!is_complete).then_some(Violation::Misreported)) {
            self.violations.note(violation, || format!("{shown:?} and {roster:?} are shown of {room:?}"));
        }
    }
}
