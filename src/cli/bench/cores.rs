use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};
use std::io;

/// Where what serves runs, and where the load does. Left to itself the system now
/// and then puts one server beside its load and the other apart, and the time that
/// it takes to wake a core is taken for the server's.
pub(super) struct Cores {
    serving: usize,
    load: usize,
}

impl Cores {
    /// The first and the last core that this program may use.
    pub(super) fn apart() -> io::Result<Self> {
        let allowed = sched_getaffinity(None)?;
        let mut usable = (0..CpuSet::MAX_CPU).filter(|&core| allowed.is_set(core));
        let serving = usable.next().unwrap_or(0);
        Ok(Self { serving, load: usable.next_back().unwrap_or(serving) })
    }

    /// Starts something whose threads are to serve.
    pub(super) fn serve<T>(&self, start: impl FnOnce() -> T) -> io::Result<T> {
        stay_on(self.serving)?;
        let started = start();
        stay_on(self.load)?;
        Ok(started)
    }
}

/// Keeps this thread, and those that it starts from now on, on one core.
fn stay_on(core: usize) -> io::Result<()> {
    let mut only = CpuSet::new();
    only.set(core);
    Ok(sched_setaffinity(None, &only)?)
}
