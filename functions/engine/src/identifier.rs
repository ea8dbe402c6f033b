//! Deleting one identifier: the single deletion of a request, and the steps that it shares with the rows of jobs.

use efface_aws::{
    StoreError,
    store::{idempotency::KeyClaim, identifier::TombstoneWrite},
};
use efface_core::{
    api_error::ApiError,
    deletion::{Actor, Deletion, Identifier, Step, decide},
    id::{ProfileId, RequestId},
    key::IdHash,
    limit::{Limit, Quota},
    request::DeleteIdentifier,
    user_id_rule::{GuardIdentifier, needs_guard},
};

use crate::{Caller, Engine, Error, idempotency::KeyedRequest};

/// What the deletion of an identifier came to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deleted {
    /// This actor deleted it, now or before.
    Yes,
    /// Another row of the job or its group deleted it.
    Duplicate,
    /// The profile has no such active identifier.
    NotFound,
    /// The guard identifier is no longer active.
    GuardGone,
}

impl Engine {
    /// Deletes one identifier of the profile that a `user_id` finds. The order of the decisions is the contract's
    /// (`docs/api.md`): limit, idempotency key, lookup, the profile's own limit, target. Returns what is left of the limits
    /// that it was counted against.
    ///
    /// # Errors
    /// [`ApiError::RateLimited`], [`ApiError::IdempotencyConflict`], [`ApiError::LookupNotFound`],
    /// [`ApiError::ExternalIdNotFound`], or a failure of the store.
    pub async fn delete_identifier(
        &self,
        caller: &Caller<'_>,
        request: &DeleteIdentifier,
        keyed: Option<KeyedRequest<'_>>,
    ) -> Result<Vec<Quota>, Error> {
        let Caller { access, now, .. } = *caller;
        let (space, most) = (&access.space_id, access.space.limit(Limit::Deletions));
        let limited = ApiError::RateLimited(Limit::Deletions, most);
        if self.limiter.is_used_up(space, Limit::Deletions, now) {
            return Err(limited.into());
        }
        let lookup = access.hash(&request.lookup.id_type, &request.lookup.value);
        let target = access.hash(&request.target.id_type, &request.target.value);
        let (admitted, claim, found) = futures::join!(
            self.limiter.admit(&self.store, space, Limit::Deletions, most, now),
            self.claim(caller, keyed),
            self.store.identifier(space, lookup),
        );
        let mut quotas = vec![admitted?.ok_or(limited)?];
        let (id, is_repeated) = match claim? {
            KeyClaim::First => (caller.request, false),
            KeyClaim::Again(first) => (first, true),
            KeyClaim::Conflict => return Err(ApiError::IdempotencyConflict.into()),
        };
        let Some(profile) = found?.and_then(|found| found.active_profile()) else {
            return self.without_lookup(caller, target, id, is_repeated).await.map(|()| quotas);
        };
        quotas.extend(self.admit_profile(caller, profile).await?);
        let deletion = Deletion {
            space: space.clone(),
            target,
            profile,
            at: now,
            token_id: access.token_id.clone(),
            actor: Actor::Request(id),
            profile_is_deleted: false,
        };
        let guard = needs_guard(&request.target.id_type).then_some(GuardIdentifier { hash: lookup, profile });
        match self.delete_under(deletion, guard.as_ref()).await? {
            Deleted::Yes => Ok(quotas),
            Deleted::GuardGone => Err(ApiError::LookupNotFound.into()),
            Deleted::Duplicate | Deleted::NotFound => Err(ApiError::ExternalIdNotFound.into()),
        }
    }

    /// The lookup is not active. Where the request is repeated, it may have gone since a first try whose response got
    /// lost: the target's tombstone still tells.
    async fn without_lookup(
        &self,
        caller: &Caller<'_>,
        target: IdHash,
        id: RequestId,
        is_repeated: bool,
    ) -> Result<(), Error> {
        if is_repeated {
            let found = self.store.identifier(&caller.access.space_id, target).await?;
            if found.is_some_and(|found| found.request_ids.contains(&id)) {
                return Ok(());
            }
        }
        Err(ApiError::LookupNotFound.into())
    }

    /// Counts the deletions of a merged profile, where the space's count does not imply them. `None` where it does.
    async fn admit_profile(&self, caller: &Caller<'_>, profile: ProfileId) -> Result<Option<Quota>, Error> {
        let Caller { access, now, .. } = *caller;
        if !access.space.counts_on(profile) {
            return Ok(None);
        }
        let head = self.store.head(&access.space_id, profile).await?;
        let limit = Limit::DeletionsOn(head.map_or(profile, |head| head.root));
        let most = access.space.limit(limit);
        let quota = self.limiter.admit(&self.store, &access.space_id, limit, most, now).await?;
        quota.map(Some).ok_or_else(|| ApiError::RateLimited(limit, most).into())
    }

    /// Deletes an identifier of a profile, and once more under the identifier's own profile where that one is merged with
    /// it.
    pub(crate) async fn delete_under(
        &self,
        mut deletion: Deletion,
        guard: Option<&GuardIdentifier>,
    ) -> Result<Deleted, StoreError> {
        for _ in 0..2 {
            let found: Option<Box<Identifier>> = match self.store.write_tombstone(&deletion, guard).await? {
                TombstoneWrite::Written => return Ok(Deleted::Yes),
                TombstoneWrite::GuardGone => return Ok(Deleted::GuardGone),
                TombstoneWrite::Unchanged(found) => found,
            };
            let step = decide(found.as_deref(), &deletion.actor, deletion.profile);
            if let Some(other) = step.needs_merge_with(deletion.profile)
                && !self.store.are_merged(&deletion.space, deletion.profile, other).await?
            {
                return Ok(Deleted::NotFound);
            }
            match step {
                Step::AlreadyDeleted => return Ok(Deleted::Yes),
                Step::Duplicate(_) => return Ok(Deleted::Duplicate),
                Step::NotFound => return Ok(Deleted::NotFound),
                Step::DeleteUnder(other) => deletion.profile = other,
            }
        }
        Ok(Deleted::NotFound)
    }
}
