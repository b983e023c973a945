//! When to try again. Many clients lose their server at the same moment; that they
//! do not come back in step is what keeps it up.

use super::bounds;
use std::time::Duration;

/// How long to wait before each attempt to reconnect.
#[derive(Debug, Default)]
pub(super) struct Backoff {
    attempts: u32,
}

impl Backoff {
    /// How long to wait before the next attempt, at least for what the server has
    /// asked for, and not in step with others who were asked the same; `chance` is a
    /// number of which every value is as likely. Unasked, the first
    /// attempt follows at once, for most losses are short; later ones at any moment
    /// within a time that doubles, up to [`bounds::BACKOFF_MAX`].
    pub(super) fn next(&mut self, asked: Option<Duration>, chance: u32) -> Duration {
        let within = match self.attempts {
            0 => bounds::BACKOFF_FIRST,
            attempts => bounds::BACKOFF.saturating_mul(1 << (attempts - 1).min(16)).min(bounds::BACKOFF_MAX),
        };
        self.attempts = self.attempts.saturating_add(1);
        let asked = asked.map(|asked| asked.min(bounds::RETRY_AFTER_MAX));
        let spread = asked.map_or(Duration::ZERO, |asked| bounds::SPREAD.max(asked / 2));
        asked.unwrap_or_default() + within.max(spread).mul_f64(f64::from(chance) / f64::from(u32::MAX))
    }

    /// How many attempts there were.
    pub(super) fn attempts(&self) -> u32 {
        self.attempts
    }

    /// A connection has lasted: the next loss has nothing to do with this one.
    pub(super) fn reset(&mut self) {
        self.attempts = 0;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attempts_come_at_once_then_ever_later_and_never_too_late() {
        let mut longest = Backoff::default();
        let waits: Vec<_> = (0..100).map(|_| longest.next(None, u32::MAX)).collect();
        let millis: Vec<_> = waits[..8].iter().map(Duration::as_millis).collect();
        assert_eq!(millis, [100, 250, 500, 1_000, 2_000, 4_000, 8_000, 10_000]);
        assert!(waits[8..].iter().all(|wait| *wait == bounds::BACKOFF_MAX));
        assert_eq!(longest.attempts(), 100);
        longest.reset();
        assert_eq!(longest.next(None, u32::MAX), bounds::BACKOFF_FIRST);

        // Whatever chance says is within that.
        let mut shortest = Backoff::default();
        assert!((0..100).all(|_| shortest.next(None, 0).is_zero()));
        let mut half = Backoff::default();
        assert!(waits.iter().all(|wait| half.next(None, u32::MAX / 2) <= *wait));
    }

    #[test]
    fn a_server_that_asks_for_time_gets_it_within_reason() {
        let asked = |secs| Some(Duration::from_secs(secs));
        // Told so by a server that is restarted with its defaults, all are back within
        // a second.
        let (soon, millis) = (Some(Duration::from_millis(250)), Duration::from_millis);
        assert_eq!(Backoff::default().next(soon, 0), millis(250));
        assert_eq!(Backoff::default().next(soon, u32::MAX), millis(750));
        assert_eq!(Backoff::default().next(Some(Duration::ZERO), u32::MAX), millis(500));
        assert_eq!(Backoff::default().next(asked(4), 0), Duration::from_secs(4));
        assert_eq!(Backoff::default().next(asked(4), u32::MAX), Duration::from_secs(6));
        let most = bounds::RETRY_AFTER_MAX;
        assert_eq!(Backoff::default().next(Some(Duration::MAX), 0), most);
        let mut worst = Backoff { attempts: u32::MAX };
        assert_eq!(worst.next(Some(Duration::MAX), u32::MAX), most + most / 2);
        assert_eq!(worst.attempts(), u32::MAX);
    }
}
