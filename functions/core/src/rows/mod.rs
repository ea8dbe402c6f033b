//! Parsing of a page of rows from a request body: JSON, newline-delimited JSON or CSV, optionally compressed with gzip
//! (contract: `docs/api.md`, "Jobs").
//!
//! A body that is no page is rejected completely ([`PageError`]). Within a page, rows are independent: a row that can't be
//! parsed has a [`RowFault`] and is numbered like any other row.

mod columns;
mod csv;
mod fault;
#[cfg(test)]
mod file_tests;
mod foreign;
mod format;
mod inflate;
mod json;
mod names;
#[cfg(test)]
mod tests;
mod written;

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{IgnoredAny, SeqAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::{
    id::ProfileId,
    identifier::{ExternalId, GROUP_ID, IdentifierError, IdentifierType, IdentifierValue, SEGMENT_ID, USER_ID},
    message::{Message, Words},
    space::IdentifierTypes,
};
pub use fault::RowFault;
pub use format::each_row;
pub(crate) use format::without_bom;
pub use inflate::{inflate, inflate_within};
pub use names::{Name, read_names};
pub use written::{FilePart, Written, WrittenRow, each_written};

/// The most rows of a page (contract: `docs/limits.md`).
pub const MAX_ROWS: usize = 100_000;

/// The most bytes of a page after decompression (contract: `docs/limits.md`).
pub const MAX_INFLATED: usize = 32 * 1_024 * 1_024;

/// The most bytes of a page as sent (contract: `docs/limits.md`).
pub const MAX_SENT: usize = 4 * 1_024 * 1_024;

/// Why a body is not a page.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PageError {
    /// More than [`MAX_INFLATED`] bytes.
    #[error("A page must be at most {MAX_INFLATED} bytes once inflated; send smaller pages.")]
    TooLarge,
    /// More than [`MAX_ROWS`] rows.
    #[error("A page must have at most {MAX_ROWS} rows; send smaller pages.")]
    TooManyRows,
    /// The body can't be parsed. The text names the fault and the remedy and never shows a value.
    #[error("{0}")]
    Unreadable(Message),
}

impl Words for PageError {}

impl PageError {
    fn unreadable(text: &'static str) -> Self {
        Self::Unreadable(text.into())
    }
}

/// Receives the rows one at a time. If it returns an error, parsing ends with that error.
pub type Sink<'a> = &'a mut dyn FnMut(RawRow) -> Result<(), PageError>;

/// A row before its space's identifier types are applied to it. It is personal: `Debug` prints its form and lengths only.
///
/// It deserializes from any JSON value and serializes to the simplest equivalent one; a faulty row becomes `null`.
#[derive(Clone, PartialEq, Eq)]
pub struct RawRow(RowForm);

/// The forms that a row can have.
#[derive(Clone, PartialEq, Eq)]
enum RowForm {
    /// `key:value`, or a profile's own id; the colon may be missing.
    Text(String),
    /// A key and a value, named as such.
    Pair(String, String),
    /// Several cells without names: two are taken for a key and a value, three for a user_id, a type and an id.
    Cells(Vec<String>),
    /// A `user_id`, a type and an id.
    OfUserId(Box<[String; 3]>),
    /// A profile, as a row that deletes one names it, a type and an id.
    OfProfile(Box<[String; 3]>),
    /// None of these, and why.
    Fault(RowFault),
}

/// How a row names a profile.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ProfileLookup {
    /// By one of its identifiers.
    Identifier(ExternalId),
    /// By its own id.
    Id(ProfileId),
}

/// A valid row of `delete_identifier`. A `user_id` may be its own lookup: then its outcome is `protected`, not `invalid`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentifierRow {
    /// The profile that has the identifier.
    pub lookup: ProfileLookup,
    /// The identifier to delete.
    pub target: ExternalId,
}

/// Parses an inflated body into at most [`MAX_ROWS`] rows. The body decides its format; `media_type` (lower-case, may be
/// empty) counts only for bodies that two formats fit.
///
/// # Errors
/// See [`PageError`].
pub fn read_page(body: &[u8], media_type: &str) -> Result<Vec<RawRow>, PageError> {
    let mut rows = Vec::new();
    each_row(body, media_type, &mut |row| {
        if rows.len() == MAX_ROWS {
            return Err(PageError::TooManyRows);
        }
        rows.push(row);
        Ok(())
    })?;
    Ok(rows)
}

