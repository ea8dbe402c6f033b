//! The Lambda Runtime API for one process of a function.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use axum::{
    Router,
    extract::{Path, State},
    http::{Response, StatusCode},
    routing::{get, post},
};
use serde_json::{Value, json};
use tokio::{net::TcpListener, task::JoinHandle};

use crate::queue::{Delivery, FaultyQueue};

/// The timeout of the worker's invocations.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(22);
/// The timeout of the reconciler's invocations.
const RECONCILER_TIMEOUT: Duration = Duration::from_mins(1);
/// The least time between two invocations of the reconciler.
const RECONCILER_INTERVAL: Duration = Duration::from_secs(5);

/// The function that a process runs; workers are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Worker(usize),
    Reconciler,
}

/// Invocations of all processes so far, and the errors that they reported.
#[derive(Debug, Default)]
pub(crate) struct Invocations {
    pub(crate) total: AtomicU64,
    pub(crate) errors: Mutex<Vec<String>>,
}

/// The Runtime API for one process.
#[derive(Debug)]
pub(crate) struct Runtime {
    role: Role,
    queue: FaultyQueue,
    invocations: Arc<Invocations>,
    state: Mutex<ProcessState>,
}

#[derive(Debug, Default)]
struct ProcessState {
    is_dead: bool,
    current: Option<Invocation>,
    last_start: Option<Instant>,
    number: u64,
}

#[derive(Debug)]
struct Invocation {
    id: String,
    batch: Vec<Delivery>,
    started: Instant,
}

impl Runtime {
    /// Serves the API for one process. Returns it with its address.
    pub(crate) async fn start(
        role: Role,
        queue: FaultyQueue,
        invocations: Arc<Invocations>,
    ) -> (Arc<Self>, String, JoinHandle<()>) {
        let runtime = Arc::new(Self { role, queue, invocations, state: Mutex::default() });
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let router = Router::new()
            .route("/2018-06-01/runtime/invocation/next", get(next))
            .route("/2018-06-01/runtime/invocation/{id}/response", post(response))
            .route("/2018-06-01/runtime/invocation/{id}/error", post(error))
            .route("/2018-06-01/runtime/init/error", post(init_error))
            .with_state(Arc::clone(&runtime));
        let server = tokio::spawn(async move { drop(axum::serve(listener, router).await) });
        (runtime, address, server)
    }

    /// How long the current invocation has been running, if there is one.
    pub(crate) fn busy(&self) -> Option<Duration> {
        self.state.lock().unwrap().current.as_ref().map(|current| current.started.elapsed())
    }

    /// The process is dead: the messages of its invocation fail.
    pub(crate) fn end(&self) {
        let mut state = self.state.lock().unwrap();
        state.is_dead = true;
        for delivery in state.current.take().map(|current| current.batch).unwrap_or_default() {
            self.queue.fail(&delivery);
        }
    }

    /// Starts an invocation if there are messages, or the reconciler's interval has passed. Returns its id and event.
    fn start_invocation(&self) -> Option<(String, Value)> {
        let mut state = self.state.lock().unwrap();
        if state.is_dead {
            return None;
        }
        let (batch, event) = match self.role {
            Role::Worker(number) => {
                let batch = self.queue.receive(number);
                if batch.is_empty() {
                    return None;
                }
                let event = batch.iter().map(record).collect::<Vec<_>>();
                (batch, json!({ "Records": event }))
            }
            Role::Reconciler => {
                if state.last_start.is_some_and(|start| start.elapsed() < RECONCILER_INTERVAL) {
                    return None;
                }
                state.last_start = Some(Instant::now());
                (Vec::new(), json!({}))
            }
        };
        state.number += 1;
        let id = format!("{:?}-{}", self.role, state.number).replace(['(', ')'], "-");
        state.current = Some(Invocation { id: id.clone(), batch, started: Instant::now() });
        self.invocations.total.fetch_add(1, Ordering::Relaxed);
        Some((id, event))
    }

    /// Ends an invocation. Messages that failed are delivered again; the others are acknowledged.
    fn finish(&self, id: &str, has_failed: impl Fn(&str) -> bool) {
        let mut state = self.state.lock().unwrap();
        let Some(current) = state.current.take_if(|current| current.id == id) else { return };
        for delivery in current.batch {
            if has_failed(&delivery.id.to_string()) {
                self.queue.fail(&delivery);
            } else {
                self.queue.acknowledge(&delivery);
            }
        }
    }

    fn record_error(&self, what: &str, body: &str) {
        self.invocations.errors.lock().unwrap().push(format!("{:?}: {what}: {body}", self.role));
    }
}

fn record(delivery: &Delivery) -> Value {
    json!({
        "messageId": delivery.id.to_string(), "receiptHandle": "handle", "body": delivery.body, "attributes": {},
        "messageAttributes": {}, "eventSource": "aws:sqs", "awsRegion": "us-east-1",
        "eventSourceARN": "arn:aws:sqs:us-east-1:000000000000:jobs",
    })
}

async fn next(State(runtime): State<Arc<Runtime>>) -> Response<String> {
    let (id, event) = loop {
        if let Some(started) = runtime.start_invocation() {
            break started;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let timeout = if runtime.role == Role::Reconciler { RECONCILER_TIMEOUT } else { TIMEOUT };
    let end = SystemTime::now() + timeout;
    Response::builder()
        .header("lambda-runtime-aws-request-id", id)
        .header("lambda-runtime-deadline-ms", end.duration_since(UNIX_EPOCH).unwrap().as_millis().to_string())
        .header("lambda-runtime-invoked-function-arn", "arn:aws:lambda:us-east-1:000000000000:function:soak")
        .header("lambda-runtime-trace-id", "Root=1-00000000-000000000000000000000000;Sampled=0")
        .header("content-type", "application/json")
        .body(event.to_string())
        .unwrap()
}

async fn response(State(runtime): State<Arc<Runtime>>, Path(id): Path<String>, body: String) -> StatusCode {
    let response: Value = serde_json::from_str(&body).unwrap_or_default();
    let failures = response["batchItemFailures"].as_array().cloned().unwrap_or_default();
    runtime.finish(&id, |message| failures.iter().any(|failure| failure["itemIdentifier"] == message));
    StatusCode::ACCEPTED
}

async fn error(State(runtime): State<Arc<Runtime>>, Path(id): Path<String>, body: String) -> StatusCode {
    runtime.record_error("an invocation has failed", &body);
    runtime.finish(&id, |_| true);
    StatusCode::ACCEPTED
}

async fn init_error(State(runtime): State<Arc<Runtime>>, body: String) -> StatusCode {
    runtime.record_error("a process could not start", &body);
    StatusCode::ACCEPTED
}
