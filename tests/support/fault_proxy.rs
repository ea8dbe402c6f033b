//! The fault proxy: an HTTP proxy between the SDK and the table that records requests and injects faults.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, Response},
};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::{Value, json};
use tokio::{net::TcpListener, sync::Notify};

use crate::faults::Fault;

type Plan = Box<dyn FnMut(&Passed) -> Fault + Send>;

/// One request that reached the proxy, and its reply.
#[derive(Debug, Clone)]
pub struct Passed {
    /// The DynamoDB operation, such as `UpdateItem`.
    pub operation: String,
    /// Whether this is a retry by the SDK. On a busy machine a retry may be due to a timeout, so tests that count
    /// requests leave retries out.
    pub is_repeated: bool,
    /// The request's body.
    pub request: Value,
    /// The reply's body; null where the request was not carried out.
    pub reply: Value,
    /// When the request came, and when its reply was ready.
    pub span: (Instant, Instant),
}

impl Passed {
    /// Consumed read and write units: those that the store reported or, for failed conditions, those that DynamoDB
    /// charges for items of at most 1 KB.
    pub fn units(&self) -> (f64, f64) {
        let is_read = matches!(self.operation.as_str(), "GetItem" | "BatchGetItem" | "Query");
        let units = match &self.reply["ConsumedCapacity"] {
            Value::Array(many) => many.iter().filter_map(|one| one["CapacityUnits"].as_f64()).sum(),
            one => one["CapacityUnits"].as_f64().unwrap_or_default(),
        };
        let error = self.reply["__type"].as_str().unwrap_or_default();
        let units = if error.ends_with("ConditionalCheckFailedException") {
            1.0
        } else if error.ends_with("TransactionCanceledException") {
            2.0 * self.request["TransactItems"].as_array().map_or(0.0, |items| items.iter().map(|_| 1.0).sum())
        } else {
            units
        };
        if is_read { (units, 0.0) } else { (0.0, units) }
    }
}

#[derive(Default)]
struct Inner {
    passed: Vec<Passed>,
    plan: Option<Plan>,
    delay: Duration,
    /// Of each table, its settings of point-in-time backups, which the emulator does not know.
    backups: HashMap<String, Value>,
}

impl Inner {
    /// The reply to a request about backups; `None` for any other.
    fn backups(&mut self, operation: &str, request: &Value) -> Option<Value> {
        let table = request["TableName"].as_str()?.to_owned();
        match operation {
            "DescribeContinuousBackups" => {}
            "UpdateContinuousBackups" => {
                let specification = &request["PointInTimeRecoverySpecification"];
                let is_on = specification["PointInTimeRecoveryEnabled"] == true;
                let settings = json!({
                    "PointInTimeRecoveryStatus": if is_on { "ENABLED" } else { "DISABLED" },
                    "RecoveryPeriodInDays": specification["RecoveryPeriodInDays"],
                });
                self.backups.insert(table.clone(), settings);
            }
            _ => return None,
        }
        let off = json!({ "PointInTimeRecoveryStatus": "DISABLED" });
        let settings = self.backups.get(&table).cloned().unwrap_or(off);
        let description = json!({ "ContinuousBackupsStatus": "ENABLED", "PointInTimeRecoveryDescription": settings });
        Some(json!({ "ContinuousBackupsDescription": description }))
    }
}

/// What a piece of work cost.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cost {
    /// Requests, retries included.
    pub requests: usize,
    /// Round trips one after the other: requests that overlap in time count as one.
    pub round_trips: usize,
    /// Read capacity units.
    pub reads: f64,
    /// Write capacity units.
    pub writes: f64,
}

/// A running fault proxy. Copies are the same proxy.
#[derive(Clone)]
pub struct FaultProxy {
    /// The endpoint URL for the SDK.
    pub url: String,
    inner: Arc<Mutex<Inner>>,
    target: String,
    http: Client<hyper_util::client::legacy::connect::HttpConnector, Full<Bytes>>,
}

