//! The HTTP function. An event comes in through a [`door`], finds its [`route`], is authenticated, and one file under
//! [`routes`] does what it asks; `answer` is the one place where decisions become HTTP.

mod auth;
pub mod event;
pub mod openapi;
pub mod response;
pub mod route;
pub mod routes;

use std::{panic::AssertUnwindSafe, time::Instant};

use efface_aws::{
    Store,
    clock::{self, Clock},
    queue::Queue,
};
use efface_core::{api_error::ApiError, key::MasterKey, profile::RequestId, time::Time};
use efface_engine::{Engine, access::AccessCache, limiter::Limiter};
use futures::FutureExt;
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    event::{EventSource, HttpEvent, Request},
    response::Response,
    route::{Endpoint, Route},
    routes::jobs,
};

/// What every request uses. One for the life of a process.
#[derive(Debug)]
pub struct App {
    store: Store,
    access: AccessCache,
    limiter: Limiter,
    engine: Engine,
    clock: Clock,
    door: EventSource,
}

/// What is known of one request while it is handled.
#[derive(Debug)]
pub(crate) struct RequestContext<'a> {
    pub(crate) app: &'a App,
    pub(crate) request: &'a Request,
    pub(crate) id: RequestId,
    /// When it came, which is the time that a deletion bears.
    pub(crate) now: Time,
}

impl App {
    /// An app on a store and the queue of its jobs, with the site's identifier key.
    pub fn new(store: Store, queue: Queue, master: MasterKey, clock: Clock, door: EventSource) -> Self {
        let engine = Engine::new(store.clone(), queue, clock.clone());
        Self { store, access: AccessCache::new(master), limiter: Limiter::default(), engine, clock, door }
    }

    /// Answers one event. It never fails: a panic is a 500, and its neighbours do not notice.
    pub async fn handle(&self, event: HttpEvent) -> Value {
        let started = Instant::now();
        let now = self.clock.now();
        let id = clock::request_id(now);
        let format = event.format();
        let mut log = LogLine::default();
        let work = Box::pin(self.answer(event, &id, now, &mut log));
        let answer = AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Err(ApiError::Internal));
        let answer = answer.unwrap_or_else(Response::from);
        log.write(&id, &answer, started);
        answer.into_event(&id, format)
    }

    async fn answer(
        &self,
        event: HttpEvent,
        id: &RequestId,
        now: Time,
        log: &mut LogLine,
    ) -> Result<Response, ApiError> {
        let request = event.open(self.door)?;
        let route = Route::find(&request.method, &request.path)?;
        log.route = Some(route.endpoint.template());
        if route.endpoint == Endpoint::Health {
            return routes::health::get(&request);
        }
        let call = RequestContext { app: self, request: &request, id: id.clone(), now };
        // What was under way may still happen: the key of the request finds out.
        timeout(route.endpoint.time(), self.carry_out(&call, &route, log)).await.unwrap_or(Err(ApiError::Unavailable))
    }

    async fn carry_out(
        &self,
        call: &RequestContext<'_>,
        route: &Route<'_>,
        log: &mut LogLine,
    ) -> Result<Response, ApiError> {
        let access = auth::authenticate(call, route).await?;
        log.space_id = Some(access.space_id.to_string());
        log.token_id = Some(access.token_id.clone());
        match route.endpoint {
            Endpoint::DeleteIdentifier => routes::delete_identifier::post(call, &access, route).await,
            Endpoint::ListExternalIds => routes::external_ids::get(call, &access, route).await,
            Endpoint::ListTraits => routes::traits::get(call, &access, route).await,
            Endpoint::ReadMetadata => routes::metadata::get(call, &access, route).await,
            Endpoint::ReadDeletion => routes::deletions::get(call, &access, route).await,
            Endpoint::DeleteProfile => Box::pin(routes::delete_profile::delete(call, &access, route)).await,
            Endpoint::BulkDelete => Box::pin(jobs::bulk_delete::post(call, &access)).await,
            Endpoint::CreateJob => Box::pin(jobs::create::post(call, &access)).await,
            Endpoint::ListJobs => Box::pin(jobs::list_jobs::get(call, &access)).await,
            Endpoint::ReadJob => jobs::read::get(call, &access, route).await,
            Endpoint::AddRows => Box::pin(jobs::rows::post(call, &access, route)).await,
            Endpoint::ControlJob(control) => Box::pin(jobs::control::post(call, &access, route, control)).await,
            Endpoint::ListOutcomes => Box::pin(jobs::outcomes::get(call, &access, route)).await,
            Endpoint::Health => routes::health::get(call.request),
        }
    }
}

/// The one line that a request leaves in the log. It holds no path, query, body or header: they are personal.
#[derive(Default)]
struct LogLine {
    route: Option<&'static str>,
    space_id: Option<String>,
    token_id: Option<String>,
}

impl LogLine {
    fn write(&self, id: &RequestId, answer: &Response, started: Instant) {
        tracing::info!(
            request_id = %id,
            route = self.route,
            space_id = self.space_id,
            token_id = self.token_id,
            status = answer.status(),
            code = answer.code(),
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "request"
        );
    }
}
