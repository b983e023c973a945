//! Bugs of messages, as a saboteur plays them.

use crate::sabotage::Sabotage;
use bytes::Bytes;
use foregather::{
    domain::{Inbound, Recipient, Request, SessionId},
    wire::{self, proto::Message},
};
use std::cell::Cell;

/// What a saboteur must know.
#[derive(Debug, Default)]
pub struct MessageFaults {
    /// Somebody asks for any, and the first of them is to look busy.
    skips: Cell<bool>,
    turns: Cell<u64>,
    /// A message that the next one is to overtake, and who said it.
    kept: Option<(SessionId, String, Bytes)>,
}

impl MessageFaults {
    /// Looks at what the hub is asked for.
    pub fn observe(&self, sabotage: Sabotage, inbound: &Inbound) {
        let to_any =
            |request: &Request| matches!(request, Request::Send { message, .. } if message.to == Recipient::Any);
        if sabotage == Sabotage::SkipTurn && inbound.entries.iter().flatten().any(to_any) {
            self.turns.set(self.turns.get() + 1);
            self.skips.set(self.turns.get().is_multiple_of(3));
        }
    }

    /// Whether one that keeps up is to look as if it did not.
    pub fn hides(&self) -> bool {
        self.skips.take()
    }

    /// What becomes of a message.
    pub fn spoil(
        &mut self,
        sabotage: Sabotage,
        seventh: impl FnOnce() -> bool,
        (turn, to): (SessionId, SessionId),
        (frame, mut message): (Bytes, Message),
    ) -> Vec<(SessionId, Bytes)> {
        let same = (to, frame.clone());
        let Some(entry) = message.send.first_mut().filter(|_| message.request_id.is_none()) else {
            return vec![same];
        };
        let from = entry.from().to_owned();
        if let Some((_, _, kept)) = self.kept.take_if(|(other, said, _)| *other == to && *said == from) {
            return vec![same, (to, kept)];
        }
        if sabotage == Sabotage::SwapMessages {
            if self.kept.is_none() && seventh() {
                self.kept = Some((to, from, frame));
                return vec![];
            }
            return vec![same];
        }
        if !seventh() {
            return vec![same];
        }
        match sabotage {
            Sabotage::LoseMessage => vec![],
            Sabotage::DoubleMessage => vec![same.clone(), same],
            Sabotage::MisdeliverMessage => vec![same, (turn, frame)],
            Sabotage::ForgeSpeaker => {
                entry.from = Some(if from.starts_with('~') { "p0".into() } else { "~p0".into() });
                vec![(to, wire::message(&message))]
            }
            _ => vec![same],
        }
    }
}
