//! Identifiers: read one, delete one. A deletion is one conditional write; the tombstone that it leaves is at once
//! the deletion, its record, and what keeps the identifier from coming back.

use std::time::Duration;

use aws_sdk_dynamodb::{
    error::SdkError,
    operation::{
        transact_write_items::{TransactWriteItemsError, TransactWriteItemsOutput},
        update_item::UpdateItemError,
    },
    types::{
        AttributeValue, CancellationReason, ConditionCheck, ReturnValuesOnConditionCheckFailure, TransactWriteItem,
        builders::UpdateBuilder,
    },
};
use efface_core::{
    deletion::{Found, Identifier, Reason, judge},
    job::{Group, Taker},
    key::IdHash,
    profile::{ProfileId, RequestId},
    space::SpaceId,
    time::Time,
};

use super::{Item, Key, Store, StoreError, partition_key, read, text};

/// One identifier to delete, and what its record shall say.
#[derive(Debug, Clone)]
pub struct Deletion {
    /// The space.
    pub space: SpaceId,
    /// The identifier.
    pub target: IdHash,
    /// The profile that it must be active under.
    pub profile: ProfileId,
    /// When: the clock second in which the deletion was counted.
    pub at: Time,
    /// The request, by which a repetition is recognised.
    pub request: RequestId,
    /// Whose token asked.
    pub token_id: String,
    /// The row of a job, where one asked.
    pub taker: Option<Taker>,
    /// Whether the profile is fenced, so that nothing comes back under it.
    pub is_fenced: bool,
}

/// What the write of a tombstone came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Taken {
    /// It is written.
    Yes,
    /// Nothing was changed; this is what is there.
    No(Option<Box<Identifier>>),
    /// The witness is not active any more.
    WitnessGone,
}

/// What a deletion came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Deleted {
    /// The identifier is deleted, and this request did it.
    Yes,
    /// Nothing was changed; this is what was found.
    No(Found),
    /// The `user_id` that vouched for the profile was itself deleted meanwhile.
    LookupGone,
}

/// A still-active `user_id` of the profile, without which the last one could be deleted.
#[derive(Debug, Clone)]
pub struct Witness {
    /// The `user_id` that found the profile.
    pub lookup: IdHash,
    /// The profile id that it has.
    pub profile: ProfileId,
}

/// How often a write that met a transaction is sent again.
const CONFLICT_ATTEMPTS: u32 = 4;

const TOMBSTONE: &str = "SET #state = :deleted, deleted_at = :at, token_id = :token, request_id = :request, \
                         reason = :reason, job_id = :job, job_group = :group, job_row = :row \
                         ADD request_ids :requests REMOVE #value";

/// Whatever deleted it before: it has to go.
const OF_FENCED_PROFILE: &str = "#state = :active AND profile_id = :profile";

/// The request is looked for, too: an old key must not delete an identifier that has come back.
const ONCE_A_REQUEST: &str = "#state = :active AND profile_id = :profile AND NOT contains(request_ids, :request)";

/// A job may outlive the time for which its request is remembered.
const ONCE_A_JOB: &str = "#state = :active AND profile_id = :profile AND NOT contains(request_ids, :request) \
                          AND (attribute_not_exists(job_id) OR job_id <> :job)";

impl Deletion {
    fn condition(&self) -> &'static str {
        match (self.is_fenced, &self.taker) {
            (true, _) => OF_FENCED_PROFILE,
            (false, Some(_)) => ONCE_A_JOB,
            (false, None) => ONCE_A_REQUEST,
        }
    }
}

impl Store {
    /// Reads an identifier, active or deleted. One read unit.
    pub async fn identifier(&self, space: &SpaceId, hash: &IdHash) -> Result<Option<Identifier>, StoreError> {
        self.get(Key::identifier(space, hash)).await
    }

