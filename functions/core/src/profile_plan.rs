//! The plan of deleting one profile, or one identifier of it: whether a trait that stays repeats what is deleted.

use std::collections::BTreeMap;

use serde_json::{from_str, value::RawValue};

/// Whether a trait's value, a JSON text, has a text or a number in it that reads like an identifier's value. Letter case and
/// blanks around a text do not matter: a person who finds the one has found the other. Names of members are not looked at.
pub fn repeats(trait_value: &str, identifier: &str) -> bool {
    has_value(trait_value, &comparable(identifier))
}

/// Numbers are compared as they are written: no number type holds all of them.
fn has_value(json: &str, wanted: &str) -> bool {
    let json = json.trim_ascii();
    match json.bytes().next() {
        Some(b'"') => from_str(json).is_ok_and(|text: String| comparable(&text) == wanted),
        Some(b'{') => from_str(json).is_ok_and(|members: BTreeMap<String, Box<RawValue>>| {
            members.values().any(|value| has_value(value.get(), wanted))
        }),
        Some(b'[') => from_str(json)
            .is_ok_and(|values: Vec<Box<RawValue>>| values.iter().any(|value| has_value(value.get(), wanted))),
        Some(b'-' | b'0'..=b'9') => json == wanted,
        _ => false,
    }
}

fn comparable(text: &str) -> String {
    text.trim().to_lowercase()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trait_repeats_a_value_wherever_it_holds_it() {
        for (trait_value, identifier, expected) in [
            (r#""ada@example.com""#, "ada@example.com", true),
            (r#"" Ada@Example.com ""#, "ada@example.com", true),
            (r#"{"contact":["x",{"mail":"ada@example.com"}]}"#, "ADA@example.com", true),
            ("4711", "4711", true),
            (r#"{"card":[ 123456789012345678901234567890 ]}"#, "123456789012345678901234567890", true),
            (r#"{"card":123456789012345678901234567891}"#, "123456789012345678901234567890", false),
            (r#"{"ada@example.com":true}"#, "ada@example.com", false),
            (r#""mail to ada@example.com""#, "ada@example.com", false),
            ("null", "null", false),
            ("true", "true", false),
            ("47110", "4711", false),
        ] {
            assert_eq!(repeats(trait_value, identifier), expected, "{trait_value} {identifier}");
        }
    }
}
