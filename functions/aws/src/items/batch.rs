//! Batches: reads and unconditional writes of any number of items.

use aws_sdk_dynamodb::types::{DeleteRequest, KeysAndAttributes, PutRequest, WriteRequest};

use super::{Item, Items, Key};
use crate::{
    StoreError,
    backoff::{PARTIAL_BATCH, Pauses},
    metrics::{self, Metric},
};

/// DynamoDB takes so many items in one batch of reads.
const READS_PER_BATCH: usize = 100;

/// DynamoDB takes so many items in one batch of writes.
const WRITES_PER_BATCH: usize = 25;

impl Items {
    /// Reads any number of items as the last acknowledged writes left them, in no order; absent ones are left out.
    pub(crate) async fn get_many(&self, keys: impl IntoIterator<Item = Key>) -> Result<Vec<Item>, StoreError> {
        self.get_batches(keys, true).await
    }

    /// The same; not `consistent`, at half the price, and perhaps as the items were a moment ago.
    pub(crate) async fn get_batches(
        &self,
        keys: impl IntoIterator<Item = Key>,
        consistent: bool,
    ) -> Result<Vec<Item>, StoreError> {
        let mut keys: Vec<Item> = keys.into_iter().map(Item::from).collect();
        let mut items = Vec::with_capacity(keys.len());
        let mut pauses = PARTIAL_BATCH.start();
        while !keys.is_empty() {
            let rest = keys.split_off(keys.len().min(READS_PER_BATCH));
            let wanted = KeysAndAttributes::builder().set_keys(Some(keys)).consistent_read(consistent).build()?;
            let reply = self.client.batch_get_item().request_items(&self.table, wanted).send().await?;
            items.extend(reply.responses.into_iter().flatten().flat_map(|(_, items)| items));
            let left = reply.unprocessed_keys.into_iter().flatten().flat_map(|(_, left)| left.keys);
            keys = left.collect();
            wait(&mut pauses, keys.is_empty(), "UnprocessedKeys").await?;
            keys.extend(rest);
        }
        Ok(items)
    }

    /// Puts any number of items, over whatever is there.
    pub(crate) async fn put_many(&self, items: impl IntoIterator<Item = Item>) -> Result<(), StoreError> {
        let put =
            |item| Ok(WriteRequest::builder().put_request(PutRequest::builder().set_item(Some(item)).build()?).build());
        self.write_many(items.into_iter().map(put).collect::<Result<_, StoreError>>()?).await
    }

    /// Deletes any number of items.
    pub(crate) async fn delete_many(&self, keys: impl IntoIterator<Item = Key>) -> Result<(), StoreError> {
        let delete = |key: Key| {
            let request = DeleteRequest::builder().set_key(Some(key.into())).build()?;
            Ok(WriteRequest::builder().delete_request(request).build())
        };
        self.write_many(keys.into_iter().map(delete).collect::<Result<_, StoreError>>()?).await
    }

    /// What a request left undone is sent again.
    async fn write_many(&self, mut writes: Vec<WriteRequest>) -> Result<(), StoreError> {
        let mut pauses = PARTIAL_BATCH.start();
        while !writes.is_empty() {
            let rest = writes.split_off(writes.len().min(WRITES_PER_BATCH));
            let reply = self.client.batch_write_item().request_items(&self.table, writes).send().await?;
            writes = reply.unprocessed_items.into_iter().flatten().flat_map(|(_, left)| left).collect();
            wait(&mut pauses, writes.is_empty(), "UnprocessedItems").await?;
            writes.extend(rest);
        }
        Ok(())
    }
}

/// Waits before what a batch left undone is sent again. The next batch has all attempts again.
async fn wait(pauses: &mut Pauses, is_done: bool, what: &str) -> Result<(), StoreError> {
    if is_done {
        *pauses = PARTIAL_BATCH.start();
        return Ok(());
    }
    metrics::add(Metric::StoreThrottles, 1);
    if pauses.wait().await { Ok(()) } else { Err(StoreError::Unavailable(what.to_owned())) }
}