/// Deserializes the rows of a page within a larger JSON text. If there are more than [`MAX_ROWS`], it returns one more
/// than that, from which the caller sees that the limit was exceeded.
///
/// # Errors
/// The value is no array.
pub fn page_rows<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<RawRow>, D::Error> {
    struct Rows;
    impl<'de> Visitor<'de> for Rows {
        type Value = Vec<RawRow>;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a sequence")
        }

        fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Vec<RawRow>, A::Error> {
            let mut rows = Vec::new();
            while rows.len() <= MAX_ROWS {
                let Some(row) = seq.next_element()? else { return Ok(rows) };
                rows.push(row);
            }
            while seq.next_element::<IgnoredAny>()?.is_some() {}
            Ok(rows)
        }
    }
    deserializer.deserialize_seq(Rows)
}

/// Rejects a page whose first row names the columns of a table with a column for each type, such as `user_id,email`. Its
/// rows would be taken for a key and a value, and the first for the value `email` of a `user_id`.
///
/// # Errors
/// The cells of the first row have no names, and each of them is one of these types; or its first cell is one, and that of
/// none of two or more other rows is.
pub fn reject_wide(rows: &[RawRow], types: &IdentifierTypes) -> Result<(), PageError> {
    let is_type = |cell: &String| types.find(&cell.trim().to_ascii_lowercase()).is_some();
    let Some((RawRow(RowForm::Cells(first)), others)) = rows.split_first() else { return Ok(()) };
    let is_other_key = |row: &RawRow| matches!(&row.0, RowForm::Cells(cells) if !is_type(&cells[0]));
    let is_alone = first.len() == 2 && is_type(&first[0]) && others.len() > 1 && others.iter().all(is_other_key);
    if is_alone || first.iter().all(is_type) { Err(columns::wide()) } else { Ok(()) }
}

impl RawRow {
    /// Reads the row for `delete_profile`: the profile to delete.
    ///
    /// # Errors
    /// The fault for which the row is counted as `invalid`.
    pub fn profile(&self, types: &IdentifierTypes) -> Result<ProfileLookup, RowFault> {
        match &self.0 {
            RowForm::Text(text) => profile_lookup(text, types),
            RowForm::Pair(key, value) => key_and_value(key, value, types),
            RowForm::Cells(cells) => match &cells[..] {
                [key, value] => key_and_value(key, value, types),
                [_, _, _] => Err(RowFault::MissingField),
                _ => Err(RowFault::Cells),
            },
            RowForm::OfUserId(_) | RowForm::OfProfile(_) => Err(RowFault::MissingField),
            RowForm::Fault(fault) => Err(*fault),
        }
    }

    /// Reads the row for `delete_identifier`: exactly `type`, `id` and either `user_id` or `profile`.
    ///
    /// # Errors
    /// The fault for which the row is counted as `invalid`.
    pub fn identifier(&self, types: &IdentifierTypes) -> Result<IdentifierRow, RowFault> {
        match &self.0 {
            RowForm::OfUserId(fields) => identifier_row(fields, types),
            RowForm::OfProfile(fields) => {
                let [profile, id_type, id] = fields.as_ref();
                let lookup = profile_lookup(profile, types)?;
                Ok(IdentifierRow { lookup, target: external_id(id_type, id, types)? })
            }
            RowForm::Cells(cells) => match &cells[..] {
                [user_id, id_type, id] => identifier_row(&[user_id, id_type, id], types),
                [_, _] => Err(RowFault::MissingField),
                _ => Err(RowFault::Cells),
            },
            RowForm::Pair(..) | RowForm::Text(_) => Err(RowFault::MissingField),
            RowForm::Fault(fault) => Err(*fault),
        }
    }

    /// The fault of a row that is invalid for every action; such a row serializes to `null`.
    pub fn unreadable(&self) -> Option<RowFault> {
        match &self.0 {
            RowForm::Fault(fault) => Some(*fault),
            RowForm::Cells(cells) if cells.len() > 3 => Some(RowFault::Cells),
            _ => None,
        }
    }

