//! Examples of rows that a dry run does not find as they are written, but would find in another form.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::{
    CliError,
    jobs::{Job, Jobs, Plan, command},
    rows::Source,
};

/// How many rows are named per kind.
const EXAMPLES: usize = 5;

/// Rows by their number in the file, with the code of their near miss.
#[derive(Debug, Default)]
pub(super) struct NearMisses {
    rows: Vec<(u64, String)>,
    /// The dry run that counts some, if none of them is known.
    unknown_of: Option<String>,
}

impl NearMisses {
    /// Takes those that the plan of a single page lists.
    pub(super) fn of_page(plan: &mut Plan) -> Self {
        let rows = plan.near_misses.drain(..).map(|near_miss| (near_miss.row + 1, near_miss.code));
        Self { rows: rows.collect(), unknown_of: None }
    }

    /// Those among the first outcomes of a dry run that is a job. A plan without examples is still a plan.
    pub(super) async fn of_job(jobs: &Jobs, job: &Job, plan: &Plan, source: &Source) -> Self {
        if plan.other_case + plan.other_form == 0 {
            return Self::default();
        }
        let rows = Self::rows_of_job(jobs, job, source).await.unwrap_or_default();
        Self { unknown_of: rows.is_empty().then(|| job.id.clone()), rows }
    }

    async fn rows_of_job(jobs: &Jobs, job: &Job, source: &Source) -> Result<Vec<(u64, String)>, CliError> {
        let found = jobs.near_misses(&job.id).await?;
        let last = found.iter().map(|(page, ..)| *page).max().unwrap_or(0);
        let mut first_rows = BTreeMap::from([(0, 1)]);
        let mut pages = source.pages(1);
        while let Some(page) = pages.recv().await.filter(|page| page.number <= last) {
            first_rows.insert(page.number, page.first_row);
        }
        let row = |(page, row, code)| Some((first_rows.get(&page)? + row, code));
        Ok(found.into_iter().filter_map(row).collect())
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
        if let Some(job) = &self.unknown_of {
            let all = command("outcomes", job);
            lines = format!("\n  none of the first rows; `{all} --outcome not_found` shows all");
        }
        let title = if lines.is_empty() { "" } else { "\n\nNot found as they are written (no value is changed):" };
        [title, &lines].concat()
    }

    /// The examples as JSON.
    pub(super) fn json(&self) -> Value {
        self.rows.iter().map(|(row, code)| json!({"row": row, "code": code})).collect()
    }

    fn rows(&self, code: &str) -> impl Iterator<Item = u64> {
        self.rows.iter().filter(move |(_, own)| own == code).map(|(row, _)| *row)
    }
}
