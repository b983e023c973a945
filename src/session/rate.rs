use crate::domain::Time;
use std::time::Duration;

/// How much at once, and how much over time.
#[derive(Debug, Clone, Copy)]
pub struct Rate {
    /// Tokens that a bucket earns in a second.
    pub per_sec: usize,
    /// Tokens that a bucket holds when it is full.
    pub burst: usize,
}

impl Rate {
    /// How long it takes to earn so many tokens.
    fn earning(self, tokens: usize) -> Duration {
        let nanos = tokens as u128 * 1_000_000_000 / self.per_sec.max(1) as u128;
        Duration::from_nanos(u64::try_from(nanos).unwrap_or(u64::MAX))
    }
}

/// A token bucket as one moment: that at which it will be full again (GCRA, the
/// generic cell rate algorithm of ITU-T I.371). A new one is full.
#[derive(Debug, Clone, Copy, Default)]
pub struct Bucket {
    full_at: Time,
}

impl Bucket {
    /// Takes one token.
    ///
    /// # Errors
    /// How long it takes until there is one.
    pub fn take(&mut self, now: Time, rate: Rate) -> Result<(), Duration> {
        self.holds(now, 1, rate)?;
        self.charge(now, 1, rate);
        Ok(())
    }

    /// Takes tokens also if there are fewer, for what is known only when it is
    /// done: the bucket holds nothing again until the debt is earned.
    pub fn charge(&mut self, now: Time, tokens: usize, rate: Rate) {
        self.full_at = self.full_at.max(now).after(rate.earning(tokens));
    }

    /// Holds no more than another one did.
    pub fn join(&mut self, other: Self) {
        self.full_at = self.full_at.max(other.full_at);
    }

    /// Whether it holds all that it can: then it says nothing of the past.
    pub fn is_full(&self, now: Time) -> bool {
        self.full_at <= now
    }

    /// Whether there are so many tokens.
    ///
    /// # Errors
    /// How long it takes until there are.
    pub fn holds(&self, now: Time, tokens: usize, rate: Rate) -> Result<(), Duration> {
        let full_at = self.full_at.max(now).after(rate.earning(tokens));
        let missing = full_at.since(now.after(rate.earning(rate.burst)));
        if missing.is_zero() { Ok(()) } else { Err(missing) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const RATE: Rate = Rate { per_sec: 10, burst: 3 };

    fn at(millis: u64) -> Time {
        Time::from_start(Duration::from_millis(millis))
    }

    #[test]
    fn a_burst_is_accepted_to_the_last_token_and_then_the_rate_rules() {
        let mut bucket = Bucket::default();
        for _ in 0..3 {
            assert_eq!(bucket.take(at(50), RATE), Ok(()));
        }
        assert_eq!(bucket.take(at(50), RATE), Err(Duration::from_millis(100)));
        assert_eq!(bucket.take(at(149), RATE), Err(Duration::from_millis(1)));
        assert_eq!(bucket.take(at(150), RATE), Ok(()));
        assert_eq!(bucket.take(at(150), RATE), Err(Duration::from_millis(100)));
        for _ in 0..3 {
            assert_eq!(bucket.take(at(10_000), RATE), Ok(()), "a quiet bucket fills, to the burst and no further");
        }
        assert!(bucket.take(at(10_000), RATE).is_err());
    }

    #[test]
    fn a_debt_is_earned_before_anything_is_accepted() {
        let mut bucket = Bucket::default();
        bucket.charge(at(0), 13, RATE);
        assert_eq!(bucket.holds(at(0), 0, RATE), Err(Duration::from_secs(1)));
        assert_eq!(bucket.holds(at(1_000), 0, RATE), Ok(()));
        assert_eq!(bucket.holds(at(1_000), 1, RATE), Err(Duration::from_millis(100)));
    }
}
