//! Somebody who has work done, and does not care by whom.

use foregather::client::{Client, ClientError, To};
use futures::{StreamExt as _, stream};
use std::{collections::BTreeMap, time::Duration};
use tokio::time::sleep;

#[derive(clap::Args)]
pub struct Options {
    /// Where the workers are.
    #[arg(long, default_value = "hackagames/workers")]
    ns: String,
    /// The first of the numbers to be squared.
    #[arg(long, default_value_t = 1)]
    from: u64,
    /// How many of them there are.
    #[arg(long, default_value_t = 10)]
    requests: u64,
    /// How many to ask for at the same time.
    #[arg(long, default_value_t = 4)]
    at_once: usize,
    /// After how long a worker counts as stuck, in milliseconds.
    #[arg(long, default_value_t = 10_000)]
    deadline_ms: u64,
}

pub async fn ask(client: &Client, options: Options) -> Result<(), ClientError> {
    let Options { ns, from, requests, at_once, deadline_ms } = options;
    let deadline = Duration::from_millis(deadline_ms);
    let squares = (from..from + requests).map(|number| square(client, &ns, number, deadline));
    let mut squares = stream::iter(squares).buffer_unordered(at_once.max(1));
    let mut shares = BTreeMap::<String, u64>::new();
    while let Some(by) = squares.next().await {
        *shares.entry(by?).or_default() += 1;
    }
    let shares: Vec<_> = shares.into_iter().map(|(worker, share)| format!("{worker} {share}")).collect();
    println!("all {requests} are done: {}", shares.join(", "));
    Ok(())
}

/// Has one number squared. Returns who has done it.
async fn square(client: &Client, ns: &str, number: u64, deadline: Duration) -> Result<String, ClientError> {
    loop {
        // Each goes to the next worker in turn.
        let error = match client.request(ns, To::Any, number.to_string(), deadline).await {
            Ok(reply) => {
                println!("{number} squared is {} ({})", String::from_utf8_lossy(&reply.payload), reply.from);
                return Ok(reply.from.to_string());
            }
            Err(error) => error,
        };
        println!("{number} again: {error}");
        match error {
            // The worker has left with it, or hangs, or the reply was lost with the connection.
            // It may have been done, so only what can be done twice is asked for again.
            ClientError::ReceiverLeft { .. } | ClientError::Deadline { .. } | ClientError::Interrupted { .. } => {}
            // There is none, or all have too much to do. That passes.
            ClientError::NotFound(_) | ClientError::ReceiverBusy(_) => sleep(Duration::from_millis(200)).await,
            ClientError::RateLimited { retry_after, .. } => sleep(retry_after).await,
            error => return Err(error),
        }
    }
}
