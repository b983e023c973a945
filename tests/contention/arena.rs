use crate::{
    dice::Dice,
    referee::{LOBBY, Referee},
    sabotage::Sabotage,
};
use foregather::{
    domain::{
        Answer, Discover, Filter, Game, LeaveReason, Namespace, Pattern, PeerId, Rendezvous, Request, RequestId,
        Secret, SessionId, Subject, Time,
    },
    limits::Limits,
    registry::{Output, Registry},
};
use std::collections::VecDeque;
use std::{
    net::{IpAddr, Ipv4Addr},
    time::Duration,
};

const HOST: IpAddr = IpAddr::V4(Ipv4Addr::new(198, 51, 100, 7));

/// Seats of a game whose capacity is 0: few enough for a crowd to fill it, and for
/// its roster to be shown at once, so that answers come in the order of the seats.
const GAME_MEMBERS: u32 = 64;

/// The real registry, with the referee next to it.
pub struct Arena {
    registry: Registry,
    pub referee: Referee,
    sabotage: Sabotage,
    now: Time,
    requests: u64,
    sessions: u64,
}

impl Arena {
    /// An empty one, in which the lists of those pools are watched.
    pub fn new(pools: &[Namespace], dice: &mut Dice, sabotage: Sabotage) -> Self {
        let limits = Limits {
            game_members: GAME_MEMBERS as usize,
            // Lists in one piece, and told of every change at once.
            discover_page: 100_000,
            game_list_ms: 0,
            ..Limits::default()
        };
        let seed = dice.bytes(32).try_into().expect("32 bytes were thrown");
        let mut arena = Self {
            registry: Registry::new(limits, dice.number() >> 16, seed),
            referee: Referee::new(GAME_MEMBERS),
            sabotage,
            now: Time::START,
            requests: 0,
            sessions: LOBBY.0,
        };
        arena.registry.open(LOBBY, HOST);
        for pool in pools {
            let pattern = Pattern::Children(pool.clone());
            arena.ask(LOBBY, Request::Rendezvous(Rendezvous::new(pattern, games())));
        }
        arena
    }

    pub fn open(&mut self) -> SessionId {
        self.sessions += 1;
        let session = SessionId(self.sessions);
        self.registry.open(session, HOST);
        session
    }

    pub fn close(&mut self, session: SessionId, reason: LeaveReason) {
        self.referee.close(self.now, session);
        self.registry.close(self.now, session, reason);
        self.settle();
    }

    pub fn ask(&mut self, session: SessionId, request: Request) -> RequestId {
        self.requests += 1;
        let request_id = RequestId(self.requests);
        self.referee.ask(self.now, session, request_id, request.clone());
        let Self { registry, now, .. } = self;
        match request {
            Request::Register(request) => registry.register(*now, session, Some(request_id), request),
            Request::Unregister(request) => registry.unregister(*now, session, Some(request_id), request),
            Request::Rendezvous(request) => registry.rendezvous(session, Some(request_id), request),
            Request::Match(request) => registry.quick_match(*now, session, request_id, *request),
            Request::Cancel(cancelled) => registry.cancel(session, Some(request_id), cancelled),
            other => unreachable!("nobody here asks for {other:?}"),
        }
        self.settle();
        request_id
    }

    pub fn pass(&mut self, time: Duration) {
        self.now = self.now.after(time);
        self.referee.pass(self.now);
        while self.registry.poll_timeout().is_some_and(|due| due <= self.now) {
            self.registry.handle_timeout(self.now);
            self.settle();
        }
        self.referee.check_timeouts(self.registry.poll_timeout());
    }

    fn settle(&mut self) {
        let mut outputs = self.drained();
        while let Some(output) = outputs.pop_front() {
            if let Output::Proceed { to } = output {
                // Everybody takes at once what it is to be shown.
                while self.registry.is_listing(to) {
                    self.registry.proceed(to);
                }
                let mut shown = self.drained();
                shown.append(&mut outputs);
                outputs = shown;
                continue;
            }
            let waited = self.referee.answers_waiter(&output);
            if let Some(output) = self.sabotage.of(output, waited) {
                self.referee.hear(&output);
            }
        }
        self.referee.settle();
    }

    fn drained(&mut self) -> VecDeque<Output> {
        std::iter::from_fn(|| self.registry.poll_output()).collect()
    }

    /// Compares all games and rosters below those pools with the referee's books.
    pub fn audit(&mut self, pools: &[Namespace]) {
        self.registry.check_invariants();
        for pool in pools {
            let listed = self.list_games(Pattern::Children(pool.clone()));
            self.referee.audit_list(pool, &listed);
            let rooms: Vec<_> =
                self.referee.books.rooms(pool.as_str()).map(|room| (room.ns.clone(), room.secret())).collect();
            for (ns, secret) in rooms {
                let shown = self.list_games(ns.clone().into());
                let roster = self.list_peers(&ns, secret);
                self.referee.audit_room(&ns, &shown, &roster);
            }
        }
    }

    fn list_games(&mut self, pattern: Pattern) -> Vec<Game> {
        let answers = self.list(pattern, games());
        let parts = answers.into_iter().map(|answer| match answer {
            Answer::Games(list) => list.games,
            other => panic!("a list of games is asked for: {other:?}"),
        });
        parts.flatten().collect()
    }

    fn list_peers(&mut self, ns: &Namespace, secret: Secret) -> Vec<PeerId> {
        let answers = self.list(ns.into(), Subject::Peers { secret });
        let parts = answers.into_iter().map(|answer| match answer {
            Answer::Roster(roster) => roster.peers,
            other => panic!("a list of peers is asked for: {other:?}"),
        });
        parts.flatten().map(|entry| entry.id.clone()).collect()
    }

    fn list(&mut self, pattern: Pattern, subject: Subject) -> Vec<Answer> {
        let request = Discover { pattern, subject, limit: None, cookie: None };
        self.registry.discover(LOBBY, Some(RequestId(0)), request);
        let mut answers = Vec::new();
        loop {
            while let Some(output) = self.registry.poll_output() {
                match output {
                    Output::Answer { answer, .. } => answers.push(answer),
                    Output::Announce { .. } | Output::Say { .. } => {
                        panic!("to look at a list changes nothing: {output:?}")
                    }
                    Output::Proceed { .. } | Output::Ended { .. } => {}
                }
            }
            if !self.registry.is_listing(LOBBY) {
                return answers;
            }
            self.registry.proceed(LOBBY);
        }
    }

    /// All are gone who came.
    pub fn ends_empty(&mut self, sessions: &[SessionId]) -> bool {
        for &session in sessions {
            self.close(session, LeaveReason::Disconnected);
        }
        self.close(LOBBY, LeaveReason::Disconnected);
        self.registry.is_empty()
    }
}

fn games() -> Subject {
    Subject::Games { filter: Filter::default() }
}
