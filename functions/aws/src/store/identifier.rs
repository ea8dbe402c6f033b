//! Identifiers: read one, delete one. A deletion is one conditional write; the tombstone that it leaves is at once the
//! deletion, its record, and what keeps the identifier from coming back.

use efface_core::{
    deletion::{Deletion, Identifier},
    key::IdHash,
    space::SpaceId,
    user_id_rule::GuardIdentifier,
};

use super::{
    Item, Key, Store, StoreError,
    read::{end_of_partition, read},
    value::text_set,
    write::{FEW, Transacted, Write, Written},
};

pub(super) const KIND: &str = "identifier";

/// What the write of a tombstone came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TombstoneWrite {
    /// The tombstone is written.
    Written,
    /// Nothing was changed, because the identifier is not as the deletion requires; what is there.
    Unchanged(Option<Box<Identifier>>),
    /// Nothing was changed, because the guard identifier is no longer active.
    GuardGone,
}

/// A deletion is counted in the write that carries it out. What the log calls the life that ends stays on the item.
const TOMBSTONE: &str = "SET #state = :deleted, deleted_at = :at, token_id = :token, request_id = :request, \
                         reason = :reason, job_id = :job, job_group = :group, job_row = :row \
                         ADD request_ids :requests, generation :one REMOVE #value";

/// All that the deletion of a profile asks of its identifiers: whatever deleted the identifier before, it has to go.
const ACTIVE_UNDER_PROFILE: &str = "#state = :active AND profile_id = :profile";

/// An old idempotency key must not delete an identifier that has come back.
const ONCE_A_REQUEST: &str = "#state = :active AND profile_id = :profile AND NOT contains(request_ids, :request)";

/// A job may go on for longer than its request is remembered.
const ONCE_A_JOB: &str = "#state = :active AND profile_id = :profile AND NOT contains(request_ids, :request) \
                          AND (attribute_not_exists(job_id) OR job_id <> :job)";

fn condition(deletion: &Deletion) -> &'static str {
    match (deletion.profile_is_deleted, deletion.actor.row()) {
        (true, _) => ACTIVE_UNDER_PROFILE,
        (false, Some(_)) => ONCE_A_JOB,
        (false, None) => ONCE_A_REQUEST,
    }
}

impl Store {
    /// Reads an identifier, active or deleted. One read unit.
    pub async fn identifier(&self, space: &SpaceId, hash: IdHash) -> Result<Option<Identifier>, StoreError> {
        self.get(Key::identifier(space, hash), KIND).await
    }

    /// Those of some identifiers that are there, by their hashes; not `consistent`, at half the price, and perhaps as they
    /// were a moment ago. One that cannot be read is an error of its own, so that the others can be dealt with.
    pub async fn identifiers(
        &self,
        space: &SpaceId,
        hashes: &[IdHash],
        consistent: bool,
    ) -> Result<Vec<(IdHash, Result<Identifier, StoreError>)>, StoreError> {
        let keys = hashes.iter().map(|hash| Key::identifier(space, *hash));
        let items = self.get_batches(keys, consistent).await?;
        items.into_iter().map(|item| Ok((end_of_partition(&item, KIND)?, read(item, KIND)))).collect()
    }

    /// Turns an identifier into a tombstone, if it is active under the deletion's profile and the actor has not deleted it
    /// before. One write; with a guard one transaction of four write units, in which the guard must be active too.
    pub async fn write_tombstone(
        &self,
        deletion: &Deletion,
        guard: Option<&GuardIdentifier>,
    ) -> Result<TombstoneWrite, StoreError> {
        let write = tombstone(deletion);
        let Some(guard) = guard else {
            return Ok(match self.write(write).await? {
                Written::Done(_) => TombstoneWrite::Written,
                Written::Unmet(there) => found(there)?,
            });
        };
        let check = Write::check(Key::identifier(&deletion.space, guard.hash), ACTIVE_UNDER_PROFILE)
            .value(":active", "active")
            .value(":profile", guard.profile);
        Ok(match self.transact(vec![write, check], FEW).await? {
            Transacted::Done => TombstoneWrite::Written,
            Transacted::Unmet(there) => match there.into_iter().next().flatten() {
                Some(target) => found(Some(target))?,
                None => TombstoneWrite::GuardGone,
            },
        })
    }
}

fn tombstone(deletion: &Deletion) -> Write {
    let (request, row) = (deletion.actor.request(), deletion.actor.row());
    Write::update(Key::identifier(&deletion.space, deletion.target), TOMBSTONE)
        .when(condition(deletion))
        .value(":active", "active")
        .value(":deleted", "deleted")
        .value(":profile", deletion.profile)
        .value(":at", deletion.at)
        .value(":token", &deletion.token_id)
        .value(":requests", text_set([request]))
        .value(":one", 1_i64)
        .value(":request", request)
        .value(":reason", deletion.actor.reason().as_str())
        .value(":job", row.map(|row| row.job))
        .value(":group", row.and_then(|row| row.group))
        .value(":row", row.map(|row| row.row))
        .returning_old()
}

fn found(there: Option<Item>) -> Result<TombstoneWrite, StoreError> {
    let there = there.filter(|item| !item.is_empty()).map(|item| read(item, KIND)).transpose()?;
    Ok(TombstoneWrite::Unchanged(there.map(Box::new)))
}
