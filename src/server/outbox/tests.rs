use super::{outboxes::Outboxes, *};
use crate::{
    domain::{Outbound, SessionId},
    hub::{Order, Outlet as _},
    registry::News,
    wire::{
        self,
        proto::{self, MessageType},
    },
};
use prost::Message as _;
use std::collections::BTreeMap;

const ADA: SessionId = SessionId(1);
const BOB: SessionId = SessionId(2);
const CID: SessionId = SessionId(3);

/// The outboxes of so many, each of which may hold 256 KiB.
fn outboxes(sessions: u64) -> (Outboxes, BTreeMap<SessionId, Arc<Outbox>>) {
    outboxes_of(256 * 1_024, sessions)
}

/// The same where each may hold so much.
fn outboxes_of(outbox_bytes: usize, sessions: u64) -> (Outboxes, BTreeMap<SessionId, Arc<Outbox>>) {
    let mut outboxes = Outboxes::new(&Limits { outbox_bytes, ..Limits::default() });
    let each = (1..=sessions).map(|id| (SessionId(id), outboxes.open(SessionId(id))));
    let each = each.collect();
    (outboxes, each)
}

fn frame(number: u8) -> Bytes {
    vec![number; 10].into()
}

/// Something that a server may say, in a frame of its own.
fn said(message: &proto::Message) -> (Vec<Bytes>, Vec<News>) {
    let said = wire::outbound(&message.encode_to_vec(), &Limits::default()).expect("a server may say that");
    let Outbound::Announced(all) = said else { panic!("{said:?}") };
    (wire::announcements(&all, &Limits::default()), all.into_iter().map(News::from).collect())
}

