use super::{
    game, row,
    screen::{Screen, Size, resized},
    table,
};
use crate::cli::{
    connection::Connection,
    exit::Failure,
    output::{self, Output, printable},
    signals::Signals,
    time::until,
};
use foregather::client::{Game, GameEvent, Games};
use serde_json::json;
use std::{sync::Arc, time::Duration};
use tokio::time::Instant;

/// The table is drawn no more often than a person can look.
const PACE: Duration = Duration::from_millis(100);

/// A list of games that is shown for as long as it changes.
#[derive(Debug)]
pub(super) struct Live<'a> {
    pub(super) output: Output,
    pub(super) pattern: &'a str,
    pub(super) games: Games,
    pub(super) connection: Connection,
    pub(super) stay: Option<Duration>,
}

impl Live<'_> {
    /// Prints what changes, line by line.
    pub(super) async fn follow(mut self, signals: &mut Signals) -> Result<(), Failure> {
        let end = self.stay.map(|stay| Instant::now() + stay);
        loop {
            tokio::select! {
                () = signals.next() => return Ok(()),
                () = until(end) => return Ok(()),
                () = self.connection.tell() => {}
                event = self.games.next() => match event {
                    Some(event) => self.tell(&event)?,
                    None => return Ok(()),
                },
            }
        }
    }

    fn tell(&self, event: &GameEvent) -> Result<(), Failure> {
        match event {
            GameEvent::Opened(game) => self.print("opened", '+', game),
            GameEvent::Changed(game) => self.print("changed", '~', game),
            GameEvent::Closed { last, version } => self.output.event(
                || format!("- {}", printable(last.ns.as_str())),
                || json!({ "event": "closed", "ns": last.ns.as_str(), "version": version }),
            ),
            GameEvent::Current { version } if self.output.is_json() => {
                self.output.json(json!({ "event": "current", "pattern": self.pattern, "version": version }))
            }
            GameEvent::Current { .. } if self.games.list().next().is_none() => {
                output::note("no games are there yet; Ctrl-C ends");
                Ok(())
            }
            GameEvent::Ended(error) => Err(error.clone().into()),
            // Of what a later library tells, nothing is known here.
            _ => Ok(()),
        }
    }

    fn print(&self, event: &str, sign: char, game: &Game) -> Result<(), Failure> {
        let text = || format!("{sign} {}", row(game).join("  ")).trim_end().to_owned();
        self.output.event(text, || game::object(event, game))
    }

    /// Keeps the table on the terminal up to date.
    pub(super) async fn redraw(mut self, signals: &mut Signals) -> Result<(), Failure> {
        let end = self.stay.map(|stay| Instant::now() + stay);
        let mut resizes = resized()?;
        let mut screen = Screen::enter()?;
        let mut next_at = Some(Instant::now());
        loop {
            tokio::select! {
                () = signals.next() => return Ok(()),
                () = until(end) => return Ok(()),
                () = until(next_at) => {
                    next_at = None;
                    screen.draw(&self.picture(Size::of_terminal()))?;
                }
                // What has changed is drawn once, however much it is.
                () = resizes.next() => next_at = next_at.or(Some(Instant::now())),
                _ = self.connection.changed() => next_at = next_at.or(Some(Instant::now())),
                event = self.games.next() => match event {
                    Some(GameEvent::Ended(error)) => return Err(error.into()),
                    Some(_) => next_at = next_at.or(Some(Instant::now() + PACE)),
                    None => return Ok(()),
                },
            }
        }
    }

    /// What is drawn: the table, and below it how much of it there is.
    fn picture(&self, size: Size) -> Vec<String> {
        let games: Vec<Arc<Game>> = self.games.list().collect();
        let end = if self.connection.is_lost() { "connection lost, trying again; Ctrl-C ends" } else { "Ctrl-C ends" };
        picture(&games, self.pattern, end, size)
    }
}

fn picture(games: &[Arc<Game>], pattern: &str, end: &str, size: Size) -> Vec<String> {
    let mut lines = super::table(games);
    // The heading, an empty line and the last one.
    let room = size.rows.saturating_sub(3);
    lines.truncate(1 + room);
    let not_shown = games.len().saturating_sub(room);
    let rest = if not_shown == 0 { String::new() } else { format!(", {not_shown} of them below the screen's end") };
    lines.push(String::new());
    let games = if games.len() == 1 { "1 game".into() } else { format!("{} games", games.len()) };
    lines.push(format!("{games} in {}{rest}; {end}", printable(pattern)));
    lines.iter().take(size.rows).map(|line| table::fit(line, size.columns)).collect()
}

#[cfg(test)]
mod tests {
    use super::{super::tests::a_game, *};

    #[test]
    fn a_picture_fits_the_terminal() {
        let games = ["chess/a", "chess/b", "chess/c"].map(|ns| Arc::new(a_game(ns, Some("ada"))));
        let picture = |columns, rows| picture(&games, "chess/*", "Ctrl-C ends", Size { columns, rows });
        assert_eq!(
            picture(80, 24),
            [
                "NAMESPACE  SEATS  OWNER  VERSION  LOCK  ATTRIBUTES",
                "chess/a    2/4    ada    -        open",
                "chess/b    2/4    ada    -        open",
                "chess/c    2/4    ada    -        open",
                "",
                "3 games in chess/*; Ctrl-C ends",
            ]
        );
        assert_eq!(picture(10, 4), ["NAMESPACE…", "chess/a  …", "", "3 games i…"]);
        for rows in 0..8 {
            assert!(picture(80, rows).len() <= rows, "{rows}");
        }
    }
}
