//! Where a page of DISCOVER ended, as bytes that the client brings back. A
//! cookie names its query and its position in plain, so the server keeps
//! nothing for it; one that was made up leads at most to another position in a
//! list that its maker may read anyway.

use super::listing::{Position, within};
use crate::domain::{Namespace, Pattern};
use bytes::{BufMut, Bytes, BytesMut};

/// Tells the layout of a list of peers from others.
const PEERS: u8 = 1;

/// The layout of a list of games.
const GAMES: u8 = 2;

/// The cookie of a list of `pattern` that ended at `position`.
pub(super) fn write(pattern: &Pattern, position: &Position) -> Bytes {
    let pattern = pattern.to_string();
    let mut cookie = BytesMut::with_capacity(1 + pattern.len() + 1 + 8 + position.ns.as_str().len());
    cookie.put_u8(PEERS);
    cookie.put_slice(pattern.as_bytes());
    // No pattern holds a zero.
    cookie.put_u8(0);
    cookie.put_u64(position.joined);
    cookie.put_slice(position.ns.as_str().as_bytes());
    cookie.freeze()
}

/// The position in `cookie`; `None` if it is not one of a list of `pattern`.
pub(super) fn read(cookie: &[u8], pattern: &Pattern) -> Option<Position> {
    let rest = cookie.strip_prefix(&[PEERS])?;
    let rest = rest.strip_prefix(pattern.to_string().as_bytes())?.strip_prefix(&[0])?;
    let (joined, ns) = rest.split_first_chunk::<8>()?;
    let ns = Namespace::parse(std::str::from_utf8(ns).ok()?).ok()?;
    // A list of one level ends also at what is deeper, having passed over it.
    within(pattern, &ns).then_some(Position { ns, joined: u64::from_be_bytes(*joined) })
}

/// The cookie of a list of the games of `pattern` that ended with that one.
pub(super) fn write_games(pattern: &Pattern, born: u64) -> Bytes {
    let pattern = pattern.to_string();
    let mut cookie = BytesMut::with_capacity(1 + pattern.len() + 1 + 8);
    cookie.put_u8(GAMES);
    cookie.put_slice(pattern.as_bytes());
    cookie.put_u8(0);
    cookie.put_u64(born);
    cookie.freeze()
}

/// Which game `cookie` ends with; `None` if it is not one of a list of the games
/// of `pattern`.
pub(super) fn read_games(cookie: &[u8], pattern: &Pattern) -> Option<u64> {
    let rest = cookie.strip_prefix(&[GAMES])?;
    let rest = rest.strip_prefix(pattern.to_string().as_bytes())?.strip_prefix(&[0])?;
    Some(u64::from_be_bytes(rest.try_into().ok()?))
}
