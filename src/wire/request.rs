use super::{
    encode::{message, send},
    proto::{self, MessageType},
};
use crate::domain::{
    AppVersion, Attributes, Discover, GameSettings, Hello, Peer, QuickMatch, Register, Rendezvous, Request, RequestId,
    Secret, Subject, Unregister,
};
use bytes::Bytes;

/// The frame that asks a server for something. With a number it is answered
/// exactly once, under that number.
pub fn request(request_id: Option<RequestId>, request: &Request) -> Bytes {
    let base = |kind: MessageType| proto::Message {
        r#type: Some(kind.into()),
        request_id: request_id.map(|RequestId(id)| id),
        ..Default::default()
    };
    message(&match request {
        Request::Hello(hello) => {
            proto::Message { hello: Some(Box::new(introduction(None, hello))), ..base(MessageType::Hello) }
        }
        Request::Register(Register { ns, peer, game, secret, app_version, ttl_secs, renew }) => proto::Message {
            register: vec![proto::Register {
                ns: Some(ns.to_string()),
                peer: Some(self::peer(peer)),
                game: game.as_deref().map(|game| Box::new(settings(game))),
                secret: self::secret(secret),
                app_version: self::app_version(app_version),
                ttl_secs: (*ttl_secs > 0).then_some(*ttl_secs),
                renew: renew.then_some(true),
                ..Default::default()
            }],
            ..base(MessageType::Register)
        },
        Request::Unregister(Unregister { ns, peer, ban }) => proto::Message {
            unregister: vec![proto::Unregister {
                ns: Some(ns.to_string()),
                peer: peer.as_ref().map(|id| proto::Peer { id: Some(id.to_string()), ..Default::default() }),
                ban: ban.then_some(true),
                ..Default::default()
            }],
            ..base(MessageType::Unregister)
        },
        Request::Rendezvous(Rendezvous { pattern, subject, leave, since }) => {
            let About { games, secret, filter } = subject.into();
            proto::Message {
                rendezvous: vec![proto::Rendezvous {
                    ns: Some(pattern.to_string()),
                    version: *since,
                    leave: leave.then_some(true),
                    games,
                    secret,
                    filter,
                    ..Default::default()
                }],
                ..base(MessageType::Rendezvous)
            }
        }
        Request::Discover(Discover { pattern, subject, limit, cookie }) => {
            let About { games, secret, filter } = subject.into();
            proto::Message {
                discovery: vec![proto::Discover {
                    ns: Some(pattern.to_string()),
                    limit: limit.map(|limit| u32::try_from(limit).unwrap_or(u32::MAX)),
                    cookie: cookie.clone(),
                    games,
                    filter,
                    secret,
                }],
                ..base(MessageType::Discover)
            }
        }
        Request::Match(quick_match) => {
            let QuickMatch { pool, peer, app_version, create, wait, ttl_secs } = &**quick_match;
            let wait_ms = u32::try_from(wait.as_millis()).unwrap_or(u32::MAX);
            let entry = proto::QuickMatch {
                pool: Some(pool.to_string()),
                peer: Some(self::peer(peer)),
                app_version: self::app_version(app_version),
                create: create.as_ref().map(settings),
                ttl_secs: (*ttl_secs > 0).then_some(*ttl_secs),
                wait_ms: (wait_ms > 0).then_some(wait_ms),
            };
            proto::Message { r#match: Some(Box::new(entry)), ..base(MessageType::Match) }
        }
        Request::Cancel(RequestId(id)) => proto::Message { cancel: Some(*id), ..base(MessageType::Cancel) },
        Request::Send { from, message } => proto::Message {
            send: vec![send(from.as_ref().map(ToString::to_string), message)],
            ..base(MessageType::Send)
        },
        Request::Heartbeat { nonce, reply } => proto::Message {
            heartbeat: Some(proto::Heartbeat { nonce: Some(*nonce), reply: reply.then_some(true) }),
            ..base(MessageType::Heartbeat)
        },
    })
}

/// The frame that introduces a client, with the name of its program, which
/// servers keep in no [`Request`].
pub fn hello(request_id: RequestId, agent: &str, hello: &Hello) -> Bytes {
    message(&proto::Message {
        r#type: Some(MessageType::Hello.into()),
        request_id: Some(request_id.0),
        hello: Some(Box::new(introduction(Some(agent.to_owned()), hello))),
        ..Default::default()
    })
}

fn introduction(agent: Option<String>, hello: &Hello) -> proto::Hello {
    let Hello { resume, heartbeat, client_key } = hello;
    proto::Hello {
        protocol: Some(1),
        agent,
        token: None,
        resume: resume.clone(),
        heartbeat_ms: heartbeat.map(|wish| u32::try_from(wish.as_millis()).unwrap_or(u32::MAX)),
        client_key: secret(client_key),
    }
}

/// The fields in which RENDEZVOUS and DISCOVER say what they are about.
struct About {
    games: Option<bool>,
    secret: Option<Bytes>,
    filter: Attributes,
}

impl From<&Subject> for About {
    fn from(subject: &Subject) -> Self {
        match subject {
            Subject::Peers { secret } => Self { games: None, secret: self::secret(secret), filter: Attributes::new() },
            Subject::Games { filter } => Self { games: Some(true), secret: None, filter: filter.attributes().clone() },
        }
    }
}

fn settings(game: &GameSettings) -> proto::Game {
    proto::Game {
        capacity: game.capacity,
        locked: game.locked,
        listed: game.listed,
        app_version: game.app_version.as_ref().map(ToString::to_string),
        attributes: game.attributes.clone(),
        owner_policy: game.owner_policy.map(|policy| policy as i32),
        secret: game.secret.as_ref().map(|secret| secret.bytes().clone()),
        ..Default::default()
    }
}

fn secret(secret: &Secret) -> Option<Bytes> {
    (!secret.is_none()).then(|| secret.bytes().clone())
}

fn app_version(version: &AppVersion) -> Option<String> {
    (!version.is_none()).then(|| version.to_string())
}

fn peer(peer: &Peer) -> proto::Peer {
    proto::Peer {
        id: peer.id.as_ref().map(ToString::to_string),
        addrs: peer.addresses.iter().map(|address| address.bytes().clone()).collect(),
        attributes: peer.attributes.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{
        domain::{Address, Filter, Inbound, Namespace, OwnerPolicy, Pattern, PeerId},
        limits::Limits,
        wire,
    };
    use std::time::Duration;

    #[test]
    fn a_server_reads_what_a_client_wrote() {
        let limits = Limits::default();
        let ns = Namespace::parse("chess/K7QP").expect("it is legal");
        let id = PeerId::parse("ada", &limits).expect("it is legal");
        let everything = Peer {
            id: Some(id.clone()),
            addresses: vec![Address::from("0.0.0.0:7777"), Address::new(&[0xff, 0][..])],
            attributes: [("name".to_owned(), "Ada".to_owned())].into(),
        };
        let secret = || Secret::parse(Bytes::from_static(b"s3cret")).expect("it is short");
        let app_version = || AppVersion::parse("1.4").expect("it is short");
        let attributes = || Attributes::from([("mode".to_owned(), "blitz".to_owned())]);
        let filter = Filter::new(attributes(), &limits).expect("it is short");
        let games = || Subject::Games { filter: filter.clone() };
        let opened = || Subject::Peers { secret: secret() };
        let settings = GameSettings {
            capacity: Some(0),
            locked: Some(true),
            listed: Some(false),
            app_version: Some(app_version()),
            attributes: attributes(),
            owner_policy: Some(OwnerPolicy::Close),
            secret: Some(secret()),
        };
        let member = || Register::new(ns.clone(), everything.clone());
        let owner = |game: &GameSettings| Register { game: Some(Box::new(game.clone())), ..member() };
        let pattern = || Pattern::Descendants(ns.clone());
        let watch = |subject, leave| Rendezvous { leave, since: Some(u64::MAX), ..Rendezvous::new(pattern(), subject) };
        let list = |subject, limit, cookie| Discover { pattern: Pattern::Exact(ns.clone()), subject, limit, cookie };
        for request in [
            Request::Hello(Hello::default()),
            Request::Hello(Hello {
                resume: Some(Bytes::from_static(b"token")),
                heartbeat: Some(Duration::from_millis(250)),
                client_key: secret(),
            }),
            Request::Register(member()),
            Request::Register(Register::new(ns.clone(), Peer::default())),
            Request::Register(Register { secret: secret(), app_version: app_version(), ..member() }),
            Request::Register(Register { ttl_secs: 3_600, renew: true, ..member() }),
            Request::Register(owner(&settings)),
            Request::Register(owner(&GameSettings::default())),
            Request::Unregister(Unregister { ns: ns.clone(), peer: Some(id), ban: true }),
            Request::Unregister(Unregister { ns: ns.clone(), peer: None, ban: false }),
            Request::Rendezvous(watch(Subject::default(), false)),
            Request::Rendezvous(watch(opened(), true)),
            Request::Rendezvous(watch(games(), false)),
            Request::Discover(list(Subject::default(), None, None)),
            Request::Discover(list(opened(), Some(7), None)),
            Request::Discover(list(games(), None, Some(Bytes::from_static(b"cookie")))),
            Request::Heartbeat { nonce: 3, reply: true },
        ] {
            for request_id in [None, Some(RequestId(u64::MAX))] {
                reads_back(request_id, &request, &limits);
            }
        }
        for (create, wait) in [(None, Duration::ZERO), (Some(settings), Duration::from_millis(1))] {
            let (pool, peer, app_version) = (ns.clone(), everything.clone(), app_version());
            let quick_match = QuickMatch { pool, peer, app_version, create, wait, ttl_secs: 30 };
            reads_back(Some(RequestId(1)), &Request::Match(Box::new(quick_match)), &limits);
        }
        reads_back(Some(RequestId(1)), &Request::Cancel(RequestId(u64::MAX)), &limits);
    }

    fn reads_back(request_id: Option<RequestId>, request: &Request, limits: &Limits) {
        let mut body = self::request(request_id, request);
        let length = prost::decode_length_delimiter(&mut body).expect("a frame begins with its length");
        assert_eq!(length, body.len(), "one whole frame");
        let Inbound { request_id: read_id, entries } = wire::inbound(&body, limits).expect("it is a message");
        assert_eq!((read_id, entries), (request_id, vec![Ok(request.clone())]));
    }
}
