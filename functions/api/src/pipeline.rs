//! The way of every request: authenticate, check the body, parse, check the role, the space, its limit and the job, run.
//!
//! The order is that of the contract (`docs/api.md`), and what is checked comes from the endpoint's [`Spec`]: a handler
//! cannot forget a check, and has no effect before all of them. A body that may be compressed is the exception to the
//! order: it is inflated and parsed last, so that only a token which may send it can have that much work done.

use std::{borrow::Cow, future::Future, sync::Arc};

use efface_core::{
    api_error::ApiError,
    id::RequestId,
    job::Action,
    limit::{Limit, Quota},
    space::SourceState,
    time::Time,
};
use efface_engine::{Error, access::Access};
use futures::future::BoxFuture;
use tokio::time::Instant;

use crate::{
    App,
    context::RequestContext,
    endpoint::{Docs, Spec},
    event::Request,
    path::PathValues,
    permission::{self, PermissionRule},
    response::Response,
};

/// An endpoint that needs a token.
pub(crate) trait Handler {
    /// The declaration.
    const SPEC: Spec;

    /// Its documentation.
    const DOCS: Docs;

    /// What a valid request asks for.
    type Request: Send;

    /// Reads the request. The 400s of the endpoint come from here, in the order of the contract; it has no effects.
    fn parse(cx: &RequestContext<'_>) -> Result<Self::Request, ApiError>;

    /// The action that decides the permission, where the declaration says [`PermissionRule::OfAction`].
    fn action(_request: &Self::Request) -> Option<Action> {
        None
    }

    /// Whether the request asks only for jobs that its own token made, where the declaration says
    /// [`PermissionRule::OfJobs`].
    fn asks_for_own_jobs(_request: &Self::Request) -> bool {
        false
    }

    /// The limit that the request counts against.
    fn limit(_request: &Self::Request) -> Option<Limit> {
        Self::SPEC.limit
    }

    /// Does what is asked for.
    fn run(cx: &RequestContext<'_>, request: Self::Request) -> impl Future<Output = Result<Response, Error>> + Send;
}

/// An endpoint that everybody may ask.
pub(crate) trait OpenHandler {
    /// The declaration.
    const SPEC: Spec;

    /// Its documentation.
    const DOCS: Docs;

    /// Responds without a request to the store.
    fn respond(request: &Request) -> Result<Response, Error>;
}

/// A declaration with its handler: an entry of the table of endpoints.
#[derive(Debug)]
pub struct Endpoint {
    /// The declaration.
    pub spec: Spec,
    pub(crate) run: Run,
}

/// How an endpoint is run.
#[derive(Debug)]
pub(crate) enum Run {
    /// Without a token.
    Open(fn(&Request) -> Result<Response, Error>),
    /// From parsing to the response.
    Authenticated(for<'a, 'b> fn(&'a mut RequestContext<'b>) -> BoxFuture<'a, Result<Response, Error>>),
}

impl Endpoint {
    /// The entry of a handler.
    pub(crate) const fn of<H: Handler + 'static>() -> Self {
        const { assert!(!matches!(H::SPEC.permission, PermissionRule::Open), "an open endpoint has an OpenHandler") };
        Self { spec: H::SPEC, run: Run::Authenticated(|cx| Box::pin(carry_out::<H>(cx))) }
    }

    /// The entry of a handler that needs no token.
    pub(crate) const fn open<H: OpenHandler>() -> Self {
        const { assert!(matches!(H::SPEC.permission, PermissionRule::Open), "this endpoint needs a token") };
        Self { spec: H::SPEC, run: Run::Open(H::respond) }
    }
}

/// Checks the body of a request that has been authenticated, as it was sent. A space that the path leaves empty comes
/// after its size and type (contract).
pub(crate) fn admit<'a>(
    app: &'a App,
    spec: &Spec,
    path: PathValues<'a>,
    request: &'a Request,
    access: Option<Arc<Access>>,
    id: RequestId,
    now: Time,
) -> Result<RequestContext<'a>, ApiError> {
    spec.body.check(request)?;
    let access = access.ok_or(ApiError::MissingUrlParameters)?;
    let list_until = Instant::now() + app.list_time;
    Ok(RequestContext { app, request, path, access, body: Cow::Borrowed(&[]), job: None, id, now, list_until })
}

async fn carry_out<H: Handler>(cx: &mut RequestContext<'_>) -> Result<Response, Error> {
    let body = H::SPEC.body;
    let mut quota = None;
    if body.is_compressible() {
        permit(cx, &H::SPEC).await?;
        if let PermissionRule::OfJob { .. } = H::SPEC.permission {
            quota = count_and_find_job(cx, H::SPEC.permission, H::SPEC.limit).await?;
        }
    }
    cx.body = body.read(cx.request)?;
    let request = H::parse(cx)?;
    if !body.is_compressible() {
        permit(cx, &H::SPEC).await?;
    }
    permission::check_jobs(&cx.access, H::SPEC.permission, H::asks_for_own_jobs(&request))?;
    if let Some(action) = H::action(&request) {
        permission::check_action(&cx.access, action)?;
    }
    if cx.job.is_none() {
        quota = count_and_find_job(cx, H::SPEC.permission, H::limit(&request)).await?;
    }
    // After the limits: a request over a limit costs nothing.
    if H::SPEC.checks_stop() {
        cx.engine().check_stop(&cx.access.space_id).await?;
    }
    Ok(H::run(cx, request).await?.with_quotas(quota))
}

/// Counts the request against its limit, and returns what is left of that; then finds the job that the path names, where
/// the token may do with it what is asked for. A request over the limit reads nothing.
async fn count_and_find_job(
    cx: &mut RequestContext<'_>,
    rule: PermissionRule,
    limit: Option<Limit>,
) -> Result<Option<Quota>, Error> {
    let quota = match limit {
        Some(limit) => Some(cx.engine().admit(&cx.caller(), limit).await?),
        None => None,
    };
    if let PermissionRule::OfJob { control } = rule {
        cx.job = Some(permission::find_job(cx, control).await?);
    }
    Ok(quota)
}

/// Rejects a token whose role may not do what is asked for, and what may delete where the space has switched deletions off
/// or its source is detached.
async fn permit(cx: &RequestContext<'_>, spec: &Spec) -> Result<(), Error> {
    permission::check_role(&cx.access, spec.permission)?;
    let (app, space) = (cx.app, &cx.access.space_id);
    if !spec.deletes {
        return Ok(());
    }
    if !cx.access.space.activated {
        return Err(ApiError::NotActivated(space.clone()).into());
    }
    if cx.access.is_stopped && !spec.checks_stop() {
        return Err(ApiError::NotActivated(space.clone()).into());
    }
    match app.access.source_state(&app.store, &cx.access, cx.now).await? {
        SourceState::Attached => Ok(()),
        SourceState::Detached => Err(ApiError::NoSource(space.clone()).into()),
    }
}
