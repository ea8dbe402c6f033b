//! The form in which rows are sent.

use efface_core::{
    identifier::SEGMENT_ID,
    rows::{RawRow, RowFault},
};
use serde_json::Value;

/// The form in which rows are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// The simplest JSON that is the same row. A row that can't be read is `null`.
    Json,
    /// The text that names a profile, `type:value` or `use_…`. A row that names none is an empty text, which the API
    /// rejects.
    ProfileText,
}

impl Form {
    /// What is sent for a row that can't be read, as JSON.
    pub(super) fn unreadable(self) -> &'static str {
        match self {
            Self::Json => "null",
            Self::ProfileText => "\"\"",
        }
    }

    /// The row as JSON.
    pub(super) fn json(self, row: &RawRow) -> String {
        let json = match self {
            Self::Json => serde_json::to_string(row).ok(),
            Self::ProfileText => profile_text(row).map(|text| Value::from(text).to_string()),
        };
        json.unwrap_or_else(|| self.unreadable().to_owned())
    }

    /// Why the row can't be read.
    pub(crate) fn fault(self, row: &RawRow) -> Option<RowFault> {
        match self {
            Self::ProfileText if profile_text(row).is_none() => row.unreadable().or(Some(RowFault::MissingField)),
            _ => row.unreadable(),
        }
    }
}

/// The text that names the profile of a row. A key with a colon has none: the text would be split at another place.
pub(super) fn profile_text(row: &RawRow) -> Option<String> {
    let row = serde_json::to_value(row).ok()?;
    let (key, value) = match &row {
        Value::String(text) => return Some(text.clone()),
        Value::Array(cells) => (cells.first()?, cells.get(1)?),
        Value::Object(fields) => (fields.get("key")?, fields.get("value")?),
        _ => return None,
    };
    let (key, value) = (key.as_str().filter(|key| !key.contains(':'))?, value.as_str()?);
    Some(format!("{key}:{value}"))
}

/// The `type:value` in a path by which the profile of a text is read. `None` if no identifier can have this form.
pub(crate) fn path_lookup(text: &str) -> Option<(&str, &str)> {
    let (key, value) = match text.split_once(':') {
        Some(pair) => pair,
        None if text.starts_with("use_") => (SEGMENT_ID, text),
        None => return None,
    };
    (!key.is_empty() && !value.is_empty()).then_some((key, value))
}

#[cfg(test)]
mod tests {
    use efface_core::rows::each_row;

    use super::*;

    fn check(text: &str, form: Form, expected: &[(&str, bool)]) {
        let mut rows = Vec::new();
        let read = each_row(text.as_bytes(), "", &mut |row| {
            rows.push((form.json(&row), form.fault(&row).is_some()));
            Ok(())
        });
        read.unwrap();
        let expected: Vec<_> = expected.iter().map(|(json, is_fault)| ((*json).to_owned(), *is_fault)).collect();
        assert_eq!(rows, expected, "{text}");
    }

    #[test]
    fn rows_that_name_a_profile_become_texts() {
        let text = |json| (json, false);
        let none = (r#""""#, true);
        check(
            r#"["email:a:b",{"key":"email","value":"c:\"d"},"use_1"]"#,
            Form::ProfileText,
            &[text(r#""email:a:b""#), text(r#""email:c:\"d""#), text(r#""use_1""#)],
        );
        check("email,a", Form::ProfileText, &[text(r#""email:a""#)]);
        let rows = r#"[{"user_id":"u","type":"email","id":"e"},7.5,{"key":"a:b","value":"c"}]"#;
        check(rows, Form::ProfileText, &[none, none, none]);
        check("[7.5]", Form::Json, &[("null", true)]);
    }

    #[test]
    fn a_profile_is_read_by_an_identifier_or_its_own_id() {
        assert_eq!(path_lookup("email:a:b"), Some(("email", "a:b")));
        assert_eq!(path_lookup("use_1"), Some(("segment_id", "use_1")));
        assert_eq!(path_lookup("segment_id:use_1"), Some(("segment_id", "use_1")));
        for text in ["", "a", ":a", "email:"] {
            assert_eq!(path_lookup(text), None, "{text}");
        }
    }
}
