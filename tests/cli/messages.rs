use crate::program::{PATIENCE, Program, Server};
use foregather::client::{Client, MessageEvent, Peer};
use serde_json::json;
use std::process::Stdio;
use tokio::{sync::mpsc::channel, time::timeout};

/// Runs what needs a client of the library beside the program.
fn block_on(work: impl Future<Output = ()>) {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
    runtime.expect("there are threads").block_on(work);
}

#[test]
fn a_line_of_a_chat_is_heard_by_all_who_are_there() {
    let server = Server::start();
    let mut ada = server.client(&["chat", "chess", "--id", "ada"]);
    assert_eq!(ada.line(), "ada is in chess");
    assert_eq!(ada.error_line(), "nobody else is there yet; Ctrl-C ends");
    let mut eve = server.client(&["chat", "chess", "--json"]);
    assert_eq!(eve.json()["event"], "registered");
    assert_eq!(eve.json()["event"], "current");
    let mut bob = server.client(&["chat", "chess", "--id", "bob"]);
    assert_eq!(bob.line(), "bob is in chess");
    assert_eq!(bob.line(), "+ ada");
    assert_eq!(ada.line(), "+ bob");
    assert_eq!(eve.json()["id"], "bob");

    ada.type_line("hello");
    ada.type_line("");
    ada.type_line("//shrug");
    for line in ["ada: hello", "ada: /shrug"] {
        assert_eq!(bob.line(), line);
        let said = json!({"event": "said", "ns": "chess", "from": "ada", "to": "all", "text": line["ada: ".len()..]});
        assert_eq!(eve.json(), said);
    }

    // What goes to one is heard by that one alone; so what comes next to the others is something else.
    bob.type_line("/to ada your move");
    assert_eq!(ada.line(), "bob (to you): your move");
    bob.type_line("/to mallory your move");
    assert!(bob.error_line().contains("NOT_FOUND"));
    bob.type_line("/help");
    assert!(bob.error_line().contains("/to PEER TEXT"));

    // Who only watches is answered by the name that the messages come with.
    eve.type_line("nice");
    let line = ada.line();
    assert_eq!(bob.line(), line);
    let name = line.strip_suffix(": nice").expect("it is what she said");
    assert!(name.starts_with('~'), "{name}");
    ada.type_line(&format!("/to {name} thanks"));
    assert_eq!(eve.json(), json!({"event": "said", "ns": "chess", "from": "ada", "to": name, "text": "thanks"}));

    ada.type_line("/quit");
    assert_eq!(bob.line(), "- ada (left)");
    assert_eq!(ada.finish().code(), 0);
    // The end of what is typed is the end.
    assert_eq!(bob.finish().code(), 0);
    assert_eq!(eve.json()["reason"], "UNREGISTERED");
}

#[test]
fn what_others_say_does_not_command_the_terminal_nor_speak_for_others() {
    let server = Server::start();
    let chat = server.client(&["chat", "chess"]);
    assert_eq!(chat.error_line(), "nobody else is there yet; Ctrl-C ends");
    let text = "\u{1b}[2J one\r\neve: two\u{202e}\n";
    assert_eq!(server.run(&["send", "chess", "--to", "all", "--id", "ada", text]).code(), 0);
    let mut lines = Vec::new();
    while lines.len() < 2 {
        let line = chat.line();
        // Whoever comes to say something may be gone before that was seen.
        lines.extend(Some(line).filter(|line| line.starts_with("ada")));
    }
    assert_eq!(lines, ["ada: \\u{1b}[2J one", "ada: eve: two\\u{202e}"]);
}

#[cfg(unix)]
#[test]
fn a_signal_makes_a_chat_leave_in_order() {
    let server = Server::start();
    let watch = server.client(&["watch", "chess"]);
    let ada = server.client(&["chat", "chess", "--id", "ada"]);
    assert_eq!(watch.line(), "+ ada");
    ada.signal("INT");
    assert_eq!(watch.line(), "- ada (left)");
    assert_eq!(ada.finish().code(), 0);
}

#[test]
fn whom_the_server_has_chosen_is_told() {
    let server = Server::start();
    block_on(async {
        let ada = Client::connect(&server.address).await.expect("it listens");
        let mut heard = ada.messages("chess").expect("it is legal");
        ada.register("chess", Peer::new().id("ada")).await.expect("it is free");

        let any = server.run(&["send", "chess", "--to", "any", "hello"]);
        assert_eq!((any.code(), any.stdout), (0, vec!["sent to ada".to_owned()]));
        let any = server.run(&["send", "chess", "--to", "any", "hello", "--json"]);
        assert_eq!(any.stdout, [r#"{"event":"sent","ns":"chess","to":"ada"}"#]);
        let one = server.run(&["send", "chess", "--to", "ada", "hello"]);
        assert_eq!((one.code(), one.stdout.len()), (0, 0));

        let mut command = server.command(&["send", "chess", "--to", "ada", "--id", "bob", "-"]);
        let mut send = Program::start_on(&mut command, Stdio::null());
        send.type_line("one");
        send.type_line("two");
        assert_eq!(send.finish().code(), 0);
        for text in ["hello", "hello", "hello", "one\ntwo\n"] {
            let Some(MessageEvent::Said(message)) = heard.next().await else { panic!("nothing is asked") };
            assert_eq!(message.payload, text);
            assert_eq!(message.from.as_str() == "bob", text.starts_with("one"));
        }
        ada.close().await;
    });

    let refused = server.run(&["send", "chess", "--to", "owner", "hello"]);
    assert_eq!(refused.code(), 1, "{refused:?}");
    assert!(refused.stderr.contains("NOT_FOUND"), "{refused:?}");
    assert_eq!(server.run(&["send", "chess", "--to", "a b\u{1}", "hello"]).code(), 64);
}

#[test]
fn a_reply_is_waited_for_and_printed() {
    let server = Server::start();
    block_on(async {
        let ada = Client::connect(&server.address).await.expect("it listens");
        let (asked, mut is_asked) = channel(16);
        let serving = ada.serve("chess", move |request| {
            let _ = asked.try_send(());
            async move {
                match &request.payload[..] {
                    b"colour?" => b"white\nor \x07".to_vec(),
                    b"bytes?" => vec![0xff, 0x01],
                    _ => std::future::pending().await,
                }
            }
        });
        tokio::spawn(serving);
        ada.register("chess", Peer::new().id("ada")).await.expect("it is free");

        let send = ["send", "chess", "--to", "any", "--reply"];
        let run = |more: &[&str]| server.run(&[&send, more].concat());
        let reply = run(&["20", "colour?"]);
        assert_eq!((reply.code(), reply.stdout), (0, vec!["ada: white".to_owned(), "ada: or \\u{7}".to_owned()]));
        let reply = run(&["20s", "bytes?", "--json"]);
        assert_eq!(reply.stdout, [r#"{"event":"reply","from":"ada","hex":"ff01","ns":"chess"}"#]);

        let late = run(&["50ms", "anything?"]);
        assert_eq!((late.code(), late.stdout.len()), (75, 0), "{late:?}");
        let waits = server.client(&[&send[..], &["20s", "anything?"]].concat());
        for _ in 0..4 {
            timeout(PATIENCE, is_asked.recv()).await.expect("it asks").expect("it is served");
        }
        ada.close().await;
        let left = waits.finish();
        assert_eq!(left.code(), 75, "{left:?}");
        assert!(left.stderr.contains("ada has left chess"), "{left:?}");
    });
}
