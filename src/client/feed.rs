//! Where the driver and the reader of one stream meet: the driver applies what
//! it hears, the reader takes what it was not told yet. The lock is held for as
//! long as that takes and never across an await.

use super::ClientError;
use crate::domain::Announcement;
use std::{
    mem,
    sync::{Arc, Mutex, MutexGuard},
    task::{Context, Poll, Waker},
};
use tokio::sync::Notify;

/// What is kept for a reader, and what of it is untold.
pub(super) trait Account {
    /// What a reader is told.
    type Change;

    /// The next thing to tell.
    fn pop(&mut self) -> Option<Self::Change>;
}

/// One that shows how things stand by what is announced.
pub(super) trait View: Account {
    /// Takes a change, which may be of something else.
    fn apply(&mut self, announcement: &Announcement) -> Result<(), ClientError>;
}

/// One stream's share of what the connection hears.
#[derive(Debug)]
pub(super) struct Feed<A> {
    state: Mutex<State<A>>,
}

#[derive(Debug)]
struct State<A> {
    /// `None` once its reader is gone.
    account: Option<A>,
    end: End,
    waker: Option<Waker>,
}

/// Whether more is to come.
#[derive(Debug)]
enum End {
    Open,
    /// It ends with this error, once everything else is told.
    Failed(ClientError),
    Over,
}

impl<A: Account> Feed<A> {
    pub(super) fn new(account: A) -> Self {
        Self { state: Mutex::new(State { account: Some(account), end: End::Open, waker: None }) }
    }

    /// Takes a change, or a part of a list; nothing once it has ended.
    pub(super) fn change(&self, change: impl FnOnce(&mut A) -> Result<(), ClientError>) -> Result<(), ClientError> {
        let mut state = self.lock();
        let State { account: Some(account), end: End::Open, .. } = &mut *state else { return Ok(()) };
        let outcome = change(account);
        wake(state);
        outcome
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

    pub(super) fn is_abandoned(&self) -> bool {
        self.lock().account.is_none()
    }

    /// How things stand; `None` once its reader is gone.
    pub(super) fn read<T>(&self, read: impl FnOnce(&A) -> T) -> Option<T> {
        self.lock().account.as_ref().map(read)
    }

    /// What happens next; `None` after the end.
    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<Result<A::Change, ClientError>>> {
        let mut state = self.lock();
        if let Some(change) = state.account.as_mut().and_then(Account::pop) {
            return Poll::Ready(Some(Ok(change)));
        }
        match mem::replace(&mut state.end, End::Over) {
            End::Open => {
                state.end = End::Open;
                state.waker = Some(cx.waker().clone());
                Poll::Pending
            }
            End::Failed(error) => Poll::Ready(Some(Err(error))),
            End::Over => Poll::Ready(None),
        }
    }
}

impl<A> Feed<A> {
    /// The reader is gone, and with it what was kept for it.
    fn abandon(&self) {
        let kept = self.lock().account.take();
        // The driver does not wait until all of it is freed.
        drop(kept);
    }

    fn lock(&self) -> MutexGuard<'_, State<A>> {
        self.state.lock().expect("nobody panics while holding it")
    }
}

/// Wakes the reader, outside of the lock: a waker is foreign code, which may come
/// back here.
fn wake<A>(mut state: MutexGuard<'_, State<A>>) {
    let waker = state.waker.take();
    drop(state);
    if let Some(waker) = waker {
        waker.wake();
    }
}

/// The reader's end of a feed.
#[derive(Debug)]
pub(super) struct Subscription<A> {
    feed: Arc<Feed<A>>,
    /// Tells the driver to look for streams that are gone.
    gone: Arc<Notify>,
}

impl<A: Account> Subscription<A> {
    pub(super) fn new(account: A, gone: Arc<Notify>) -> Self {
        Self { feed: Arc::new(Feed::new(account)), gone }
    }

    /// The driver's end.
    pub(super) fn feed(&self) -> Arc<Feed<A>> {
        self.feed.clone()
    }

    /// What happens next, as the program is told it; `None` after the end.
    pub(super) fn poll<E: From<A::Change>>(
        &self,
        cx: &mut Context<'_>,
        ended: impl FnOnce(ClientError) -> E,
    ) -> Poll<Option<E>> {
        self.feed.poll(cx).map(|next| next.map(|change| change.map_or_else(ended, E::from)))
    }

    pub(super) fn read<T>(&self, read: impl FnOnce(&A) -> T) -> T {
        self.feed.read(read).expect("its reader is there")
    }
}

impl<A> Drop for Subscription<A> {
    fn drop(&mut self) {
        self.feed.abandon();
        self.gone.notify_one();
    }
}
