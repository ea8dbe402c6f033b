//! Asks for confirmation before something is deleted.

use std::io::{self, BufRead, IsTerminal, Write};

use crate::{CliError, output::printable};

/// Fails if the question cannot be asked: there is no terminal, or standard input contains what to delete.
pub(crate) fn require_terminal(stdin_is_data: bool) -> Result<(), CliError> {
    let can_answer = !stdin_is_data && io::stdin().is_terminal() && io::stderr().is_terminal();
    if can_answer { Ok(()) } else { Err(CliError::NoTerminal) }
}

/// Asks on the terminal. Fails unless the reply is `yes`.
pub(crate) async fn ask(question: String) -> Result<(), CliError> {
    ask_until(format!("{question} Type `yes` to continue: "), is_yes).await
}

/// Asks on the terminal. Fails unless the reply is the name of what is to be deleted.
pub(crate) async fn ask_for_name(question: String, name: String) -> Result<(), CliError> {
    let prompt = format!("{question} Type its name, {}, to continue: ", printable(&name));
    ask_until(prompt, move |line| is_name(line, &name)).await
}

async fn ask_until(prompt: String, confirms: impl Fn(&str) -> bool) -> Result<(), CliError> {
    let reply = tokio::task::spawn_blocking(move || {
        let mut stderr = io::stderr();
        write!(stderr, "{prompt}")?;
        stderr.flush()?;
        let mut line = String::new();
        io::stdin().lock().read_line(&mut line)?;
        Ok::<_, io::Error>(line)
    });
    match reply.await {
        Ok(Ok(line)) if confirms(&line) => Ok(()),
        _ => Err(CliError::NotConfirmed),
    }
}

fn is_yes(line: &str) -> bool {
    line.trim().eq_ignore_ascii_case("yes")
}

/// Blanks around a name do not matter, its case does.
fn is_name(line: &str, name: &str) -> bool {
    !name.trim().is_empty() && line.trim() == name.trim()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_yes_confirms() {
        assert!(is_yes("yes\r\n") && is_yes(" YES "));
        assert!(!is_yes("y") && !is_yes("") && !is_yes("yes please"));
    }

    #[test]
    fn only_the_whole_name_confirms() {
        assert!(is_name("Spring 2026\r\n", "Spring 2026"));
        for line in ["spring 2026", "Spring", "", "yes"] {
            assert!(!is_name(line, "Spring 2026"), "{line}");
        }
        assert!(!is_name("\n", " "));
    }
}
