//! What each room must never know. This table is the architecture: to change one
//! is to change the other, and both are looked at together.

/// What may not stand in some files.
pub struct Rule {
    /// Rooms (`src/wire` is `src/wire.rs` and all in `src/wire/`) or single files.
    pub within: &'static [&'static str],
    /// Files in them that may.
    pub except: &'static [&'static str],
    pub never: Never,
    pub why: &'static str,
}

pub enum Never {
    /// Paths in which these segments follow each other; a single one may be a keyword.
    Paths(&'static [&'static str]),
    /// Pieces of code as `cargo fmt` leaves them.
    Code(&'static [&'static str]),
    /// Crates that Cargo.toml has in `[dependencies]`, other than these.
    CratesBut(&'static [&'static str]),
    /// Anything of the crate's own that is not in these rooms.
    RoomsBut(&'static [&'static str]),
}
use Never::{Code, CratesBut, Paths, RoomsBut};

/// Rooms without which there is nothing to check: an empty walk must not look green.
pub const CORE: &[&str] = &["src/domain", "src/wire", "src/registry", "src/session", "src/hub"];

const fn rule(within: &'static [&'static str], never: Never, why: &'static str) -> Rule {
    Rule { within, except: &[], never, why }
}

pub const RULES: &[Rule] = &[
    // Who may know whom.
    rule(
        &["src/domain", "src/limits"],
        CratesBut(&["bytes", "subtle", "uuid"]),
        "the words of the protocol need nothing else",
    ),
    rule(&["src/domain", "src/limits"], RoomsBut(&["domain", "limits"]), "the innermost rooms know none further out"),
    Rule {
        within: &["src/wire"],
        except: &["src/wire/frame.rs"],
        never: CratesBut(&["bytes", "prost"]),
        why: "wire is bytes <-> domain; only its frame reader is a codec of tokio-util",
    },
    rule(&["src/wire/frame.rs"], CratesBut(&["bytes", "prost", "tokio_util"]), "a frame reader does no I/O"),
    rule(&["src/wire"], RoomsBut(&["domain", "limits", "wire"]), "wire does not know what becomes of a message"),
    rule(
        &["src/registry"],
        CratesBut(&["bytes", "foldhash", "rand_chacha", "tracing", "uuid"]),
        "the registry is a plain state machine: no runtime, no wire format",
    ),
    rule(&["src/registry"], RoomsBut(&["domain", "limits", "registry"]), "a new door must not touch the registry"),
    rule(&["src/session"], CratesBut(&["bytes", "tracing", "uuid"]), "a session is a plain state machine"),
    rule(&["src/session"], RoomsBut(&["domain", "limits", "session"]), "a session knows nobody but itself"),
    rule(
        &["src/hub"],
        CratesBut(&["bytes", "foldhash", "subtle", "tracing", "uuid"]),
        "the hub is the server without its sockets",
    ),
    rule(
        &["src/hub"],
        RoomsBut(&["domain", "hub", "limits", "registry", "session", "wire"]),
        "the hub does not know the shells around it",
    ),
    rule(
        &["src/store"],
        CratesBut(&["bytes", "prost", "redb", "thiserror", "uuid"]),
        "a store knows its file and no runtime",
    ),
    rule(&["src/store"], RoomsBut(&["domain", "store"]), "a store knows records, not what becomes of them"),
    rule(
        &["src/transport"],
        RoomsBut(&["limits", "transport", "wire"]),
        "a transport does not know what a message means",
    ),
    rule(
        &["src/client"],
        RoomsBut(&["client", "domain", "limits", "transport", "wire"]),
        "a client holds no part of a server",
    ),
    // What makes the pure rooms pure.
    rule(
        &["src/domain", "src/limits", "src/wire", "src/registry", "src/session", "src/hub"],
        Paths(&["Instant", "SystemTime", "UNIX_EPOCH"]),
        "time is an argument",
    ),
    rule(
        &["src/domain", "src/limits", "src/wire", "src/registry", "src/session", "src/hub"],
        Paths(&["async", "await", "std::thread", "Mutex", "RwLock", "Condvar", "mpsc"]),
        "nothing waits in here",
    ),
    rule(
        &["src/domain", "src/limits", "src/wire", "src/registry", "src/session", "src/hub"],
        Paths(&["TcpListener", "TcpStream", "UdpSocket", "std::os::unix::net", "std::fs", "std::env", "std::process"]),
        "bytes come in and go out as values",
    ),
    rule(
        &["src/domain", "src/limits", "src/wire", "src/registry", "src/session", "src/hub"],
        Paths(&["OsRng", "SysRng", "getrandom", "thread_rng", "Uuid::new_v4", "RandomState"]),
        "randomness is seeded from outside, so that a run can be repeated",
    ),
    Rule {
        within: &["src/registry"],
        except: &["src/registry/table.rs"],
        never: Paths(&["HashMap", "HashSet"]),
        why: "nothing may depend on the order of a HashMap; a Table has none",
    },
    // What the shells leave to the pure rooms.
    rule(&["src/server"], Paths(&["Namespace::parse", "PeerId::parse"]), "what is legal is decided in wire"),
    Rule {
        within: &["src"],
        except: &["src/server/accept.rs"],
        never: Paths(&["time::sleep"]),
        why: "timers belong to a deadline; only a listener that has no file handles left waits blindly",
    },
    // Everywhere.
    rule(&["src"], Paths(&["unsafe"]), "nothing here is worth it"),
    rule(&["src"], Paths(&["unwrap"]), "`expect` says why it holds"),
    rule(&["src"], Paths(&["dead_code"]), "what nobody uses goes"),
    rule(&["src"], Paths(&["unbounded_channel", "mpsc::unbounded"]), "every queue has a limit"),
    rule(&["src"], Code(&["todo!", "unimplemented!", "dbg!"]), "unfinished work is no commit"),
    rule(&["src", "tests"], Code(&["#[ignore"]), "a test that does not run tests nothing"),
    rule(&["src", "tests"], Paths(&["thread::sleep"]), "it holds up a whole thread"),
    rule(&["tests"], Paths(&["time::sleep"]), "a test waits for something that happens, not for time to pass"),
];

/// The most lines of a file in `src/`.
pub const MAX_LINES: usize = 600;

/// The fewest characters in which an `expect` can say why it holds.
pub const MIN_REASON: usize = 10;

/// Where somebody's machine keeps things; put together here so as not to find itself.
pub const MACHINE_PATHS: &[&str] =
    &[concat!("/", "work/"), concat!("/", "home/"), concat!("/", "root/"), concat!("/", "tmp/wt")];
