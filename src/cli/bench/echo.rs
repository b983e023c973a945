use bytes::Bytes;
use rustix::{process::Pid, thread::gettid};
use std::{
    error::Error,
    fs,
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    sync::mpsc,
    thread,
    time::Duration,
};

/// Bytes that are read at once: what a round of any event loop brings.
const READ_BYTES: usize = 64 * 1_024;

/// The least that a server which passes messages on must do: a thread that reads
/// requests of so many bytes and writes, for each, a frame to others. No framing, no
/// parsing, no records, no waiting for several.
pub(super) struct Echo {
    pub(super) address: SocketAddr,
    thread: Pid,
}

impl Echo {
    /// Serves on a thread of its own until the process ends. The first `watchers`
    /// that connect are written to, and the one who connects after them is read from;
    /// without watchers, that one is written to itself. Requests that are read together
    /// become one write to each if `together`.
    pub(super) fn start(watchers: usize, request_bytes: usize, frame: Bytes, together: bool) -> io::Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
        let address = listener.local_addr()?;
        let (told, tell) = mpsc::channel();
        thread::Builder::new().name("bare loop".into()).spawn(move || -> io::Result<()> {
            told.send(gettid()).map_err(io::Error::other)?;
            let mut others = Vec::with_capacity(watchers);
            for _ in 0..watchers {
                let (stream, _) = listener.accept()?;
                stream.set_nodelay(true)?;
                others.push(stream);
            }
            let (mut sender, _) = listener.accept()?;
            sender.set_nodelay(true)?;
            if others.is_empty() {
                others.push(sender.try_clone()?);
            }
            let mut read = vec![0; READ_BYTES];
            let many = frame.repeat(READ_BYTES / request_bytes + 1);
            let mut rest = 0;
            loop {
                let bytes = sender.read(&mut read)?;
                if bytes == 0 {
                    return Ok(());
                }
                let mut requests = (rest + bytes) / request_bytes;
                rest = (rest + bytes) % request_bytes;
                let at_once = if together { requests } else { 1 };
                while requests > 0 {
                    for other in &mut others {
                        other.write_all(&many[..at_once * frame.len()])?;
                    }
                    requests -= at_once;
                }
            }
        })?;
        Ok(Self { address, thread: tell.recv().map_err(io::Error::other)? })
    }

    /// Processor time of it since it began.
    pub(super) fn cpu_time(&self) -> Result<Duration, Box<dyn Error>> {
        on_cpu(&fs::read_to_string(format!("/proc/self/task/{}/schedstat", self.thread.as_raw_nonzero()))?)
    }
}

/// The processor time that the system accounts to a thread.
pub(super) fn on_cpu(schedstat: &str) -> Result<Duration, Box<dyn Error>> {
    let nanos = schedstat.split_whitespace().next().ok_or("the system does not tell processor times")?;
    Ok(Duration::from_nanos(nanos.parse()?))
}
