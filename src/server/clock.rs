use crate::domain::Time;
use std::time::Duration;
use tokio::time::Instant;

/// How late the server may be for what is due before it takes it that it stood
/// still: the shortest silence after which clients may wish to be asked, unless it
/// is set to less.
pub(super) const LATE: Duration = Duration::from_millis(250);

/// The time in which things are due. It stands still while the server does
/// (stopped, suspended, or without a processor), as nobody can have been heard or
/// served then: all that was to come within some time has as much of it left.
#[derive(Debug)]
pub(super) struct Clock {
    begun: Instant,
    /// For how long the server stood still.
    still: Duration,
    /// When it is known to have run last.
    last: Time,
}

impl Clock {
    pub(super) fn start() -> Self {
        Self { begun: Instant::now(), still: Duration::ZERO, last: Time::START }
    }

    /// What time it is. The server was to do something at the moment `scheduled`; if
    /// that is long ago and not done, it stood still: since then at least, and as far
    /// as can be known since it was asked for the time before.
    pub(super) fn now(&mut self, scheduled: Option<Time>) -> Time {
        let now = self.read();
        let late = scheduled.map_or(Duration::ZERO, |scheduled| now.since(scheduled));
        if late > LATE {
            let still = now.since(self.last);
            tracing::debug!(ms = still.as_millis(), "the server stood still, and its clock with it");
            self.still += still;
        } else {
            self.last = now;
        }
        self.last
    }

    fn read(&self) -> Time {
        Time::from_start(self.begun.elapsed().saturating_sub(self.still))
    }

    /// When it will be that time, unless the server stands still before.
    pub(super) fn instant(&self, time: Time) -> Instant {
        self.begun + self.still + time.since(Time::START)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tokio::time::advance;

    fn at(millis: u64) -> Time {
        Time::from_start(Duration::from_millis(millis))
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_comes_in_time_has_the_time_of_everybody() {
        let mut clock = Clock::start();
        advance(Duration::from_secs(100)).await;
        assert_eq!(clock.now(None), at(100_000), "nothing was to be done");
        assert_eq!(clock.now(Some(at(100_000))), at(100_000));
        advance(LATE).await;
        assert_eq!(clock.now(Some(at(100_000))), at(100_250), "a little late is not still");
        assert_eq!(clock.now(Some(at(200_000))), at(100_250));
    }

    #[tokio::test(start_paused = true)]
    async fn a_server_that_stood_still_goes_on_where_it_was() {
        let mut clock = Clock::start();
        advance(Duration::from_secs(1)).await;
        assert_eq!(clock.now(Some(at(5_000))), at(1_000));
        advance(Duration::from_secs(60)).await;
        assert_eq!(clock.now(Some(at(5_000))), at(1_000), "it was to do something and has not run since");
        advance(Duration::from_millis(100)).await;
        assert_eq!(clock.now(Some(at(5_000))), at(1_100));
        let due = clock.instant(at(10_000));
        assert_eq!(due - Instant::now(), Duration::from_millis(8_900));
    }
}
