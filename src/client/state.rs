//! Whether the server can be reached, for whoever shows that.

use super::{ClientError, line::Shared};
use crate::domain::Greeting;
use std::sync::Arc;
use tokio::sync::watch;

/// How a client stands with its server.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum State {
    /// It is connected.
    Connected,
    /// The connection was lost, and another one is being tried for. Calls wait
    /// until then, each for as long as its deadline; streams stay open.
    Reconnecting {
        /// Which attempt will be next, or is being made: 1 for the first.
        attempt: u32,
        /// Why the last one failed, or the connection was lost.
        cause: ClientError,
    },
    /// Nothing more will come. [`ClientError::Closed`]: the program has closed it.
    Ended(ClientError),
}

/// How a client stands with its server, as it changes. It does not keep the
/// connection.
///
/// ```no_run
/// # async fn show(client: &foregather::client::Client) {
/// use foregather::client::State;
///
/// let mut states = client.states();
/// while let Some(state) = states.next().await {
///     match state {
///         State::Connected => println!("connected"),
///         State::Reconnecting { attempt, .. } => println!("connection lost; attempt {attempt}"),
///         State::Ended(error) => println!("it is over: {error}"),
///         _ => {}
///     }
/// }
/// # }
/// ```
#[derive(Debug)]
pub struct States(watch::Receiver<Standing>);

/// What the driver says of itself.
#[derive(Debug, Clone)]
pub(super) struct Standing {
    pub(super) state: State,
    /// What the server said when it was connected to last.
    pub(super) greeting: Option<Arc<Greeting>>,
}

impl States {
    /// As it is now: what changed before is not told any more.
    pub(super) fn of(shared: &Shared) -> Self {
        Self(shared.standing.subscribe())
    }

    /// How it stands now.
    pub fn now(&self) -> State {
        self.0.borrow().state.clone()
    }

    /// The state when it has changed since it was told last: the latest, should it
    /// have changed more than once. `None` after [`State::Ended`]. To drop this
    /// future loses nothing.
    pub async fn next(&mut self) -> Option<State> {
        let is_over = self.0.has_changed().is_ok_and(|news| !news) && matches!(self.now(), State::Ended(_));
        if is_over {
            return None;
        }
        self.0.changed().await.ok()?;
        Some(self.0.borrow_and_update().state.clone())
    }
}
