//! The door through which `foregather kick` asks the process that holds the
//! owner's seat: a Unix socket that only the same user can reach. A session
//! owns what it made, so nobody else could do it.

use super::orders::{Asked, Order, Reply, peer_id};
use crate::cli::{
    exit::{Exit, Failure},
    output::printable,
    remote::Place,
};
use foregather::client::{Namespace, Return};
use rustix::process::getuid;
use serde_json::{Value, json};
use std::{
    env, fs, io,
    os::unix::fs::{DirBuilderExt as _, MetadataExt as _, PermissionsExt as _},
    path::{Path, PathBuf},
    process,
    time::Duration,
};
use tokio::{
    io::{AsyncBufReadExt as _, AsyncRead, AsyncReadExt as _, AsyncWriteExt as _, BufReader},
    net::{UnixListener, UnixStream},
    sync::{mpsc, oneshot},
    task::JoinHandle,
    time::timeout,
};

/// How long whoever comes may take to say what they want.
const LISTEN: Duration = Duration::from_secs(2);

/// How long an answer may take: longer than the server may.
const PATIENCE: Duration = Duration::from_secs(15);

/// The longest line, either way.
const LINE_BYTES: u64 = 64 * 1_024;

/// Open for as long as it is kept.
#[derive(Debug)]
pub(in crate::cli) struct Door {
    path: PathBuf,
    /// Which file there is this door: a later one of the same game takes the path.
    inode: u64,
    task: JoinHandle<()>,
}

impl Door {
    /// Opens the door of that game, in the place of one that was left behind: it
    /// has one owner, and that is whoever calls this.
    pub(super) fn open(server: &Place, ns: &Namespace, orders: mpsc::Sender<Asked>) -> io::Result<Self> {
        let path = path(server, ns)?;
        // Made under a name of its own, it takes the other's place at once.
        let made = path.with_extension(process::id().to_string());
        // Left behind by a process of the same number.
        let _ = fs::remove_file(&made);
        let listener = UnixListener::bind(&made)?;
        fs::set_permissions(&made, fs::Permissions::from_mode(0o600))?;
        let inode = fs::metadata(&made)?.ino();
        fs::rename(&made, &path)?;
        let game = game(server, ns);
        let task = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                // Whoever says nothing, or does not wait, is not served.
                let _ = serve(stream, &game, &orders).await;
            }
        });
        Ok(Self { path, inode, task })
    }
}

impl Drop for Door {
    fn drop(&mut self) {
        self.task.abort();
        if fs::metadata(&self.path).is_ok_and(|file| file.ino() == self.inode) {
            // If it stays, the next one takes its place.
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// Passes on what one asks for, and answers.
async fn serve(mut stream: UnixStream, game: &Value, orders: &mpsc::Sender<Asked>) -> io::Result<()> {
    let request = timeout(LISTEN, line(&mut stream)).await??;
    let done = match order(&request, game) {
        None => Err(Failure::new(Exit::BadInput, "the program that holds the owner's seat does not understand this")),
        Some(order) => {
            let (reply, done) = oneshot::channel();
            // If nobody takes it, the seat is being given up; then so is the reply.
            let _ = orders.send(Asked { order, reply: Reply::There(reply) }).await;
            done.await.unwrap_or_else(|_| Err(Failure::new(Exit::Unreachable, "the owner has just left")))
        }
    };
    let answer = match done {
        Ok(()) => json!({ "exit": Exit::Done as u8 }),
        Err(failure) => failure.to_json(),
    };
    stream.write_all(format!("{answer}\n").as_bytes()).await
}

fn order(request: &Value, game: &Value) -> Option<Order> {
    let id = Some(request).filter(|request| request["game"] == *game)?["kick"].as_str()?;
    let back = if request["ban"].as_bool()? { Return::Banned } else { Return::Allowed };
    Some(Order::Kick { id: peer_id(id).ok()?, back })
}

/// Has the process that holds the owner's seat take somebody out.
///
/// # Errors
/// If there is none on this machine, or as it was refused.
pub async fn kick(server: &Place, ns: &Namespace, id: &str, ban: bool) -> Result<(), Failure> {
    let not_here = |error: io::Error| {
        let what = format!(
            "{} on {server} is not owned by a process of this user on this machine ({error}). Only its owner can \
             kick: type `kick {}` where `foregather host` runs, or name the --server as it was named there",
            printable(ns.as_str()),
            printable(id)
        );
        Failure::new(Exit::Unreachable, what)
    };
    let mut stream = UnixStream::connect(path(server, ns).map_err(not_here)?).await.map_err(not_here)?;
    let ask = async {
        let request = json!({ "game": game(server, ns), "kick": id, "ban": ban });
        stream.write_all(format!("{request}\n").as_bytes()).await?;
        line(&mut stream).await
    };
    match timeout(PATIENCE, ask).await {
        Ok(Ok(answer)) => Failure::from_json(&answer),
        Ok(Err(error)) => Err(not_here(error)),
        Err(_) => Err(Failure::new(
            Exit::NoAnswer,
            format!("the program that holds the owner's seat did not answer within {PATIENCE:?}"),
        )),
    }
}

/// Reads one line, which is JSON.
async fn line(stream: &mut (impl AsyncRead + Unpin)) -> io::Result<Value> {
    let mut line = String::new();
    BufReader::new(stream.take(LINE_BYTES)).read_line(&mut line).await?;
    Ok(serde_json::from_str(&line)?)
}

/// Which game it is.
fn game(server: &Place, ns: &Namespace) -> Value {
    json!([server.to_string(), ns.as_str()])
}

/// Where the door of that game is: a path may be little more than a hundred bytes
/// long, and a namespace is longer. Should two games share a number, the door
/// knows which is its own.
fn path(server: &Place, ns: &Namespace) -> io::Result<PathBuf> {
    Ok(folder()?.join(format!("{:016x}.sock", fnv1a(game(server, ns).to_string().as_bytes()))))
}

/// The hash FNV-1a, which is the same in every release.
fn fnv1a(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

/// A folder that only this user can enter.
fn folder() -> io::Result<PathBuf> {
    let folder = match env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.is_absolute()) {
        Some(runtime) => runtime.join("foregather"),
        None => env::temp_dir().join(format!("foregather-{}", getuid().as_raw())),
    };
    match fs::DirBuilder::new().mode(0o700).create(&folder) {
        Err(error) if error.kind() != io::ErrorKind::AlreadyExists => Err(error),
        _ => private(&folder).map(|()| folder.clone()),
    }
}

/// Refuses a folder that others have made or may enter.
fn private(folder: &Path) -> io::Result<()> {
    let found = fs::symlink_metadata(folder)?;
    if found.is_dir() && found.uid() == getuid().as_raw() && found.mode() & 0o077 == 0 {
        return Ok(());
    }
    Err(io::Error::other(format!("{} is not a folder of this user alone", folder.display())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_game_of_every_server_has_a_number_of_its_own() {
        let number = |host: &str, ns: &str| {
            let server = Place { host: host.into(), port: 7638 };
            fnv1a(game(&server, &Namespace::parse(ns).expect("it is legal")).to_string().as_bytes())
        };
        let numbers = [number("a", "b/c"), number("a", "b"), number("b", "b"), number("a", &"x".repeat(255))];
        for (index, one) in numbers.iter().enumerate() {
            assert!(!numbers[..index].contains(one), "{index}");
        }
        // As published with the algorithm.
        assert_eq!(fnv1a(b"foobar"), 0x8594_4171_f739_67e8);
    }
}
