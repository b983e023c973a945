//! The program as its users meet it: the real binary, its output, its exit codes.

#[cfg(target_os = "linux")]
mod bench;
mod call;
mod configuration;
mod discover;
#[path = "../store/folder.rs"]
mod folder;
mod games;
#[cfg(unix)]
mod kick;
mod list;
mod matches;
mod messages;
#[cfg(unix)]
mod payloads;
mod presence;
mod program;
mod serve;
mod state;
