//! `foregather serve`: the server, until it is told to stop.

use super::{
    block_on,
    exit::{Exit, Failure},
    log,
    output::Output,
    settings::{Flags, Settings},
    signals::Signals,
};
use foregather::{
    server::{self, DEFAULT_PORT, Server, ServerOptions, StartError},
    store::StoreError,
};
use serde_json::json;
use std::{
    env, io,
    net::{Ipv4Addr, Ipv6Addr, SocketAddr},
    thread,
    time::Duration,
};
use tokio::{sync::oneshot, time::timeout};

/// For how long a server that is told to stop while it starts may go on with that.
const START_GRACE: Duration = Duration::from_secs(1);

/// Addresses that a person is shown; a machine full of virtual networks has more.
const LAN_SHOWN: usize = 3;

/// Run the server
///
/// It prints where it listens and serves until Ctrl-C (or SIGTERM): then it tells everyone, and
/// ends. A second Ctrl-C ends it at once.
///
/// Settings come from flags, else from variables (FOREGATHER_LISTEN, FOREGATHER_FRAME_BYTES), else
/// from the file that --config or FOREGATHER_CONFIG names, else they are the defaults.
#[derive(Debug, Default, clap::Args)]
#[command(after_help = "\
Examples:
  foregather serve
  foregather serve --listen 127.0.0.1:0 --json
  foregather serve --config foregather.toml --threads 4 --connections 20_000
  foregather serve --state foregather.state
The limits are in --help; -h leaves them out.")]
pub struct Serve {
    #[command(flatten)]
    flags: Flags,
}

impl Serve {
    pub fn run(self, output: Output) -> Result<(), Failure> {
        let settings = Settings::gather(self.flags, env::vars_os())?;
        log::init(&settings.log, settings.log_format)?;
        block_on(serve(settings, output))
    }
}

async fn serve(settings: Settings, output: Output) -> Result<(), Failure> {
    // From before the server can be found: a signal that comes early stops it in
    // an orderly way too.
    let mut signals = Signals::new()?;
    let threads = settings.server.threads;
    let Some(server) = start(settings.server, &mut signals).await? else { return Ok(()) };
    announce(&server, threads, output)?;
    signals.next().await;

    // The server tells everyone on a thread of its own, so that this one can hear
    // a second signal.
    let (done, stopped) = oneshot::channel();
    thread::Builder::new()
        .name("foregather-stop".into())
        .spawn(move || {
            // Nobody waits any more if a second signal came.
            let _ = done.send(server.stop());
        })
        .map_err(no_thread)?;
    tokio::select! {
        stopped = stopped => match stopped {
            Ok(stopped) => stopped.map_err(not_written),
            // Its thread panicked, and has said so.
            Err(_) => Err(Failure::silent(Exit::System)),
        },
        () = signals.next() => Err(Failure::new(Exit::Interrupted, "stopped at once, before everyone was told")),
    }
}

/// Starts the server on a thread of its own, as it may have to wait for another one to end;
/// `None` if it was told to stop meanwhile.
async fn start(options: ServerOptions, signals: &mut Signals) -> Result<Option<Server>, Failure> {
    let (done, mut started) = oneshot::channel();
    thread::Builder::new()
        .name("foregather-start".into())
        .spawn(move || {
            // Nobody waits any more if it took too long after a signal.
            let _ = done.send(Server::start(options));
        })
        .map_err(no_thread)?;
    let (outcome, stopped) = tokio::select! {
        outcome = &mut started => (outcome.ok(), false),
        // One that only has to read its state is stopped in an orderly way.
        () = signals.next() => (timeout(START_GRACE, started).await.ok().and_then(Result::ok), true),
    };
    match outcome {
        None => Ok(None),
        Some(Ok(server)) if !stopped => Ok(Some(server)),
        Some(Ok(server)) => server.stop().map(|()| None).map_err(not_written),
        Some(Err(error)) => Err(not_started(&error)),
    }
}

fn no_thread(error: io::Error) -> Failure {
    Failure::new(Exit::System, format!("cannot start a thread: {error}"))
}

fn not_written(error: StoreError) -> Failure {
    Failure::new(Exit::Output, format!("the state is not as it was at the end: {error}"))
}

fn not_started(error: &StartError) -> Failure {
    let hint = match error {
        StartError::Listen { source, .. } => match source.kind() {
            io::ErrorKind::AddrInUse => "; is a server running there already? --listen takes another port",
            io::ErrorKind::AddrNotAvailable => "; --listen takes an address of this machine, or 0.0.0.0 for all",
            io::ErrorKind::PermissionDenied => "; --listen takes another port, 1024 or higher",
            _ => "",
        },
        StartError::State(StoreError::InUse { .. }) => "; --state-wait says for how long it is waited for",
        StartError::State(_) | StartError::Limits(_) | StartError::System { .. } => "",
    };
    let exit = if matches!(error, StartError::Limits(_)) { Exit::Usage } else { Exit::System };
    Failure::new(exit, format!("{error}{hint}"))
}

/// Says where the server listens, and how to try it.
fn announce(server: &Server, threads: usize, output: Output) -> Result<(), Failure> {
    let address = server.local_addr();
    let lan = lan(address);
    let text = || {
        let whence = if address.ip().is_loopback() {
            " (this machine only)".into()
        } else if lan.is_empty() {
            String::new()
        } else {
            let shown: Vec<String> = lan.iter().take(LAN_SHOWN).map(ToString::to_string).collect();
            format!(" (on your LAN: {})", shown.join(", "))
        };
        format!("foregather listens on {address}{whence}. Try: foregather watch chess/K7QP{}", server_flag(address))
    };
    let json = || {
        json!({
            "event": "listening",
            "address": address,
            "lan": lan,
            "threads": threads,
            "version": env!("CARGO_PKG_VERSION"),
        })
    };
    output.event(text, json)
}

/// What others on the networks of this machine can type.
fn lan(address: SocketAddr) -> Vec<SocketAddr> {
    if !address.ip().is_unspecified() {
        return Vec::new();
    }
    // [::] stands for IPv4 too.
    let reachable = |ip: &std::net::IpAddr| address.is_ipv6() || ip.is_ipv4();
    server::lan_addresses().into_iter().filter(reachable).map(|ip| (ip, address.port()).into()).collect()
}

/// The flag by which a client on this machine finds the server, if it takes one.
fn server_flag(address: SocketAddr) -> String {
    let ip = address.ip();
    let found_without = ip == Ipv4Addr::LOCALHOST || ip == Ipv4Addr::UNSPECIFIED || ip == Ipv6Addr::UNSPECIFIED;
    if found_without && address.port() == DEFAULT_PORT {
        return String::new();
    }
    let ip = if ip.is_unspecified() { Ipv4Addr::LOCALHOST.into() } else { ip };
    format!(" --server {}", SocketAddr::new(ip, address.port()))
}
