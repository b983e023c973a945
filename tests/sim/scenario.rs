use crate::{dice::Dice, talk::PAYLOAD_BYTES};
use foregather::limits::Limits;

/// What a seed decides before anything happens.
pub struct Scenario {
    pub limits: Limits,
    pub limit_private_addresses: bool,
    pub last_version: u64,
    pub clients: usize,
    pub steps: usize,
    pub namespaces: Vec<&'static str>,
    /// Few names make for many quarrels about them.
    pub peer_names: usize,
    /// Entries in one frame of a client of the seed, at most.
    pub entries: usize,
    /// In a hundred, how many peers are as large as they may be.
    pub large_peers: usize,
    /// Requests that a client sends in one burst, at most.
    pub burst: usize,
    /// In a hundred, how many clients speak the seed's dialect.
    pub seed_dialect: usize,
    /// In a hundred, how many pipes to clients are short.
    pub short_pipes: usize,
    /// How likely each action of the driver is; see `Driver::step`.
    pub actions: [usize; 7],
    /// How likely each request is; see `workload::message`.
    pub requests: [usize; 9],
    /// Milliseconds that one tick takes, at most.
    pub tick_ms: usize,
    /// In a hundred, how often somebody says something to others instead.
    pub talk: usize,
    /// `None`: nobody plays games.
    pub games: Option<Games>,
    /// `None`: whose connection is lost is gone.
    pub presence: Option<Presence>,
    /// `None`: one server lives through all of it, and nothing is noted.
    pub restarts: Option<Restarts>,
}

/// How servers follow each other.
pub struct Restarts {
    /// In a hundred, steps after which what has changed is noted.
    pub notes: usize,
    /// Servers that end before the last, at most.
    pub most: usize,
}

/// How likely what concerns lost connections is, in a hundred.
pub struct Presence {
    /// Connections that begin with HELLO.
    pub hellos: usize,
    /// Requests that ask for a lease.
    pub leases: usize,
    /// Programs that have a key; some have the same one.
    pub keys: usize,
    /// REGISTERs that are only to renew.
    pub renewals: usize,
    /// All have the same key, tell each other where they sit, and quarrel.
    pub family: bool,
    /// HELLOs with a token of another program.
    pub twins: usize,
    /// How likely HELLO goes on with the newest token, an older one, one that is made up,
    /// none.
    pub tokens: [usize; 4],
    /// Ends of connections that the server does not notice.
    pub unnoticed: usize,
    /// Times when a client falls silent rather than say something.
    pub silences: usize,
}

/// Connections without a client that there may be at once.
const ABANDONED: usize = 3;

impl Presence {
    fn draw(dice: &mut Dice) -> Self {
        let mut keys = if dice.chance(50) { dice.within(50..=100) } else { 0 };
        let family = dice.chance(15);
        if family {
            keys = 100;
        }
        Self {
            family,
            hellos: dice.within(60..=100),
            leases: dice.within(50..=95),
            keys,
            renewals: dice.within(0..=30),
            twins: if dice.chance(30) { dice.within(10..=50) } else { 0 },
            tokens: [60, dice.within(0..=30), dice.within(0..=8), if keys > 0 { 60 } else { 10 }],
            unnoticed: dice.within(10..=90),
            silences: dice.within(0..=8),
        }
    }
}

/// How likely what concerns games is, in a hundred.
pub struct Games {
    /// REGISTERs that say something of a game.
    pub settings: usize,
    /// Secrets that are brought, or set.
    pub secrets: usize,
    /// Requests that name a program.
    pub versions: usize,
    /// Watches and lists of games rather than of peers.
    pub lists: usize,
    /// UNREGISTERs of somebody else.
    pub kicks: usize,
    /// MATCHes that make a game.
    pub creates: usize,
    /// How likely MATCH and CANCEL are, as `Scenario::requests`.
    pub matches: usize,
    pub cancels: usize,
}

impl Games {
    fn draw(dice: &mut Dice) -> Self {
        Self {
            settings: dice.within(20..=80),
            secrets: if dice.chance(60) { dice.within(10..=60) } else { 0 },
            versions: if dice.chance(50) { dice.within(5..=60) } else { 0 },
            lists: dice.within(5..=80),
            kicks: if dice.chance(70) { dice.within(20..=90) } else { 0 },
            creates: dice.within(0..=40),
            matches: dice.within(0..=30),
            cancels: dice.within(1..=8),
        }
    }
}

