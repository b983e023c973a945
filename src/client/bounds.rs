//! What the client holds at most, whatever the server sends.

use crate::limits::Limits;
use std::time::Duration;

/// Bytes of a frame until the server has said how large its own are.
pub(super) const FRAME_BYTES: usize = 64 * 1024;

/// Bytes of a frame that are accepted however large the server says its own
/// are. While it is decoded it may take up to about 100 times as much.
pub(super) const FRAME_MAX_BYTES: usize = 1024 * 1024;

/// Bytes that wait to be written before no further request is taken up. One
/// batch of requests may come on top of them.
pub(super) const OUTGOING_BYTES: usize = 64 * 1024;

/// Requests that are taken up at once, so that they are written together.
pub(super) const REQUESTS_AT_ONCE: usize = 16;

/// Requests that wait to be taken up before callers wait too.
pub(super) const REQUESTS_WAITING: usize = 64;

/// Answers about seats that nobody wants any more, to be given back if they are
/// granted, before no further request is taken up.
pub(super) const SEATS_UNWANTED: usize = 1_024;

/// The longest deadline: a time that is added to a clock is capped.
pub(super) const DEADLINE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a server's last word is waited for on a connection that cannot be
/// written to any more.
pub(super) const LAST_WORD: Duration = Duration::from_secs(1);

/// Without a sign of life from the server's machine for this long, the
/// connection counts as lost.
pub(super) const SILENCE: Duration = Duration::from_secs(20);

/// The widest limits that a server can be set to: what is illegal by them is
/// illegal everywhere, what is not is for the server to judge.
pub(super) fn widest() -> Limits {
    let mut limits = Limits::default();
    for row in Limits::TABLE {
        *limits.by_name(row.name).expect("TABLE names fields only") = row.max;
    }
    limits
}
