//! The programs in `examples/`, each as its users run it: a server and several
//! processes, some of which are killed. What they print is what is checked.
#![cfg(unix)]

mod orchestrator;
mod poker;
mod process;
#[path = "../cli/program.rs"]
#[expect(dead_code, reason = "other tests need more of it")]
mod program;
mod world;
