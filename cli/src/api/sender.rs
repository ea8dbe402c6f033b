//! Sends requests, and repeats those that may succeed later.

use std::{
    sync::atomic::{AtomicBool, Ordering},
    time::{Duration, Instant},
};

use efface_aws::backoff;

use super::{
    error::{NoResponse, request_suffix},
    http::{ApiRequest, HttpClient, Response, SendError},
};
use crate::{CliError, output};

/// With a longer `Retry-After` the request fails at once.
const LONGEST_RETRY_AFTER: Duration = Duration::from_mins(1);

/// How often a connection is tried to an address that has never responded. It is more likely wrong than busy.
const CONNECTION_ATTEMPTS: u32 = 3;

/// A client that repeats requests.
pub(super) struct Sender {
    client: HttpClient,
    /// What answers, for messages.
    what: &'static str,
    has_responded: AtomicBool,
}

impl Sender {
    pub(super) fn new(client: HttpClient, what: &'static str) -> Self {
        Self { client, what, has_responded: AtomicBool::new(false) }
    }

    /// The base URL, for users.
    pub(super) fn address(&self) -> String {
        self.client.url().shown()
    }

    /// Sends a request, and repeats it while there is no response or a transient one. An address that has never responded is
    /// given up soon. Returns the response whatever its status is.
    pub(super) async fn send(&self, request: &ApiRequest) -> Result<Response, CliError> {
        let mut pauses = backoff::API_REQUEST.start();
        for attempt in 1.. {
            let started = Instant::now();
            let result = self.client.send(request).await;
            output::detail(|| told(request, &result, started.elapsed()));
            if result.is_ok() {
                self.has_responded.store(true, Ordering::Relaxed);
            }
            let is_given_up = matches!(result, Err(SendError::Unreachable(_)))
                && attempt >= CONNECTION_ATTEMPTS
                && !self.has_responded.load(Ordering::Relaxed);
            let retry_after = match result {
                Ok(response) if !response.is_transient() => return Ok(Response { attempts: attempt, ..response }),
                Ok(ref response) => response.retry_after,
                Err(_) => None,
            };
            let pause = pauses.next().map(|pause| retry_after.unwrap_or(pause));
            let Some(pause) = pause.filter(|pause| *pause <= LONGEST_RETRY_AFTER && !is_given_up) else {
                let reason = self.reason(result);
                return Err(NoResponse { idempotency_key: request.key.clone(), ..NoResponse::new(reason) }.into());
            };
            tokio::time::sleep(pause).await;
        }
        Err(NoResponse::new("nothing was sent".to_owned()).into())
    }

    /// Why a request was given up.
    fn reason(&self, result: Result<Response, SendError>) -> String {
        let (address, what) = (self.client.address(), self.what);
        match result {
            Ok(response) => format!("last status {} from {address}", response.status_text()),
            Err(SendError::Unreachable(reason)) => {
                format!("no connection to {address}: {reason}; is this the URL of {what}, and does it run?")
            }
            Err(SendError::Lost(reason)) => format!("{reason}, from {address}"),
        }
    }
}

/// What became of a request, without what its path says of people.
fn told(request: &ApiRequest, result: &Result<Response, SendError>, time: Duration) -> String {
    let path = request.path.split('?').next().unwrap_or_default();
    let public = |part: &str| if part.contains(':') { "…".to_owned() } else { part.to_owned() };
    let path = path.split('/').map(public).collect::<Vec<_>>().join("/");
    let became = match result {
        Ok(response) => format!("{}{}", response.status_text(), request_suffix(response.request_id.as_deref())),
        Err(SendError::Unreachable(reason) | SendError::Lost(reason)) => reason.clone(),
    };
    format!("{} {path}: {became}, {} ms", request.method, time.as_millis())
}
