//! An S3 in memory, as far as the log's files need it, for the real SDK over HTTP: conditional writes, checksums, versions,
//! and errors in the form of S3. Tests can look at its objects, change them, record its requests and inject faults.

use std::{
    collections::BTreeMap,
    sync::{Arc, Mutex, MutexGuard},
    time::Duration,
};

use aws_sdk_s3::primitives::{DateTime, DateTimeFormat};
use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Request, State},
    http::{HeaderMap, HeaderValue, Method, Response},
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use efface_core::time::Time;
use http_body_util::BodyExt;
use sha2::{Digest, Sha256};
use tokio::{net::TcpListener, sync::Notify};

use crate::faults::Fault;

/// One request: the method, and bucket and key (of a list, bucket and prefix) with a slash between.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct ObjectRequest {
    /// The method, or `LIST`.
    pub method: String,
    /// Bucket and key.
    pub path: String,
}

impl ObjectRequest {
    /// Whether it changes an object.
    pub fn is_write(&self) -> bool {
        ["PUT", "DELETE"].contains(&self.method.as_str())
    }
}

/// An object as it was stored: `None` is a delete marker.
type Stored = Option<(Vec<u8>, Time)>;
type Plan = Box<dyn FnMut(&ObjectRequest) -> Fault + Send>;
type Wanted = Box<dyn Fn(&ObjectRequest) -> bool + Send>;

#[derive(Default)]
struct Inner {
    objects: BTreeMap<String, Vec<Stored>>,
    requests: Vec<ObjectRequest>,
    plan: Option<Plan>,
    hold: Option<(Wanted, Held)>,
    most_delay: Duration,
    page: Option<usize>,
}

/// A request that is held back.
#[derive(Debug, Clone, Default)]
pub struct Held {
    arrived: Arc<Notify>,
    released: Arc<Notify>,
}

impl Held {
    /// Waits until the request is there.
    pub async fn arrived(&self) {
        self.arrived.notified().await;
    }

    /// Lets it go on.
    pub fn release(&self) {
        self.released.notify_one();
    }
}

/// An S3 in memory. Copies are the same.
#[derive(Clone)]
pub struct TestObjects {
    /// The endpoint URL for the SDK.
    pub url: String,
    now: Arc<dyn Fn() -> Time + Send + Sync>,
    inner: Arc<Mutex<Inner>>,
}

