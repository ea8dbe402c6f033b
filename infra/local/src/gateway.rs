//! The HTTP server of `cargo local`. It passes each request to `cargo lambda watch` as an event of a Lambda function
//! URL, for the function that the template has at its path, and its own errors look like those of the deployed gateway. The HTTP server of `cargo lambda watch` is not
//! used, because it rejects headers and JSON bodies that are not UTF-8, such as a body of gzip that is sent as JSON.

use std::{collections::BTreeMap, sync::Arc};

use axum::{
    Router,
    body::{Body, to_bytes},
    extract::State,
    http::{
        HeaderValue, Method, Request, Response, StatusCode,
        header::{CACHE_CONTROL, CONTENT_TYPE, RETRY_AFTER, X_CONTENT_TYPE_OPTIONS},
        request::Parts,
        uri::PathAndQuery,
    },
    serve,
};
use base64::{Engine, engine::general_purpose::STANDARD};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use uuid::Uuid;

use crate::{
    error::{Context, LocalError},
    event::{HttpRequest, Via},
    sign_in::{self, SignIn},
};

/// The largest body that API Gateway accepts.
const MAX_BODY_BYTES: usize = 10 * 1_024 * 1_024;

/// The server. It has its port, but does not respond yet.
#[derive(Debug)]
pub struct Gateway(TcpListener);

/// The functions behind the server, by the URLs at which they are invoked, and what it does itself.
#[derive(Debug, Clone)]
pub struct Routes {
    /// The API: every path but those below.
    pub api: String,
    /// The console: `/console` and what is below it.
    pub console: String,
    /// Signs the page of the console in.
    pub sign_in: Arc<SignIn>,
}

#[derive(Debug, Clone)]
struct Served {
    client: Client<HttpConnector, Body>,
    routes: Routes,
}

/// The function's response to an event.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct LambdaResponse {
    status_code: u16,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

impl Gateway {
    /// Opens a port of the loopback interface.
    pub async fn open(port: u16) -> Result<Self, LocalError> {
        TcpListener::bind(("127.0.0.1", port)).await.map(Self).map_err(|_| LocalError::PortTaken(port))
    }

    /// Serves requests. Returns only after an error.
    pub async fn serve(self, routes: Routes) -> LocalError {
        let state = Served { client: Client::builder(TokioExecutor::new()).build_http(), routes };
        let served = serve(self.0, Router::new().fallback(handle).with_state(state)).await;
        served.context("serving requests").err().unwrap_or(LocalError::GatewayStops)
    }
}

async fn handle(State(served): State<Served>, request: Request<Body>) -> Response<Body> {
    let (parts, body) = request.into_parts();
    let Ok(body) = to_bytes(body, MAX_BODY_BYTES).await else {
        return failure(StatusCode::PAYLOAD_TOO_LARGE, "payload_too_large", "The request body is too large.");
    };
    let path = parts.uri.path();
    if parts.method == Method::POST && path == sign_in::PATH {
        let (status, body) = served.routes.sign_in.exchange(&parts.headers, &body);
        return json_response(status, &body);
    }
    let is_console = path == "/console" || path.starts_with("/console/");
    let url = if is_console { &served.routes.console } else { &served.routes.api };
    served.invoke(url, &event(&parts, &body)).await.unwrap_or_else(|| {
        let text = "The service is unavailable. Try again.";
        failure(StatusCode::SERVICE_UNAVAILABLE, "service_unavailable", text)
    })
}

impl Served {
    /// `None` if there was no response: the function died, timed out or could not be started.
    async fn invoke(&self, url: &str, event: &Value) -> Option<Response<Body>> {
        let request = Request::builder().method(Method::POST).uri(url).body(event.to_string().into()).ok()?;
        let invoked = self.client.request(request).await.ok().filter(|invoked| invoked.status().is_success())?;
        let payload = to_bytes(Body::new(invoked.into_body()), usize::MAX).await.ok()?;
        let LambdaResponse { status_code, headers, body, is_base64_encoded } = serde_json::from_slice(&payload).ok()?;
        let body = body.unwrap_or_default();
        let body = if is_base64_encoded { STANDARD.decode(body).ok()? } else { body.into_bytes() };
        let response = Response::builder().status(status_code);
        let response = headers.iter().fold(response, |response, (name, value)| response.header(name, value));
        response.body(body.into()).ok()
    }
}

/// The event of a request. Bytes of headers that are not UTF-8 are replaced.
fn event(parts: &Parts, body: &[u8]) -> Value {
    let value = |value: &HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    let headers: Vec<_> = parts.headers.iter().map(|(name, sent)| (name.to_string(), value(sent))).collect();
    let target = parts.uri.path_and_query().map_or("/", PathAndQuery::as_str);
    Via::Watch.event(&HttpRequest { method: parts.method.as_str(), target, headers: &headers, body })
}

/// An error of the gateway, in the form of the template's gateway responses.
fn failure(status: StatusCode, code: &str, message: &str) -> Response<Body> {
    let mut response = json_response(status, &json!({ "error": { "code": code, "message": message } }));
    if status == StatusCode::SERVICE_UNAVAILABLE {
        response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
    }
    response
}

fn json_response(status: StatusCode, body: &Value) -> Response<Body> {
    let response = Response::builder().status(status).header(CONTENT_TYPE, "application/json");
    let response = response.header("Request-Id", Uuid::now_v7().to_string()).header(X_CONTENT_TYPE_OPTIONS, "nosniff");
    response.header(CACHE_CONTROL, "no-store").body(body.to_string().into()).unwrap_or_default()
}
