//! Which records of a stream a function gets: the filters of its mapping, in the syntax of Lambda's event filtering.
//!
//! A pattern names fields of a record and, for each, the values that it may have: a text, or `{"prefix": "…"}`. Lambda
//! knows more. What is not known here is an error: a record that is left out locally, or not, would be found on AWS only.

use std::collections::BTreeMap;

use serde_json::Value;
use thiserror::Error;

/// The filters of a mapping. A record must match one of them; without filters, every record does.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters(Vec<BTreeMap<String, Pattern>>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Pattern {
    /// The field is an object whose fields match.
    Fields(BTreeMap<String, Pattern>),
    /// The field is a text that matches one of these.
    Texts(Vec<Text>),
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Text {
    Equals(String),
    Prefix(String),
}

/// Why filters are not understood.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum FilterError {
    /// The pattern is not a JSON object in a text.
    #[error("the pattern is not JSON: {0}")]
    NotJson(String),
    /// The pattern uses something that is known to Lambda only.
    #[error("the pattern has something other than equal texts and prefixes: {0}")]
    Unsupported(String),
}

impl Filters {
    /// Reads the `FilterCriteria` of a mapping, or null.
    pub fn parse(criteria: &Value) -> Result<Self, FilterError> {
        let filters = criteria["Filters"].as_array().into_iter().flatten();
        filters.map(|filter| pattern(&filter["Pattern"])).collect::<Result<_, _>>().map(Self)
    }

    /// Whether a record passes.
    pub fn pass(&self, record: &Value) -> bool {
        self.0.is_empty() || self.0.iter().any(|fields| all_match(fields, record))
    }
}

fn pattern(text: &Value) -> Result<BTreeMap<String, Pattern>, FilterError> {
    let read = text.as_str().and_then(|text| serde_json::from_str::<Value>(text).ok());
    match read {
        Some(Value::Object(read)) => fields(&read),
        _ => Err(FilterError::NotJson(text.to_string())),
    }
}

fn fields(read: &serde_json::Map<String, Value>) -> Result<BTreeMap<String, Pattern>, FilterError> {
    let field = |(name, value): (&String, &Value)| {
        let pattern = match value {
            Value::Object(read) => Pattern::Fields(fields(read)?),
            Value::Array(values) => Pattern::Texts(values.iter().map(Text::parse).collect::<Result<_, _>>()?),
            _ => return Err(FilterError::Unsupported(value.to_string())),
        };
        Ok((name.clone(), pattern))
    };
    read.iter().map(field).collect()
}

fn all_match(fields: &BTreeMap<String, Pattern>, record: &Value) -> bool {
    fields.iter().all(|(name, pattern)| pattern.matches(&record[name]))
}

impl Pattern {
    fn matches(&self, value: &Value) -> bool {
        match self {
            Self::Fields(fields) => all_match(fields, value),
            Self::Texts(texts) => value.as_str().is_some_and(|value| texts.iter().any(|text| text.matches(value))),
        }
    }
}

impl Text {
    fn parse(value: &Value) -> Result<Self, FilterError> {
        let prefix = value.as_object().filter(|rule| rule.len() == 1).and_then(|rule| rule.get("prefix")?.as_str());
        match (value.as_str(), prefix) {
            (Some(text), _) => Ok(Self::Equals(text.to_owned())),
            (None, Some(prefix)) => Ok(Self::Prefix(prefix.to_owned())),
            (None, None) => Err(FilterError::Unsupported(value.to_string())),
        }
    }

    fn matches(&self, value: &str) -> bool {
        match self {
            Self::Equals(text) => value == text,
            Self::Prefix(prefix) => value.starts_with(prefix.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn filters(patterns: &[Value]) -> Result<Filters, FilterError> {
        let filters: Vec<_> = patterns.iter().map(|pattern| json!({ "Pattern": pattern.to_string() })).collect();
        Filters::parse(&json!({ "Filters": filters }))
    }

    fn keys(pk: &Value, sk: &Value) -> Value {
        json!({ "dynamodb": { "Keys": { "pk": { "S": pk }, "sk": { "S": sk } } } })
    }

    #[test]
    fn a_record_passes_if_one_pattern_matches_in_all_fields() {
        let filters = filters(&[
            keys(&json!([{ "prefix": "I#" }, { "prefix": "T#" }]), &json!(["-"])),
            json!({ "eventName": ["INSERT", "MODIFY"], "dynamodb": { "Keys": { "pk": { "S": [{ "prefix": "P#" }] } } } }),
        ])
        .unwrap();
        for (event, pk, sk, expected) in [
            ("REMOVE", "I#a", "-", true),
            ("INSERT", "T#a", "-", true),
            ("INSERT", "T#a", "--", false),
            ("INSERT", "I", "-", false),
            ("MODIFY", "P#a", "H", true),
            ("REMOVE", "P#a", "H", false),
        ] {
            let mut record = keys(&pk.into(), &sk.into());
            record["eventName"] = event.into();
            assert_eq!(filters.pass(&record), expected, "{record}");
        }
        let number = json!({ "dynamodb": { "Keys": { "pk": { "N": "7" } } } });
        assert!(!filters.pass(&number), "a key that is no text");
        assert!(Filters::parse(&Value::Null).unwrap().pass(&number), "no filters");
    }

    #[test]
    fn what_is_not_known_is_an_error() {
        let unsupported = |text: &str| Err(FilterError::Unsupported(text.to_owned()));
        for (rule, text) in [
            (json!([{ "anything-but": ["a"] }]), r#"{"anything-but":["a"]}"#),
            (json!([{ "prefix": "a", "suffix": "b" }]), r#"{"prefix":"a","suffix":"b"}"#),
            (json!([7]), "7"),
            (json!("I#"), r#""I#""#),
        ] {
            assert_eq!(filters(&[keys(&rule, &json!(["-"]))]), unsupported(text));
        }
        let text = Filters::parse(&json!({ "Filters": [{ "Pattern": "{" }] }));
        assert_eq!(text, Err(FilterError::NotJson(r#""{""#.to_owned())));
    }
}
