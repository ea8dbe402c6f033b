//! One HTTP exchange with the API, with the same HTTP and TLS crates that the AWS SDK uses.

use std::time::Duration;

use base64::{Engine, engine::general_purpose::STANDARD};
use efface_core::token::Token;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    HeaderMap, Method, Request,
    body::Bytes,
    header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE, HOST, HeaderValue, LINK, RETRY_AFTER},
};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::{
    client::legacy::{Client, connect::HttpConnector},
    rt::TokioExecutor,
};
use rustls::crypto::aws_lc_rs;

use super::{error::code_and_message, url::ApiUrl};
use crate::{error::causes, output::printable};

/// The timeout for connecting, and for a whole exchange. API Gateway responds within 29 s.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);
const RESPONSE_TIMEOUT: Duration = Duration::from_secs(35);

/// The longest response body that is read, unless the request says otherwise. Efface's longest one lists a thousand
/// rejected rows.
const MAX_BODY_BYTES: usize = 4 * 1_024 * 1_024;

/// A request that can be sent several times.
#[derive(Debug, Clone)]
pub(crate) struct ApiRequest {
    pub(crate) method: Method,
    /// The path below the API's base URL, with the query.
    pub(crate) path: String,
    /// JSON, or empty.
    pub(crate) body: Bytes,
    /// The idempotency key, if the API must recognise a repetition by it.
    pub(crate) key: Option<String>,
    /// The media type to ask for, where there are several.
    accept: Option<&'static str>,
    /// The longest response body that is read, in bytes.
    longest: usize,
}

impl ApiRequest {
    fn new(method: Method, path: String, body: Bytes) -> Self {
        Self { method, path, body, key: None, accept: None, longest: MAX_BODY_BYTES }
    }

    pub(crate) fn get(path: String) -> Self {
        Self::new(Method::GET, path, Bytes::new())
    }

    pub(crate) fn post(path: String, body: String) -> Self {
        Self::new(Method::POST, path, body.into())
    }

    pub(crate) fn patch(path: String, body: String) -> Self {
        Self::new(Method::PATCH, path, body.into())
    }

    pub(crate) fn delete(path: String) -> Self {
        Self::new(Method::DELETE, path, Bytes::new())
    }

    pub(crate) fn accepting(self, media_type: &'static str) -> Self {
        Self { accept: Some(media_type), ..self }
    }

    /// With another longest response body, in bytes. A longer one counts as none.
    pub(crate) fn up_to(self, longest: usize) -> Self {
        Self { longest, ..self }
    }

    pub(crate) fn with_key(self, key: String) -> Self {
        Self { key: Some(key), ..self }
    }
}

/// A response of the API.
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) retry_after: Option<Duration>,
    pub(crate) request_id: Option<String>,
    /// The header `Link`, which names the next page of a list that is not JSON.
    pub(crate) link: Option<String>,
    /// How many times the request was sent until this response came.
    pub(crate) attempts: u32,
    pub(crate) body: Bytes,
}

impl Response {
    /// Whether repeating the request may succeed. 502 and 504 come from a gateway that lost the function's response, and a
    /// 408, unless it says that a job has not ended.
    pub(crate) fn is_transient(&self) -> bool {
        let is_waiting = || code_and_message(&self.body).0.as_deref() == Some("not_settled");
        matches!(self.status, 429 | 502 | 503 | 504) || self.status == 408 && !is_waiting()
    }

    /// The status, and the value of `Retry-After`.
    pub(crate) fn status_text(&self) -> String {
        let delay = self.retry_after.map(|delay| format!(", retry after {} s", delay.as_secs()));
        format!("{}{}", self.status, delay.unwrap_or_default())
    }
}

/// Why there is no response; a text for the user.
#[derive(Debug)]
pub(crate) enum SendError {
    /// There was no connection: the address may be wrong.
    Unreachable(String),
    /// The request may have been carried out.
    Lost(String),
}

/// An HTTP client for one API and one token, or for a public site and none.
pub(crate) struct HttpClient {
    url: ApiUrl,
    authorization: Option<HeaderValue>,
    client: Client<HttpsConnector<HttpConnector>, Full<Bytes>>,
}

impl HttpClient {
    /// Makes a client. The error is a text for the user.
    pub(crate) fn new(url: ApiUrl, token: Option<&Token>) -> Result<Self, String> {
        let authorization = token.map(authorization).transpose()?;
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(CONNECT_TIMEOUT));
        let https = HttpsConnectorBuilder::new()
            .with_provider_and_native_roots(aws_lc_rs::default_provider())
            .map_err(|error| format!("no trusted root certificates: {error}"))?
            .https_or_http()
            .enable_http1()
            .wrap_connector(http);
        Ok(Self { url, authorization, client: Client::builder(TokioExecutor::new()).build(https) })
    }

    /// The address of the API, for messages.
    pub(crate) fn address(&self) -> &str {
        &self.url.base
    }

    /// The base URL of the API.
    pub(crate) fn url(&self) -> &ApiUrl {
        &self.url
    }

    /// Sends a request once.
    pub(crate) async fn send(&self, api_request: &ApiRequest) -> Result<Response, SendError> {
        let mut request = Request::builder()
            .method(&api_request.method)
            .uri(format!("{}{}", self.url.base, api_request.path))
            .header(HOST, &self.url.host);
        if let Some(authorization) = &self.authorization {
            request = request.header(AUTHORIZATION, authorization);
        }
        if let Some(media_type) = api_request.accept {
            request = request.header(ACCEPT, media_type);
        }
        if matches!(api_request.method, Method::POST | Method::PATCH) {
            request = request.header(CONTENT_TYPE, "application/json");
        }
        if let Some(key) = &api_request.key {
            request = request.header("Idempotency-Key", key);
        }
        let request = request.body(Full::from(api_request.body.clone()));
        let request = request.map_err(|error| SendError::Lost(error.to_string()))?;
        let exchanged = tokio::time::timeout(RESPONSE_TIMEOUT, self.exchange(request, api_request.longest)).await;
        exchanged.unwrap_or_else(|_| Err(SendError::Lost(format!("nothing within {} s", RESPONSE_TIMEOUT.as_secs()))))
    }

    async fn exchange(&self, request: Request<Full<Bytes>>, longest: usize) -> Result<Response, SendError> {
        let sent = self.client.request(request).await.map_err(|error| {
            let kind = if error.is_connect() { SendError::Unreachable } else { SendError::Lost };
            kind(causes(&error))
        });
        let (head, body) = sent?.into_parts();
        let body = Limited::new(body, longest).collect().await;
        let body = body.map_err(|error| SendError::Lost(causes(error.as_ref())))?;
        let seconds = text(&head.headers, RETRY_AFTER.as_str()).and_then(|text| text.parse().ok());
        Ok(Response {
            status: head.status.as_u16(),
            retry_after: seconds.map(Duration::from_secs),
            request_id: text(&head.headers, "request-id").map(printable),
            link: text(&head.headers, LINK.as_str()).map(str::to_owned),
            attempts: 1,
            body: body.to_bytes(),
        })
    }
}

/// The header that carries a token.
fn authorization(token: &Token) -> Result<HeaderValue, String> {
    let basic = STANDARD.encode(format!("{}:", token.expose()));
    let mut authorization = HeaderValue::try_from(format!("Basic {basic}")).map_err(|error| error.to_string())?;
    authorization.set_sensitive(true);
    Ok(authorization)
}

fn text<'a>(headers: &'a HeaderMap, name: &str) -> Option<&'a str> {
    headers.get(name)?.to_str().ok()
}
