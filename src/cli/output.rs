//! What the program prints: lines for a person, or one JSON object a line.

use super::exit::Failure;
use foregather::client::Attributes;
use serde_json::Value;
use std::{
    fmt::{self, Write as _},
    io::{self, Write as _},
};

/// Standard output, in the form that was asked for.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
}

impl Output {
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether a program reads this.
    pub fn is_json(self) -> bool {
        self.json
    }

    /// Prints what happened: `text` to a person, `json` to a program.
    pub fn event(self, text: impl FnOnce() -> String, json: impl FnOnce() -> Value) -> Result<(), Failure> {
        if self.json { self.json(json()) } else { self.text(&text()) }
    }

    /// Prints lines for a person.
    pub fn text(self, text: &str) -> Result<(), Failure> {
        print(text)
    }

    /// Prints one JSON object, which has no line breaks.
    pub fn json(self, object: impl fmt::Display) -> Result<(), Failure> {
        // JSON leaves the control characters from U+007F up as they are. They
        // stand in strings only, where an escape means the same.
        print(&escape(&object.to_string(), |line, unit| write!(line, "\\u{unit:04x}")))
    }
}

/// Tells a person what is wrong, on standard error.
pub fn complain(message: &str) {
    // There is nobody left to tell that this failed.
    let _ = writeln!(io::stderr(), "foregather: {message}");
}

/// Tells a person, beside what the output is for.
pub fn note(text: &str) {
    // There is nobody left to tell that this failed.
    let _ = writeln!(io::stderr(), "{text}");
}

/// Text from the network, made harmless for a terminal.
pub fn printable(text: &str) -> String {
    escape(text, |line, unit| write!(line, "\\u{{{unit:x}}}"))
}

/// What is said of a game or a peer, for a person.
pub fn attributes(attributes: &Attributes) -> String {
    let shown: Vec<String> = attributes.iter().map(|(name, value)| printable(&format!("{name}={value}"))).collect();
    shown.join(" ")
}

fn escape(text: &str, mut escaped: impl FnMut(&mut String, u32) -> fmt::Result) -> String {
    let mut line = String::with_capacity(text.len());
    for character in text.chars() {
        if is_harmful(character) {
            // Writing to a String cannot fail.
            let _ = escaped(&mut line, character.into());
        } else {
            line.push(character);
        }
    }
    line
}

/// Characters that command a terminal, end a line, turn the direction of what is
/// written after them, or cannot be seen, so that two names look alike.
fn is_harmful(character: char) -> bool {
    character.is_control()
        || matches!(
            character,
            '\u{ad}'
                | '\u{61c}'
                | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}'
                | '\u{2060}'..='\u{2069}'
                | '\u{feff}'
                | '\u{e0000}'..='\u{e007f}'
        )
}

fn print(line: &str) -> Result<(), Failure> {
    let mut stdout = io::stdout().lock();
    writeln!(stdout, "{line}").and_then(|()| stdout.flush()).map_err(|error| Failure::output(&error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_command_a_terminal_is_escaped() {
        assert_eq!(printable("ada \u{1b}[2J\u{9b}\u{202e}é\n"), "ada \\u{1b}[2J\\u{9b}\\u{202e}é\\u{a}");
        assert_eq!(printable("chess/K7QP"), "chess/K7QP");
    }
}
