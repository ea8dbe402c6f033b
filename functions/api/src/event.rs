//! Event sources: how an HTTP request reaches the function, and what each source does to its path.
//!
//! Events are read here and not with `lambda_http`'s request type. That one builds a URL of the path and panics where
//! that fails, and it does not tell an event source that decodes paths from one that does not (`docs/adr/0002`).

use std::{collections::HashMap, fmt};

use base64::{Engine, engine::general_purpose::STANDARD};
use efface_aws::config::{ConfigError, Lookup};
use efface_core::{api_error::ApiError, path::PathEncoding};
use serde::Deserialize;

/// The setting that names the event source.
pub const SETTING: &str = "EFFACE_EVENT_SOURCE";

/// What sends events to the function.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EventSource {
    /// API Gateway REST API: the path as sent.
    Rest,
    /// A Lambda function URL: the path as sent.
    FunctionUrl,
    /// `cargo lambda watch`: the path as sent.
    Watch,
    /// A gateway that sends REST API events with the path decoded, as the emulator's does.
    Decoding,
}

impl EventSource {
    /// Reads the setting. The default is `rest`.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        match lookup(SETTING).as_deref() {
            None | Some("rest") => Ok(Self::Rest),
            Some("function-url") => Ok(Self::FunctionUrl),
            Some("watch") => Ok(Self::Watch),
            Some("decoding") => Ok(Self::Decoding),
            Some(_) => Err(ConfigError::Bad(SETTING, "it is rest, function-url, watch or decoding".to_owned())),
        }
    }

    /// How this event source encodes paths.
    pub fn encoding(self) -> PathEncoding {
        match self {
            Self::Rest | Self::FunctionUrl | Self::Watch => PathEncoding::Percent,
            Self::Decoding => PathEncoding::Decoded,
        }
    }
}

/// An event of any event source. Fields that it does not send are absent.
#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HttpEvent {
    version: Option<String>,
    http_method: Option<String>,
    path: Option<String>,
    raw_path: Option<String>,
    raw_query_string: Option<String>,
    #[serde(default)]
    query_string_parameters: Option<HashMap<String, String>>,
    #[serde(default)]
    multi_value_query_string_parameters: Option<HashMap<String, Vec<String>>>,
    #[serde(default)]
    headers: Option<HashMap<String, String>>,
    #[serde(default)]
    multi_value_headers: Option<HashMap<String, Vec<String>>>,
    #[serde(default)]
    request_context: Context,
    body: Option<String>,
    #[serde(default)]
    is_base64_encoded: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Context {
    #[serde(default)]
    domain_name: Option<String>,
    http: Option<ContextHttp>,
    elb: Option<serde_json::Value>,
}

#[derive(Debug, Default, Deserialize)]
struct ContextHttp {
    method: String,
}

/// A request. It is the same from every event source, except for its [`encoding`](Self::encoding).
pub struct Request {
    /// The method, as sent.
    pub method: String,
    /// The path, without stage and query, in the encoding of the event source.
    pub path: String,
    /// Whether the path is still encoded.
    pub encoding: PathEncoding,
    /// The parameters of the query, decoded, in no order.
    pub query: Vec<(String, String)>,
    /// Every value of each header, by the lower-case name.
    headers: HashMap<String, Vec<String>>,
    /// The body, as it was sent.
    pub body: Vec<u8>,
}

impl fmt::Debug for Request {
    /// Leaves out paths, queries, headers and bodies: they are personal data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Request({}, <{} bytes>)", self.method, self.body.len())
    }
}

/// The two formats of Lambda proxy events and responses.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Of REST APIs.
    V1,
    /// Of function URLs, `cargo lambda watch` and HTTP APIs.
    V2,
}

const HTTP_API: ApiError = ApiError::EventSource(
    "Requests through an API Gateway HTTP API are refused: it decodes paths and cuts them at a decoded `?`, so that \
     a request for one profile could reach another. Use the REST API or the function URL.",
);

const OTHER_SOURCE: ApiError = ApiError::EventSource(
    "This request came from another event source than the one that the setting EFFACE_EVENT_SOURCE names.",
);

const NOT_BASE64: ApiError = ApiError::EventSource("The event has a body that is not base64.");

impl HttpEvent {
    /// The format of the event, which the response must have, too.
    pub fn format(&self) -> Format {
        if self.request_context.http.is_some() { Format::V2 } else { Format::V1 }
    }

