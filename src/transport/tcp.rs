//! TCP, tuned for short messages that should arrive at once and for peers that
//! vanish without a word.

use super::Stream;
use socket2::{Domain, Protocol, SockRef, Socket, TcpKeepalive, Type};
use std::{
    io,
    mem::MaybeUninit,
    net::{self, SocketAddr},
    time::Duration,
};
use tokio::net::TcpStream;

/// Connections that the kernel keeps until they are accepted. It clamps this to
/// its own maximum (net.core.somaxconn on Linux).
const BACKLOG: i32 = 4_096;

/// Bytes that the kernel takes for a connection before it has sent them.
#[cfg(target_os = "linux")]
const UNSENT_BYTES: u32 = 64 * 1024;

/// Questions of TCP keep-alive within the time that a peer may be silent.
const KEEPALIVE_PROBES: u32 = 4;

/// Opens a listening socket. Connections that it accepts are given up when the
/// peer's machine does not answer for `silence`.
///
/// # Errors
/// Those of the operating system, such as an address that is in use.
pub fn listen(address: SocketAddr, silence: Duration) -> io::Result<net::TcpListener> {
    Bound::new(address, silence, Sharing::Alone)?.listen()
}

/// Whether other sockets may listen on the same address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sharing {
    /// None.
    Alone,
    /// Those of the same user that say so too: a server and the one that takes over from
    /// it. On Linux whoever connects reaches the successor as soon as that listens; on other
    /// Unixes either of the two; elsewhere it is as [`Sharing::Alone`].
    Successor,
}

/// An address that is taken, and not listened on yet.
#[derive(Debug)]
pub struct Bound {
    socket: Socket,
    sharing: Sharing,
}

impl Bound {
    /// Takes the address.
    ///
    /// # Errors
    /// Those of the operating system, such as an address that is in use.
    pub fn new(address: SocketAddr, silence: Duration, sharing: Sharing) -> io::Result<Self> {
        let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
        if address.is_ipv6() {
            // [::] stands for IPv4 too, as people expect.
            socket.set_only_v6(false)?;
        }
        // Without it a restarted server waits a minute for its own old connections.
        // On Windows the option means something else: that others may listen too.
        #[cfg(unix)]
        {
            socket.set_reuse_address(true)?;
            socket.set_reuse_port(sharing == Sharing::Successor)?;
        }
        tune(&SockRef::from(&socket), silence)?;
        socket.bind(&address.into())?;
        Ok(Self { socket, sharing })
    }

    /// Begins to listen.
    ///
    /// # Errors
    /// Those of the operating system, such as an address that is in use.
    pub fn listen(self) -> io::Result<net::TcpListener> {
        self.socket.listen(BACKLOG)?;
        self.socket.set_nonblocking(true)?;
        let listener = self.socket.into();
        #[cfg(target_os = "linux")]
        if self.sharing == Sharing::Successor {
            prefer_successor(&listener)?;
        }
        // Elsewhere there is nothing to say to the kernel.
        #[cfg(not(target_os = "linux"))]
        let _ = self.sharing;
        Ok(listener)
    }
}

/// Of all sockets that listen on this one's address, only the second from now on gets
/// those who connect, if there is a second: a server's successor, from the moment at which
/// that listens. So none of them waits at the first when that is closed.
#[cfg(target_os = "linux")]
fn prefer_successor(listener: &net::TcpListener) -> io::Result<()> {
    use nix::{
        libc::{BPF_K, BPF_RET, sock_filter, sock_fprog},
        sys::socket::{setsockopt, sockopt::AttachReusePortCbpf},
    };
    // The whole program: return 1, the number of a socket in order of their listening. Where
    // there is none of that number, the kernel takes one of those that are there.
    let code = u16::try_from(BPF_RET | BPF_K).expect("they are small numbers");
    let mut program = [sock_filter { code, jt: 0, jf: 0, k: 1 }];
    setsockopt(listener, AttachReusePortCbpf, &sock_fprog { len: 1, filter: program.as_mut_ptr() })?;
    Ok(())
}

/// Prepares a connection that `listen`'s socket accepted.
///
/// # Errors
/// Those of the operating system.
#[cfg_attr(target_os = "linux", expect(unused_variables))]
pub fn accepted(stream: &TcpStream, silence: Duration) -> io::Result<()> {
    // Linux hands the listener's options on, which spares six system calls a
    // connection; elsewhere that is not promised.
    #[cfg(not(target_os = "linux"))]
    tune(&SockRef::from(stream), silence)?;
    Ok(())
}

