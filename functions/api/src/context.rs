//! What is known of one request while it is handled.

use std::{borrow::Cow, sync::Arc};

use efface_core::{api_error::ApiError, id::RequestId, job::JobStatus, list, segment::Author, time::Time};
use efface_engine::{Caller, Engine, Error, access::Access, idempotency::KeyedRequest, log::Evidence};
use tokio::time::Instant;

use crate::{App, event::Request, idempotency, path::PathValues};

/// A request that has been authenticated, with everything that its handler may need.
#[derive(Debug)]
pub(crate) struct RequestContext<'a> {
    pub(crate) app: &'a App,
    pub(crate) request: &'a Request,
    /// The values of the path's parameters.
    pub(crate) path: PathValues<'a>,
    /// The space that the token has opened, and what the token may do there.
    pub(crate) access: Arc<Access>,
    /// The body, checked by the endpoint's rule and inflated; empty until the endpoint's order has come to it.
    pub(crate) body: Cow<'a, [u8]>,
    /// The job that the token was authorised for.
    pub(crate) job: Option<JobStatus>,
    pub(crate) id: RequestId,
    /// When the request arrived: the time of what it deletes.
    pub(crate) now: Time,
    /// When a list that has found something ends its page.
    pub(crate) list_until: Instant,
}

impl RequestContext<'_> {
    /// The job of an endpoint whose permission is [`OfJob`](crate::permission::PermissionRule::OfJob).
    pub(crate) fn job(&self) -> Result<&JobStatus, Error> {
        self.job.as_ref().ok_or(Error::Fault("no job was authorised"))
    }

    /// Who asks, for the use cases.
    pub(crate) fn caller(&self) -> Caller<'_> {
        Caller { access: &self.access, request: self.id, now: self.now }
    }

    /// Who changes a segment by this request. `request` is the first one with its idempotency key, where it has one.
    pub(crate) fn author(&self, request: Option<RequestId>) -> Author<'_> {
        Author { now: self.now, token_id: Some(&self.access.token_id), request }
    }

    /// The use cases.
    pub(crate) fn engine(&self) -> &Engine {
        &self.app.engine
    }

    /// The journal and the published log.
    ///
    /// # Errors
    /// [`ApiError::JournalOff`] where the deployment keeps none.
    pub(crate) fn evidence(&self) -> Result<&Evidence, ApiError> {
        self.app.evidence.as_ref().ok_or(ApiError::JournalOff)
    }

    /// The request's idempotency key with what it stands for, where it has one.
    pub(crate) fn keyed(&self) -> Result<Option<KeyedRequest<'_>>, ApiError> {
        idempotency::keyed(self.request)
    }

    /// The request that counts: this one, or the first one that was sent with its key.
    pub(crate) async fn first_request(&self) -> Result<RequestId, Error> {
        Ok(self.engine().resolve(&self.caller(), self.keyed()?).await?.0)
    }

    /// The same where the request has a key; `None` where it has none: then a repetition is a request of its own.
    pub(crate) async fn keyed_request(&self) -> Result<Option<RequestId>, Error> {
        let Some(keyed) = self.keyed()? else { return Ok(None) };
        Ok(Some(self.engine().resolve(&self.caller(), Some(keyed)).await?.0))
    }

    /// Rejects any query parameter of a path that ends with a value.
    pub(crate) fn no_query_after_value(&self) -> Result<(), ApiError> {
        list::no_query_after_value(&self.request.query)
    }

    /// Rejects any query parameter.
    pub(crate) fn no_query(&self) -> Result<(), ApiError> {
        list::no_query_but(&self.request.query, &[])
    }
}
