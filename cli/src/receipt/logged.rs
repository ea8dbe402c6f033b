//! Requests for receipts: they wait until the entry is in the log.

use std::time::Duration;

use tokio::time::Instant;

use crate::{
    CliError,
    api::{Api, ApiError, ApiRequest, Response},
    hints::api_command,
    output::progress,
    pace::words,
};

/// Between two requests where the API does not say, and the shortest pause.
const PAUSE: Duration = Duration::from_secs(5);
const SHORTEST_PAUSE: Duration = Duration::from_secs(1);

/// Sends a request. While the log does not have the entry yet, it is sent again as the API says, for up to `timeout`.
pub(super) async fn send(api: &Api, request: &ApiRequest, timeout: Duration) -> Result<Response, CliError> {
    let end = Instant::now() + timeout;
    loop {
        let error = match api.send(request).await {
            Err(CliError::Api(error)) if error.code == "not_logged_yet" => error,
            Err(CliError::Api(error)) => return Err(explained(error).into()),
            result => return result,
        };
        let pause = error.retry_after.unwrap_or(PAUSE).max(SHORTEST_PAUSE);
        if Instant::now() + pause > end {
            return Err(CliError::NotLogged(format!(
                "the entry is not in the log after {}; what was deleted stays deleted. Repeat the command later, or give a \
                 longer --timeout",
                words(timeout)
            )));
        }
        progress(format_args!("the entry is not in the log yet; asking again in {}", words(pause)));
        tokio::time::sleep(pause).await;
    }
}

/// The refusal, with what can be done about it.
fn explained(mut error: ApiError) -> ApiError {
    if error.code == "not_found" {
        error.message = format!(
            "{} There is a receipt for each identifier that was deleted and for each job that has ended. `{}` and `{}` show \
             them",
            error.message,
            api_command("deletion show TYPE:VALUE"),
            api_command("jobs status JOB")
        );
    }
    error
}
