//! Judges the answers that are no lists.

use super::{Oracle, rules::Expected};
use crate::verdict::{Verdict, ensure};
use foregather::{
    domain::Code,
    wire::proto::{Message, MessageType},
};
use std::collections::VecDeque;

impl Oracle {
    /// Takes the answer from the front of what a session is told.
    pub(super) fn hear_answer(&mut self, session: u64, expected: Expected, heard: &mut VecDeque<&Message>) -> Verdict {
        let known = self.world.session(session);
        let (request_id, alone) = (known.request_id, known.alone);
        let expected = match expected {
            Expected::List(listing) => {
                self.granted += 1;
                if let Some(mark) = self.world.bookmarks.last()
                    && !listing.trail.is_empty()
                    && mark.births < self.world.births
                {
                    self.old_cookies += 1;
                }
                let listing = self.world.hear_list(session, listing, heard, alone, false)?;
                self.world.session(session).listing = listing;
                return Ok(());
            }
            // Success without a list is silent to a client of the seed.
            Expected::Done | Expected::Granted { .. } if request_id.is_none() => {
                self.granted += 1;
                return Ok(());
            }
            other => other,
        };
        let Some(answer) = heard.pop_front() else {
            return Err(format!("session {session} is not told: {expected:?}"));
        };
        let wrong = || format!("session {session} should be told {expected:?}, is told {answer:?}");
        ensure!(answer.request_id == request_id && answer.more.is_none(), "{}", wrong());
        let status = answer.status.as_ref();
        let code = status.map(|status| status.code.unwrap_or(0)).and_then(Code::from_number);
        let kind = match &expected {
            Expected::Granted { .. } => MessageType::Register,
            Expected::Welcome => MessageType::Welcome,
            Expected::Heartbeat { .. } => MessageType::Heartbeat,
            _ => MessageType::Status,
        };
        ensure!(answer.r#type == Some(kind.into()), "{}", wrong());
        if let Expected::Refused { codes, retry_after_ms } = &expected {
            let Some((code, status)) = code.zip(status) else { return Err(wrong()) };
            self.refuse(code);
            let told = codes.contains(&code) && !status.text().is_empty() && status.retry_after_ms == *retry_after_ms;
            ensure!(told, "{}", wrong());
            return Ok(());
        }
        self.granted += 1;
        ensure!(code == request_id.map(|_| Code::Ok), "{}", wrong());
        match expected {
            Expected::Granted { birth } => {
                let peer = self.world.born(birth).expect("it was granted just now").clone();
                let [entry] = answer.register.as_slice() else { return Err(wrong()) };
                ensure!(entry.ttl_secs == Some(0), "{}", wrong());
                self.world.check_entry(&peer, entry)?;
            }
            Expected::Welcome => {
                let observed = self.world.session(session).observed.to_string();
                let limits = &self.world.limits;
                let Some(welcome) = &answer.welcome else { return Err(wrong()) };
                let said = welcome.limits.unwrap_or_default();
                let right = welcome.protocol() == 1
                    && welcome.session().starts_with('~')
                    && welcome.observed() == observed
                    && welcome.resumed == Some(false)
                    && said.frame_bytes() as usize == limits.frame_bytes
                    && said.registrations() as usize == limits.registrations_per_connection
                    && said.watches() as usize == limits.watches_per_connection;
                ensure!(right, "{}", wrong());
            }
            Expected::Heartbeat { nonce } => {
                let right = answer.heartbeat.is_some_and(|said| said.nonce == Some(nonce) && said.reply == Some(true));
                ensure!(right, "{}", wrong());
            }
            Expected::Done | Expected::Refused { .. } | Expected::List(_) => {}
        }
        Ok(())
    }
}
