//! Creates a job and sends its pages.

use std::{collections::BTreeMap, path::Path};

use efface_core::time::Time;
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};

use super::{
    Action,
    source::{MAX_LISTED, Page, Source},
};
use crate::{
    CliError,
    api::ApiRequest,
    jobs::{Job, Jobs, Plan},
    output::{columns, printable},
    progress_bar::Bar,
};

/// The body of the request that creates a job.
#[derive(Serialize)]
pub(super) struct NewJob<'a> {
    pub(super) action: Action,
    pub(super) rows: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_deletions: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) start_at: Option<Time>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) dry_run: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) open: bool,
}

/// The API's response to rows.
#[derive(Deserialize)]
pub(super) struct Accepted {
    pub(super) job: Option<Job>,
    #[serde(default)]
    pub(super) plan: Option<Plan>,
    #[serde(default)]
    rejected: Vec<Rejected>,
    #[serde(default)]
    rejected_total: u64,
}

#[derive(Deserialize)]
struct Rejected {
    /// The row's number in its page, from 0.
    row: u64,
    code: String,
    message: String,
}

impl Jobs {
    /// Creates a job. With a key that was used before, it returns the same job again.
    pub(super) async fn create(&self, new: &NewJob<'_>, key: String) -> Result<Accepted, CliError> {
        let body = serde_json::to_string(new).map_err(|_| CliError::Unexpected("the rows are not JSON"))?;
        self.api.request(&ApiRequest::post(self.api.path("deletion_jobs"), body).with_key(key)).await
    }

    /// Sends all pages, `parallelism` of them at a time. A repeated page keeps its number, so that it counts once.
    pub(super) async fn send_pages(
        &self,
        job: &str,
        source: &Source,
        parallelism: usize,
        bar: &Bar,
    ) -> Result<Rejections, CliError> {
        let pages = stream::unfold(source.pages(parallelism), async |mut pages| Some((pages.recv().await?, pages)));
        let mut sent = std::pin::pin!(pages.map(|page| self.send_page(job, page)).buffer_unordered(parallelism));
        let (mut rejections, mut rows) = (Rejections::new(source), 0);
        bar.set(0, source.rows, "");
        while let Some(result) = sent.next().await {
            let (page, accepted) = result?;
            rejections.add(&page, accepted);
            rows += page.count as u64;
            bar.set(rows, source.rows, "");
        }
        Ok(rejections)
    }

    async fn send_page(&self, job: &str, page: Page) -> Result<(Page, Accepted), CliError> {
        let path = self.api.path(&format!("deletion_jobs/{}/rows", crate::api::encoded(job)));
        let body = format!(r#"{{"page":{},"rows":{}}}"#, page.number, page.rows);
        let accepted = self.api.request(&ApiRequest::post(path, body)).await?;
        Ok((page, accepted))
    }
}

/// The rows that the API rejected: their total, and code and message of the first ones by their number in the file.
#[derive(Debug, Default)]
pub(super) struct Rejections {
    total: u64,
    first: BTreeMap<u64, (String, String)>,
}

impl Rejections {
    /// Starts with the unreadable rows: they are sent as `null`, so the API cannot tell what is wrong with them.
    fn new(source: &Source) -> Self {
        let described = |(row, fault): (&u64, &efface_core::rows::RowFault)| {
            (*row, (fault.code().to_owned(), fault.message().to_owned()))
        };
        Self { total: 0, first: source.unreadable.iter().map(described).collect() }
    }

    /// The rejections of a source that was sent as one page.
    pub(super) fn of_one_page(source: &Source, page: &Page, accepted: Accepted) -> Self {
        let mut rejections = Self::new(source);
        rejections.add(page, accepted);
        rejections
    }

    fn add(&mut self, page: &Page, accepted: Accepted) {
        self.total += accepted.rejected_total;
        for rejected in accepted.rejected {
            let described = (printable(&rejected.code), printable(&rejected.message));
            self.first.entry(page.first_row + rejected.row).or_insert(described);
        }
        while self.first.len() > MAX_LISTED {
            self.first.pop_last();
        }
    }

    /// Fails if no row of the file can be read: it is no file of rows, or not of this action.
    pub(super) fn require_readable(&self, source: &Source, file: &Path) -> Result<(), CliError> {
        if self.total < source.rows {
            return Ok(());
        }
        let (row, text) = self.first.first_key_value().map_or((1, ""), |(row, (_, message))| (*row, message));
        Err(CliError::NoReadableRow { path: file.to_owned(), rows: source.rows, row, text: text.to_owned() })
    }

    /// The list as text. Empty if all rows were accepted.
    pub(super) fn text(&self) -> String {
        if self.total == 0 {
            return String::new();
        }
        let mut rows: Vec<[String; 3]> = Vec::new();
        for (row, (code, message)) in &self.first {
            rows.push([format!("  row {row}"), code.clone(), message.clone()]);
        }
        let more = self.total.saturating_sub(self.first.len() as u64);
        let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
        format!("\n\nInvalid rows (numbered without header and blank lines):\n{}{more}", columns(&rows))
    }

    /// The list as JSON.
    pub(super) fn json(&self) -> Value {
        let first = self.first.iter();
        first.map(|(row, (code, message))| json!({"row": row, "code": code, "message": message})).collect()
    }

    /// The number of rejected rows, including those that are not listed.
    pub(super) fn total(&self) -> u64 {
        self.total
    }
}
