//! Reads, and batches without conditions. An item that cannot be read is an error that names its kind: it is never
//! skipped, and no field of it gets a value of its own.

use std::{str::FromStr, time::Duration};

use aws_sdk_dynamodb::types::{AttributeValue, DeleteRequest, KeysAndAttributes, PutRequest, WriteRequest};
use serde::de::DeserializeOwned;

use super::{Item, Key, Store, StoreError};

/// DynamoDB takes so many items in one batch of reads.
pub(super) const READS_PER_BATCH: usize = 100;

/// DynamoDB takes so many items in one batch of writes.
const WRITES_PER_BATCH: usize = 25;

/// A query of one partition.
#[derive(Debug, Default)]
pub(super) struct Query {
    partition: String,
    range: Option<&'static str>,
    values: Item,
    after: Option<String>,
    limit: Option<i32>,
    is_newest_first: bool,
}

/// What a query found: the items, and the last sort key where there is more.
pub(super) type Found = (Vec<Item>, Option<String>);

impl Query {
    /// All of a partition.
    pub(super) fn all(partition: String) -> Self {
        Self { partition, ..Self::default() }
    }

    /// Sort keys that begin with a text.
    pub(super) fn prefix(partition: String, prefix: impl Into<String>) -> Self {
        let values = Item::from([(":from".to_owned(), AttributeValue::S(prefix.into()))]);
        Self { partition, range: Some("begins_with(sk, :from)"), values, ..Self::default() }
    }

    /// Sort keys from one to another, both included.
    pub(super) fn between(partition: String, from: impl Into<String>, to: impl Into<String>) -> Self {
        let value = |name: &str, text: String| (name.to_owned(), AttributeValue::S(text));
        let values = Item::from([value(":from", from.into()), value(":to", to.into())]);
        Self { partition, range: Some("sk BETWEEN :from AND :to"), values, ..Self::default() }
    }

    /// Goes on after a sort key.
    #[must_use]
    pub(super) fn after(self, after: Option<String>) -> Self {
        Self { after, ..self }
    }

    /// At most so many items at once.
    #[must_use]
    pub(super) fn limit(self, limit: i32) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// In the descending order of sort keys.
    #[must_use]
    pub(super) fn newest_first(self) -> Self {
        Self { is_newest_first: true, ..self }
    }
}

impl Store {
    /// Reads one item as the last acknowledged write left it. `kind` is what an error calls it.
    pub(super) async fn get<T: DeserializeOwned>(&self, key: Key, kind: &str) -> Result<Option<T>, StoreError> {
        self.get_item(key, true).await?.map(|item| read(item, kind)).transpose()
    }

