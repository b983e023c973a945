//! A story that chance alone hardly ever tells: starts of one program fall out with
//! each other, and become one again.

use crate::{
    client::{Dialect, Question},
    connection::Connection,
    driver::Driver,
    verdict::Verdict,
};
use foregather::{
    domain::LeaveReason,
    wire::proto::{Game, Message, MessageType, Peer, Register, Unregister},
};

const GAME: &str = "a/b";

/// Where the one that is banned has something else.
const ELSEWHERE: &str = "a/c";

/// Turns in which a request is dealt with, mostly.
const TURNS: usize = 6;

fn register(ns: &str, id: &str, game: bool) -> Message {
    let peer = Peer { id: Some(id.to_owned()), ..Default::default() };
    let game = game.then(Box::<Game>::default);
    let entry = Register { ns: Some(ns.to_owned()), peer: Some(peer), ttl_secs: Some(30), game, ..Default::default() };
    Message {
        r#type: Some(MessageType::Register.into()),
        request_id: Some(9),
        register: vec![entry],
        ..Default::default()
    }
}

fn ban(ns: &str, id: &str) -> Message {
    let peer = Peer { id: Some(id.to_owned()), ..Default::default() };
    let entry = Unregister { ns: Some(ns.to_owned()), peer: Some(peer), ban: Some(true), ..Default::default() };
    Message {
        r#type: Some(MessageType::Unregister.into()),
        request_id: Some(9),
        unregister: vec![entry],
        ..Default::default()
    }
}

impl Driver {
    /// One who owns a game bans another. What that one has elsewhere is then taken over by
    /// the owner, or by a third, who is a member too.
    pub fn quarrel(&mut self) -> Verdict {
        let speaks = |slot: &Option<Connection>| {
            slot.as_ref().is_some_and(|connection| {
                let Connection { client, half_closed, abandoned, ended, silent, .. } = connection;
                client.dialect == Dialect::Own && !half_closed && !abandoned && !ended && !silent
            })
        };
        let there: Vec<usize> = (0..self.scenario.clients).filter(|&at| speaks(&self.slots[at])).collect();
        let Some(&[owner, banned, third, ..]) = there.get(..3) else { return Ok(()) };
        self.tell(owner, register(GAME, "owner", true))?;
        self.tell(banned, register(GAME, "banned", false))?;
        self.tell(third, register(GAME, "third", false))?;
        self.tell(banned, register(ELSEWHERE, "else", false))?;
        self.tell(owner, ban(GAME, "banned"))?;
        if self.dice.chance(50) {
            self.hang_up(banned, LeaveReason::Disconnected)?;
        }
        let heir = if self.dice.chance(50) { owner } else { third };
        self.tell(heir, register(ELSEWHERE, "else", false))
    }

    /// A client says that, and is listened to for a while.
    fn tell(&mut self, at: usize, message: Message) -> Verdict {
        self.trace.note(("tell", at), || format!("{at}: says {message:?}"));
        if let Some(connection) = &mut self.slots[at] {
            connection.client.await_answer(9, Question::Other);
            connection.send(message, self.scenario.limits.frame_bytes);
        }
        for _ in 0..TURNS {
            self.arrive(at, usize::MAX);
            self.work(at)?;
            self.read(at, usize::MAX)?;
        }
        Ok(())
    }
}
