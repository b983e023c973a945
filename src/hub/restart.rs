//! What outlives the server, and how a new one goes on with it.

use super::{Hub, Order, Outlet, presence::Absent};
use crate::{
    domain::{Changes, SessionId, State, Time},
    session::Pace,
};
use bytes::Bytes;

/// The way out while nobody is connected.
struct Nobody;

impl Outlet for Nobody {
    fn deliver(&mut self, _: SessionId, _: Bytes) {}

    fn has_room(&self, _: SessionId) -> bool {
        true
    }

    fn is_drained(&self, _: SessionId) -> bool {
        true
    }

    fn order(&mut self, _: SessionId, _: Order) {}
}

impl Hub {
    /// Whether anything has changed that outlives the server.
    pub fn has_changes(&self) -> bool {
        self.registry.has_changes() || self.resumptions.has_changes()
    }

    /// What has changed of that since this was asked for last. One may go on from any
    /// of these moments.
    pub fn take_changes(&mut self) -> Changes {
        Changes { resumptions: self.resumptions.take_changes(), ..self.registry.take_changes() }
    }

    /// All of that as it is now, for whoever compares: it takes as long as there is much.
    pub fn state(&self) -> State {
        State { resumptions: self.resumptions.records().collect(), ..self.registry.state() }
    }

    /// Goes on with what an earlier run has left: all of its connections are lost.
    pub(super) fn restore(&mut self, mut state: State) {
        self.last_session = state.last_session().0;
        let resumptions = std::mem::take(&mut state.resumptions);
        let sessions = self.registry.restore(state);
        self.resumptions.take_note();
        for (name, record) in resumptions {
            let session = record.session;
            self.resumptions.restore(name, record);
            if sessions.contains(&session) {
                self.absent.insert(session, Absent { name, pace: Pace::default() });
            } else {
                self.resumptions.end(name, session);
            }
        }
        self.drain(Time::START, &mut Nobody);
        // Nobody is there to be charged.
        self.registry.take_steps();
    }
}
