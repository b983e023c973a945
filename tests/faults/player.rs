//! A player in a process of its own, which can be paused and killed: this test
//! program once more. It answers for itself, comes back when its connection is
//! lost, and says so, one line each on standard error.

use crate::{client::*, messages::*, program::Program};
use bytes::Bytes;
use foregather::wire::proto::{Message, MessageType};
use std::{
    env,
    io::{BufRead as _, stdin},
    net::SocketAddr,
    process::Command,
    thread,
};
use tokio::sync::mpsc;

/// Set for the process that is a player: where the server listens, its namespace
/// and id, its lease in seconds, its heartbeats in milliseconds.
const PLAYER: &str = "FOREGATHER_TEST_PLAYER";

/// What a player is told by typing it.
const PING: &str = "ping";

pub struct Player {
    program: Program,
    pub id: String,
}

impl Player {
    /// Starts one, which is registered there when this returns.
    pub fn start(server: SocketAddr, ns: &str, id: &str, ttl_secs: u32, heartbeat_ms: u32) -> Self {
        let mut command = Command::new(env::current_exe().expect("a test knows its program"));
        command.args(["player::a_player_in_a_process_of_its_own", "--exact", "--nocapture"]);
        command.env(PLAYER, format!("{server} {ns} {id} {ttl_secs} {heartbeat_ms}"));
        let player = Self { program: Program::start(&mut command), id: id.to_owned() };
        player.says("there, resumed: false");
        player
    }

    #[track_caller]
    pub fn says(&self, expected: &str) {
        assert_eq!(self.program.error_line(), expected, "{}", self.id);
    }

    /// Returns when the server has heard it, from now on.
    pub fn ping(&mut self) {
        self.program.type_line(PING);
        self.says("pong");
    }

    pub fn pause(&self) {
        self.program.signal("STOP");
    }

    pub fn go_on(&self) {
        self.program.signal("CONT");
    }

    /// Ends it in the middle of whatever it does.
    pub fn kill(&mut self) {
        self.program.kill();
    }
}

#[test]
fn a_player_in_a_process_of_its_own() {
    let Ok(role) = env::var(PLAYER) else { return };
    let words: Vec<&str> = role.split(' ').collect();
    let [server, ns, id, ttl_secs, heartbeat_ms] = words[..] else { panic!("{role}") };
    let number = |word: &str| word.parse().expect("a number");
    let request = leased(number(ttl_secs), register(ns, id));
    let server = server.parse().expect("an address");
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime").block_on(play(server, request, wishing(number(heartbeat_ms))));
}

/// Whoever typed what is to be done; the end of it is the end of the player.
fn typed() -> mpsc::Receiver<String> {
    let (sender, receiver) = mpsc::channel(1);
    thread::spawn(move || {
        for line in stdin().lock().lines().map_while(Result::ok) {
            if sender.blocking_send(line).is_err() {
                return;
            }
        }
    });
    receiver
}

async fn play(server: SocketAddr, request: Message, hello: Message) {
    let mut typed = typed();
    let mut resume: Option<Bytes> = None;
    loop {
        let mut client = Client::connect_to(server).await;
        let mut hello = hello.clone();
        hello.hello.as_mut().expect("it is a HELLO").resume.clone_from(&resume);
        client.send([numbered(1, hello), numbered(2, request.clone())]).await;
        let welcome = welcome(&client.message().await).clone();
        let mut answer = client.message().await;
        while answer.request_id != Some(2) {
            // What happened to it meanwhile, or a question.
            answer = client.message().await;
        }
        if answer.r#type() != MessageType::Register {
            eprintln!("refused: {}", code(&answer).as_str_name());
            return;
        }
        eprintln!("there, resumed: {}", welcome.resumed());
        resume = welcome.resume;
        if !stay(&mut client, &mut typed).await {
            return;
        }
    }
}

/// Answers for itself until the connection is lost (true), or it is told to go.
async fn stay(client: &mut Client, typed: &mut mpsc::Receiver<String>) -> bool {
    const NONCE: u64 = 77;
    loop {
        tokio::select! {
            line = typed.recv() => match line {
                Some(_) => client.send_or_lost(heartbeat(NONCE, None)).await,
                None => return false,
            },
            message = client.next() => {
                let Some(message) = message else {
                    eprintln!("lost");
                    return true;
                };
                match &message.heartbeat {
                    Some(answer) if answer.reply() => eprintln!("pong"),
                    Some(question) => client.send_or_lost(heartbeat(question.nonce(), Some(true))).await,
                    None => eprintln!("told: {}", message.status.as_ref().map_or(message.r#type().as_str_name(), |status| status.code().as_str_name())),
                }
            }
        }
    }
}
