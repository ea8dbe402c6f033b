//! Examples of rows that a dry run does not find as they are written, but would find in another form.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use super::source::Source;
use crate::{
    CliError,
    jobs::{Job, Jobs, Plan},
};

/// How many rows are named per kind.
const EXAMPLES: usize = 5;

/// Rows by their number in the file, with the code of their near miss.
#[derive(Debug, Default)]
pub(super) struct NearMisses(Vec<(u64, String)>);

impl NearMisses {
    /// Those that the plan of a single page lists.
    pub(super) fn of_page(plan: &Plan) -> Self {
        Self(plan.near_misses.iter().map(|near_miss| (near_miss.row + 1, near_miss.code.clone())).collect())
    }

    /// Those among the first outcomes of a dry run that is a job.
    pub(super) async fn of_job(jobs: &Jobs, job: &Job, plan: &Plan, source: &Source) -> Result<Self, CliError> {
        if plan.other_case + plan.other_form == 0 {
            return Ok(Self::default());
        }
        let found = jobs.near_misses(&job.id).await?;
        let last = found.iter().map(|(page, ..)| *page).max().unwrap_or(0);
        let mut first_rows = BTreeMap::from([(0, 1)]);
        let mut pages = source.pages(1);
        while let Some(page) = pages.recv().await.filter(|page| page.number <= last) {
            first_rows.insert(page.number, page.first_row);
        }
        let row = |(page, row, code)| Some((first_rows.get(&page)? + row, code));
        Ok(Self(found.into_iter().filter_map(row).collect()))
    }

    /// The examples as text. Empty if there are none.
    pub(super) fn text(&self) -> String {
        let mut lines = String::new();
        for (code, how) in [("other_case", "in another letter case"), ("other_form", "in another form")] {
            let rows: Vec<String> = self.rows(code).take(EXAMPLES).map(|row| row.to_string()).collect();
            if !rows.is_empty() {
                let more = if self.rows(code).nth(EXAMPLES).is_some() { ", …" } else { "" };
                lines = [lines, format!("\n  found {how}: row {}{more}", rows.join(", "))].concat();
            }
        }
        let title = if lines.is_empty() { "" } else { "\n\nNot found as they are written (no value is changed):" };
        [title, &lines].concat()
    }

    /// The examples as JSON.
    pub(super) fn json(&self) -> Value {
        self.0.iter().map(|(row, code)| json!({"row": row, "code": code})).collect()
    }

    fn rows(&self, code: &str) -> impl Iterator<Item = u64> {
        self.0.iter().filter(move |(_, own)| own == code).map(|(row, _)| *row)
    }
}
