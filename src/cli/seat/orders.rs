//! What the owner of a game has done: typed where the seat is held, or asked for
//! by `foregather kick`.

use super::door::Door;
use crate::cli::{exit::Failure, output, player::attribute, remote::Place, stdin};
use foregather::{
    client::{GameOptions, PeerId, Return, Seat},
    limits::Limits,
};
use std::{io, ops::ControlFlow};
use tokio::sync::mpsc;
#[cfg(unix)]
use tokio::sync::oneshot;

/// Orders that wait for those before them.
const QUEUE: usize = 16;

/// What can be typed.
pub(super) const USAGE: &str = "kick PEER, ban PEER, lock, unlock, capacity N, set NAME=VALUE";

/// One thing to be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// To take somebody out.
    Kick { id: PeerId, back: Return },
    /// To change settings.
    Change(GameOptions),
}

impl Order {
    /// Reads a line.
    ///
    /// # Errors
    /// What is accepted.
    fn parse(line: &str) -> Result<Self, String> {
        let (verb, object) = line.split_once(' ').unwrap_or((line, ""));
        let object = object.trim();
        let kick = |back| match object {
            "" => Err(format!("{verb} whom? {verb} PEER")),
            id => Ok(Self::Kick { id: peer_id(id)?, back }),
        };
        let game = GameOptions::new();
        match (verb, object) {
            ("kick", _) => kick(Return::Allowed),
            ("ban", _) => kick(Return::Banned),
            ("lock", "") => Ok(Self::Change(game.locked(true))),
            ("unlock", "") => Ok(Self::Change(game.locked(false))),
            ("capacity", seats) => match seats.parse() {
                Ok(seats) => Ok(Self::Change(game.capacity(seats))),
                Err(_) => Err("how many seats? capacity 4; 0 is as many as the server allows".into()),
            },
            ("set", pair) => match attribute(pair) {
                Ok((name, value)) => Ok(Self::Change(game.attribute(name, value))),
                Err(_) => Err("set what? set mode=blitz; set mode= takes it away".into()),
            },
            _ => Err(format!("use {USAGE}")),
        }
    }
}

/// Reads a peer's id; how long it may be is for the server to say.
///
/// # Errors
/// What no server would take.
pub fn peer_id(text: &str) -> Result<PeerId, String> {
    let limits = Limits { peer_id_bytes: usize::MAX, ..Limits::default() };
    PeerId::parse(text, &limits).map_err(|refusal| output::printable(&refusal.to_string()))
}

/// An order, and who is to hear how it went.
#[derive(Debug)]
pub(super) struct Asked {
    pub(super) order: Order,
    pub(super) reply: Reply,
}

#[derive(Debug)]
pub(super) enum Reply {
    /// Whoever typed it; they see what happens.
    Here,
    /// Whoever asked through the door.
    #[cfg(unix)]
    There(oneshot::Sender<Result<(), Failure>>),
}

impl Reply {
    pub(super) fn send(self, done: Result<(), Failure>) {
        match (self, done) {
            (Self::Here, Ok(())) => {}
            (Self::Here, Err(failure)) => failure.tell(),
            // Whoever asked may not have waited.
            #[cfg(unix)]
            (Self::There(reply), done) => drop(reply.send(done)),
        }
    }
}

/// Where orders come in.
#[derive(Debug)]
pub(super) struct Orders {
    sender: mpsc::Sender<Asked>,
    queue: mpsc::Receiver<Asked>,
    door: Option<io::Result<Door>>,
}

impl Orders {
    pub(super) fn new() -> Self {
        let (sender, queue) = mpsc::channel(QUEUE);
        Self { sender, queue, door: None }
    }

    /// Takes them from standard input too, where somebody may type.
    pub(super) fn read_stdin(&self) -> Result<(), Failure> {
        if in_background() {
            return Ok(());
        }
        let sender = self.sender.clone();
        stdin::each_line(move |line| {
            let Ok(line) = line else { return ControlFlow::Break(()) };
            let line = String::from_utf8_lossy(&line);
            let asked = match line.trim() {
                "" => return ControlFlow::Continue(()),
                line => Order::parse(line).map(|order| Asked { order, reply: Reply::Here }),
            };
            let sent = asked.map(|asked| sender.blocking_send(asked));
            match sent {
                Err(fault) => output::complain(&fault),
                Ok(Err(_)) => return ControlFlow::Break(()), // The seat is given up.
                Ok(Ok(())) => {}
            }
            ControlFlow::Continue(())
        })
    }

    /// Takes them from `foregather kick` too once the seat is the owner's. If that
    /// cannot be, the game goes on without.
    pub(super) fn attend(&mut self, server: &Place, seat: &Seat) {
        if self.door.is_some() || !seat.is_owner() {
            return;
        }
        let door = Door::open(server, seat.ns(), self.sender.clone());
        match &door {
            // Where there is no such thing, `kick` says so.
            Err(error) if error.kind() == io::ErrorKind::Unsupported => {}
            Err(error) => output::complain(&format!("`foregather kick` will not work for this game: {error}")),
            Ok(_) => {}
        }
        self.door = Some(door);
    }

    pub(super) async fn next(&mut self) -> Asked {
        self.queue.recv().await.expect("a sender is kept beside it")
    }
}

/// Whether this runs in the background of a terminal, where to read from it would
/// stop the program.
#[cfg(unix)]
fn in_background() -> bool {
    rustix::termios::tcgetpgrp(io::stdin()).is_ok_and(|foreground| foreground != rustix::process::getpgrp())
}

#[cfg(not(unix))]
fn in_background() -> bool {
    false
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_order_is_a_verb_and_what_it_is_about() {
        let kick = |id: &str, back| Order::Kick { id: peer_id(id).expect("it is legal"), back };
        let game = GameOptions::new;
        for (line, order) in [
            ("kick bob", kick("bob", Return::Allowed)),
            ("ban  bob the builder", kick("bob the builder", Return::Banned)),
            ("lock", Order::Change(game().locked(true))),
            ("unlock", Order::Change(game().locked(false))),
            ("capacity 6", Order::Change(game().capacity(6))),
            ("set mode=blitz", Order::Change(game().attribute("mode", "blitz"))),
            ("set mode=", Order::Change(game().attribute("mode", ""))),
        ] {
            assert_eq!(Order::parse(line), Ok(order), "{line}");
        }
        for bad in ["kick", "ban ~x", "lock it", "capacity", "capacity -1", "set mode", "dance", ""] {
            assert!(Order::parse(bad).is_err(), "{bad}");
        }
    }
}
