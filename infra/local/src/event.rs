//! The Lambda event of an HTTP request, as each event source makes it: for the gateway of `cargo local`, and for the
//! tests, which hold it against events that were recorded. `docs/adr/0002` says what each source does to the path.

use base64::{Engine, engine::general_purpose::STANDARD};
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

/// How a request reaches the function: the format of its event, and what that event source does to the path. Not every
/// format is one of the function's event sources: it must reject the last three.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Via {
    /// API Gateway REST API: the path as it was sent.
    Rest,
    /// Lambda function URL: the path as it was sent.
    FunctionUrl,
    /// `cargo local`, which invokes the function under `cargo lambda watch`: the format of a function URL, but each
    /// header with all its values, so that one that was sent twice is seen to be, as with a REST API.
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
#[derive(Debug, Clone, Copy)]
pub struct HttpRequest<'a> {
    /// The method.
    pub method: &'a str,
    /// Path and query, percent-encoded.
    pub target: &'a str,
    /// Names and values, in the order in which they are sent. A name may occur more than once.
    pub headers: &'a [(String, String)],
    /// The body; empty for none.
    pub body: &'a [u8],
}

impl Via {
    /// The event of a request. <https://docs.aws.amazon.com/lambda/latest/dg/urls-invocation.html> and
    /// <https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html> have the
    /// formats.
    pub fn event(self, request: &HttpRequest<'_>) -> Value {
        let (path, query) = request.target.split_once('?').unwrap_or((request.target, ""));
        match self {
            Self::Rest => request.rest(path, query),
            Self::Decoding => request.rest(&decode(path), query),
            Self::HttpApiV1 => with(request.rest(&decode(path), query), "version", json!("1.0")),
            Self::LoadBalancer => {
                let context = json!({ "elb": { "targetGroupArn": "arn:aws:elasticloadbalancing:x" } });
                with(request.rest(path, query), "requestContext", context)
            }
            Self::FunctionUrl => {
                let event = request.v2(path, query, "abcdefghij.lambda-url.us-west-2.on.aws");
                with(event, "headers", request.joined_headers())
            }
            Self::Watch => {
                let event = with(request.v2(path, query, "localhost"), "headers", request.joined_headers());
                with(event, "multiValueHeaders", request.all_headers())
            }
            Self::HttpApi => {
                let decoded = decode(path);
                let cut = decoded.split('?').next().unwrap_or_default();
                let event = request.v2(cut, query, "abcdefghij.execute-api.us-west-2.amazonaws.com");
                with(event, "headers", request.joined_headers())
            }
        }
    }
}

impl HttpRequest<'_> {
    /// The event of a REST API: the path as given, the query parameters decoded, the body in base64, because the
    /// template declares all media types as binary.
    fn rest(&self, path: &str, query: &str) -> Value {
        let last: Map<String, Value> = self.headers.iter().map(|(name, value)| (name.clone(), json!(value))).collect();
        let pairs =
            query.split('&').filter(|pair| !pair.is_empty()).map(|pair| pair.split_once('=').unwrap_or((pair, "")));
        let query = grouped(pairs.map(|(name, value)| (decode(name), decode(&value.replace('+', " ")))));
        let query = if query.is_empty() { Value::Null } else { Value::Object(query) };
        json!({
            "resource": "/v1/{proxy+}",
            "path": path,
            "httpMethod": self.method,
            "headers": last,
            "multiValueHeaders": self.all_headers(),
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
            "body": if self.body.is_empty() { Value::Null } else { json!(STANDARD.encode(self.body)) },
            "isBase64Encoded": !self.body.is_empty()
        })
    }

    /// An event in format 2.0, without headers: the query as sent, the body in base64.
    fn v2(&self, path: &str, query: &str, domain: &str) -> Value {
        json!({
            "version": "2.0",
            "routeKey": "$default",
            "rawPath": path,
            "rawQueryString": query,
            "requestContext": {
                "accountId": "anonymous", "apiId": "abcdefghij", "domainName": domain, "domainPrefix": "abcdefghij",
                "http": {
                    "method": self.method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "192.0.2.1",
                    "userAgent": "curl/8"
                },
                "requestId": "id", "routeKey": "$default", "stage": "$default",
                "time": "01/Jan/2026:00:00:00 +0000", "timeEpoch": 1_767_225_600_000_i64
            },
            "body": STANDARD.encode(self.body),
            "isBase64Encoded": true
        })
    }

    /// Each header with all its values.
    fn all_headers(&self) -> Value {
        grouped(self.headers.iter().cloned()).into()
    }

    /// Repeated headers joined, and names in lower case.
    fn joined_headers(&self) -> Value {
        let lower = self.headers.iter().map(|(name, value)| (name.to_lowercase(), value.clone()));
        let join = |values: &Value| {
            let values = values.as_array().into_iter().flatten().filter_map(Value::as_str);
            json!(values.collect::<Vec<_>>().join(","))
        };
        let joined = grouped(lower).iter().map(|(name, values)| (name.clone(), join(values))).collect();
        Value::Object(joined)
    }
}

/// All values of each name.
fn grouped(pairs: impl Iterator<Item = (String, String)>) -> Map<String, Value> {
    let mut values: Map<String, Value> = Map::new();
    for (name, value) in pairs {
        if let Value::Array(values) = values.entry(name).or_insert_with(|| json!([])) {
            values.push(json!(value));
        }
    }
    values
}

fn with(mut event: Value, field: &str, value: Value) -> Value {
    event[field] = value;
    event
}

/// Percent-decodes as gateways do: what is not valid UTF-8 is replaced, not rejected.
fn decode(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}
