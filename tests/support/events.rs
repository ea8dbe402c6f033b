//! Client requests, and the Lambda event in which each event source passes them on.

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use serde_json::{Value, json};

/// Everything but RFC 3986's unreserved characters.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How a request reaches the function: the format of its event, and what that event source does to the path. Not every
/// format is one of `EventSource`: those that no function may be behind are here to be rejected.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// API Gateway REST API: the path as it was sent.
    Rest,
    /// Lambda function URL: the path as it was sent.
    FunctionUrl,
    /// `cargo lambda watch`: the format of a function URL.
    Watch,
    /// A gateway with REST API events that percent-decodes the path, as the local emulator's does.
    Decoding,
    /// API Gateway HTTP API, format 2.0: percent-decodes the path and cuts it at a decoded `?`.
    HttpApi,
    /// API Gateway HTTP API, format 1.0: percent-decodes the path.
    HttpApiV1,
    /// Application Load Balancer: REST API events with another request context.
    LoadBalancer,
}

/// A request as a client sends it.
#[derive(Debug, Clone)]
pub struct Req {
    /// The HTTP method.
    pub method: String,
    /// Path and query, percent-encoded.
    pub target: String,
    /// Names and values, in the order in which they are sent. A name may occur more than once.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: Vec<u8>,
}

/// Percent-encodes everything but unreserved characters.
pub fn encode(value: &str) -> String {
    utf8_percent_encode(value, UNRESERVED).to_string()
}

impl Req {
    /// A GET request without headers or body.
    pub fn get(target: impl Into<String>) -> Self {
        Self { method: "GET".to_owned(), target: target.into(), headers: Vec::new(), body: Vec::new() }
    }

    /// A POST request with a JSON body.
    pub fn post(target: impl Into<String>, body: &Value) -> Self {
        let request = Self { method: "POST".to_owned(), body: body.to_string().into_bytes(), ..Self::get(target) };
        request.header("Content-Type", "application/json")
    }

    /// Deletes one identifier of the profile that has the `user_id`.
    pub fn delete(space: &str, user_id: &str, id_type: &str, id: &str) -> Self {
        Self::post(
            format!("/v1/spaces/{space}/collections/users/profiles/user_id:{}/external_ids/delete", encode(user_id)),
            &json!({ "delete_external_ids": [{ "id": id, "type": id_type }] }),
        )
    }

    /// Deletes the profile that has the identifier.
    pub fn delete_profile(space: &str, id_type: &str, value: &str) -> Self {
        let target = format!("/v1/spaces/{space}/collections/users/profiles/{id_type}:{}", encode(value));
        Self::get(target).method("DELETE")
    }

    /// Reads a part of a profile: `external_ids`, `traits` or `metadata`, and the query where there is one.
    pub fn read(space: &str, id_type: &str, value: &str, what: &str) -> Self {
        Self::get(format!("/v1/spaces/{space}/collections/users/profiles/{id_type}:{}/{what}", encode(value)))
    }

    /// Reads the record of a deleted identifier.
    pub fn deletion(space: &str, id_type: &str, value: &str) -> Self {
        Self::get(format!("/v1/spaces/{space}/deletions/{id_type}:{}", encode(value)))
    }

    /// Adds a header.
    #[must_use]
    pub fn header(mut self, name: &str, value: impl Into<String>) -> Self {
        self.headers.push((name.to_owned(), value.into()));
        self
    }

