//! The file that outlives a server: the [`State`] that it is to go on with. It is a redb
//! database, so what was committed is there whatever happens afterwards, and of what was
//! not, nothing.
//!
//! [`StateFile::hold`] takes the file for this process, [`StateFile::load`] reads it,
//! [`Store::commit`] writes what has changed. [`inspect`] looks at one without touching it.

mod error;
mod file;
mod records;
mod tables;

pub use error::StoreError;

use crate::domain::{Changes, State};
use file::{Disk, Overlay};
use redb::{Builder, Database, ReadableDatabase as _, StorageBackend};
use std::{
    ffi::OsString,
    fs::{self, File, OpenOptions, TryLockError},
    io::{self, Read as _},
    path::{Path, PathBuf},
    process,
    sync::Arc,
    time::{SystemTime, UNIX_EPOCH},
};
use tables::Fault;

/// The newest format that can be read; it is what is written.
pub const FORMAT: u64 = 1;

/// Bytes of the file that are kept in memory. Everything in it is in the server's memory
/// anyway; this is for the inner pages of its tables.
const CACHE_BYTES: usize = 16 * 1024 * 1024;

/// What a redb database begins with.
const MAGIC: &[u8; 9] = b"redb\x1a\n\xa9\r\n";

/// What the server before has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// There was no file.
    New,
    /// It came to its end.
    Ended,
    /// It was lost: what it had committed is there.
    Lost,
}

/// A state's file, which no other process has.
#[derive(Debug)]
pub struct StateFile {
    path: PathBuf,
    file: Arc<File>,
    is_new: bool,
}

impl StateFile {
    /// Takes the file; one that does not exist is made.
    ///
    /// # Errors
    /// [`StoreError::InUse`] if another process has it, [`StoreError::Foreign`] if it is
    /// something else, or what the operating system says.
    pub fn hold(path: &Path) -> Result<Self, StoreError> {
        let is_new = !exists(path)?;
        if is_new {
            create(path)?;
        }
        let file = OpenOptions::new().read(true).write(true).open(path).map_err(io_error(path, "open"))?;
        file.try_lock().map_err(|error| not_locked(path, error))?;
        look_at(path, &file)?;
        Ok(Self { path: path.into(), file: Arc::new(file), is_new })
    }

    /// Reads it; one that its server did not close is mended.
    ///
    /// # Errors
    /// If it is not a state of Foregather, or of a later version, or damaged, or one of its
    /// records cannot be.
    pub fn load(self) -> Result<(Store, State), StoreError> {
        let Self { path, file, is_new } = self;
        let read = || -> Result<_, Fault> {
            let database = open(Disk(file.clone()))?;
            let reading = database.begin_read()?;
            let heading = tables::heading(&reading, FORMAT)?;
            let state = tables::read(&reading)?;
            drop(reading);
            set_running(&database, true)?;
            Ok((database, heading, state))
        };
        let (database, heading, state) = read().map_err(|fault| store_error(&path, fault))?;
        let origin = match heading.running {
            _ if is_new => Origin::New,
            true => Origin::Lost,
            false => Origin::Ended,
        };
        Ok((Store { path, file, database: Some(database), origin }, state))
    }
}

/// A state that is kept in a file. Dropped without [`Store::close`], it is as if its
/// server were lost.
#[derive(Debug)]
pub struct Store {
    path: PathBuf,
    file: Arc<File>,
    /// `None` after a failure, until it is tried again.
    database: Option<Database>,
    origin: Origin,
}

impl Store {
    /// Takes and reads the file at once: see [`StateFile`].
    ///
    /// # Errors
    /// Those of [`StateFile::hold`] and [`StateFile::load`].
    pub fn open(path: &Path) -> Result<(Self, State), StoreError> {
        StateFile::hold(path)?.load()
    }

    /// What the server before has left.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Writes all this or nothing, and returns when it is on the disk. What could not be
    /// written may be tried again, with what followed.
    ///
    /// # Errors
    /// If the disk is full, or whatever the operating system says. Nobody else has got the
    /// file meanwhile.
    pub fn commit(&mut self, changes: &Changes) -> Result<(), StoreError> {
        let write = |database: &Database| -> Result<(), Fault> {
            let transaction = database.begin_write()?;
            tables::write(&transaction, changes)?;
            Ok(transaction.commit()?)
        };
        self.attempt(write)
    }

    /// Notes that the server came to its end, and lets the file go.
    ///
    /// # Errors
    /// If that could not be noted. All that was committed is there nevertheless, and the
    /// file is let go.
    pub fn close(mut self) -> Result<(), StoreError> {
        let noted = self.attempt(|database| set_running(database, false));
        let closed = match self.database.take().map(Database::close) {
            None | Some(Ok(())) => Ok(()),
            Some(Err(error)) => Err(store_error(&self.path, error.into())),
        };
        noted.and(closed)
    }

