//! Reads `tests/vectors/`; what its keys mean stands in the README there.

use foregather::wire::proto;
use prost::Message as _;
use prost_reflect::{DescriptorPool, MessageDescriptor};
use serde_json::Value;
use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    path::Path,
};

/// A message as Google's protobuf writes it, and what it means.
pub struct MessageVector {
    pub name: String,
    pub body: Vec<u8>,
    pub json: Value,
    /// Encoding `json` must give exactly `body`.
    pub compare_bytes: bool,
}

/// A stream of frames, and what is to come out of it.
pub struct StreamVector {
    pub name: String,
    pub bytes: Vec<u8>,
    pub messages: Vec<Vec<u8>>,
    pub error: Option<String>,
}

/// The golden messages, by name.
pub struct Golden(BTreeMap<String, MessageVector>);

impl Golden {
    pub fn read() -> Self {
        let vectors = messages().into_iter().map(|vector| (vector.name.clone(), vector));
        Self(vectors.collect())
    }

    pub fn body(&self, name: &str) -> &[u8] {
        &self.0.get(&format!("messages.json: {name}")).unwrap_or_else(|| panic!("there is no vector {name}")).body
    }

    /// Finds that a frame holds that message, and nothing else.
    pub fn is_written(&self, name: &str, frame: &[u8]) {
        let mut written = frame;
        let length = prost::decode_length_delimiter(&mut written).expect("a frame begins with its length");
        assert_eq!(length, written.len(), "{name}: one whole frame");
        assert_eq!(proto::Message::decode(written), proto::Message::decode(self.body(name)), "{name}");
        // Attributes without a value are the only ones that encoders differ about.
        if self.0[&format!("messages.json: {name}")].compare_bytes {
            assert_eq!(written, self.body(name), "{name}");
        }
    }
}

/// All messages of both files.
pub fn messages() -> Vec<MessageVector> {
    // A file that lost its vectors must not look green.
    [("seed.json", 50), ("messages.json", 350)].into_iter().flat_map(|(file, least)| messages_of(file, least)).collect()
}

fn messages_of(file: &str, least: usize) -> Vec<MessageVector> {
    read(file, least)["vectors"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|vector| MessageVector {
            name: format!("{file}: {}", text(&vector["name"])),
            body: hex(text(&vector["hex"])),
            json: vector["json"].clone(),
            compare_bytes: match text(&vector["compare"]) {
                "bytes" => true,
                "parsed" => false,
                other => panic!("{file}: there is no way to compare called {other}"),
            },
        })
        .collect()
}

/// All streams, and the limit that they were made for.
pub fn streams() -> (usize, Vec<StreamVector>) {
    let file = read("frames.json", 90);
    let limit = file["limit"].as_u64().expect("frames.json has a limit");
    let streams = file["vectors"].as_array().into_iter().flatten().map(|vector| StreamVector {
        name: text(&vector["name"]).to_owned(),
        bytes: parts(&vector["bytes"]),
        messages: vector["messages"].as_array().expect("messages is always there").iter().map(parts).collect(),
        error: vector.get("error").map(|error| text(error).to_owned()),
    });
    (usize::try_from(limit).expect("the limit is small"), streams.collect())
}

/// The descriptor of `Message`, from which all others are reached.
pub fn descriptor() -> MessageDescriptor {
    DescriptorPool::decode(proto::DESCRIPTORS)
        .expect("the build wrote it")
        .get_message_by_name("foregather.v1.Message")
        .expect("it is the message of every frame")
}

fn read(file: &str, least: usize) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/vectors").join(file);
    let content = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let content: Value = serde_json::from_str(&content).unwrap_or_else(|error| panic!("{file}: {error}"));
    let vectors = content["vectors"].as_array().expect("a file of vectors has some");
    assert!(vectors.len() >= least, "{file} holds {} vectors; it once held {least} and more", vectors.len());
    let names: BTreeSet<&str> = vectors.iter().map(|vector| text(&vector["name"])).collect();
    assert_eq!(names.len(), vectors.len(), "{file}: every vector has a name of its own");
    content
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("{value} should be a text"))
}

/// Bytes in hex, or in parts of which one may stand for many.
fn parts(value: &Value) -> Vec<u8> {
    match value {
        Value::Array(parts) => parts.iter().flat_map(self::parts).collect(),
        Value::Object(part) => {
            let count = part["count"].as_u64().expect("count is a number");
            hex(text(&part["repeat"])).repeat(usize::try_from(count).expect("count is small"))
        }
        _ => hex(text(value)),
    }
}

fn hex(text: &str) -> Vec<u8> {
    assert!(text.len().is_multiple_of(2), "{text}: half a byte");
    let digit = |byte: u8| char::from(byte).to_digit(16).unwrap_or_else(|| panic!("{text} is not hex")) as u8;
    text.as_bytes().chunks_exact(2).map(|pair| digit(pair[0]) << 4 | digit(pair[1])).collect()
}
