//! Signs of life of the server: when to ask for one, and when it is gone.

use super::bounds;
use crate::domain::Greeting;
use std::time::Duration;
use tokio::time::Instant;

/// How the silence of one connection is judged.
#[derive(Debug)]
pub(super) struct Pulse {
    interval: Duration,
    /// So many questions are asked, an interval apart, before the server is gone.
    retries: u32,
    /// Since when nothing was heard, as far as it is known here.
    since: Instant,
    /// Questions since then.
    asked: u32,
}

/// What to do about the silence.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Beat {
    /// It has not lasted long enough.
    Wait,
    /// Ask for a sign of life.
    Ask,
    /// The server is gone.
    Gone,
}

impl Pulse {
    /// As the server said that it judges this client, within reason.
    pub(super) fn new(greeting: &Greeting, now: Instant) -> Self {
        let said = if greeting.heartbeat.is_zero() { bounds::HEARTBEAT } else { greeting.heartbeat };
        let retries =
            if greeting.heartbeat_retries == 0 { bounds::HEARTBEAT_RETRIES } else { greeting.heartbeat_retries };
        Self {
            interval: said.clamp(bounds::HEARTBEAT_MIN, bounds::HEARTBEAT_MAX),
            retries: retries.min(bounds::HEARTBEAT_RETRIES_MAX),
            since: now,
            asked: 0,
        }
    }

    /// When to look again.
    pub(super) fn due(&self) -> Instant {
        self.since + self.interval * (self.asked + 1)
    }

    /// What is to be done now, when something was heard last at that time.
    pub(super) fn beat(&mut self, heard: Instant, now: Instant) -> Beat {
        if heard > self.since {
            (self.since, self.asked) = (heard, 0);
        }
        let late = now.saturating_duration_since(self.due());
        if late > bounds::PULSE_LATE {
            // It was this program that stood still: what the server said meanwhile
            // may not have been read yet.
            (self.since, self.asked) = (now, 0);
        }
        if now < self.due() {
            Beat::Wait
        } else if self.asked < self.retries {
            self.asked += 1;
            Beat::Ask
        } else {
            Beat::Gone
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn greeting(heartbeat: Duration, heartbeat_retries: u32) -> Greeting {
        Greeting {
            agent: String::new(),
            session: "~s".into(),
            observed: ([192, 0, 2, 7], 1).into(),
            resume: Default::default(),
            resumed: false,
            heartbeat,
            heartbeat_retries,
            limits: Default::default(),
        }
    }

    #[test]
    fn silence_is_asked_about_and_then_judged() {
        let begun = Instant::now();
        let second = Duration::from_secs(1);
        let mut pulse = Pulse::new(&greeting(second, 2), begun);
        assert_eq!(pulse.due(), begun + second);
        assert_eq!(pulse.beat(begun, begun + second / 2), Beat::Wait);
        assert_eq!(pulse.beat(begun, begun + second), Beat::Ask);
        assert_eq!(pulse.beat(begun, begun + second), Beat::Wait);
        assert_eq!(pulse.beat(begun, begun + 2 * second), Beat::Ask);
        assert_eq!(pulse.due(), begun + 3 * second);
        // A sign of life, even a late one, begins all anew.
        let heard = begun + 3 * second - Duration::from_millis(1);
        assert_eq!(pulse.beat(heard, begun + 3 * second), Beat::Wait);
        for (wait, beat) in [(1, Beat::Ask), (2, Beat::Ask), (3, Beat::Gone)] {
            assert_eq!(pulse.due(), heard + wait * second);
            assert_eq!(pulse.beat(heard, heard + wait * second), beat);
        }
    }

    #[test]
    fn who_stood_still_judges_nobody() {
        let begun = Instant::now();
        let second = Duration::from_secs(1);
        let mut pulse = Pulse::new(&greeting(second, 1), begun);
        assert_eq!(pulse.beat(begun, begun + second), Beat::Ask);
        let woken = begun + 100 * second;
        assert_eq!(pulse.beat(begun, woken), Beat::Wait);
        assert_eq!(pulse.beat(begun, woken + second), Beat::Ask);
        assert_eq!(pulse.beat(begun, woken + 2 * second), Beat::Gone);
    }

    #[test]
    fn no_number_that_a_server_sends_is_too_much_for_the_clock() {
        let now = Instant::now();
        for (heartbeat, retries) in [
            (Duration::MAX, u32::MAX),
            (Duration::from_millis(u32::MAX.into()), u32::MAX),
            (Duration::ZERO, 0),
            (Duration::from_nanos(1), u32::MAX),
            (Duration::MAX, 0),
        ] {
            let mut pulse = Pulse::new(&greeting(heartbeat, retries), now);
            let mut asked = 0;
            let bound = loop {
                let due = pulse.due();
                assert!(due - now >= bounds::HEARTBEAT_MIN, "it is not asked all the time");
                match pulse.beat(now, due) {
                    Beat::Ask => asked += 1,
                    Beat::Gone => break due - now,
                    Beat::Wait => panic!("it is due"),
                }
            };
            assert!((1..=bounds::HEARTBEAT_RETRIES_MAX).contains(&asked));
            assert!(bound <= bounds::HEARTBEAT_MAX * (bounds::HEARTBEAT_RETRIES_MAX + 1));
        }
    }
}
