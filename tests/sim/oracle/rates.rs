use foregather::{domain::Time, limits::Limits};
use std::{
    net::{IpAddr, SocketAddr},
    time::Duration,
};

const NANOS: i128 = 1_000_000_000;

/// A bucket counted as people imagine one: it holds tokens (in billionths),
/// and more trickle in as time passes.
#[derive(Debug, Clone, Copy)]
pub struct Bucket {
    per_sec: i128,
    burst: i128,
    level: i128,
    at: Time,
}

impl Bucket {
    pub fn new(per_sec: usize, burst: usize) -> Self {
        let burst = burst as i128 * NANOS;
        Self { per_sec: per_sec as i128, burst, level: burst, at: Time::default() }
    }

    fn trickle(&mut self, now: Time) {
        let earned = now.since(self.at).as_nanos() as i128 * self.per_sec;
        self.level = self.burst.min(self.level + earned);
        self.at = now;
    }

    /// Whether it holds so many; if not, after how many milliseconds it will.
    pub fn holds(&mut self, now: Time, tokens: usize) -> Result<(), u32> {
        self.trickle(now);
        let missing = tokens as i128 * NANOS - self.level;
        if missing <= 0 {
            return Ok(());
        }
        let nanos = missing.div_euclid(self.per_sec) + i128::from(missing.rem_euclid(self.per_sec) > 0);
        let wait = Duration::from_nanos(u64::try_from(nanos).expect("no debt lasts for centuries"));
        Err(u32::try_from(wait.as_micros().div_ceil(1_000)).expect("nor for weeks"))
    }

    fn join(&mut self, now: Time, other: &mut Self) {
        self.trickle(now);
        other.trickle(now);
        self.level = self.level.min(other.level);
    }

    pub fn spend(&mut self, now: Time, tokens: usize) {
        self.trickle(now);
        self.level -= tokens as i128 * NANOS;
    }
}

/// How fast a session may ask, and cause others to be told.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    pub entries: Bucket,
    pub fanout: Bucket,
}

impl Pace {
    pub fn new(limits: &Limits) -> Self {
        Self {
            entries: Bucket::new(limits.entries_per_sec, limits.entries_burst),
            fanout: Bucket::new(limits.fanout_bytes_per_sec, limits.fanout_burst_bytes),
        }
    }

    /// Whether nothing is owed; if something is, for how many milliseconds.
    pub fn holds(&mut self, now: Time) -> Result<(), u32> {
        self.fanout.holds(now, 0)?;
        self.entries.holds(now, 0)
    }

    /// Two that become one have no more than either had.
    pub fn join(&mut self, now: Time, mut other: Self) {
        self.entries.join(now, &mut other.entries);
        self.fanout.join(now, &mut other.fanout);
    }
}

/// What comes from one address: its connections and the rate of their requests.
#[derive(Debug, Clone)]
pub struct Caller {
    key: IpAddr,
    pub connections: usize,
    pub entries: Bucket,
}

/// All public addresses that ever had a connection (with `private_too`, the
/// private ones as well): to come again is no new allowance.
#[derive(Debug, Clone)]
pub struct Callers {
    private_too: bool,
    known: Vec<Caller>,
}

impl Callers {
    pub fn new(private_too: bool) -> Self {
        Self { private_too, known: Vec::new() }
    }

    /// Nobody has been there yet.
    pub fn forget(&mut self) {
        self.known.clear();
    }

    pub fn find(&mut self, from: SocketAddr) -> Option<&mut Caller> {
        let key = self.key(from)?;
        self.known.iter_mut().find(|caller| caller.key == key)
    }

    /// Whether `limit` connections are there from this address already.
    pub fn is_full(&mut self, from: SocketAddr, limit: usize) -> bool {
        self.key(from).is_some() && self.find(from).map_or(0, |caller| caller.connections) >= limit
    }

    pub fn enter(&mut self, from: SocketAddr, entries: Bucket) {
        let Some(key) = self.key(from) else { return };
        match self.find(from) {
            Some(caller) => caller.connections += 1,
            None => self.known.push(Caller { key, connections: 1, entries }),
        }
    }

    pub fn leave(&mut self, from: SocketAddr) {
        if let Some(caller) = self.find(from) {
            caller.connections -= 1;
        }
    }

    /// What an address is counted under: itself, or the /64 that it is in.
    fn key(&self, from: SocketAddr) -> Option<IpAddr> {
        let private = match from.ip() {
            IpAddr::V4(address) => address.is_private() || address.is_loopback(),
            IpAddr::V6(address) => address.is_loopback(),
        };
        if private && !self.private_too {
            return None;
        }
        Some(match from.ip() {
            IpAddr::V6(address) => {
                let [a, b, c, d, ..] = address.segments();
                [a, b, c, d, 0, 0, 0, 0].into()
            }
            v4 @ IpAddr::V4(_) => v4,
        })
    }
}
