//! Deletion of one identifier of a profile.

use efface_aws::store::{
    idempotency::KeyClaim,
    identifier::{Deleted, Deletion, Witness},
};
use efface_core::{
    api_error::ApiError,
    deletion::Found,
    key::IdHash,
    profile::{ProfileId, RequestId},
    request::DeleteIdentifier,
    space::SourceState,
};

use super::{hash, idempotency};
use crate::{context::RequestContext, response::store_failed};

/// Rejects a space whose source was detached. The first use of the API attaches it.
pub(crate) async fn check_source(cx: &RequestContext<'_>) -> Result<(), ApiError> {
    let state = if let Some(source) = &cx.access.space.source {
        source.state
    } else {
        let source = cx.app.store.attach_source(&cx.access.space_id).await.map_err(store_failed)?;
        cx.app.access.forget(&cx.access.space_id);
        source.state
    };
    match state {
        SourceState::Attached => Ok(()),
        SourceState::Detached => Err(ApiError::NoSource(cx.access.space_id.clone())),
    }
}

/// Deletes the identifier, or says why not.
pub(crate) async fn delete(
    cx: &RequestContext<'_>,
    request: &DeleteIdentifier,
    key: Option<&str>,
) -> Result<(), ApiError> {
    let app = cx.app;
    let space = &cx.access.space_id;
    if app.limiter.is_used_up(space, cx.now) {
        return Err(ApiError::RateLimited);
    }
    let lookup_hash = hash(&cx.access, &request.lookup.id_type, &request.lookup.value);
    let (admitted, claim, lookup) = futures::join!(
        app.limiter.admit(&app.store, space, None, cx.access.space.deletions_per_second, cx.now),
        idempotency::claim(cx, key),
        app.store.identifier(space, &lookup_hash),
    );
    if !admitted.map_err(store_failed)? {
        return Err(ApiError::RateLimited);
    }
    let (id, is_repeated) = match claim? {
        KeyClaim::First => (cx.id.clone(), false),
        KeyClaim::Again(id) => (id, true),
        KeyClaim::Conflict => return Err(ApiError::IdempotencyConflict),
    };
    let target_hash = hash(&cx.access, &request.target.id_type, &request.target.value);
    let Some(found) = lookup.map_err(store_failed)?.and_then(|lookup| lookup.active_profile()) else {
        return lookup_is_gone(cx, &target_hash, &id, is_repeated).await;
    };
    admit_profile(cx, &found).await?;
    let deletion = Deletion {
        space: space.clone(),
        target: target_hash,
        profile: found.clone(),
        at: cx.now,
        request: id,
        token_id: cx.access.token_id.clone(),
        taker: None,
        is_fenced: false,
    };
    let witness =
        request.target.id_type.is_user_id().then_some(Witness { lookup: lookup_hash, profile: found.clone() });
    carry_out(cx, deletion, witness).await
}

/// The lookup may have been deleted since a first try whose response was lost. The tombstone of the target still names
/// the request.
async fn lookup_is_gone(
    cx: &RequestContext<'_>,
    target: &IdHash,
    id: &RequestId,
    is_repeated: bool,
) -> Result<(), ApiError> {
    if is_repeated {
        let found = cx.app.store.identifier(&cx.access.space_id, target).await.map_err(store_failed)?;
        if found.is_some_and(|found| found.request_ids.contains(&id.to_string())) {
            return Ok(());
        }
    }
    Err(ApiError::LookupNotFound)
}

/// Counts the deletions of the merged profile, where the space's limit does not imply the profile's.
async fn admit_profile(cx: &RequestContext<'_>, profile: &ProfileId) -> Result<(), ApiError> {
    if !cx.access.space.counts_profiles() {
        return Ok(());
    }
    let app = cx.app;
    let head = app.store.head(&cx.access.space_id, profile).await.map_err(store_failed)?;
    let root = head.map_or_else(|| profile.as_str().to_owned(), |head| head.root);
    let limit = cx.access.space.deletions_per_second_per_profile;
    let admitted = app.limiter.admit(&app.store, &cx.access.space_id, Some(&root), limit, cx.now).await;
    if admitted.map_err(store_failed)? { Ok(()) } else { Err(ApiError::RateLimited) }
}

/// Deletes the target under the lookup's profile or, where it belongs to another member of the same merged profile,
/// under that one.
async fn carry_out(cx: &RequestContext<'_>, mut deletion: Deletion, witness: Option<Witness>) -> Result<(), ApiError> {
    let store = &cx.app.store;
    for is_second in [false, true] {
        let deleted = match &witness {
            Some(witness) => store.delete_user_id(&deletion, witness).await,
            None => store.delete_identifier(&deletion).await,
        };
        let other = match deleted.map_err(store_failed)? {
            Deleted::Yes => return Ok(()),
            Deleted::LookupGone => return Err(ApiError::LookupNotFound),
            Deleted::No(Found::UnderProfile(other)) if !is_second && other != deletion.profile => other,
            Deleted::No(_) => return Err(ApiError::ExternalIdNotFound),
        };
        if !store.are_merged(&deletion.space, &deletion.profile, &other).await.map_err(store_failed)? {
            return Err(ApiError::ExternalIdNotFound);
        }
        deletion.profile = other;
    }
    Err(ApiError::ExternalIdNotFound)
}
