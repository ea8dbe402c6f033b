//! Making a job and sending its pages.

use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json, value::RawValue};

use super::{
    Action,
    source::{MAX_LISTED, Page, Source},
};
use crate::{
    CliError,
    api::Call,
    bar::Bar,
    jobs::{Job, Jobs, Plan},
    output::{columns, harmless},
};

/// What a job is made of.
#[derive(Serialize)]
pub(super) struct NewJob<'a> {
    pub(super) action: Action,
    pub(super) rows: &'a RawValue,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) group: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) max_deletions: Option<u64>,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) dry_run: bool,
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub(super) open: bool,
}

/// What the API says to rows.
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
    /// From 0 within its page.
    row: u64,
    code: String,
    message: String,
}

impl Jobs {
    /// Makes a job; under the same key it is the same job.
    pub(super) async fn create(&self, new: &NewJob<'_>, key: String) -> Result<Accepted, CliError> {
        let body = serde_json::to_string(new).map_err(|_| CliError::Unexpected("rows that are not JSON"))?;
        self.api.ask(&Call::post(self.api.path("deletion_jobs"), body).with_key(key)).await
    }

    /// Sends all pages, some at a time. A page that got no answer is sent again under its number.
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
        bar.at(0, source.rows, "");
        while let Some(result) = sent.next().await {
            let (page, accepted) = result?;
            rejections.add(&page, accepted);
            rows += page.count as u64;
            bar.at(rows, source.rows, "");
        }
        Ok(rejections)
    }

    async fn send_page(&self, job: &str, page: Page) -> Result<(Page, Accepted), CliError> {
        let path = self.api.path(&format!("deletion_jobs/{}/rows", crate::api::encoded(job)));
        let body = format!(r#"{{"page":{},"rows":{}}}"#, page.number, page.rows);
        let accepted = self.api.ask(&Call::post(path, body)).await?;
        Ok((page, accepted))
    }
}

/// The rows that were not accepted: how many, and the first of them by their number in the file.
#[derive(Debug, Default)]
pub(super) struct Rejections {
    total: u64,
    first: BTreeMap<u64, (String, String)>,
}

impl Rejections {
    /// What the API does not know better: a row that could not be read went out as `null`.
    fn new(source: &Source) -> Self {
        let words = |(row, fault): (&u64, &efface_core::rows::RowFault)| {
            (*row, (fault.code().to_owned(), fault.message().to_owned()))
        };
        Self { total: 0, first: source.unreadable.iter().map(words).collect() }
    }

    /// Those of a source that was sent as one page.
    pub(super) fn of_one_page(source: &Source, page: &Page, accepted: Accepted) -> Self {
        let mut rejections = Self::new(source);
        rejections.add(page, accepted);
        rejections
    }

    fn add(&mut self, page: &Page, accepted: Accepted) {
        self.total += accepted.rejected_total;
        for rejected in accepted.rejected {
            let words = (harmless(&rejected.code), harmless(&rejected.message));
            self.first.entry(page.first_row + rejected.row).or_insert(words);
        }
        while self.first.len() > MAX_LISTED {
            self.first.pop_last();
        }
    }

    /// The list for people; nothing where all rows were accepted.
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
        format!("\n\nRows that are invalid; a header and blank lines do not count:\n{}{more}", columns(&rows))
    }

    /// The same for programs.
    pub(super) fn json(&self) -> Value {
        let first = self.first.iter();
        first.map(|(row, (code, message))| json!({"row": row, "code": code, "message": message})).collect()
    }

    /// How many there are.
    pub(super) fn total(&self) -> u64 {
        self.total
    }
}
