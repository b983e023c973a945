use crate::program::{Program, Server, foregather, run};
#[cfg(unix)]
use foregather::wire::{self, proto};
#[cfg(unix)]
use std::io::{Read as _, Write as _};
use std::net::TcpStream;

#[test]
fn the_version_and_help_are_printed() {
    let version = run(&["--version"]);
    assert_eq!((version.code(), version.stdout), (0, vec![format!("foregather {}", env!("CARGO_PKG_VERSION"))]));

    let help = run(&["--help"]);
    let help_text = help.stdout.join("\n");
    for told in
        ["serve", "host", "match", "join", "watch", "discover", "list", "kick", "call", "config", "Exit codes:", "69"]
    {
        assert!(help_text.contains(told), "{told} is missing in: {help_text}");
    }
    assert_eq!(help.code(), 0);
}

#[test]
fn every_limit_is_in_the_long_help_only() {
    let (short, long) = (run(&["serve", "-h"]).stdout.join("\n"), run(&["serve", "--help"]).stdout.join("\n"));
    for row in foregather::limits::Limits::TABLE {
        let flag = format!("--{} <N>", row.name.replace('_', "-"));
        assert!(long.contains(&flag), "{flag}");
        assert!(!short.contains(&flag), "{flag}");
    }
}

#[test]
fn a_command_line_that_makes_no_sense_is_64() {
    for arguments in [&["bogus"][..], &["serve", "--bogus"], &["watch"], &["watch", "a", "--for", "soon"]] {
        let finished = run(arguments);
        assert_eq!((finished.code(), finished.stdout.len()), (64, 0), "{arguments:?}");
        assert!(!finished.stderr.is_empty());
    }
}

#[test]
fn it_says_where_it_listens_and_how_to_try_it() {
    let program = Program::start(&mut foregather(&["serve", "--listen", "127.0.0.1:0"]));
    let line = program.line();
    let address = line.strip_prefix("foregather listens on ").and_then(|rest| rest.split(' ').next()).expect(&line);
    assert!(line.ends_with(&format!("Try: foregather watch chess/K7QP --server {address}")), "{line}");
    TcpStream::connect(address).expect("it listens there");
}

#[test]
fn without_a_command_it_serves() {
    let program = Program::start(foregather(&["--json"]).env("FOREGATHER_LISTEN", "127.0.0.1:0"));
    let line = program.json();
    assert_eq!((line["event"].as_str(), line["threads"].as_u64()), (Some("listening"), Some(1)));
    TcpStream::connect(line["address"].as_str().expect("it says where")).expect("it listens there");
}

#[test]
fn listening_everywhere_it_names_addresses_of_the_network() {
    let program = Program::start(&mut foregather(&["serve", "--listen", "0.0.0.0:0", "--json"]));
    let line = program.json();
    let port = line["address"].as_str().and_then(|address| address.rsplit(':').next()).expect("it says where");
    let lan: Vec<_> = line["lan"].as_array().expect("a list").iter().filter_map(|address| address.as_str()).collect();
    let expected: Vec<_> = foregather::server::lan_addresses()
        .into_iter()
        .filter(std::net::IpAddr::is_ipv4)
        .map(|ip| format!("{ip}:{port}"))
        .collect();
    assert_eq!(lan, expected);
}

#[test]
fn an_address_in_use_is_71() {
    let server = Server::start();
    let second = run(&["serve", "--listen", &server.address]);
    assert_eq!((second.code(), second.stdout.len()), (71, 0));
    assert!(second.stderr.contains("foregather: cannot listen on"), "{}", second.stderr);
}

#[cfg(unix)]
#[test]
fn a_signal_stops_it_in_order() {
    for signal in ["TERM", "INT"] {
        let server = Server::start();
        let watch = server.client(&["watch", "chess", "--json", "--reconnect", "0s"]);
        assert_eq!(watch.json()["event"], "current");
        server.program.signal(signal);
        assert_eq!(server.program.finish().code(), 0, "{signal}");

        let watch = watch.finish();
        assert_eq!(watch.code(), 69);
        assert!(watch.stderr.contains("SHUTTING_DOWN"), "{}", watch.stderr);
    }
}

#[cfg(unix)]
#[test]
fn a_second_signal_stops_it_at_once() {
    // It waits for a connection that does not end, for as long as it may.
    let mut server = Server::start_with(&["--linger-ms", "60_000", "--shutdown-grace-ms", "600_000"]);
    let mut connection = TcpStream::connect(&server.address).expect("it listens");
    let question = proto::Message {
        r#type: Some(proto::MessageType::Heartbeat.into()),
        heartbeat: Some(proto::Heartbeat::default()),
        ..Default::default()
    };
    connection.write_all(&wire::message(&question)).expect("it reads");
    let mut hear = |what: &str| assert_ne!(connection.read(&mut [0; 1_000]).expect(what), 0, "{what}");
    hear("the sign of life");
    server.program.signal("TERM");
    hear("that it stops");
    // The first of these may come so soon that they count as the same.
    while server.program.is_running() {
        server.program.signal("TERM");
    }
    assert_eq!(server.program.finish().code(), 130);
}
