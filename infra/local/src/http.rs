//! The few HTTP requests that we make ourselves, all to this machine.

use std::time::Duration;

use serde_json::Value;
use tokio::task::spawn_blocking;
use ureq::{
    Agent,
    http::{HeaderMap, Request, Response},
};

/// An answer.
#[derive(Debug)]
pub struct Answer {
    /// The status code; 0 where there was no answer.
    pub status: u16,
    /// The headers.
    pub headers: HeaderMap,
    /// The body as text, or why there is none.
    pub text: String,
}

impl Answer {
    /// The body as JSON; null where it is none.
    pub fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_default()
    }

    fn none(reason: &impl ToString) -> Self {
        Self { status: 0, headers: HeaderMap::new(), text: reason.to_string() }
    }
}

/// Sends a request away from the main thread, so that a Ctrl-C is heard meanwhile.
pub async fn send(request: Request<String>, timeout: Duration) -> Answer {
    spawn_blocking(move || {
        let agent: Agent = Agent::config_builder()
            .timeout_global(Some(timeout))
            .http_status_as_error(false)
            .proxy(None)
            .build()
            .into();
        agent.run(request).map_or_else(|error| Answer::none(&error), read)
    })
    .await
    .unwrap_or_else(|error| Answer::none(&error))
}

/// GET, with a few seconds of patience.
pub async fn get(url: &str) -> Answer {
    match Request::get(url).body(String::new()) {
        Ok(request) => send(request, Duration::from_secs(5)).await,
        Err(error) => Answer::none(&error),
    }
}

fn read(mut response: Response<ureq::Body>) -> Answer {
    Answer {
        status: response.status().as_u16(),
        headers: response.headers().clone(),
        text: response.body_mut().read_to_string().unwrap_or_else(|error| error.to_string()),
    }
}