/// Prepares a connection that was opened to a server. It is given up when the
/// server's machine does not answer for `silence`.
///
/// # Errors
/// Those of the operating system.
pub fn connected(stream: &TcpStream, silence: Duration) -> io::Result<()> {
    tune(&SockRef::from(stream), silence)
}

impl Stream for TcpStream {
    fn allow_silence(&self, silence: Duration) {
        // One that cannot be tuned has ended already.
        let _ = watch(&SockRef::from(self), silence);
    }

    fn has_unread(&self) -> bool {
        let mut byte = [MaybeUninit::uninit()];
        let seen = SockRef::from(self).peek(&mut byte);
        seen.map_or_else(|error| error.kind() != io::ErrorKind::WouldBlock, |_| true)
    }
}

fn tune(socket: &SockRef<'_>, silence: Duration) -> io::Result<()> {
    socket.set_tcp_nodelay(true)?;
    // What a slow reader has not taken is to wait where it is counted, and where its
    // going on is seen.
    #[cfg(target_os = "linux")]
    socket.set_tcp_notsent_lowat(UNSENT_BYTES)?;
    watch(socket, silence)
}

/// Lets the kernel find out when the peer's machine is gone.
fn watch(socket: &SockRef<'_>, silence: Duration) -> io::Result<()> {
    let interval = (silence / KEEPALIVE_PROBES).max(Duration::from_secs(1));
    let keepalive = TcpKeepalive::new().with_time(interval).with_interval(interval);
    #[cfg(not(windows))]
    let keepalive = keepalive.with_retries(KEEPALIVE_PROBES - 1);
    socket.set_tcp_keepalive(&keepalive)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(silence))?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write as _;

    #[cfg(target_os = "linux")]
    #[test]
    fn whoever_connects_reaches_the_successor_as_soon_as_it_listens() -> io::Result<()> {
        let silence = Duration::from_secs(20);
        let share = |address| Bound::new(address, silence, Sharing::Successor);
        let mut serving = share("127.0.0.1:0".parse().expect("an address"))?.listen()?;
        let address = serving.local_addr()?;
        // On loopback one who has connected stands in the queue.
        let reached = |listener: &net::TcpListener| std::iter::from_fn(|| listener.accept().ok()).count();
        let come = || (0..50).map(|_| net::TcpStream::connect(address)).collect::<io::Result<Vec<_>>>();
        for _ in 0..3 {
            let bound = share(address)?;
            let _before = come()?;
            assert_eq!(reached(&serving), 50);
            let successor = bound.listen()?;
            let _after = come()?;
            assert_eq!((reached(&serving), reached(&successor)), (0, 50));
            serving = successor;
        }
        let alone = Bound::new(address, silence, Sharing::Alone).map(drop);
        assert_eq!(alone.expect_err("it is in use").kind(), io::ErrorKind::AddrInUse);
        Ok(())
    }
    use tokio::net::TcpListener;

    #[tokio::test]
    async fn what_has_come_is_known_before_the_runtime_has_asked_for_it() -> io::Result<()> {
        let silence = Duration::from_secs(20);
        let listener = TcpListener::from_std(listen("127.0.0.1:0".parse().expect("an address"), silence)?)?;
        let mut client = std::net::TcpStream::connect(listener.local_addr()?)?;
        let (stream, _) = listener.accept().await?;
        assert!(!stream.has_unread());
        // Nothing is awaited from here on. On loopback a byte is there when it is written.
        client.write_all(b"x")?;
        assert!(stream.has_unread());
        let mut byte = [0];
        while stream.try_read(&mut byte).is_err() {
            stream.readable().await?;
        }
        assert!(!stream.has_unread());
        drop(client);
        assert!(stream.has_unread(), "its end is something to find out");
        Ok(())
    }

    #[tokio::test]
    async fn an_accepted_connection_is_tuned() -> io::Result<()> {
        let silence = Duration::from_secs(20);
        let listener = TcpListener::from_std(listen("127.0.0.1:0".parse().expect("an address"), silence)?)?;
        let client = TcpStream::connect(listener.local_addr()?).await?;
        let (stream, _) = listener.accept().await?;
        accepted(&stream, silence)?;
        drop(client);

        let socket = SockRef::from(&stream);
        assert!(socket.tcp_nodelay()?);
        assert!(socket.keepalive()?);
        #[cfg(target_os = "linux")]
        {
            assert_eq!(socket.tcp_keepalive_time()?, silence / 4);
            assert_eq!(socket.tcp_keepalive_interval()?, silence / 4);
            assert_eq!(socket.tcp_keepalive_retries()?, 3);
            assert_eq!(socket.tcp_user_timeout()?, Some(silence));
            assert_eq!(socket.tcp_notsent_lowat()?, UNSENT_BYTES);
        }
        Ok(())
    }
}
