//! The limits that a request is held to once nothing else speaks against it.

use super::Registry;
use crate::domain::{Code, Refusal, SessionId};

impl Registry {
    pub(super) fn room_for_watch(&self, session: SessionId) -> Result<(), Refusal> {
        let holder = self.session(session);
        if holder.patterns.len() + holder.waiting.len() >= self.limits.watches_per_connection {
            return Err(Refusal::new(
                Code::TooManyWatches,
                format!(
                    "this connection watches {} namespaces, which is the limit; leave one, or watch a pattern \
                     (\"a/*\")",
                    self.limits.watches_per_connection
                ),
            ));
        }
        Ok(())
    }

    pub(super) fn room_for_registration(&self, session: SessionId) -> Result<(), Refusal> {
        let holder = self.session(session);
        if holder.registrations.len() + holder.waiting.len() >= self.limits.registrations_per_connection {
            return Err(Refusal::new(
                Code::TooManyRegistrations,
                format!(
                    "this connection holds {} registrations, which is the limit; unregister one, or use a second \
                     connection",
                    self.limits.registrations_per_connection
                ),
            ));
        }
        Ok(())
    }

    pub(super) fn room_for_namespace(&self) -> Result<(), Refusal> {
        if self.spaces.len() >= self.limits.namespaces {
            return Err(Refusal::new(
                Code::NamespaceLimit,
                format!(
                    "the server holds {} namespaces, which is its limit; try again when some have ended",
                    self.limits.namespaces
                ),
            ));
        }
        Ok(())
    }

    pub(super) fn room_for(&self, bytes: usize) -> Result<(), Refusal> {
        if self.registered_bytes + bytes > self.limits.registered_bytes {
            return Err(Refusal::new(
                Code::ServerFull,
                "the server's memory for registrations is used up; try again later, or another server",
            ));
        }
        Ok(())
    }
}
