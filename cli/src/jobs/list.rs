//! `efface jobs list`, `efface jobs outcomes` and `efface jobs events`.

use std::{collections::BTreeMap, fmt::Write as _};

use efface_core::job::JobState;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::{
    Jobs,
    args::{Control, ListJobs, Outcomes},
    job::{Counts, Job, outcome_text},
};
use crate::{
    CliError, Output,
    api::{List, encoded},
    output::{columns, printable},
    rows::Source,
};

/// What is above a list of a dry run.
const DRY_RUN: &str = "Dry run: nothing was deleted.\n\n";

/// The outcome of one row. Fields that this program does not use are kept in `rest`.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct RowOutcome {
    /// The line of the file where the row begins, where the file is given.
    #[serde(skip_deserializing, skip_serializing_if = "Option::is_none")]
    pub(crate) line: Option<u64>,
    pub(crate) page: u64,
    pub(crate) row: u64,
    pub(crate) outcome: String,
    pub(crate) code: Option<String>,
    pub(crate) message: Option<String>,
    #[serde(flatten)]
    rest: BTreeMap<String, Value>,
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
        if options.mine {
            return self.list_mine(options).await;
        }
        let mut query = String::new();
        for (name, value) in [("group", options.group.as_deref()), ("state", options.state.map(JobState::as_str))] {
            if let Some(value) = value {
                _ = write!(query, "&{name}={}", encoded(value));
            }
        }
        let List { entries: jobs, counts, has_more, .. } =
            self.api.list::<Job>("deletion_jobs", &query, options.limit, |_| {}).await?;
        let counts = counts.map_or_else(|| Ok(Counts::default()), serde_json::from_value);
        let counts = counts.map_err(|_| CliError::Unexpected("the counts of a list have another form"))?;
        let json = json!({"data": jobs, "counts": counts, "has_more": has_more});
        Ok(Output::success(table(&jobs, &counts, has_more, "all matching jobs"), json))
    }

    /// The outcomes of all rows of a job.
    pub(crate) async fn outcomes(&self, options: &Outcomes) -> Result<Output, CliError> {
        let query = options.outcome.map(|outcome| format!("&outcome={}", outcome.as_str())).unwrap_or_default();
        let path = format!("deletion_jobs/{}/outcomes", encoded(&options.job));
        let source = options.file.read().await?;
        let list = self.api.list::<RowOutcome>(&path, &query, u64::MAX, |_| {}).await?;
        let List { entries: mut outcomes, dry_run, .. } = list;
        if let Some(source) = source {
            add_lines(&mut outcomes, &source)?;
        }
        let text = if options.csv { csv(&outcomes, dry_run) } else { outcome_table(&outcomes, dry_run) };
        Ok(Output::success(text, json!({"dry_run": dry_run, "data": outcomes})))
    }

    /// All events of a job.
    pub(crate) async fn events(&self, options: &Control) -> Result<Output, CliError> {
        let path = format!("deletion_jobs/{}/events", encoded(&options.job));
        let List { entries: events, dry_run, .. } = self.api.list::<Event>(&path, "", u64::MAX, |_| {}).await?;
        let names = ["at", "kind", "by", "what"].map(str::to_owned);
        let row = |event: &Event| {
            let by = printable(event.token_id.as_deref().unwrap_or("-"));
            [printable(&event.at), printable(&event.kind), by, printable(&event.text)]
        };
        let rows: Vec<_> = std::iter::once(names).chain(events.iter().map(row)).collect();
        let title = if dry_run { DRY_RUN } else { "" };
        Ok(Output::success(format!("{title}{}", columns(&rows)), json!({"dry_run": dry_run, "data": events})))
    }

    /// The outcomes of the first rows of a job that are not found, and whether there are more.
    pub(crate) async fn not_found(&self, job: &str, most: u64) -> Result<(Vec<RowOutcome>, bool), CliError> {
        let path = format!("deletion_jobs/{}/outcomes", encoded(job));
        let list = self.api.list(&path, "&outcome=not_found", most, |_| {}).await?;
        Ok((list.entries, list.has_more))
    }
}

/// Adds the line of the file to each outcome.
fn add_lines(outcomes: &mut [RowOutcome], source: &Source) -> Result<(), CliError> {
    let is_page_0 = source.pages == 1 && outcomes.first().is_some_and(|outcome| outcome.page == 0);
    for outcome in outcomes {
        let row = source.row_at(outcome.page, outcome.row, is_page_0).ok_or(CliError::OtherPages)?;
        outcome.line = Some(source.lines.of(row));
    }
    Ok(())
}

