//! What is known of one request while it is handled.

use std::{borrow::Cow, sync::Arc};

use efface_aws::store::job::JobStatus;
use efface_core::{api_error::ApiError, list, profile::RequestId, time::Time};
use efface_engine::access::Access;

use crate::{App, event::Request, path::PathValues};

/// A request that has been authenticated, with everything that its handler may need.
#[derive(Debug)]
pub(crate) struct RequestContext<'a> {
    pub(crate) app: &'a App,
    pub(crate) request: &'a Request,
    /// The values of the path's parameters.
    pub(crate) path: PathValues<'a>,
    /// The space that the token has opened, and what the token may do there.
    pub(crate) access: Arc<Access>,
    /// The body, checked by the endpoint's rule and inflated.
    pub(crate) body: Cow<'a, [u8]>,
    /// The job that the token was authorised for.
    pub(crate) job: Option<JobStatus>,
    pub(crate) id: RequestId,
    /// When the request arrived: the time of what it deletes.
    pub(crate) now: Time,
}

impl RequestContext<'_> {
    /// The job of an endpoint whose permission is [`OfJob`](crate::permission::PermissionRule::OfJob).
    pub(crate) fn job(&self) -> Result<&JobStatus, ApiError> {
        self.job.as_ref().ok_or(ApiError::Internal)
    }

    /// Rejects any query parameter.
    pub(crate) fn no_query(&self) -> Result<(), ApiError> {
        list::no_query_but(&self.request.query, &[])
    }
}
