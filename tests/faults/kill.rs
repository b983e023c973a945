//! The server is killed at random moments while others ask for much, and started again
//! with its state: what was acknowledged a moment before is there, and nothing is there
//! that nobody asked for, or that was taken back.
//!
//! `FOREGATHER_KILLS=200 cargo test --release --test faults kill -- --nocapture` is the
//! long run; `FOREGATHER_SEED=7` is another course of it.

use crate::{client::*, dice::Dice, messages::*, program::Server};
use bytes::Bytes;
use foregather::wire::proto::{self, Message, StatusCode};
use std::{
    cell::Cell,
    collections::{BTreeMap, BTreeSet},
    env,
    path::PathBuf,
    rc::Rc,
    time::{Duration, Instant},
};
use tokio::{sync::Notify, task::LocalSet};

/// Times that the server ends if nothing else is asked for.
const KILLS: u64 = 10;

/// What was acknowledged before that is there after a kill.
const LEEWAY: Duration = Duration::from_millis(100);

const PLAYERS: usize = 12;

/// Peers that each player registers and unregisters in namespaces of all.
const PEERS: usize = 4;

const SEATS: u32 = 4;

/// A lease that does not end while the test runs.
const LEASE_SECS: u32 = 3_000;

/// What became of a peer.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Fate {
    Gone,
    /// It is in that namespace, with that address.
    At(String, String),
    /// It was to be given a seat somewhere.
    Seated,
}

impl Fate {
    fn is_met_by(&self, other: &Self) -> bool {
        self == other || matches!((self, other), (Self::Seated, Self::At(ns, _)) if ns.starts_with("pool/"))
    }
}

/// What was asked for one peer, in order, and when it was acknowledged.
type Story = Vec<(Fate, Option<Instant>)>;

#[derive(Debug, Default)]
struct Player {
    number: usize,
    stories: BTreeMap<String, Story>,
    token: Option<(Bytes, Instant)>,
    /// The server knows its token, and that it holds something.
    is_known: bool,
    /// Makes addresses that differ.
    count: usize,
}

impl Player {
    fn story(&mut self, id: &str) -> &mut Story {
        self.stories.get_mut(id).expect("it begins with all that there may be")
    }

    fn fate(&self, id: &str) -> &Fate {
        &self.stories[id].last().expect("a story begins with how it is").0
    }

    /// Asks for something, by which that becomes of a peer.
    async fn does(
        &mut self,
        client: &mut Client,
        load: &Load,
        id: &str,
        fate: Fate,
        request: Message,
    ) -> Option<Message> {
        self.story(id).push((fate, None));
        let answer = asks(client, load, request).await?;
        assert_eq!(code(&answer), StatusCode::Ok, "{id}: {answer:?}");
        self.story(id).last_mut().expect("it was put there").1 = Some(Instant::now());
        Some(answer)
    }

    /// Asks for one thing after the other, until the connection is lost.
    async fn play(mut self, address: String, load: Rc<Load>, seed: u64) -> Self {
        self.play_on(&address, &load, Dice::new(seed)).await;
        self
    }

