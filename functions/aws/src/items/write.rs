//! Conditional writes and transactions: the one place where they are built, sent and sent again, and where a failed
//! condition is told from a failed request. Writes without a condition are batched in `batch`.

use std::collections::HashMap;

use aws_sdk_dynamodb::{
    operation::{
        delete_item::DeleteItemError, put_item::PutItemError, transact_write_items::TransactWriteItemsError,
        update_item::UpdateItemError,
    },
    types::{
        CancellationReason, ConditionCheck, Delete, Put, ReturnValue, ReturnValuesOnConditionCheckFailure,
        TransactWriteItem, Update,
    },
};
use serde::Serialize;

use super::{
    Item, Items, Key,
    value::{ToValue, to_item},
};
use crate::{StoreError, backoff};

/// How often a write of one item, or a small transaction of a request, is sent that met another transaction.
pub(crate) const FEW: u32 = 4;

/// How often a transaction that met another is sent, where many workers write to the same counters.
pub(crate) const MANY: u32 = 10;

/// A write of one item, alone or as a part of a transaction. In expressions `#name` stands for the attribute `name`,
/// which DynamoDB may reserve; `:name` for a [`value`](Self::value).
#[derive(Debug, Clone)]
pub struct Write {
    action: Action,
    condition: Option<String>,
    values: Item,
    names: HashMap<String, String>,
    returns_old: bool,
}

#[derive(Debug, Clone)]
enum Action {
    Put(Item),
    Update(Key, String),
    Delete(Key),
    Check(Key),
}

/// What became of a write with a condition.
#[derive(Debug)]
pub(crate) enum Written {
    /// The item was written; the item as it is now, where an update asked for it.
    Done(Option<Item>),
    /// The condition failed and nothing was written; what is there, where the write asked for it.
    Unmet(Option<Item>),
}

impl Written {
    /// Whether it was written.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Done(_))
    }
}

/// What became of a transaction.
#[derive(Debug)]
pub(crate) enum Transacted {
    /// All of it was written.
    Done,
    /// Nothing was written: for each write, what is there where its condition failed. The item is empty where none is
    /// there, or where the write did not ask for it.
    Unmet(Vec<Option<Item>>),
}

impl Transacted {
    /// Whether it was written.
    pub(crate) fn is_done(&self) -> bool {
        matches!(self, Self::Done)
    }
}

impl Write {
    /// Puts an item, over whatever is there.
    pub(crate) fn put(key: Key, mut item: Item) -> Self {
        item.extend(Item::from(key));
        Self::of(Action::Put(item))
    }

    /// Puts an item that is its key only.
    pub(crate) fn put_key(key: Key) -> Self {
        Self::put(key, Item::new())
    }

    /// Puts a record.
    pub(crate) fn put_record(key: Key, record: &impl Serialize) -> Result<Self, StoreError> {
        Ok(Self::put(key, to_item(record)?))
    }

    /// Updates an item, or makes it.
    pub(crate) fn update(key: Key, expression: impl Into<String>) -> Self {
        Self::of(Action::Update(key, expression.into()))
    }

