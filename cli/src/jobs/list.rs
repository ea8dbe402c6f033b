//! `efface jobs list` and `efface jobs outcomes`: lists that the API returns in pages.

use std::{collections::BTreeMap, fmt::Write as _};

use efface_core::job::JobState;
use serde::{Deserialize, Serialize, de::DeserializeOwned};
use serde_json::{Value, json};

use super::{
    Jobs,
    args::{Control, ListJobs, Outcomes},
    job::{Counts, Job, count_row},
};
use crate::{
    CliError, Output,
    api::{ApiRequest, encoded},
    output::{columns, printable},
};

/// The number of entries to request per page, which is the API's maximum.
const PAGE_SIZE: u64 = 100;

/// How many rows that are not found are looked through for near misses.
const MOST_NEAR_MISSES: u64 = 2_000;

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

/// The outcome of one row.
#[derive(Debug, Serialize, Deserialize)]
struct RowOutcome {
    page: u64,
    row: u64,
    outcome: String,
    code: Option<String>,
    message: Option<String>,
}

/// An event of a job. Fields that this program does not use are kept in `rest`.
#[derive(Debug, Serialize, Deserialize)]
struct Event {
    at: String,
    kind: String,
    token_id: Option<String>,
    text: String,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
}

impl Jobs {
    /// The latest jobs that match, and the counts of all matching jobs together.
    pub(crate) async fn list(&self, options: &ListJobs) -> Result<Output, CliError> {
        let mut query = String::new();
        for (name, value) in [("group", options.group.as_deref()), ("state", options.state.map(JobState::as_str))] {
            if let Some(value) = value {
                _ = write!(query, "&{name}={}", encoded(value));
            }
        }
        let (jobs, counts, has_more) = self.pages::<Job>("deletion_jobs", &query, options.limit).await?;
        let counts = counts.unwrap_or_default();
        let json = json!({"data": jobs, "counts": counts, "has_more": has_more});
        Ok(Output::success(table(&jobs, &counts, has_more), json))
    }

    /// The outcomes of all rows of a job.
    pub(crate) async fn outcomes(&self, options: &Outcomes) -> Result<Output, CliError> {
        let query = options.outcome.map(|outcome| format!("&outcome={}", outcome.as_str())).unwrap_or_default();
        let path = format!("deletion_jobs/{}/outcomes", encoded(&options.job));
        let (outcomes, ..) = self.pages::<RowOutcome>(&path, &query, u64::MAX).await?;
        let text = if options.csv { csv(&outcomes) } else { outcome_table(&outcomes) };
        Ok(Output::success(text, json!({"data": outcomes})))
    }

    /// All events of a job.
    pub(crate) async fn events(&self, options: &Control) -> Result<Output, CliError> {
        let path = format!("deletion_jobs/{}/events", encoded(&options.job));
        let (events, ..) = self.pages::<Event>(&path, "", u64::MAX).await?;
        let names = ["at", "kind", "by", "what"].map(str::to_owned);
        let row = |event: &Event| {
            let by = printable(event.token_id.as_deref().unwrap_or("-"));
            [printable(&event.at), printable(&event.kind), by, printable(&event.text)]
        };
        let rows: Vec<_> = std::iter::once(names).chain(events.iter().map(row)).collect();
        Ok(Output::success(columns(&rows), json!({"data": events})))
    }

    /// Rows of a dry run that would be found in another form, by page and row, with the code that tells which. Only the
    /// first rows that are not found are looked through.
    pub(crate) async fn near_misses(&self, job: &str) -> Result<Vec<(u64, u64, String)>, CliError> {
        let path = format!("deletion_jobs/{}/outcomes", encoded(job));
        let (outcomes, ..) = self.pages::<RowOutcome>(&path, "&outcome=not_found", MOST_NEAR_MISSES).await?;
        let code = |outcome: RowOutcome| {
            let code = outcome.code.filter(|code| matches!(code.as_str(), "other_case" | "other_form"));
            code.map(|code| (outcome.page, outcome.row, code))
        };
        Ok(outcomes.into_iter().filter_map(code).collect())
    }

    /// Reads up to `limit` entries of a list. Returns them, the list's counts, and whether there are more entries.
    async fn pages<T: DeserializeOwned>(
        &self,
        path: &str,
        query: &str,
        limit: u64,
    ) -> Result<(Vec<T>, Option<Counts>, bool), CliError> {
        let (mut all, mut next) = (Vec::new(), String::new());
        loop {
            let page_size = PAGE_SIZE.min(limit - all.len() as u64);
            let request = ApiRequest::get(self.api.path(&format!("{path}?limit={page_size}{query}{next}")));
            let page: Page<T> = self.api.request(&request).await?;
            all.extend(page.data);
            match page.cursor.next.filter(|next| page.cursor.has_more && !next.is_empty()) {
                Some(cursor) if (all.len() as u64) < limit => next = format!("&next={}", encoded(&cursor)),
                more => return Ok((all, page.counts, more.is_some())),
            }
        }
    }
}

fn table(jobs: &[Job], counts: &Counts, has_more: bool) -> String {
    let names = ["job", "action", "state", "rows", "deleted", "failed", "remaining", "created", "group"];
    let row = |job: &Job| {
        let text = |text: &Option<String>| printable(text.as_deref().unwrap_or("-"));
        let [rows, deleted, failed, remaining] =
            [job.rows, job.counts.deleted, job.counts.failed, job.remaining].map(|count| count.to_string());
        let (id, action, state) = (
            printable(&job.id),
            printable(&job.action),
            if job.dry_run { format!("{} (dry run)", job.state.as_str()) } else { job.state.as_str().to_owned() },
        );
        [id, action, state, rows, deleted, failed, remaining, text(&job.created_at), text(&job.group)]
    };
    let rows: Vec<_> = std::iter::once(names.map(str::to_owned)).chain(jobs.iter().map(row)).collect();
    let more = if has_more { "\n(there are more; raise --limit to see them)" } else { "" };
    let counts = counts.outcomes().map(|(name, count, _)| count_row(name, count, ""));
    format!("{}{more}\n\nRows of all matching jobs:\n{}", columns(&rows), columns(&counts))
}

fn outcome_table(outcomes: &[RowOutcome]) -> String {
    let names = ["page", "row", "outcome", "code", "message"].map(str::to_owned);
    columns(&std::iter::once(names).chain(outcomes.iter().map(cells)).collect::<Vec<_>>())
}

fn cells(outcome: &RowOutcome) -> [String; 5] {
    let text = |text: &Option<String>| printable(text.as_deref().unwrap_or_default());
    let (page, row) = (outcome.page.to_string(), outcome.row.to_string());
    [page, row, printable(&outcome.outcome), text(&outcome.code), text(&outcome.message)]
}

/// CSV as in RFC 4180, with a header.
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
