//! Decides as IAM does whether a role of the template allows an action. It knows the conditions that the template uses,
//! and panics for others.

use std::collections::BTreeSet;

use efface_tests::rights::Access;
use serde_yaml_ng::Value;

use crate::template;

/// The statements of one policy of a role.
pub(crate) struct Policy(Vec<Value>);

impl Policy {
    /// The permissions on the table. They are all `Allow`.
    pub(crate) fn store(role: &str) -> Self {
        Self::of(role, "store")
    }

    /// The permissions of another policy of a role.
    pub(crate) fn of(role: &str, policy: &str) -> Self {
        Self(template::statements(&template::template(), role, policy))
    }

    /// Whether one of the statements allows it.
    pub(crate) fn allows(&self, access: &Access) -> bool {
        self.0.iter().any(|statement| allows(statement, access))
    }

    /// Each action with each kind of items that it is allowed on, such as `dynamodb:UpdateItem on I#*`.
    pub(crate) fn rights(&self) -> BTreeSet<String> {
        let of = |statement: &Value| {
            let keys = texts(&statement["Condition"]["ForAllValues:StringLike"]["dynamodb:LeadingKeys"]);
            let actions = texts(&statement["Action"]).into_iter();
            actions.flat_map(|action| keys.iter().map(|key| format!("{action} on {key}")).collect::<Vec<_>>()).collect()
        };
        self.0.iter().flat_map(|statement| -> Vec<String> { of(statement) }).collect()
    }

    /// All actions of all statements.
    pub(crate) fn actions(&self) -> BTreeSet<String> {
        self.0.iter().flat_map(|statement| texts(&statement["Action"])).collect()
    }
}

fn allows(statement: &Value, access: &Access) -> bool {
    assert_eq!(statement["Effect"], "Allow");
    let mut conditions = statement["Condition"].as_mapping().unwrap().iter().flat_map(|(operator, tests)| {
        let tests = tests.as_mapping().unwrap().iter();
        tests.map(|(key, expected)| (operator.as_str().unwrap(), key.as_str().unwrap(), texts(expected)))
    });
    texts(&statement["Action"]).contains(&access.action)
        && conditions.all(|(operator, key, expected)| holds(operator, access.context.get(key), &expected))
}

/// Whether a condition holds for the values of its key; a request may have none.
fn holds(operator: &str, values: Option<&BTreeSet<String>>, expected: &[String]) -> bool {
    let no_values = BTreeSet::new();
    let values = values.unwrap_or(&no_values);
    match operator {
        // True also where there are no values.
        "ForAllValues:StringEquals" => values.iter().all(|value| expected.contains(value)),
        "ForAllValues:StringLike" => values.iter().all(|value| expected.iter().any(|pattern| is_like(value, pattern))),
        "Null" => expected == [values.is_empty().to_string()],
        other => panic!("this test does not know the condition {other}"),
    }
}

/// Whether a value matches a pattern, in which only an asterisk at the end is special.
fn is_like(value: &str, pattern: &str) -> bool {
    pattern.strip_suffix('*').map_or(value == pattern, |prefix| value.starts_with(prefix))
}

fn texts(value: &Value) -> Vec<String> {
    let list = value.as_sequence().cloned().unwrap_or_else(|| vec![value.clone()]);
    list.iter().map(|one| one.as_str().unwrap().to_owned()).collect()
}
