//! Where the driver and the reader of one stream meet: the driver applies what
//! it hears, the reader takes what it was not told yet. The lock is held for as
//! long as that takes and never across an await.

use super::{
    ClientError,
    state::{Change, Overflow, Roster},
};
use crate::domain::{Announcement, Pattern, Registration};
use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};

/// One stream's share of what the connection hears.
#[derive(Debug)]
pub(super) struct Feed {
    pattern: Pattern,
    limit_bytes: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    roster: Roster,
    end: End,
    waker: Option<Waker>,
    /// Its reader is gone.
    abandoned: bool,
}

/// Whether more is to come.
#[derive(Debug)]
enum End {
    Open,
    /// It ends with this error, once everything else is told.
    Failed(ClientError),
    Over,
}

/// What a reader gets.
#[derive(Debug)]
pub(super) enum Next {
    Change(Change),
    Failed(ClientError),
    Over,
}

impl Feed {
    pub(super) fn new(pattern: Pattern, limit_bytes: usize) -> Self {
        let roster = Roster::new(pattern.clone(), limit_bytes);
        let state = State { roster, end: End::Open, waker: None, abandoned: false };
        Self { pattern, limit_bytes, state: Mutex::new(state) }
    }

    pub(super) fn pattern(&self) -> &Pattern {
        &self.pattern
    }

    /// Takes a part of the list of who is there.
    pub(super) fn list(&self, peers: Vec<Arc<Registration>>, version: u64, more: bool) -> Result<(), ClientError> {
        self.change(|roster| roster.list(peers, version, more))
    }

    /// Takes a change.
    pub(super) fn apply(&self, announcement: &Announcement) -> Result<(), ClientError> {
        self.change(|roster| roster.apply(announcement))
    }

    /// Nothing more will come, because of that error or, without one, because the
    /// client itself was closed. Only the first end counts.
    pub(super) fn end(&self, cause: Option<ClientError>) {
        let mut state = self.lock();
        if matches!(state.end, End::Open) {
            state.end = cause.map_or(End::Over, End::Failed);
        }
        wake(state);
    }

    /// The reader is gone, and with it what was kept for it.
    pub(super) fn abandon(&self) {
        let nothing = Roster::new(self.pattern.clone(), self.limit_bytes);
        let mut state = self.lock();
        state.abandoned = true;
        let kept = mem::replace(&mut state.roster, nothing);
        // The driver does not wait until all of it is freed.
        drop(state);
        drop(kept);
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.lock().abandoned
    }

    pub(super) fn present(&self) -> Vec<Arc<Registration>> {
        self.lock().roster.present().cloned().collect()
    }

    pub(super) fn poll(&self, cx: &mut Context<'_>) -> Poll<Next> {
        let mut state = self.lock();
        if let Some(change) = state.roster.pop() {
            return Poll::Ready(Next::Change(change));
        }
        match mem::replace(&mut state.end, End::Over) {
            End::Open => {
                state.end = End::Open;
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
            End::Failed(error) => Poll::Ready(Next::Failed(error)),
            End::Over => Poll::Ready(Next::Over),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Roster) -> Result<(), Overflow>) -> Result<(), ClientError> {
        let mut state = self.lock();
        if state.abandoned {
            return Ok(());
        }
        let outcome = change(&mut state.roster);
        wake(state);
        outcome.map_err(|Overflow| ClientError::TooMany {
            pattern: self.pattern.to_string(),
            limit_bytes: self.limit_bytes,
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().expect("nobody panics while holding it")
    }
}

/// Wakes the reader, outside of the lock: a waker is foreign code, which may come
/// back here.
fn wake(mut state: MutexGuard<'_, State>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}
