//! What outlives the server: what is noted of it, and what a new one makes of that.

use crate::*;
use foregather::{
    domain::{Changes, GameSettings, Hello, OwnerPolicy, Secret, State},
    wire::proto::{LeaveReason as Reason, RegistrationState},
};

/// One that goes on with a state, or begins with none.
fn hub_with(state: State) -> Hub {
    let limits = Limits { history_changes: 8, ..Limits::default() };
    // What one has made by chance no other makes again.
    let mut seed = [9; 32];
    seed[..8].copy_from_slice(&state.version.to_le_bytes());
    Hub::new(HubOptions { limits, limit_private_addresses: false, last_version: 0, seed, state: Some(state) })
}

/// A server that ends and begins again, with what was noted until then.
struct House {
    hub: Hub,
    out: Frames,
    state: State,
    now: Time,
}

impl House {
    fn new() -> Self {
        Self { hub: hub_with(State::default()), out: Frames::default(), state: State::default(), now: Time::START }
    }

    /// Takes note of what has changed; it must come to how things are.
    fn note(&mut self) -> Changes {
        let changes = self.hub.take_changes();
        self.state.apply(changes.clone());
        assert_eq!(self.state, self.hub.state());
        assert_eq!(self.state.fault(), None);
        assert!(!self.hub.has_changes() && self.hub.take_changes().is_empty());
        changes
    }

    fn restart(&mut self) {
        let last = self.state.last_session();
        self.hub = hub_with(self.state.clone());
        self.hub.check_invariants();
        (self.out, self.now) = (Frames::default(), Time::START);
        // It has noted that everybody is away.
        self.note();
        assert!(open(&mut self.hub) > last, "numbers of sessions are never used twice");
    }

    /// Asks, and gives the answer with what came behind it.
    fn ask(&mut self, session: SessionId, request: Request) -> Vec<Message> {
        self.out.take(session);
        let inbound = Inbound { request_id: Some(RequestId(1)), entries: vec![Ok(request)] };
        let mut progress = self.hub.receive(self.now, session, inbound, &mut self.out);
        while progress == Progress::Unfinished {
            progress = self.hub.proceed(self.now, session, &mut self.out);
        }
        self.out.take(session)
    }

    /// Somebody comes, with a token or a key; its next token, and whether it goes on.
    fn come(&mut self, resume: Option<Bytes>, key: &'static str) -> (SessionId, Bytes, bool) {
        let session = open(&mut self.hub);
        let client_key = Secret::parse(Bytes::from(key)).expect("it is short");
        let answer = self.ask(session, Request::Hello(Hello { resume, client_key, heartbeat: None }));
        let welcome = answer[0].welcome.clone().unwrap_or_else(|| panic!("{answer:?}"));
        (session, welcome.resume.clone().expect("a token"), welcome.resumed())
    }
}

fn leased(ns: &str, id: &str, ttl_secs: u32) -> Register {
    let Request::Register(request) = register(ns, Some(id), "0.0.0.0:7777") else { unreachable!("it registers") };
    Register { ttl_secs, ..request }
}

fn game(ns: &str, id: &str, ttl_secs: u32, settings: GameSettings) -> Request {
    Request::Register(Register { game: Some(Box::new(settings)), ..leased(ns, id, ttl_secs) })
}

fn catch_up(ns: &str, since: u64) -> Request {
    let pattern = Pattern::parse(ns).expect("it is legal");
    Request::Rendezvous(Rendezvous { since: Some(since), ..Rendezvous::new(pattern, Subject::default()) })
}