/// A table of jobs, and their counts: of what, `of` says.
pub(super) fn table(jobs: &[Job], counts: &Counts, has_more: bool, of: &str) -> String {
    let has_segments = jobs.iter().any(|job| job.segment_id().is_some());
    let segment = if has_segments { "segment" } else { "" };
    let names = ["job", "action", "state", "rows", "deleted", "failed", "remaining", "created", "group", segment];
    let row = |job: &Job| {
        let text = |text: &Option<String>| printable(text.as_deref().unwrap_or("-"));
        let [rows, deleted, failed, remaining] =
            [job.rows, job.counts.deleted, job.counts.failed, job.remaining].map(|count| count.to_string());
        let deleted = if job.dry_run { format!("0 ({deleted} would be)") } else { deleted };
        let (id, action, state) = (printable(&job.id), printable(&job.action), state_text(job));
        let segment = if has_segments { text(&job.segment_id()) } else { String::new() };
        [id, action, state, rows, deleted, failed, remaining, text(&job.created_at), text(&job.group), segment]
    };
    let rows: Vec<_> = std::iter::once(names.map(str::to_owned)).chain(jobs.iter().map(row)).collect();
    let more = if has_more { "\n(there are more; raise --limit to see them)" } else { "" };
    let counts: Vec<_> = counts.rows("", false).into_iter().map(|[name, count, _]| [name, count]).collect();
    format!("{}{more}\n\nRows of {of}, without dry runs:\n{}", columns(&rows), columns(&counts))
}

/// The state, and in parentheses the phase of a segment's job that is not final, and whether it is a dry run.
fn state_text(job: &Job) -> String {
    let phase = job.phase().filter(|_| job.segment_id().is_some() && !job.state.is_final());
    let notes: Vec<String> = phase.into_iter().chain(job.dry_run.then(|| "dry run".to_owned())).collect();
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    format!("{}{notes}", job.state.as_str())
}

/// The columns of outcomes. That of the line is left out unless the file is given.
const COLUMNS: [&str; 6] = ["line", "page", "row", "outcome", "code", "message"];

fn outcome_table(outcomes: &[RowOutcome], dry_run: bool) -> String {
    let names = COLUMNS.map(str::to_owned);
    let row = |outcome: &RowOutcome| {
        let [line, page, row, _, code, message] = cells(outcome);
        let code = if dry_run && code == "deleted" { "-".to_owned() } else { code };
        [line, page, row, outcome_text(&outcome.outcome, dry_run), code, message]
    };
    let title = if dry_run { DRY_RUN } else { "" };
    let rows: Vec<_> = std::iter::once(names).chain(outcomes.iter().map(row)).collect();
    if has_lines(outcomes) {
        return format!("{title}{}", columns(&rows));
    }
    let rows: Vec<[String; 5]> = rows.into_iter().map(|[_, rest @ ..]: [String; 6]| rest).collect();
    format!("{title}{}", columns(&rows))
}

fn has_lines(outcomes: &[RowOutcome]) -> bool {
    outcomes.iter().any(|outcome| outcome.line.is_some())
}

fn cells(outcome: &RowOutcome) -> [String; 6] {
    let text = |text: &Option<String>| printable(text.as_deref().unwrap_or_default());
    let line = outcome.line.map(|line| line.to_string()).unwrap_or_default();
    let (page, row) = (outcome.page.to_string(), outcome.row.to_string());
    [line, page, row, printable(&outcome.outcome), text(&outcome.code), text(&outcome.message)]
}

/// CSV as in RFC 4180, with a header. The last column is whether it is that of a dry run.
fn csv(outcomes: &[RowOutcome], dry_run: bool) -> String {
    let first = usize::from(!has_lines(outcomes));
    let mut text = COLUMNS[first..].join(",") + ",dry_run";
    for outcome in outcomes {
        let is_plain = |cell: &str| !cell.contains([',', '"']);
        let quote = |cell: String| if is_plain(&cell) { cell } else { format!("\"{}\"", cell.replace('"', "\"\"")) };
        text.push('\n');
        _ = write!(text, "{},{dry_run}", cells(outcome).map(quote)[first..].join(","));
    }
    text
}
