//! Strict parsing of JSON from clients and files: every field is known and valid, or the error names the wrong one.

use std::fmt;

use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Visitor, forward_to_deserialize_any};

use crate::message::{Message, Quote, Words};

/// Why a text can't be parsed.
#[derive(Debug, PartialEq, Eq)]
pub enum JsonError {
    /// The text is not JSON. Holds line and column of the fault; lines count from 1.
    Syntax(usize, usize),
    /// A value is not what its field takes. Holds the path of the field (`.` for the whole text), which may be the text's
    /// own, and what is wrong. A value of a wrong type is never quoted, because it may be personal; the name of an unknown
    /// field or variant is.
    Field(String, Message),
}

/// Parses a JSON text strictly: text after the end and deep nesting are errors. Repeated fields are errors, and unknown
/// ones if `T` has `deny_unknown_fields`.
///
/// # Errors
/// See [`JsonError`].
pub fn read<T: DeserializeOwned>(text: &[u8]) -> Result<T, JsonError> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let field = error.path().to_string();
        explain(field, error.inner())
    })?;
    reader.end().map_err(|error| explain(".".to_owned(), &error))?;
    Ok(value)
}

fn explain(field: String, error: &serde_json::Error) -> JsonError {
    if !error.is_data() {
        return JsonError::Syntax(error.line(), error.column());
    }
    let text = error.to_string();
    let position = format!(" at line {} column {}", error.line(), error.column());
    JsonError::Field(field, message(text.strip_suffix(&position).unwrap_or(&text)))
}

/// What serde says of the types of the program.
struct Own<'a>(&'a str);

impl fmt::Display for Own<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

impl Words for Own<'_> {}

/// The message of an error of serde, without the client's value, which may be personal, and with the client's name for a
/// field or a variant as a quote.
///
/// serde words such errors `invalid type: <value>, expected <what the field takes>` and ``unknown field `<name>`, expected
/// <names>``, and gives no access to the parts. The split is safe: a value or a name that itself contains `, expected ` is
/// removed or quoted as well, because the last one counts, and what a field takes is a text of the program that never
/// contains it. If serde changed the wording, the tests below would fail.
fn message(text: &str) -> Message {
    let (start, expected) = text.rsplit_once(", expected ").unwrap_or((text, "another value"));
    let name = |of: &str| start.strip_prefix(of).and_then(|name| name.strip_suffix('`'));
    if start.starts_with("invalid type: ") || start.starts_with("invalid value: ") {
        // Derived structs expect "struct <name>": the name in the code means nothing to a client.
        Message::new("expected {}", &[&Own(if expected.starts_with("struct ") { "an object" } else { expected })])
    } else if let Some(name) = name("unknown field `") {
        Message::new("unknown field `{}`, expected {}", &[&Quote(name), &Own(expected)])
    } else if let Some(name) = name("unknown variant `") {
        Message::new("unknown variant `{}`, expected {}", &[&Quote(name), &Own(expected)])
    } else {
        Message::new("{}", &[&Own(text)])
    }
}

/// A struct that is read from a JSON object only. Without it, a derived struct could also be read from an array of its
/// fields.
#[derive(Debug)]
pub struct Object<T>(pub T);

impl<'de, T: Deserialize<'de>> Deserialize<'de> for Object<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        T::deserialize(MapOnly(deserializer)).map(Self)
    }
}

struct MapOnly<D>(D);

impl<'de, D: Deserializer<'de>> Deserializer<'de> for MapOnly<D> {
    type Error = D::Error;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, D::Error> {
        self.0.deserialize_map(visitor)
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf option unit unit_struct
        newtype_struct seq tuple tuple_struct map struct enum identifier ignored_any
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, Deserialize)]
    #[serde(deny_unknown_fields)]
    #[expect(dead_code, reason = "only whether they can be read matters")]
    struct Body {
        name: Option<String>,
        count: Option<u8>,
        inner: Option<Box<Object<Body>>>,
    }

    fn check(text: &str, field: &str, message: &str) {
        let JsonError::Field(at, found) = read::<Object<Body>>(text.as_bytes()).unwrap_err() else { panic!("{text}") };
        assert_eq!((at.as_str(), found.to_string().as_str()), (field, message), "{text}");
    }

    #[test]
    fn a_message_has_neither_the_value_nor_its_position() {
        check(r#"{"count":"secret"}"#, "count", "expected u8");
        check(r#"{"count":", expected secret at line 1 column 2"}"#, "count", "expected u8");
        check(r#"{"count":256}"#, "count", "expected u8");
        check(r#"{"name":12345}"#, "name", "expected a string");
        check(r#"{"inner":["secret"]}"#, "inner", "expected an object");
        check("\n\"secret\"", ".", "expected an object");
        check(r#"{"count":1,"count":2}"#, ".", "duplicate field `count`");
        check(
            r#"{" at line 1":1}"#,
            " at line 1",
            "unknown field ` at line 1`, expected one of `name`, `count`, `inner`",
        );
    }

    #[test]
    fn a_name_is_cut() {
        let name = "x`, expected `".repeat(1_000);
        let expected = "expected one of `name`, `count`, `inner`";
        check(&format!(r#"{{"{name}":1}}"#), &name, &format!("unknown field `{}`, {expected}", &name[..64]));
    }

    #[test]
    fn a_syntax_error_has_a_position() {
        for (text, line, column) in [("", 1, 0), ("{\n]", 2, 1), ("{} x", 1, 4)] {
            assert_eq!(read::<Object<Body>>(text.as_bytes()).unwrap_err(), JsonError::Syntax(line, column), "{text}");
        }
    }
}
