//! The plan of deleting one profile, or one identifier of it: whether a trait that stays repeats what is deleted.

use serde_json::Value;

/// Whether a trait's value, a JSON text, has a text or a number in it that reads like an identifier's value. Letter case and
/// blanks around a text do not matter: a person who finds the one has found the other.
pub fn repeats(trait_value: &str, identifier: &str) -> bool {
    let wanted = comparable(identifier);
    // A trait is stored only if it is JSON. One that is not is shown as it is, so compare that.
    serde_json::from_str(trait_value)
        .map_or_else(|_| comparable(trait_value) == wanted, |value: Value| has_value(&value, &wanted))
}

fn has_value(value: &Value, wanted: &str) -> bool {
    match value {
        Value::String(text) => comparable(text) == wanted,
        Value::Number(number) => number.to_string() == wanted,
        Value::Array(values) => values.iter().any(|value| has_value(value, wanted)),
        Value::Object(members) => members.values().any(|value| has_value(value, wanted)),
        Value::Null | Value::Bool(_) => false,
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