    /// Does something with the database. One that has failed takes nothing any more, so it
    /// is opened anew for the next attempt.
    fn attempt(&mut self, work: impl Fn(&Database) -> Result<(), Fault>) -> Result<(), StoreError> {
        let mut attempt = || -> Result<(), Fault> {
            let database = match self.database.take() {
                Some(database) => database,
                None => open(Disk(self.file.clone()))?,
            };
            work(&database)?;
            self.database = Some(database);
            Ok(())
        };
        attempt().map_err(|fault| store_error(&self.path, fault))
    }
}

/// What is in a file.
#[derive(Debug, Clone)]
pub struct Inspection {
    /// All that a server would go on with.
    pub state: State,
    /// The format of the file.
    pub format: u64,
    /// Its size.
    pub bytes: u64,
    /// What its last server has left; never [`Origin::New`].
    pub origin: Origin,
}

/// Looks at a file, which is not changed: should it have to be mended, that is done in
/// memory.
///
/// # Errors
/// As [`Store::open`], and what the operating system says if there is no such file.
pub fn inspect(path: &Path) -> Result<Inspection, StoreError> {
    exists(path)?;
    let file = File::open(path).map_err(io_error(path, "open"))?;
    file.try_lock_shared().map_err(|error| not_locked(path, error))?;
    look_at(path, &file)?;
    let bytes = file.metadata().map_err(io_error(path, "look at"))?.len();
    let overlay = Overlay::new(file).map_err(io_error(path, "look at"))?;
    let read = || -> Result<_, Fault> {
        let database = open(overlay)?;
        let reading = database.begin_read()?;
        let heading = tables::heading(&reading, FORMAT)?;
        let state = tables::read(&reading)?;
        Ok((heading, state))
    };
    let (heading, state) = read().map_err(|fault| store_error(path, fault))?;
    let origin = if heading.running { Origin::Lost } else { Origin::Ended };
    Ok(Inspection { state, format: heading.format, bytes, origin })
}

/// Whether there is something of that name; what is no file is refused.
fn exists(path: &Path) -> Result<bool, StoreError> {
    match fs::metadata(path) {
        Ok(metadata) if metadata.is_file() => Ok(true),
        Ok(metadata) => {
            let what = if metadata.is_dir() { "it is a directory" } else { "it is not a file" };
            Err(StoreError::Foreign { path: path.into(), what: what.into() })
        }
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(io_error(path, "look at")(error)),
    }
}

/// Makes an empty state: whole, or not at all.
fn create(path: &Path) -> Result<(), StoreError> {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut name: OsString = path.file_name().unwrap_or_default().into();
    name.push(format!(".{}-{}.new", process::id(), since_epoch.as_nanos()));
    let temporary = path.with_file_name(name);
    let created = fill(&temporary).and_then(|()| publish(&temporary, path).map_err(io_error(path, "make")));
    // It has its own name now, or is of no use.
    let _ = fs::remove_file(&temporary);
    created
}

fn fill(temporary: &Path) -> Result<(), StoreError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create_new(true);
    // By the tokens in it sessions are taken over.
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let file = Arc::new(options.open(temporary).map_err(io_error(temporary, "make"))?);
    let make = || -> Result<(), Fault> {
        let database = builder().create_with_backend(Disk(file.clone()))?;
        let transaction = database.begin_write()?;
        tables::create(&transaction, FORMAT)?;
        transaction.commit()?;
        Ok(database.close()?)
    };
    make().map_err(|fault| store_error(temporary, fault))?;
    file.sync_all().map_err(io_error(temporary, "write"))
}

/// Gives the file its name, unless somebody else has made one meanwhile.
fn publish(temporary: &Path, path: &Path) -> io::Result<()> {
    match fs::hard_link(temporary, path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        // Not every file system can give a file two names.
        Err(_) => fs::rename(temporary, path)?,
    }
    // Windows does not open folders, and writes their entries itself.
    #[cfg(unix)]
    {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        File::open(folder)?.sync_all()?;
    }
    Ok(())
}

/// Refuses what cannot be a state before the database has touched it.
fn look_at(path: &Path, file: &File) -> Result<(), StoreError> {
    let mut begins = Vec::new();
    file.take(16).read_to_end(&mut begins).map_err(io_error(path, "read"))?;
    let what = match &begins[..] {
        begins if begins.starts_with(MAGIC) => return Ok(()),
        [] => "it is empty",
        b"SQLite format 3\0" => "it is an SQLite database",
        _ => "it does not begin as one",
    };
    Err(StoreError::Foreign { path: path.into(), what: what.into() })
}

fn builder() -> Builder {
    let mut builder = Database::builder();
    builder.set_cache_size(CACHE_BYTES);
    builder
}

