//! How a page's body becomes rows: any of the formats in which tables of people are posted, compressed or not.
//!
//! A body is either a page or refused as a whole ([`PageError`]). Within a page every row stands for itself: one that
//! can't be read is a row with a [`RowFault`], and has its place and its number like any other.

mod columns;
mod csv;
mod fault;
mod format;
mod inflate;
mod json;
#[cfg(test)]
mod tests;

use std::fmt;

use serde::{
    Deserialize, Deserializer, Serialize, Serializer,
    de::{IgnoredAny, SeqAccess, Visitor},
    ser::SerializeMap,
};
use serde_json::value::RawValue;
use thiserror::Error;

use crate::{
    identifier::{ExternalId, GROUP_ID, IdentifierError, IdentifierType, IdentifierValue, USER_ID},
    space::IdentifierTypes,
};
pub use fault::RowFault;
pub use format::each_row;
pub use inflate::{inflate, inflate_within};

/// Most rows of a page. Contract.
pub const MAX_ROWS: usize = 100_000;

/// Most bytes of a page once inflated. Contract.
pub const MAX_INFLATED: usize = 32 * 1_024 * 1_024;

/// Most bytes of a page as sent. Contract.
pub const MAX_SENT: usize = 4 * 1_024 * 1_024;

/// Why a body as a whole is no page.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PageError {
    /// Over [`MAX_INFLATED`].
    #[error("A page must be at most {MAX_INFLATED} bytes once inflated; send smaller pages.")]
    TooLarge,
    /// Over [`MAX_ROWS`].
    #[error("A page must have at most {MAX_ROWS} rows; send smaller pages.")]
    TooManyRows,
    /// What can't be read and what to do about it, never a value.
    #[error("{0}")]
    Unreadable(String),
}

impl PageError {
    fn unreadable(text: &str) -> Self {
        Self::Unreadable(text.to_owned())
    }
}

/// What takes rows as they are read; its error ends the reading.
pub type Sink<'a> = &'a mut dyn FnMut(RawRow) -> Result<(), PageError>;

/// A row as it was written, before the rules of its space are applied to it. It is personal: `Debug` shows its kind
/// only.
///
/// It is read from any JSON value, and written as JSON in its plainest form; one that can't be read as `null`.
#[derive(Clone, PartialEq, Eq)]
pub struct RawRow(Written);

/// The forms of a row. What has none of them has a fault already.
#[derive(Clone, PartialEq, Eq)]
enum Written {
    /// `key:value`, or meant to be.
    Text(String),
    /// Key and value.
    Pair(String, String),
    /// user_id, type and id.
    Identifier(Box<[String; 3]>),
    /// Anything else.
    Fault(RowFault),
}

/// A row of `delete_identifier`. Its target may be its lookup: that is an outcome, not a fault.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdentifierRow {
    /// The `user_id` that finds the profile.
    pub lookup: ExternalId,
    /// The identifier to delete.
    pub target: ExternalId,
}

/// Cuts an inflated body of any format into rows. The format is told by the body, and only where it could be two of them
/// by its media type.
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

/// The rows of a page within a larger JSON text: all of them, or one more than [`MAX_ROWS`] where there are more.
///
/// # Errors
/// The value is no list.
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

impl RawRow {
    /// A row of `delete_profile`: any identifier of the profile that is to go.
    pub fn profile(&self, types: &IdentifierTypes) -> Result<ExternalId, RowFault> {
        match &self.0 {
            Written::Text(text) => {
                let (key, value) = text.split_once(':').ok_or(RowFault::NoColon)?;
                external_id(key, value, types)
            }
            Written::Pair(key, value) => external_id(key, value, types),
            Written::Identifier(_) => Err(RowFault::MissingField),
            Written::Fault(fault) => Err(*fault),
        }
    }

    /// A row of `delete_identifier`: exactly `user_id`, `type` and `id`.
    pub fn identifier(&self, types: &IdentifierTypes) -> Result<IdentifierRow, RowFault> {
        match &self.0 {
            Written::Identifier(fields) => {
                let [user_id, id_type, id] = fields.as_ref();
                let lookup = external_id(USER_ID, user_id, types)?;
                Ok(IdentifierRow { lookup, target: external_id(id_type, id, types)? })
            }
            Written::Pair(..) => Err(RowFault::MissingField),
            Written::Text(_) => Err(RowFault::NotText),
            Written::Fault(fault) => Err(*fault),
        }
    }

    /// Why the row can be read by no action at all; it is written as `null` then.
    pub fn unreadable(&self) -> Option<RowFault> {
        if let Written::Fault(fault) = self.0 { Some(fault) } else { None }
    }

    fn fault(fault: RowFault) -> Self {
        Self(Written::Fault(fault))
    }
}

fn external_id(id_type: &str, value: &str, types: &IdentifierTypes) -> Result<ExternalId, RowFault> {
    let id_type: IdentifierType = types.find(id_type).ok_or(RowFault::UnknownType)?;
    if id_type.as_str() == GROUP_ID {
        return Err(RowFault::UnsupportedType);
    }
    let value = IdentifierValue::parse(value).map_err(|error| match error {
        IdentifierError::EmptyValue => RowFault::EmptyValue,
        IdentifierError::LongValue(_) | IdentifierError::BadType => RowFault::LongValue,
    })?;
    Ok(ExternalId { id_type, value })
}

impl fmt::Debug for RawRow {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Written::Text(text) => write!(f, "RawRow(<{} bytes>)", text.len()),
            Written::Pair(key, value) => write!(f, "RawRow(<{} and {} bytes>)", key.len(), value.len()),
            Written::Identifier(_) => f.write_str("RawRow(<identifier>)"),
            Written::Fault(fault) => write!(f, "RawRow({fault:?})"),
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
            Written::Text(text) => serializer.serialize_str(text),
            Written::Pair(key, value) => object(serializer, &[("key", key), ("value", value)]),
            Written::Identifier(fields) => {
                let [user_id, id_type, id] = fields.as_ref();
                object(serializer, &[("user_id", user_id), ("type", id_type), ("id", id)])
            }
            Written::Fault(_) => serializer.serialize_unit(),
        }
    }
}
