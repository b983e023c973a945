use foregather::wire::proto;
use prost_reflect::{
    DescriptorPool, DeserializeOptions, DynamicMessage, EnumDescriptor, FieldDescriptor, Kind, MessageDescriptor,
};
use serde_json::Value;

/// The wire format in protobuf's JSON mapping.
#[derive(Debug, Clone)]
pub(super) struct Format {
    message: MessageDescriptor,
}

impl Format {
    pub(super) fn new() -> Self {
        let pool = DescriptorPool::decode(proto::DESCRIPTORS).expect("the build made it");
        let message = pool.get_message_by_name("foregather.v1.Message").expect("the .proto file has it");
        Self { message }
    }

    /// Reads one message.
    ///
    /// # Errors
    /// What is wrong with the text.
    pub(super) fn parse(&self, json: &[u8]) -> Result<DynamicMessage, String> {
        let mut value = serde_json::from_slice(json)
            // Almost always there is one line only, which the caller names.
            .map_err(|error| error.to_string().replace(" at line 1 column ", " at column "))?;
        write_enums_out(&mut value, &self.message);
        let options = DeserializeOptions::new().deny_unknown_fields(true);
        DynamicMessage::deserialize_with_options(self.message.clone(), value, &options)
            .map_err(|error| error.to_string())
    }

    /// The message that a frame holds, in JSON and in the order of its fields;
    /// `None` if it does not hold one.
    pub(super) fn show(&self, frame: &[u8]) -> Option<String> {
        let message = DynamicMessage::decode(self.message.clone(), frame).ok()?;
        serde_json::to_string(&message).ok()
    }
}

/// Writes the short names of enum values, `REGISTER`, out in full, as the mapping
/// wants them: `MESSAGE_TYPE_REGISTER`. What does not fit is left for the parser
/// to complain of.
fn write_enums_out(value: &mut Value, message: &MessageDescriptor) {
    let Value::Object(object) = value else { return };
    for (name, value) in object {
        let Some(field) = message.get_field_by_json_name(name).or_else(|| message.get_field_by_name(name)) else {
            continue;
        };
        match value {
            Value::Array(entries) => entries.iter_mut().for_each(|entry| write_enum_out(entry, &field)),
            entry => write_enum_out(entry, &field),
        }
    }
}

fn write_enum_out(value: &mut Value, field: &FieldDescriptor) {
    match (field.kind(), value) {
        (Kind::Enum(kind), Value::String(name)) => {
            let full = format!("{}{}", prefix(&kind), name.to_ascii_uppercase());
            if kind.get_value_by_name(&full).is_some() {
                *name = full;
            }
        }
        (Kind::Message(message), value) if !message.is_map_entry() => write_enums_out(value, &message),
        _ => {}
    }
}

/// What every value of an enum begins with: `MESSAGE_TYPE_` for `MessageType`.
fn prefix(kind: &EnumDescriptor) -> String {
    let mut prefix = String::new();
    for character in kind.name().chars() {
        if character.is_ascii_uppercase() && !prefix.is_empty() {
            prefix.push('_');
        }
        prefix.push(character.to_ascii_uppercase());
    }
    prefix + "_"
}

#[cfg(test)]
mod tests {
    use super::*;
    use prost::Message as _;

    fn parse(json: &str) -> Result<proto::Message, String> {
        let message = Format::new().parse(json.as_bytes())?;
        proto::Message::decode(message.encode_to_vec().as_slice()).map_err(|error| error.to_string())
    }

    #[test]
    fn enums_may_be_written_short_wherever_they_stand() {
        for (long, short) in [
            (r#"{"type":"MESSAGE_TYPE_REGISTER"}"#, r#"{"type":"REGISTER"}"#),
            (r#"{"type":"MESSAGE_TYPE_UNREGISTER"}"#, r#"{"type":"unregister"}"#),
            (
                r#"{"type":0,"register":[{"game":{"ownerPolicy":"OWNER_POLICY_CLOSE"}}]}"#,
                r#"{"type":0,"register":[{"game":{"owner_policy":"CLOSE"}}]}"#,
            ),
        ] {
            assert_eq!(parse(long), parse(short), "{short}");
            assert!(parse(long).is_ok(), "{long}");
        }
        // A text that reads like a value stays what it is.
        let peer = parse(r#"{"type":"REGISTER","register":[{"ns":"OK","peer":{"attributes":{"state":"AWAY"}}}]}"#);
        assert_eq!(peer.expect("it is a message").register[0].ns.as_deref(), Some("OK"));
    }

    #[test]
    fn what_is_no_message_is_refused() {
        for bad in
            ["", "{", "[]", "7", r#"{"type":"NONSENSE"}"#, r#"{"typo":"REGISTER"}"#, r#"{"register":[{"ns":7}]}"#]
        {
            assert!(parse(bad).is_err(), "{bad}");
        }
    }
}
