use super::echo::on_cpu;
use std::{
    error::Error,
    fs,
    io::{BufRead as _, BufReader},
    net::SocketAddr,
    process::{Child, Command, Stdio},
    time::Duration,
};

/// All that happens here one connection causes, as fast as it is heard. And one that
/// takes nothing from the system is not taken for dead by it.
pub(super) const AT_ANY_PACE: [&str; 5] = [
    "--silence-ms=3600000",
    "--entries-per-sec=1000000",
    "--entries-burst=10000000",
    "--fanout-bytes-per-sec=1099511627776",
    "--fanout-burst-bytes=1099511627776",
];

/// A server in a process of its own, so that only its memory is counted.
pub(super) struct ServerProcess {
    process: Child,
    pub(super) address: SocketAddr,
}

impl ServerProcess {
    /// Starts one with these flags on a free port of loopback; it listens when this
    /// returns.
    pub(super) fn start(flags: &[&str]) -> Result<Self, Box<dyn Error>> {
        let process = Command::new(std::env::current_exe()?)
            .args(["serve", "--listen", "127.0.0.1:0", "--json", "--log", "warn"])
            .args(flags)
            .stdout(Stdio::piped())
            .spawn()?;
        let mut server = Self { process, address: ([0; 4], 0).into() };
        let mut line = String::new();
        BufReader::new(server.process.stdout.take().ok_or("the server has no output")?).read_line(&mut line)?;
        let line: serde_json::Value = serde_json::from_str(&line)?;
        server.address = line["address"].as_str().ok_or("the server did not say where it listens")?.parse()?;
        Ok(server)
    }

    /// Memory of it that is in RAM.
    pub(super) fn resident_bytes(&self) -> Result<u64, Box<dyn Error>> {
        self.status("VmRSS:")
    }

    /// The most of that since it began.
    pub(super) fn peak_bytes(&self) -> Result<u64, Box<dyn Error>> {
        self.status("VmHWM:")
    }

    /// Processor time of all its threads since it began.
    pub(super) fn cpu_time(&self) -> Result<Duration, Box<dyn Error>> {
        let mut all = Duration::ZERO;
        for thread in fs::read_dir(format!("/proc/{}/task", self.process.id()))? {
            all += on_cpu(&fs::read_to_string(thread?.path().join("schedstat"))?)?;
        }
        Ok(all)
    }

    fn status(&self, name: &str) -> Result<u64, Box<dyn Error>> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.process.id()))?;
        let line = status.lines().find_map(|line| line.strip_prefix(name)).ok_or("its status does not tell it")?;
        let kib: u64 = line.trim().trim_end_matches("kB").trim().parse()?;
        Ok(kib * 1_024)
    }
}

impl Drop for ServerProcess {
    fn drop(&mut self) {
        // Both fail only for a process that is gone, which is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}
