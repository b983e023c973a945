//! What a line of a script asks for.

use super::names::Names;
use foregather::{
    domain::{
        Address, AppVersion, Attributes, Discover, Filter, GameSettings, LeaveReason, Message, Namespace, OwnerPolicy,
        Party, Pattern, Peer, PeerId, QuickMatch, Recipient, Register, Rendezvous, RequestId, Secret, Subject,
        Unregister,
    },
    limits::Limits,
    registry::Reach,
};
use std::{net::IpAddr, time::Duration};

/// What a session does.
pub enum Deed {
    Register(Register),
    Unregister(Unregister),
    Rendezvous(Rendezvous),
    /// A page; the next one if it is to begin where the last one ended.
    Discover(Discover, Turn),
    Match(QuickMatch),
    Cancel(RequestId),
    /// A message, and as whom.
    Send(Option<PeerId>, Message),
    /// It takes messages like this from now on.
    Takes(Reach),
    /// It takes one more part of its list.
    Proceed,
    /// It introduces itself, by a key if that is not empty.
    Hello(Secret),
    /// It goes on with the session that it had, on another connection.
    Resume,
    /// Its connection ends.
    Gone(LeaveReason),
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Turn {
    First,
    Next,
}

/// The words behind `who>`.
pub struct Words<'a> {
    verb: &'a str,
    /// Words without `=`.
    plain: Vec<&'a str>,
    /// `name=value`.
    options: Vec<(&'a str, &'a str)>,
    /// The same behind `game` or `create`.
    settings: Option<Vec<(&'a str, &'a str)>>,
    /// `#7`.
    pub number: Option<RequestId>,
    /// The list stops behind each part.
    pub held: bool,
}

impl<'a> Words<'a> {
    pub fn read(text: &'a str) -> Self {
        let mut words = text.split_whitespace();
        let verb = words.next().expect("a line begins with a verb");
        let mut read = Self { verb, plain: vec![], options: vec![], settings: None, number: None, held: false };
        for word in words {
            if let Some((name, value)) = word.split_once('=') {
                read.settings.as_mut().unwrap_or(&mut read.options).push((name, value));
            } else if let Some(number) = word.strip_prefix('#') {
                read.number = Some(RequestId(number.parse().expect("a request has a number")));
            } else {
                match word {
                    "game" | "create" => read.settings = Some(vec![]),
                    "held" => read.held = true,
                    _ => read.plain.push(word),
                }
            }
        }
        read
    }

    /// What `who` means by it.
    pub fn deed(&self, who: &str, names: &mut Names) -> Deed {
        match self.verb {
            "register" | "renew" => Deed::Register(Register {
                ttl_secs: self.ttl_secs(),
                renew: self.verb == "renew",
                ns: self.ns(names),
                peer: self.peer(who, names),
                game: self.settings.as_deref().map(|settings| Box::new(game_settings(settings))),
                secret: secret(self.option("secret").unwrap_or_default()),
                app_version: app_version(self.option("app").unwrap_or_default()),
            }),
            "leave" | "kick" | "ban" => Deed::Unregister(Unregister {
                ns: self.ns(names),
                peer: self.plain.get(1).map(|id| peer_id(names, id)),
                ban: self.verb == "ban",
            }),
            "watch" | "unwatch" => self.rendezvous(names, self.peers(), self.verb == "unwatch"),
            "lobby" | "unlobby" => self.rendezvous(names, self.games(), self.verb == "unlobby"),
            "list" => self.discover(names, self.peers()),
            "games" => self.discover(names, self.games()),
            "match" => Deed::Match(QuickMatch {
                ttl_secs: self.ttl_secs(),
                pool: self.ns(names),
                peer: self.peer(who, names),
                app_version: app_version(self.option("app").unwrap_or_default()),
                create: self.settings.as_deref().map(game_settings),
                wait: self.option("wait").map_or(Duration::ZERO, duration),
            }),
            "cancel" => Deed::Cancel(self.number.expect("a CANCEL names a match")),
            "send" => Deed::Send(self.option("from").map(|id| peer_id(names, id)), self.message(names)),
            "ready" => Deed::Takes(Reach::Open),
            "busy" => Deed::Takes(Reach::Busy),
            "deaf" => Deed::Takes(Reach::Deaf),
            "proceed" => Deed::Proceed,
            "hello" => Deed::Hello(self.key()),
            "resume" => Deed::Resume,
            "gone" => Deed::Gone(self.plain.first().map_or(LeaveReason::Disconnected, |name| reason(name))),
            other => panic!("nobody knows how to {other:?}"),
        }
    }

