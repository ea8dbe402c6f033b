//! Prints a command's output to stdout, or its error to stderr.

use std::io::{self, Write};

use serde_json::{Value, json};

use crate::{
    error::CliError,
    output::{self, Output},
};

/// Prints an output or an error, and returns the exit code.
pub(crate) fn print(result: &Result<Output, CliError>, as_json: bool) -> u8 {
    let exit = result.as_ref().map_or_else(CliError::exit_code, |output| output.exit);
    let document = match result {
        Ok(output) if as_json => output.json.to_string(),
        Ok(output) => output.text.clone(),
        Err(error) if as_json => error_document(error).to_string(),
        Err(error) => {
            output::error(error);
            return exit;
        }
    };
    // A new token is shown only once, so a failure to print it must not look like a success.
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{document}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            output::error(format_args!("the output could not be written: {error}"));
            exit.max(1)
        }
        _ => exit,
    }
}

/// Prints what is wrong with a command line; or the help page or the version that it asks for. Returns the exit code.
pub(crate) fn print_usage(error: &clap::Error, as_json: bool) -> u8 {
    if as_json && error.use_stderr() {
        let document = json!({"error": {"code": "usage", "message": usage_message(error)}});
        _ = writeln!(io::stdout(), "{document}");
    } else {
        // If printing fails, there is no other way to tell the user.
        _ = error.print();
    }
    u8::try_from(error.exit_code()).unwrap_or(2)
}

/// The message without the prefix, the usage and the hint that follow it on a terminal.
fn usage_message(error: &clap::Error) -> String {
    let text = error.render().to_string();
    let text = text.split("\n\nUsage:").next().unwrap_or_default();
    let text = text.split("\n\nFor more information").next().unwrap_or_default();
    text.trim_start_matches("error:").split_whitespace().collect::<Vec<_>>().join(" ")
}

/// An error as JSON, in the same form as the API's errors.
fn error_document(error: &CliError) -> Value {
    let mut document = json!({"error": {"code": error.code(), "message": error.to_string()}});
    match error {
        CliError::Api(api_error) => {
            document.as_object_mut().into_iter().for_each(|fields| fields.extend(api_error.details.clone()));
            document["status"] = api_error.status.into();
            document["request_id"] = api_error.request_id.clone().into();
        }
        CliError::NoResponse(no_response) => {
            document["idempotency_key"] = no_response.idempotency_key.clone().into();
            document["job_id"] = no_response.job_id.clone().into();
        }
        _ => {}
    }
    document
}
