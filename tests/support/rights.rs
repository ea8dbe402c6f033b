//! The permissions that recorded requests need. No emulator checks permissions.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::fault_proxy::Passed;

/// The permissions that requests need, such as `dynamodb:UpdateItem on I#*`.
pub fn needed(passed: &[Passed]) -> BTreeSet<String> {
    passed.iter().flat_map(|one| of(&one.operation, &one.request)).collect()
}

fn of(operation: &str, request: &Value) -> Vec<String> {
    match operation {
        "TransactWriteItems" => request["TransactItems"].as_array().unwrap().iter().map(in_transaction).collect(),
        "BatchGetItem" => {
            tables(request).flat_map(|table| list(&table["Keys"])).map(|key| right(operation, key)).collect()
        }
        "BatchWriteItem" => tables(request).flat_map(list).map(|write| right(operation, written(write))).collect(),
        "Query" => vec![format!("dynamodb:Query on {}", kind(queried(request)))],
        _ => vec![right(operation, request.get("Item").unwrap_or(&request["Key"]))],
    }
}

/// A part of a transaction needs the permission of the single operation: a `Put` needs `PutItem`.
fn in_transaction(part: &Value) -> String {
    let (name, part) = part.as_object().unwrap().iter().next().unwrap();
    let action = if name == "ConditionCheck" { "ConditionCheckItem".to_owned() } else { format!("{name}Item") };
    right(&action, part.get("Item").unwrap_or(&part["Key"]))
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

fn right(action: &str, key: &Value) -> String {
    format!("dynamodb:{action} on {}", kind(key["pk"]["S"].as_str().unwrap()))
}

/// The kind of an item, as a pattern for its partition key.
fn kind(partition: &str) -> String {
    let (kind, _) = partition.split_once('#').unwrap();
    format!("{kind}#*")
}
