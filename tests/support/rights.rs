//! What recorded requests ask for, as IAM sees it. No emulator checks permissions.

use std::{
    collections::{BTreeMap, BTreeSet},
    fmt,
};

use serde_json::Value;

use crate::fault_proxy::Passed;

/// One action that IAM decides on. A transaction is one for each of its parts, every other request is one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// The action, such as `dynamodb:UpdateItem`.
    pub action: String,
    /// What the conditions of a statement look at, by condition key: the partition keys (`dynamodb:LeadingKeys`) and the
    /// top-level attributes that the request names (`dynamodb:Attributes`).
    pub context: BTreeMap<&'static str, BTreeSet<String>>,
}

impl fmt::Display for Access {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} with {:?}", self.action, self.context)
    }
}

/// What requests ask for.
pub fn accesses(passed: &[Passed]) -> Vec<Access> {
    passed.iter().flat_map(|one| of(&one.operation, &one.request)).collect()
}

/// The permissions that requests need, such as `dynamodb:UpdateItem on I#*`.
pub fn needed(passed: &[Passed]) -> BTreeSet<String> {
    let rights = accesses(passed).into_iter().flat_map(|Access { action, context }| {
        let keys = context["dynamodb:LeadingKeys"].clone();
        keys.into_iter().map(move |key| format!("{action} on {}#*", key.split('#').next().unwrap()))
    });
    rights.collect()
}

/// What one request asks for.
pub fn of(operation: &str, request: &Value) -> Vec<Access> {
    match operation {
        "TransactWriteItems" => list(&request["TransactItems"]).map(in_transaction).collect(),
        "BatchGetItem" => vec![access(operation, tables(request).flat_map(|table| list(&table["Keys"])), request)],
        "BatchWriteItem" => vec![access(operation, tables(request).flat_map(list).map(written), request)],
        "Query" => {
            let key = serde_json::json!({ "pk": { "S": queried(request) } });
            vec![access(operation, [&key].into_iter(), request)]
        }
        _ => vec![access(operation, [item(request)].into_iter(), request)],
    }
}

/// A part of a transaction needs the permission of the single operation: a `Put` needs `PutItem`.
fn in_transaction(part: &Value) -> Access {
    let (name, part) = part.as_object().unwrap().iter().next().unwrap();
    let action = if name == "ConditionCheck" { "ConditionCheckItem".to_owned() } else { format!("{name}Item") };
    access(&action, [item(part)].into_iter(), part)
}

fn item(request: &Value) -> &Value {
    request.get("Item").unwrap_or(&request["Key"])
}

fn tables(request: &Value) -> impl Iterator<Item = &Value> {
    request["RequestItems"].as_object().unwrap().values()
}

fn list(value: &Value) -> impl Iterator<Item = &Value> {
    value.as_array().unwrap().iter()
}

fn written(write: &Value) -> &Value {
    write.get("PutRequest").map_or_else(|| &write["DeleteRequest"]["Key"], |put| &put["Item"])
}

/// The partition key of a query: the value of `:name` in `pk = :name`.
fn queried(request: &Value) -> &str {
    let condition = request["KeyConditionExpression"].as_str().unwrap();
    let (_, rest) = condition.split_once("pk = ").unwrap();
    let name = rest.split([' ', ')']).next().unwrap();
    request["ExpressionAttributeValues"][name]["S"].as_str().unwrap()
}

/// An action on items, of which at least the keys are given, with the expressions of its request.
fn access<'a>(operation: &str, items: impl Iterator<Item = &'a Value>, request: &Value) -> Access {
    let (mut keys, mut attributes) = (BTreeSet::new(), BTreeSet::new());
    for item in items {
        keys.insert(item["pk"]["S"].as_str().unwrap().to_owned());
        attributes.extend(item.as_object().unwrap().keys().cloned());
    }
    for expression in ["UpdateExpression", "ConditionExpression", "ProjectionExpression", "KeyConditionExpression"] {
        attributes
            .extend(named(request[expression].as_str().unwrap_or_default(), &request["ExpressionAttributeNames"]));
    }
    let context = BTreeMap::from([("dynamodb:LeadingKeys", keys), ("dynamodb:Attributes", attributes)]);
    Access { action: format!("dynamodb:{operation}"), context }
}

/// The words of expressions that name no attribute.
const KEYWORDS: [&str; 16] = [
    "SET",
    "REMOVE",
    "ADD",
    "DELETE",
    "AND",
    "OR",
    "NOT",
    "IN",
    "BETWEEN",
    "size",
    "contains",
    "begins_with",
    "attribute_exists",
    "attribute_not_exists",
    "if_not_exists",
    "list_append",
];

/// The top-level attributes that an expression names.
fn named(expression: &str, names: &Value) -> Vec<String> {
    let words = expression.split(|c: char| !c.is_ascii_alphanumeric() && !"_#:.".contains(c));
    let attributes = words
        .map(|word| word.split('.').next().unwrap())
        .filter(|word| word.starts_with(|c: char| c.is_ascii_alphabetic() || c == '#') && !KEYWORDS.contains(word));
    attributes.map(|word| names[word].as_str().unwrap_or(word).to_owned()).collect()
}
