//! All that is printed: answers on stdout, everything for people beside them on stderr.

use std::{
    fmt::{Display, Write as _},
    io::{self, Write},
};

use serde_json::{Value, json};

use crate::error::CliError;

/// What a command has to say when it is done.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    /// For people.
    pub text: String,
    /// For programs.
    pub json: Value,
    /// For shells.
    pub exit: u8,
}

impl Answer {
    /// The answer of a command that did what it was asked for.
    pub(crate) fn done(text: String, json: Value) -> Self {
        Self { text, json, exit: 0 }
    }
}

/// Prints an answer or an error; the exit code.
pub(crate) fn print(result: &Result<Answer, CliError>, as_json: bool) -> u8 {
    let exit = result.as_ref().map_or_else(CliError::exit_code, |answer| answer.exit);
    let document = match result {
        Ok(answer) if as_json => answer.json.to_string(),
        Ok(answer) => answer.text.clone(),
        Err(error) if as_json => error_document(error).to_string(),
        Err(error) => {
            note(format!("efface: {error}"));
            return exit;
        }
    };
    // A new token is shown once: that it did not arrive must not look like success.
    let mut stdout = io::stdout().lock();
    match writeln!(stdout, "{document}").and_then(|()| stdout.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => {
            note(format!("efface: the answer could not be written: {error}"));
            exit.max(1)
        }
        _ => exit,
    }
}

/// Errors have the shape of the API's.
fn error_document(error: &CliError) -> Value {
    let mut document = json!({"error": {"code": error.code(), "message": error.to_string()}});
    match error {
        CliError::Refused(refused) => {
            document["status"] = refused.status.into();
            document["request_id"] = refused.request_id.clone().into();
        }
        CliError::NoAnswer(no_answer) => {
            document["idempotency_key"] = no_answer.idempotency_key.clone().into();
            document["job_id"] = no_answer.job_id.clone().into();
        }
        _ => {}
    }
    document
}

/// Tells a person something on stderr. A closed terminal is no reason to stop.
pub(crate) fn note(text: impl Display) {
    _ = writeln!(io::stderr(), "{text}");
}

/// Rows in columns, two spaces apart. The last column is as wide as it likes.
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

/// Text of others, fit for a terminal: control characters could move its cursor or change its title.
pub(crate) fn harmless(text: &str) -> String {
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
    fn a_terminal_is_not_steered_by_an_answer() {
        assert_eq!(harmless("a\u{1b}[2Jb\n"), "a\u{fffd}[2Jb\u{fffd}");
    }
}