    async fn play_on(&mut self, address: &str, load: &Load, mut dice: Dice) -> Option<()> {
        let number = self.number;
        let (host, victim, home) = (format!("h{number}"), format!("v{number}"), format!("host/{number}"));
        let mut client = Client::connect_to(address.parse().expect("an address")).await;
        let mut other = Client::connect_to(address.parse().expect("an address")).await;
        let resume = self.token.take().map(|(token, _)| token);
        let key = |name: &str| Some(Bytes::copy_from_slice(name.as_bytes()));
        let hello = proto::Hello { client_key: key(&host), resume, ..Default::default() };
        let welcomed = asks(&mut client, load, hello_with(hello)).await?;
        assert!(welcome(&welcomed).resumed() || !self.is_known, "{host} is somebody else");
        self.token = Some((token(welcome(&welcomed)).clone(), Instant::now()));
        let hello = proto::Hello { client_key: key(&victim), ..Default::default() };
        asks(&mut other, load, hello_with(hello)).await?;
        let request = leased(LEASE_SECS, crate::messages::host(&home, &host, seats(2)));
        self.does(&mut client, load, &host, Fate::At(home.clone(), host.clone()), request).await?;
        loop {
            let peer = format!("p{number}-{}", dice.below(PEERS));
            match dice.below(10) {
                0..5 => {
                    self.count += 1;
                    let (ns, at) = (format!("crowd/{}", peer.len() % 3), format!("192.0.2.1:{}", self.count));
                    let request = leased(LEASE_SECS, register_at(&ns, &peer, &at));
                    self.does(&mut client, load, &peer, Fate::At(ns, at), request).await?;
                }
                5..7 => {
                    let Fate::At(ns, _) = self.fate(&peer).clone() else { continue };
                    self.does(&mut client, load, &peer, Fate::Gone, unregister(&ns, Some(&peer))).await?;
                }
                7..9 => {
                    let seat = format!("s{number}");
                    if let Fate::At(ns, _) = self.fate(&seat).clone() {
                        self.does(&mut client, load, &seat, Fate::Gone, unregister(&ns, Some(&seat))).await?;
                        asks(&mut client, load, leave(&ns)).await?;
                    } else {
                        let request = leased(LEASE_SECS, match_or_create("pool", &seat, seats(SEATS)));
                        let answer = self.does(&mut client, load, &seat, Fate::Seated, request).await?;
                        let ns = answer.register[0].ns().to_owned();
                        self.story(&seat).last_mut().expect("it was put there").0 = Fate::At(ns, seat.clone());
                    }
                }
                _ => {
                    let request = leased(LEASE_SECS, register(&home, &victim));
                    self.does(&mut other, load, &victim, Fate::At(home.clone(), victim.clone()), request).await?;
                    self.does(&mut client, load, &victim, Fate::Gone, unregister(&home, Some(&victim))).await?;
                }
            }
        }
    }
}

/// The answer to a request; `None` if the connection is lost before.
async fn asks(client: &mut Client, load: &Load, request: Message) -> Option<Message> {
    client.send_or_lost(numbered(1, request)).await;
    loop {
        let message = client.next().await?;
        if message.request_id == Some(1) {
            load.count();
            return Some(message);
        }
    }
}

/// How much was acknowledged, and who waits for enough of it.
#[derive(Default)]
struct Load {
    left: Cell<usize>,
    enough: Notify,
}

impl Load {
    fn count(&self) {
        self.left.set(self.left.get().saturating_sub(1));
        if self.left.get() == 0 {
            self.enough.notify_one();
        }
    }
}

/// A file in a folder of its own, both gone with it.
struct StateFile(PathBuf);

impl StateFile {
    fn new() -> Self {
        let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(format!("kill-{}", std::process::id()));
        std::fs::create_dir_all(&folder).expect("a folder for tests");
        Self(folder)
    }

    fn serve(&self) -> Server {
        let file = self.0.join("state");
        let file = file.to_str().expect("it is text");
        Server::start_with(&["--state", file, "--entries-per-sec", "1_000_000", "--entries-burst", "10_000_000"])
    }
}

