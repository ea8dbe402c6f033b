//! Asks for confirmation before something is deleted. Every command that deletes asks here, so that each question says
//! the same: what, how much of it, and where.

use std::{
    fmt::Write as _,
    io::{self, BufRead, IsTerminal, Write as _},
};

use crate::{
    CliError,
    api::Api,
    output::{columns, printable},
};

/// What somebody is asked to confirm.
#[derive(Debug)]
pub(crate) struct Question {
    heading: &'static str,
    rows: Vec<[String; 2]>,
}

impl Question {
    /// About something that is deleted over the API.
    pub(crate) fn delete(api: &Api, what: &str, how_much: &str) -> Self {
        Self::over_api("This deletes for good:", api, what, how_much)
    }

    /// About memberships that are removed over the API. The profiles stay.
    pub(crate) fn remove(api: &Api, what: &str, how_much: &str) -> Self {
        Self::over_api("This removes memberships, and deletes no profile:", api, what, how_much)
    }

    /// About a job of somebody else that deletes once it is approved.
    pub(crate) fn approve(api: &Api, what: &str, how_much: &str) -> Self {
        Self::over_api("With your approval, a job deletes for good:", api, what, how_much)
    }

    /// About something that is deleted directly in a table.
    pub(crate) fn delete_in_table(table: &str, what: &str, how_much: &str) -> Self {
        Self::new("This deletes for good:", what, how_much, [("table", table.to_owned())])
    }

    /// About deletions that an operator lets go on, directly in a table.
    pub(crate) fn start_in_table(table: &str, what: &str, how_much: &str) -> Self {
        Self::new("This lets deletions go on:", what, how_much, [("table", table.to_owned())])
    }

    fn over_api(heading: &'static str, api: &Api, what: &str, how_much: &str) -> Self {
        Self::new(heading, what, how_much, [("space", api.space().to_string()), ("address", api.address())])
    }

    fn new<const N: usize>(
        heading: &'static str,
        what: &str,
        how_much: &str,
        place: [(&'static str, String); N],
    ) -> Self {
        let rows = [("what", what.to_owned()), ("how much", how_much.to_owned())].into_iter().chain(place);
        Self { heading, rows: rows.map(|(name, value)| [format!("  {name}"), printable(&value)]).collect() }
    }

    fn text(&self) -> String {
        format!("{}\n{}", self.heading, columns(&self.rows))
    }
}

/// What rows name that are in a file or a job.
pub(crate) fn named_by(rows: u64, place: &str) -> String {
    format!("everything that {place} names ({})", how_much(&[(rows, "row")]))
}

/// How much is deleted, such as "1 profile, 4 identifiers". Kinds of which there is nothing are left out, but the first
/// is always named.
pub(crate) fn how_much(counts: &[(u64, &str)]) -> String {
    let mut text = String::new();
    for (at, (count, kind)) in counts.iter().enumerate().filter(|(at, (count, _))| *at == 0 || *count > 0) {
        let (comma, plural) = (if at == 0 { "" } else { ", " }, if *count == 1 { "" } else { "s" });
        _ = write!(text, "{comma}{count} {kind}{plural}");
    }
    text
}

/// Fails if the question cannot be asked: there is no terminal, or standard input contains what to delete.
pub(crate) fn require_terminal(stdin_is_data: bool) -> Result<(), CliError> {
    let can_answer = !stdin_is_data && io::stdin().is_terminal() && io::stderr().is_terminal();
    if can_answer { Ok(()) } else { Err(CliError::NoTerminal) }
}

/// Asks on the terminal. Fails unless the reply is `yes`.
pub(crate) async fn ask(question: Question) -> Result<(), CliError> {
    ask_until(format!("{}\nType `yes` to continue: ", question.text()), is_yes).await
}

/// Asks on the terminal. Fails unless the reply is the name of what is to be deleted.
pub(crate) async fn ask_for_name(question: Question, name: String) -> Result<(), CliError> {
    let prompt = format!("{}\nType its name, {}, to continue: ", question.text(), printable(&name));
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
    fn a_question_names_what_and_where() {
        let text = Question::delete_in_table("efface-na", "a\u{1b}[2J", "1 profile").text();
        let expected = "This deletes for good:\n  what      a\u{fffd}[2J\n  how much  1 profile\n  table     efface-na";
        assert_eq!(text, expected);
    }

    #[test]
    fn what_there_is_nothing_of_is_left_out() {
        assert_eq!(how_much(&[(1, "profile"), (4, "identifier"), (0, "membership")]), "1 profile, 4 identifiers");
        assert_eq!(how_much(&[(0, "profile"), (1, "identifier")]), "0 profiles, 1 identifier");
    }

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
