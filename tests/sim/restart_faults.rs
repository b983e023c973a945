//! Bugs of what outlives the server, as a saboteur plays them.

use crate::sabotage::Sabotage;
use foregather::domain::{Registration, State};
use std::sync::Arc;

/// What a new server goes on with, instead of what was noted.
pub fn bend_state(sabotage: Sabotage, state: &mut State) {
    match sabotage {
        Sabotage::ForgetRegistration => {
            let of_many = state.registrations.iter().find(|(joined, record)| {
                let ns = &record.registration.ns;
                let owns = state.games.get(ns).is_some_and(|game| game.owner == Some(**joined));
                !owns && state.registrations.values().filter(|other| other.registration.ns == *ns).count() > 1
            });
            if let Some(joined) = of_many.map(|(&joined, _)| joined) {
                state.registrations.remove(&joined);
            }
        }
        Sabotage::ForgetTokens => state.resumptions.clear(),
        Sabotage::ForgetKeys => state.client_keys.clear(),
        Sabotage::ForgetBans => state.games.values_mut().for_each(|game| game.banned_ids.clear()),
        Sabotage::ForgetTerm => state.games.values_mut().for_each(|game| game.term = 1),
        Sabotage::ForgetOwner => state.games.values_mut().for_each(|game| game.owner = None),
        // Only where nobody is: what is there must be older than what comes.
        Sabotage::CountAgain if state.registrations.is_empty() => state.version = 0,
        Sabotage::ShortenLease => {
            for record in state.registrations.values_mut().filter(|record| record.registration.ttl_secs > 1) {
                let mut registration = Registration::clone(&record.registration);
                registration.ttl_secs -= 1;
                record.registration = Arc::new(registration);
            }
        }
        _ => {}
    }
}
