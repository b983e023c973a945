//! What is no state is refused, with what to do, and left as it is.

use crate::{changes::*, folder::Folder};
use foregather::{
    domain::*,
    store::{FORMAT, Store, StoreError, inspect},
};
use redb::{Database, TableDefinition};
use std::{fs, path::Path, sync::Arc};

const META: TableDefinition<'_, &str, u64> = TableDefinition::new("foregather");

/// Both who opens it and who looks at it is told this.
#[track_caller]
fn refused(path: &Path) -> StoreError {
    let before = fs::read(path).ok();
    let error = inspect(path).map(drop).expect_err("it is no state");
    assert_eq!(fs::read(path).ok(), before, "it was left alone");
    let opened = Store::open(path).map(drop).expect_err("it is no state");
    assert_eq!(opened.to_string(), error.to_string());
    assert!(error.to_string().contains(&path.display().to_string()), "{error}");
    error
}

#[test]
fn a_file_of_something_else_is_left_alone() {
    let folder = Folder::new("foreign");
    let sqlite: Vec<u8> = b"SQLite format 3\0".iter().copied().chain([7; 8_000]).collect();
    let files: [(&str, &[u8], &str); 5] = [
        ("empty", b"", "it is empty"),
        ("text", b"to be or not to be, and so on\n", "does not begin as one"),
        ("short", b"x", "does not begin as one"),
        ("zeroes", &[0; 10_000], "does not begin as one"),
        ("sqlite", &sqlite, "SQLite"),
    ];
    for (name, bytes, told) in files {
        let path = folder.file(name);
        fs::write(&path, bytes).expect("there is room");
        let error = refused(&path);
        assert!(matches!(error, StoreError::Foreign { .. }), "{error:?}");
        assert!(error.to_string().contains(told) && error.to_string().contains("name another file"), "{error}");
        assert!(fs::read(&path).expect("it is there") == bytes);
    }
    let error = refused(&folder.file(""));
    assert!(matches!(&error, StoreError::Foreign { what, .. } if what.contains("directory")), "{error:?}");
}

#[test]
fn a_database_of_something_else_is_left_alone() {
    let folder = Folder::new("other");
    let path = folder.file("other.redb");
    let other: TableDefinition<'_, &str, &str> = TableDefinition::new("recipes");
    write(&path, |writing| {
        writing.open_table(other).expect("it is new").insert("soup", "water").expect("there is room");
    });
    let error = Store::open(&path).map(drop).expect_err("it is no state");
    assert!(matches!(&error, StoreError::Foreign { what, .. } if what.contains("something else")), "{error:?}");
    let database = Database::open(&path).expect("it is as it was");
    let reading = redb::ReadableDatabase::begin_read(&database).expect("it can be read");
    let table = reading.open_table(other).expect("it is there");
    assert_eq!(
        table.get("soup").expect("it can be read").map(|found| found.value().to_owned()).as_deref(),
        Some("water")
    );
}

#[test]
fn a_later_format_is_not_guessed_at() {
    let folder = Folder::new("later");
    let path = folder.file("server.state");
    drop(Store::open(&path).expect("it is made"));
    write(&path, |writing| {
        writing.open_table(META).expect("it is there").insert("format", FORMAT + 1).expect("there is room");
    });
    let error = Store::open(&path).map(drop).expect_err("it is of later");
    assert!(matches!(error, StoreError::Newer { format, .. } if format == FORMAT + 1), "{error:?}");
    assert!(error.to_string().contains("run the version that wrote it"), "{error}");
}

#[test]
fn where_nothing_can_be_made_it_says_why() {
    let folder = Folder::new("nowhere");
    let error = Store::open(&folder.file("no/such/folder/server.state")).map(drop).expect_err("there is no folder");
    assert!(matches!(error, StoreError::Io { .. }), "{error:?}");
    let error = inspect(&folder.file("none.state")).map(drop).expect_err("there is no file");
    assert!(matches!(&error, StoreError::Io { source, .. } if source.kind() == std::io::ErrorKind::NotFound));
    assert!(folder.names().is_empty(), "to look makes nothing");
}

#[cfg(unix)]
#[test]
fn what_may_not_be_read_is_not_begun_anew() {
    use std::os::unix::fs::{PermissionsExt as _, symlink};
    let folder = Folder::new("forbidden");
    let path = folder.file("server.state");
    drop(Store::open(&path).expect("it is made"));
    fs::set_permissions(&path, fs::Permissions::from_mode(0o000)).expect("it is ours");
    if fs::read(&path).is_ok() {
        eprintln!("whoever runs this test may read everything");
    } else {
        let error = Store::open(&path).map(drop).expect_err("it may not be read");
        assert!(matches!(&error, StoreError::Io { .. }), "{error:?}");
    }
    // A link to what is not there is not replaced by a file.
    let link = folder.file("link.state");
    symlink(folder.file("moved-away"), &link).expect("there is room");
    let error = Store::open(&link).map(drop).expect_err("it leads nowhere");
    assert!(matches!(&error, StoreError::Io { .. }), "{error:?}");
}

