//! Judges the answers that are no lists.

use super::{Oracle, ask::payload_most, matches::Seat, rules::Expected, world::World};
use crate::verdict::{Verdict, ensure};
use foregather::{
    domain::Code,
    wire::proto::{Message, MessageType, StatusCode},
};
use std::collections::VecDeque;

impl Oracle {
    /// Takes the answer from the front of what a session is told.
    pub(super) fn hear_answer(
        &mut self,
        session: u64,
        later: Option<u64>,
        expected: Expected,
        heard: &mut VecDeque<&Message>,
    ) -> Verdict {
        let known = self.world.session(session);
        let (request_id, alone) = (later.or(known.request_id), known.alone);
        let expected = match expected {
            Expected::List(listing) => {
                self.granted += 1;
                if let Some(mark) = self.world.bookmarks.last()
                    && !listing.trail.is_empty()
                    && mark.births < self.world.births
                {
                    self.old_cookies += 1;
                }
                let listing = match self.world.hear_return(session, listing, heard)? {
                    Some(listing) => self.world.hear_list(session, listing, heard, alone, false)?,
                    None => None,
                };
                self.world.session(session).listing = listing;
                return Ok(());
            }
            Expected::Games(answer) => {
                self.granted += 1;
                return self.world.hear_games_answer(session, request_id, answer, heard);
            }
            Expected::Seat(seat) => {
                self.granted += 1;
                return self.world.hear_seat(session, request_id, &seat, heard);
            }
            Expected::Impossible(fault) => return Err(fault),
            // Success without a list is silent to a client of the seed.
            Expected::Done | Expected::Sent { .. } | Expected::Granted { .. } if request_id.is_none() => {
                self.granted += 1;
                return Ok(());
            }
            other => other,
        };
        let Some(answer) = heard.pop_front() else {
            return Err(format!("session {session} is not told: {expected:?}"));
        };
        let wrong = || format!("session {session} should be told {expected:?}, is told {answer:?}");
        ensure!(answer.request_id == request_id && answer.more.is_none(), "{}", wrong());
        let status = answer.status.as_ref();
        let code = status.map(|status| status.code.unwrap_or(0)).and_then(Code::from_number);
        let names_one = matches!(expected, Expected::Sent { .. });
        ensure!(answer.send.is_empty() || names_one, "{}", wrong());
        let kind = match &expected {
            Expected::Granted { .. } => MessageType::Register,
            Expected::Welcome { .. } => MessageType::Welcome,
            Expected::Heartbeat { .. } => MessageType::Heartbeat,
            _ => MessageType::Status,
        };
        ensure!(answer.r#type == Some(kind.into()), "{}", wrong());
        if let Expected::Refused { codes, retry_after_ms, wanted } = &expected {
            let Some((code, status)) = code.zip(status) else { return Err(wrong()) };
            self.refuse(code);
            let told = codes.contains(&code) && !status.text().is_empty() && status.retry_after_ms == *retry_after_ms;
            ensure!(told, "{}", wrong());
            let named = answer.game.first().map(|game| (game.ns().to_owned(), game.app_version().to_owned()));
            ensure!(named == *wanted && answer.game.len() < 2, "{}", wrong());
            return Ok(());
        }
        self.granted += 1;
        ensure!(code == request_id.map(|_| Code::Ok), "{}", wrong());
        match &expected {
            Expected::Granted { birth, game } => {
                let peer = self.world.born(*birth).expect("it was granted just now").clone();
                let [entry] = answer.register.as_slice() else { return Err(wrong()) };
                ensure!(entry.ttl_secs == Some(peer.ttl), "{}", wrong());
                self.world.check_entry(&peer, entry)?;
                match (game, answer.game.as_slice()) {
                    (Some(shown), [told]) => self.world.check_game(shown, told)?,
                    (None, []) => {}
                    (game, _) => return Err(format!("{answer:?} should show {game:?}")),
                }
            }
            Expected::Welcome { resumed, interval } => {
                let observed = self.world.session(session).observed.to_string();
                let limits = &self.world.limits;
                let Some(welcome) = &answer.welcome else { return Err(wrong()) };
                let said = welcome.limits.unwrap_or_default();
                let right = welcome.protocol() == 1
                    && welcome.observed() == observed
                    && welcome.resumed == Some(*resumed)
                    && u128::from(welcome.heartbeat_ms()) == interval.as_millis()
                    && welcome.heartbeat_retries() as usize == limits.heartbeat_retries
                    && said.ttl_secs() as usize == limits.ttl_secs
                    && said.frame_bytes() as usize == limits.frame_bytes
                    && said.payload_bytes() as usize == payload_most(limits)
                    && said.wait_ms() as usize == limits.wait_ms
                    && said.registrations() as usize == limits.registrations_per_connection
                    && said.watches() as usize == limits.watches_per_connection;
                ensure!(right, "{}", wrong());
                let heard = self.world.hear_welcome(session, welcome.session(), welcome.resume(), *resumed);
                heard.map_err(|what| format!("{what}: {answer:?}"))?;
            }
            Expected::Sent { ns, birth } => {
                self.world.hear_sent(ns, *birth, answer).map_err(|what| format!("{what}: {answer:?}"))?;
            }
            Expected::Heartbeat { nonce } => {
                let right = answer.heartbeat.is_some_and(|said| said.nonce == Some(*nonce) && said.reply == Some(true));
                ensure!(right, "{}", wrong());
            }
            Expected::Done
            | Expected::Refused { .. }
            | Expected::List(_)
            | Expected::Games(_)
            | Expected::Seat(_)
            | Expected::Impossible(_) => {}
        }
        Ok(())
    }
}

impl World {
    /// Takes the answer to MATCH: the game and the own entry, then all others.
    fn hear_seat(&mut self, session: u64, number: Option<u64>, seat: &Seat, heard: &mut VecDeque<&Message>) -> Verdict {
        let mut listed = 0;
        let mut first = true;
        let mut more = true;
        while more {
            let Some(frame) = heard.pop_front() else {
                return Err(format!("session {session} is not told all of {seat:?}"));
            };
            let wrong = || format!("session {session} should be told {seat:?}, is told {frame:?}");
            let status = frame.status.as_ref().map(|status| status.code());
            ensure!(frame.r#type == Some(MessageType::Match.into()) && frame.request_id == number, "{}", wrong());
            ensure!(status == Some(StatusCode::Ok), "{}", wrong());
            let [heading] = frame.rendezvous.as_slice() else { return Err(wrong()) };
            ensure!(heading.ns() == seat.own.ns && heading.snapshot == Some(true), "{}", wrong());
            let Some(version) = heading.version else { return Err(wrong()) };
            self.versions.learn_mark(&mut seat.game.mark.clone(), version)?;
            let mut entries = frame.register.iter();
            if first {
                let ([game], Some(own)) = (frame.game.as_slice(), entries.next()) else { return Err(wrong()) };
                let granted = own.ttl_secs == Some(seat.own.ttl);
                ensure!(game.version == Some(version) && granted, "{}", wrong());
                self.check_entry(&seat.own, own)?;
                self.check_game(&seat.game, game)?;
            } else {
                ensure!(frame.game.is_empty(), "{}", wrong());
            }
            for entry in entries {
                let Some(other) = seat.others.get(listed) else { return Err(wrong()) };
                self.check_other(other, entry)?;
                listed += 1;
            }
            first = false;
            more = frame.more == Some(true);
        }
        ensure!(listed == seat.others.len(), "session {session} is told of {listed} others of {seat:?}");
        Ok(())
    }
}