    /// Those of up to 100 identifiers that are there, by their hashes; at half the price perhaps as they were a moment
    /// ago. `None` is one that can't be read: it is left to whoever needs it to say what is wrong with it.
    pub async fn identifiers(
        &self,
        space: &SpaceId,
        hashes: &[&IdHash],
        stale: bool,
    ) -> Result<Vec<(IdHash, Option<Identifier>)>, StoreError> {
        let keys: Vec<Key> = hashes.iter().map(|hash| Key::identifier(space, hash)).collect();
        let items = if stale { self.get_many_stale(keys).await? } else { self.get_many(keys).await? };
        let read_one = |item: Item| {
            let hash = partition_key(&item).rsplit('#').next().and_then(IdHash::parse)?;
            Some((hash, read(item).ok()))
        };
        Ok(items.into_iter().filter_map(read_one).collect())
    }

    /// Deletes an identifier that no rule protects. One write.
    pub async fn delete_identifier(&self, deletion: &Deletion) -> Result<Deleted, StoreError> {
        Ok(settle(self.take_identifier(deletion).await?, &deletion.request))
    }

    /// Deletes a `user_id`, provided that the one that found the profile is still active: of two requests that race
    /// for a profile's last two, one finds its witness gone. One transaction, four write units.
    pub async fn delete_user_id(&self, deletion: &Deletion, witness: &Witness) -> Result<Deleted, StoreError> {
        Ok(settle(self.take_user_id(deletion, witness).await?, &deletion.request))
    }

    /// Turns an identifier into a tombstone, if it is active under its profile and this request has not done so
    /// before. One write.
    pub async fn take_identifier(&self, deletion: &Deletion) -> Result<Taken, StoreError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let Err(error) = self.update_to_tombstone(deletion).await else { return Ok(Taken::Yes) };
            match error.as_service_error() {
                Some(UpdateItemError::ConditionalCheckFailedException(failed)) => {
                    return found(failed.item.clone());
                }
                Some(UpdateItemError::TransactionConflictException(_)) if attempt < CONFLICT_ATTEMPTS => {
                    pause(attempt).await;
                }
                _ => return Err(error.into()),
            }
        }
    }

    async fn update_to_tombstone(&self, deletion: &Deletion) -> Result<(), SdkError<UpdateItemError>> {
        let update = self
            .client
            .update_item()
            .table_name(&self.table)
            .set_key(Some(Key::identifier(&deletion.space, &deletion.target).into()))
            .update_expression(TOMBSTONE)
            .condition_expression(deletion.condition())
            .set_expression_attribute_names(Some(names(&["state", "value"])))
            .set_expression_attribute_values(Some(values(deletion)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld);
        update.send().await.map(|_| ())
    }

    /// The same for a `user_id`, which needs a witness that stays. One transaction, four write units.
    pub async fn take_user_id(&self, deletion: &Deletion, witness: &Witness) -> Result<Taken, StoreError> {
        let mut attempt = 0;
        loop {
            attempt += 1;
            let Err(error) = self.transact_user_id(deletion, witness).await else { return Ok(Taken::Yes) };
            let Some(TransactWriteItemsError::TransactionCanceledException(canceled)) = error.as_service_error() else {
                return Err(error.into());
            };
            match canceled.cancellation_reasons() {
                [target, _] if failed_condition(target) => return found(target.item.clone()),
                [_, lookup] if failed_condition(lookup) => return Ok(Taken::WitnessGone),
                reasons if attempt < CONFLICT_ATTEMPTS && reasons.iter().any(is_conflict) => pause(attempt).await,
                reasons => return Err(canceled_for(reasons)),
            }
        }
    }

    async fn transact_user_id(
        &self,
        deletion: &Deletion,
        witness: &Witness,
    ) -> Result<TransactWriteItemsOutput, SdkError<TransactWriteItemsError>> {
        let update = UpdateBuilder::default()
            .table_name(&self.table)
            .set_key(Some(Key::identifier(&deletion.space, &deletion.target).into()))
            .update_expression(TOMBSTONE)
            .condition_expression(deletion.condition())
            .set_expression_attribute_names(Some(names(&["state", "value"])))
            .set_expression_attribute_values(Some(values(deletion)))
            .return_values_on_condition_check_failure(ReturnValuesOnConditionCheckFailure::AllOld)
            .build();
        let check = ConditionCheck::builder()
            .table_name(&self.table)
            .set_key(Some(Key::identifier(&deletion.space, &witness.lookup).into()))
            .condition_expression("#state = :active AND profile_id = :profile")
            .set_expression_attribute_names(Some(names(&["state"])))
            .expression_attribute_values(":active", text("active"))
            .expression_attribute_values(":profile", text(witness.profile.as_str()))
            .build();
        self.client
            .transact_write_items()
            .transact_items(TransactWriteItem::builder().set_update(update.ok()).build())
            .transact_items(TransactWriteItem::builder().set_condition_check(check.ok()).build())
            .send()
            .await
    }
}