    fn fault(fault: RowFault) -> Self {
        Self(RowForm::Fault(fault))
    }
}

fn identifier_row<T: AsRef<str>>(
    [user_id, id_type, id]: &[T; 3],
    types: &IdentifierTypes,
) -> Result<IdentifierRow, RowFault> {
    let lookup = ProfileLookup::Identifier(external_id(USER_ID, user_id.as_ref(), types)?);
    Ok(IdentifierRow { lookup, target: external_id(id_type.as_ref(), id.as_ref(), types)? })
}

/// Reads `key:value`, or a profile's own id.
fn profile_lookup(text: &str, types: &IdentifierTypes) -> Result<ProfileLookup, RowFault> {
    match text.split_once(':') {
        Some((key, value)) => key_and_value(key, value, types),
        None => text.parse().map(ProfileLookup::Id).map_err(|_| RowFault::NoColon),
    }
}

/// Reads a key and a value. The key `segment_id` stands for a profile's own id, as in the paths of reads.
fn key_and_value(key: &str, value: &str, types: &IdentifierTypes) -> Result<ProfileLookup, RowFault> {
    if key == SEGMENT_ID {
        return value.parse().map(ProfileLookup::Id).map_err(|_| RowFault::ProfileId);
    }
    external_id(key, value, types).map(ProfileLookup::Identifier)
}

fn external_id(id_type: &str, value: &str, types: &IdentifierTypes) -> Result<ExternalId, RowFault> {
    let id_type: IdentifierType = types.find(id_type).ok_or(RowFault::UnknownType)?;
    if id_type.as_str() == GROUP_ID {
        return Err(RowFault::UnsupportedType);
    }
    Ok(ExternalId { id_type, value: self::value(value)? })
}

fn value(text: &str) -> Result<IdentifierValue, RowFault> {
    IdentifierValue::parse(text).map_err(|error| match error {
        IdentifierError::EmptyValue => RowFault::EmptyValue,
        IdentifierError::LongValue(_) | IdentifierError::BadType => RowFault::LongValue,
    })
}

impl fmt::Debug for RawRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            RowForm::Text(text) => write!(f, "RawRow(<{} bytes>)", text.len()),
            RowForm::Pair(key, value) => write!(f, "RawRow(<{} and {} bytes>)", key.len(), value.len()),
            RowForm::Cells(cells) => write!(f, "RawRow(<{} cells>)", cells.len()),
            RowForm::OfUserId(_) | RowForm::OfProfile(_) => f.write_str("RawRow(<identifier>)"),
            RowForm::Fault(fault) => write!(f, "RawRow({fault:?})"),
        }
    }
}

impl<'de> Deserialize<'de> for RawRow {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(json::row(&Box::<RawValue>::deserialize(deserializer)?))
    }
}

impl Serialize for RawRow {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let object = |serializer: S, fields: &[(&str, &String)]| {
            let mut map = serializer.serialize_map(Some(fields.len()))?;
            fields.iter().try_for_each(|(name, value)| map.serialize_entry(name, value))?;
            map.end()
        };
        match &self.0 {
            RowForm::Text(text) => serializer.serialize_str(text),
            RowForm::Pair(key, value) => object(serializer, &[("key", key), ("value", value)]),
            RowForm::OfUserId(fields) => {
                let [user_id, id_type, id] = fields.as_ref();
                object(serializer, &[("user_id", user_id), ("type", id_type), ("id", id)])
            }
            RowForm::OfProfile(fields) => {
                let [profile, id_type, id] = fields.as_ref();
                object(serializer, &[("profile", profile), ("type", id_type), ("id", id)])
            }
            RowForm::Cells(cells) => match &cells[..] {
                // As an array, so that it is still known that nothing names the cells.
                [_, _] => cells.serialize(serializer),
                [user_id, id_type, id] => object(serializer, &[("user_id", user_id), ("type", id_type), ("id", id)]),
                _ => serializer.serialize_unit(),
            },
            RowForm::Fault(_) => serializer.serialize_unit(),
        }
    }
}
