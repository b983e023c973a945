//! The games below a pattern, as they open, change and close.

use super::{
    Client, ClientError, GamePage, bounds, feed::Subscription, handle, ledger::Change, lobby::Lobby, pages::Paging,
    streams::Reader, waiter::Waiter,
};
use crate::domain::{Discover, Filter, Game, Pattern, Rendezvous, Request, Subject};
use bytes::Bytes;
use futures::Stream;
use std::{
    future::poll_fn,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

/// What happened in a list of games.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum GameEvent {
    /// A game is in the list: since before the stream began if this comes before
    /// [`GameEvent::Current`], newly after it.
    Opened(Arc<Game>),
    /// A game in the list has changed: its settings, its owner or its seats.
    Changed(Arc<Game>),
    /// A game is over, or in the list no more.
    Closed {
        /// As it stood last.
        last: Arc<Game>,
        /// The number of the change.
        version: u64,
    },
    /// All games that were in the list when the stream began have been told.
    Current {
        /// The number of the change that the list stands at.
        version: u64,
    },
    /// The last event; see [`Event::Ended`](super::Event::Ended).
    Ended(ClientError),
}

impl From<Change<Game>> for GameEvent {
    fn from(change: Change<Game>) -> Self {
        match change {
            Change::Came(game) => Self::Opened(game),
            Change::Changed(game) => Self::Changed(game),
            Change::Gone { last, cause: (), version } => Self::Closed { last, version },
            Change::Current { version } => Self::Current { version },
        }
    }
}

/// A live list of games, as a [`Stream`]; [`Games::next`] does without the traits
/// of the `futures` crate. Dropping it ends the watch. It does not keep the
/// connection.
///
/// The server sends the latest state of a game at most 10 times a second. What
/// has not been read is folded as in [`Events`](super::Events): one event for each
/// game, which tells its latest state; a game that opened and closed unseen is not
/// told at all.
#[derive(Debug)]
pub struct Games(Subscription<Lobby>);

impl Client {
    /// The games that a pattern stands for, live: first those there are, then
    /// [`GameEvent::Current`], then what changes, without a gap between. Only games
    /// that have all attributes of the filter, with exactly these values, are in
    /// the list; no attributes: all games. An unlisted game is in no list but that
    /// of its own name.
    ///
    /// Several streams may show the same pattern, each through its own filter.
    /// They share one watch on the server, which then sends what has the attributes
    /// that all of these filters name; with different filters that is more than
    /// each of them shows.
    ///
    /// # Errors
    /// [`ClientError::Refused`], for example if this client watches as much as it
    /// may.
    pub async fn games<K: Into<String>, V: Into<String>>(
        &self,
        pattern: &str,
        filter: impl IntoIterator<Item = (K, V)>,
    ) -> Result<Games, ClientError> {
        let pattern = handle::pattern(pattern)?;
        let filter = self::filter(&pattern, filter)?;
        let what = format!("the games of {pattern}");
        let lobby = Lobby::new(pattern.clone(), filter.clone(), self.roster_bytes);
        let games = Games(Subscription::new(lobby, self.line.stream_gone()));
        let asked = Rendezvous::new(pattern, Subject::Games { filter });
        self.line.in_time(what, self.watch(asked, Reader::Games(games.0.feed()))).await?;
        Ok(games)
    }

    /// Lists one page of the games that a pattern stands for and that have all
    /// attributes of the filter, oldest first: at most `limit` (`None`: as many as
    /// the server puts on a page), from where the page that `cookie` came with has
    /// ended (`None`: from the beginning). An exact name shows an unlisted game
    /// too.
    ///
    /// # Errors
    /// As [`Client::discover_page`].
    pub async fn discover_games<K: Into<String>, V: Into<String>>(
        &self,
        pattern: &str,
        filter: impl IntoIterator<Item = (K, V)>,
        limit: Option<usize>,
        cookie: Option<Bytes>,
    ) -> Result<GamePage, ClientError> {
        let pattern = handle::pattern(pattern)?;
        let filter = self::filter(&pattern, filter)?;
        let what = format!("a page of the games of {pattern}");
        let too_many = self.too_many(&pattern);
        let request = Request::Discover(Discover { pattern, subject: Subject::Games { filter }, limit, cookie });
        let waiter = |outcome| Waiter::GamePage(Paging::new(outcome, self.roster_bytes, too_many));
        let (games, cookie) = self.call(what, request, waiter).await?;
        Ok(GamePage { games, cookie })
    }
}

fn filter<K: Into<String>, V: Into<String>>(
    pattern: &Pattern,
    attributes: impl IntoIterator<Item = (K, V)>,
) -> Result<Filter, ClientError> {
    let attributes = attributes.into_iter().map(|(name, value)| (name.into(), value.into())).collect();
    Filter::new(attributes, &bounds::widest()).map_err(|refusal| ClientError::Invalid(refusal.of(pattern)))
}

impl Games {
    /// The next event; `None` after the last. To drop this future loses nothing.
    pub async fn next(&mut self) -> Option<GameEvent> {
        poll_fn(|cx| self.poll(cx)).await
    }

    /// The games in the list now, ordered by namespace: by all that the server has
    /// said so far, also where its event has not been read yet. Once the stream has
    /// ended, those that were there last.
    pub fn list(&self) -> impl Iterator<Item = Arc<Game>> + use<> {
        self.0.read(|lobby| lobby.present().cloned().collect::<Vec<_>>()).into_iter()
    }

    fn poll(&self, cx: &mut Context<'_>) -> Poll<Option<GameEvent>> {
        self.0.poll(cx, GameEvent::Ended)
    }
}

impl Stream for Games {
    type Item = GameEvent;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<GameEvent>> {
        self.poll(cx)
    }
}