fn write(path: &Path, work: impl FnOnce(&redb::WriteTransaction)) {
    let database = Database::create(path).expect("nobody has it");
    let writing = database.begin_write().expect("nobody writes");
    work(&writing);
    writing.commit().expect("there is room");
}

type Spoil = fn(&redb::WriteTransaction);

#[test]
fn a_record_that_cannot_be_is_named() {
    const REGISTRATIONS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("registrations");
    const GAMES: TableDefinition<'_, &str, &[u8]> = TableDefinition::new("games");
    const KEYS: TableDefinition<'_, u64, &[u8]> = TableDefinition::new("client_keys");
    const RESUMPTIONS: TableDefinition<'_, u128, &[u8]> = TableDefinition::new("resumptions");
    const NAMESPACES: TableDefinition<'_, &str, u64> = TableDefinition::new("namespaces");
    let folder = Folder::new("records");
    let cases: [(Spoil, &str, &str); 7] = [
        (|writing| put(writing, REGISTRATIONS, 7, b"\xff\xff"), "registrations", "7"),
        (|writing| put(writing, REGISTRATIONS, 7, b""), "registrations", "7"),
        (|writing| put(writing, GAMES, "chess/a", b"\x48\x63"), "games", "chess/a"),
        (|writing| put(writing, GAMES, "a//b", b""), "games", "a//b"),
        (
            |writing| put(writing, KEYS, 9, &[0x0a, 65].into_iter().chain([1; 65]).collect::<Vec<u8>>()),
            "client_keys",
            "9",
        ),
        (|writing| put(writing, RESUMPTIONS, 5, b"\x12\x01x"), "resumptions", "5"),
        (|writing| drop(writing.open_table(NAMESPACES).expect("it is there").insert("", 1)), "namespaces", "\"\""),
    ];
    for (number, (spoil, table, key)) in cases.into_iter().enumerate() {
        let path = folder.file(&format!("{number}.state"));
        let (mut store, _) = Store::open(&path).expect("it is made");
        store.commit(&one_registration(1, "chess/a", "ada")).expect("the disk has room");
        drop(store);
        write(&path, spoil);
        let error = refused(&path);
        let StoreError::Record { table: named, key: named_key, .. } = &error else { panic!("{number}: {error:?}") };
        assert!(named == table && named_key.contains(key), "{number}: {error}");
    }
}

fn put<K: redb::Key + 'static>(
    writing: &redb::WriteTransaction,
    table: TableDefinition<'_, K, &'static [u8]>,
    key: K::SelfType<'static>,
    value: &[u8],
) {
    writing.open_table(table).expect("it is there").insert(key, value).expect("there is room");
}

fn one_registration(key: u64, place: &str, peer: &str) -> Changes {
    let mut changes = Changes { version: key, ..Changes::default() };
    let registration = Arc::new(Registration::new(ns(place), id(peer), Vec::new(), Attributes::new(), key));
    changes.registrations.insert(key, RegistrationRecord { session: SessionId(1), unnamed: false, registration });
    changes.namespaces.insert(ns(place), key);
    changes
}

#[test]
fn records_that_contradict_each_other_are_named() {
    let folder = Folder::new("contradictions");
    let game = |owner| GameRecord {
        born: 1,
        owner,
        term: 1,
        rules: Rules {
            capacity: 0,
            locked: false,
            listed: true,
            app_version: AppVersion::default(),
            attributes: Arc::default(),
            owner_policy: OwnerPolicy::Oldest,
            secret: Secret::default(),
        },
        banned_ids: Vec::new(),
        banned_sessions: Vec::new(),
    };
    let mut twice = one_registration(1, "chess/a", "ada");
    twice.join(one_registration(2, "chess/a", "ada"));
    let mut homeless = one_registration(1, "chess/a", "ada");
    homeless.games.insert(ns("chess/b"), game(None));
    let mut disowned = one_registration(1, "chess/a", "ada");
    disowned.games.insert(ns("chess/a"), game(Some(3)));
    let mut elsewhere = one_registration(1, "chess/a", "ada");
    elsewhere.join(one_registration(2, "chess/b", "bob"));
    elsewhere.games.insert(ns("chess/a"), game(Some(2)));
    let cases = [(twice, "ada"), (homeless, "chess/b"), (disowned, "chess/a"), (elsewhere, "chess/a")];
    for (number, (changes, named)) in cases.into_iter().enumerate() {
        let path = folder.file(&format!("{number}.state"));
        let (mut store, _) = Store::open(&path).expect("it is made");
        store.commit(&changes).expect("the disk has room");
        drop(store);
        let error = refused(&path);
        assert!(matches!(&error, StoreError::Damaged { what, .. } if what.contains(named)), "{number}: {error:?}");
    }
}
