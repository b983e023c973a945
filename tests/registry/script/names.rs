//! Names that the server makes, as scripts call them.

use std::collections::{BTreeMap, BTreeSet};

/// What stands in scripts for codes of games and ids of peers that nobody chose:
/// `CODE` and `ANON`, then `CODE2`, `ANON2` and so on.
#[derive(Default)]
pub struct Names {
    /// Segments of namespaces and ids that scripts have named.
    chosen: BTreeSet<String>,
    /// What each of the others stands for, by what scripts call it.
    made: BTreeMap<String, String>,
}

impl Names {
    /// What a script means by an id, or by a namespace.
    pub fn meant(&mut self, text: &str) -> String {
        let segments: Vec<String> = text.split('/').map(|segment| self.segment(segment)).collect();
        segments.join("/")
    }

    fn segment(&mut self, text: &str) -> String {
        if let Some(made) = self.made.get(text) {
            return made.clone();
        }
        self.chosen.insert(text.to_owned());
        text.to_owned()
    }

    /// How a script calls that namespace.
    pub fn ns(&mut self, text: &str) -> String {
        let segments: Vec<String> = text.split('/').map(|segment| self.shown("CODE", segment)).collect();
        segments.join("/")
    }

    /// How a script calls that peer.
    pub fn id(&mut self, text: &str) -> String {
        self.shown("ANON", text)
    }

    fn shown(&mut self, kind: &str, text: &str) -> String {
        if self.chosen.contains(text) {
            return text.to_owned();
        }
        if let Some((name, _)) = self.made.iter().find(|(_, made)| *made == text) {
            return name.clone();
        }
        let before = self.made.keys().filter(|name| name.starts_with(kind)).count();
        let name = if before == 0 { kind.to_owned() } else { format!("{kind}{}", before + 1) };
        self.made.insert(name.clone(), text.to_owned());
        name
    }
}
