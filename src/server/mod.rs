//! The shell around the [`hub`](crate::hub): sockets, threads, the clock, and
//! what waits to be written. It knows no rule of the game.
//!
//! Every thread runs a runtime of its own and owns the connections that it
//! accepted. The hub is one value behind one lock, which the thread that has a
//! frame takes; nothing awaits under it. From the last byte of a request to the
//! first byte of its answer nothing is handed to another task or thread.

mod accept;
mod clock;
mod connection;
mod exchange;
mod keeper;
mod outbox;
mod start;
mod timeouts;

use crate::{hub::HubOptions, limits::Limits, store::StoreError};
use exchange::Exchange;
use keeper::Keeper;
use start::Place;
use std::{
    collections::BTreeMap,
    io,
    net::{IpAddr, Ipv4Addr, SocketAddr},
    path::PathBuf,
    sync::Arc,
    thread::JoinHandle,
    time::{Duration, SystemTime, UNIX_EPOCH},
};
use tokio_util::sync::CancellationToken;

/// The port that is used if nothing else is said.
pub const DEFAULT_PORT: u16 = 7638;

/// Files that a server has open besides its connections and those that it turns
/// away, generously: the listener and what each thread's runtime needs, standard
/// streams, a log.
const OTHER_FILES: u64 = 64;

/// How a server is to be.
#[derive(Debug, Clone)]
pub struct ServerOptions {
    /// Where it listens; port 0 takes any that is free.
    pub listen: SocketAddr,
    /// Threads that serve; each accepts for itself.
    pub threads: usize,
    /// What stands in the addresses of peers on the server's own machine, which
    /// it sees come from loopback; `None`: the machine's first LAN address.
    pub advertise: Option<IpAddr>,
    /// Bound what comes from one address also if that is loopback or private.
    pub limit_private_addresses: bool,
    /// The file that its games, registrations and sessions are kept in, for the next server
    /// to go on with; made if there is none. `None`: nothing is kept.
    pub state: Option<PathBuf>,
    /// For how long it waits for another server that has that file to end.
    pub state_wait: Duration,
    /// The limits in force.
    pub limits: Limits,
}

impl Default for ServerOptions {
    fn default() -> Self {
        Self {
            listen: (Ipv4Addr::UNSPECIFIED, DEFAULT_PORT).into(),
            threads: 1,
            advertise: None,
            limit_private_addresses: false,
            state: None,
            state_wait: Duration::from_secs(60),
            limits: Limits::default(),
        }
    }
}

/// Why a server did not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Limits that are out of range or contradict each other.
    #[error("these limits cannot be: {}", .0.join("; "))]
    Limits(Vec<String>),
    /// The address cannot be listened on.
    #[error("cannot listen on {address}: {source}")]
    Listen {
        /// Which.
        address: SocketAddr,
        /// What the operating system says.
        source: io::Error,
    },
    /// The state cannot be gone on with.
    #[error(transparent)]
    State(#[from] StoreError),
    /// The operating system does not give what a server needs.
    #[error("cannot {what}: {source}")]
    System {
        /// What was tried.
        what: &'static str,
        /// What the operating system says.
        source: io::Error,
    },
}

/// A server that runs, on threads of its own, until it is stopped.
#[derive(Debug)]
pub struct Server {
    local_addr: SocketAddr,
    limits: Limits,
    exchange: Arc<Exchange>,
    stop: CancellationToken,
    threads: Vec<JoinHandle<()>>,
    /// Writes what outlives it, if something does.
    keeper: Option<Keeper>,
}

impl Server {
    /// Starts a server; when this returns, it can be connected to. If another server has
    /// its state, that one is waited for.
    ///
    /// # Errors
    /// If the limits are out of range, the address cannot be listened on, the state cannot
    /// be gone on with, or the operating system gives no threads or random numbers.
    pub fn start(options: ServerOptions) -> Result<Self, StartError> {
        let ServerOptions { listen, threads, advertise, limit_private_addresses, state, state_wait, mut limits } =
            options;
        let faults = limits.faults();
        if !faults.is_empty() {
            return Err(StartError::Limits(faults));
        }
        let threads = threads.max(1);
        fit_file_limit(&mut limits, threads);

        let place = Place { address: listen, silence: millis(limits.silence_ms) };
        let (listener, kept) = match state {
            None => (place.listen()?, None),
            Some(path) => {
                let (listener, store, state) = place.listen_with_state(&path, state_wait)?;
                (listener, Some((store, state)))
            }
        };
        let local_addr = listener.local_addr().map_err(|source| StartError::Listen { address: listen, source })?;
        let (store, state) = kept.unzip();

        let mut seed = [0; 32];
        getrandom::fill(&mut seed).map_err(|error| StartError::System {
            what: "get random numbers",
            source: io::Error::other(error.to_string()),
        })?;
        let hub =
            HubOptions { limits: limits.clone(), limit_private_addresses, last_version: version_now(), seed, state };
        let advertise = advertise.or_else(|| lan_addresses().into_iter().next());
        let exchange = Arc::new(Exchange::new(hub, advertise));
        let stop = CancellationToken::new();

        let no_thread = |source| StartError::System { what: "start a thread", source };
        let keeper = match store {
            None => None,
            Some(mut store) => {
                // The numbers that this run gives out are no other's, however it ends.
                store.commit(&exchange.first_changes())?;
                Some(Keeper::start(store, exchange.clone()).map_err(no_thread)?)
            }
        };
        let mut server = Self { local_addr, limits, exchange, stop, threads: Vec::new(), keeper };
        for number in 0..threads {
            // The threads share one listener: whichever is idle takes the next
            // connection.
            let thread = listener.try_clone().and_then(|listener| server.spawn(number, listener));
            match thread {
                Ok(thread) => server.threads.push(thread),
                Err(source) => return Err(no_thread(source)),
            }
        }
        tracing::debug!(address = %local_addr, threads = server.threads.len(), "listening");
        Ok(server)
    }

