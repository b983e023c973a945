//! How a server comes to listen: alone, or after the one whose state it goes on with.

use super::StartError;
use crate::{
    domain::State,
    store::{Origin, StateFile, Store, StoreError},
    transport::tcp::{self, Bound, Sharing},
};
use std::{
    io,
    net::{SocketAddr, TcpListener},
    path::Path,
    thread,
    time::{Duration, Instant},
};

/// How often it is tried whether the file was let go. Until then nobody is served, as the
/// one that has it ends.
const STATE_EVERY: Duration = Duration::from_millis(10);

/// For how long an address that is in use is tried again: the server before has let its
/// state go and still turns away who connects.
const ADDRESS_WAIT: Duration = Duration::from_secs(1);

/// Where a server is to listen.
#[derive(Debug, Clone, Copy)]
pub(super) struct Place {
    pub(super) address: SocketAddr,
    /// For how long the peer's machine may be silent.
    pub(super) silence: Duration,
}

impl Place {
    fn error(self, source: io::Error) -> StartError {
        StartError::Listen { address: self.address, source }
    }

    /// Listens, alone.
    pub(super) fn listen(self) -> Result<TcpListener, StartError> {
        tcp::listen(self.address, self.silence).map_err(|error| self.error(error))
    }

    /// Listens, and reads the state. A server that has it is waited for; from the moment at
    /// which it lets the file go this one listens beside it, so that everybody who connects
    /// reaches one of the two.
    pub(super) fn listen_with_state(
        self,
        path: &Path,
        wait: Duration,
    ) -> Result<(TcpListener, Store, State), StartError> {
        let (listener, (store, state)) = match StateFile::hold(path) {
            Err(StoreError::InUse { .. }) if !wait.is_zero() => {
                // What listens there now must be a server that shares its address too.
                let bound = if cfg!(unix) { Some(self.bind(Sharing::Successor)?) } else { None };
                tracing::info!(path = %path.display(), "the state is in use by another server; waiting for it to end");
                let held = hold_within(path, wait)?;
                let listener = match bound {
                    Some(bound) => bound.listen().map_err(|error| self.error(error))?,
                    // Without a way to share an address, it is free when the other has ended.
                    None => self.bind_when_free()?.listen().map_err(|error| self.error(error))?,
                };
                (listener, held.load()?)
            }
            held => {
                let held = held?;
                // Of those that share their address none may be there either: that would be
                // a server with another state.
                drop(self.bind_when_free()?);
                let kept = held.load()?;
                let bound = self.bind(Sharing::Successor)?;
                (bound.listen().map_err(|error| self.error(error))?, kept)
            }
        };
        let (games, registrations) = (state.games.len(), state.registrations.len());
        let path = path.display();
        match store.origin() {
            Origin::New => tracing::info!(%path, "there was no state: it begins with an empty one"),
            Origin::Ended => tracing::info!(%path, games, registrations, "going on with the state"),
            Origin::Lost => tracing::info!(
                %path,
                games,
                registrations,
                "going on with the state; the server before did not come to its end, so what changed in its last \
                 moment may be missing"
            ),
        }
        Ok((listener, store, state))
    }

    fn bind(self, sharing: Sharing) -> Result<Bound, StartError> {
        Bound::new(self.address, self.silence, sharing).map_err(|error| self.error(error))
    }

    /// Takes the address alone, if not at once then soon.
    fn bind_when_free(self) -> Result<Bound, StartError> {
        let begun = Instant::now();
        loop {
            match Bound::new(self.address, self.silence, Sharing::Alone) {
                Err(error) if error.kind() == io::ErrorKind::AddrInUse && begun.elapsed() < ADDRESS_WAIT => {
                    thread::park_timeout(STATE_EVERY);
                }
                bound => return bound.map_err(|error| self.error(error)),
            }
        }
    }
}

fn hold_within(path: &Path, wait: Duration) -> Result<StateFile, StoreError> {
    let begun = Instant::now();
    loop {
        match StateFile::hold(path) {
            Err(StoreError::InUse { .. }) if begun.elapsed() < wait => thread::park_timeout(STATE_EVERY),
            held => return held,
        }
    }
}