#[test]
fn a_lobby_outlives_the_server() {
    let mut house = House::new();
    let (ada, ada_token, _) = house.come(None, "");
    let (bob, _, _) = house.come(None, "bob's");
    let (eve, _, _) = house.come(None, "");
    house.ask(ada, game("chess/K7QP", "ada", 30, GameSettings { capacity: Some(4), ..Default::default() }));
    house.ask(bob, Request::Register(leased("chess/K7QP", "bob", 60)));
    house.ask(eve, Request::Register(leased("chess/K7QP", "eve", 0)));
    let seen = house.ask(ada, watch("chess/K7QP"));
    let cursor = seen[0].rendezvous[0].version();
    house.note();
    house.restart();

    // Who comes back is told what has become of the others since.
    let (ada, _, resumed) = house.come(Some(ada_token.clone()), "");
    assert!(resumed);
    let told = &house.ask(ada, catch_up("chess/K7QP", cursor))[0];
    assert!(!told.rendezvous[0].snapshot());
    assert_eq!(
        (ids(std::slice::from_ref(told)), told.register[0].state()),
        (vec!["bob".into()], RegistrationState::Away)
    );
    let [gone] = &told.unregister[..] else { panic!("{told:?}") };
    assert_eq!((gone.peer.as_ref().expect("somebody").id(), gone.reason()), ("eve", Reason::Disconnected));
    assert_eq!((told.game[0].owner(), told.game[0].term(), told.game[0].members()), ("ada", 1, 2));
    // Any other time is too long ago, or yet to come.
    for other in [cursor - 1, cursor + 1, u64::MAX] {
        assert!(house.ask(ada, catch_up("chess/K7QP", other))[0].rendezvous[0].snapshot());
    }

    // The same program takes its seat over.
    let (bob, _, _) = house.come(None, "bob's");
    let granted = &house.ask(bob, Request::Register(leased("chess/K7QP", "bob", 60)))[0];
    assert_eq!((granted.status.as_ref().expect("one").code(), granted.game[0].members()), (StatusCode::Ok, 2));
    assert_eq!(ids(&house.out.take(ada)), ["bob"], "it is present again");

    // The lease of one who does not come back runs from the start, to its end.
    house.hub.close(Time::START, ada, LeaveReason::Disconnected, &mut house.out);
    house.note();
    house.restart();
    let watcher = open(&mut house.hub);
    house.ask(watcher, watch("chess/K7QP"));
    for (seconds, left) in [(29, 0), (30, 1), (59, 0), (60, 1)] {
        house.hub.handle_timeout(Time::from_start(Duration::from_secs(seconds)), &mut house.out);
        let told = house.out.take(watcher);
        assert_eq!(told.iter().map(|message| message.unregister.len()).sum::<usize>(), left, "{seconds}: {told:?}");
    }
    house.note();
    assert_eq!(house.state.registrations.len() + house.state.games.len() + house.state.resumptions.len(), 0);
}

#[test]
fn whoever_has_no_lease_leaves_by_the_rules_of_the_game() {
    let policy = |owner_policy| GameSettings { owner_policy: Some(owner_policy), ..Default::default() };
    let mut house = House::new();
    for (ns, settings) in [
        ("a/oldest", policy(OwnerPolicy::Oldest)),
        ("a/close", policy(OwnerPolicy::Close)),
        ("a/none", policy(OwnerPolicy::None)),
    ] {
        let (owner, guest) = (open(&mut house.hub), open(&mut house.hub));
        house.ask(owner, game(ns, "owner", 0, settings));
        house.ask(guest, Request::Register(leased(ns, "guest", 30)));
        // Whoever is banned stays so, by its name.
        let villain = open(&mut house.hub);
        house.ask(villain, Request::Register(leased(ns, "villain", 30)));
        let peer = PeerId::parse("villain", &Limits::default()).ok();
        house.ask(owner, Request::Unregister(Unregister { ns: crate::ns(ns), peer, ban: true }));
    }
    house.note();
    house.restart();
    let games = &house.state.games;
    let owned: Vec<_> = games.iter().map(|(ns, game)| (ns.as_str(), game.owner.is_some(), game.term)).collect();
    assert_eq!(owned, [("a/none", false, 2), ("a/oldest", true, 2)]);
    let villain = open(&mut house.hub);
    let refused = house.ask(villain, Request::Register(leased("a/oldest", "villain", 0)));
    assert_eq!(refused[0].status.as_ref().expect("a refusal").code(), StatusCode::Banned);
}

#[test]
fn versions_grow_over_a_restart_also_those_that_nobody_has_noted() {
    let mut house = House::new();
    let ada = open(&mut house.hub);
    house.ask(ada, Request::Register(leased("chess", "ada", 30)));
    house.note();
    let lost = house.ask(ada, Request::Register(leased("go", "ada", 30)))[0].register[0].version();
    house.restart();
    let watcher = open(&mut house.hub);
    let seen = &house.ask(watcher, watch("chess"))[0];
    assert!(seen.register[0].version() > lost);
    assert!(house.ask(watcher, watch("go"))[0].register.is_empty(), "it was not noted");
}

