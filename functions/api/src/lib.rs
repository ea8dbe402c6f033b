//! The HTTP function. An [`event`] becomes a request, the router finds its [`endpoint`], and the pipeline carries it
//! out as the endpoint declares. `response` maps decisions to HTTP.

mod auth;
mod body;
mod context;
mod cursor;
pub mod endpoint;
pub mod event;
mod idempotency;
pub mod openapi;
mod path;
mod permission;
mod pipeline;
mod response;
mod route;
mod routes;
mod schema;

use std::{panic::AssertUnwindSafe, time::Instant};

use efface_aws::{
    Store,
    clock::{self, Clock},
    queue::Queue,
};
use efface_core::{api_error::ApiError, id::RequestId, job::plan::Pricing, key::MasterKey, time::Time};
use efface_engine::{Engine, Error, access::AccessCache};
use futures::FutureExt;
use serde_json::Value;
use tokio::time::timeout;

use crate::{
    event::{EventSource, HttpEvent, Request},
    pipeline::Run,
    response::Response,
    route::Route,
};

pub use crate::{
    body::{BodyLimits, BodyRule},
    permission::PermissionRule,
    pipeline::Endpoint,
    response::Success,
    routes::ENDPOINTS,
};

/// What every request uses. There is one for the life of a process.
#[derive(Debug)]
pub struct App {
    store: Store,
    access: AccessCache,
    engine: Engine,
    clock: Clock,
    source: EventSource,
}

impl App {
    /// An app on a store and the queue of its jobs, with the key that identifiers are hashed with.
    pub fn new(store: Store, queue: Queue, master: MasterKey, clock: Clock, source: EventSource) -> Self {
        let engine = Engine::new(store.clone(), queue, clock.clone());
        Self { store, access: AccessCache::new(master), engine, clock, source }
    }

    /// The same with a deployment's own prices.
    #[must_use]
    pub fn with_pricing(self, pricing: Pricing) -> Self {
        Self { engine: self.engine.with_pricing(pricing), ..self }
    }

    /// Responds to one event. It never fails: a panic is a 500 and does not affect other requests.
    pub async fn handle(&self, event: HttpEvent) -> Value {
        let started = Instant::now();
        let now = self.clock.now();
        let id = clock::request_id(now);
        let format = event.format();
        let mut log = LogLine::default();
        let work = Box::pin(self.respond(event, id, now, &mut log));
        let response = AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Err(ApiError::Internal.into()));
        let response = response.unwrap_or_else(|error| Response::of(&id, error));
        log.write(&id, &response, started);
        response.into_event(&id, format)
    }

    async fn respond(&self, event: HttpEvent, id: RequestId, now: Time, log: &mut LogLine) -> Result<Response, Error> {
        let request = event.open(self.source)?;
        let route = Route::find(&request.method, &request.path)?;
        let spec = &route.endpoint.spec;
        log.route = Some(spec.path);
        // When the time is up, effects may still happen. A repetition with the same Idempotency-Key finds out.
        let work = self.carry_out(&request, &route, id, now, log);
        timeout(spec.time, work).await.unwrap_or(Err(ApiError::Unavailable.into()))
    }

    async fn carry_out(
        &self,
        request: &Request,
        route: &Route<'_>,
        id: RequestId,
        now: Time,
        log: &mut LogLine,
    ) -> Result<Response, Error> {
        let run = match route.endpoint.run {
            Run::Open(respond) => return respond(request),
            Run::Authenticated(run) => run,
        };
        let access = auth::authenticate(self, request, &route.path, now).await?;
        if let Some(access) = &access {
            log.space_id = Some(access.space_id.to_string());
            log.token_id = Some(access.token_id.to_string());
        }
        let mut cx = pipeline::admit(self, &route.endpoint.spec, route.path, request, access, id, now)?;
        run(&mut cx).await
    }
}

/// The line that each request leaves in the log. It has no path, query, body or header, because they are personal data.
#[derive(Default)]
struct LogLine {
    route: Option<&'static str>,
    space_id: Option<String>,
    token_id: Option<String>,
}

impl LogLine {
    fn write(&self, id: &RequestId, response: &Response, started: Instant) {
        tracing::info!(
            request_id = %id,
            route = self.route,
            space_id = self.space_id,
            token_id = self.token_id,
            status = response.status(),
            code = response.code(),
            duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX),
            "request"
        );
    }
}
