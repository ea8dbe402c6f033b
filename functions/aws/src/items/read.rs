//! Reads. An item that cannot be read is an error that names its kind: it is never skipped. Only fields that an older
//! form of the item lacks have a default.

use std::str::FromStr;

use aws_sdk_dynamodb::{
    operation::query::builders::QueryFluentBuilder,
    types::{AttributeValue, Select},
};
use serde::de::DeserializeOwned;

use super::{Item, Items, Key};
use crate::StoreError;

/// A query of one partition.
#[derive(Debug, Clone, Default)]
pub(crate) struct Query {
    partition: String,
    range: Option<&'static str>,
    values: Item,
    after: Option<String>,
    limit: Option<i32>,
    is_newest_first: bool,
}

/// What a query found: the items, and the last sort key where there is more.
pub(crate) type Found = (Vec<Item>, Option<String>);

/// A scan of a part of a table.
#[derive(Debug)]
pub(crate) struct Scan {
    /// Which items are handed over. All that are looked at are paid for.
    pub(crate) filter: String,
    /// The values of the filter.
    pub(crate) values: Item,
    /// Goes on after a key.
    pub(crate) after: Option<Key>,
    /// At most so many items are looked at.
    pub(crate) limit: i32,
}

/// What a scan found: the items, how many were looked at, and the last key where there is more.
pub(crate) type Scanned = (Vec<Item>, u64, Option<Key>);

impl Query {
    /// All of a partition.
    pub(crate) fn all(partition: String) -> Self {
        Self { partition, ..Self::default() }
    }

    /// Sort keys that begin with a text.
    pub(crate) fn prefix(partition: String, prefix: impl Into<String>) -> Self {
        let values = Item::from([(":from".to_owned(), AttributeValue::S(prefix.into()))]);
        Self { partition, range: Some("begins_with(sk, :from)"), values, ..Self::default() }
    }

    /// Sort keys from one to another, both included.
    pub(crate) fn between(partition: String, from: impl Into<String>, to: impl Into<String>) -> Self {
        let value = |name: &str, text: String| (name.to_owned(), AttributeValue::S(text));
        let values = Item::from([value(":from", from.into()), value(":to", to.into())]);
        Self { partition, range: Some("sk BETWEEN :from AND :to"), values, ..Self::default() }
    }

    /// Goes on after a sort key.
    #[must_use]
    pub(crate) fn after(self, after: Option<String>) -> Self {
        Self { after, ..self }
    }

    /// At most so many items at once.
    #[must_use]
    pub(crate) fn limit(self, limit: i32) -> Self {
        Self { limit: Some(limit), ..self }
    }

    /// In the descending order of sort keys.
    #[must_use]
    pub(crate) fn newest_first(self) -> Self {
        Self { is_newest_first: true, ..self }
    }
}

impl Items {
    /// Reads one item as the last acknowledged write left it. `kind` is what an error calls it.
    pub(crate) async fn get<T: DeserializeOwned>(&self, key: Key, kind: &str) -> Result<Option<T>, StoreError> {
        self.get_item(key, true).await?.map(|item| read(item, kind)).transpose()
    }

    pub(crate) async fn get_item(&self, key: Key, consistent: bool) -> Result<Option<Item>, StoreError> {
        let get = self.client.get_item().table_name(&self.table).set_key(Some(key.into()));
        Ok(get.consistent_read(consistent).send().await?.item)
    }

    /// How many items a query finds, as of the last acknowledged writes. It reads them all.
    pub(crate) async fn count_items(&self, query: &Query) -> Result<i64, StoreError> {
        let (mut count, mut start) = (0, None);
        loop {
            let request = self.request(query.clone()).select(Select::Count).set_exclusive_start_key(start);
            let reply = request.send().await?;
            count += i64::from(reply.count);
            start = reply.last_evaluated_key;
            if start.is_none() {
                return Ok(count);
            }
        }
    }

    /// Runs a query as of the last acknowledged writes.
    pub(crate) async fn query(&self, query: Query) -> Result<Found, StoreError> {
        let reply = self.request(query).send().await?;
        let more = reply.last_evaluated_key.as_ref().map(|key| sort_key(key).map(str::to_owned)).transpose()?;
        Ok((reply.items.unwrap_or_default(), more))
    }

    /// Scans a part of the table as of the last acknowledged writes.
    pub(crate) async fn scan(&self, scan: Scan) -> Result<Scanned, StoreError> {
        let request = self.client.scan().table_name(&self.table).consistent_read(true).limit(scan.limit);
        let request = request.filter_expression(scan.filter).set_expression_attribute_values(Some(scan.values));
        let reply = request.set_exclusive_start_key(scan.after.map(Item::from)).send().await?;
        let more = reply.last_evaluated_key.as_ref().map(key_of).transpose()?;
        Ok((reply.items.unwrap_or_default(), u64::try_from(reply.scanned_count).unwrap_or_default(), more))
    }

    fn request(&self, query: Query) -> QueryFluentBuilder {
        let condition = query.range.map_or_else(|| "pk = :pk".to_owned(), |range| format!("pk = :pk AND {range}"));
        let start = query.after.map(|sk| Item::from(Key { pk: query.partition.clone(), sk }));
        self.client
            .query()
            .table_name(&self.table)
            .key_condition_expression(condition)
            .set_expression_attribute_values(Some(query.values))
            .expression_attribute_values(":pk", AttributeValue::S(query.partition))
            .set_exclusive_start_key(start)
            .scan_index_forward(!query.is_newest_first)
            .consistent_read(true)
            .set_limit(query.limit)
    }
}

/// Reads an item into its record; `kind` is what an error calls it. The error quotes nothing of the item.
pub(crate) fn read<T: DeserializeOwned>(item: Item, kind: &str) -> Result<T, StoreError> {
    serde_dynamo::from_item(item).map_err(|_| StoreError::unreadable(kind))
}

/// The key of an item.
pub(crate) fn key_of(item: &Item) -> Result<Key, StoreError> {
    Ok(Key::new(partition_key(item)?.to_owned(), sort_key(item)?))
}

/// The sort key of an item.
pub(crate) fn sort_key(item: &Item) -> Result<&str, StoreError> {
    key_part(item, "sk")
}

/// The partition key of an item.
pub(crate) fn partition_key(item: &Item) -> Result<&str, StoreError> {
    key_part(item, "pk")
}

/// What follows the last `#` of an item's partition key, read as what it is.
pub(crate) fn end_of_partition<T: FromStr>(item: &Item, kind: &str) -> Result<T, StoreError> {
    last_part(partition_key(item)?, kind)
}

/// What follows the last `#` of a key, read as what it is.
pub(crate) fn last_part<T: FromStr>(key: &str, kind: &str) -> Result<T, StoreError> {
    let end = key.rsplit('#').next().and_then(|end| end.parse().ok());
    end.ok_or_else(|| StoreError::unreadable(kind))
}

fn key_part<'a>(item: &'a Item, name: &str) -> Result<&'a str, StoreError> {
    let part = item.get(name).and_then(|value| value.as_s().ok());
    part.map(String::as_str).ok_or_else(|| StoreError::unreadable("key"))
}