/// Reads what a failed condition found.
fn found(item: Option<Item>) -> Result<Taken, StoreError> {
    Ok(Taken::No(item.filter(|item| !item.is_empty()).map(read).transpose()?.map(Box::new)))
}

/// Judges it for a single deletion.
fn settle(taken: Taken, request: &RequestId) -> Deleted {
    match taken {
        Taken::Yes => Deleted::Yes,
        Taken::WitnessGone => Deleted::LookupGone,
        Taken::No(found) => match judge(found.as_deref(), request) {
            Found::DoneByThisRequest => Deleted::Yes,
            found => Deleted::No(found),
        },
    }
}

fn values(deletion: &Deletion) -> Item {
    let request = deletion.request.to_string();
    let taker = deletion.taker.as_ref();
    Item::from([
        (":active".to_owned(), text("active")),
        (":deleted".to_owned(), text("deleted")),
        (":profile".to_owned(), text(deletion.profile.as_str())),
        (":at".to_owned(), text(deletion.at.to_string())),
        (":token".to_owned(), text(&deletion.token_id)),
        (":requests".to_owned(), AttributeValue::Ss(vec![request.clone()])),
        (":request".to_owned(), text(request)),
        (":reason".to_owned(), text(if taker.is_some() { Reason::Job } else { Reason::Request }.as_str())),
        (":job".to_owned(), text_or_null(taker.map(|taker| taker.job.as_str()))),
        (":group".to_owned(), text_or_null(taker.and_then(|taker| taker.group.as_ref()).map(Group::as_str))),
        (":row".to_owned(), text_or_null(taker.map(|taker| taker.row.as_str()))),
    ])
}

/// A text, or what stands for none.
pub(super) fn text_or_null(value: Option<&str>) -> AttributeValue {
    value.map_or(AttributeValue::Null(true), text)
}

/// `#name` for each attribute whose name DynamoDB reserves.
pub(super) fn names(reserved: &[&str]) -> std::collections::HashMap<String, String> {
    reserved.iter().map(|name| (format!("#{name}"), (*name).to_owned())).collect()
}

pub(super) fn failed_condition(reason: &CancellationReason) -> bool {
    reason.code() == Some("ConditionalCheckFailed")
}

pub(super) fn is_conflict(reason: &CancellationReason) -> bool {
    reason.code() == Some("TransactionConflict")
}

/// The error of a transaction that was cancelled for none of the reasons that its sender decides on.
pub(super) fn canceled_for(reasons: &[CancellationReason]) -> StoreError {
    let codes = reasons.iter().filter_map(CancellationReason::code).collect::<Vec<_>>().join(", ");
    // What is wrong with the request itself does not pass.
    if reasons.iter().any(|reason| reason.code() == Some("ValidationError")) {
        return StoreError::Internal(codes);
    }
    StoreError::Unavailable(codes)
}

/// Waits a little, and not as long as whoever else waits: 10 to 30 ms at first, then longer.
pub(super) async fn pause(attempt: u32) {
    tokio::time::sleep(Duration::from_millis(20).mul_f64(f64::from(attempt) * (0.5 + fastrand::f64()))).await;
}
