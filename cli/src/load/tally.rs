//! What loading came to: the counts, the lines that failed, and how to go on.

use std::path::Path;

use efface_aws::store::load::Loaded;
use serde_json::json;

use crate::{Answer, output::columns};

/// So many bad lines are kept with their words; the others are counted.
const MAX_KEPT: usize = 1_000;

/// Why loading came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// Every line was read.
    Complete,
    /// A line was bad.
    BadLine,
    /// The table did not answer for long, or the file could not be read further.
    Unavailable,
    /// The user asked to stop.
    Interrupted,
}

/// A line that was not loaded, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) line: u64,
    pub(crate) message: String,
}

/// The counts so far.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Lines that were loaded, spaces and profiles.
    pub(crate) lines: u64,
    /// Lines of profiles among them.
    pub(crate) profiles: u64,
    /// Lines of spaces among them.
    pub(crate) spaces: u64,
    /// What became of identifiers.
    pub(crate) identifiers: Loaded,
    /// How many lines were not loaded.
    pub(crate) failed: u64,
    first_failed: Option<u64>,
    failures: Vec<Failure>,
}

impl Tally {
    /// Counts a profile line.
    pub(crate) fn profile(&mut self, loaded: Loaded) {
        self.lines += 1;
        self.profiles += 1;
        self.identifiers.stored += loaded.stored;
        self.identifiers.unchanged += loaded.unchanged;
        self.identifiers.blocked += loaded.blocked;
    }

    /// Counts a space line.
    pub(crate) fn space(&mut self) {
        self.lines += 1;
        self.spaces += 1;
    }

    /// Counts a line that was not loaded.
    pub(crate) fn failure(&mut self, failure: Failure) {
        self.failed += 1;
        self.first_failed = self.first_failed.map_or(Some(failure.line), |first| Some(first.min(failure.line)));
        if self.failures.len() < MAX_KEPT {
            self.failures.push(failure);
        }
    }

    /// The first line that was not loaded.
    pub(crate) fn first_failed(&self) -> Option<u64> {
        self.first_failed
    }
}

/// The end, with all that there is to say.
pub(crate) struct Outcome {
    pub(crate) end: End,
    pub(crate) tally: Tally,
    /// The first line that is not known to be loaded, where there is one.
    pub(crate) go_on_at: Option<u64>,
}

impl Outcome {
    /// The closing table, and how to go on.
    pub(crate) fn answer(mut self, file: &Path) -> Answer {
        self.tally.failures.sort_by_key(|failure| failure.line);
        let exit = match self.end {
            End::Complete if self.tally.failed == 0 => 0,
            End::Complete | End::BadLine => 1,
            End::Unavailable => 3,
            End::Interrupted => 130,
        };
        let mut text = self.table();
        if let Some(line) = self.go_on_at {
            let file = file.display();
            text = format!(
                "{text}\n\nTo go on: efface load {file} --from-line {line}\n\
                 Lines that are loaded already are not changed by loading them again."
            );
        }
        Answer { text, json: self.json(), exit }
    }

    fn table(&self) -> String {
        let ids = &self.tally.identifiers;
        let counts: [(&str, u64, &str); 7] = [
            ("lines loaded", self.tally.lines, ""),
            ("  profiles", self.tally.profiles, ""),
            ("  spaces", self.tally.spaces, ""),
            ("identifiers stored", ids.stored as u64, ""),
            ("  unchanged", ids.unchanged as u64, "their profile had them already"),
            ("  blocked", ids.blocked as u64, "they stay deleted: the line is not later than their deletion"),
            ("lines failed", self.tally.failed, ""),
        ];
        let rows = counts.map(|(name, count, words)| {
            [name.to_owned(), format!("{count:>9}"), if count > 0 { words.to_owned() } else { String::new() }]
        });
        columns(&rows)
    }

    fn json(&self) -> serde_json::Value {
        let ids = &self.tally.identifiers;
        let failures = self.tally.failures.iter();
        json!({
            "complete": self.end == End::Complete,
            "interrupted": self.end == End::Interrupted,
            "lines": self.tally.lines,
            "profiles": self.tally.profiles,
            "spaces": self.tally.spaces,
            "identifiers": {"stored": ids.stored, "unchanged": ids.unchanged, "blocked": ids.blocked},
            "failed": self.tally.failed,
            "errors": failures.map(|f| json!({"line": f.line, "message": f.message})).collect::<Vec<_>>(),
            "from_line": self.go_on_at,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn outcome(end: End, failed: bool, go_on_at: Option<u64>) -> Answer {
        let mut tally = Tally::default();
        tally.profile(Loaded { stored: 2, unchanged: 1, blocked: 3 });
        if failed {
            tally.failure(Failure { line: 2, message: "wrong".to_owned() });
        }
        Outcome { end, tally, go_on_at }.answer(Path::new("f.jsonl"))
    }

    #[test]
    fn the_end_says_how_to_go_on() {
        let answer = outcome(End::Complete, false, None);
        assert_eq!(answer.exit, 0);
        assert!(answer.text.contains("they stay deleted") && !answer.text.contains("--from-line"));
        let answer = outcome(End::Interrupted, false, Some(7));
        assert_eq!((answer.exit, &answer.json["from_line"]), (130, &json!(7)));
        assert!(answer.text.contains("efface load f.jsonl --from-line 7"));
        assert_eq!(outcome(End::Complete, true, None).exit, 1);
        assert_eq!(outcome(End::Unavailable, true, Some(2)).exit, 3);
    }
}