    /// Adds amounts to an item's numbers, or makes it with them; `None` where all are zero. DynamoDB knows no empty
    /// update.
    pub(crate) fn add(key: Key, amounts: &[(&'static str, i64)]) -> Option<Self> {
        let amounts = amounts.iter().filter(|(_, amount)| *amount != 0);
        let (parts, values): (Vec<_>, Vec<_>) =
            amounts.map(|(name, amount)| (format!("#{name} :{name}"), (format!(":{name}"), *amount))).unzip();
        if parts.is_empty() {
            return None;
        }
        let write = Self::update(key, format!("ADD {}", parts.join(", ")));
        Some(values.into_iter().fold(write, |write, (name, amount)| write.value(&name, amount)))
    }

    /// Deletes an item, if it is there.
    pub(crate) fn delete(key: Key) -> Self {
        Self::of(Action::Delete(key))
    }

    /// Checks an item in a transaction without changing it.
    pub(crate) fn check(key: Key, condition: &str) -> Self {
        Self::of(Action::Check(key)).when(condition)
    }

    /// Puts a record that must not be there yet.
    pub(crate) fn put_new(key: Key, record: &impl Serialize) -> Result<Self, StoreError> {
        Ok(Self::put_record(key, record)?.when("attribute_not_exists(pk)"))
    }

    fn of(action: Action) -> Self {
        Self { action, condition: None, values: Item::new(), names: HashMap::new(), returns_old: false }
    }

    /// Writes only where this holds.
    #[must_use]
    pub(crate) fn when(mut self, condition: impl Into<String>) -> Self {
        self.condition = Some(condition.into());
        self
    }

    /// A value of an expression, by its name with the colon.
    #[must_use]
    pub(crate) fn value(mut self, name: &str, value: impl ToValue) -> Self {
        self.values.insert(name.to_owned(), value.to_value());
        self
    }

    /// What a name of an expression, with its `#`, stands for: an attribute whose own name cannot stand there.
    #[must_use]
    pub(crate) fn name(mut self, name: &str, attribute: impl Into<String>) -> Self {
        self.names.insert(name.to_owned(), attribute.into());
        self
    }

    /// Many values at once.
    #[must_use]
    pub(crate) fn values(mut self, values: Item) -> Self {
        self.values.extend(values);
        self
    }

    /// Returns the item that is there where the condition fails.
    #[must_use]
    pub(crate) fn returning_old(mut self) -> Self {
        self.returns_old = true;
        self
    }

    fn names(&self) -> Option<HashMap<String, String>> {
        let update = if let Action::Update(_, expression) = &self.action { expression.as_str() } else { "" };
        let mut names = HashMap::new();
        for expression in [update, self.condition.as_deref().unwrap_or("")] {
            for name in expression.split('#').skip(1) {
                let end = name.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(name.len());
                names.insert(format!("#{}", &name[..end]), name[..end].to_owned());
            }
        }
        names.extend(self.names.clone());
        (!names.is_empty()).then_some(names)
    }

    fn returns(&self) -> Option<ReturnValuesOnConditionCheckFailure> {
        self.returns_old.then_some(ReturnValuesOnConditionCheckFailure::AllOld)
    }

    fn into_part(self, table: &str) -> Result<TransactWriteItem, StoreError> {
        let (names, returns) = (self.names(), self.returns());
        let values = (!self.values.is_empty()).then_some(self.values);
        let part = TransactWriteItem::builder();
        let part = match self.action {
            Action::Put(item) => {
                let put =
                    Put::builder().table_name(table).set_item(Some(item)).set_condition_expression(self.condition);
                let put = put.set_expression_attribute_names(names).set_expression_attribute_values(values);
                part.put(put.set_return_values_on_condition_check_failure(returns).build()?)
            }
            Action::Update(key, expression) => {
                let update =
                    Update::builder().table_name(table).set_key(Some(key.into())).update_expression(expression);
                let update = update.set_condition_expression(self.condition).set_expression_attribute_names(names);
                let update = update.set_expression_attribute_values(values);
                part.update(update.set_return_values_on_condition_check_failure(returns).build()?)
            }
            Action::Delete(key) => {
                let delete = Delete::builder().table_name(table).set_key(Some(key.into()));
                let delete = delete.set_condition_expression(self.condition).set_expression_attribute_names(names);
                part.delete(delete.set_expression_attribute_values(values).build()?)
            }
            Action::Check(key) => {
                let check = ConditionCheck::builder().table_name(table).set_key(Some(key.into()));
                let check = check.set_condition_expression(self.condition).set_expression_attribute_names(names);
                let check = check.set_expression_attribute_values(values);
                part.condition_check(check.set_return_values_on_condition_check_failure(returns).build()?)
            }
        };
        Ok(part.build())
    }
}

impl Items {
    /// Sends one write, and again where it met a transaction.
    pub(crate) async fn write(&self, write: Write) -> Result<Written, StoreError> {
        self.write_returning(write, ReturnValue::None).await
    }

    /// The same, and returns the attributes of an update as `returns` says.
    pub(crate) async fn write_returning(&self, write: Write, returns: ReturnValue) -> Result<Written, StoreError> {
        let mut pauses = backoff::CONFLICT.attempts(FEW).start();
        loop {
            if let Some(written) = self.send(write.clone(), returns.clone()).await? {
                return Ok(written);
            }
            if !pauses.wait().await {
                return Err(StoreError::Unavailable("TransactionConflictException".to_owned()));
            }
        }
    }

    /// Sends it once; `None` where it met a transaction.
    async fn send(&self, write: Write, returns: ReturnValue) -> Result<Option<Written>, StoreError> {
        let (names, on_failure) = (write.names(), write.returns());
        let values = (!write.values.is_empty()).then_some(write.values);
        match write.action {
            Action::Put(item) => {
                let put = self.client.put_item().table_name(&self.table).set_item(Some(item));
                let put = put.set_condition_expression(write.condition).set_expression_attribute_names(names);
                let put = put.set_expression_attribute_values(values);
                match put.set_return_values_on_condition_check_failure(on_failure).send().await {
                    Ok(_) => Ok(Some(Written::Done(None))),
                    Err(error) => match error.as_service_error() {
                        Some(PutItemError::ConditionalCheckFailedException(failed)) => {
                            Ok(Some(unmet(failed.item.as_ref())))
                        }
                        Some(PutItemError::TransactionConflictException(_)) => Ok(None),
                        _ => Err(error.into()),
                    },
                }
            }
            Action::Update(key, expression) => {
                let update = self.client.update_item().table_name(&self.table).set_key(Some(key.into()));
                let update = update.update_expression(expression).set_condition_expression(write.condition);
                let update = update.set_expression_attribute_names(names).set_expression_attribute_values(values);
                let update = update.return_values(returns).set_return_values_on_condition_check_failure(on_failure);
                match update.send().await {
                    Ok(reply) => Ok(Some(Written::Done(reply.attributes))),
                    Err(error) => match error.as_service_error() {
                        Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                            Ok(Some(unmet(failed.item.as_ref())))
                        }
                        Some(UpdateItemError::TransactionConflictException(_)) => Ok(None),
                        _ => Err(error.into()),
                    },
                }
            }
            Action::Delete(key) => {
                let delete = self.client.delete_item().table_name(&self.table).set_key(Some(key.into()));
                let delete = delete.set_condition_expression(write.condition).set_expression_attribute_names(names);
                let delete = delete.set_expression_attribute_values(values);
                match delete.set_return_values_on_condition_check_failure(on_failure).send().await {
                    Ok(_) => Ok(Some(Written::Done(None))),
                    Err(error) => match error.as_service_error() {
                        Some(DeleteItemError::ConditionalCheckFailedException(failed)) => {
                            Ok(Some(unmet(failed.item.as_ref())))
                        }
                        Some(DeleteItemError::TransactionConflictException(_)) => Ok(None),
                        _ => Err(error.into()),
                    },
                }
            }
            Action::Check(_) => Err(StoreError::Internal("a part of a transaction was sent alone".to_owned())),
        }
    }

    /// Carries a transaction out, and again, `attempts` times in all, where it met another one.
    pub(crate) async fn transact(&self, writes: Vec<Write>, attempts: u32) -> Result<Transacted, StoreError> {
        let parts = writes.into_iter().map(|write| write.into_part(&self.table)).collect::<Result<Vec<_>, _>>()?;
        let mut pauses = backoff::CONFLICT.attempts(attempts).start();
        loop {
            match self.send_parts(&parts).await? {
                Ok(transacted) => return Ok(transacted),
                Err(Conflict(error)) => {
                    if !pauses.wait().await {
                        return Err(error);
                    }
                }
            }
        }
    }

    /// Carries a transaction out once. Whether it was: `false` where a condition failed or it met another one, so that
    /// what it was decided on has to be read again.
    pub(crate) async fn try_transact(&self, writes: Vec<Write>) -> Result<bool, StoreError> {
        let parts = writes.into_iter().map(|write| write.into_part(&self.table)).collect::<Result<Vec<_>, _>>()?;
        Ok(self.send_parts(&parts).await?.is_ok_and(|transacted| transacted.is_done()))
    }

    async fn send_parts(&self, parts: &[TransactWriteItem]) -> Result<Result<Transacted, Conflict>, StoreError> {
        let request = self.client.transact_write_items().set_transact_items(Some(parts.to_vec()));
        let Err(error) = request.send().await else { return Ok(Ok(Transacted::Done)) };
        let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error() else {
            return Err(error.into());
        };
        let reasons = canceled.cancellation_reasons();
        if reasons.iter().any(|reason| is(reason, "ConditionalCheckFailed")) {
            return Ok(Ok(Transacted::Unmet(reasons.iter().map(there).collect())));
        }
        let error = canceled_for(reasons);
        if reasons.iter().any(|reason| is(reason, "TransactionConflict")) {
            Ok(Err(Conflict(error)))
        } else {
            Err(error)
        }
    }
}

/// A transaction met another one; the error, where it is not sent again.
struct Conflict(StoreError);

fn unmet(item: Option<&Item>) -> Written {
    Written::Unmet(item.filter(|item| !item.is_empty()).cloned())
}

fn is(reason: &CancellationReason, code: &str) -> bool {
    reason.code() == Some(code)
}

fn there(reason: &CancellationReason) -> Option<Item> {
    is(reason, "ConditionalCheckFailed").then(|| reason.item.clone().unwrap_or_default())
}

/// The error of a transaction that was cancelled although every condition held.
fn canceled_for(reasons: &[CancellationReason]) -> StoreError {
    let codes = reasons.iter().filter_map(CancellationReason::code).collect::<Vec<_>>().join(", ");
    // What is wrong with the request itself does not pass.
    if reasons.iter().any(|reason| is(reason, "ValidationError")) {
        return StoreError::Internal(codes);
    }
    StoreError::Unavailable(codes)
}
