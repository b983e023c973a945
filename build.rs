//! Compiles `proto/rendezvous.proto` without needing protoc on the machine.

use prost::Message as _;
use std::{env, error::Error, fs, path::PathBuf};

fn main() -> Result<(), Box<dyn Error>> {
    println!("cargo:rerun-if-changed=proto/rendezvous.proto");
    let descriptors = protox::compile(["proto/rendezvous.proto"], ["proto"])?;

    // `foregather call` and the tests read the format from here, by reflection.
    let out = PathBuf::from(env::var("OUT_DIR")?);
    fs::write(out.join("rendezvous.binpb"), descriptors.encode_to_vec())?;

    prost_build::Config::new()
        .bytes(["."])
        .btree_map(["."])
        // A frame of empty entries must not grow much in memory.
        .boxed(".foregather.v1.Register.game")
        .boxed(".foregather.v1.Message.match")
        .boxed(".foregather.v1.Message.hello")
        .boxed(".foregather.v1.Message.welcome")
        .compile_fds(descriptors)?;
    Ok(())
}
