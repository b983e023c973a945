//! Bugs of lost connections, as a saboteur plays them: what the hub is told, and what
//! it says.

use crate::sabotage::Sabotage;
use bytes::Bytes;
use foregather::{
    domain::{LeaveReason, Request, SessionId},
    hub::Order,
    wire::{self, proto},
};
use proto::{Message, RegistrationState};
use std::{collections::BTreeMap, time::Duration};

/// By how many seconds a lease is made too long, or too short.
const SECOND: u32 = 1;

/// What a saboteur must know.
#[derive(Debug, Default)]
pub struct PresenceFaults {
    /// Tokens that were given out, and the names of their sessions, oldest first.
    tokens: Vec<(Bytes, String)>,
    /// Who holds which session.
    holders: BTreeMap<String, SessionId>,
    /// Connections that were told that another one has their session.
    superseded: Vec<(SessionId, SessionId)>,
}

impl PresenceFaults {
    /// Changes what the hub is asked for.
    pub fn bend(&self, sabotage: Sabotage, request: &mut Request) {
        if let Request::Hello(hello) = request {
            let leads = |given: &Bytes| self.tokens.iter().find(|(known, _)| known == given).map(|(_, name)| name);
            match (sabotage, &mut hello.resume) {
                (Sabotage::AcceptUsedUp, Some(token)) => {
                    let name = leads(token).cloned();
                    let newest = self.tokens.iter().rev().find(|(_, known)| Some(known) == name.as_ref());
                    *token = newest.map_or(token.clone(), |(newest, _)| newest.clone());
                }
                (Sabotage::RefuseReplaced, Some(token)) => {
                    let name = leads(token).cloned();
                    let newest = self.tokens.iter().rev().find(|(_, known)| Some(known) == name.as_ref());
                    if newest.is_some_and(|(newest, _)| newest != token) {
                        *token = "not this one".into();
                    }
                }
                (Sabotage::ForgetSession, token) => *token = None,
                (Sabotage::IgnoreKey, _) => hello.client_key = Default::default(),
                (Sabotage::AskLater, _) if hello.heartbeat == Some(Duration::from_secs(3)) => {
                    hello.heartbeat = Some(Duration::from_secs(4));
                }
                _ => {}
            }
        }
        let (ttl, renew) = match request {
            Request::Register(register) => (&mut register.ttl_secs, Some(&mut register.renew)),
            Request::Match(quick_match) => (&mut quick_match.ttl_secs, None),
            _ => return,
        };
        match sabotage {
            Sabotage::ForgetLease if *ttl == 10 => *ttl = 0,
            Sabotage::LeaseTooLong if *ttl == 10 => *ttl += SECOND,
            Sabotage::LeaseTooShort if *ttl == 10 => *ttl -= SECOND,
            _ => {}
        }
        if let Some(renew) = renew
            && sabotage == Sabotage::RenewAnew
        {
            *renew = false;
        }
    }

    /// Looks at what the hub says.
    pub fn observe(&mut self, to: SessionId, message: &Message) {
        let Some(welcome) = &message.welcome else { return };
        let name = welcome.session().to_owned();
        self.tokens.extend(welcome.resume.clone().map(|token| (token, name.clone())));
        if let Some(before) = self.holders.insert(name, to) {
            self.superseded.push((before, to));
        }
    }

    /// Who is taken out instead of one whose session has gone to another connection.
    pub fn successor(&self, session: SessionId) -> Option<SessionId> {
        self.superseded.iter().find(|(before, _)| *before == session).map(|&(_, after)| after)
    }

    /// What becomes of a frame.
    pub fn spoil(&self, sabotage: Sabotage, mut message: Message) -> Option<Bytes> {
        let announced = message.request_id.is_none();
        let away = |entry: &proto::Register| entry.state() == RegistrationState::Away;
        let says = |message: &Message, wanted: LeaveReason| {
            message.unregister.iter().any(|entry| LeaveReason::from_number(entry.reason.unwrap_or(0)) == wanted)
        };
        match sabotage {
            Sabotage::KeepAwaySilent if announced && message.register.iter().any(away) => return None,
            Sabotage::HideAway => message.register.iter_mut().for_each(|entry| entry.state = None),
            Sabotage::HideExpired if announced && says(&message, LeaveReason::Expired) => return None,
            Sabotage::AskNobody if announced && message.heartbeat.is_some_and(|said| !said.reply()) => return None,
            Sabotage::ShareLease => {
                for entry in &mut message.register {
                    entry.ttl_secs.get_or_insert(7);
                }
            }
            Sabotage::SameToken => {
                if let (Some(welcome), Some((first, _))) = (&mut message.welcome, self.tokens.first()) {
                    welcome.resume = Some(first.clone());
                }
            }
            Sabotage::DenyResumed => {
                message.welcome.iter_mut().for_each(|welcome| welcome.resumed = Some(false));
            }
            Sabotage::ForgetLease | Sabotage::LeaseTooLong | Sabotage::LeaseTooShort => {
                let bent = match sabotage {
                    Sabotage::ForgetLease => 0,
                    Sabotage::LeaseTooLong => 10 + SECOND,
                    _ => 10 - SECOND,
                };
                let asked = message.register.iter_mut().filter_map(|entry| entry.ttl_secs.as_mut());
                asked.filter(|ttl| **ttl == bent).for_each(|ttl| *ttl = 10);
            }
            Sabotage::AskLater => {
                let told = message.welcome.iter_mut().filter_map(|welcome| welcome.heartbeat_ms.as_mut());
                told.filter(|told| **told == 4_000).for_each(|told| *told = 3_000);
            }
            _ => {}
        }
        Some(wire::message(&message))
    }
}

/// Whether a connection is not told what to do.
pub fn loses(sabotage: Sabotage, order: &Order) -> bool {
    match order {
        Order::End(_) => sabotage == Sabotage::KeepBoth,
        Order::Examine => sabotage == Sabotage::JudgeNobody,
        Order::AllowSilence(_) => sabotage == Sabotage::ForgetPatience,
        Order::Proceed | Order::Ask(_) => false,
    }
}
