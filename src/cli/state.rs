//! `foregather state`: what a server has kept for its next start.

use super::{
    exit::{Exit, Failure},
    output::{Output, attributes, printable},
    table,
};
use foregather::{
    domain::{GameRecord, Namespace, RegistrationRecord},
    store::{self, Inspection, Origin, StoreError},
};
use serde_json::{Value, json};
use std::{collections::BTreeMap, path::PathBuf};

#[derive(Debug, clap::Subcommand)]
pub enum State {
    Inspect(Inspect),
}

/// Show what is in the file that a server's --state names
///
/// The file is only read. Secrets, keys and resume tokens are not shown.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Examples:
  foregather state inspect foregather.state
  foregather state inspect foregather.state --json")]
pub struct Inspect {
    /// The file
    file: PathBuf,
}

impl State {
    pub fn run(self, output: Output) -> Result<(), Failure> {
        let Self::Inspect(Inspect { file }) = self;
        let inspection = store::inspect(&file).map_err(|error| {
            let hint = match error {
                StoreError::InUse { .. } => ": a server runs with it, and can be asked itself",
                _ => "",
            };
            Failure::new(Exit::System, format!("{error}{hint}"))
        })?;
        if output.is_json() {
            return output.json(json_of(&file.display().to_string(), &inspection));
        }
        text_of(&file.display().to_string(), &inspection).iter().try_for_each(|line| output.text(line))
    }
}

/// How many have which seat, by namespace.
fn members(inspection: &Inspection) -> BTreeMap<&Namespace, usize> {
    let mut members = BTreeMap::new();
    for record in inspection.state.registrations.values() {
        *members.entry(&record.registration.ns).or_default() += 1;
    }
    members
}

fn owner<'a>(inspection: &'a Inspection, game: &GameRecord) -> Option<&'a str> {
    Some(inspection.state.registrations.get(&game.owner?)?.registration.id.as_str())
}

fn text_of(file: &str, inspection: &Inspection) -> Vec<String> {
    let Inspection { state, format, bytes, origin } = inspection;
    let members = members(inspection);
    let count = |ns: &Namespace| members.get(ns).copied().unwrap_or(0);
    let ended = match origin {
        Origin::Lost => "its server was lost, and this is what it had written by then",
        Origin::Ended | Origin::New => "its server came to its end",
    };
    let leased = state.registrations.values().filter(|record| record.registration.ttl_secs > 0).count();
    let mut lines = vec![
        format!("{}: a state of format {format}, {bytes} bytes; {ended}", printable(file)),
        format!(
            "{} games, {} namespaces, {} registrations ({leased} with a lease), {} sessions that can be resumed, {} \
             client keys, last change {}",
            state.games.len(),
            state.namespaces.len(),
            state.registrations.len(),
            state.resumptions.len(),
            state.client_keys.len(),
            state.version,
        ),
    ];
    let games = state.games.iter().map(|(ns, game)| {
        let rules = &game.rules;
        let seats = match rules.capacity {
            0 => count(ns).to_string(),
            capacity => format!("{}/{capacity}", count(ns)),
        };
        let flags = [(rules.locked, "locked"), (!rules.listed, "unlisted"), (!rules.secret.is_none(), "secret")];
        let mut notes: Vec<String> =
            flags.iter().filter(|(applies, _)| *applies).map(|(_, flag)| (*flag).to_owned()).collect();
        if !rules.app_version.is_none() {
            notes.push(format!("version {}", printable(rules.app_version.as_str())));
        }
        match game.banned_ids.len() + game.banned_sessions.len() {
            0 => {}
            bans => notes.push(format!("{bans} bans")),
        }
        notes.push(attributes(&rules.attributes));
        [
            printable(ns.as_str()),
            owner(inspection, game).map_or_else(|| "-".into(), printable),
            seats,
            game.term.to_string(),
            rules.owner_policy.name().into(),
            notes.join(" "),
        ]
    });
    if !state.games.is_empty() {
        lines.push(String::new());
        lines.extend(table::lines(["GAME", "OWNER", "SEATS", "TERM", "POLICY", ""], games));
    }
    let others = state.namespaces.iter().filter(|(ns, _)| !state.games.contains_key(*ns));
    let others: Vec<_> =
        others.map(|(ns, version)| [printable(ns.as_str()), count(ns).to_string(), version.to_string()]).collect();
    if !others.is_empty() {
        lines.push(String::new());
        lines.extend(table::lines(["NAMESPACE", "PEERS", "LAST CHANGE"], others));
    }
    let registrations = state.registrations.values().map(|RegistrationRecord { session, registration, .. }| {
        let addresses: Vec<String> =
            registration.addresses.iter().map(|address| printable(&address.to_string())).collect();
        let lease = match registration.ttl_secs {
            0 => "-".into(),
            secs if registration.away => format!("{secs} s, away"),
            secs => format!("{secs} s"),
        };
        [
            printable(registration.ns.as_str()),
            printable(registration.id.as_str()),
            lease,
            session.0.to_string(),
            [addresses.join(" "), attributes(&registration.attributes)].join(" "),
        ]
    });
    if !state.registrations.is_empty() {
        lines.push(String::new());
        lines.extend(table::lines(["NAMESPACE", "PEER", "LEASE", "SESSION", ""], registrations));
    }
    lines
}

fn json_of(file: &str, inspection: &Inspection) -> Value {
    let Inspection { state, format, bytes, origin } = inspection;
    let members = members(inspection);
    let games = state.games.iter().map(|(ns, game)| {
        let rules = &game.rules;
        json!({
            "ns": ns.as_str(),
            "owner": owner(inspection, game),
            "members": members.get(ns),
            "capacity": rules.capacity,
            "term": game.term,
            "locked": rules.locked,
            "listed": rules.listed,
            "needs_secret": !rules.secret.is_none(),
            "app_version": rules.app_version.as_str(),
            "attributes": *rules.attributes,
            "owner_policy": rules.owner_policy.name(),
            "bans": game.banned_ids.len() + game.banned_sessions.len(),
        })
    });
    let namespaces = state
        .namespaces
        .iter()
        .map(|(ns, version)| json!({ "ns": ns.as_str(), "peers": members.get(ns), "version": version }));
    let registrations = state.registrations.values().map(|RegistrationRecord { session, registration, .. }| {
        let addresses: Vec<String> = registration.addresses.iter().map(ToString::to_string).collect();
        json!({
            "ns": registration.ns.as_str(),
            "peer": registration.id.as_str(),
            "addresses": addresses,
            "attributes": registration.attributes,
            "ttl_secs": registration.ttl_secs,
            "away": registration.away,
            "session": session.0,
            "version": registration.version,
        })
    });
    json!({
        "file": file,
        "format": format,
        "bytes": bytes,
        "ended": *origin != Origin::Lost,
        "version": state.version,
        "resumable_sessions": state.resumptions.len(),
        "client_keys": state.client_keys.len(),
        "games": games.collect::<Vec<_>>(),
        "namespaces": namespaces.collect::<Vec<_>>(),
        "registrations": registrations.collect::<Vec<_>>(),
    })
}
