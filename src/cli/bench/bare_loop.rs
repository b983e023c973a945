use bytes::Bytes;
use rustix::{
    buffer::spare_capacity,
    event::epoll::{self, CreateFlags, EventData, EventFlags},
};
use std::{
    collections::BTreeMap,
    io::{self, Read as _, Write as _},
    net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream},
    thread,
};

/// What the bare loop sends; the bytes are those that a server would.
pub(super) struct Script {
    /// How long a request is.
    pub(super) request_bytes: usize,
    /// So many who come first are members, and stay.
    pub(super) members: usize,
    /// What is sent to the others: to each request the next of these, and after
    /// the last the first again.
    pub(super) replies: Vec<Bytes>,
    /// What each member is sent when one comes.
    pub(super) announcement: Bytes,
    /// What each member is sent when one goes; nothing if it is empty.
    pub(super) farewell: Bytes,
}

/// Serves `script` on a thread of its own until the process ends: one thread,
/// epoll, no framing, no parsing. What any server must do at least.
pub(super) fn start(script: Script) -> io::Result<SocketAddr> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?;
    listener.set_nonblocking(true)?;
    let address = listener.local_addr()?;
    let poll = epoll::create(CreateFlags::CLOEXEC)?;
    epoll::add(&poll, &listener, EventData::new_u64(0), EventFlags::IN)?;
    thread::Builder::new().name("bare loop".into()).spawn(move || -> io::Result<()> {
        let mut newcomers: BTreeMap<u64, TcpStream> = BTreeMap::new();
        let mut members: Vec<TcpStream> = Vec::new();
        let mut replies = script.replies.iter().cycle();
        let mut last = 0;
        let mut events = Vec::with_capacity(64);
        let mut request = vec![0; script.request_bytes];
        loop {
            events.clear();
            epoll::wait(&poll, spare_capacity(&mut events), None)?;
            for event in &events {
                let key = event.data.u64();
                if key == 0 {
                    let (stream, _) = listener.accept()?;
                    stream.set_nonblocking(true)?;
                    stream.set_nodelay(true)?;
                    last += 1;
                    epoll::add(&poll, &stream, EventData::new_u64(last), EventFlags::IN)?;
                    newcomers.insert(last, stream);
                    continue;
                }
                let Some(stream) = newcomers.get_mut(&key) else { continue };
                match stream.read(&mut request) {
                    Ok(read) if read == script.request_bytes => {}
                    _ => {
                        newcomers.remove(&key);
                        if !script.farewell.is_empty() {
                            for mut member in &members {
                                member.write_all(&script.farewell)?;
                            }
                        }
                        continue;
                    }
                }
                if members.len() < script.members {
                    let member = newcomers.remove(&key).expect("it was read from just now");
                    epoll::delete(&poll, &member)?;
                    members.push(member);
                    continue;
                }
                stream.write_all(replies.next().ok_or(io::ErrorKind::InvalidInput)?)?;
                for mut member in &members {
                    member.write_all(&script.announcement)?;
                }
            }
        }
    })?;
    Ok(address)
}
