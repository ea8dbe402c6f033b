//! The one address of all AWS APIs. Requests to DynamoDB and its Streams go to [`crate::dynamodb`]; everything else goes to
//! ministack as it came.

use std::net::SocketAddr;

use axum::{
    Router,
    body::{Body, Bytes, to_bytes},
    extract::State,
    http::{
        HeaderMap, HeaderValue, Request, Response, StatusCode, Uri, Version,
        header::{AUTHORIZATION, CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, EXPECT},
        uri::{Authority, PathAndQuery, Scheme},
    },
    serve::{ListenerExt, serve},
};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde_json::json;

use crate::{
    dynamodb::DynamoDb,
    emulator::credential,
    error::{Context, LocalError},
    threads::Threads,
    transactions::{Transaction, Transactions},
};

const THREADS: usize = 2;
/// The settings of backups, which dynoxide does not know. ministack keeps them with its own table of the same name.
const BACKUPS: [&str; 2] = ["DescribeContinuousBackups", "UpdateContinuousBackups"];
/// More than DynamoDB accepts.
const MAX_BODY_BYTES: usize = 32 * 1_024 * 1_024;

/// A running server. It stops when this value is dropped.
#[derive(Debug)]
pub(crate) struct Front {
    /// Where requests to DynamoDB go.
    pub(crate) dynamodb: DynamoDb,
    /// The address of all AWS APIs.
    pub(crate) address: SocketAddr,
    threads: Threads,
    listener: Option<tokio::net::TcpListener>,
}

#[derive(Debug, Clone)]
struct Targets {
    /// dynoxide, with connections that are kept.
    dynamodb: Target,
    /// ministack, with a connection for each request: one that is idle is closed by ministack at any moment.
    others: Target,
    transactions: Transactions,
}

#[derive(Debug, Clone)]
struct Target {
    client: Client<HttpConnector, Body>,
    authority: Authority,
}

impl Front {
    /// Opens the port, which is then known, and starts DynamoDB. Requests wait until [`Front::serve`].
    pub(crate) fn open() -> Result<Self, LocalError> {
        let threads = Threads::start("front", THREADS)?;
        let (listener, address) = threads.listen().context("a port for AWS")?;
        Ok(Self { dynamodb: DynamoDb::start()?, address, threads, listener: Some(listener) })
    }

    /// Serves requests from now on, with ministack at an address.
    pub(crate) fn serve(&mut self, ministack: SocketAddr) -> Result<(), LocalError> {
        let Some(listener) = self.listener.take() else { return Ok(()) };
        let targets = Targets {
            dynamodb: Target::new(self.dynamodb.address, usize::MAX)?,
            others: Target::new(ministack, 0)?,
            transactions: Transactions::default(),
        };
        // Without this, the last part of a large response waits for an acknowledgement of those before.
        let listener = listener.tap_io(|stream| _ = stream.set_nodelay(true));
        self.threads.spawn(async {
            _ = serve(listener, Router::new().fallback(pass).with_state(targets)).await;
        });
        Ok(())
    }
}

impl Target {
    fn new(address: SocketAddr, idle_connections: usize) -> Result<Self, LocalError> {
        let mut connector = HttpConnector::new();
        connector.set_nodelay(true);
        let client = Client::builder(TokioExecutor::new()).pool_max_idle_per_host(idle_connections).build(connector);
        let authority = Authority::try_from(address.to_string()).map_err(std::io::Error::other);
        Ok(Self { client, authority: authority.context("an address")? })
    }

    async fn send(&self, mut request: Request<Body>) -> Response<Body> {
        let path = request.uri().path_and_query().cloned().unwrap_or_else(|| PathAndQuery::from_static("/"));
        let uri = Uri::builder().scheme(Scheme::HTTP).authority(self.authority.clone()).path_and_query(path).build();
        // These two are about the client's connection, which ends here.
        request.headers_mut().remove(CONNECTION);
        request.headers_mut().remove(EXPECT);
        *request.version_mut() = Version::HTTP_11;
        *request.uri_mut() = uri.unwrap_or_default();
        match self.client.request(request).await {
            Ok(response) => response.map(Body::new),
            Err(error) => unavailable(&error.to_string()),
        }
    }
}

async fn pass(State(targets): State<Targets>, mut request: Request<Body>) -> Response<Body> {
    let Some(operation) = operation(request.headers()).map(str::to_owned) else {
        return targets.others.send(request).await;
    };
    complete(request.headers_mut());
    match operation.as_str() {
        "TransactWriteItems" | "ExecuteTransaction" => targets.transact(&operation, request).await,
        _ => targets.dynamodb.send(request).await,
    }
}

