//! Our generated code agrees with Google's on what every message means.

use crate::golden::{self, MessageVector};
use foregather::wire::proto;
use prost::Message as _;
use prost_reflect::{DynamicMessage, Kind, MessageDescriptor, ReflectMessage as _, Value};
use std::collections::BTreeSet;

/// What `json` means, by reflection.
fn from_json(vector: &MessageVector) -> DynamicMessage {
    DynamicMessage::deserialize(golden::descriptor(), &vector.json)
        .unwrap_or_else(|error| panic!("{}: {error}", vector.name))
}

/// What `hex` means to the code that the server runs.
fn from_bytes(vector: &MessageVector) -> proto::Message {
    proto::Message::decode(&*vector.body).unwrap_or_else(|error| panic!("{}: {error}", vector.name))
}

#[test]
fn bytes_and_json_mean_the_same() {
    for vector in golden::messages() {
        let by_json = proto::Message::decode(&*from_json(&vector).encode_to_vec())
            .unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        assert_eq!(from_bytes(&vector), by_json, "{}", vector.name);
    }
}

#[test]
fn what_was_parsed_is_written_as_google_writes_it() {
    for vector in golden::messages() {
        let parsed = from_bytes(&vector);
        let written = parsed.encode_to_vec();
        if vector.compare_bytes {
            assert_eq!(written, vector.body, "{}", vector.name);
            assert_eq!(from_json(&vector).encode_to_vec(), vector.body, "{}, from its json", vector.name);
        } else {
            let again = proto::Message::decode(&*written).unwrap_or_else(|error| panic!("{}: {error}", vector.name));
            assert_eq!(again, parsed, "{}", vector.name);
        }
    }
}

/// The JSON mapping lists what is there, also when it is zero, and nothing else.
#[test]
fn what_was_parsed_reads_as_the_json_says() {
    for vector in golden::messages() {
        // The generated code drops unknown fields; a DynamicMessage that read
        // `body` itself would keep them.
        let written = from_bytes(&vector).encode_to_vec();
        let message = DynamicMessage::decode(golden::descriptor(), &*written)
            .unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        let json = serde_json::to_value(&message).unwrap_or_else(|error| panic!("{}: {error}", vector.name));
        assert_eq!(json, vector.json, "{}", vector.name);
    }
}

/// A field that is added to the format without a vector is found here.
#[test]
fn no_field_and_no_enum_value_is_without_a_vector() {
    let mut seen = BTreeSet::new();
    for vector in golden::messages() {
        note(&from_json(&vector), &mut seen);
    }
    let file = golden::descriptor().parent_file();
    let fields = file.messages().flat_map(|message| message.fields().collect::<Vec<_>>());
    let values = file.enums().flat_map(|kind| kind.values().collect::<Vec<_>>());
    let all = fields.map(|field| field.full_name().to_owned()).chain(values.map(|value| value.full_name().to_owned()));
    let missing: Vec<String> = all.filter(|name| !seen.contains(name)).collect();
    assert_eq!(missing, Vec::<String>::new());
}

/// Notes the full names of all fields and enum values in there.
fn note(message: &DynamicMessage, seen: &mut BTreeSet<String>) {
    for (field, value) in message.fields() {
        seen.insert(field.full_name().to_owned());
        let values = match value {
            Value::List(values) => values.as_slice(),
            single => std::slice::from_ref(single),
        };
        for value in values {
            match (value, field.kind()) {
                (Value::Message(inner), _) => note(inner, seen),
                (Value::EnumNumber(number), Kind::Enum(kind)) => {
                    seen.extend(kind.get_value(*number).map(|value| value.full_name().to_owned()));
                }
                _ => {}
            }
        }
    }
}

/// What reflection says of the format is what the generated code was made from.
#[test]
fn the_descriptors_are_of_the_file_that_clients_get() {
    let message: MessageDescriptor = golden::descriptor();
    assert_eq!(message.parent_file().name(), "rendezvous.proto");
    assert_eq!(message.parent_file().package_name(), "foregather.v1");
    let message = DynamicMessage::new(message);
    let numbers: Vec<u32> = message.descriptor().fields().map(|field| field.number()).collect();
    assert_eq!(numbers, (1..=15).collect::<Vec<u32>>());
}
