use super::{Bucket, Rate};
use crate::{
    domain::{Code, Refusal, Time},
    limits::Limits,
};

/// How fast a session may ask, and cause others to be told. It goes with the session
/// from one connection to the next, or a new connection would be a new allowance.
#[derive(Debug, Clone, Copy, Default)]
pub struct Pace {
    entries: Bucket,
    fanout: Bucket,
}

impl Pace {
    /// Whether nothing is owed.
    ///
    /// # Errors
    /// `RATE_LIMITED`.
    pub fn holds(&self, now: Time, limits: &Limits) -> Result<(), Refusal> {
        self.fanout_holds(now, limits)?;
        self.entries.holds(now, 0, entry_rate(limits)).map_err(|after| too_many_entries(limits).retry_after(after))
    }

    /// Counts an entry, if it is allowed.
    ///
    /// # Errors
    /// `RATE_LIMITED`.
    pub fn admit(&mut self, now: Time, limits: &Limits) -> Result<(), Refusal> {
        self.fanout_holds(now, limits)?;
        self.entries.take(now, entry_rate(limits)).map_err(|after| too_many_entries(limits).retry_after(after))
    }

    fn fanout_holds(&self, now: Time, limits: &Limits) -> Result<(), Refusal> {
        self.fanout.holds(now, 0, fanout_rate(limits)).map_err(|after| {
            let what = format!("this connection causes over {} bytes a second to be sent", limits.fanout_bytes_per_sec);
            Refusal::new(Code::RateLimited, what).retry_after(after)
        })
    }

    /// Counts work that is as much as so many entries.
    pub fn charge_entries(&mut self, now: Time, entries: usize, limits: &Limits) {
        self.entries.charge(now, entries, entry_rate(limits));
    }

    /// Counts what was caused to be sent to others.
    pub fn charge_fanout(&mut self, now: Time, bytes: usize, limits: &Limits) {
        self.fanout.charge(now, bytes, fanout_rate(limits));
    }

    /// Goes on with what the same session has spent elsewhere.
    pub fn join(&mut self, earlier: Self) {
        self.entries.join(earlier.entries);
        self.fanout.join(earlier.fanout);
    }
}

fn too_many_entries(limits: &Limits) -> Refusal {
    Refusal::new(Code::RateLimited, format!("over {} requests a second on this connection", limits.entries_per_sec))
}

fn entry_rate(limits: &Limits) -> Rate {
    Rate { per_sec: limits.entries_per_sec, burst: limits.entries_burst }
}

fn fanout_rate(limits: &Limits) -> Rate {
    Rate { per_sec: limits.fanout_bytes_per_sec, burst: limits.fanout_burst_bytes }
}
