//! Creates a job and sends its pages.

use efface_core::time::Time;
use futures::{StreamExt, stream};
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::Action;
use crate::{
    CliError,
    api::{ApiRequest, encoded},
    jobs::{Job, Jobs, Plan},
    progress_bar::Bar,
    rows::{Page, Rejected, Rejections, Source},
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
    #[serde(flatten)]
    pub(super) rejected: Rejected,
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
        let (mut rejections, mut rows) = (Rejections::new(), 0);
        bar.set(0, source.rows, "");
        while let Some(result) = sent.next().await {
            let (page, accepted) = result?;
            rejections.add(source, &page, accepted.rejected);
            rows += page.count as u64;
            bar.set(rows, source.rows, "");
        }
        Ok(rejections)
    }

    async fn send_page(&self, job: &str, page: Page) -> Result<(Page, Accepted), CliError> {
        let path = self.api.path(&format!("deletion_jobs/{}/rows", encoded(job)));
        let body = format!(r#"{{"page":{},"rows":{}}}"#, page.number, page.rows);
        let accepted = self.api.request(&ApiRequest::post(path, body)).await?;
        Ok((page, accepted))
    }
}
