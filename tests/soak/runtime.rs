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

use crate::{
    queue::{Delivery, FaultyQueue},
    stream::Tape,
};

/// The timeout of invocations, but for the reconciler's.
pub(crate) const TIMEOUT: Duration = Duration::from_secs(22);
/// The timeout of the reconciler's invocations.
const RECONCILER_TIMEOUT: Duration = Duration::from_mins(1);
/// The least time between two invocations by a schedule.
const INTERVAL: Duration = Duration::from_secs(5);

/// The function that a process runs; those that run more than once are numbered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    Worker(usize),
    Reconciler,
    Capture(usize),
    Publisher(usize),
}

/// What invokes the function of a process.
#[derive(Clone, Default)]
pub(crate) struct Source {
    /// A queue, with the number of its receiver.
    pub(crate) queue: Option<(FaultyQueue, usize)>,
    /// The stream, with the number of its consumer.
    pub(crate) stream: Option<(Tape, usize)>,
    pub(crate) has_schedule: bool,
}

/// What an invocation was given.
#[derive(Debug)]
enum Work {
    Messages(Vec<Delivery>),
    Records,
    Schedule,
}

/// Invocations of all processes so far, and the errors that they reported.
#[derive(Debug, Default)]
pub(crate) struct Invocations {
    pub(crate) total: AtomicU64,
    pub(crate) errors: Mutex<Vec<String>>,
}

/// The Runtime API for one process.
pub(crate) struct Runtime {
    role: Role,
    source: Source,
    invocations: Arc<Invocations>,
    state: Mutex<ProcessState>,
}

#[derive(Debug, Default)]
struct ProcessState {
    is_dead: bool,
    current: Option<Invocation>,
    scheduled: Option<Instant>,
    number: u64,
}

#[derive(Debug)]
struct Invocation {
    id: String,
    work: Work,
    started: Instant,
}

impl Runtime {
    /// Serves the API for one process. Returns it with its address.
    pub(crate) async fn start(
        role: Role,
        source: Source,
        invocations: Arc<Invocations>,
    ) -> (Arc<Self>, String, JoinHandle<()>) {
        let runtime = Arc::new(Self { role, source, invocations, state: Mutex::default() });
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

    /// The process is dead: what its invocation was given fails.
    pub(crate) fn end(&self) {
        let mut state = self.state.lock().unwrap();
        state.is_dead = true;
        if let Some(current) = state.current.take() {
            self.finish_work(current.work, &|_| true);
        }
    }

    /// Starts an invocation if there is something to do. Returns its id and event.
    fn start_invocation(&self) -> Option<(String, Value)> {
        let mut state = self.state.lock().unwrap();
        if state.is_dead {
            return None;
        }
        let (work, event) = self.next_work(&mut state)?;
        state.number += 1;
        let id = format!("{:?}-{}", self.role, state.number).replace(['(', ')'], "-");
        state.current = Some(Invocation { id: id.clone(), work, started: Instant::now() });
        self.invocations.total.fetch_add(1, Ordering::Relaxed);
        Some((id, event))
    }

    fn next_work(&self, state: &mut ProcessState) -> Option<(Work, Value)> {
        let Source { queue, stream, has_schedule } = &self.source;
        if *has_schedule && state.scheduled.is_none_or(|last| last.elapsed() > INTERVAL) {
            state.scheduled = Some(Instant::now());
            return Some((Work::Schedule, json!({})));
        }
        if let Some(event) = stream.as_ref().and_then(|(stream, consumer)| stream.next(*consumer)) {
            return Some((Work::Records, event));
        }
        let (queue, receiver) = queue.as_ref()?;
        let batch = queue.receive(*receiver);
        let records: Vec<Value> = batch.iter().map(record).collect();
        (!batch.is_empty()).then(|| (Work::Messages(batch), json!({ "Records": records })))
    }

    /// Ends an invocation. What failed is handed over again.
    fn finish(&self, id: &str, has_failed: &dyn Fn(&str) -> bool) {
        let current = self.state.lock().unwrap().current.take_if(|current| current.id == id);
        if let Some(current) = current {
            self.finish_work(current.work, has_failed);
        }
    }

    fn finish_work(&self, work: Work, has_failed: &dyn Fn(&str) -> bool) {
        match (work, &self.source) {
            (Work::Messages(batch), Source { queue: Some((queue, _)), .. }) => {
                for delivery in batch {
                    if has_failed(&delivery.id.to_string()) {
                        queue.fail(&delivery);
                    } else {
                        queue.acknowledge(&delivery);
                    }
                }
            }
            (Work::Records, Source { stream: Some((stream, consumer)), .. }) => stream.end(*consumer, !has_failed("")),
            _ => {}
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
    runtime.finish(&id, &|message| failures.iter().any(|failure| failure["itemIdentifier"] == message));
    StatusCode::ACCEPTED
}

async fn error(State(runtime): State<Arc<Runtime>>, Path(id): Path<String>, body: String) -> StatusCode {
    // A batch of the stream fails as a whole where a request of it has failed too often. It comes again.
    if !matches!(runtime.role, Role::Capture(_)) {
        runtime.record_error("an invocation has failed", &body);
    }
    runtime.finish(&id, &|_| true);
    StatusCode::ACCEPTED
}

async fn init_error(State(runtime): State<Arc<Runtime>>, body: String) -> StatusCode {
    runtime.record_error("a process could not start", &body);
    StatusCode::ACCEPTED
}
