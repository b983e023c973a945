use super::exchange::Exchange;
use crate::{
    domain::Changes,
    store::{Store, StoreError},
};
use std::{
    io,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    thread::{self, JoinHandle},
    time::{Duration, Instant},
};

/// What changes within this time is written together. With the time that two commits take
/// it is the bound on what a crash loses, which is to be below 100 ms.
const GATHER: Duration = Duration::from_millis(15);

/// For how long the keeper goes on looking whether anything has changed. So long nobody
/// needs to wake it, which would cost each request that changes something the time that a
/// wake takes.
const AWAKE: Duration = Duration::from_secs(2);

/// What could not be written is tried again after this time.
const RETRY: Duration = Duration::from_secs(1);

/// At most one line in the log about that in this time.
const FAILURE_LOG_EVERY: Duration = Duration::from_secs(10);

/// Writes what outlives the server, on a thread of its own: no request waits for the disk.
#[derive(Debug)]
pub(super) struct Keeper {
    thread: JoinHandle<Result<(), StoreError>>,
    ending: Arc<AtomicBool>,
}

impl Keeper {
    /// Begins to write what changes.
    pub(super) fn start(store: Store, exchange: Arc<Exchange>) -> io::Result<Self> {
        let ending = Arc::new(AtomicBool::new(false));
        let work = Work { store, pending: Changes::default(), failed: None, logged: None };
        let thread = thread::Builder::new().name("foregather-state".into()).spawn({
            let (exchange, ending) = (exchange.clone(), ending.clone());
            move || work.run(&exchange, &ending)
        })?;
        exchange.is_kept_by(thread.thread().clone());
        Ok(Self { thread, ending })
    }

    /// Writes what is left, and lets the file go. Nothing changes any more.
    pub(super) fn finish(self) -> Result<(), StoreError> {
        self.ending.store(true, Ordering::Release);
        self.thread.thread().unpark();
        self.thread.join().expect("a keeper does not panic; it has said so if it did")
    }
}

#[derive(Debug)]
struct Work {
    store: Store,
    /// What is taken and not written.
    pending: Changes,
    /// When that was tried last.
    failed: Option<Instant>,
    logged: Option<Instant>,
}

impl Work {
    fn run(mut self, exchange: &Exchange, ending: &AtomicBool) -> Result<(), StoreError> {
        let mut busy = Instant::now();
        loop {
            let last = ending.load(Ordering::Acquire);
            let begun = Instant::now();
            let may_sleep = self.pending.is_empty() && busy.elapsed() >= AWAKE;
            let changes = exchange.take_changes(may_sleep);
            let sleeps = may_sleep && changes.is_none();
            if let Some(changes) = changes {
                self.pending.join(changes);
                busy = begun;
            }
            if last {
                return self.end();
            }
            // A failure is logged, and this is tried again.
            let written = self.write();
            if sleeps {
                thread::park();
            }
            if ending.load(Ordering::Acquire) {
                continue;
            }
            let pause = if written.is_ok() { GATHER.saturating_sub(begun.elapsed()) } else { RETRY };
            thread::park_timeout(if sleeps { GATHER } else { pause });
        }
    }

    fn write(&mut self) -> Result<(), StoreError> {
        if self.pending.is_empty() {
            return Ok(());
        }
        let begun = Instant::now();
        let written = self.store.commit(&self.pending);
        match &written {
            Ok(()) => {
                tracing::trace!(records = self.pending.len(), us = begun.elapsed().as_micros(), "state written");
                self.pending = Changes::default();
                if self.failed.take().is_some() {
                    self.logged = None;
                    tracing::info!("the state is written again, with all that had changed meanwhile");
                }
            }
            Err(error) => {
                if self.logged.is_none_or(|at| at.elapsed() >= FAILURE_LOG_EVERY) {
                    tracing::error!(%error, records = self.pending.len(), "the state is not written; the server goes on, and tries again");
                    self.logged = Some(Instant::now());
                }
                self.failed = Some(Instant::now());
            }
        }
        written
    }

    fn end(mut self) -> Result<(), StoreError> {
        let written = self.write().or_else(|_| self.write());
        if let Err(error) = &written {
            tracing::error!(%error, records = self.pending.len(), "the state could not be written; a server that goes on with it does not know of what changed last");
        }
        if let Err(error) = self.store.close() {
            tracing::warn!(%error, "it could not be noted in the state that the server has ended");
        }
        written
    }
}