    pub(super) async fn get_item(&self, key: Key, consistent: bool) -> Result<Option<Item>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key.into()));
        Ok(get.consistent_read(consistent).send().await?.item)
    }

    /// Reads any number of items as the last acknowledged writes left them, in no order; absent ones are left out.
    pub(super) async fn get_many(&self, keys: impl IntoIterator<Item = Key>) -> Result<Vec<Item>, StoreError> {
        self.get_batches(keys, true).await
    }

    /// The same; not `consistent`, at half the price, and perhaps as the items were a moment ago.
    pub(super) async fn get_batches(
        &self,
        keys: impl IntoIterator<Item = Key>,
        consistent: bool,
    ) -> Result<Vec<Item>, StoreError> {
        let mut keys: Vec<Item> = keys.into_iter().map(Item::from).collect();
        let mut items = Vec::with_capacity(keys.len());
        let mut pause = Pause::default();
        while !keys.is_empty() {
            let rest = keys.split_off(keys.len().min(READS_PER_BATCH));
            let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(consistent).build()?;
            let reply = self.client.batch_get_item().request_items(&self.table, wanted).send().await?;
            items.extend(reply.responses.into_iter().flatten().flat_map(|(_, items)| items));
            let left = reply.unprocessed_keys.into_iter().flatten().flat_map(|(_, left)| left.keys);
            keys = left.collect();
            pause.after(keys.is_empty(), "UnprocessedKeys").await?;
            keys.extend(rest);
        }
        Ok(items)
    }

    /// Runs a query as of the last acknowledged writes.
    pub(super) async fn query(&self, query: Query) -> Result<Found, StoreError> {
        let condition = query.range.map_or_else(|| "pk = :pk".to_owned(), |range| format!("pk = :pk AND {range}"));
        let start = query.after.map(|sk| Item::from(Key { pk: query.partition.clone(), sk }));
        let reply = self
            .client
            .query()
            .table_name(&self.table)
            .key_condition_expression(condition)
            .set_expression_attribute_values(Some(query.values))
            .expression_attribute_values(":pk", AttributeValue::S(query.partition))
            .set_exclusive_start_key(start)
            .scan_index_forward(!query.is_newest_first)
            .consistent_read(true)
            .set_limit(query.limit)
            .send()
            .await?;
        let more = reply.last_evaluated_key.as_ref().map(|key| sort_key(key).map(str::to_owned)).transpose()?;
        Ok((reply.items.unwrap_or_default(), more))
    }

    /// Puts any number of items, over whatever is there.
    pub(super) async fn put_many(&self, items: impl IntoIterator<Item = Item>) -> Result<(), StoreError> {
        let put =
            |item| Ok(WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build()?).build());
        self.write_many(items.into_iter().map(put).collect::<Result<_, StoreError>>()?).await
    }

    /// Deletes any number of items.
    pub(super) async fn delete_many(&self, keys: impl IntoIterator<Item = Key>) -> Result<(), StoreError> {
        let delete = |key: Key| {
            let request = DeleteRequest::builder().set_key(Some(key.into())).build()?;
            Ok(WriteRequest::builder().delete_request(request).build())
        };
        self.write_many(keys.into_iter().map(delete).collect::<Result<_, StoreError>>()?).await
    }

    /// What a request left undone is sent again.
    async fn write_many(&self, mut writes: Vec<WriteRequest>) -> Result<(), StoreError> {
        let mut pause = Pause::default();
        while !writes.is_empty() {
            let rest = writes.split_off(writes.len().min(WRITES_PER_BATCH));
            let reply = self.client.batch_write_item().request_items(&self.table, writes).send().await?;
            writes = reply.unprocessed_items.into_iter().flatten().flat_map(|(_, left)| left).collect();
            pause.after(writes.is_empty(), "UnprocessedItems").await?;
            writes.extend(rest);
        }
        Ok(())
    }
}

/// The pauses before what a batch left undone is sent again. After a second of pauses it gives up.
struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(Duration::from_millis(25))
    }
}

impl Pause {
    async fn after(&mut self, is_done: bool, what: &str) -> Result<(), StoreError> {
        if is_done {
            *self = Self::default();
            return Ok(());
        }
        if self.0 > Duration::from_secs(1) {
            return Err(StoreError::Unavailable(what.to_owned()));
        }
        tokio::time::sleep(self.0.mul_f64(0.5 + fastrand::f64())).await;
        self.0 *= 2;
        Ok(())
    }
}

/// Reads an item into its record; `kind` is what an error calls it. The error quotes nothing of the item.
pub(super) fn read<T: DeserializeOwned>(item: Item, kind: &str) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(|_| StoreError::unreadable(kind))
}

/// The sort key of an item.
pub(super) fn sort_key(item: &Item) -> Result<&str, StoreError> {
    key_part(item, "sk")
}

/// The partition key of an item.
pub(super) fn partition_key(item: &Item) -> Result<&str, StoreError> {
    key_part(item, "pk")
}

/// What follows the last `#` of an item's partition key, read as what it is.
pub(super) fn end_of_partition<T: FromStr>(item: &Item, kind: &str) -> Result<T, StoreError> {
    last_part(partition_key(item)?, kind)
}

/// What follows the last `#` of a key, read as what it is.
pub(super) fn last_part<T: FromStr>(key: &str, kind: &str) -> Result<T, StoreError> {
    let end = key.rsplit('#').next().and_then(|end| end.parse().ok());
    end.ok_or_else(|| StoreError::unreadable(kind))
}

fn key_part<'a>(item: &'a Item, name: &str) -> Result<&'a str, StoreError> {
    let part = item.get(name).and_then(|value| value.as_s().ok());
    part.map(String::as_str).ok_or_else(|| StoreError::unreadable("key"))
}
