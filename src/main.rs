//! The program `foregather`: a server to run, and a client to try it with.

mod cli;

fn main() -> std::process::ExitCode {
    cli::main()
}
