//! What somebody knows of peers or games who believes all that it is told.

use std::collections::BTreeMap;

/// What a list is about.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Topic {
    Games,
    Peers,
}

/// What eve knows from all that she was told.
pub struct View {
    topic: Topic,
    /// Games by their namespaces; peers by theirs and their ids.
    pub known: BTreeMap<String, String>,
    /// Where she has been given a seat, which she is told of by another watch as well.
    seated: Option<String>,
    /// What lists are of, if that is one namespace, and a space.
    of: String,
}

impl View {
    pub fn new(topic: Topic, pattern: &str) -> Self {
        let of = if pattern.ends_with('*') { String::new() } else { format!("{pattern} ") };
        Self { topic, known: BTreeMap::new(), seated: None, of }
    }

    /// Takes in what is told to eve; whether she waits for more of a list.
    pub fn learns(&mut self, told: Vec<(String, String)>) -> bool {
        let mut more = false;
        for (_, text) in told.into_iter().filter(|(who, _)| who == "eve") {
            more = text.ends_with(" ...");
            self.hears(text.trim_end_matches(" ..."));
        }
        more
    }

    fn hears(&mut self, text: &str) {
        let (what, rest) = text.split_once(' ').expect("a line has a verb and more");
        match what {
            "lobby:" => rest.split(" | ").filter(|game| *game != "none").for_each(|game| self.is_shown(game)),
            "here:" => {
                let peers = rest.split("; ").next().unwrap_or_default();
                let peers = peers.split(", ").filter(|peer| *peer != "none");
                peers.for_each(|peer| self.is_shown(&format!("{}{peer}", self.of)));
            }
            "page:" if self.topic == Topic::Games => self.hears(&format!("lobby: {rest}")),
            "page:" => self.hears(&format!("here: {rest}")),
            "game" if self.topic == Topic::Games => drop(self.known.insert(self.name(rest), rest.to_owned())),
            // What she may not hear of any more she will be told anew.
            "game" if rest.contains("needs_secret") => {
                let ns = format!("{} ", first_words(rest, 1));
                self.known.retain(|name, _| !name.starts_with(&ns));
            }
            "game" => {}
            "closed" => assert!(self.known.remove(rest).is_some(), "{rest} was never there"),
            "#1" => self.is_seated(rest),
            ns => self.hears_of_peer(ns, rest),
        }
    }

    fn hears_of_peer(&mut self, ns: &str, change: &str) {
        let (sign, peer) = change.split_once(' ').expect("a peer comes or goes");
        let peer = format!("{ns} {peer}");
        let name = self.name(&peer);
        match sign {
            "+" => {
                let before = self.known.insert(name, peer.clone());
                assert_ne!(before.as_ref(), Some(&peer), "she knew that");
            }
            "-" => assert!(self.known.remove(&name).is_some(), "{name} was never there"),
            _ => panic!("eve does not understand {change:?}"),
        }
    }

    /// A list shows everything once, and nothing that was announced.
    fn is_shown(&mut self, thing: &str) {
        let before = self.known.insert(self.name(thing), thing.to_owned());
        let twice = self.seated.as_ref().is_some_and(|ns| thing.starts_with(ns.as_str()));
        assert!(before.is_none() || twice, "{thing} was known as {before:?}");
    }

    fn is_seated(&mut self, seat: &str) {
        let seat = seat.strip_prefix("seat in ").expect("a match is answered by a seat");
        let (ns, peers) = seat.split_once(' ').expect("somebody sits there");
        self.seated = Some(format!("{ns} "));
        let peers = peers.split("; ").next().unwrap_or_default();
        peers.split(", ").skip(1).for_each(|peer| self.is_shown(&format!("{ns} {peer}")));
    }

    fn name(&self, thing: &str) -> String {
        first_words(thing, if self.topic == Topic::Games { 1 } else { 2 })
    }
}

fn first_words(text: &str, count: usize) -> String {
    text.split(' ').take(count).collect::<Vec<_>>().join(" ")
}
