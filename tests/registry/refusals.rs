//! Which refusal, when several apply.

use crate::script::{World, story};
use foregather::limits::Limits;

/// Why a newcomer may be refused.
#[derive(Clone, Copy)]
struct Reason {
    code: &'static str,
    /// What has happened before.
    before: &'static str,
    /// What the owner has set.
    set: &'static str,
    /// What the newcomer says.
    said: &'static str,
}

const fn reason(code: &'static str, before: &'static str, set: &'static str, said: &'static str) -> Reason {
    Reason { code, before, set, said }
}

/// In the order in which they count.
const REASONS: &[Reason] = &[
    reason("BANNED", "eve> register a/b\nada> ban a/b eve", "", ""),
    reason("WRONG_SECRET", "", "secret=xyz", "secret=wrong"),
    reason("VERSION_MISMATCH", "", "app=1.4", "app=1.3"),
    reason("PEER_ID_TAKEN", "", "", "as=bob"),
    reason("GAME_LOCKED", "", "locked=yes", ""),
    reason("GAME_FULL", "", "capacity=1", ""),
    reason("TOO_MANY_REGISTRATIONS", "eve> register elsewhere", "", ""),
];

/// Everybody may be in one place.
fn world() -> World {
    World::new(&Limits { registrations_per_connection: 1, ..Limits::default() })
}

/// What the newcomer is answered where the reasons apply to a game of ada's in which
/// bob is; if it is `unowned`, ada has left, and the newcomer claims it.
fn answered(reasons: &[Reason], unowned: bool) -> String {
    let all = |part: fn(&Reason) -> &str| reasons.iter().map(part).collect::<Vec<_>>();
    let mut world = world();
    world.arranges("ada> register a/b game policy=NONE\nbob> register a/b");
    world.arranges(&all(|reason| reason.before).join("\n"));
    world.arranges(&format!("ada> register a/b game {}", all(|reason| reason.set).join(" ")));
    if unowned {
        world.arranges("ada> leave a/b");
    }
    let claim = if unowned { " game .map=north" } else { "" };
    let answer = world.asks(&format!("eve> register a/b {}{claim}", all(|reason| reason.said).join(" ")));
    world.ends();
    answer.split(' ').next().unwrap_or_default().to_owned()
}

#[test]
fn each_reason_alone_refuses_and_none_does_not() {
    for unowned in [false, true] {
        assert_eq!(answered(&[], unowned), "granted");
        for reason in REASONS {
            assert_eq!(answered(&[*reason], unowned), reason.code);
        }
    }
}

#[test]
fn of_two_reasons_the_one_that_counts_first_is_named() {
    for (place, first) in REASONS.iter().enumerate() {
        for second in &REASONS[place + 1..] {
            for unowned in [false, true] {
                assert_eq!(answered(&[*first, *second], unowned), first.code, "before {}", second.code);
            }
        }
    }
}

#[test]
fn game_exists_counts_before_all_of_them() {
    for reason in REASONS {
        let mut world = world();
        world.arranges("ada> register a/b game\nbob> register a/b");
        world.arranges(reason.before);
        world.arranges(&format!("ada> register a/b game {}", reason.set));
        let answer = world.asks(&format!("eve> register a/b {} game", reason.said));
        assert_eq!(answer, "GAME_EXISTS", "before {}", reason.code);
        world.ends();
    }
}

#[test]
fn a_claim_that_breaks_a_limit_of_attributes_is_invalid_before_all_of_them() {
    for reason in REASONS {
        let mut world = World::new(&Limits { registrations_per_connection: 1, attributes: 1, ..Limits::default() });
        world.arranges("ada> register a/b game policy=NONE .map=north\nbob> register a/b");
        world.arranges(reason.before);
        world.arranges(&format!("ada> register a/b game {}\nada> leave a/b", reason.set));
        let answer = world.asks(&format!("eve> register a/b {} game .mode=blitz", reason.said));
        assert_eq!(answer, "INVALID_MESSAGE", "before {}", reason.code);
        world.ends();
    }
}

#[test]
fn a_member_is_told_not_owner_and_an_owner_invalid_message() {
    let limits = Limits { attributes: 1, ..Limits::default() };
    let mut world = World::new(&limits);
    world.arranges("ada> register a/b game .map=north secret=xyz\nbob> register a/b secret=xyz");
    assert_eq!(world.asks("ada> register a/b game .mode=blitz"), "INVALID_MESSAGE");
    assert_eq!(world.asks("bob> register a/b game capacity=2"), "NOT_OWNER");
    world.ends();
}

#[test]
fn looking_is_banned_before_it_is_a_wrong_secret() {
    story(
        "
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        eve> register chess/a secret=xyz
          eve: granted eve; chess/a 2/0 ada#1 needs_secret
        ada> ban chess/a eve
          ada: ok
          eve: chess/a - eve KICKED
        eve> watch chess/a secret=wrong
          eve: BANNED
        eve> list chess/a secret=wrong
          eve: BANNED
        fay> watch chess/a secret=wrong
          fay: WRONG_SECRET
        ",
    );
}

#[test]
fn looking_is_refused_for_what_the_game_says_before_limits() {
    let mut world = World::new(&Limits { watches_per_connection: 1, ..Limits::default() });
    world.plays(
        "
        ada> register chess/a game secret=xyz
          ada: granted ada; chess/a 1/0 ada#1 needs_secret
        eve> watch elsewhere
          eve: here: none
        eve> watch chess/a
          eve: WRONG_SECRET
        eve> watch chess/a secret=xyz
          eve: TOO_MANY_WATCHES
        eve> watch elsewhere
          eve: here: none
        ",
    );
    world.ends();
}
