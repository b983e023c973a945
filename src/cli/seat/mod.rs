//! A seat in a game, from when it is had until it is given up: what `host`,
//! `join` and `match` do once they are in.

#[cfg_attr(not(unix), path = "no_door.rs")]
mod door;
mod orders;

pub use door::kick;
pub use orders::peer_id;

use super::{
    connection::Connection, exit::Failure, output::Output, presence::Presence, remote::Place, signals::Signals,
    time::until,
};
use foregather::client::{Client, Seat, State};
use orders::{Asked, Order, Orders, USAGE};
use std::time::Duration;
use tokio::time::Instant;

/// What help says at the end of a command that takes a seat.
pub fn help(examples: &[&str]) -> String {
    format!(
        "A line begins with + for somebody who is there or comes, ~ for a change, - for somebody who goes, * for the \
         game itself. Whoever owns the game can type what is to be done: {USAGE}.\n\nExamples:\n  {}",
        examples.join("\n  ")
    )
}

/// How a seat is held.
#[derive(Debug)]
pub struct Stay<'a> {
    pub output: Output,
    /// The server, as it was named.
    pub place: &'a Place,
    pub signals: &'a mut Signals,
    /// For so long only.
    pub length: Option<Duration>,
}

impl Stay<'_> {
    /// Shows who and what is there and what changes, and does what its owner asks
    /// for; leaves when it is told to.
    ///
    /// # Errors
    /// If the seat is lost, or nobody can be told.
    pub async fn sit(mut self, client: Client, mut seat: Seat) -> Result<(), Failure> {
        let ns = seat.ns().clone();
        let presence = Presence::new(self.output, ns.as_str(), "nobody else is there yet; Ctrl-C leaves");
        let stayed = self.follow(&mut seat, presence, Connection::of(&client)).await;
        let leave = async {
            // Others hear that it left, rather than that its connection ended.
            // If it is not there any more, or nobody can be told, that is as good.
            if matches!(client.state(), State::Connected) {
                let _ = seat.leave().await;
            }
            client.close().await;
        };
        self.signals.or(leave).await;
        stayed
    }

    async fn follow(
        &mut self,
        seat: &mut Seat,
        mut presence: Presence<'_>,
        mut connection: Connection,
    ) -> Result<(), Failure> {
        let end = self.length.map(|length| Instant::now() + length);
        // No more are taken before the seat is left, so that the next owner can.
        let mut orders = Orders::new();
        // Whoever reads who owns the game can have somebody kicked from then on.
        orders.attend(self.place, seat);
        presence.sits(&seat.own(), seat.game().as_deref())?;
        if seat.game().is_some() {
            orders.read_stdin()?;
        }
        loop {
            tokio::select! {
                () = self.signals.next() => return Ok(()),
                () = until(end) => return Ok(()),
                () = connection.tell() => {}
                event = seat.next() => match event {
                    Some(event) => {
                        orders.attend(self.place, seat);
                        presence.tell(&event)?;
                    }
                    None => return Ok(()),
                },
                Asked { order, reply } = orders.next() => tokio::select! {
                    () = self.signals.next() => return Ok(()),
                    done = obey(seat, order, &mut presence) => reply.send(done),
                },
            }
        }
    }
}

/// Does it, and tells what is not told anyway.
async fn obey(seat: &Seat, order: Order, presence: &mut Presence<'_>) -> Result<(), Failure> {
    match order {
        Order::Kick { id, back } => Ok(seat.kick(&id, back).await?),
        Order::Change(options) => presence.game(&*seat.update(options).await?),
    }
}