/// Completes the headers of a request to DynamoDB. dynoxide checks no signature, but wants one in all its parts, and a
/// media type of AWS; the rest of the emulated AWS does not, so a client that it takes must be taken here, too.
fn complete(headers: &mut HeaderMap) {
    let media_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !["application/x-amz-json-1.0", "application/json"].iter().any(|known| media_type.starts_with(known)) {
        headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/x-amz-json-1.0"));
    }
    headers.insert("x-amz-date", HeaderValue::from_static("20260101T000000Z"));
    if let Ok(value) = credential("dynamodb").try_into() {
        headers.insert(AUTHORIZATION, value);
    }
}

impl Targets {
    /// Sends a transaction to dynoxide, or repeats its response if it has been carried out.
    async fn transact(&self, operation: &str, request: Request<Body>) -> Response<Body> {
        let (mut parts, body) = request.into_parts();
        let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else { return unavailable("the body is too large") };
        let Some(transaction) = Transaction::parse(&body) else {
            return self.dynamodb.send(Request::from_parts(parts, body.into())).await;
        };
        parts.headers.remove(CONTENT_LENGTH);
        let send = async |body: String| {
            let (parts, body) = self.dynamodb.send(Request::from_parts(parts, body.into())).await.into_parts();
            match to_bytes(body, MAX_BODY_BYTES).await {
                Ok(body) => Response::from_parts(parts, body),
                Err(error) => unavailable(&error.to_string()).map(|_| Bytes::new()),
            }
        };
        self.transactions.once(operation, transaction, send).await.map(Body::from)
    }
}

/// The operation of DynamoDB or its Streams that a request asks dynoxide for.
fn operation(headers: &HeaderMap) -> Option<&str> {
    let target = headers.get("x-amz-target")?.to_str().ok()?;
    let (service, operation) = target.split_once('.')?;
    (service.starts_with("DynamoDB") && !BACKUPS.contains(&operation)).then_some(operation)
}

/// What the SDKs try again.
fn unavailable(text: &str) -> Response<Body> {
    let body = json!({ "__type": "ServiceUnavailable", "message": text }).to_string();
    let response = Response::builder().status(StatusCode::SERVICE_UNAVAILABLE);
    response.header(CONTENT_TYPE, "application/x-amz-json-1.0").body(body.into()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use ureq::http::Request as Sent;

    use super::*;
    use crate::http::{HttpResponse, send};

    /// Stands for ministack: says what it got.
    async fn echo(request: Request<Body>) -> String {
        let host = request.headers().get("host").map(HeaderValue::to_str);
        let text = format!("{} {} for {:?}", request.method(), request.uri(), host.unwrap().unwrap());
        let body = to_bytes(request.into_body(), 99).await.unwrap();
        format!("{text}: {}", String::from_utf8_lossy(&body))
    }

    /// Sends a request for a target to a front with this stand-in, without a signature.
    async fn ask(target: &str, host: &str, path: &str) -> HttpResponse {
        let threads = Threads::start("echo", 1).unwrap();
        let (listener, address) = threads.listen().unwrap();
        threads.spawn(async { serve(listener, Router::new().fallback(echo)).await.unwrap() });
        let mut front = Front::open().unwrap();
        front.serve(address).unwrap();
        let request = Sent::post(format!("http://{}{path}", front.address)).header("host", host);
        let request = request.header("x-amz-target", target);
        send(request.body("{}".to_owned()).unwrap(), Duration::from_secs(5)).await
    }

    #[tokio::test]
    async fn what_is_not_for_dynamodb_passes_as_it_came() {
        for target in ["AmazonSQS.SendMessage", "DynamoDB_20120810.DescribeContinuousBackups"] {
            let response = ask(target, "api.execute-api.localhost:1", "/a%2Fb//c?d=%20").await;
            let expected = "POST /a%2Fb//c?d=%20 for \"api.execute-api.localhost:1\": {}";
            assert_eq!((response.status, response.text.as_str()), (200, expected), "{target}");
        }
    }

    #[tokio::test]
    async fn requests_to_dynamodb_do_not_reach_ministack() {
        for (target, list) in
            [("DynamoDB_20120810.ListTables", "TableNames"), ("DynamoDBStreams_20120810.ListStreams", "Streams")]
        {
            let response = ask(target, "localhost", "/").await;
            assert_eq!((response.status, response.json()[list].clone()), (200, json!([])), "{target}");
            assert!(response.headers.contains_key("x-amz-crc32"));
        }
    }
}
