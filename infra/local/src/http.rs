//! HTTP requests to programs on this machine.

use std::time::Duration;

use serde_json::Value;
use tokio::task::spawn_blocking;
use ureq::{
    Agent,
    http::{HeaderMap, Request, Response},
};

/// A response, or the reason why there is none.
#[derive(Debug)]
pub struct HttpResponse {
    /// The status code. 0 if there was no response.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text, or the reason why there is no response.
    pub text: String,
}

impl HttpResponse {
    /// The body as JSON. Null if it is not JSON.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    fn none(reason: &impl ToString) -> Self {
        Self { status: 0, headers: HeaderMap::new(), text: reason.to_string() }
    }
}

/// Sends a request in another thread, so that Ctrl-C is handled meanwhile.
pub async fn send(request: Request<String>, timeout: Duration) -> HttpResponse {
    spawn_blocking(move || {
        let agent: Agent = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .into();
        agent.run(request).map_or_else(|error| HttpResponse::none(&error), read)
    })
    .await
    .unwrap_or_else(|error| HttpResponse::none(&error))
}

/// Sends a GET request with a timeout of 5 seconds.
pub async fn get(url: &str) -> HttpResponse {
    match Request::get(url).body(String::new()) {
        Ok(request) => send(request, Duration::from_secs(5)).await,
        Err(error) => HttpResponse::none(&error),
    }
}

fn read(mut response: Response<ureq::Body>) -> HttpResponse {
    HttpResponse {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.body_mut().read_to_string().unwrap_or_else(|error| error.to_string()),
    }
}