/// That a peer is there.
fn news(peer: &str, version: u64) -> (Vec<Bytes>, Vec<News>) {
    let peer = Some(proto::Peer { id: Some(peer.into()), ..Default::default() });
    let entry = proto::Register { ns: Some("chess".into()), peer, version: Some(version), ..Default::default() };
    let kind = Some(MessageType::Register.into());
    said(&proto::Message { r#type: kind, register: vec![entry], ..Default::default() })
}

/// That it is not.
fn gone(peer: &str, version: u64) -> (Vec<Bytes>, Vec<News>) {
    let peer = Some(proto::Peer { id: Some(peer.into()), ..Default::default() });
    let entry = proto::Unregister { ns: Some("chess".into()), peer, version: Some(version), ..Default::default() };
    let kind = Some(MessageType::Unregister.into());
    said(&proto::Message { r#type: kind, unregister: vec![entry], ..Default::default() })
}

/// What waits in the queue, piece by piece.
fn pieces(outbox: &Outbox) -> Vec<Bytes> {
    outbox.queue().frames.iter().cloned().collect()
}

#[test]
fn what_the_same_are_told_is_one_piece_that_they_share() {
    let (mut outboxes, each) = outboxes(3);
    let (frames, changed) = news("p", 1);
    outboxes.during(ADA).say(vec![BOB, CID], frame(1));
    outboxes.during(ADA).announce(vec![BOB, CID], frames.clone(), changed);
    outboxes.during(ADA).say(vec![BOB, CID], frame(2));
    assert_eq!(pieces(&each[&BOB]), Vec::<Bytes>::new(), "it is not given to them yet");
    assert!(!outboxes.during(ADA).is_drained(BOB) && outboxes.during(ADA).is_drained(ADA));
    outboxes.hand_out();
    let (bob, cid) = (pieces(&each[&BOB]), pieces(&each[&CID]));
    assert_eq!(bob, [[&frame(1)[..], &frames[0], &frame(2)].concat()]);
    assert_eq!(bob[0].as_ptr(), cid[0].as_ptr(), "it is not copied for each");
    assert!(pieces(&each[&ADA]).is_empty());
    outboxes.hand_out();
    assert_eq!(pieces(&each[&BOB]).len(), 1, "it is handed out once");
}

#[test]
fn a_frame_that_comes_alone_is_not_copied_at_all() {
    let (mut outboxes, each) = outboxes(2);
    let only = frame(1);
    outboxes.during(ADA).say(vec![BOB], only.clone());
    outboxes.hand_out();
    assert_eq!(pieces(&each[&BOB])[0].as_ptr(), only.as_ptr());
}

#[test]
fn another_audience_has_what_was_told_before_handed_out() {
    let (mut outboxes, each) = outboxes(3);
    outboxes.during(ADA).say(vec![BOB, CID], frame(1));
    outboxes.during(ADA).say(vec![BOB], frame(2));
    assert_eq!(pieces(&each[&BOB]), [frame(1)]);
    assert_eq!(pieces(&each[&CID]), [frame(1)]);
    outboxes.hand_out();
    assert_eq!(pieces(&each[&BOB]), [frame(1), frame(2)]);
    assert_eq!(pieces(&each[&CID]), [frame(1)]);
}

#[test]
fn another_cause_does_too() {
    let (mut outboxes, each) = outboxes(3);
    outboxes.during(ADA).say(vec![CID], frame(1));
    outboxes.during(BOB).say(vec![CID], frame(2));
    assert_eq!(pieces(&each[&CID]), [frame(1)]);
    outboxes.meanwhile().say(vec![CID], frame(3));
    assert_eq!(pieces(&each[&CID]), [frame(1), frame(2)]);
    outboxes.hand_out();
    assert_eq!(pieces(&each[&CID]), [frame(1), frame(2), frame(3)]);
}

#[test]
fn an_answer_stands_behind_what_was_told_before_to_the_same() {
    let (mut outboxes, each) = outboxes(3);
    outboxes.during(ADA).say(vec![BOB, CID], frame(1));
    // One to somebody else, such as the one who tells, changes nothing.
    outboxes.during(ADA).deliver(ADA, frame(9));
    assert_eq!((pieces(&each[&ADA]), pieces(&each[&BOB])), (vec![frame(9)], vec![]));
    outboxes.during(ADA).say(vec![BOB, CID], frame(2));
    outboxes.during(ADA).deliver(CID, frame(3));
    let both: Bytes = [frame(1), frame(2)].concat().into();
    assert_eq!(pieces(&each[&CID]), [both.clone(), frame(3)]);
    assert_eq!(pieces(&each[&BOB]), [both]);
    // So does a question.
    outboxes.during(ADA).say(vec![BOB], frame(4));
    outboxes.during(ADA).order(BOB, Order::Ask(frame(5)));
    assert_eq!(pieces(&each[&BOB])[1..], [frame(4), frame(5)]);
    // And whoever tells itself something.
    outboxes.during(ADA).say(vec![ADA], frame(6));
    outboxes.during(ADA).deliver(ADA, frame(7));
    assert_eq!(pieces(&each[&ADA])[1..], [frame(6), frame(7)]);
}

#[test]
fn what_is_too_much_is_handed_out_before_more_is_gathered() {
    let (mut outboxes, each) = outboxes(2);
    let large = || Bytes::from(vec![7; 10_000]);
    outboxes.during(ADA).say(vec![BOB], large());
    assert_eq!(pieces(&each[&BOB]), Vec::<Bytes>::new());
    outboxes.during(ADA).say(vec![BOB], large());
    assert_eq!(pieces(&each[&BOB]), [large()]);
    // A single frame is never too much.
    outboxes.during(ADA).say(vec![BOB], Bytes::from(vec![7; 60_000]));
    outboxes.hand_out();
    assert_eq!(pieces(&each[&BOB]).iter().map(Bytes::len).collect::<Vec<_>>(), [10_000, 10_000, 60_000]);
}

#[test]
fn what_nobody_hears_and_what_says_nothing_gathers_nothing() {
    let (mut outboxes, each) = outboxes(2);
    outboxes.during(ADA).say(vec![BOB], frame(1));
    outboxes.during(ADA).say(vec![], frame(2));
    outboxes.during(ADA).announce(vec![BOB], vec![], vec![]);
    assert_eq!(pieces(&each[&BOB]), Vec::<Bytes>::new(), "it waits still");
    outboxes.hand_out();
    assert_eq!(pieces(&each[&BOB]), [frame(1)]);
    // Those who have gone meanwhile are not missed.
    outboxes.during(ADA).say(vec![BOB], frame(3));
    outboxes.close(BOB);
    outboxes.hand_out();
    assert_eq!(pieces(&each[&BOB]), [frame(1)]);
}

#[test]
fn each_hears_all_in_the_order_in_which_it_was_told_however_it_is_gathered() {
    let mut dice = 1u64;
    let mut throw = |sides: u64| {
        dice = dice.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (dice >> 33) % sides
    };
    for _ in 0..200 {
        // So much that nobody is behind.
        let (mut outboxes, each) = outboxes_of(4 << 20, 4);
        let mut told: BTreeMap<SessionId, Vec<u8>> = each.keys().map(|&id| (id, Vec::new())).collect();
        for number in 0..60u64 {
            let cause = SessionId(1 + throw(2));
            let to: Vec<SessionId> = match throw(3) {
                0 => vec![SessionId(1 + throw(4))],
                _ => vec![BOB, CID, SessionId(4)],
            };
            let frame = Bytes::from(vec![number as u8; [1, 100, 5_000][throw(3) as usize]]);
            match throw(8) {
                0 => {
                    told.get_mut(&to[0]).expect("it is there").extend_from_slice(&frame);
                    outboxes.during(cause).deliver(to[0], frame);
                }
                1 => outboxes.hand_out(),
                2..5 => {
                    let (frames, news) = news(&format!("p{number}"), number + 1);
                    to.iter().for_each(|id| told.get_mut(id).expect("it is there").extend_from_slice(&frames[0]));
                    outboxes.during(cause).announce(to, frames, news);
                }
                _ => {
                    to.iter().for_each(|id| told.get_mut(id).expect("it is there").extend_from_slice(&frame));
                    outboxes.during(cause).say(to, frame);
                }
            }
        }
        outboxes.hand_out();
        for (id, outbox) in &each {
            assert!(taken(outbox).concat() == told[id], "{id:?}");
            assert_eq!(outbox.waiting(), 0);
        }
        assert_eq!(each[&ADA].total.load(Ordering::Relaxed), 0);
    }
}

/// Takes all that waits.
fn taken(outbox: &Outbox) -> Vec<Bytes> {
    let mut all = Vec::new();
    loop {
        let frames = outbox.take_frames(0, &Limits::default());
        if frames.is_empty() {
            return all;
        }
        outbox.recount(frames.iter().map(cost).sum(), 0);
        all.extend(frames);
    }
}

#[test]
fn for_one_who_is_behind_changes_are_folded_and_messages_are_not() {
    let (mut outboxes, each) = outboxes(3);
    // More waits for Bob than for one who reads.
    let old = Bytes::from(vec![7; 70_000]);
    outboxes.during(BOB).deliver(BOB, old.clone());
    let both = || vec![BOB, CID];
    let mut told = Vec::new();
    // The message that comes before any change is not behind one.
    told.push(frame(0));
    outboxes.during(ADA).say(both(), frame(0));
    for version in 1..=3u8 {
        let (frames, news) = news("p", version.into());
        told.extend([frames[0].clone(), frame(version)]);
        outboxes.during(ADA).announce(both(), frames, news);
        outboxes.during(ADA).say(both(), frame(version));
    }
    let (other, of_other) = news("q", 4);
    told.push(other[0].clone());
    outboxes.during(ADA).announce(both(), other.clone(), of_other);
    outboxes.hand_out();
    // All was gathered and Cid, who reads, has it as one piece.
    assert_eq!(pieces(&each[&CID]), [told.concat()]);
    // What comes alone stands behind what is folded, too.
    outboxes.during(ADA).say(vec![BOB], frame(4));
    outboxes.hand_out();
    let (last, _) = news("p", 3);
    let bob = taken(&each[&BOB]);
    assert_eq!(bob, [old, frame(0), frame(1), frame(2), last[0].clone(), frame(3), other[0].clone(), frame(4)]);
    assert_eq!(taken(&each[&CID]), [told.concat()]);
    assert_eq!(each[&BOB].total.load(Ordering::Relaxed), 0);
}

#[test]
fn what_came_and_went_between_messages_leaves_only_them() {
    let (mut outboxes, each) = outboxes(2);
    outboxes.during(BOB).deliver(BOB, Bytes::from(vec![7; 70_000]));
    let (frames, mut came) = news("p", 1);
    came[0].is_first = true;
    outboxes.during(ADA).announce(vec![BOB], frames, came);
    outboxes.during(ADA).say(vec![BOB], frame(1));
    let (frames, left) = gone("p", 2);
    outboxes.during(ADA).announce(vec![BOB], frames, left);
    outboxes.during(ADA).say(vec![BOB], frame(2));
    outboxes.hand_out();
    assert_eq!(taken(&each[&BOB])[1..], [frame(1), frame(2)]);
}

#[test]
fn who_does_not_read_what_it_is_told_is_cut_at_the_bound_and_the_others_are_not() {
    let (mut outboxes, each) = outboxes(3);
    let message = || Bytes::from(vec![7; 4_096]);
    let mut said = 0;
    let end = loop {
        outboxes.during(ADA).say(vec![BOB, CID], message());
        outboxes.hand_out();
        said += 1;
        // Cid reads.
        assert_eq!(taken(&each[&CID]), [message()]);
        assert!(said <= 64, "{} bytes wait", each[&BOB].waiting());
        if let Some(end) = each[&BOB].take_end() {
            break end;
        }
    };
    assert_eq!((end.reason, end.cut), (LeaveReason::Slow, true));
    assert_eq!(said, 64, "256 KiB, and the places of the frames");
    assert!(each[&CID].take_end().is_none());
    // Nothing more is put there.
    let waiting = each[&BOB].waiting();
    outboxes.during(ADA).say(vec![BOB, CID], message());
    outboxes.hand_out();
    assert_eq!(each[&BOB].waiting(), waiting);
}

#[test]
fn whoever_has_half_of_what_it_may_waiting_does_not_keep_up() {
    let (mut outboxes, each) = outboxes(2);
    let mut said = 0;
    while outboxes.during(ADA).keeps_up(BOB) {
        outboxes.during(ADA).say(vec![BOB], Bytes::from(vec![7; 1_000]));
        outboxes.hand_out();
        said += 1;
        assert!(said <= 128, "{} bytes wait", each[&BOB].waiting());
    }
    assert_eq!(said, 128, "128 KiB, and the places of the frames");
    taken(&each[&BOB]);
    assert!(outboxes.during(ADA).keeps_up(BOB), "it has read all");
}
