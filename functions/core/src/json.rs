//! Strict JSON: what a client or a file sends is read whole, or refused with the field that is wrong.

use serde::{Deserialize, Deserializer, de::DeserializeOwned, de::Visitor, forward_to_deserialize_any};

/// Why a text was not read.
#[derive(Debug, PartialEq, Eq)]
pub enum JsonError {
    /// It is not JSON; the line and the column, from 1, say where.
    Syntax(usize, usize),
    /// The field and what is wrong with it, without the value: it may be personal. The whole text is field `.`.
    Field(String, String),
}

/// Reads a JSON text strictly: unknown and repeated fields, text after the end and deep nesting are errors.
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
    let text = text.rsplit_once(" at line ").map_or(text.as_str(), |(text, _)| text);
    let wrong_kind = text.starts_with("invalid type") || text.starts_with("invalid value");
    let text = match text.rsplit_once(", expected ").filter(|_| wrong_kind) {
        Some((_, expected)) if expected.starts_with("struct ") => "expected an object".to_owned(),
        Some((_, expected)) => format!("expected {expected}"),
        None => text.to_owned(),
    };
    JsonError::Field(field, text)
}

/// A struct that is written as a JSON object. Derived structs alone would also be read from an array of their fields.
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
