use crate::domain::SessionId;
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
pub(super) struct Resumptions(HashMap<Uuid, Resumption, FixedState>);

#[derive(Debug)]
struct Resumption {
    session: SessionId,
    /// The secret in the token that was given last.
    given: Uuid,
    /// The one that the session was resumed with, until it is known that the next
    /// has arrived: the answer to HELLO may be lost.
    earlier: Option<Uuid>,
}

/// A session that somebody has the token of.
#[derive(Debug, Clone, Copy)]
pub(super) struct Resumable {
    pub(super) name: Uuid,
    pub(super) session: SessionId,
    secret: Uuid,
}

impl Resumptions {
    /// The session that this is the token of.
    pub(super) fn find(&self, token: &[u8]) -> Option<Resumable> {
        let (name, secret) = token.split_at_checked(TOKEN_BYTES / 2)?;
        let (name, secret) = (Uuid::from_slice(name).ok()?, Uuid::from_slice(secret).ok()?);
        let Resumption { session, given, earlier } = self.0.get(&name)?;
        // Both are compared, in a time that says nothing of where they differ.
        let is_given = secret.as_bytes().ct_eq(given.as_bytes());
        let is_earlier = secret.as_bytes().ct_eq(earlier.as_ref().unwrap_or(given).as_bytes());
        bool::from(is_given | is_earlier).then_some(Resumable { name, session: *session, secret })
    }

    /// The token of a session that begins.
    pub(super) fn begin(&mut self, name: Uuid, session: SessionId, secret: Uuid) -> Bytes {
        self.give(name, Resumption { session, given: secret, earlier: None })
    }

    /// The next token of a session that goes on. The one that it came with is good
    /// until [`Resumptions::confirm`].
    pub(super) fn go_on(&mut self, resumed: Resumable, session: SessionId, secret: Uuid) -> Bytes {
        self.give(resumed.name, Resumption { session, given: secret, earlier: Some(resumed.secret) })
    }

    fn give(&mut self, name: Uuid, resumption: Resumption) -> Bytes {
        let mut token = BytesMut::with_capacity(TOKEN_BYTES);
        token.put_slice(name.as_bytes());
        token.put_slice(resumption.given.as_bytes());
        self.0.insert(name, resumption);
        token.freeze()
    }

    /// The token that was given last has arrived: only that one is good.
    pub(super) fn confirm(&mut self, name: Uuid) {
        if let Some(resumption) = self.0.get_mut(&name) {
            resumption.earlier = None;
        }
    }

    /// A session is over, unless it goes on as another one.
    pub(super) fn end(&mut self, name: Uuid, session: SessionId) {
        if self.0.get(&name).is_some_and(|resumption| resumption.session == session) {
            self.0.remove(&name);
        }
    }

    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    pub(super) fn holds(&self, name: Uuid, session: SessionId) -> bool {
        self.0.get(&name).is_some_and(|resumption| resumption.session == session)
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
