use crate::house::{House, POOL, host, ns, quick_match, register, send, unregister, watch};
use foregather::{
    domain::{Namespace, Party, Pattern, Recipient, SessionId},
    limits::Limits,
};

/// How often each is done; its cost is the mean.
pub const TIMES: usize = 200;

/// What is counted.
pub struct Operation {
    pub name: &'static str,
    /// Does it once, by a session that has done nothing before, in or near that game.
    run: fn(&mut House, SessionId, &Namespace),
    /// Somebody watches the list of the games of that pool from then on.
    watched: Option<&'static str>,
}

impl Operation {
    /// Whoever asks comes new for it and is gone afterwards, so that there are as
    /// many games each time.
    pub fn repeat(&self, house: &mut House) {
        if let Some(pool) = self.watched {
            house.watch_list(pool);
        }
        for turn in 0..TIMES {
            let (player, game) = (house.open(), house.game(turn));
            house.pass();
            (self.run)(house, player, &game);
            house.close(player);
        }
    }
}

const fn operation(name: &'static str, run: fn(&mut House, SessionId, &Namespace)) -> Operation {
    Operation { name, run, watched: None }
}

pub const OPERATIONS: &[Operation] = &[
    operation("MATCH that takes a seat", |house, player, _| house.measure(player, quick_match("", false), 1)),
    operation("MATCH that makes a game", |house, player, _| house.measure(player, quick_match("2.0", true), 1)),
    operation("REGISTER into a game", |house, player, game| house.measure(player, register(game), 1)),
    operation("REGISTER of a plain peer", |house, player, _| {
        let first = house.open();
        house.ask(first, register(&ns("hall")));
        house.measure(player, register(&ns("hall")), 1);
        house.close(first);
    }),
    operation("REGISTER that makes a plain namespace", |house, player, _| {
        house.measure(player, register(&ns("hall")), 1);
    }),
    operation("UNREGISTER from a game", |house, player, game| {
        house.ask(player, register(game));
        house.measure(player, unregister(game), 1);
    }),
    operation("REGISTER into a region, three watch it", |house, player, _| {
        let region = ns("world/calm/north/lake");
        let watchers = [
            Pattern::Exact(region.clone()),
            Pattern::Children(ns("world/calm/north")),
            Pattern::Descendants(ns("world/calm")),
        ]
        .map(|pattern| {
            let watcher = house.open();
            house.ask(watcher, watch(pattern));
            watcher
        });
        house.measure(player, register(&region), 1 + watchers.len());
        watchers.into_iter().for_each(|watcher| house.close(watcher));
    }),
    operation("SEND to a member, to the owner, to any and to all", |house, player, _| {
        let region = ns("world/calm/north/lake");
        let other = house.open();
        house.ask(other, host(&region, Some("lady")));
        house.ask(other, watch(Pattern::Exact(region.clone())));
        house.ask(player, register(&region));
        let lady = Party::parse("lady", &Limits::default()).expect("it is legal");
        for to in [Recipient::To(lady), Recipient::Owner, Recipient::Any, Recipient::All] {
            house.measure(player, send(&region, to), 2);
        }
        house.close(other);
    }),
    Operation {
        watched: Some("poker"),
        ..operation("REGISTER into a game, another pool's list watched", |house, player, game| {
            house.measure(player, register(game), 1);
        })
    },
    Operation {
        watched: Some(POOL),
        ..operation("REGISTER into a game, its own list watched", |house, player, game| {
            house.measure(player, register(game), 2);
        })
    },
    Operation {
        watched: Some(POOL),
        ..operation("update of a watched list, held back and told", |house, player, game| {
            house.ask(player, register(game));
            house.ask(player, unregister(game));
            house.measure_timeout(1);
        })
    },
];