    /// The method, as sent.
    pub fn method(&self) -> &str {
        let http = self.request_context.http.as_ref();
        http.map(|http| http.method.as_str()).or(self.http_method.as_deref()).unwrap_or_default()
    }

    /// Takes the request out of the event.
    ///
    /// # Errors
    /// Where the event is of another source than the expected one, because its path would be decoded twice or not at
    /// all; and where its body is not valid base64.
    pub fn open(self, source: EventSource) -> Result<Request, ApiError> {
        self.check(source)?;
        let is_v2 = self.format() == Format::V2;
        let query = self.query();
        let headers = self.all_headers();
        let method = self.method().to_owned();
        let body = self.body.unwrap_or_default();
        let body =
            if self.is_base64_encoded { STANDARD.decode(body).map_err(|_| NOT_BASE64)? } else { body.into_bytes() };
        Ok(Request {
            method,
            path: if is_v2 { self.raw_path } else { self.path }.unwrap_or_default(),
            encoding: source.encoding(),
            query,
            headers,
            body,
        })
    }

    /// Rejects events of another source. An HTTP API sends `version` in both of its formats; its second format is
    /// otherwise that of a function URL.
    fn check(&self, source: EventSource) -> Result<(), ApiError> {
        let domain = self.request_context.domain_name.as_deref().unwrap_or_default();
        let is_v2 = self.format() == Format::V2;
        let is_function_url = is_v2 && domain.contains(".lambda-url.");
        let is_rest = self.http_method.is_some() && !is_v2 && self.request_context.elb.is_none();
        let is_http_api = self.version.is_some() && !is_function_url;
        let fits = match source {
            EventSource::Rest => is_rest && self.version.is_none(),
            // The emulator's REST API sends a version, too, but no domain. Every gateway of AWS sends a domain.
            EventSource::Decoding => is_rest && (self.version.is_none() || domain.is_empty()),
            EventSource::FunctionUrl => is_function_url,
            EventSource::Watch => is_v2 && !domain.contains(".amazonaws.com"),
        };
        if fits {
            return Ok(());
        }
        Err(if is_http_api { HTTP_API } else { OTHER_SOURCE })
    }

    fn query(&self) -> Vec<(String, String)> {
        if let Some(raw) = &self.raw_query_string {
            return form_urlencoded::parse(raw.as_bytes()).into_owned().collect();
        }
        let many = self.multi_value_query_string_parameters.iter().flatten();
        let many = many.flat_map(|(name, values)| values.iter().map(|value| (name.clone(), value.clone())));
        let many: Vec<_> = many.collect();
        if many.is_empty() { self.query_string_parameters.clone().into_iter().flatten().collect() } else { many }
    }

    /// Every value of each header. Function URLs join repeated headers with commas, so that one value with a comma cannot be
    /// told from two values: it is taken for two (`docs/adr/0002`).
    fn all_headers(&self) -> HashMap<String, Vec<String>> {
        let mut all: HashMap<String, Vec<String>> = HashMap::new();
        for (name, values) in self.multi_value_headers.iter().flatten() {
            all.entry(name.to_ascii_lowercase()).or_default().extend(values.iter().cloned());
        }
        let is_joined = self.format() == Format::V2;
        for (name, value) in self.headers.iter().flatten() {
            let values = || if is_joined { value.split(',').map(str::to_owned).collect() } else { vec![value.clone()] };
            all.entry(name.to_ascii_lowercase()).or_insert_with(values);
        }
        all
    }
}

impl Request {
    /// The value of a header that has one value.
    ///
    /// # Errors
    /// Where it was sent more than once, or may have been.
    pub fn header(&self, name: &'static str) -> Result<Option<&str>, ApiError> {
        match self.values(name) {
            [] => Ok(None),
            [value] => Ok(Some(value)),
            _ => Err(ApiError::bad_request(
                "The header `{}` must be sent once. Through a function URL it must also have no comma, because repeated \
                 headers arrive with commas between them.",
                &[&name],
            )),
        }
    }

    /// The values of a header that may have several, each perhaps a list of its own.
    pub fn values(&self, name: &str) -> &[String] {
        self.headers.get(name).map_or(&[], Vec::as_slice)
    }

    /// Whether a browser sent the request for a page: browsers add these headers, and no page can leave them out.
    pub fn is_from_page(&self) -> bool {
        ["origin", "sec-fetch-site"].iter().any(|name| !self.values(name).is_empty())
    }
}
