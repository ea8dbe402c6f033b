//! The store: one DynamoDB table. Each file holds the operations on one noun; `keys` says where things live.

mod error;
pub mod idempotency;
pub mod identifier;
pub mod job;
pub mod key_check;
pub mod keys;
pub mod limit;
pub mod load;
pub mod profile;
pub mod profile_deletion;
pub mod space;
pub mod token;

use std::{collections::HashMap, time::Duration};

use aws_sdk_dynamodb::{
    Client,
    types::{AttributeValue, KeysAndAttributes, WriteRequest},
};
use serde::de::DeserializeOwned;

pub use error::StoreError;
pub use keys::Key;

/// An item as the SDK hands it over.
pub type Item = HashMap<String, AttributeValue>;

/// DynamoDB takes so many items in one batch of writes.
const WRITES_PER_BATCH: usize = 25;

/// The table and the way to it. Cheap to clone.
#[derive(Debug, Clone)]
pub struct Store {
    client: Client,
    table: String,
}

impl Store {
    /// A store on a table.
    pub fn new(client: Client, table: impl Into<String>) -> Self {
        Self { client, table: table.into() }
    }

    /// Reads one item as the last acknowledged write left it.
    async fn get<T: DeserializeOwned>(&self, key: Key) -> Result<Option<T>, StoreError> {
        let reply = self
            .client
            .get_item()
            .table_name(&self.table)
            .set_key(Some(key.into()))
            .consistent_read(true)
            .send()
            .await?;
        reply.item.map(read).transpose()
    }

    /// Reads up to 100 items as the last acknowledged writes left them, in no order; absent ones are left out.
    async fn get_many(&self, keys: impl IntoIterator<Item = Key>) -> Result<Vec<Item>, StoreError> {
        self.get_batch(keys, true).await
    }

    /// Reads up to 100 items at half the price, perhaps as they were a moment ago.
    async fn get_many_stale(&self, keys: impl IntoIterator<Item = Key>) -> Result<Vec<Item>, StoreError> {
        self.get_batch(keys, false).await
    }

    async fn get_batch(&self, keys: impl IntoIterator<Item = Key>, consistent: bool) -> Result<Vec<Item>, StoreError> {
        let mut keys: Vec<Item> = keys.into_iter().map(Item::from).collect();
        let mut items = Vec::with_capacity(keys.len());
        let mut pause = Duration::from_millis(25);
        while !keys.is_empty() {
            let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(consistent).build();
            let wanted = wanted.map_err(|_| StoreError::Internal("keys".to_owned()))?;
            let reply = self.client.batch_get_item().request_items(&self.table, wanted).send().await?;
            items.extend(reply.responses.unwrap_or_default().into_values().flatten());
            keys = reply.unprocessed_keys.unwrap_or_default().into_values().flat_map(|left| left.keys).collect();
            if !keys.is_empty() {
                pause = wait(pause, "UnprocessedKeys").await?;
            }
        }
        Ok(items)
    }

    /// Puts and deletes any number of items, unconditionally. What a request left undone is sent again.
    async fn write_many(&self, mut writes: Vec<WriteRequest>) -> Result<(), StoreError> {
        let mut pause = Duration::from_millis(25);
        while !writes.is_empty() {
            let rest = writes.split_off(writes.len().min(WRITES_PER_BATCH));
            let reply = self.client.batch_write_item().request_items(&self.table, writes).send().await?;
            let left: Vec<_> = reply.unprocessed_items.unwrap_or_default().into_values().flatten().collect();
            pause = if left.is_empty() { Duration::from_millis(25) } else { wait(pause, "UnprocessedItems").await? };
            writes = rest;
            writes.extend(left);
        }
        Ok(())
    }
}

/// Waits before what was left undone is sent again; the next pause. After a second of pauses it gives up.
async fn wait(pause: Duration, what: &str) -> Result<Duration, StoreError> {
    if pause > Duration::from_secs(1) {
        return Err(StoreError::Unavailable(what.to_owned()));
    }
    tokio::time::sleep(pause.mul_f64(0.5 + fastrand::f64())).await;
    Ok(pause * 2)
}

/// Reads an item into its type.
fn read<T: DeserializeOwned>(item: Item) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(|_| StoreError::Internal("an item of an unknown shape".to_owned()))
}

/// The sort key of an item that a batch returned.
fn sort_key(item: &Item) -> &str {
    item.get("sk").and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

/// The partition key of an item that a batch returned.
fn partition_key(item: &Item) -> &str {
    item.get("pk").and_then(|value| value.as_s().ok()).map_or("", String::as_str)
}

fn text(value: impl Into<String>) -> AttributeValue {
    AttributeValue::S(value.into())
}

fn number(value: impl std::fmt::Display) -> AttributeValue {
    AttributeValue::N(value.to_string())
}
