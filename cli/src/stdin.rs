//! Reads an identifier from standard input: on the command line, other users of the machine could see it.

use std::io::{self, Read};

use crate::CliError;

/// The argument that stands for standard input.
pub(crate) const STDIN: &str = "-";

/// The most that is read, in bytes: more than the longest identifiers in JSON with all characters escaped.
const MAX_BYTES: u64 = 64 * 1_024;

/// Reads standard input to its end, and removes the line end. Errors do not show what was read.
pub(crate) async fn read() -> Result<String, CliError> {
    let reading = tokio::task::spawn_blocking(|| {
        let mut text = String::new();
        io::stdin().lock().take(MAX_BYTES).read_to_string(&mut text)?;
        Ok::<_, io::Error>(text)
    });
    let text = reading.await.map_err(|_| CliError::Unexpected("the reading thread ended"))?;
    let text = text.map_err(|error| CliError::BadIdentifier(format!("standard input: {error}")))?;
    Ok(text.strip_suffix('\n').map_or(text.as_str(), |line| line.strip_suffix('\r').unwrap_or(line)).to_owned())
}