/// Games are directly below one pool, mostly.
const GAMES: &[&str] = &["a/b", "a/c", "a/d", "a/b/d", "a", "a/e", "b/x"];

/// Some stand next to each other in one order and not in another: '.' is before
/// '/', '0' is behind it.
const NAMESPACES: &[&str] = &[
    "a", "a/b", "a/c", "a/b/d", "a/b0", "a/b.c", "ab", "b", "b/x/y", "a/b/d/e", "a/c/d", "b/x", "a/é", "a/b c", "a/1",
    "a/2", "a/3", "a/4", "a/5", "a/6", "a/7", "a/8",
];

impl Scenario {
    pub fn draw(dice: &mut Dice, presence: &mut Dice) -> Self {
        let crowded = dice.chance(15);
        // Peers so large that a list of some of them comes in parts.
        let heavy = !crowded && dice.chance(6);
        let limits = limits(dice, crowded, heavy);
        let actions = [
            dice.within(8..=25),
            dice.within(10..=40),
            dice.within(10..=40),
            dice.within(3..=40),
            dice.within(1..=10),
            dice.within(0..=4),
            dice.within(2..=10),
        ];
        let requests = [
            dice.within(10..=40),
            dice.within(0..=15),
            dice.within(5..=30),
            dice.within(0..=6),
            if dice.chance(20) { 60 } else { dice.within(0..=30) },
            dice.within(0..=3),
            dice.within(0..=3),
            dice.within(0..=3),
            usize::from(dice.chance(30)),
        ];
        let mut scenario = Self {
            limits,
            limit_private_addresses: dice.chance(20),
            last_version: if dice.chance(50) { 1 } else { dice.number() >> 1 },
            clients: dice.within(2..=12),
            steps: if heavy {
                1_000
            } else if crowded {
                600
            } else {
                dice.within(60..=500)
            },
            namespaces: if crowded { NAMESPACES.to_vec() } else { NAMESPACES[..dice.within(1..=9)].to_vec() },
            peer_names: if crowded || heavy { 60 } else { dice.within(1..=8) },
            entries: if crowded { 16 } else { dice.within(1..=4) },
            large_peers: if heavy { 60 } else { 0 },
            burst: dice.within(1..=5),
            seed_dialect: dice.within(0..=100),
            short_pipes: dice.within(0..=100),
            actions,
            requests,
            tick_ms: *dice.pick(&[1, 100, 2_000]),
            talk: 0,
            games: None,
            presence: None,
            restarts: None,
        };
        if !heavy && !crowded && dice.chance(65) {
            scenario.play(dice);
        }
        if heavy {
            scenario.press();
        }
        scenario.limits.history_changes = *presence.pick(&[0, 1, 2, 4, 8, 256, 256]);
        if crowded && presence.chance(40) {
            // So many in one place that what is new there takes several frames.
            scenario.namespaces.truncate(2);
            scenario.limits.history_changes = 256;
            scenario.limits.frame_bytes = 2_048;
            scenario.requests[2] += 20;
        }
        // Without leases, so that other things are met as often as ever.
        scenario.limits.ttl_secs = 0;
        if presence.chance(45) {
            scenario.lose(presence);
        }
        scenario
    }
}

