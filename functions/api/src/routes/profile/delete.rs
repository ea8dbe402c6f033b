//! Delete a profile.

use efface_core::{
    api_error::ApiError,
    identifier::{ExternalId, GROUP_ID},
    role::Permission,
    time::Time,
};
use serde::Serialize;
use utoipa::ToSchema;

use super::find::ProfileList;
use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, MEDIUM, Method, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
    routes::job::JobBody,
    use_case::{
        delete_profile::{self, ProfileDeletion},
        idempotency,
    },
};

/// A profile that was deleted.
#[derive(Debug, Serialize, ToSchema)]
struct ReceiptBody {
    receipt: Receipt,
}

/// What was deleted, and when.
#[derive(Debug, Serialize, ToSchema)]
struct Receipt {
    /// The first request with the same Idempotency-Key.
    request_id: String,
    /// The job that deleted it.
    job_id: String,
    /// When reads stopped finding it.
    deleted_at: Time,
    /// What was deleted with it.
    counts: ReceiptCounts,
}

/// What was deleted with a profile.
#[derive(Debug, Serialize, ToSchema)]
struct ReceiptCounts {
    /// Identifiers.
    external_ids: i64,
    /// Memberships of segments.
    memberships: i64,
    /// Profiles that were merged into it.
    merges: i64,
    /// Traits.
    traits: i64,
}

pub(in crate::routes) struct DeleteProfile;

impl Handler for DeleteProfile {
    const SPEC: Spec = Spec {
        id: "delete_profile",
        method: Method::Delete,
        path: "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}",
        permission: PermissionRule::Fixed(Permission::DeleteProfiles),
        needs_activation: true,
        time: MEDIUM,
        body: BodyRule::Ignored,
        tag: "deletions",
        summary: "Delete a profile",
        description: "Deletes a profile with everything that was merged into it: identifiers, traits, metadata and \
            memberships. Where that takes longer than a few seconds, the response is the job that does it.",
        parameters: &[],
        request: &[],
        responses: &[
            SuccessDoc {
                success: Success::Done,
                description: "The profile is deleted.",
                content: &[Content::json::<ReceiptBody>()],
            },
            SuccessDoc {
                success: Success::Accepted,
                description: "The profile is being deleted. Reads no longer find it.",
                content: &[Content::json::<JobBody>()],
            },
        ],
        errors: || {
            let mut errors = ProfileList::errors();
            errors.push(ApiError::UnsupportedType);
            errors
        },
    };

    type Request = ExternalId;

    fn parse(cx: &RequestContext<'_>) -> Result<ExternalId, ApiError> {
        let selector = cx.path.profile().parse(cx.request.encoding)?;
        let known = cx.access.space.identifier_types.find(&selector.id_type);
        let id_type = known.filter(|id_type| id_type.as_str() != GROUP_ID).ok_or(ApiError::UnsupportedType)?;
        cx.no_query()?;
        idempotency::key(cx.request)?;
        Ok(ExternalId { id_type, value: selector.value })
    }

    async fn run(cx: &RequestContext<'_>, own: ExternalId) -> Result<Response, ApiError> {
        match delete_profile::delete(cx, &own.id_type, &own.value).await? {
            ProfileDeletion::UnderWay(status) => Response::accepted(&JobBody::new(*status, cx.now)),
            ProfileDeletion::Done { request_id, job_id, deleted_at, erased } => {
                let counts = ReceiptCounts {
                    external_ids: erased.external_ids,
                    memberships: erased.memberships,
                    merges: erased.merges,
                    traits: erased.traits,
                };
                let request_id = request_id.to_string();
                Response::ok(&ReceiptBody { receipt: Receipt { request_id, job_id, deleted_at, counts } })
            }
        }
    }
}
