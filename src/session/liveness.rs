use crate::domain::Time;
use std::time::Duration;

/// Whether the other end gives signs of life: asked after a silence, several
/// times, and gone if it says nothing for as long again after the last.
#[derive(Debug, Clone, Copy)]
pub struct Liveness {
    interval: Duration,
    /// When the last byte came.
    heard: Time,
    /// When it was asked last, and how often since it was heard.
    asked_at: Time,
    asked: u32,
    /// When it is looked at next, for whoever keeps the time: not later than
    /// [`Liveness::due`].
    pub look_at: Time,
}

/// What is to be done when a moment has come that [`Liveness`] named.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beat {
    /// Nothing before that moment.
    Wait(Time),
    /// Ask for a sign of life, for the so many-th time.
    Ask(u32),
    /// It has not answered.
    Judge,
}

impl Liveness {
    /// Of one who was heard just now, and is to be asked after silences of `interval`.
    pub fn new(now: Time, interval: Duration) -> Self {
        Self { interval, heard: now, asked_at: now, asked: 0, look_at: now.after(interval) }
    }

    /// After how long a silence it is asked.
    pub fn interval(&self) -> Duration {
        self.interval
    }

    /// A byte has come.
    pub fn hear(&mut self, now: Time) {
        self.heard = now;
        self.asked = 0;
    }

    /// For how long it has said nothing.
    pub fn silence(&self, now: Time) -> Duration {
        now.since(self.heard)
    }

    /// When there is something to be done next, unless it is heard before.
    pub fn due(&self) -> Time {
        let since = if self.asked == 0 { self.heard } else { self.asked_at };
        since.after(self.interval)
    }

    /// What that is. A question counts as asked.
    pub fn beat(&mut self, now: Time, retries: u32) -> Beat {
        if now < self.due() {
            return Beat::Wait(self.due());
        }
        if self.asked >= retries {
            return Beat::Judge;
        }
        self.asked += 1;
        self.asked_at = now;
        Beat::Ask(self.asked)
    }

    /// What it was asked has left only now: this side was late, and all of it counts
    /// as one question.
    pub fn asked_late(&mut self, now: Time) {
        self.asked = self.asked.min(1);
        self.asked_at = now;
    }

    /// Whether it was asked for the last time, and the time for an answer is over.
    pub fn is_over(&self, now: Time, retries: u32) -> bool {
        self.asked >= retries && now >= self.due()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_secs(5);

    fn at(seconds: u64) -> Time {
        Time::from_start(Duration::from_secs(seconds))
    }

    #[test]
    fn one_who_says_nothing_is_asked_three_times_and_gone_after_four_intervals() {
        let mut liveness = Liveness::new(at(0), INTERVAL);
        for (count, moment) in [(1, 5), (2, 10), (3, 15)] {
            assert_eq!(liveness.due(), at(moment));
            assert_eq!(liveness.beat(at(moment - 1), 3), Beat::Wait(at(moment)));
            assert_eq!(liveness.beat(at(moment), 3), Beat::Ask(count));
        }
        assert!(!liveness.is_over(at(19), 3));
        assert_eq!(liveness.beat(at(20), 3), Beat::Judge);
        assert!(liveness.is_over(at(20), 3));
    }

    #[test]
    fn any_sign_of_life_begins_anew() {
        let mut liveness = Liveness::new(at(0), INTERVAL);
        for moment in [5, 10, 15] {
            liveness.beat(at(moment), 3);
        }
        liveness.hear(at(19));
        assert!(!liveness.is_over(at(20), 3));
        assert_eq!(liveness.beat(at(20), 3), Beat::Wait(at(24)));
        assert_eq!(liveness.beat(at(24), 3), Beat::Ask(1));
    }

    #[test]
    fn questions_that_left_late_and_together_are_one() {
        let mut liveness = Liveness::new(at(0), INTERVAL);
        for moment in [5, 10, 15] {
            liveness.beat(at(moment), 3);
        }
        liveness.asked_late(at(19));
        assert!(!liveness.is_over(at(20), 3));
        assert_eq!(liveness.beat(at(20), 3), Beat::Wait(at(24)));
        assert_eq!(liveness.beat(at(24), 3), Beat::Ask(2));
    }

    #[test]
    fn a_question_that_was_late_leaves_as_much_time_for_the_answer() {
        let mut liveness = Liveness::new(at(0), INTERVAL);
        assert_eq!(liveness.beat(at(8), 1), Beat::Ask(1));
        assert_eq!(liveness.beat(at(10), 1), Beat::Wait(at(13)));
        assert_eq!(liveness.beat(at(13), 1), Beat::Judge);
    }
}
