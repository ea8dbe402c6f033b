//! Start, pause, resume, cancel or redrive a job.

use efface_aws::store::job::Controlled;
use efface_core::{
    api_error::ApiError,
    job::{Control, JobId},
};
use efface_engine::access::Access;

use super::{JobBody, find, no_query};
use crate::{
    RequestContext,
    auth::check_activated,
    response::{Response, store_failed},
    route::Route,
    routes::{delete_identifier::check_json, idempotency},
};

/// The body is not read: clients send none, or an empty object.
const MAX_BODY: usize = 16 * 1_024;

macro_rules! documented {
    ($($name:ident $path:literal $text:literal),* $(,)?) => {
        $(
            #[doc = $text]
            #[utoipa::path(post, path = $path, operation_id = stringify!($name), tag = "jobs",
                params(crate::openapi::JobParams, crate::openapi::IdempotencyParams),
                responses((status = 202, description = "The job, as it is now.", body = JobBody),
                    crate::openapi::JobErrors))]
            #[expect(dead_code, reason = "describes what `post` does")]
            pub(crate) fn $name() {}
        )*
    };
}

documented! {
    start_job "/v1/spaces/{space_id}/deletion_jobs/{job_id}/start"
        "Starts an open job: it takes no more pages, and its rows run.",
    pause_job "/v1/spaces/{space_id}/deletion_jobs/{job_id}/pause"
        "Pauses a job: chunks of rows that have begun are done to their end, and no others begin.",
    resume_job "/v1/spaces/{space_id}/deletion_jobs/{job_id}/resume"
        "Goes on with a paused job. One that had used up its `max_deletions` may delete as many again.",
    cancel_job "/v1/spaces/{space_id}/deletion_jobs/{job_id}/cancel"
        "Cancels a job for good. Rows that have not run keep having no outcome.",
    redrive_job "/v1/spaces/{space_id}/deletion_jobs/{job_id}/redrive"
        "Runs the failed rows of a completed job again, and sends what a running job may have lost.",
}

pub(crate) async fn post(
    call: &RequestContext<'_>,
    access: &Access,
    route: &Route<'_>,
    control: Control,
) -> Result<Response, ApiError> {
    check_json(call.request, MAX_BODY)?;
    no_query(call)?;
    let status = find(call, access, route, true).await?;
    if matches!(control, Control::Start | Control::Resume | Control::Redrive) {
        check_activated(access)?;
    }
    let request = match idempotency::key(call.request)? {
        Some(_) => Some(idempotency::settle(call, access).await?.0),
        None => None,
    };
    let job = JobId::parse(&status.head.job_id).map_err(|_| ApiError::JobNotFound)?;
    let app = call.app;
    let done = app.store.control_job(&access.space_id, &job, control, request.as_ref(), call.now).await;
    let status = match done.map_err(store_failed)? {
        Controlled::Yes(status) => *status,
        Controlled::No(state) => return Err(ApiError::control(state, control)),
        Controlled::Unknown => return Err(ApiError::JobNotFound),
    };
    if status.head.state.runs()
        && let Err(error) = app.engine.send_dispatch(&access.space_id, &job).await
    {
        tracing::warn!(%error, job_id = %job, "the job waits for the reconciler");
    }
    Response::accepted(&JobBody::new(status, call.now))
}
