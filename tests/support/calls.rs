//! The store requests of a deletion, sent by the SDK alone: the baseline that benchmarks compare the handler with.

use aws_sdk_dynamodb::{Client, operation::update_item::builders::UpdateItemFluentBuilder, types::AttributeValue};

use crate::store::TABLE;

fn text(value: &str) -> AttributeValue {
    AttributeValue::S(value.to_owned())
}

/// Deletes one identifier: reads the lookup's item and counts in a limit counter at the same time, then turns the
/// target's item into a tombstone. `lookup` and `target` are partition keys of active identifiers of one profile.
pub async fn bare_deletion(client: &Client, lookup: &str, target: &str) {
    let read = client.get_item().table_name(TABLE).key("pk", text(lookup)).key("sk", text("-")).consistent_read(true);
    let count = update(client, "R#bench")
        .update_expression("SET #ttl = :ttl ADD requests :one")
        .condition_expression("attribute_not_exists(requests) OR requests < :limit")
        .expression_attribute_names("#ttl", "ttl")
        .expression_attribute_values(":ttl", AttributeValue::N("1800000000".to_owned()))
        .expression_attribute_values(":one", AttributeValue::N("1".to_owned()))
        .expression_attribute_values(":limit", AttributeValue::N("1000000000".to_owned()));
    let (read, count) = futures::join!(read.send(), count.send());
    let found = read.unwrap().item.unwrap();
    count.unwrap();
    update(client, target)
        .update_expression(
            "SET #state = :deleted, deleted_at = :at, token_id = :token, request_id = :request, reason = :reason \
             REMOVE #value",
        )
        .condition_expression("#state = :active AND profile_id = :profile")
        .expression_attribute_names("#state", "state")
        .expression_attribute_names("#value", "value")
        .expression_attribute_values(":active", text("active"))
        .expression_attribute_values(":deleted", text("deleted"))
        .expression_attribute_values(":profile", found["profile_id"].clone())
        .expression_attribute_values(":at", text("2026-01-01T00:00:00.000Z"))
        .expression_attribute_values(":token", text("tok_0000000000000000"))
        .expression_attribute_values(":request", text("00000000-0000-7000-8000-000000000000"))
        .expression_attribute_values(":reason", text("request"))
        .send()
        .await
        .unwrap();
}

fn update(client: &Client, key: &str) -> UpdateItemFluentBuilder {
    client.update_item().table_name(TABLE).key("pk", text(key)).key("sk", text("-"))
}
