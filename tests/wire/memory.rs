//! What a frame may take in memory: the claims of `frame_entries` in `limits.rs`.

use foregather::{
    domain::{Code, GameSettings, QuickMatch, Refusal, Request},
    limits::Limits,
    wire::{self, proto},
};

/// A decoded entry is one of these, and then its request or refusal. What is
/// boxed in it, texts and the nodes of maps come on top. An empty entry is two
/// bytes on the wire, so `frame_bytes / 2` entries of 192 bytes would be 96 times
/// the frame, were they not counted first.
#[test]
fn an_entry_is_small() {
    for (name, bytes) in [
        ("Register", size_of::<proto::Register>()),
        ("Unregister", size_of::<proto::Unregister>()),
        ("Rendezvous", size_of::<proto::Rendezvous>()),
        ("Discover", size_of::<proto::Discover>()),
        ("Send", size_of::<proto::Send>()),
        ("Game", size_of::<proto::Game>()),
        ("a request or its refusal", size_of::<Result<Request, Refusal>>()),
        ("what is boxed in a REGISTER", size_of::<GameSettings>()),
    ] {
        assert!(bytes <= 256, "{name} takes {bytes} bytes; box its largest field in build.rs");
    }
    // There is one of it in a frame.
    assert!(size_of::<proto::QuickMatch>().max(size_of::<QuickMatch>()) <= 512);
}

/// The game in a REGISTER or MATCH comes with the entry that it is in, however
/// often it is written: its parts are merged into one.
#[test]
fn a_game_within_an_entry_is_no_entry() {
    let limits = Limits { frame_entries: 1, ..Limits::default() };
    // Two games, with a capacity and with a lock, in one REGISTER; the same in a
    // MATCH that is written twice itself.
    let register = [0x08, 0x00, 0x12, 0x0b, 0x0a, 0x01, b'a', 0x22, 0x02, 0x18, 0x02, 0x22, 0x02, 0x28, 0x01];
    let once = [0x52, 0x0b, 0x0a, 0x01, b'a', 0x22, 0x02, 0x18, 0x02, 0x22, 0x02, 0x28, 0x01];
    let quick_match = [&[0x08, 0x08, 0x30, 0x07], &once[..], &once].concat();
    for body in [&register[..], &quick_match] {
        let inbound = wire::inbound(body, &limits).expect("it is a message");
        let settings = match &inbound.entries[..] {
            [Ok(Request::Register(register))] => register.game.as_deref(),
            [Ok(Request::Match(quick_match))] => quick_match.create.as_ref(),
            other => panic!("not one request: {other:?}"),
        };
        let merged = settings.map(|settings| (settings.capacity, settings.locked));
        assert_eq!(merged, Some((Some(2), Some(true))));
    }
    // Beside its entry it is one, whether or not it is read.
    let beside = [&register[..], &[0x62, 0x00]].concat();
    let inbound = wire::inbound(&beside, &limits).expect("it is a message");
    assert!(inbound.entries[0].is_err(), "{inbound:?}");
}

/// Entries over the limit are refused before they are made. The last one here
/// does not even parse, which decoding would have found.
#[test]
fn entries_over_the_limit_are_never_decoded() {
    let limits = Limits::default();
    let entry_that_does_not_parse = [0x12, 0x04, 0x0a, 0x02, 0xc3, 0x28];
    for (empty, entries) in [([0x12, 0], limits.frame_entries), ([0x5a, 0], 32_000), ([0x62, 0], 32_000)] {
        let mut body = vec![0x08, 0x00, 0x30, 0x07];
        body.extend(empty.repeat(entries));
        body.extend(entry_that_does_not_parse);
        assert!(body.len() <= limits.frame_bytes);
        let inbound = wire::inbound(&body, &limits).expect("it has the outline of a message");
        let [Err(refusal)] = &inbound.entries[..] else { panic!("it is refused as a whole") };
        assert_eq!(refusal.code, Code::InvalidMessage);
        assert!(refusal.text.contains("entries in one message"), "{refusal}");
        assert_eq!(inbound.request_id.map(|id| id.0), Some(7));
    }
    let few = [&[0x08, 0x00, 0x12, 0x00], &entry_that_does_not_parse[..]].concat();
    assert!(wire::inbound(&few, &limits).is_err(), "within the limit it is looked at");
}

/// What is within a group is of an unknown field, and neither an entry nor an id.
#[test]
fn only_the_top_level_is_counted() {
    let limits = Limits { frame_entries: 1, ..Limits::default() };
    // Group 100 with three entries and an id in it; then one entry and another id.
    let group = [&[0xa3, 0x06][..], &[0x12, 0x00].repeat(3), &[0x30, 0x09], &[0xa4, 0x06]].concat();
    let body = [&group[..], &[0x08, 0x00, 0x12, 0x03, 0x0a, 0x01, b'a', 0x30, 0x07], &group].concat();
    let inbound = wire::inbound(&body, &limits).expect("unknown fields are ignored");
    assert!(inbound.entries.len() == 1 && inbound.entries[0].is_ok(), "{inbound:?}");
    assert_eq!(inbound.request_id.map(|id| id.0), Some(7));
}
