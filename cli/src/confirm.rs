//! The question before something is deleted for good.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::CliError;

/// Refuses to begin what nobody could be asked about.
pub(crate) fn someone_there(stdin_is_data: bool) -> Result<(), CliError> {
    let can_answer = !stdin_is_data && io::stdin().is_terminal() && io::stderr().is_terminal();
    if can_answer { Ok(()) } else { Err(CliError::NobodyToAsk) }
}

/// Asks on the terminal. Anything but `yes` is a no.
pub(crate) async fn ask(question: String) -> Result<(), CliError> {
    let answer = tokio::task::spawn_blocking(move || {
        let mut stderr = io::stderr();
        write!(stderr, "{question} Type `yes` to go on: ")?;
        stderr.flush()?;
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        Ok::<_, io::Error>(line)
    });
    match answer.await {
        Ok(Ok(line)) if is_yes(&line) => Ok(()),
        _ => Err(CliError::Declined),
    }
}

fn is_yes(line: &str) -> bool {
    line.trim().eq_ignore_ascii_case("yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_is_yes() {
        assert!(is_yes("yes\r\n") && is_yes(" YES "));
        assert!(!is_yes("y") && !is_yes("") && !is_yes("yes please"));
    }
}
