//! A worker: one of however many share the requests of all clients. Here the work is
//! to square a number.

use foregather::client::{Client, ClientError, Entry, MessageEvent, Peer, Request};
use std::{future::pending, time::Duration};
use tokio::{select, signal, task::JoinSet, time::sleep};

#[derive(clap::Args)]
pub struct Options {
    /// What it is called.
    name: String,
    /// Where the workers are.
    #[arg(long, default_value = "hackagames/workers")]
    ns: String,
    /// How long a piece of work takes, in milliseconds.
    #[arg(long, default_value_t = 0)]
    work_ms: u64,
    /// It does so many pieces of work, and hangs in all that follow.
    #[arg(long, value_name = "PIECES")]
    hang_after: Option<u64>,
}

pub async fn work(client: &Client, options: Options) -> Result<(), ClientError> {
    let Options { name, ns, work_ms, hang_after } = options;
    // `Client::serve` replies to whatever comes, until it is dropped. This one ends
    // with nothing left undone, so it takes the requests itself.
    let mut requests = client.messages(&ns)?;
    let seat = client.join(&ns, Peer::new().id(&name).lease(Duration::ZERO), Entry::new()).await?;
    println!("{name} works");

    let mut pieces = JoinSet::new();
    let mut begun = 0;
    let told_to_end = told_to_end();
    tokio::pin!(told_to_end);
    loop {
        select! {
            event = requests.next() => match event {
                Some(MessageEvent::Asked(request)) => {
                    begun += 1;
                    let hangs = hang_after.is_some_and(|pieces| begun > pieces);
                    pieces.spawn(piece(request, Duration::from_millis(work_ms), hangs));
                }
                Some(MessageEvent::Ended(error)) => return Err(error),
                Some(_) => {}
                None => return Ok(()),
            },
            // Frees what a finished one has taken.
            Some(_) = pieces.join_next() => {}
            () = &mut told_to_end => break,
        }
    }
    // What is begun is finished, and only then the worker leaves. Whoever has asked it
    // meanwhile hears that it has left, and asks another.
    println!("{name} finishes {} more", pieces.len());
    while pieces.join_next().await.is_some() {}
    seat.leave().await?;
    println!("{name} has left");
    Ok(())
}

async fn piece(request: Request, work: Duration, hangs: bool) {
    let number = String::from_utf8_lossy(&request.payload).into_owned();
    println!("begins {number}");
    if hangs {
        pending::<()>().await;
    }
    sleep(work).await;
    let square = number.parse().ok().and_then(|number: u64| number.checked_mul(number));
    let reply = square.map_or("that cannot be squared".into(), |square| square.to_string());
    match request.reply(reply).await {
        Ok(()) => println!("did {number}"),
        // Whoever has asked may be gone.
        Err(error) => println!("did {number} in vain: {error}"),
    }
}

async fn told_to_end() {
    #[cfg(unix)]
    let terminated = async {
        let mut terminated = signal::unix::signal(signal::unix::SignalKind::terminate()).expect("there is no limit");
        terminated.recv().await;
    };
    #[cfg(not(unix))]
    let terminated = pending::<()>();
    select! {
        () = terminated => {}
        _ = signal::ctrl_c() => {}
    }
}