#[test]
fn a_ban_of_a_session_that_held_nothing_does_not_pass_to_another() {
    let mut house = House::new();
    let (owner, villain) = (open(&mut house.hub), open(&mut house.hub));
    house.ask(owner, game("chess/a", "owner", 600, GameSettings::default()));
    house.ask(villain, Request::Register(leased("chess/a", "villain", 0)));
    let peer = PeerId::parse("villain", &Limits::default()).ok();
    house.ask(owner, Request::Unregister(Unregister { ns: ns("chess/a"), peer, ban: true }));
    house.note();
    for _ in 0..2 {
        house.restart();
        let (innocent, _, _) = house.come(None, "key");
        let answer = &house.ask(innocent, Request::Register(leased("chess/a", "innocent", 600)))[0];
        assert_eq!(answer.status.as_ref().expect("an answer").code(), StatusCode::Ok);
        house.note();
    }
    assert!(house.state.games[&ns("chess/a")].banned_sessions.is_empty());
}

#[test]
fn the_numbers_of_a_run_that_is_lost_at_once_are_not_given_again() {
    let mut house = House::new();
    let ada = open(&mut house.hub);
    house.ask(ada, Request::Register(leased("go", "ada", 60)));
    house.note();
    house.restart();
    let xaver = open(&mut house.hub);
    let heard = house.ask(xaver, Request::Register(leased("chess", "xaver", 60)))[0].register[0].version();
    // Of that run nothing but its start was kept.
    house.restart();
    for id in ["yann", "zoe"] {
        let peer = open(&mut house.hub);
        house.ask(peer, Request::Register(leased("chess", id, 60)));
    }
    let eve = open(&mut house.hub);
    assert!(house.ask(eve, catch_up("chess", heard))[0].rendezvous[0].snapshot(), "it has heard of xaver");
}

#[test]
fn all_are_lost_at_once_so_the_oldest_owns() {
    let mut house = House::new();
    let (bob, ada, cid) = (open(&mut house.hub), open(&mut house.hub), open(&mut house.hub));
    house.ask(ada, game("chess/a", "ada", 0, GameSettings::default()));
    house.ask(bob, Request::Register(leased("chess/a", "bob", 60)));
    house.ask(cid, Request::Register(leased("chess/a", "cid", 60)));
    house.note();
    house.restart();
    let game = &house.state.games[&ns("chess/a")];
    let owner = &house.state.registrations[&game.owner.expect("somebody")].registration.id;
    assert_eq!((owner.as_str(), game.term), ("bob", 2));
}

#[test]
fn what_is_noted_comes_to_how_things_are_whatever_happens() {
    let mut house = House::new();
    let mut dice = 7u64;
    let mut below = |most: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % most
    };
    let (mut sessions, mut tokens) = (Vec::new(), Vec::<Bytes>::new());
    let mut restarts = 0;
    for step in 0..10_000 {
        let (ns, id) = (format!("a/{}", below(3)), format!("p{}", below(6)));
        let somebody = (!sessions.is_empty()).then(|| sessions[below(sessions.len() as u64) as usize]);
        match (below(12), somebody) {
            (0, _) | (_, None) if sessions.len() < 5 => {
                let resumes = !tokens.is_empty() && below(2) == 0;
                let resume = resumes.then(|| tokens[below(tokens.len() as u64) as usize].clone());
                let (session, token, _) = house.come(resume, ["", "k1", "k2"][below(3) as usize]);
                sessions.push(session);
                tokens.push(token);
            }
            (1..4, Some(session)) => {
                house.ask(session, Request::Register(leased(&ns, &id, 10 * below(3) as u32)));
            }
            (4..6, Some(session)) => {
                let settings = GameSettings {
                    capacity: Some(below(5) as u32),
                    owner_policy: OwnerPolicy::from_number(below(3) as i32),
                    ..Default::default()
                };
                house.ask(session, game(&ns, &id, 10 * below(3) as u32, settings));
            }
            (6, Some(session)) => {
                house.ask(session, register(&ns, None, "0.0.0.0:1"));
            }
            (7..9, Some(session)) => {
                let (peer, ban) = (PeerId::parse(&id, &Limits::default()).ok(), below(2) == 0);
                let peer = peer.filter(|_| ban || below(2) == 0);
                house.ask(session, Request::Unregister(Unregister { ns: crate::ns(&ns), peer, ban }));
            }
            (0 | 9, Some(session)) => {
                sessions.retain(|&other| other != session);
                house.hub.close(house.now, session, LeaveReason::Disconnected, &mut house.out);
            }
            (10, _) => {
                house.now = house.now.after(Duration::from_secs(below(9)));
                while house.hub.poll_timeout().is_some_and(|due| due <= house.now) {
                    house.hub.handle_timeout(house.now, &mut house.out);
                }
            }
            (_, _) => drop(house.note()),
        }
        if step % 250 == 249 {
            house.restart();
            restarts += 1;
            sessions.clear();
        }
        house.hub.check_invariants();
    }
    assert_eq!(restarts, 40);
}
