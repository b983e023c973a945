//! What sessions are told, as scripts write it down.

use super::names::Names;
use foregather::domain::{
    Announcement, Answer, Attributes, CatchUp, Code, Delivery, Game, GameList, ListKind, Message, OwnerPolicy, Party,
    Pattern, Recipient, Refusal, Registration, Roster, Seat,
};
use std::sync::Arc;

/// Writes down what is told, with the numbers of changes if they are `numbered`.
pub struct Telling<'a> {
    pub names: &'a mut Names,
    pub numbered: bool,
}

impl Telling<'_> {
    pub fn answer(&mut self, answer: &Answer) -> String {
        match answer {
            Answer::Refused(refusal) => refused(refusal),
            Answer::Done => "ok".into(),
            Answer::Granted { registration, game } => {
                let peer = self.own(registration);
                format!("granted {peer}{}", self.game_behind(game.as_deref()))
            }
            Answer::Roster(roster) => self.roster(roster),
            Answer::CatchUp(catch_up) => self.catch_up(catch_up),
            Answer::Games(list) => self.game_list(list),
            Answer::Seat(seat) => self.seat(seat),
            Answer::Sent { ns, to } => format!("{} to {}", self.names.ns(ns.as_str()), self.names.id(to.as_str())),
            other => panic!("the registry does not say {other:?}"),
        }
    }

    pub fn announcement(&mut self, announcement: &Announcement) -> String {
        match announcement {
            Announcement::Registered(registration) => {
                format!("{} + {}", self.names.ns(registration.ns.as_str()), self.peer(registration))
            }
            Announcement::Unregistered { ns, id, reason, version } => {
                let (ns, id) = (self.names.ns(ns.as_str()), self.names.id(id.as_str()));
                format!("{ns} - {id} {}{}", reason.name(), self.number(*version))
            }
            Announcement::Game(game) => format!("game {}", self.game(game)),
            Announcement::GameClosed { ns, version } => {
                format!("closed {}{}", self.names.ns(ns.as_str()), self.number(*version))
            }
        }
    }

    /// `chess/a ada: hello`, and to whom it was sent, if not to this one by its id.
    pub fn delivery(&mut self, delivery: &Delivery) -> String {
        let Delivery { from, message: Message { ns, to, payload, id, reply_to } } = delivery;
        let to = match to {
            Recipient::To(Party::Peer(_)) => String::new(),
            Recipient::To(Party::Session(name)) => format!(" to {}", self.names.id(name.as_str())),
            Recipient::Owner => " to owner".into(),
            Recipient::All => " to all".into(),
            Recipient::Any => " to any".into(),
        };
        let number =
            |what: &str, number: &Option<u64>| number.map_or_else(String::new, |number| format!(" {what}={number}"));
        let (id, reply_to) = (number("id", id), number("reply_to", reply_to));
        let (ns, from) = (self.names.ns(ns.as_str()), self.names.id(from.as_str()));
        format!("{ns} {from}{to}: {}{id}{reply_to}", String::from_utf8_lossy(payload))
    }

    fn roster(&mut self, roster: &Roster) -> String {
        let Roster { pattern, kind, game, peers, more } = roster;
        let peers: Vec<String> = peers.iter().map(|peer| self.placed(pattern, peer)).collect();
        let game = self.game_behind(game.as_deref());
        format!("{} {}{game}{}", self.kind("here", kind), list(peers, ", "), self.end(kind, *more))
    }

    /// What has changed, in the words of [`Telling::announcement`] without the place.
    fn catch_up(&mut self, catch_up: &CatchUp) -> String {
        let CatchUp { ns, version, game, changes, more } = catch_up;
        let place = format!("{} ", self.names.ns(ns.as_str()));
        let mut since = Vec::new();
        for change in changes {
            let told = self.announcement(change);
            since.push(told.strip_prefix(&place).expect("it happened there").to_owned());
        }
        let game = self.game_behind(game.as_deref());
        let end = if *more { " ..." } else { "" };
        format!("since{}: {}{game}{end}", self.number(*version), list(since, ", "))
    }

    fn game_list(&mut self, games: &GameList) -> String {
        let GameList { kind, games, more, .. } = games;
        let games: Vec<String> = games.iter().map(|game| self.game(game)).collect();
        format!("{} {}{}", self.kind("lobby", kind), list(games, " | "), self.end(kind, *more))
    }

    fn seat(&mut self, seat: &Seat) -> String {
        let Seat { ns, game, peers, more, version } = seat;
        // The own entry stands where the game does, in the first part.
        let told = |(place, peer): (usize, &Arc<Registration>)| match (place, game) {
            (0, Some(_)) => self.own(peer),
            _ => self.peer(peer),
        };
        let peers: Vec<String> = peers.iter().enumerate().map(told).collect();
        let (ns, number) = (self.names.ns(ns.as_str()), self.number(*version));
        let game = self.game_behind(game.as_deref());
        format!("seat in {ns}{number} {}{game}{}", list(peers, ", "), if *more { " ..." } else { "" })
    }

    fn kind(&self, snapshot: &str, kind: &ListKind) -> String {
        match kind {
            ListKind::Snapshot { version } => format!("{snapshot}{}:", self.number(*version)),
            ListKind::Page { .. } => "page:".into(),
        }
    }

    fn end(&self, kind: &ListKind, more: bool) -> &'static str {
        match kind {
            _ if more => " ...",
            ListKind::Page { cookie: Some(_) } => " (next)",
            _ => "",
        }
    }

    /// Where it is as well, unless that was asked for.
    fn placed(&mut self, pattern: &Pattern, registration: &Registration) -> String {
        let peer = self.peer(registration);
        match pattern {
            Pattern::Exact(_) => peer,
            _ => format!("{} {peer}", self.names.ns(registration.ns.as_str())),
        }
    }

    fn peer(&mut self, registration: &Registration) -> String {
        self.entry(registration, "")
    }

    /// Its own client is told of its lease.
    fn own(&mut self, registration: &Registration) -> String {
        let lease = registration.ttl_secs;
        let lease = if lease > 0 { format!(" ttl={lease}s") } else { String::new() };
        self.entry(registration, &lease)
    }

    fn entry(&mut self, registration: &Registration, lease: &str) -> String {
        let mut text = self.names.id(registration.id.as_str());
        for address in &registration.addresses {
            text += &format!(" at={address}");
        }
        let away = if registration.away { " AWAY" } else { "" };
        text + &attributes(&registration.attributes) + lease + away + &self.number(registration.version)
    }

    fn game_behind(&mut self, game: Option<&Game>) -> String {
        game.map_or_else(String::new, |game| format!("; {}", self.game(game)))
    }

    /// `chess/a 1/2 ada#1`: one member, two seats, owned by ada in the first term;
    /// then whatever is not the default.
    fn game(&mut self, game: &Game) -> String {
        let Game { ns, owner, capacity, members, term, .. } = game;
        let owner = owner.as_ref().map_or_else(|| "nobody".into(), |id| self.names.id(id.as_str()));
        let mut text = format!("{} {members}/{capacity} {owner}#{term}", self.names.ns(ns.as_str()));
        for (shown, word) in
            [(game.locked, " locked"), (!game.listed, " unlisted"), (game.needs_secret, " needs_secret")]
        {
            text += if shown { word } else { "" };
        }
        if !game.app_version.is_none() {
            text += &format!(" app={}", game.app_version);
        }
        if game.owner_policy != OwnerPolicy::Oldest {
            text += &format!(" policy={}", game.owner_policy.name());
        }
        text + &attributes(&game.attributes) + &self.number(game.version)
    }

    fn number(&self, version: u64) -> String {
        if self.numbered { format!("@{version}") } else { String::new() }
    }
}

fn refused(refusal: &Refusal) -> String {
    let wanted = refusal.wanted.as_ref().map(|wanted| format!(" wants {wanted}"));
    assert_eq!(wanted.is_some(), refusal.code == Code::VersionMismatch, "the one wanted is named: {refusal}");
    format!("{}{}", refusal.code, wanted.unwrap_or_default())
}

fn list(items: Vec<String>, separator: &str) -> String {
    if items.is_empty() { "none".into() } else { items.join(separator) }
}

fn attributes(attributes: &Attributes) -> String {
    let short = |value: &str| if value.len() > 99 { format!("<{}>", value.len()) } else { value.to_owned() };
    attributes.iter().map(|(name, value)| format!(" .{name}={}", short(value))).collect()
}