impl Drop for StateFile {
    fn drop(&mut self) {
        // What is left of it is in the way of nobody.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Who is there, by id, and whatever no server may have: an id twice, a game with too
/// many, or whose owner is not there.
async fn there(server: &Server) -> BTreeMap<String, Fate> {
    let mut client = Client::connect_to(server.address.parse().expect("an address")).await;
    let mut found = BTreeMap::new();
    let mut members: BTreeMap<String, BTreeSet<String>> = BTreeMap::new();
    for pattern in ["crowd/**", "pool/**", "host/**"] {
        let peers = client.pages(pattern, None).await.register;
        for entry in peers {
            let peer = entry.peer.clone().unwrap_or_default();
            let at = peer.addrs.first().map(|at| String::from_utf8_lossy(at).into_owned()).unwrap_or_default();
            let known = found.insert(peer.id().to_owned(), Fate::At(entry.ns().to_owned(), at));
            assert_eq!(known, None, "{} is there twice", peer.id());
            members.entry(entry.ns().to_owned()).or_default().insert(peer.id().to_owned());
        }
        if pattern == "crowd/**" {
            continue;
        }
        for game in client.list(games(pattern)).await.game {
            let members = &members[game.ns()];
            assert_eq!(members.len(), game.members() as usize, "{game:?}");
            assert!(game.members() <= game.capacity() && members.contains(game.owner()), "{game:?} of {members:?}");
        }
    }
    found
}

fn number(name: &str) -> Option<u64> {
    Some(env::var(name).ok()?.parse().unwrap_or_else(|_| panic!("{name} is a number")))
}

#[tokio::test]
async fn kill_at_random_moments_under_load() {
    let kills = number("FOREGATHER_KILLS").unwrap_or(KILLS);
    let mut dice = Dice::new(number("FOREGATHER_SEED").unwrap_or(1));
    let file = StateFile::new();
    let mut players: Vec<Player> = (0..PLAYERS).map(|number| Player { number, ..Player::default() }).collect();
    let mut server = file.serve();
    let (mut acknowledged, mut certain, mut doubtful, mut lost) = (0, 0, 0, 0);
    for round in 0..kills {
        // How things are, as far as the server knows.
        let found = there(&server).await;
        for player in &mut players {
            let number = player.number;
            let peers = (0..PEERS).map(|peer| format!("p{number}-{peer}"));
            let all = peers.chain([format!("s{number}"), format!("v{number}"), format!("h{number}")]);
            let story = |id: &String| vec![(found.get(id).cloned().unwrap_or(Fate::Gone), None)];
            player.stories = all.map(|id| (id.clone(), story(&id))).collect();
        }

        let load = Rc::new(Load::default());
        let much = dice.within(100..=8_000);
        load.left.set(much);
        let tasks = LocalSet::new();
        let playing: Vec<_> = std::mem::take(&mut players)
            .into_iter()
            .map(|player| tasks.spawn_local(player.play(server.address.clone(), load.clone(), dice.number())))
            .collect();
        let ends = round % 5 == 4;
        let mut killed = Instant::now();
        tasks
            .run_until(async {
                load.enough.notified().await;
                killed = Instant::now();
                if ends {
                    server.program.signal("TERM")
                } else {
                    server.program.kill()
                }
                for player in playing {
                    players.push(player.await.expect("it plays until it is lost"));
                }
            })
            .await;
        let finished = server.program.finish();
        assert!(!ends || finished.status.success(), "{finished:?}");
        acknowledged += much;

        server = file.serve();
        let found = there(&server).await;
        let mut known: BTreeSet<&str> = BTreeSet::new();
        for player in &mut players {
            let safe = |at: Option<Instant>| at.is_some_and(|at| ends || killed.saturating_duration_since(at) > LEEWAY);
            let mut holds = false;
            for (id, story) in &player.stories {
                // What was so at the beginning was read from the file.
                let last = story.iter().rposition(|&(_, at)| safe(at)).unwrap_or(0);
                let is = found.get(id).cloned().unwrap_or(Fate::Gone);
                let possible = &story[last..];
                let end = &story[story.len().saturating_sub(6)..];
                assert!(
                    possible.iter().any(|(fate, _)| fate.is_met_by(&is)),
                    "round {round}: {id} is {is:?}; killed {killed:?} after {end:?}, from {} of {} on",
                    last,
                    story.len()
                );
                certain += usize::from(possible.len() == 1);
                doubtful += usize::from(possible.len() > 1);
                lost += usize::from(possible.len() > 1 && !possible[possible.len() - 1].0.is_met_by(&is));
                holds |= is != Fate::Gone && !id.starts_with('v');
                known.insert(id);
            }
            player.is_known = holds && player.token.as_ref().is_some_and(|(_, at)| safe(Some(*at)));
        }
        let strangers: Vec<_> = found.keys().filter(|id| !known.contains(id.as_str())).collect();
        assert!(strangers.is_empty(), "nobody has asked for {strangers:?}");
    }
    println!(
        "{kills} ends of the server (a fifth by SIGTERM): {acknowledged} requests acknowledged; {certain} peers were as \
         acknowledged over {} ms before, {doubtful} were changed after that, {lost} of those as they were before",
        LEEWAY.as_millis()
    );
    assert!(certain > 0 && doubtful > 0);
}
