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

/// For how long a namespace is watched after the last request to a peer there has ended,
/// so that the next finds it watched.
pub(super) const VIGIL: Duration = Duration::from_secs(60);

/// How many namespaces are watched for such requests to come.
pub(super) const VIGILS_IDLE: usize = 16;

/// Bytes that a message counts for beside its payload, its namespace and its parties.
pub(super) const MESSAGE_BYTES: usize = 256;

/// Requests of peers that are being answered at once by one who serves.
pub(super) const SERVED_AT_ONCE: usize = 64;

/// How long one who serves waits before it gives a reply again that the server did not
/// take, the first time and at most; it doubles from one to the other.
pub(super) const REPLY_PAUSE: Duration = Duration::from_millis(50);
pub(super) const REPLY_PAUSE_MAX: Duration = Duration::from_secs(1);

/// The longest deadline: a time that is added to a clock is capped.
pub(super) const DEADLINE_MAX: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a server's last word is waited for on a connection that cannot be
/// written to any more.
pub(super) const LAST_WORD: Duration = Duration::from_secs(1);

/// Without a sign of life from the server's machine for this long, the
/// connection counts as lost.
pub(super) const SILENCE: Duration = Duration::from_secs(20);

/// The longest that the kernel may be made to wait for such a sign.
pub(super) const SILENCE_MAX: Duration = Duration::from_secs(60 * 60);

/// After how long a silence the server is asked for a sign of life if it did not
/// say how it does that itself.
pub(super) const HEARTBEAT: Duration = Duration::from_secs(5);

/// The shortest and the longest such silence, whatever the server says.
pub(super) const HEARTBEAT_MIN: Duration = Duration::from_millis(50);
pub(super) const HEARTBEAT_MAX: Duration = Duration::from_secs(10 * 60);

/// How often the server is asked, if it did not say how often it asks.
pub(super) const HEARTBEAT_RETRIES: u32 = 3;

/// How often it is asked at most, whatever it says.
pub(super) const HEARTBEAT_RETRIES_MAX: u32 = 100;

/// A look at the server's silence that comes later than this was held up by this
/// program, or this machine, standing still.
pub(super) const PULSE_LATE: Duration = Duration::from_millis(250);

/// Within this time of its loss a connection is tried again first.
pub(super) const BACKOFF_FIRST: Duration = Duration::from_millis(100);

/// Within this time of the first attempt's failure comes the second; it doubles
/// from then on.
pub(super) const BACKOFF: Duration = Duration::from_millis(250);

/// Within this time of the last attempt's failure comes the next at the latest.
pub(super) const BACKOFF_MAX: Duration = Duration::from_secs(10);

/// All who were asked to come back at the same time do so within this much of it at
/// least, so that they do not all come at once.
pub(super) const SPREAD: Duration = Duration::from_millis(500);

/// A server that asks for more time than this gets this, and half as much more.
pub(super) const RETRY_AFTER_MAX: Duration = Duration::from_secs(60);

/// How long an attempt may take, from the first packet to WELCOME.
pub(super) const ATTEMPT: Duration = Duration::from_secs(10);

/// A connection that has lasted so long was a good one: what is lost after it is
/// tried again at once.
pub(super) const STEADY: Duration = Duration::from_secs(10);

/// The longest time for which a program can ask to go on trying.
pub(super) const RECONNECT_MAX: Duration = Duration::from_secs(30 * 24 * 60 * 60);

/// Bytes of a resume token; a longer one is not kept.
pub(super) const TOKEN_BYTES: usize = 1_024;

/// The widest limits that a server can be set to: what is illegal by them is
/// illegal everywhere, what is not is for the server to judge.
pub(super) fn widest() -> Limits {
    let mut limits = Limits::default();
    for row in Limits::TABLE {
        *limits.by_name(row.name).expect("TABLE names fields only") = row.max;
    }
    limits
}
