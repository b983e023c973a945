//! A way to the server that can be cut, at any byte, or go silent.

use std::{
    io,
    net::SocketAddr,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, Ordering},
    },
};
use tokio::{
    io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _},
    net::{TcpListener, TcpStream},
    select,
    sync::watch,
    task::JoinSet,
};
use tokio_util::sync::CancellationToken;

/// How many bytes each connection carries, in either direction, before it is cut;
/// `None`: as many as there are. It is asked once for each connection.
type Length = Box<dyn FnMut() -> Option<u64> + Send>;

/// Takes connections for as long as it is there.
pub struct Proxy {
    pub address: SocketAddr,
    shared: Arc<Shared>,
    /// Ends all with the proxy.
    _tasks: JoinSet<()>,
}

struct Shared {
    server: SocketAddr,
    /// Ends the connections that there are.
    cut: Mutex<CancellationToken>,
    /// Nobody comes through.
    shut: AtomicBool,
    /// Nothing comes through.
    silent: watch::Sender<bool>,
    length: Mutex<Length>,
}

impl Proxy {
    /// Before that server.
    pub async fn before(server: SocketAddr) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port of loopback");
        let address = listener.local_addr().expect("it is bound");
        let shared = Arc::new(Shared {
            server,
            cut: Mutex::default(),
            shut: AtomicBool::default(),
            silent: watch::Sender::new(false),
            length: Mutex::new(Box::new(|| None)),
        });
        let mut tasks = JoinSet::new();
        tasks.spawn(accept(listener, shared.clone()));
        Self { address, shared, _tasks: tasks }
    }

    /// Ends the connections that there are.
    pub fn cut(&self) {
        let cut = std::mem::take(&mut *self.shared.cut.lock().expect("nobody panics while holding it"));
        cut.cancel();
    }

    /// Lets nobody in, or in again.
    pub fn shut(&self, shut: bool) {
        self.shared.shut.store(shut, Ordering::Relaxed);
    }

    /// Lets nothing through on the connections that there are, until told otherwise.
    pub fn silence(&self, silent: bool) {
        self.shared.silent.send_replace(silent);
    }

    /// Cuts the connections from now on after so many bytes each.
    pub fn cut_after(&self, length: impl FnMut() -> Option<u64> + Send + 'static) {
        *self.shared.length.lock().expect("nobody panics while holding it") = Box::new(length);
    }
}

async fn accept(listener: TcpListener, shared: Arc<Shared>) {
    let mut connections = JoinSet::new();
    loop {
        let Ok((client, _)) = listener.accept().await else { return };
        while connections.try_join_next().is_some() {}
        if shared.shut.load(Ordering::Relaxed) {
            continue;
        }
        let cut = shared.cut.lock().expect("nobody panics while holding it").clone();
        let length = (shared.length.lock().expect("nobody panics while holding it"))();
        let shared = shared.clone();
        connections.spawn(async move {
            // Whatever ends it ends both of its connections.
            select! {
                () = cut.cancelled() => {}
                _ = carry(client, shared, length) => {}
            }
        });
    }
}

async fn carry(client: TcpStream, shared: Arc<Shared>, length: Option<u64>) -> io::Result<()> {
    let server = TcpStream::connect(shared.server).await?;
    client.set_nodelay(true)?;
    server.set_nodelay(true)?;
    let ((from_client, to_client), (from_server, to_server)) = (client.into_split(), server.into_split());
    let there = pump(from_client, to_server, shared.silent.subscribe(), length);
    let back = pump(from_server, to_client, shared.silent.subscribe(), length);
    if length.is_some() {
        // The first of the two that is used up ends it.
        select! { end = there => end, end = back => end }
    } else {
        // A half that is closed is passed on as that.
        tokio::try_join!(there, back).map(drop)
    }
}

async fn pump(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut silent: watch::Receiver<bool>,
    length: Option<u64>,
) -> io::Result<()> {
    let mut left = length.unwrap_or(u64::MAX);
    let mut buffer = [0; 4_096];
    while left > 0 {
        let count = from.read(&mut buffer).await?;
        if count == 0 {
            return to.shutdown().await;
        }
        silent.wait_for(|silent| !silent).await.map_err(io::Error::other)?;
        let count = count.min(usize::try_from(left).unwrap_or(usize::MAX));
        to.write_all(&buffer[..count]).await?;
        left -= count as u64;
    }
    Ok(())
}