/// DynamoDB's reply to a transaction that meets another one in its first item.
fn conflict(request: &Value) -> Value {
    let parts = request["TransactItems"].as_array().map_or(0, Vec::len);
    let reason = |at| json!({ "Code": if at == 0 { "TransactionConflict" } else { "None" } });
    let reasons: Vec<Value> = (0..parts).map(reason).collect();
    let kind = "com.amazonaws.dynamodb.v20120810#TransactionCanceledException";
    json!({ "__type": kind, "Message": "injected", "CancellationReasons": reasons })
}

/// Whether a request changes the table.
pub fn is_write(passed: &Passed) -> bool {
    let reads = ["Get", "BatchGet", "Query", "Scan", "Describe", "List"];
    !reads.iter().any(|read| passed.operation.starts_with(read))
}

impl FaultProxy {
    /// Starts a proxy for the server at a URL.
    pub async fn start(target: &str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let proxy = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            inner: Arc::default(),
            target: target.to_owned(),
            http: Client::builder(TokioExecutor::new()).build_http(),
        };
        let router = Router::new().fallback(pass).with_state(proxy.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        proxy
    }

    /// From now on this function decides what happens to each request. The request's reply is not known yet.
    pub fn plan(&self, plan: impl FnMut(&Passed) -> Fault + Send + 'static) {
        self.inner.lock().unwrap().plan = Some(Box::new(plan));
    }

    /// Does some work in a process that dies after `passes` requests: all later ones are lost. If `last_is_done`, the first
    /// of the lost ones is carried out and only its reply is lost. Whether the process died before the work was done.
    pub async fn dies_after<T>(&self, passes: usize, last_is_done: bool, work: impl Future<Output = T>) -> bool {
        let cut = self.cut_after(passes, last_is_done);
        let died = tokio::select! {
            _ = work => false,
            () = cut.notified() => true,
        };
        self.heal();
        died
    }

    /// The same, counting only requests that write: what follows the last one that passes is lost from the next write on.
    pub async fn dies_after_writes<T>(&self, passes: usize, last_is_done: bool, work: impl Future<Output = T>) -> bool {
        let cut = Arc::new(Notify::new());
        let (notify, mut seen) = (Arc::clone(&cut), 0);
        self.plan(move |passed| {
            seen += usize::from(is_write(passed));
            match seen {
                _ if seen <= passes => Fault::None,
                _ if seen == passes + 1 && is_write(passed) && last_is_done => Fault::LoseReply,
                _ => {
                    notify.notify_one();
                    Fault::LoseRequest
                }
            }
        });
        let died = tokio::select! {
            _ = work => false,
            () = cut.notified() => true,
        };
        self.heal();
        died
    }

    /// Loses all requests after the first `passes`. Notifies when one was lost without being carried out.
    fn cut_after(&self, passes: usize, last_is_done: bool) -> Arc<Notify> {
        let cut = Arc::new(Notify::new());
        let notify = Arc::clone(&cut);
        let mut seen = 0;
        self.plan(move |_| {
            seen += 1;
            if seen <= passes {
                return Fault::None;
            }
            if seen == passes + 1 && last_is_done {
                return Fault::LoseReply;
            }
            notify.notify_one();
            Fault::LoseRequest
        });
        cut
    }

    /// The same, counting only requests that write: the first `passes` of them pass, and every later request is lost.
    pub fn cut_after_writes(&self, passes: usize) -> Arc<Notify> {
        let cut = Arc::new(Notify::new());
        let notify = Arc::clone(&cut);
        let mut seen = 0;
        self.plan(move |passed| {
            seen += usize::from(is_write(passed));
            if seen <= passes {
                return Fault::None;
            }
            notify.notify_one();
            Fault::LoseRequest
        });
        cut
    }

    /// Injects no more faults.
    pub fn heal(&self) {
        self.inner.lock().unwrap().plan = None;
    }

    /// From now on delays every reply.
    pub fn slow(&self, delay: Duration) {
        self.inner.lock().unwrap().delay = delay;
    }

    /// Takes the requests that were recorded since the last call.
    pub fn take(&self) -> Vec<Passed> {
        std::mem::take(&mut self.inner.lock().unwrap().passed)
    }

