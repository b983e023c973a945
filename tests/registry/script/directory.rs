//! Who is called what, and who takes messages, as scripts say.

use foregather::{
    domain::{SessionId, SessionName},
    registry::{self, Reach},
};
use std::collections::BTreeMap;

/// What a server knows of sessions besides its registry.
#[derive(Default)]
pub struct Directory {
    by_name: BTreeMap<String, SessionId>,
    /// Of those that do not take messages as anybody else does.
    reaches: BTreeMap<SessionId, Reach>,
}

impl Directory {
    /// The session is called that from now on; one that was called so is not.
    pub fn call(&mut self, session: SessionId, name: String) {
        self.by_name.insert(name, session);
    }

    /// The session is over.
    pub fn forget(&mut self, session: SessionId) {
        self.by_name.retain(|_, named| *named != session);
        self.reaches.remove(&session);
    }

    /// How the session takes messages from now on.
    pub fn set(&mut self, session: SessionId, reach: Reach) {
        self.reaches.insert(session, reach);
    }
}

impl registry::Directory for Directory {
    fn reach(&self, session: SessionId) -> Reach {
        self.reaches.get(&session).copied().unwrap_or(Reach::Open)
    }

    fn name(&self, session: SessionId) -> Option<SessionName> {
        let (name, _) = self.by_name.iter().find(|(_, named)| **named == session)?;
        Some(SessionName::parse(name).expect("scripts call sessions by legal names"))
    }

    fn find(&self, name: &SessionName) -> Option<SessionId> {
        self.by_name.get(name.as_str()).copied()
    }
}
