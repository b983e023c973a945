//! What messages cost whoever sends them.

use crate::{Frames, ask, hub, open, register, watch};
use foregather::{
    domain::{Code, Message, Namespace, Recipient, Request},
    hub::Progress,
    limits::Limits,
};

fn to_all() -> Request {
    let ns = Namespace::parse("chess/K7QP").expect("it is legal");
    Request::Send { from: None, message: Message::new(ns, Recipient::All, "hello".into()) }
}

/// How many messages to all a peer may send at once among 640 who watch, of whom those
/// are told messages that `number` their requests.
fn messages_among(number: Option<u64>) -> usize {
    let limits = Limits { entries_burst: 40, entries_per_sec: 1, ..Limits::default() };
    let (mut hub, mut out) = (hub(limits), Frames::default());
    for _ in 0..640 {
        let watcher = open(&mut hub);
        assert_eq!(ask(&mut hub, &mut out, watcher, number, watch("chess/K7QP")), Progress::Finished);
    }
    let sender = open(&mut hub);
    assert_eq!(
        ask(&mut hub, &mut out, sender, None, register("chess/K7QP", None, "198.51.100.7:1")),
        Progress::Finished
    );
    for sent in 0.. {
        out.by_session.clear();
        assert_eq!(ask(&mut hub, &mut out, sender, Some(1), to_all()), Progress::Finished);
        let answer = out.take(sender).remove(0).status.expect("it is answered");
        if answer.code == Some(Code::RateLimited as i32) {
            return sent;
        }
        assert_eq!(answer.code, Some(Code::Ok as i32));
    }
    unreachable!("the rate is limited")
}

#[test]
fn to_look_for_hearers_among_many_who_know_no_messages_is_charged() {
    // One entry each, beside the REGISTER. Who hears is charged by the byte.
    assert_eq!(messages_among(Some(1)), 39);
    // Ten more for those that were looked at in vain.
    assert_eq!(messages_among(None), 4);
}
