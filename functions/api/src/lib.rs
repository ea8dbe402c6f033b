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

use std::{
    panic::AssertUnwindSafe,
    time::{Duration, Instant},
};

use efface_aws::{
    Journal, Store,
    clock::{self, Clock},
    log_queue::LogQueue,
    log_store::LogStore,
    metrics::{self, Meter},
    queue::Queue,
};
use efface_core::{api_error::ApiError, id::RequestId, job::plan::Pricing, key::MasterKey, log::LogKey, time::Time};
use efface_engine::{Engine, Error, access::AccessCache, log::Evidence};
use futures::FutureExt;
use serde_json::Value;
use tokio::time::timeout;
use tracing::{Instrument, Span, error_span, field::Empty};

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

/// The secrets that the function holds.
#[derive(Debug)]
pub struct Keys {
    /// The key that identifiers are hashed with.
    pub identifiers: MasterKey,
    /// The key that receipts are made with. It is not compared with the table's check value. A wrong one is noticed
    /// when a receipt is asked for: what it makes does not fit the commitment. Nothing else of the function needs it.
    pub log: LogKey,
}

/// What every request uses. There is one for the life of a process.
#[derive(Debug)]
pub struct App {
    store: Store,
    access: AccessCache,
    log_key: LogKey,
    /// None where the deployment keeps no journal.
    evidence: Option<Evidence>,
    engine: Engine,
    clock: Clock,
    source: EventSource,
    list_time: Duration,
    meter: Meter,
}

/// After so long a list ends its page with what it has found.
const LIST_TIME: Duration = Duration::from_secs(2);

impl App {
    /// An app on a store and the queue of its jobs.
    pub fn new(store: Store, queue: Queue, keys: Keys, clock: Clock, source: EventSource) -> Self {
        let engine = Engine::new(store.clone(), queue, clock.clone());
        Self {
            store,
            access: AccessCache::new(keys.identifiers),
            log_key: keys.log,
            evidence: None,
            engine,
            clock,
            source,
            list_time: LIST_TIME,
            meter: Meter::off(),
        }
    }

    /// The same in a deployment that keeps a journal: with its table, the files of the logs, and the queue that hastens their
    /// publisher. Without, the endpoints of the audit log respond that there is none.
    #[must_use]
    pub fn with_journal(self, journal: Journal, files: LogStore, publisher: LogQueue) -> Self {
        let evidence = Evidence::new(journal, files, publisher, self.log_key.clone());
        Self { evidence: Some(evidence), ..self }
    }

    /// The same with another time for lists, after which they end their page with what they have found.
    #[must_use]
    pub fn with_list_time(self, list_time: Duration) -> Self {
        Self { list_time, ..self }
    }

    /// The same with a deployment's own prices.
    #[must_use]
    pub fn with_pricing(self, pricing: Pricing) -> Self {
        Self { engine: self.engine.with_pricing(pricing), ..self }
    }

    /// The same with a meter of its invocations.
    #[must_use]
    pub fn with_meter(self, meter: Meter) -> Self {
        Self { meter, ..self }
    }

    /// Responds to one event. It never fails: a panic is a 500 and does not affect other requests.
    ///
    /// Every line that it logs has the request's id, and what is known of the request by then. Paths, queries, bodies and
    /// headers are personal data and are not logged. The span has the level of errors, because a span below the log's level
    /// would be left out.
    pub async fn handle(&self, event: HttpEvent) -> Value {
        let now = self.clock.now();
        let id = clock::request_id(now);
        let span = error_span!("request", request_id = %id, route = Empty, space_id = Empty, token_id = Empty);
        self.meter.measure(self.respond(event, id, now).instrument(span)).await
    }

    async fn respond(&self, event: HttpEvent, id: RequestId, now: Time) -> Value {
        let started = Instant::now();
        let (format, is_head) = (event.format(), event.method() == "HEAD");
        let work = Box::pin(self.carry_out(event, id, now));
        // The line of the panic itself is its cause.
        let response = AssertUnwindSafe(work).catch_unwind().await.unwrap_or(Ok(ApiError::Internal.into()));
        let response = response.unwrap_or_else(Response::of);
        let duration_ms = u64::try_from(started.elapsed().as_millis()).unwrap_or(u64::MAX);
        metrics::response(response.status());
        tracing::info!(status = response.status(), code = response.code(), duration_ms, "request");
        response.into_event(&id, format, is_head)
    }

    async fn carry_out(&self, event: HttpEvent, id: RequestId, now: Time) -> Result<Response, Error> {
        let request = event.open(self.source)?;
        let route = Route::find(&request.method, &request.path, !request.query.is_empty())?;
        let spec = &route.endpoint.spec;
        Span::current().record("route", spec.path);
        let work = self.run(&request, &route, id, now);
        timeout(spec.time, work).await.unwrap_or_else(|_| {
            // Effects may still happen. A repetition with the same Idempotency-Key finds out.
            tracing::warn!("the time is up");
            Err(ApiError::Unavailable.into())
        })
    }

    async fn run(&self, request: &Request, route: &Route<'_>, id: RequestId, now: Time) -> Result<Response, Error> {
        let run = match route.endpoint.run {
            Run::Open(respond) => return respond(request),
            Run::Authenticated(run) => run,
        };
        let access = auth::authenticate(self, request, &route.path, now).await?;
        if let Some(access) = &access {
            Span::current().record("space_id", access.space_id.as_str()).record("token_id", access.token_id.as_str());
        }
        let keep_use = async {
            if let Some(access) = &access {
                self.access.keep_use(&self.store, access, now).await;
            }
        };
        let work = async {
            let mut cx = pipeline::admit(self, &route.endpoint.spec, route.path, request, access.clone(), id, now)?;
            run(&mut cx).await
        };
        futures::join!(work, keep_use).0
    }
}