    /// Runs some work and returns its result and cost. Every reply is delayed by 40 ms, so that requests sent at the same
    /// time overlap and count as one round trip.
    pub async fn cost<T>(&self, work: impl Future<Output = T>) -> (T, Cost) {
        self.take();
        self.inner.lock().unwrap().delay = Duration::from_millis(40);
        let result = work.await;
        self.inner.lock().unwrap().delay = Duration::ZERO;
        let mut passed = self.take();
        passed.sort_by_key(|one| one.span.0);
        let mut cost = Cost { requests: passed.len(), round_trips: 0, reads: 0.0, writes: 0.0 };
        let mut busy_until: Option<Instant> = None;
        for one in &passed {
            if busy_until.is_none_or(|until| one.span.0 >= until) {
                cost.round_trips += 1;
            }
            busy_until = busy_until.max(Some(one.span.1));
            let (reads, writes) = one.units();
            cost.reads += reads;
            cost.writes += writes;
        }
        (result, cost)
    }
}

async fn pass(State(proxy): State<FaultProxy>, request: Request) -> Response<Body> {
    let start = Instant::now();
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let operation = parts.headers["x-amz-target"].to_str().unwrap().rsplit('.').next().unwrap().to_owned();
    let mut content: Value = serde_json::from_slice(&body).unwrap();
    content["ReturnConsumedCapacity"] = json!("TOTAL");
    let sdk = parts.headers.get("amz-sdk-request").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_repeated = !sdk.starts_with("attempt=1;");
    let mut passed = Passed { operation, is_repeated, request: content, reply: Value::Null, span: (start, start) };
    let (fault, delay) = {
        let mut inner = proxy.inner.lock().unwrap();
        let delay = inner.delay;
        (inner.plan.as_mut().map_or(Fault::None, |plan| plan(&passed)), delay)
    };
    let replacement = fault.replacement(&passed.operation, &passed.request).or_else(|| {
        let is_done = fault.error().is_none() && fault != Fault::LoseRequest;
        is_done.then(|| proxy.inner.lock().unwrap().backups(&passed.operation, &passed.request)).flatten()
    });
    let (status, headers, reply) = match fault.error() {
        None if replacement.is_some() => {
            (200, HeaderMap::new(), Bytes::from(replacement.unwrap_or_default().to_string()))
        }
        Some((status, kind)) => {
            let reply = match (fault, passed.operation.as_str()) {
                (Fault::Conflict, "TransactWriteItems") => conflict(&passed.request),
                _ => json!({ "__type": kind, "message": "injected" }),
            };
            let reply = reply.to_string().into_bytes();
            (status, HeaderMap::new(), Bytes::from(reply))
        }
        None if fault == Fault::LoseRequest => (0, HeaderMap::new(), Bytes::new()),
        None => proxy.forward(&parts.headers, &passed.request).await,
    };
    tokio::time::sleep(delay).await;
    passed.reply = serde_json::from_slice(&reply).unwrap_or_default();
    passed.span.1 = Instant::now();
    proxy.inner.lock().unwrap().passed.push(passed);
    if matches!(fault, Fault::LoseReply | Fault::LoseRequest) {
        // A body that fails makes the HTTP server close the connection.
        let broken = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut")) });
        return Response::builder().status(200).body(Body::from_stream(broken)).unwrap();
    }
    let mut response = Response::builder().status(status).body(Body::from(reply)).unwrap();
    *response.headers_mut() = headers;
    response
}

impl FaultProxy {
    async fn forward(&self, headers: &HeaderMap, content: &Value) -> (u16, HeaderMap, Bytes) {
        let mut request = axum::http::Request::post(&self.target);
        for (name, value) in headers {
            if name != "content-length" && name != "host" {
                request = request.header(name, value);
            }
        }
        let request = request.body(Full::new(Bytes::from(content.to_string()))).unwrap();
        let reply = self.http.request(request).await.unwrap();
        let status = reply.status().as_u16();
        let mut headers = reply.headers().clone();
        headers.remove("content-length");
        headers.remove("transfer-encoding");
        (status, headers, reply.into_body().collect().await.unwrap().to_bytes())
    }
}
