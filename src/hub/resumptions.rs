use crate::domain::{Changed, ResumptionRecord, SessionId};
use bytes::{BufMut as _, Bytes, BytesMut};
use foldhash::fast::FixedState;
use std::collections::HashMap;
use subtle::ConstantTimeEq as _;
use uuid::Uuid;

/// Bytes of a token: the session's name, by which it is found, and a secret, by
/// which it is known.
const TOKEN_BYTES: usize = 32;

/// By what sessions are gone on with on another connection.
#[derive(Debug, Default)]
pub(super) struct Resumptions {
    by_name: HashMap<Uuid, ResumptionRecord, FixedState>,
    /// What has changed of these, if that is asked for.
    changes: Option<Changed<Uuid, ResumptionRecord>>,
}

/// A session that somebody has the token of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resumable {
    pub(super) name: Uuid,
    pub(super) session: SessionId,
    secret: Uuid,
}

impl Resumptions {
    /// Takes note of what changes from now on.
    pub(super) fn take_note(&mut self) {
        self.changes = Some(Changed::default());
    }

    /// Whether anything has changed since.
    pub(super) fn has_changes(&self) -> bool {
        self.changes.as_ref().is_some_and(|changes| !changes.is_empty())
    }

    /// What has changed since this was asked for last.
    pub(super) fn take_changes(&mut self) -> Changed<Uuid, ResumptionRecord> {
        self.changes.as_mut().map(std::mem::take).unwrap_or_default()
    }

    /// All of them.
    pub(super) fn records(&self) -> impl Iterator<Item = (Uuid, ResumptionRecord)> {
        self.by_name.iter().map(|(&name, record)| (name, record.clone()))
    }

    /// Goes on with one of an earlier run.
    pub(super) fn restore(&mut self, name: Uuid, record: ResumptionRecord) {
        self.by_name.insert(name, record);
    }

    /// The session that this is the token of.
    pub(super) fn find(&self, token: &[u8]) -> Option<Resumable> {
        let (name, secret) = token.split_at_checked(TOKEN_BYTES / 2)?;
        let (name, secret) = (Uuid::from_slice(name).ok()?, Uuid::from_slice(secret).ok()?);
        let ResumptionRecord { session, given, earlier } = self.by_name.get(&name)?;
        // Both are compared, in a time that says nothing of where they differ.
        let is_given = secret.as_bytes().ct_eq(given.as_bytes());
        let is_earlier = secret.as_bytes().ct_eq(earlier.as_ref().unwrap_or(given).as_bytes());
        bool::from(is_given | is_earlier).then_some(Resumable { name, session: *session, secret })
    }

    /// The session of that name.
    pub(super) fn session(&self, name: Uuid) -> Option<SessionId> {
        self.by_name.get(&name).map(|record| record.session)
    }

    /// The token of a session that begins.
    pub(super) fn begin(&mut self, name: Uuid, session: SessionId, secret: Uuid) -> Bytes {
        let record = ResumptionRecord { session, given: secret, earlier: None };
        self.changes.iter_mut().for_each(|changes| changes.insert(name, record.clone()));
        self.give(name, record)
    }

    /// The next token of a session that goes on. The one that it came with is good
    /// until [`Resumptions::confirm`].
    pub(super) fn go_on(&mut self, resumed: Resumable, session: SessionId, secret: Uuid) -> Bytes {
        let record = ResumptionRecord { session, given: secret, earlier: Some(resumed.secret) };
        self.changes.iter_mut().for_each(|changes| changes.set(resumed.name, record.clone()));
        self.give(resumed.name, record)
    }

    fn give(&mut self, name: Uuid, record: ResumptionRecord) -> Bytes {
        let mut token = BytesMut::with_capacity(TOKEN_BYTES);
        token.put_slice(name.as_bytes());
        token.put_slice(record.given.as_bytes());
        self.by_name.insert(name, record);
        token.freeze()
    }

    /// The token that was given last has arrived: only that one is good.
    pub(super) fn confirm(&mut self, name: Uuid) {
        if let Some(record) = self.by_name.get_mut(&name)
            && record.earlier.take().is_some()
        {
            self.changes.iter_mut().for_each(|changes| changes.set(name, record.clone()));
        }
    }

    /// A session is over, unless it goes on as another one.
    pub(super) fn end(&mut self, name: Uuid, session: SessionId) {
        if self.holds(name, session) {
            self.by_name.remove(&name);
            self.changes.iter_mut().for_each(|changes| changes.remove(name));
        }
    }

    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    pub(super) fn holds(&self, name: Uuid, session: SessionId) -> bool {
        self.by_name.get(&name).is_some_and(|record| record.session == session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u128) -> Uuid {
        Uuid::from_u128(number)
    }

    fn found(resumptions: &Resumptions, token: &[u8]) -> Option<SessionId> {
        resumptions.find(token).map(|resumable| resumable.session)
    }

    #[test]
    fn a_token_is_good_until_its_successor_is_known_to_have_arrived() {
        let mut resumptions = Resumptions::default();
        let first = resumptions.begin(id(1), SessionId(1), id(11));
        let resumed = resumptions.find(&first).expect("it was given");
        let second = resumptions.go_on(resumed, SessionId(2), id(12));
        // The answer was lost: it comes again with the first.
        let resumed = resumptions.find(&first).expect("the second may not have arrived");
        let third = resumptions.go_on(resumed, SessionId(3), id(13));
        assert_eq!(found(&resumptions, &first), Some(SessionId(3)));
        assert_eq!(found(&resumptions, &second), None, "nobody has it");
        resumptions.confirm(id(1));
        assert_eq!(found(&resumptions, &first), None);
        assert_eq!(found(&resumptions, &third), Some(SessionId(3)));
    }

    #[test]
    fn what_is_no_token_finds_nothing() {
        let mut resumptions = Resumptions::default();
        let token = resumptions.begin(id(1), SessionId(1), id(11));
        for bit in 0..8 * token.len() {
            let mut other = token.to_vec();
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(found(&resumptions, &other), None, "bit {bit}");
        }
        for bytes in [&token[..31], &token[..16], b"", &[0; 33]] {
            assert_eq!(found(&resumptions, bytes), None);
        }
        assert_eq!(found(&resumptions, &token), Some(SessionId(1)));
    }

    #[test]
    fn a_session_that_goes_on_does_not_end_with_its_older_connection() {
        let mut resumptions = Resumptions::default();
        let first = resumptions.begin(id(1), SessionId(1), id(11));
        let resumed = resumptions.find(&first).expect("it was given");
        let second = resumptions.go_on(resumed, SessionId(2), id(12));
        resumptions.end(id(1), SessionId(1));
        assert_eq!(found(&resumptions, &second), Some(SessionId(2)));
        resumptions.end(id(1), SessionId(2));
        assert_eq!((found(&resumptions, &second), resumptions.len()), (None, 0));
    }
}
