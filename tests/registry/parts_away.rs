//! Lists that are taken in parts while members go away, come back, or are taken over.

use crate::{
    parts::{MANY, is_known_of},
    script::World,
    view::{Topic, View},
};
use foregather::limits::Limits;

/// In each game two peers with leases, the second of which is large; bob's have a
/// host that is filled in, and he has a key.
fn many_peers() -> String {
    let game = |n| {
        format!(
            "ada> register chess/{n} as=p{n} ttl=30s game
            bob> register chess/{n} as=q{n} at=0.0.0.0:7 ttl=60s .blob=<4000>\n"
        )
    };
    "bob> hello key=k1\n".to_owned() + &(10..10 + MANY).map(game).collect::<String>()
}

/// The same in one game.
fn one_game() -> String {
    let peer = |n| format!("bob> register chess/a as=q{n} at=0.0.0.0:7 ttl=60s .blob=<4000>\n");
    let peers: String = (10..10 + MANY).map(peer).collect();
    format!("bob> hello key=k1\nada> register chess/a ttl=30s game\n{peers}")
}

/// What happens to those who are listed: to all of one session, or to one of them.
const HAPPENS: &[&str] = &[
    "bob> gone",
    "bob> gone\nbob> resume",
    "bob> gone\nbob> resume\nbob> gone",
    "bob> resume",
    "bob> resume from=203.0.113.9",
    "bob> gone\nbob> resume from=203.0.113.9",
    "ada> gone",
    "ada> gone\nada> resume",
    "ada> gone\nlater 30s",
    "ada> gone\nbob> gone\nlater 30s\nbob> resume",
    "bob> gone\nlater 60s",
    "bob> gone\nada> gone\nlater 60s\ncid> register chess/99",
    "bob> gone\nada> kick chess/V qV",
    "bob> gone\nada> kick chess/V qV\nbob> resume",
    "bob> gone\nada> ban chess/V qV\nbob> resume",
    "bob> gone\nbob> resume\nbob> leave chess/V qV",
    "bob> gone\nbob> resume\nbob> register chess/V as=qV .colour=red",
    "bob2> hello key=k1\nbob2> register chess/V as=qV ttl=60s",
    "bob> gone\nbob2> hello key=k1 from=203.0.113.9\nbob2> register chess/V as=qV ttl=60s .colour=red",
    "bob> gone\nbob2> hello key=k1\nbob2> match chess as=qV ttl=60s\nbob2> gone",
];

#[test]
fn peers_of_many_games() {
    for victim in ["10", "30", "49"] {
        for happens in HAPPENS {
            is_known_of(Topic::Peers, "chess/*", &many_peers(), &happens.replace('V', victim));
        }
    }
}

#[test]
fn peers_of_one_game() {
    for victim in ["10", "30", "49"] {
        for happens in HAPPENS {
            let happens = happens.replace("chess/V", "chess/a").replace('V', victim);
            is_known_of(Topic::Peers, "chess/a", &one_game(), &happens);
        }
    }
}

#[test]
fn peers_of_a_game_that_is_hidden_for_a_while() {
    for victim in ["10", "30", "49"] {
        for happens in [
            "ada> register chess/V as=pV ttl=30s game secret=xyz\nbob> gone\nada> register chess/V as=pV ttl=30s game secret=",
            "bob> gone\nada> register chess/V as=pV ttl=30s game secret=xyz\nbob> resume\nada> register chess/V as=pV ttl=30s game secret=",
            "bob> gone\nada> register chess/V as=pV ttl=30s game secret=xyz\nlater 60s\nada> register chess/V as=pV ttl=30s game secret=",
        ] {
            is_known_of(Topic::Peers, "chess/*", &many_peers(), &happens.replace('V', victim));
        }
    }
}

#[test]
fn games_whose_owners_go_away_while_they_are_listed() {
    let games = |policy| {
        (10..10 + MANY)
            .map(|n| format!("ada> register chess/{n} ttl=30s game policy={policy} .blob=<4000>\nbob> register chess/{n} ttl=60s\n"))
            .collect::<String>()
    };
    for policy in ["OLDEST", "CLOSE", "NONE"] {
        for happens in [
            "ada> gone",
            "ada> gone\nada> resume",
            "ada> gone\nlater 30s",
            "ada> gone\nbob> gone\nlater 30s\nbob> resume",
            "bob> gone\nada> gone\nlater 60s",
        ] {
            is_known_of(Topic::Games, "chess/*", &games(policy), happens);
        }
    }
}

/// What is hers from the middle of the list on is shown to her no more; of what she
/// was shown before she is told that it is no other's.
#[test]
fn peers_that_are_taken_over_by_the_one_who_is_listing_them() {
    for pattern in ["chess/*", "chess/a"] {
        for lost in ["", "bob> gone"] {
            let mut world = World::new(&Limits::default());
            world.arranges(&one_game());
            world.arranges("cid> register chess/b");
            let mut eve = View::new(Topic::Peers, pattern);
            world.takes("eve> hello key=k1");
            assert!(eve.learns(world.takes(&format!("eve> watch {pattern} held"))), "the list has several parts");
            let shown = eve.known.len();
            assert!(shown > 1 && shown < MANY);
            world.arranges(lost);
            let mut told = world.takes("eve> register chess/a as=q30 ttl=60s .blob=<4000>");
            told.retain(|(_, text)| !text.starts_with("granted"));
            eve.learns(told);
            for _ in 0..MANY {
                eve.learns(world.takes("eve> proceed"));
            }
            let others = if pattern == "chess/a" { vec!["chess/a ada"] } else { vec!["chess/a ada", "chess/b cid"] };
            assert_eq!(eve.known.keys().collect::<Vec<_>>(), others, "{pattern} {lost}");
            world.ends();
        }
    }
}

/// The same where she hears of a game only because she is in it from then on.
#[test]
fn peers_that_are_shown_to_the_one_who_takes_a_seat_among_them() {
    for victim in ["10", "30", "49"] {
        for lost in ["", "bob> gone"] {
            let mut world = World::new(&Limits::default());
            world.arranges(&many_peers());
            world.arranges(&format!("ada> register chess/{victim} as=p{victim} ttl=30s game secret=xyz"));
            let mut eve = View::new(Topic::Peers, "chess/*");
            world.takes("eve> hello key=k1");
            assert!(eve.learns(world.takes("eve> watch chess/* held")), "the list has several parts");
            world.arranges(lost);
            let mut told = world.takes("eve> register chess/30 as=q30 ttl=60s .blob=<4000>");
            told.retain(|(_, text)| !text.starts_with("granted"));
            eve.learns(told);
            for _ in 0..MANY {
                eve.learns(world.takes("eve> proceed"));
            }
            let others: Vec<String> = (10..10 + MANY).map(|n| format!("chess/{n} p{n}")).collect();
            assert_eq!(eve.known.into_keys().collect::<Vec<_>>(), others, "{victim} {lost}");
            world.ends();
        }
    }
}
