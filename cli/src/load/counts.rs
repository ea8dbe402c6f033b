//! The result of loading: the counts, the lines that failed, and where to resume.

use std::path::Path;

use efface_engine::load::Loaded;
use serde_json::json;

use crate::{Output, exit, hints, output::columns};

/// How many failed lines are listed with their messages. All others are only counted.
const MAX_FAILURES: usize = 1_000;

/// Why loading ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Every line was read.
    Complete,
    /// A line was rejected.
    BadLine,
    /// The table was unavailable, or reading the file failed.
    Unavailable,
    /// The user pressed Ctrl-C, or the system sent SIGTERM.
    Interrupted,
}

/// A line that was not loaded, and the reason.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// The line's number, from 1.
    pub line: u64,
    /// What is wrong. It never contains the value of an identifier.
    pub message: String,
}

/// The counts so far.
#[derive(Debug, Default)]
pub(crate) struct Counts {
    /// The number of loaded lines.
    pub(crate) lines: u64,
    /// The number of loaded profile lines.
    pub(crate) profiles: u64,
    /// The number of loaded space lines.
    pub(crate) spaces: u64,
    /// The numbers of identifiers that were stored, unchanged or blocked.
    pub(crate) identifiers: Loaded,
    /// The number of lines that were not loaded.
    pub(crate) failed: u64,
    first_failed: Option<u64>,
    failures: Vec<Failure>,
}

impl Counts {
    /// Counts a loaded profile line.
    pub(crate) fn add_profile(&mut self, loaded: Loaded) {
        self.lines += 1;
        self.profiles += 1;
        self.identifiers.stored += loaded.stored;
        self.identifiers.unchanged += loaded.unchanged;
        self.identifiers.blocked += loaded.blocked;
        self.identifiers.not_joined += loaded.not_joined;
    }

    /// Counts a loaded space line.
    pub(crate) fn add_space(&mut self) {
        self.lines += 1;
        self.spaces += 1;
    }

    /// Counts a line that was not loaded.
    pub(crate) fn add_failure(&mut self, failure: Failure) {
        self.failed += 1;
        self.first_failed = self.first_failed.map_or(Some(failure.line), |first| Some(first.min(failure.line)));
        if self.failures.len() < MAX_FAILURES {
            self.failures.push(failure);
        }
    }

    /// The number of the first line that was not loaded.
    pub(crate) fn first_failed(&self) -> Option<u64> {
        self.first_failed
    }
}

/// The result of a run.
pub(crate) struct Outcome {
    pub(crate) end: End,
    pub(crate) counts: Counts,
    /// The first line that may not be loaded. `None` if loading was complete.
    pub(crate) resume_at: Option<u64>,
}

impl Outcome {
    /// The first line that was not loaded, as an error.
    pub(crate) fn into_result(self) -> Result<(), Failure> {
        self.counts.failures.into_iter().min_by_key(|failure| failure.line).map_or(Ok(()), Err)
    }

    /// A table of the counts, and the command to resume with.
    pub(crate) fn into_output(mut self, file: &Path) -> Output {
        self.counts.failures.sort_by_key(|failure| failure.line);
        let exit = match self.end {
            End::Complete if self.counts.failed == 0 => 0,
            End::Complete | End::BadLine => exit::FAILED,
            End::Unavailable => exit::UNAVAILABLE,
            End::Interrupted => exit::INTERRUPTED,
        };
        let mut text = self.table();
        if let Some(line) = self.resume_at {
            let file = file.to_string_lossy();
            let resume = hints::load_command(format_args!("{} --from-line {line}", hints::quoted(&file)));
            text = format!(
                "{text}\n\nTo resume: {resume}\n\
                 Loading lines again that are already loaded changes nothing."
            );
        }
        Output { text, json: self.json(), exit }
    }

    fn table(&self) -> String {
        let ids = &self.counts.identifiers;
        let counts: [(&str, u64, &str); 8] = [
            ("lines loaded", self.counts.lines, ""),
            ("  profiles", self.counts.profiles, ""),
            ("  spaces", self.counts.spaces, ""),
            ("identifiers stored", ids.stored as u64, ""),
            ("  unchanged", ids.unchanged as u64, "the profile had them already"),
            ("  blocked", ids.blocked as u64, "they stay deleted, because the line is not later than the deletion"),
            ("memberships left out", ids.not_joined as u64, "the segment is disabled"),
            ("lines failed", self.counts.failed, ""),
        ];
        let rows = counts.map(|(name, count, note)| {
            [name.to_owned(), format!("{count:>9}"), if count > 0 { note.to_owned() } else { String::new() }]
        });
        columns(&rows)
    }

    fn json(&self) -> serde_json::Value {
        let ids = &self.counts.identifiers;
        let failures = self.counts.failures.iter();
        json!({
            "complete": self.end == End::Complete,
            "interrupted": self.end == End::Interrupted,
            "lines": self.counts.lines,
            "profiles": self.counts.profiles,
            "spaces": self.counts.spaces,
            "identifiers": {"stored": ids.stored, "unchanged": ids.unchanged, "blocked": ids.blocked},
            "memberships": {"left_out": ids.not_joined},
            "failed": self.counts.failed,
            "errors": failures.map(|f| json!({"line": f.line, "message": f.message})).collect::<Vec<_>>(),
            "from_line": self.resume_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(end: End, failed: bool, resume_at: Option<u64>) -> Output {
        let mut counts = Counts::default();
        counts.add_profile(Loaded { stored: 2, unchanged: 1, blocked: 3, not_joined: 0 });
        if failed {
            counts.add_failure(Failure { line: 2, message: "wrong".to_owned() });
        }
        Outcome { end, counts, resume_at }.into_output(Path::new("f.jsonl"))
    }

    #[test]
    fn the_output_says_how_to_resume() {
        let output = outcome(End::Complete, false, None);
        assert_eq!(output.exit, 0);
        assert!(output.text.contains("they stay deleted") && !output.text.contains("--from-line"));
        let output = outcome(End::Interrupted, false, Some(7));
        assert_eq!((output.exit, &output.json["from_line"]), (130, &json!(7)));
        assert!(output.text.contains("efface load f.jsonl --from-line 7"));
        assert_eq!(outcome(End::Complete, true, None).exit, 1);
        assert_eq!(outcome(End::Unavailable, true, Some(2)).exit, 3);
    }
}
