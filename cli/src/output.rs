//! Prints a command's output to stdout, and errors and notes to stderr.

use std::{
    fmt::{Display, Write as _},
    io::{self, Write},
};

use serde_json::{Value, json};

use crate::error::CliError;

/// The output of a command.
#[derive(Debug, Clone, PartialEq)]
pub struct Output {
    /// The text for users.
    pub text: String,
    /// The JSON document for programs.
    pub json: Value,
    /// The exit code.
    pub exit: u8,
}

impl Output {
    /// An output with exit code 0.
    pub(crate) fn success(text: String, json: Value) -> Self {
        Self { text, json, exit: 0 }
    }
}

/// Prints an output or an error, and returns the exit code.
pub(crate) fn print(result: &Result<Output, CliError>, as_json: bool) -> u8 {
    let exit = result.as_ref().map_or_else(CliError::exit_code, |output| output.exit);
    let document = match result {
        Ok(output) if as_json => output.json.to_string(),
        Ok(output) => output.text.clone(),
        Err(error) if as_json => error_document(error).to_string(),
        Err(error) => {
            note(format!("efface: {error}"));
            return exit;
        }
    };
    // A new token is shown only once, so a failure to print it must not look like a success.
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{document}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            note(format!("efface: the output could not be written: {error}"));
            exit.max(1)
        }
        _ => exit,
    }
}

/// An error as JSON, in the same form as the API's errors.
fn error_document(error: &CliError) -> Value {
    let mut document = json!({"error": {"code": error.code(), "message": error.to_string()}});
    match error {
        CliError::Api(api_error) => {
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

/// Prints a note for users to stderr. Errors are ignored, because a closed terminal must not stop the command.
pub(crate) fn note(text: impl Display) {
    _ = writeln!(io::stderr(), "{text}");
}

/// Aligns rows in columns that are two spaces apart.
pub(crate) fn columns<const N: usize>(rows: &[[String; N]]) -> String {
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max().unwrap_or_default();
    let widths: [usize; N] = std::array::from_fn(width);
    let mut text = String::new();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(widths) {
            _ = write!(line, "{cell:width$}  ");
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.truncate(text.trim_end().len());
    text
}

/// Replaces control characters in text from the API or a file: they could move the terminal's cursor or change its
/// title.
pub(crate) fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{fffd}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up() {
        let rows = [["a".to_owned(), "1".to_owned()], ["long".to_owned(), String::new()]];
        assert_eq!(columns(&rows), "a     1\nlong");
    }

    #[test]
    fn control_characters_are_replaced() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
