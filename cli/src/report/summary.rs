//! What a command tells of the report that it wrote.

use std::{collections::BTreeMap, path::Path};

use serde_json::{Value, json};

use super::decided::{Decided, PENDING};
use crate::{jobs::Job, output::printable};

/// How many rows the report has, in all and by outcome.
#[derive(Debug)]
pub(super) struct Summary {
    path: String,
    job: String,
    is_final: bool,
    rows: u64,
    counts: BTreeMap<String, u64>,
}

impl Summary {
    pub(super) fn new(path: &Path, job: &Job) -> Self {
        let (path, job_id) = (path.display().to_string(), job.id.clone());
        Self { path, job: job_id, is_final: job.state.is_final(), rows: 0, counts: BTreeMap::new() }
    }

    pub(super) fn count(&mut self, decided: &Decided) {
        self.rows += 1;
        *self.counts.entry(decided.outcome.clone()).or_default() += 1;
    }

    /// As text; `again` is the command that makes the report anew.
    pub(super) fn text(&self, again: &str) -> String {
        let counts: Vec<String> =
            self.counts.iter().map(|(name, count)| format!("{count} {}", printable(name))).collect();
        let waits = !self.is_final && self.counts.contains_key(PENDING);
        let again = if waits { format!("\nOnce the job has gone on: {again}") } else { String::new() };
        format!("report  {} ({} rows: {}){again}", printable(&self.path), self.rows, counts.join(", "))
    }

    pub(super) fn json(&self) -> Value {
        json!({"file": self.path, "job_id": self.job, "rows": self.rows, "counts": self.counts})
    }
}
