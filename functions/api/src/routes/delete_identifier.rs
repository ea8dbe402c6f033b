//! Delete one identifier of a profile: the main job. The order of the steps is the order of the contract's table.

use efface_aws::store::{
    idempotency::KeyClaim,
    identifier::{Deleted, Deletion, Witness},
};
use efface_core::{
    api_error::ApiError,
    deletion::Found,
    key::IdHash,
    list,
    profile::{ProfileId, RequestId},
    request::DeleteIdentifier,
    role::Permission,
    space::SourceState,
};
use efface_engine::access::Access;
use serde::Serialize;
use utoipa::ToSchema;

use super::{body, idempotency, profile};
use crate::{
    RequestContext,
    auth::{authorise, check_activated},
    event::Request,
    response::{Response, store_failed},
    route::Route,
};

/// The largest body, in bytes (contract).
const MAX_BODY: usize = 16 * 1_024;

/// The success of a deletion.
#[derive(Debug, Serialize, ToSchema)]
pub struct DeletedBody {
    /// Always `success`.
    #[schema(example = "success")]
    code: &'static str,
    /// Always this text.
    #[schema(example = "External identifier has been deleted.")]
    message: &'static str,
}

/// Deletes one identifier of the profile that a `user_id` finds. The profile's history stays; the identifier's value
/// is gone, and what stays in its place is the record of the deletion.
#[utoipa::path(post, path = "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}/external_ids/delete",
    tag = "deletions",
    params(crate::openapi::ProfileParams, crate::openapi::IdempotencyParams),
    request_body(content = crate::openapi::DeleteBody, content_type = "application/json"),
    responses((status = 200, description = "The identifier is deleted.", body = DeletedBody),
        crate::openapi::DeleteErrors))]
pub(crate) async fn post(call: &RequestContext<'_>, access: &Access, route: &Route<'_>) -> Result<Response, ApiError> {
    check_body(call.request)?;
    let request = parse(call, access, route)?;
    let key = idempotency::key(call.request)?;
    authorise(access, Permission::DeleteIdentifiers)?;
    check_activated(access)?;
    check_source(call, access).await?;
    Box::pin(delete(call, access, &request, key)).await?;
    Response::ok(&DeletedBody { code: "success", message: "External identifier has been deleted." })
}

/// Refuses a body by its size, then by its declared type.
pub(crate) fn check_body(request: &Request) -> Result<(), ApiError> {
    check_json(request, MAX_BODY)
}

/// The same for a body of another size.
pub(crate) fn check_json(request: &Request, most: usize) -> Result<(), ApiError> {
    body::check(request, most, &body::JSON, &["identity"], ApiError::UnsupportedMediaType)
}

fn parse(call: &RequestContext<'_>, access: &Access, route: &Route<'_>) -> Result<DeleteIdentifier, ApiError> {
    let request = call.request;
    let parsed =
        DeleteIdentifier::parse(route.profile(), request.encoding, &request.body, &access.space.identifier_types);
    // A stray query is the client's mistake as a stray field is, and comes after all that the contract orders.
    let parsed = parsed?;
    list::no_query_but(&request.query, &[])?;
    Ok(parsed)
}

/// The first use of the API makes the space's source.
async fn check_source(call: &RequestContext<'_>, access: &Access) -> Result<(), ApiError> {
    let state = if let Some(source) = &access.space.source {
        source.state
    } else {
        let source = call.app.store.attach_source(&access.space_id).await.map_err(store_failed)?;
        call.app.access.forget(&access.space_id);
        source.state
    };
    match state {
        SourceState::Attached => Ok(()),
        SourceState::Detached => Err(ApiError::NoSource(access.space_id.clone())),
    }
}

async fn delete(
    call: &RequestContext<'_>,
    access: &Access,
    request: &DeleteIdentifier,
    key: Option<&str>,
) -> Result<(), ApiError> {
    let app = call.app;
    let space = &access.space_id;
    if app.limiter.is_used_up(space, call.now) {
        return Err(ApiError::RateLimited);
    }
    let lookup_hash = profile::hash(access, &request.lookup.id_type, &request.lookup.value);
    let (admitted, claim, lookup) = futures::join!(
        app.limiter.admit(&app.store, space, None, access.space.deletions_per_second, call.now),
        idempotency::claim(call, access, key),
        app.store.identifier(space, &lookup_hash),
    );
    if !admitted.map_err(store_failed)? {
        return Err(ApiError::RateLimited);
    }
    let (id, is_repeated) = match claim? {
        KeyClaim::First => (call.id.clone(), false),
        KeyClaim::Again(id) => (id, true),
        KeyClaim::Conflict => return Err(ApiError::IdempotencyConflict),
    };
    let target_hash = profile::hash(access, &request.target.id_type, &request.target.value);
    let Some(found) = lookup.map_err(store_failed)?.and_then(|lookup| lookup.active_profile()) else {
        return lookup_is_gone(call, access, &target_hash, &id, is_repeated).await;
    };
    admit_profile(call, access, &found).await?;
    let deletion = Deletion {
        space: space.clone(),
        target: target_hash,
        profile: found.clone(),
        at: call.now,
        request: id,
        token_id: access.token_id.clone(),
        taker: None,
        is_fenced: false,
    };
    let witness =
        request.target.id_type.is_user_id().then_some(Witness { lookup: lookup_hash, profile: found.clone() });
    carry_out(call, deletion, witness).await
}

/// The lookup has gone since a first try whose answer got lost: the target's own tombstone still tells.
async fn lookup_is_gone(
    call: &RequestContext<'_>,
    access: &Access,
    target: &IdHash,
    id: &RequestId,
    is_repeated: bool,
) -> Result<(), ApiError> {
    if is_repeated {
        let found = call.app.store.identifier(&access.space_id, target).await.map_err(store_failed)?;
        if found.is_some_and(|found| found.request_ids.contains(&id.to_string())) {
            return Ok(());
        }
    }
    Err(ApiError::LookupNotFound)
}

/// Counts the profile's own deletions, where the space's count does not imply them: over the merged whole.
async fn admit_profile(call: &RequestContext<'_>, access: &Access, profile: &ProfileId) -> Result<(), ApiError> {
    if !access.space.counts_profiles() {
        return Ok(());
    }
    let app = call.app;
    let head = app.store.head(&access.space_id, profile).await.map_err(store_failed)?;
    let root = head.map_or_else(|| profile.as_str().to_owned(), |head| head.root);
    let limit = access.space.deletions_per_second_per_profile;
    let admitted = app.limiter.admit(&app.store, &access.space_id, Some(&root), limit, call.now).await;
    if admitted.map_err(store_failed)? { Ok(()) } else { Err(ApiError::RateLimited) }
}

/// Deletes, and once more under the target's own profile id where that one was merged with the lookup's.
async fn carry_out(
    call: &RequestContext<'_>,
    mut deletion: Deletion,
    witness: Option<Witness>,
) -> Result<(), ApiError> {
    let store = &call.app.store;
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
