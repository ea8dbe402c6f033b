//! Delete a profile.

use efface_core::{
    api_error::ApiError,
    identifier::{ExternalId, GROUP_ID},
    limit::Limit,
    profile::DeletionCounts,
    role::Permission,
    time::Time,
};
use efface_engine::{DeletedProfile, Error, log::Logged};
use serde::Serialize;
use utoipa::ToSchema;

use super::find;
use crate::{
    body::BodyRule,
    context::RequestContext,
    endpoint::{Content, Docs, MEDIUM, Method, Spec, SuccessDoc},
    permission::PermissionRule,
    pipeline::Handler,
    response::{Response, Success},
    routes::{job::JobBody, receipt::propagation::Propagation},
};

/// A profile that was deleted.
#[derive(Debug, Serialize, ToSchema)]
struct ReceiptBody {
    receipt: Receipt,
}

/// What was deleted, and when.
#[derive(Debug, Serialize, ToSchema)]
#[expect(clippy::struct_field_names, reason = "the names of the response")]
struct Receipt {
    /// The first request with the same Idempotency-Key.
    request_id: String,
    /// The job that deleted it.
    job_id: String,
    /// When reads stopped finding it.
    deleted_at: Time,
    /// When all of it was gone.
    gone_at: Option<Time>,
    /// What was deleted with it.
    counts: DeletionCounts,
    /// The path of the receipt for the job's end; null where this deployment keeps no audit log.
    receipt_url: Option<String>,
    /// As of this request, which does not wait for the log: the log's state is `pending`.
    propagation: Propagation,
}

pub(in crate::routes) struct DeleteProfile;

impl Handler for DeleteProfile {
    const SPEC: Spec = Spec {
        id: "delete_profile",
        method: Method::Delete,
        path: "/v1/spaces/{space_id}/collections/{collection}/profiles/{profile}",
        permission: PermissionRule::Fixed(Permission::DeleteProfiles),
        deletes: true,
        limit: Some(Limit::Jobs),
        time: MEDIUM,
        body: BodyRule::Ignored,
    };

    const DOCS: Docs = Docs {
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
                description: "The profile will be deleted by this job, even if no request follows. Reads no longer find \
                    it as soon as that has started.",
                content: &[Content::json::<JobBody>()],
            },
        ],
        errors: || {
            let mut errors = find::errors();
            errors.push(ApiError::UnsupportedType);
            errors
        },
    };

    type Request = ExternalId;

    fn parse(cx: &RequestContext<'_>) -> Result<ExternalId, ApiError> {
        let selector = cx.path.profile().parse(cx.request.encoding)?;
        let known = cx.access.space.identifier_types.find(&selector.id_type);
        let id_type = known.filter(|id_type| id_type.as_str() != GROUP_ID).ok_or(ApiError::UnsupportedType)?;
        cx.no_query_after_value()?;
        cx.keyed()?;
        Ok(ExternalId { id_type, value: selector.value })
    }

    async fn run(cx: &RequestContext<'_>, own: ExternalId) -> Result<Response, Error> {
        let own = cx.access.hash(&own.id_type, &own.value);
        match cx.engine().delete_profile(&cx.caller(), own, cx.keyed()?).await? {
            DeletedProfile::Goes(status) => Response::accepted(&JobBody::new(cx, *status)),
            DeletedProfile::Done { job, deleted_at, gone_at, counts } => {
                let (request_id, job_id) = (job.request().to_string(), job.to_string());
                let logged = cx.evidence().is_ok().then_some(Logged { index: None, at: None });
                let space = &cx.access.space_id;
                let receipt_url = logged.map(|_| format!("/v1/spaces/{space}/deletion_jobs/{job_id}/receipt"));
                let propagation = Propagation::new(gone_at, logged);
                let receipt = Receipt { request_id, job_id, deleted_at, gone_at, counts, receipt_url, propagation };
                Response::ok(&ReceiptBody { receipt })
            }
        }
    }
}
