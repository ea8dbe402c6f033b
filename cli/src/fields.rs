//! The fields of a JSON object as a table for users.

use serde_json::Value;

use crate::output::{columns, printable};

/// A row for each field, in the order of their names in `first`, then all others.
pub(crate) fn table(object: &Value, first: &[&str]) -> String {
    let fields = object.as_object();
    let named = first.iter().filter_map(|name| Some((*name, fields?.get(*name)?)));
    let others = fields.into_iter().flatten().map(|(name, value)| (name.as_str(), value));
    let others = others.filter(|(name, _)| !first.contains(name));
    let rows: Vec<_> = named.chain(others).map(|(name, value)| [printable(name), text(value)]).collect();
    columns(&rows)
}

/// A value as text: a text without its quotes, and a dash for what is not known.
pub(crate) fn text(value: &Value) -> String {
    match value {
        Value::String(text) => printable(text),
        Value::Null => "-".to_owned(),
        other => printable(&other.to_string()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn fields_have_an_order_and_no_control_characters() {
        let object = json!({"b": null, "a": "x\u{1b}", "n": {"k": 1}});
        assert_eq!(table(&object, &["n", "missing"]), "n  {\"k\":1}\na  x\u{fffd}\nb  -");
    }
}