impl Scenario {
    /// Games are played. What they cost in memory and what lists of them cost whoever
    /// changes something is the server's own business, so those limits are wide.
    fn play(&mut self, dice: &mut Dice) {
        self.games = Some(Games::draw(dice));
        self.namespaces = GAMES[..dice.within(1..=GAMES.len())].to_vec();
        self.clients = dice.within(3..=8);
        self.steps = dice.within(400..=1_200);
        self.actions = [35, 35, 50, 20, dice.within(2..=8), dice.within(0..=2), 10];
        self.burst = dice.within(1..=3);
        self.peer_names = dice.within(2..=8);
        self.seed_dialect = dice.within(0..=30);
        self.short_pipes = dice.within(0..=50);
        let [register, unregister, watch, leave, discover, ..] = &mut self.requests;
        (*register, *unregister, *watch) = (dice.within(20..=50), dice.within(5..=30), dice.within(10..=25));
        (*leave, *discover) = (dice.within(0..=5), dice.within(0..=10));
        if dice.chance(80) {
            let Limits { entries_per_sec, entries_burst, .. } = Limits::default();
            let Limits { address_entries_per_sec, address_entries_burst, .. } = Limits::default();
            let rates = Limits { entries_per_sec, entries_burst, ..self.limits.clone() };
            self.limits = Limits { address_entries_per_sec, address_entries_burst, ..rates };
        }
        let Limits { registered_bytes, fanout_bytes_per_sec, fanout_burst_bytes, .. } = Limits::default();
        self.limits = Limits { registered_bytes, fanout_bytes_per_sec, fanout_burst_bytes, ..self.limits.clone() };
        let mut sometimes = |percent: usize, limit: &mut usize, values: &[usize]| {
            if dice.chance(percent) {
                *limit = *dice.pick(values);
            }
        };
        let limits = &mut self.limits;
        sometimes(25, &mut limits.game_members, &[1, 2, 3]);
        sometimes(40, &mut limits.game_bans, &[0, 1, 2]);
        sometimes(30, &mut limits.wait_ms, &[0, 1, 150]);
        sometimes(30, &mut limits.match_candidates, &[1, 2]);
        sometimes(40, &mut limits.game_list_ms, &[1, 10, 1_000]);
        // For those who wait, the games that opened are looked at, however many others
        // are closed to them.
        if limits.match_candidates < 10 {
            limits.wait_ms = 0;
        }
    }

    /// Connections are lost, and come again.
    fn lose(&mut self, dice: &mut Dice) {
        self.presence = Some(Presence::draw(dice));
        self.seed_dialect = dice.within(0..=20);
        // What waits for long would have all others asked for signs of life many times.
        self.limits.wait_ms = self.limits.wait_ms.min(5_000);
        let [.., ticks, parts, _] = &mut self.actions;
        (*ticks, *parts) = (dice.within(2..=6), dice.within(2..=8));
        self.requests[0] += 20;
        let Limits { ttl_secs, .. } = Limits::default();
        let mut sometimes = |percent: usize, limit: &mut usize, values: &[usize]| {
            if dice.chance(percent) {
                *limit = *dice.pick(values);
            }
        };
        let limits = &mut self.limits;
        limits.ttl_secs = ttl_secs;
        sometimes(20, &mut limits.ttl_secs, &[1, 2, 5]);
        sometimes(40, &mut limits.heartbeat_retries, &[1, 2, 5]);
        sometimes(40, &mut limits.heartbeat_ms, &[1_000, 2_000]);
        sometimes(30, &mut limits.heartbeat_min_ms, &[50, 1_000]);
        sometimes(30, &mut limits.heartbeat_max_ms, &[5_000, 10_000]);
        sometimes(30, &mut limits.silence_ms, &[1_000, 5_000]);
        sometimes(20, &mut limits.registrations_per_connection, &[2, 3, 4]);
        if self.games.is_none() {
            // What somebody owes who comes back, a client may well owe for long.
            sometimes(40, &mut limits.fanout_bytes_per_sec, &[20, 100, 1_000]);
            sometimes(40, &mut limits.fanout_burst_bytes, &[1, 100]);
        }
        self.tick_ms = *dice.pick(&[10, 100, 1_000]);
        if let (Some(Presence { family: true, .. }), Some(games)) = (&self.presence, &mut self.games) {
            (games.kicks, games.secrets) = (90, 0);
            (limits.game_bans, limits.game_members) = (10, 10);
            limits.registrations_per_connection = limits.registrations_per_connection.max(4);
            self.namespaces = GAMES[..3].to_vec();
        }
    }

    /// Servers end, and others go on with what was noted.
    pub fn restart(&mut self, dice: &mut Dice) {
        let often = if self.presence.is_some() { 50 } else { 8 };
        if self.large_peers == 0 && dice.chance(often) {
            let (notes, most) = (*dice.pick(&[1, 5, 20, 100]), dice.within(1..=3));
            self.restarts = Some(Restarts { notes, most });
        }
    }

