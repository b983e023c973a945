use super::{Outlet, resumptions::Resumptions};
use crate::{
    domain::{SessionId, SessionName},
    registry::{self, Reach},
    session::Session,
};
use foldhash::fast::FixedState;
use std::collections::HashMap;

/// What the hub knows of who can be sent a message.
pub(super) struct Directory<'a, O> {
    pub(super) sessions: &'a HashMap<SessionId, Session, FixedState>,
    pub(super) resumptions: &'a Resumptions,
    pub(super) outlet: &'a O,
}

impl<O: Outlet> registry::Directory for Directory<'_, O> {
    fn reach(&self, session: SessionId) -> Reach {
        if self.is_deaf(session) {
            Reach::Deaf
        } else if self.outlet.keeps_up(session) {
            Reach::Open
        } else {
            Reach::Busy
        }
    }

    fn is_deaf(&self, session: SessionId) -> bool {
        !self.sessions.get(&session).is_some_and(Session::knows_games)
    }

    fn name(&self, session: SessionId) -> Option<SessionName> {
        self.sessions.get(&session)?.name().map(SessionName::from_uuid)
    }

    fn find(&self, name: &SessionName) -> Option<SessionId> {
        self.resumptions.session(name.uuid()?)
    }
}
