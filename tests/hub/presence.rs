//! A conversation that goes on on another connection, and what is due at once for many.

use crate::*;
use foregather::domain::{Hello, Secret};

fn hello(resume: Option<Bytes>, key: &'static str) -> Request {
    let client_key = Secret::parse(Bytes::from(key)).expect("it is short");
    Request::Hello(Hello { resume, client_key, heartbeat: None })
}

/// The answer to a request, which is the first that comes.
fn answered(hub: &mut Hub, out: &mut Frames, session: SessionId, request: Request) -> Message {
    out.take(session);
    let progress = ask(hub, out, session, Some(1), request);
    assert_eq!(progress, Progress::Finished);
    out.take(session).remove(0)
}

fn refused(answer: &Message) -> Option<StatusCode> {
    answer.status.as_ref().map(|status| status.code()).filter(|&code| code != StatusCode::Ok)
}

fn token(answer: &Message) -> Bytes {
    answer.welcome.as_ref().expect("a WELCOME").resume.clone().expect("a token")
}

fn leased(ns: &str, id: &str) -> Request {
    let Request::Register(request) = register(ns, Some(id), "198.51.100.7:1") else { unreachable!("it registers") };
    Request::Register(Register { ttl_secs: 60, ..request })
}

/// A session that has used up what it may ask for at once, which is 8 entries: its
/// token, and itself.
fn spent(hub: &mut Hub, out: &mut Frames) -> (SessionId, Bytes) {
    let session = open(hub);
    let token = token(&answered(hub, out, session, hello(None, "key")));
    for number in 0..7 {
        let answer = answered(hub, out, session, leased(&format!("a/{number}"), "ada"));
        assert_eq!(refused(&answer), None);
    }
    let answer = answered(hub, out, session, leased("a/7", "ada"));
    assert_eq!(refused(&answer), Some(StatusCode::RateLimited));
    (session, token)
}

fn slow() -> Limits {
    Limits { entries_per_sec: 1, entries_burst: 8, ..Limits::default() }
}

#[test]
fn to_come_back_is_no_new_allowance() {
    for closes in [false, true] {
        let (mut hub, mut out) = (hub(slow()), Frames::default());
        let (session, token) = spent(&mut hub, &mut out);
        if closes {
            hub.close(Time::START, session, LeaveReason::Disconnected, &mut out);
        }
        let again = open(&mut hub);
        let answer = answered(&mut hub, &mut out, again, hello(Some(token), ""));
        assert!(answer.welcome.as_ref().expect("a WELCOME").resumed());
        let answer = answered(&mut hub, &mut out, again, leased("a/0", "ada"));
        assert_eq!(refused(&answer), Some(StatusCode::RateLimited), "closed before: {closes}");
    }
}

#[test]
fn to_take_over_is_no_new_allowance() {
    let (mut hub, mut out) = (hub(slow()), Frames::default());
    spent(&mut hub, &mut out);
    let other = open(&mut hub);
    answered(&mut hub, &mut out, other, hello(None, "key"));
    assert_eq!(refused(&answered(&mut hub, &mut out, other, leased("a/0", "ada"))), None, "it is its own");
    let answer = answered(&mut hub, &mut out, other, leased("a/1", "ada"));
    assert_eq!(refused(&answer), Some(StatusCode::RateLimited));
}

#[test]
fn who_owes_comes_back_when_that_is_paid_and_its_token_stays_good() {
    let limits = Limits { fanout_bytes_per_sec: 1_024, fanout_burst_bytes: 1_024, ..Limits::default() };
    let (mut hub, mut out) = (hub(limits), Frames::default());
    let (watcher, session) = (open(&mut hub), open(&mut hub));
    answered(&mut hub, &mut out, watcher, watch("a"));
    let token = token(&answered(&mut hub, &mut out, session, hello(None, "")));
    let long = format!("198.51.100.7:{}", "1".repeat(200));
    let Request::Register(request) = register("a", Some("ada"), &long) else { unreachable!("it registers") };
    let peer = Peer { addresses: vec![Address::from(long.as_str()); 15], ..request.peer };
    let request = Request::Register(Register { ttl_secs: 60, peer, ..request });
    assert_eq!(refused(&answered(&mut hub, &mut out, session, request)), None);

    let again = open(&mut hub);
    let answer = answered(&mut hub, &mut out, again, hello(Some(token.clone()), ""));
    assert_eq!(refused(&answer), Some(StatusCode::RateLimited));
    assert!(out.take(session).is_empty(), "nothing has become of the older connection");
    let after = answer.status.expect("a refusal").retry_after_ms();
    assert!((1_000..4_000).contains(&after), "{after} ms for three times as much as is allowed in one second");
    let later = Time::from_start(Duration::from_millis(after.into()));
    let inbound = Inbound { request_id: Some(RequestId(2)), entries: vec![Ok(hello(Some(token), ""))] };
    assert_eq!(hub.receive(later, again, inbound, &mut out), Progress::Finished);
    assert!(out.take(again)[0].welcome.as_ref().expect("a WELCOME").resumed());
}

#[test]
fn leases_that_end_together_are_taken_out_in_turns() {
    const SESSIONS: usize = 20;
    const LEASES: usize = 1_000;
    let limits = Limits { address_entries_burst: 1_000_000, ..Limits::default() };
    let (mut hub, mut out) = (hub(limits), Frames::default());
    for session in 0..SESSIONS {
        let id = open(&mut hub);
        for lease in 0..LEASES {
            let inbound =
                Inbound { request_id: None, entries: vec![Ok(leased(&format!("a/{session}/{lease}"), "ada"))] };
            assert_eq!(hub.receive(Time::START, id, inbound, &mut out), Progress::Finished);
        }
        hub.close(Time::START, id, LeaveReason::Disconnected, &mut out);
    }
    let end = Time::from_start(Duration::from_secs(60));
    let mut turns = 0;
    while hub.poll_timeout().is_some_and(|due| due <= end) {
        hub.handle_timeout(end, &mut out);
        turns += 1;
    }
    // A thousand frames' worth of work is a turn, and 256 leases at once are the least.
    assert!((SESSIONS * LEASES / 1_280..=SESSIONS * LEASES / 256).contains(&turns), "{turns} turns");
    assert!(hub.is_empty());
}