    fn option(&self, name: &str) -> Option<&'a str> {
        self.options.iter().find(|(known, _)| *known == name).map(|&(_, value)| value)
    }

    /// By what it takes over what it had before it was restarted.
    pub fn key(&self) -> Secret {
        secret(self.option("key").unwrap_or_default())
    }

    /// Where it comes from, if it says so.
    pub fn host(&self) -> Option<IpAddr> {
        // A message is from a peer.
        let from = self.option("from").filter(|_| self.verb != "send");
        from.map(|host| host.parse().expect("a host is an address"))
    }

    fn ttl_secs(&self) -> u32 {
        let ttl = self.option("ttl").map_or(Duration::ZERO, duration);
        ttl.as_secs().try_into().expect("a lease is short")
    }

    fn ns(&self, names: &mut Names) -> Namespace {
        let text = names.meant(self.plain.first().expect("it is somewhere"));
        Namespace::parse(&text).expect("the namespace is legal")
    }

    fn pattern(&self, names: &mut Names) -> Pattern {
        let text = names.meant(self.plain.first().expect("it is of something"));
        Pattern::parse(&text).expect("the pattern is legal")
    }

    /// A peer is called as its session, unless it says something else; `as=` is a
    /// peer without an id.
    fn peer(&self, who: &str, names: &mut Names) -> Peer {
        let id = Some(self.option("as").unwrap_or(who)).filter(|id| !id.is_empty());
        let addresses = self.options.iter().filter(|(name, _)| *name == "at");
        Peer {
            id: id.map(|id| peer_id(names, id)),
            addresses: addresses.map(|&(_, address)| Address::from(address)).collect(),
            attributes: attributes(&self.options),
        }
    }

    fn message(&self, names: &mut Names) -> Message {
        let to = match self.option("to").expect("a message goes to somebody") {
            "owner" => Recipient::Owner,
            "all" => Recipient::All,
            "any" => Recipient::Any,
            other => Recipient::To(Party::parse(&names.meant(other), &Limits::default()).expect("the name is legal")),
        };
        let number = |name| self.option(name).map(|number| number.parse().expect("that is a number"));
        let payload = self.option("say").unwrap_or_default().to_owned().into();
        Message { id: number("id"), reply_to: number("reply_to"), ..Message::new(self.ns(names), to, payload) }
    }

    fn peers(&self) -> Subject {
        Subject::Peers { secret: secret(self.option("secret").unwrap_or_default()) }
    }

    fn games(&self) -> Subject {
        let filter = Filter::new(attributes(&self.options), &Limits::default());
        Subject::Games { filter: filter.expect("the filter is legal") }
    }

    fn rendezvous(&self, names: &mut Names, subject: Subject, leave: bool) -> Deed {
        let since = self.option("since").map(|version| version.parse().expect("a version is a number"));
        Deed::Rendezvous(Rendezvous { leave, since, ..Rendezvous::new(self.pattern(names), subject) })
    }

    fn discover(&self, names: &mut Names, subject: Subject) -> Deed {
        let limit = self.option("limit").map(|limit| limit.parse().expect("a limit is a number"));
        let turn = if self.plain.contains(&"next") { Turn::Next } else { Turn::First };
        Deed::Discover(Discover { pattern: self.pattern(names), subject, limit, cookie: None }, turn)
    }
}

/// `100ms` or `5s`.
pub fn duration(text: &str) -> Duration {
    let (number, unit) = text.split_at(text.find(|c: char| c.is_alphabetic()).expect("a time has a unit"));
    let number = number.parse().expect("a time is a number and a unit");
    match unit {
        "ms" => Duration::from_millis(number),
        "s" => Duration::from_secs(number),
        other => panic!("nobody measures in {other:?}"),
    }
}

fn game_settings(settings: &[(&str, &str)]) -> GameSettings {
    let mut game = GameSettings { attributes: attributes(settings), ..GameSettings::default() };
    for &(name, value) in settings {
        match name {
            "capacity" => game.capacity = Some(value.parse().expect("a capacity is a number")),
            "locked" => game.locked = Some(value == "yes"),
            "listed" => game.listed = Some(value == "yes"),
            "app" => game.app_version = Some(app_version(value)),
            "policy" => game.owner_policy = Some(policy(value)),
            "secret" => game.secret = Some(secret(value)),
            _ => assert!(name.starts_with('.'), "no game has {name:?}"),
        }
    }
    game
}

fn reason(name: &str) -> LeaveReason {
    let all = [LeaveReason::Disconnected, LeaveReason::TimedOut, LeaveReason::Slow];
    all.into_iter().find(|reason| reason.name() == name).expect("a connection ends for one of three reasons")
}

fn policy(name: &str) -> OwnerPolicy {
    let all = [OwnerPolicy::Oldest, OwnerPolicy::Close, OwnerPolicy::None];
    all.into_iter().find(|policy| policy.name() == name).expect("there are three policies")
}

/// `.name=value`; `<4000>` is a value of so many bytes.
fn attributes(options: &[(&str, &str)]) -> Attributes {
    let attribute = |&(name, value): &(&str, &str)| Some((name.strip_prefix('.')?.to_owned(), long(value)));
    options.iter().filter_map(attribute).collect()
}

fn long(text: &str) -> String {
    let bytes = text.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    bytes.map_or_else(|| text.to_owned(), |bytes| "x".repeat(bytes.parse().expect("<> holds a number of bytes")))
}

fn peer_id(names: &mut Names, id: &str) -> PeerId {
    PeerId::parse(&names.meant(id), &Limits::default()).expect("the id is legal")
}

fn secret(text: &str) -> Secret {
    Secret::parse(text.to_owned().into()).expect("the secret is legal")
}

fn app_version(text: &str) -> AppVersion {
    AppVersion::parse(text).expect("the version is legal")
}
