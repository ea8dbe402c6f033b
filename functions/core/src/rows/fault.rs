//! Why one row is not accepted, in words that name the field and the remedy and never show a value.

/// What is wrong with a row. It is counted as `invalid`; the other rows of its page are not touched by it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum RowFault {
    /// The row has another shape than its format and action ask for.
    NotText,
    /// A text without the colon that parts key and value.
    NoColon,
    /// The space knows no such type.
    UnknownType,
    /// A type that is never deleted: `group_id`.
    UnsupportedType,
    /// A value without bytes.
    EmptyValue,
    /// A value over [`MAX_VALUE_BYTES`](crate::identifier::MAX_VALUE_BYTES).
    LongValue,
    /// Bytes or escapes that are no Unicode text.
    NotUtf8,
    /// A field that the row must have.
    MissingField,
    /// A field that the row must not have.
    UnknownField,
    /// The same field twice: one of them would be ignored.
    RepeatedField,
}

/// By their bytes: new ones go to the end.
const ALL: [RowFault; 10] = [
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
];

impl RowFault {
    /// The stable word for programs.
    pub fn code(self) -> &'static str {
        match self {
            Self::UnknownType | Self::UnsupportedType => "unsupported_eid_type",
            Self::EmptyValue | Self::LongValue => "invalid_value",
            Self::NotText
            | Self::NoColon
            | Self::NotUtf8
            | Self::MissingField
            | Self::UnknownField
            | Self::RepeatedField => "invalid_row",
        }
    }

    /// The words for people.
    pub fn message(self) -> &'static str {
        match self {
            Self::NotText => {
                "The row has the wrong shape: send a text `key:value` or an object with `key` and `value` to delete a \
                 profile, an object with `user_id`, `type` and `id` to delete an identifier."
            }
            Self::NoColon => "The row has no `:` between key and value; send `key:value`, such as `email:…`.",
            Self::UnknownType => "The key is not an identifier type of this space; use one of its types.",
            Self::UnsupportedType => "Identifiers of the type `group_id` can't be deleted; use another type.",
            Self::EmptyValue => "The value is empty; send 1 to 2,048 bytes.",
            Self::LongValue => "The value is too long; send 1 to 2,048 bytes of UTF-8.",
            Self::NotUtf8 => "The row is not Unicode text; send it as UTF-8.",
            Self::MissingField => {
                "A field is missing: send `key` and `value` to delete a profile, `user_id`, `type` and `id` to delete \
                 an identifier."
            }
            Self::UnknownField => "The row has a field too many; send exactly `user_id`, `type` and `id`.",
            Self::RepeatedField => "The row has a field more than once; send each field once.",
        }
    }

    /// As the table holds it.
    pub fn to_byte(self) -> u8 {
        self as u8
    }

    /// Takes a byte back that [`to_byte`](Self::to_byte) made.
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
