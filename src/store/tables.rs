//! What stands in which table of the file.

use super::records::Record;
use crate::domain::{Changed, Changes, Namespace, SessionId, State};
use redb::{
    Key, ReadOnlyTable, ReadTransaction, ReadableTable as _, TableDefinition, TableError, TableHandle as _,
    WriteTransaction,
};
use std::collections::BTreeMap;
use uuid::Uuid;

/// What is said of the file as a whole.
const META: TableDefinition<'_, &str, u64> = TableDefinition::new("foregather");
const REGISTRATIONS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("registrations");
const NAMESPACES: TableDefinition<'_, &str, u64> = TableDefinition::new("namespaces");
const GAMES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("games");
const CLIENT_KEYS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("client_keys");
const RESUMPTIONS: TableDefinition<'_, u128, &[u8]> = TableDefinition::new("resumptions");

/// In [`META`]: which of the formats the file has.
const FORMAT_KEY: &str = "format";

/// In [`META`]: [`State::version`].
const VERSION_KEY: &str = "version";

/// In [`META`]: 1 while a server has it, and after it if that did not come to its end.
const RUNNING_KEY: &str = "running";

/// Why a file cannot be read or written.
#[derive(Debug)]
pub(super) enum Fault {
    Database(redb::Error),
    /// It is whole, but not ours.
    Foreign(&'static str),
    /// It is of a later format.
    Newer(u64),
    /// It is ours, and something is missing in it or contradicts itself.
    Broken(String),
    Record {
        table: String,
        key: String,
        what: String,
    },
}

impl<E: Into<redb::Error>> From<E> for Fault {
    fn from(error: E) -> Self {
        Self::Database(error.into())
    }
}

/// What a file says of itself.
#[derive(Debug, Clone, Copy)]
pub(super) struct Heading {
    pub(super) format: u64,
    /// A server has it, or had it when it was lost.
    pub(super) running: bool,
}

/// Makes the tables of a new file.
pub(super) fn create(transaction: &WriteTransaction, format: u64) -> Result<(), Fault> {
    transaction.open_table(META)?.insert(FORMAT_KEY, format)?;
    transaction.open_table(REGISTRATIONS)?;
    transaction.open_table(NAMESPACES)?;
    transaction.open_table(GAMES)?;
    transaction.open_table(CLIENT_KEYS)?;
    transaction.open_table(RESUMPTIONS)?;
    Ok(())
}

/// Reads what the file says of itself; one of a format beyond `newest` is refused.
pub(super) fn heading(transaction: &ReadTransaction, newest: u64) -> Result<Heading, Fault> {
    let meta = match transaction.open_table(META) {
        Ok(meta) => meta,
        Err(TableError::Storage(error)) => return Err(error.into()),
        Err(_) => return Err(Fault::Foreign("it is a redb database of something else")),
    };
    let format = number(&meta, FORMAT_KEY)?.ok_or(Fault::Foreign("it is a redb database of something else"))?;
    if format > newest {
        return Err(Fault::Newer(format));
    }
    Ok(Heading { format, running: number(&meta, RUNNING_KEY)? == Some(1) })
}

fn number(meta: &ReadOnlyTable<&str, u64>, key: &str) -> Result<Option<u64>, Fault> {
    Ok(meta.get(key)?.map(|number| number.value()))
}

/// Notes that a server has the file, or that it does not any more.
pub(super) fn set_running(transaction: &WriteTransaction, running: bool) -> Result<(), Fault> {
    transaction.open_table(META)?.insert(RUNNING_KEY, u64::from(running))?;
    Ok(())
}

/// Reads everything, and refuses what contradicts itself.
pub(super) fn read(transaction: &ReadTransaction) -> Result<State, Fault> {
    let version = number(&transaction.open_table(META)?, VERSION_KEY)?.unwrap_or(0);
    let mut namespaces = BTreeMap::new();
    for entry in open(transaction, NAMESPACES)?.iter()? {
        let (key, version) = entry?;
        let fault = |what| Fault::Record { table: NAMESPACES.name().into(), key: format!("{:?}", key.value()), what };
        namespaces.insert(namespace(key.value()).map_err(fault)?, version.value());
    }
    let state = State {
        version,
        registrations: records(transaction, REGISTRATIONS, Ok)?,
        namespaces,
        games: records(transaction, GAMES, namespace)?,
        client_keys: records(transaction, CLIENT_KEYS, |key| Ok(SessionId(key)))?,
        resumptions: records(transaction, RESUMPTIONS, |key| Ok(Uuid::from_u128(key)))?,
    };
    match state.fault() {
        None => Ok(state),
        Some(fault) => Err(Fault::Broken(fault)),
    }
}

fn namespace(key: &str) -> Result<Namespace, String> {
    Namespace::parse(key).map_err(|refusal| refusal.text)
}

fn open<K: Key + 'static, V: redb::Value + 'static>(
    transaction: &ReadTransaction,
    table: TableDefinition<'_, K, V>,
) -> Result<ReadOnlyTable<K, V>, Fault> {
    transaction.open_table(table).map_err(|error| match error {
        TableError::Storage(error) => error.into(),
        error => Fault::Broken(error.to_string()),
    })
}

fn records<K: Key + 'static, T: Ord, R: Record>(
    transaction: &ReadTransaction,
    table: TableDefinition<'static, K, &'static [u8]>,
    read_key: impl for<'a> Fn(K::SelfType<'a>) -> Result<T, String>,
) -> Result<BTreeMap<T, R>, Fault> {
    let mut records = BTreeMap::new();
    for entry in open(transaction, table)?.iter()? {
        let (key, value) = entry?;
        let fault = |what| Fault::Record { table: table.name().into(), key: format!("{:?}", key.value()), what };
        records.insert(read_key(key.value()).map_err(fault)?, R::decode(value.value()).map_err(fault)?);
    }
    Ok(records)
}

/// Writes what has changed.
pub(super) fn write(transaction: &WriteTransaction, changes: &Changes) -> Result<(), Fault> {
    let Changes { version, registrations, namespaces, games, client_keys, resumptions } = changes;
    {
        let mut meta = transaction.open_table(META)?;
        let before = meta.get(VERSION_KEY)?.map_or(0, |before| before.value());
        if *version > before {
            meta.insert(VERSION_KEY, version)?;
        }
    }
    if !namespaces.is_empty() {
        let mut table = transaction.open_table(NAMESPACES)?;
        for (ns, version) in namespaces.iter() {
            match version {
                Some(version) => drop(table.insert(ns.as_str(), version)?),
                None => drop(table.remove(ns.as_str())?),
            }
        }
    }
    put(transaction, REGISTRATIONS, registrations, |key| *key)?;
    put(transaction, GAMES, games, |ns| ns.as_str())?;
    put(transaction, CLIENT_KEYS, client_keys, |session| session.0)?;
    put(transaction, RESUMPTIONS, resumptions, |name| name.as_u128())
}

fn put<K: Key + 'static, T: Ord, R: Record>(
    transaction: &WriteTransaction,
    table: TableDefinition<'_, K, &'static [u8]>,
    changed: &Changed<T, R>,
    key: impl for<'a> Fn(&'a T) -> K::SelfType<'a>,
) -> Result<(), Fault> {
    if changed.is_empty() {
        return Ok(());
    }
    let mut table = transaction.open_table(table)?;
    for (of, record) in changed.iter() {
        match record {
            Some(record) => drop(table.insert(key(of), record.encode().as_slice())?),
            None => drop(table.remove(key(of))?),
        }
    }
    Ok(())
}
