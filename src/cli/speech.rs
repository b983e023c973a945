//! What somebody says, for whoever is told of it.

use super::{
    exit::Failure,
    output::{Output, printable},
};
use foregather::client::{Client, ClientError, Events, Message, Party, Recipient, Reply, Request};
use serde_json::{Value, json};

/// Tells what somebody has said. Each line of it begins with who that is, so that nobody
/// can say something in the name of another.
///
/// # Errors
/// If nobody can be told.
pub fn tell(output: Output, said: &Said<'_>) -> Result<(), Failure> {
    if output.is_json() {
        return output.json(said.json());
    }
    let text = String::from_utf8_lossy(said.payload);
    let name = printable(said.from.as_str());
    let aside = match said.to {
        Some(Recipient::To(_)) => " (to you)",
        Some(Recipient::Owner) => " (to the owner)",
        Some(Recipient::Any) => " (to any)",
        Some(Recipient::All) | None => "",
    };
    text.strip_suffix('\n').unwrap_or(&text).split('\n').try_for_each(|line| {
        let line = line.strip_suffix('\r').unwrap_or(line);
        output.text(&format!("{name}{aside}: {}", printable(line)))
    })
}

/// What somebody has said.
#[derive(Debug)]
pub struct Said<'a> {
    /// What it is to a program.
    pub event: &'a str,
    pub ns: &'a str,
    pub from: &'a Party,
    /// `None`: it is a reply.
    pub to: Option<&'a Recipient>,
    pub payload: &'a [u8],
}

impl<'a> Said<'a> {
    /// Something that is only said.
    pub fn message(Message { ns, from, to, payload, .. }: &'a Message) -> Self {
        Self { event: "said", ns: ns.as_str(), from, to: Some(to), payload }
    }

    /// Something that is asked.
    pub fn request(Request { ns, from, to, payload, .. }: &'a Request) -> Self {
        Self { event: "asked", ns: ns.as_str(), from, to: Some(to), payload }
    }

    /// A reply from there.
    pub fn reply(ns: &'a str, reply: &'a Reply) -> Self {
        Self { event: "reply", ns, from: &reply.from, to: None, payload: &reply.payload }
    }

    fn json(&self) -> Value {
        let mut object = json!({ "event": self.event, "ns": self.ns, "from": self.from.as_str() });
        if let Some(to) = self.to {
            object["to"] = recipient(to).into();
        }
        // What is no text is told as what it is.
        match str::from_utf8(self.payload) {
            Ok(text) => object["text"] = text.into(),
            Err(_) => object["hex"] = self.payload.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into(),
        }
        object
    }
}

/// To whom it goes, in one word.
fn recipient(to: &Recipient) -> &str {
    match to {
        Recipient::To(party) => party.as_str(),
        Recipient::Owner => "owner",
        Recipient::All => "all",
        Recipient::Any => "any",
    }
}

/// Watches there, with the secret if there is one. That opens one game, and is of no use
/// where many are watched.
///
/// # Errors
/// As the server refuses it.
pub async fn watch(client: &Client, pattern: &str, secret: Vec<u8>) -> Result<Events, ClientError> {
    if secret.is_empty() || pattern.ends_with('*') {
        client.rendezvous(pattern).await
    } else {
        client.rendezvous_with(pattern, secret).await
    }
}
