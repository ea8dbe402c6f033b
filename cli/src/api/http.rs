//! One exchange with the API, with the SDK's own HTTP and TLS.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use efface_core::token::Token;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    HeaderMap, Method, Request,
    body::Bytes,
    header::{AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, RETRY_AFTER},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::crypto::aws_lc_rs;

use super::url::ApiUrl;
use crate::{error::causes, output::harmless};

/// Connecting; then connecting and answering together. Behind a gateway an answer takes 29 s at most.
const CONNECT: Duration = Duration::from_secs(5);
const ANSWER: Duration = Duration::from_secs(35);

/// The longest answer lists a thousand rejected rows; another server's may be anything.
const MAX_BODY: usize = 4 * 1_024 * 1_024;

/// A request, ready to be sent any number of times.
#[derive(Debug, Clone)]
pub(crate) struct Call {
    pub(crate) method: Method,
    /// The path below the API's URL, and its query.
    pub(crate) path: String,
    /// JSON, or nothing.
    pub(crate) body: Bytes,
    /// The idempotency key, where a repetition must be recognised by it.
    pub(crate) key: Option<String>,
}

impl Call {
    pub(crate) fn get(path: String) -> Self {
        Self { method: Method::GET, path, body: Bytes::new(), key: None }
    }

    pub(crate) fn post(path: String, body: String) -> Self {
        Self { method: Method::POST, path, body: body.into(), key: None }
    }

    pub(crate) fn delete(path: String) -> Self {
        Self { method: Method::DELETE, path, body: Bytes::new(), key: None }
    }

    pub(crate) fn with_key(self, key: String) -> Self {
        Self { key: Some(key), ..self }
    }
}

/// What the API answered.
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) request_id: Option<String>,
    /// How often the request was sent for it.
    pub(crate) attempts: u32,
    pub(crate) body: Bytes,
}

impl Reply {
    /// Whether the same request may be answered otherwise soon. 502 and 504 are a gateway's that lost our answer.
    pub(crate) fn passes(&self) -> bool {
        matches!(self.status, 408 | 429 | 502 | 503 | 504)
    }

    /// The status, and the pause that was asked for.
    pub(crate) fn words(&self) -> String {
        let pause = self.retry_after.map(|pause| format!(", retry after {} s", pause.as_secs()));
        format!("{}{}", self.status, pause.unwrap_or_default())
    }
}

/// A connection to the API, and a token for it.
pub(crate) struct Wire {
    url: ApiUrl,
    authorization: HeaderValue,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl Wire {
    /// Gets ready; the error says in words why that can't be.
    pub(crate) fn new(url: ApiUrl, token: &Token) -> Result<Self, String> {
        let basic = STANDARD.encode(format!("{}:", token.expose()));
        let mut authorization = HeaderValue::try_from(format!("Basic {basic}")).map_err(|error| error.to_string())?;
        authorization.set_sensitive(true);
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(CONNECT));
        let https = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(aws_lc_rs::default_provider())
            .map_err(|error| format!("no certificates to trust: {error}"))?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        Ok(Self { url, authorization, client: Client::builder(TokioExecutor::new()).build(https) })
    }

    /// Sends a request once; the error says in words why there is no answer.
    pub(crate) async fn send(&self, call: &Call) -> Result<Reply, String> {
        let mut request = Request::builder()
            .method(&call.method)
            .uri(format!("{}{}", self.url.base, call.path))
            .header(HOST, &self.url.host)
            .header(AUTHORIZATION, &self.authorization);
        if call.method == Method::POST {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(key) = &call.key {
            request = request.header("Idempotency-Key", key);
        }
        let request = request.body(Full::from(call.body.clone())).map_err(|error| error.to_string())?;
        let answered = tokio::time::timeout(ANSWER, self.exchange(request)).await;
        answered.unwrap_or_else(|_| Err(format!("nothing within {} s", ANSWER.as_secs())))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>) -> Result<Reply, String> {
        let (head, body) = self.client.request(request).await.map_err(|error| causes(&error))?.into_parts();
        let body = Limited::new(body, MAX_BODY).collect().await.map_err(|error| causes(error.as_ref()))?;
        let seconds = text(&head.headers, RETRY_AFTER.as_str()).and_then(|text| text.parse().ok());
        Ok(Reply {
            status: head.status.as_u16(),
            retry_after: seconds.map(Duration::from_secs),
            request_id: text(&head.headers, "request-id").map(harmless),
            attempts: 1,
            body: body.to_bytes(),
        })
    }
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
