//! `efface jobs list` and `efface jobs outcomes`: lists that come in pages.

use std::fmt::Write as _;

use efface_core::job::JobState;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::json;

use super::{
    Jobs,
    args::{ListJobs, Outcomes},
    job::{Counts, Job, count_row},
};
use crate::{
    Answer, CliError,
    api::{Call, encoded},
    output::{columns, harmless},
};

/// The largest page of a list.
const PAGE: u64 = 100;

/// A page of a list.
#[derive(Deserialize)]
struct Page<T> {
    data: Vec<T>,
    #[serde(default)]
    counts: Option<Counts>,
    cursor: Cursor,
}

#[derive(Deserialize)]
struct Cursor {
    has_more: bool,
    next: Option<String>,
}

/// What became of one row.
#[derive(Debug, Serialize, Deserialize)]
struct RowOutcome {
    page: u64,
    row: u64,
    outcome: String,
    code: Option<String>,
    message: Option<String>,
}

impl Jobs {
    /// Jobs, the latest first as the API tells them, and the counts over all that match.
    pub(crate) async fn list(&self, of: &ListJobs) -> Result<Answer, CliError> {
        let mut query = String::new();
        for (name, value) in [("group", of.group.as_deref()), ("state", of.state.map(JobState::as_str))] {
            if let Some(value) = value {
                _ = write!(query, "&{name}={}", encoded(value));
            }
        }
        let (jobs, counts, has_more) = self.pages::<Job>("deletion_jobs", &query, of.limit).await?;
        let counts = counts.unwrap_or_default();
        let json = json!({"data": jobs, "counts": counts, "has_more": has_more});
        Ok(Answer::done(table(&jobs, &counts, has_more), json))
    }

    /// The outcomes of a job's rows, all of them.
    pub(crate) async fn outcomes(&self, of: &Outcomes) -> Result<Answer, CliError> {
        let query = of.outcome.map(|outcome| format!("&outcome={}", outcome.as_str())).unwrap_or_default();
        let path = format!("deletion_jobs/{}/outcomes", encoded(&of.job));
        let (outcomes, ..) = self.pages::<RowOutcome>(&path, &query, u64::MAX).await?;
        let text = if of.csv { csv(&outcomes) } else { outcome_table(&outcomes) };
        Ok(Answer::done(text, json!({"data": outcomes})))
    }

    /// The entries of a list, at most so many; the counts beside them; whether there are more.
    async fn pages<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &str,
        most: u64,
    ) -> Result<(Vec<T>, Option<Counts>, bool), CliError> {
        let (mut all, mut next) = (Vec::new(), String::new());
        loop {
            let limit = PAGE.min(most - all.len() as u64);
            let call = Call::get(self.api.path(&format!("{path}?limit={limit}{query}{next}")));
            let page: Page<T> = self.api.ask(&call).await?;
            all.extend(page.data);
            match page.cursor.next.filter(|next| page.cursor.has_more && !next.is_empty()) {
                Some(cursor) if (all.len() as u64) < most => next = format!("&next={}", encoded(&cursor)),
                more => return Ok((all, page.counts, more.is_some())),
            }
        }
    }
}

fn table(jobs: &[Job], counts: &Counts, has_more: bool) -> String {
    let names = ["job", "action", "state", "rows", "deleted", "failed", "remaining", "created", "group"];
    let row = |job: &Job| {
        let text = |text: &Option<String>| harmless(text.as_deref().unwrap_or("-"));
        let [rows, deleted, failed, remaining] =
            [job.rows, job.counts.deleted, job.counts.failed, job.remaining].map(|count| count.to_string());
        let (id, action, state) = (harmless(&job.id), harmless(&job.action), job.state.as_str().to_owned());
        [id, action, state, rows, deleted, failed, remaining, text(&job.created_at), text(&job.group)]
    };
    let rows: Vec<_> = std::iter::once(names.map(str::to_owned)).chain(jobs.iter().map(row)).collect();
    let more = if has_more { "\n(there are more; --limit shows them)" } else { "" };
    let counts = counts.outcomes().map(|(name, count, _)| count_row(name, count, ""));
    format!("{}{more}\n\nRows of all jobs that match:\n{}", columns(&rows), columns(&counts))
}

fn outcome_table(outcomes: &[RowOutcome]) -> String {
    let names = ["page", "row", "outcome", "code", "message"].map(str::to_owned);
    columns(&std::iter::once(names).chain(outcomes.iter().map(cells)).collect::<Vec<_>>())
}

fn cells(outcome: &RowOutcome) -> [String; 5] {
    let text = |text: &Option<String>| harmless(text.as_deref().unwrap_or_default());
    let (page, row) = (outcome.page.to_string(), outcome.row.to_string());
    [page, row, harmless(&outcome.outcome), text(&outcome.code), text(&outcome.message)]
}

/// With a header and RFC 4180's quotes.
fn csv(outcomes: &[RowOutcome]) -> String {
    let mut text = "page,row,outcome,code,message".to_owned();
    for outcome in outcomes {
        let is_plain = |cell: &str| !cell.contains([',', '"']);
        let quote = |cell: String| if is_plain(&cell) { cell } else { format!("\"{}\"", cell.replace('"', "\"\"")) };
        text.push('\n');
        text.push_str(&cells(outcome).map(quote).join(","));
    }
    text
}
