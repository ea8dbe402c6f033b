//! Asks for confirmation before something is deleted.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::CliError;

/// Fails if the question cannot be asked: there is no terminal, or standard input contains what to delete.
pub(crate) fn require_terminal(stdin_is_data: bool) -> Result<(), CliError> {
    let can_answer = !stdin_is_data && io::stdin().is_terminal() && io::stderr().is_terminal();
    if can_answer { Ok(()) } else { Err(CliError::NoTerminal) }
}

/// Asks on the terminal. Fails unless the reply is `yes`.
pub(crate) async fn ask(question: String) -> Result<(), CliError> {
    let reply = tokio::task::spawn_blocking(move || {
        let mut stderr = io::stderr();
        write!(stderr, "{question} Type `yes` to continue: ")?;
        stderr.flush()?;
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        Ok::<_, io::Error>(line)
    });
    match reply.await {
        Ok(Ok(line)) if is_yes(&line) => Ok(()),
        _ => Err(CliError::NotConfirmed),
    }
}

fn is_yes(line: &str) -> bool {
    line.trim().eq_ignore_ascii_case("yes")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_confirms() {
        assert!(is_yes("yes\r\n") && is_yes(" YES "));
        assert!(!is_yes("y") && !is_yes("") && !is_yes("yes please"));
    }
}
