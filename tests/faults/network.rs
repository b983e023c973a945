//! Networks whose cable can be pulled: two of the kernel's network namespaces and
//! a pair of virtual devices between them. They go with the processes that made
//! them, so there is nothing to tidy up.

use crate::{
    client::Client,
    program::{Program, Server, foregather},
};
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use socket2::{Domain, Protocol, Socket, Type};
use std::{
    env,
    fs::File,
    io::{BufRead as _, BufReader},
    net::{Ipv4Addr, SocketAddr},
    os::fd::AsFd as _,
    process::{Child, Command, Stdio},
    thread,
};
use tokio::net::TcpStream;

/// Set for the process that plays a test through in a network of its own.
const INSIDE: &str = "FOREGATHER_TEST_NETWORK";

/// Where the server is.
const NEAR: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 1);

/// Where clients are, at the other end of the cable.
pub const FAR: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 2);

/// Where they are after they have moved.
pub const FARTHER: Ipv4Addr = Ipv4Addr::new(10, 77, 0, 3);

/// Plays that test through where it can make networks, which takes a system that
/// allows it to somebody (root, or anybody in a namespace of users).
#[track_caller]
pub fn in_a_network_of_its_own(test: &str, play: impl Future<Output = ()>) {
    if env::var_os(INSIDE).is_some() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build();
        return runtime.expect("a runtime").block_on(play);
    }
    let allowed = |flags: &[&str]| Command::new("unshare").args(flags).arg("true").output();
    let flags: &[&str] = match allowed(&["--net"]) {
        Ok(output) if output.status.success() => &["--net"],
        _ => &["--map-root-user", "--net"],
    };
    let output = Command::new("unshare")
        .args(flags)
        .arg(env::current_exe().expect("a test knows its program"))
        .args([test, "--exact", "--nocapture"])
        .env(INSIDE, "1")
        .output()
        .expect("unshare is there (util-linux)");
    let text = String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "it needs a network of its own, `unshare {} true` tells whether it may have one:\n{text}",
        flags.join(" ")
    );
}

/// Runs a command that must work.
#[track_caller]
fn run(command: &str) {
    let mut words = command.split(' ');
    let program = words.next().expect("a command has a name");
    let output = Command::new(program).args(words).output().unwrap_or_else(|error| panic!("{program}: {error}"));
    assert!(output.status.success(), "{command}: {}", String::from_utf8_lossy(&output.stderr));
}

/// A cable from here to a network of its own.
pub struct Cable {
    /// Holds the network at the far end.
    far: Child,
}

impl Drop for Cable {
    fn drop(&mut self) {
        // Both fail only for a process that is gone, which is what is wanted.
        let _ = self.far.kill();
        let _ = self.far.wait();
    }
}

impl Cable {
    pub fn lay() -> Self {
        run("ip link set lo up");
        let mut far = Command::new("unshare")
            .args(["--net", "sh", "-c", "echo there; exec cat"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("unshare is there");
        let mut line = String::new();
        BufReader::new(far.stdout.take().expect("it is piped")).read_line(&mut line).expect("it speaks");
        assert_eq!(line, "there\n");
        let cable = Self { far };
        run(&format!("ip link add near type veth peer name far netns {}", cable.far.id()));
        run(&format!("ip addr add {NEAR}/24 dev near"));
        run("ip link set near up");
        for address in [FAR, FARTHER] {
            cable.at_the_far_end(&format!("ip addr add {address}/24 dev far"));
        }
        cable.at_the_far_end("ip link set far up");
        cable
    }

    #[track_caller]
    fn at_the_far_end(&self, command: &str) {
        run(&format!("nsenter --net=/proc/{}/ns/net {command}", self.far.id()));
    }

    /// Nothing gets through any more, and nobody is told.
    pub fn cut(&self) {
        self.at_the_far_end("ip link set far down");
    }

    pub fn mend(&self) {
        self.at_the_far_end("ip link set far up");
    }

    /// What the server says gets lost; what it is told arrives. (The server's
    /// machine takes the client's for another.)
    pub fn cut_one_way(&self) {
        run(&format!("ip neigh replace {FAR} lladdr 02:00:00:00:00:99 dev near nud permanent"));
    }

    pub fn mend_one_way(&self) {
        run(&format!("ip neigh del {FAR} dev near"));
    }

    /// A server at the near end.
    pub fn server(&self, flags: &[&str]) -> Server {
        let program = Program::start(foregather(&["serve", "--json", "--listen", &format!("{NEAR}:0")]).args(flags));
        let address = program.json()["address"].as_str().expect("it says where it listens").into();
        Server { program, address }
    }

    /// A client at the far end, at that address.
    pub fn client_at(&self, from: Ipv4Addr, server: SocketAddr) -> Client {
        let namespace = File::open(format!("/proc/{}/ns/net", self.far.id())).expect("it is there");
        // A socket stays where the thread was that made it.
        let connecting = thread::spawn(move || {
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network))?;
            let socket = Socket::new(Domain::IPV4, Type::STREAM, Some(Protocol::TCP))?;
            socket.bind(&SocketAddr::from((from, 0)).into())?;
            socket.connect(&server.into())?;
            socket.set_nonblocking(true)?;
            Ok::<_, std::io::Error>(socket)
        });
        let socket = connecting.join().expect("it does not panic").expect("the cable is whole");
        Client::on(TcpStream::from_std(socket.into()).expect("it is a stream"))
    }
}
