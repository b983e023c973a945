use super::{
    cores::Cores,
    echo::Echo,
    peer::{Peer, framed, hello},
    process::{AT_ANY_PACE, ServerProcess},
    times::Times,
};
use bytes::Bytes;
use foregather::wire::{
    self,
    proto::{self, Message, MessageType, send::To},
};
use std::{
    error::Error,
    io,
    time::{Duration, Instant},
};

#[derive(Debug, clap::Args)]
pub struct Args {
    /// Messages that are measured on each side, each with its reply.
    #[arg(long, default_value_t = 20_000, value_parser = clap::value_parser!(u32).range(1..=10_000_000))]
    messages: u32,
    /// Messages before that, which are not counted.
    #[arg(long, default_value_t = 2_000, value_parser = clap::value_parser!(u32).range(..=1_000_000))]
    warmup: u32,
    /// Bytes of each message's payload.
    #[arg(long, default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=60_000))]
    payload: u32,
}

const NS: &str = "bench/K7QP";

pub fn run(args: &Args) -> Result<(), Box<dyn Error>> {
    let cores = Cores::apart()?;
    let server = cores.serve(|| ServerProcess::start(&AT_ANY_PACE))??;
    let [mut ada, mut bob] = ["ada", "bob"].map(|id| -> io::Result<Peer> {
        let mut peer = Peer::connect(server.address)?;
        peer.send(&[hello(id), register(id)].concat())?;
        peer.frame()?;
        peer.frame()?;
        Ok(peer)
    });
    let (ada, bob) =
        (ada.as_mut().map_err(|error| error.to_string())?, bob.as_mut().map_err(|error| error.to_string())?);
    let (there, back) = (message("bob", args.payload), message("ada", args.payload));
    let mut pass = |which: Which| -> io::Result<(Duration, Bytes)> {
        let begun = Instant::now();
        ada.send(&there)?;
        let mut heard = bob.frame()?;
        if which == Which::AndBack {
            bob.send(&back)?;
            heard = ada.frame()?;
        }
        Ok((begun.elapsed(), heard))
    };
    let frame = framed(&pass(Which::There)?.1)?;
    // What comes back from the bare loop is what comes out of the server.
    let bare = cores.serve(|| Echo::start(0, there.len(), frame.clone(), false))??;
    let mut echoed = Peer::connect(bare.address)?;

    for which in [Which::There, Which::AndBack] {
        let mut times = Times::new()?;
        for round in 0..args.warmup + args.messages {
            // Each goes first in turn: what one leaves in the caches serves the other.
            for turn in 0..2 {
                let side = ((round + turn) % 2) as usize;
                let took = if side == 0 {
                    pass(which)?.0
                } else {
                    let begun = Instant::now();
                    echoed.send(&there)?;
                    echoed.frame()?;
                    begun.elapsed()
                };
                if round >= args.warmup {
                    times.record(side, took)?;
                }
            }
        }
        let (what, hops) = match which {
            Which::There => ("from one peer to the other", 2),
            Which::AndBack => ("and the other's reply", 4),
        };
        println!(
            "send: SEND of {} bytes {what} ({hops} hops), beside a bare echo (2 hops); {} times each",
            args.payload, args.messages
        );
        times.print("bare echo");
    }
    Ok(())
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Which {
    There,
    AndBack,
}

/// REGISTER, which is answered.
fn register(id: &str) -> Bytes {
    wire::message(&Message {
        r#type: Some(MessageType::Register.into()),
        request_id: Some(1),
        register: vec![proto::Register {
            ns: Some(NS.into()),
            peer: Some(proto::Peer { id: Some(id.into()), ..Default::default() }),
            ..Default::default()
        }],
        ..Message::default()
    })
}

fn message(to: &str, payload: u32) -> Bytes {
    wire::message(&Message {
        r#type: Some(MessageType::Send.into()),
        send: vec![proto::Send {
            ns: Some(NS.into()),
            to: Some(To::Peer(to.into())),
            payload: Some(vec![b'x'; payload as usize].into()),
            ..Default::default()
        }],
        ..Message::default()
    })
}