/// Opens a database and mends it. All of it is checked, also where it was closed in order:
/// damage is found here, where it can be said, not by a panic later.
fn open(file: impl StorageBackend) -> Result<Database, Fault> {
    Ok(builder().set_check_integrity_on_open(true).create_with_backend(file)?)
}

fn set_running(database: &Database, running: bool) -> Result<(), Fault> {
    let transaction = database.begin_write()?;
    tables::set_running(&transaction, running)?;
    Ok(transaction.commit()?)
}

fn io_error<'a>(path: &'a Path, what: &'static str) -> impl Fn(io::Error) -> StoreError + 'a {
    move |source| StoreError::Io { path: path.into(), what, source }
}

fn not_locked(path: &Path, error: TryLockError) -> StoreError {
    match error {
        TryLockError::WouldBlock => StoreError::InUse { path: path.into() },
        TryLockError::Error(source) => io_error(path, "lock")(source),
    }
}

fn store_error(path: &Path, fault: Fault) -> StoreError {
    let path = path.to_owned();
    let error = match fault {
        Fault::Database(error) => error,
        Fault::Foreign(what) => return StoreError::Foreign { path, what: what.into() },
        Fault::Newer(format) => return StoreError::Newer { path, format },
        Fault::Broken(what) => return StoreError::Damaged { path, what },
        Fault::Record { table, key, what } => return StoreError::Record { path, table, key, what },
    };
    match error {
        // A file that ends too early, and what is not there, come as such.
        redb::Error::Io(source)
            if !matches!(source.kind(), io::ErrorKind::UnexpectedEof | io::ErrorKind::InvalidData) =>
        {
            StoreError::Io { path, what: "read or write", source }
        }
        redb::Error::UpgradeRequired(format) => {
            let what = format!("it is a redb database of the old format {format}");
            StoreError::Foreign { path, what }
        }
        error => StoreError::Damaged { path, what: error.to_string() },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::{Secret, SessionId};
    use file::FULL;

    #[test]
    fn what_a_full_disk_did_not_take_is_written_later_and_nobody_has_the_file_meanwhile() {
        let path = std::env::temp_dir().join(format!("foregather-full-{}.state", process::id()));
        let _ = fs::remove_file(&path);
        let (mut store, mut expected) = Store::open(&path).expect("there is room still");
        let mut changes = Changes::default();
        for number in 0..200 {
            let key = Secret::parse(vec![7; 64].into()).expect("it is short enough");
            changes.client_keys.insert(SessionId(number), key);
        }
        FULL.set(true);
        for _ in 0..3 {
            let error = store.commit(&changes).expect_err("the disk is full");
            assert!(matches!(&error, StoreError::Io { .. }), "{error:?}");
            assert!(error.to_string().contains(&path.display().to_string()), "{error}");
            assert!(matches!(Store::open(&path), Err(StoreError::InUse { .. })));
        }
        FULL.set(false);
        store.commit(&changes).expect("there is room again");
        FULL.set(true);
        let closed = store.close();
        FULL.set(false);
        closed.expect_err("it could not be noted that it came to its end");

        expected.apply(changes);
        let (store, state) = Store::open(&path).expect("it was let go");
        assert_eq!((store.origin(), state), (Origin::Lost, expected));
        store.close().expect("there is room");
        fs::remove_file(&path).expect("it is there");
    }

    #[test]
    fn what_is_written_over_a_file_is_seen_and_the_file_is_as_it_was() -> io::Result<()> {
        let path = std::env::temp_dir().join(format!("foregather-overlay-{}", process::id()));
        let original: Vec<u8> = (0..10_000_u32).map(|at| (at % 251) as u8).collect();
        fs::write(&path, &original)?;
        let overlay = Overlay::new(File::open(&path)?)?;
        let mut expected = original.clone();
        let see = |expected: &[u8]| -> io::Result<()> {
            assert_eq!(overlay.len()?, expected.len() as u64);
            for (from, to) in [(0, expected.len()), (1, 2), (4_095, expected.len().min(8_193)), (4_096, 4_096)] {
                let mut seen = vec![0; to - from];
                overlay.read(from as u64, &mut seen)?;
                assert!(seen == expected[from..to], "{from} to {to}");
            }
            overlay.read(expected.len() as u64, &mut [0]).expect_err("there is no more");
            Ok(())
        };
        see(&expected)?;
        overlay.write(4_000, &[1; 5_000])?;
        expected[4_000..9_000].fill(1);
        see(&expected)?;
        for len in [20_000, 4_100, 9_990, 4_096, 12_288] {
            overlay.set_len(len as u64)?;
            expected.resize(len, 0);
            see(&expected)?;
        }
        assert!(fs::read(&path)? == original);
        fs::remove_file(&path)
    }
}