    /// Clients speak to each other.
    pub fn speak(&mut self, dice: &mut Dice) {
        if dice.chance(50) {
            self.talk = dice.within(20..=70);
            self.limits.payload_bytes = PAYLOAD_BYTES;
            self.seed_dialect = self.seed_dialect.min(30);
        }
    }

    /// Connections that there may be without a client.
    pub fn abandoned(&self) -> usize {
        if self.presence.is_some() { ABANDONED } else { 0 }
    }

    /// In a hundred, how often time passes until the hub wants to be called.
    pub fn skips(&self) -> usize {
        if self.presence.is_some() { 30 } else { 50 }
    }

    /// Seconds of lease that somebody asks for.
    pub fn lease(&self, dice: &mut Dice) -> Option<u32> {
        let leases = self.presence.as_ref().map_or(20, |presence| presence.leases);
        dice.chance(leases).then(|| match self.presence {
            Some(_) => *dice.pick(&[0, 1, 1, 2, 3, 10, 10, 30, 30, u32::MAX]),
            None => 30,
        })
    }

    /// Makes for readers that are slow, are given much, and do not always wait for it.
    fn press(&mut self) {
        self.actions = [20, 40, 40, 8, 1, 1, 10];
        self.burst = 5;
        self.namespaces.truncate(4);
        let [register, unregister, watch, leave, discover, ..] = &mut self.requests;
        (*register, *unregister, *watch, *leave, *discover) = (40, 3, 20, 6, 10);
        (self.seed_dialect, self.short_pipes) = (self.seed_dialect.min(40), 90);
    }
}

/// Small limits, each in some seeds, so that they are met. They keep the
/// relations that the server asks for, not its ranges.
fn limits(dice: &mut Dice, crowded: bool, heavy: bool) -> Limits {
    let mut limits = Limits {
        frame_bytes: 2_048,
        peer_id_bytes: 40,
        addresses: 3,
        address_bytes: 48,
        attributes: 3,
        attributes_bytes: 64,
        // Whole nanoseconds for each byte; see below.
        fanout_bytes_per_sec: 10_000_000,
        ..Limits::default()
    };
    if heavy {
        let Limits { addresses, address_bytes, attributes_bytes, frame_bytes, .. } = Limits::default();
        return Limits { addresses, address_bytes, attributes_bytes, frame_bytes, ..limits };
    }
    let mut sometimes = |percent: usize, limit: &mut usize, values: &[usize]| {
        if dice.chance(percent) {
            *limit = *dice.pick(values);
        }
    };
    sometimes(30, &mut limits.frame_bytes, &[4_096, 65_536]);
    sometimes(20, &mut limits.frame_entries, &[1, 2, 3]);
    sometimes(15, &mut limits.connections, &[1, 2, 4]);
    sometimes(30, &mut limits.connections_per_address, &[1, 2, 3]);
    sometimes(30, &mut limits.discover_page, &[1, 2, 3, 5]);
    if crowded {
        return limits;
    }
    sometimes(25, &mut limits.registrations_per_connection, &[1, 2, 3]);
    sometimes(25, &mut limits.watches_per_connection, &[1, 2, 3]);
    sometimes(25, &mut limits.namespaces, &[1, 2, 3]);
    // About that of a peer with a short name and an address.
    let size = 550;
    sometimes(25, &mut limits.registered_bytes, &[size, 2 * size, 4 * size]);
    // A rate divides a second into whole nanoseconds, so that a bucket that is
    // counted in another way comes to the very same result.
    sometimes(15, &mut limits.entries_per_sec, &[1, 5, 100]);
    sometimes(15, &mut limits.entries_burst, &[1, 4, 16]);
    sometimes(15, &mut limits.address_entries_per_sec, &[1, 5, 100]);
    sometimes(15, &mut limits.address_entries_burst, &[1, 4, 16]);
    sometimes(10, &mut limits.fanout_bytes_per_sec, &[100, 1_000]);
    sometimes(10, &mut limits.fanout_burst_bytes, &[1, 100, 1_000]);
    limits
}
