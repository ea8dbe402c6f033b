//! Requests to the emulated AWS.

use std::time::Duration;

use serde_json::Value;
use ureq::http::Request;

use crate::{
    emulator::credential,
    error::LocalError,
    http::{self, HttpResponse},
};

/// How long most requests may take.
const TIMEOUT: Duration = Duration::from_secs(30);
/// How long an invocation may take: longer than any function may. A function that is given up too early would run twice
/// at the same time.
const INVOCATION_TIMEOUT: Duration = Duration::from_mins(3);

/// A client of all AWS APIs at one address.
#[derive(Debug, Clone)]
pub(crate) struct AwsClient {
    /// The endpoint URL.
    pub(crate) url: String,
}

impl AwsClient {
    /// Sends a request to an API that takes JSON and the action's name in a header. `what` describes it in errors.
    pub(crate) async fn call(
        &self,
        what: &'static str,
        service: &str,
        action: &str,
        body: &Value,
    ) -> Result<Value, LocalError> {
        let request = Request::post(&self.url)
            .header("content-type", "application/x-amz-json-1.1")
            .header("x-amz-target", action)
            .header("authorization", credential(service));
        request_json(what, request, body.to_string()).await
    }

    /// Invokes a function once. Fails if the function fails.
    pub(crate) async fn invoke(&self, function: &str, event: &str) -> Result<(), LocalError> {
        let request = Request::post(format!("{}/invocations", self.function_url(function)));
        let response = send("an event", request, event.to_owned(), INVOCATION_TIMEOUT).await?;
        if response.headers.contains_key("x-amz-function-error") {
            return Err(LocalError::Emulator { what: "an event", text: response.text });
        }
        Ok(())
    }

    /// The event source mappings from queues and streams to functions.
    pub(crate) async fn mappings(&self) -> Result<Vec<Value>, LocalError> {
        let request = Request::get(format!("{}/2015-03-31/event-source-mappings", self.url));
        let mut response = request_json("the list of mappings", request, String::new()).await?;
        Ok(serde_json::from_value(response["EventSourceMappings"].take()).unwrap_or_default())
    }

    /// The URL of a function in the API of Lambda.
    pub(crate) fn function_url(&self, name: &str) -> String {
        format!("{}/2015-03-31/functions/{name}", self.url)
    }
}

async fn request_json(
    what: &'static str,
    request: ureq::http::request::Builder,
    body: String,
) -> Result<Value, LocalError> {
    send(what, request, body, TIMEOUT).await.map(|response| response.json())
}

/// Sends a request. Fails unless the status is 2xx; `what` describes the request in the error.
pub(crate) async fn request(
    what: &'static str,
    request: ureq::http::request::Builder,
    body: String,
) -> Result<HttpResponse, LocalError> {
    send(what, request, body, TIMEOUT).await
}

async fn send(
    what: &'static str,
    request: ureq::http::request::Builder,
    body: String,
    timeout: Duration,
) -> Result<HttpResponse, LocalError> {
    let request = request.body(body).map_err(|error| LocalError::Emulator { what, text: error.to_string() })?;
    let response = http::send(request, timeout).await;
    if (200..300).contains(&response.status) {
        return Ok(response);
    }
    Err(LocalError::Emulator { what, text: format!("{} {}", response.status, response.text) })
}
