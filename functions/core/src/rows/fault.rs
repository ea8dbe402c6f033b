//! Why a single row is invalid. The messages name the field and the remedy and never show a value.

/// Why a row is invalid. The row is counted as `invalid` and does not affect the other rows of its page.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum RowFault {
    /// The row has not the shape that its format and action ask for.
    NotText,
    /// The text has no colon between key and value.
    NoColon,
    /// The space does not know the type.
    UnknownType,
    /// The type is `group_id`, which is never deleted.
    UnsupportedType,
    /// The value is empty.
    EmptyValue,
    /// The value is longer than [`MAX_VALUE_BYTES`](crate::identifier::MAX_VALUE_BYTES).
    LongValue,
    /// The row has bytes that are not UTF-8, or JSON escapes of unpaired surrogates.
    NotUtf8,
    /// A required field is missing.
    MissingField,
    /// The row has a field beside the required ones.
    UnknownField,
    /// A field occurs twice, so that one of its values would be ignored.
    RepeatedField,
    /// A line of CSV has a quote in a wrong place, or one that is never closed.
    Quotes,
    /// The row has more or fewer cells than it should.
    Cells,
    /// A profile's own id has not its form.
    ProfileId,
    /// A name without a type is that of several profiles.
    Ambiguous,
}

/// All faults, in the order of their stored bytes: append new ones, never reorder.
const ALL: [RowFault; 14] = [
    RowFault::NotText,
    RowFault::NoColon,
    RowFault::UnknownType,
    RowFault::UnsupportedType,
    RowFault::EmptyValue,
    RowFault::LongValue,
    RowFault::NotUtf8,
    RowFault::MissingField,
    RowFault::UnknownField,
    RowFault::RepeatedField,
    RowFault::Quotes,
    RowFault::Cells,
    RowFault::ProfileId,
    RowFault::Ambiguous,
];

impl RowFault {
    /// The row's `code`, by which programs tell faults apart.
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownType | Self::UnsupportedType => "unsupported_eid_type",
            Self::EmptyValue | Self::LongValue | Self::ProfileId => "invalid_value",
            Self::NotText
            | Self::NoColon
            | Self::NotUtf8
            | Self::MissingField
            | Self::UnknownField
            | Self::RepeatedField
            | Self::Quotes
            | Self::Cells
            | Self::Ambiguous => "invalid_row",
        }
    }

    /// The row's `message`, for people.
    pub fn message(self) -> &'static str {
        match self {
            Self::NotText => {
                "The row has the wrong JSON form: send a text `key:value` or an object with `key` and `value` to delete a \
                 profile, an object with `type`, `id` and either `user_id` or `profile` to delete an identifier."
            }
            Self::NoColon => {
                "The row has no `:` between key and value; send `key:value`, such as `email:…`, or a profile's own id, `use_…`."
            }
            Self::UnknownType => {
                "The key is not an identifier type of this space; use one of its types, exactly as it is written."
            }
            Self::UnsupportedType => "Identifiers of the type `group_id` can't be deleted; use another type.",
            Self::EmptyValue => "The value is empty; send 1 to 2,048 bytes.",
            Self::LongValue => "The value is too long; send 1 to 2,048 bytes of UTF-8.",
            Self::NotUtf8 => "The row is not Unicode text; send it as UTF-8.",
            Self::MissingField => {
                "The row lacks a value: it takes `key` and `value` to delete a profile, `type`, `id` and either `user_id` or \
                 `profile` to delete an identifier."
            }
            Self::UnknownField => {
                "The row has a field too many; send exactly `type`, `id` and either `user_id` or `profile`."
            }
            Self::RepeatedField => "The row has a field more than once; send each field once.",
            Self::Quotes => {
                "The line has a quote in a wrong place: put quotes around a whole cell, and double those within it."
            }
            Self::Cells => {
                "The row has more or fewer cells than columns; in CSV, put quotes around a cell that holds the separator."
            }
            Self::Ambiguous => "Several profiles have this identifier, under different types; send it with its type.",
            Self::ProfileId => {
                "A profile's own id is `use_` and 32 digits 0-9 and a-f; send it as reads and lists show it."
            }
        }
    }

    /// The byte that is stored in the table.
    pub fn to_byte(self) -> u8 {
        self as u8
    }

    /// The fault of a stored byte; `None` if it is not one of [`to_byte`](Self::to_byte).
    pub fn from_byte(byte: u8) -> Option<Self> {
        ALL.get(usize::from(byte)).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_fault_comes_back_from_its_byte() {
        for (fault, byte) in ALL.into_iter().zip(0..) {
            assert_eq!((fault.to_byte(), RowFault::from_byte(byte)), (byte, Some(fault)));
        }
        assert_eq!(RowFault::from_byte(ALL.len().try_into().unwrap()), None);
    }
}
