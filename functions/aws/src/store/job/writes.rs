//! The writes that transactions of jobs are made of.

use aws_sdk_dynamodb::{
    operation::transact_write_items::TransactWriteItemsError,
    types::{CancellationReason, Put, TransactWriteItem, Update, builders::UpdateBuilder},
};

use super::CONFLICT_ATTEMPTS;
use crate::store::{
    Item, Key, Store, StoreError,
    identifier::{canceled_for, failed_condition, is_conflict, pause},
    number,
};

impl Store {
    /// A write that adds amounts to an item, which may be new; none where there is nothing to add.
    pub(super) fn add(&self, key: Key, amounts: &[(&'static str, i64)]) -> Option<TransactWriteItem> {
        let update = adding(Update::builder(), amounts)?.table_name(&self.table).set_key(Some(key.into()));
        Some(TransactWriteItem::builder().set_update(update.build().ok()).build())
    }

    pub(super) fn put_new(&self, item: Item) -> TransactWriteItem {
        let put = Put::builder().table_name(&self.table).set_item(Some(item));
        let put = put.condition_expression("attribute_not_exists(pk)").build().ok();
        TransactWriteItem::builder().set_put(put).build()
    }

    pub(super) fn put_item(&self, item: Item) -> TransactWriteItem {
        let put = Put::builder().table_name(&self.table).set_item(Some(item)).build().ok();
        TransactWriteItem::builder().set_put(put).build()
    }

    /// Carries a transaction out. The reasons, item by item, where a condition kept it from happening.
    pub(super) async fn transact_or_reasons(
        &self,
        writes: Vec<TransactWriteItem>,
    ) -> Result<Option<Vec<Refused>>, StoreError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let request = self.client.transact_write_items().set_transact_items(Some(writes.clone()));
            let Err(error) = request.send().await else { return Ok(None) };
            let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error() else {
                return Err(error.into());
            };
            let reasons = canceled.cancellation_reasons();
            if reasons.iter().any(failed_condition) {
                let refused = |reason: &CancellationReason| {
                    failed_condition(reason).then(|| reason.item.clone().unwrap_or_default())
                };
                return Ok(Some(reasons.iter().map(refused).collect()));
            }
            if attempt == CONFLICT_ATTEMPTS || !reasons.iter().any(is_conflict) {
                return Err(canceled_for(reasons));
            }
            pause(attempt).await;
        }
    }
}

/// For one item of a transaction: what is there, where its condition failed.
pub(super) type Refused = Option<Item>;

/// `SET`s may be put before; names and values of the amounts begin with `n` and a number.
pub(super) fn adding(mut update: UpdateBuilder, amounts: &[(&'static str, i64)]) -> Option<UpdateBuilder> {
    let amounts: Vec<_> = amounts.iter().filter(|(_, amount)| *amount != 0).collect();
    if amounts.is_empty() {
        return None;
    }
    let mut parts = Vec::with_capacity(amounts.len());
    for (i, (name, amount)) in amounts.into_iter().enumerate() {
        parts.push(format!("#n{i} :n{i}"));
        update = update
            .expression_attribute_names(format!("#n{i}"), *name)
            .expression_attribute_values(format!(":n{i}"), number(amount));
    }
    let set = update.get_update_expression().clone().unwrap_or_default();
    Some(update.update_expression(format!("{set} ADD {}", parts.join(", "))))
}