    /// Replaces the method.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        method.clone_into(&mut self.method);
        self
    }

    /// Adds the token in the form that clients commonly send: Basic authentication with an empty password.
    #[must_use]
    pub fn token(self, token: &str) -> Self {
        self.header("Authorization", format!("Basic {}", STANDARD.encode(format!("{token}:"))))
    }

    /// Adds an `Idempotency-Key`.
    #[must_use]
    pub fn key(self, key: &str) -> Self {
        self.header("Idempotency-Key", key)
    }

    /// The Lambda event for this request.
    pub fn event(&self, via: Via) -> Value {
        match via {
            Via::Rest => self.rest(&self.path()),
            Via::Decoding => self.rest(&decode(&self.path())),
            Via::HttpApiV1 => {
                let mut event = self.rest(&decode(&self.path()));
                event["version"] = json!("1.0");
                event
            }
            Via::LoadBalancer => {
                let mut event = self.rest(&self.path());
                event["requestContext"] = json!({ "elb": { "targetGroupArn": "arn:aws:elasticloadbalancing:x" } });
                event
            }
            Via::FunctionUrl => self.v2(&self.path(), "abcdefghij.lambda-url.us-west-2.on.aws"),
            Via::Watch => self.v2(&self.path(), "localhost"),
            Via::HttpApi => {
                let path = decode(&self.path());
                let path = path.split('?').next().unwrap_or_default();
                self.v2(path, "abcdefghij.execute-api.us-west-2.amazonaws.com")
            }
        }
    }

    fn path(&self) -> String {
        self.target.split('?').next().unwrap_or_default().to_owned()
    }

    fn query(&self) -> String {
        self.target.split_once('?').map_or(String::new(), |(_, query)| query.to_owned())
    }

    /// The event of a REST API: the path as given, the query parameters decoded.
    fn rest(&self, path: &str) -> Value {
        let mut headers = serde_json::Map::new();
        let mut many = serde_json::Map::new();
        for (name, value) in &self.headers {
            headers.insert(name.clone(), json!(value));
            let values = many.entry(name.clone()).or_insert_with(|| json!([])).as_array_mut().unwrap();
            values.push(json!(value));
        }
        let mut query = serde_json::Map::new();
        for pair in self.query().split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let values = query.entry(decode(name)).or_insert_with(|| json!([])).as_array_mut().unwrap();
            values.push(json!(decode(&value.replace('+', " "))));
        }
        let query = if query.is_empty() { Value::Null } else { Value::Object(query) };
        let (body, is_base64) = self.body_text();
        json!({
            "resource": "/v1/{proxy+}",
            "path": path,
            "httpMethod": self.method,
            "headers": headers,
            "multiValueHeaders": many,
            "queryStringParameters": null,
            "multiValueQueryStringParameters": query,
            "pathParameters": { "proxy": decode(path.trim_start_matches("/v1/")) },
            "stageVariables": null,
            "requestContext": {
                "resourceId": "123456", "resourcePath": "/v1/{proxy+}", "httpMethod": self.method,
                "path": format!("/prod{path}"), "accountId": "123456789012", "protocol": "HTTP/1.1", "stage": "prod",
                "domainPrefix": "abcdefghij", "requestTimeEpoch": 1_767_225_600_000_i64,
                "requestId": "c6af9ac6-7b61-11e6-9a41-93e8deadbeef",
                "identity": { "sourceIp": "192.0.2.1", "userAgent": "curl/8" },
                "domainName": "abcdefghij.execute-api.us-west-2.amazonaws.com", "apiId": "abcdefghij"
            },
            "body": body,
            "isBase64Encoded": is_base64
        })
    }

    /// An event in format 2.0: repeated headers joined, the query as sent, the body in base64.
    fn v2(&self, path: &str, domain: &str) -> Value {
        let mut headers = serde_json::Map::new();
        for (name, value) in &self.headers {
            let name = name.to_lowercase();
            let joined = match headers.get(&name).and_then(Value::as_str) {
                Some(before) => format!("{before},{value}"),
                None => value.clone(),
            };
            headers.insert(name, json!(joined));
        }
        json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": self.query(),
            "headers": headers,
            "requestContext": {
                "accountId": "anonymous", "apiId": "abcdefghij", "domainName": domain, "domainPrefix": "abcdefghij",
                "http": {
                    "method": self.method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                    "userAgent": "curl/8"
                },
                "requestId": "id", "routeKey": "$default", "stage": "$default",
                "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1_767_225_600_000_i64
            },
            "body": STANDARD.encode(&self.body),
            "isBase64Encoded": true
        })
    }

    fn body_text(&self) -> (Value, bool) {
        match std::str::from_utf8(&self.body) {
            Ok("") => (Value::Null, false),
            Ok(text) => (json!(text), false),
            Err(_) => (json!(STANDARD.encode(&self.body)), true),
        }
    }
}

/// Percent-decodes as gateways do: what is not valid UTF-8 is replaced, not rejected.
fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
