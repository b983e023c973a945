use std::time::Duration;

/// A moment, as nanoseconds since the server began. The rooms that decide
/// something are given it; none of them looks at a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Default)]
pub struct Time(u64);

impl Time {
    /// When the server began.
    pub const START: Self = Self(0);

    /// The moment this long after the server began; later than the type can
    /// hold (584 years) is as late as it can hold.
    pub fn from_start(since: Duration) -> Self {
        Self(u64::try_from(since.as_nanos()).unwrap_or(u64::MAX))
    }

    /// This long later.
    pub fn after(self, duration: Duration) -> Self {
        Self(self.0.saturating_add(Self::from_start(duration).0))
    }

    /// How long ago `earlier` was; nothing if it is yet to come.
    pub fn since(self, earlier: Self) -> Duration {
        Duration::from_nanos(self.0.saturating_sub(earlier.0))
    }
}