    fn spawn(&self, number: usize, listener: std::net::TcpListener) -> io::Result<JoinHandle<()>> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (exchange, stop, grace) = (self.exchange.clone(), self.stop.clone(), millis(self.limits.shutdown_grace_ms));
        let hands_over = self.keeper.is_some();
        let listener = {
            let _entered = runtime.enter();
            tokio::net::TcpListener::from_std(listener)?
        };
        std::thread::Builder::new().name(format!("foregather-{number}")).spawn(move || {
            // One of the threads looks after what is due for all.
            if number == 0 {
                runtime.spawn(timeouts::serve(exchange.clone(), stop.clone()));
            }
            runtime.block_on(accept::serve(listener, exchange, stop, grace, hands_over));
        })
    }

    /// Where it listens.
    pub fn local_addr(&self) -> SocketAddr {
        self.local_addr
    }

    /// The limits in force: those asked for, fewer connections where the
    /// operating system does not give as many files.
    pub fn limits(&self) -> &Limits {
        &self.limits
    }

    /// How many requests and connections were refused so far, by the name of
    /// their status code.
    pub fn refusals(&self) -> BTreeMap<&'static str, u64> {
        self.exchange.refusals()
    }

    /// How many sessions are open.
    pub fn sessions(&self) -> usize {
        self.exchange.sessions()
    }

    /// Stops: accepts nobody any more, tells everyone `SHUTTING_DOWN`, writes
    /// what waits, and returns when that is done or `shutdown_grace_ms` is over. Its state
    /// is written, and let go for the next server, before anybody is told; whoever still
    /// connects then is told the same. Blocks the calling thread.
    ///
    /// # Errors
    /// If the state could not be written. What was written before is there.
    pub fn stop(mut self) -> Result<(), StoreError> {
        self.end()
    }

    fn end(&mut self) -> Result<(), StoreError> {
        self.exchange.freeze();
        let kept = self.keeper.take().map_or(Ok(()), Keeper::finish);
        self.exchange.tell_everyone();
        self.stop.cancel();
        for thread in self.threads.drain(..) {
            // A thread that panicked has said so already.
            let _ = thread.join();
        }
        kept
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // What was not written is in the log; and it has ended already if it was stopped.
        let _ = self.end();
        tracing::info!(refusals = ?self.refusals(), "stopped");
    }
}

/// The addresses of this machine that others on its networks can reach it by:
/// IPv4 first, as it is easier to type; none of loopback.
pub fn lan_addresses() -> Vec<IpAddr> {
    let mut addresses: Vec<IpAddr> = if_addrs::get_if_addrs()
        .unwrap_or_default()
        .into_iter()
        .filter(|interface| !interface.is_loopback() && !interface.is_link_local())
        .map(|interface| interface.ip())
        .collect();
    addresses.sort_by_key(IpAddr::is_ipv6);
    addresses
}

fn millis(limit: usize) -> Duration {
    Duration::from_millis(limit as u64)
}

/// A number for the changes to go on from that is beyond those of any earlier run, as
/// long as there was less than one change a microsecond and the clock was not
/// set back.
fn version_now() -> u64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since_epoch.as_micros()).unwrap_or(u64::MAX / 2)
}

/// Raises the limit of open files to the hard limit, and lowers the number of
/// connections to what then fits.
fn fit_file_limit(limits: &mut Limits, threads: usize) {
    // A server that asks for few does not need the system's leave for many.
    let other = OTHER_FILES + (threads * accept::TURNED_AWAY_AT_ONCE) as u64;
    let wanted = limits.connections as u64 + other;
    let granted = match rlimit::increase_nofile_limit(u64::MAX) {
        Ok(granted) => granted,
        Err(error) => {
            tracing::warn!(%error, "the limit of open files could not be raised");
            return;
        }
    };
    if granted < wanted {
        limits.connections = usize::try_from(granted.saturating_sub(other)).unwrap_or(usize::MAX).max(1);
        tracing::debug!(
            granted,
            connections = limits.connections,
            "the limit of open files allows fewer connections than `connections` says; raise it (ulimit -n) for more"
        );
    }
}