impl TestObjects {
    /// Starts one without objects, whose clock is this one. It stores times in whole seconds, as S3 does.
    pub async fn start(now: impl Fn() -> Time + Send + Sync + 'static) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let this = Self { url, now: Arc::new(now), inner: Arc::default() };
        let router = Router::new().fallback(respond).with_state(this.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        this
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap()
    }

    /// All objects, by bucket and key.
    pub fn all(&self) -> BTreeMap<String, Vec<u8>> {
        let current = |(path, versions): (&String, &Vec<Stored>)| {
            let (bytes, _) = versions.last()?.as_ref()?;
            Some((path.clone(), bytes.clone()))
        };
        self.lock().objects.iter().filter_map(current).collect()
    }

    /// The versions of an object, the oldest first; a delete marker is `None`.
    pub fn versions(&self, path: &str) -> Vec<Option<Vec<u8>>> {
        let versions = self.lock().objects.get(path).cloned().unwrap_or_default();
        versions.into_iter().map(|version| version.map(|(bytes, _)| bytes)).collect()
    }

    /// Replaces all objects, as if each had been stored now.
    pub fn set(&self, objects: &BTreeMap<String, Vec<u8>>) {
        let now = (self.now)();
        let stored = |(path, bytes): (&String, &Vec<u8>)| (path.clone(), vec![Some((bytes.clone(), now))]);
        self.lock().objects = objects.iter().map(stored).collect();
    }

    /// Changes the bytes of an object, which must be there.
    pub fn change(&self, path: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut inner = self.lock();
        let Some(Some((bytes, _))) = inner.objects.get_mut(path).and_then(|versions| versions.last_mut()) else {
            panic!("{path} is not there")
        };
        change(bytes);
    }

    /// Takes the requests that came since the last call.
    pub fn take(&self) -> Vec<ObjectRequest> {
        std::mem::take(&mut self.lock().requests)
    }

    /// From now on this function decides what happens to each request.
    pub fn plan(&self, plan: impl FnMut(&ObjectRequest) -> Fault + Send + 'static) {
        self.lock().plan = Some(Box::new(plan));
    }

    /// Injects no more faults.
    pub fn heal(&self) {
        self.lock().plan = None;
    }

    /// Holds the next request back of which this is true.
    pub fn hold(&self, is_wanted: impl Fn(&ObjectRequest) -> bool + Send + 'static) -> Held {
        let held = Held::default();
        self.lock().hold = Some((Box::new(is_wanted), held.clone()));
        held
    }

    /// Deletes an object as somebody does who may: its versions stay.
    pub fn delete(&self, path: &str) {
        self.lock().objects.entry(path.to_owned()).or_default().push(None);
    }

    /// From now on a list has pages of so many keys; by default 1,000.
    pub fn page(&self, keys: usize) {
        self.lock().page = Some(keys);
    }

    /// From now on delays each request at random, by up to this.
    pub fn slow(&self, most: Duration) {
        self.lock().most_delay = most;
    }

    fn fault(&self, request: &ObjectRequest) -> Fault {
        let mut inner = self.lock();
        inner.requests.push(request.clone());
        inner.plan.as_mut().map_or(Fault::None, |plan| plan(request))
    }

    async fn wait(&self, request: &ObjectRequest) {
        let (held, most) = {
            let mut inner = self.lock();
            let held = inner.hold.take_if(|(is_wanted, _)| is_wanted(request)).map(|(_, held)| held);
            (held, inner.most_delay)
        };
        if let Some(held) = held {
            held.arrived.notify_one();
            held.released.notified().await;
        }
        if !most.is_zero() {
            tokio::time::sleep(most.mul_f64(fastrand::f64())).await;
        }
    }

    fn carry_out(
        &self,
        request: &ObjectRequest,
        after: Option<&String>,
        headers: &HeaderMap,
        body: &[u8],
    ) -> Response<Body> {
        match request.method.as_str() {
            "GET" => self.get(&request.path),
            "PUT" => self.put(&request.path, headers, body),
            "DELETE" => {
                self.delete(&request.path);
                reply(204, String::new())
            }
            "LIST" => self.list(&request.path, after),
            other => panic!("unexpected {other}"),
        }
    }

    fn get(&self, path: &str) -> Response<Body> {
        let inner = self.lock();
        let (bytes, modified) = match inner.objects.get(path).and_then(|versions| versions.last()) {
            Some(Some(stored)) => stored,
            there => {
                let mut missing = error(404, "NoSuchKey");
                if there.is_some() {
                    missing.headers_mut().insert("x-amz-delete-marker", HeaderValue::from_static("true"));
                }
                return missing;
            }
        };
        let modified = DateTime::from_secs(modified.second()).fmt(DateTimeFormat::HttpDate).unwrap();
        let response = Response::builder().header("etag", etag(bytes)).header("last-modified", modified);
        response.body(Body::from(bytes.clone())).unwrap()
    }

    fn put(&self, path: &str, headers: &HeaderMap, body: &[u8]) -> Response<Body> {
        let header = |name: &str| headers.get(name).map(|value| value.to_str().unwrap());
        if header("x-amz-checksum-sha256") != Some(&STANDARD.encode(Sha256::digest(body))) {
            return error(400, "BadDigest");
        }
        let mut inner = self.lock();
        let versions = inner.objects.entry(path.to_owned()).or_default();
        let there = versions.last().and_then(Option::as_ref).map(|(bytes, _)| etag(bytes));
        match (header("if-none-match"), header("if-match")) {
            (Some("*"), None) if there.is_some() => return error(412, "PreconditionFailed"),
            (None, Some(_)) if there.is_none() => return error(404, "NoSuchKey"),
            (None, Some(wanted)) if there.as_deref() != Some(wanted) => return error(412, "PreconditionFailed"),
            (Some("*"), None) | (None, Some(_)) => {}
            other => panic!("a write without a condition: {path} {other:?}"),
        }
        versions.push(Some((body.to_vec(), (self.now)())));
        Response::builder().header("etag", etag(body)).body(Body::empty()).unwrap()
    }

    /// The keys after the one that a token names.
    fn list(&self, prefix: &str, after: Option<&String>) -> Response<Body> {
        let (bucket, _) = prefix.split_once('/').unwrap();
        let paths = self.all().into_keys().filter(|path| path.starts_with(prefix));
        let mut keys: Vec<String> = paths.map(|path| path[bucket.len() + 1..].to_owned()).collect();
        keys.retain(|key| after.is_none_or(|after| key > after));
        let page = self.lock().page.unwrap_or(1_000);
        let is_truncated = keys.len() > page;
        keys.truncate(page);
        let token = keys.last().filter(|_| is_truncated);
        let token =
            token.map(|key| format!("<NextContinuationToken>{key}</NextContinuationToken>")).unwrap_or_default();
        let contents: String = keys.iter().flat_map(|key| ["<Contents><Key>", key, "</Key></Contents>"]).collect();
        let end = format!("<IsTruncated>{is_truncated}</IsTruncated>{token}");
        reply(200, format!("<ListBucketResult><Name>{bucket}</Name>{end}{contents}</ListBucketResult>"))
    }
}

fn etag(bytes: &[u8]) -> String {
    format!("\"{}\"", URL_SAFE_NO_PAD.encode(Sha256::digest(bytes)))
}

fn reply(status: u16, body: String) -> Response<Body> {
    let response = Response::builder().status(status).header("content-type", "application/xml");
    response.body(Body::from(body)).unwrap()
}

fn error(status: u16, code: &str) -> Response<Body> {
    reply(status, format!("<Error><Code>{code}</Code><Message>-</Message><RequestId>-</RequestId></Error>"))
}

async fn respond(State(objects): State<TestObjects>, request: Request) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let path = percent_encoding::percent_decode_str(parts.uri.path()).decode_utf8().unwrap();
    let path = path.trim_start_matches('/').to_owned();
    let query: BTreeMap<String, String> = parts
        .uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .map(|(name, value)| {
            (name.to_owned(), percent_encoding::percent_decode_str(value).decode_utf8().unwrap().into_owned())
        })
        .collect();
    let request = if query.contains_key("list-type") {
        assert_eq!(parts.method, Method::GET);
        let path = format!("{}/{}", path.trim_end_matches('/'), query["prefix"]);
        ObjectRequest { method: "LIST".to_owned(), path }
    } else {
        ObjectRequest { method: parts.method.to_string(), path }
    };
    let fault = objects.fault(&request);
    objects.wait(&request).await;
    let response = match fault {
        Fault::None => return objects.carry_out(&request, query.get("continuation-token"), &parts.headers, &body),
        Fault::Throttle => return error(503, "SlowDown"),
        Fault::ServerError => return error(500, "InternalError"),
        Fault::Refuse => return error(403, "AccessDenied"),
        Fault::Conflict => return error(409, "ConditionalRequestConflict"),
        Fault::LoseReply => Some(objects.carry_out(&request, query.get("continuation-token"), &parts.headers, &body)),
        Fault::LoseRequest => None,
        other => panic!("no fault of S3: {other:?}"),
    };
    drop(response);
    // A body that fails makes the HTTP server close the connection.
    let broken = futures::stream::once(async { Err::<Bytes, _>(std::io::Error::other("cut")) });
    Response::builder().status(200).body(Body::from_stream(broken)).unwrap()
}
