//! Lists the members of a segment, and adds and removes some.

use futures::{StreamExt, stream};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{
    PART_ROWS, Segments,
    args::{Change, Removal},
    member_counts::{Direction, MemberCounts},
};
use crate::{
    CliError, Output,
    api::{ApiRequest, encoded, idempotency_key},
    confirm::{self, Question, how_much},
    output::{columns, printable},
    progress_bar::Bar,
    rows::{Page, Rejected, Rejections, Source},
};

/// How many parts are sent at the same time.
const PARALLEL_PARTS: usize = 4;

/// The API's response to a part.
#[derive(Debug, Deserialize)]
struct Response {
    #[serde(flatten)]
    counts: MemberCounts,
    #[serde(flatten)]
    rejected: Rejected,
}

impl Segments {
    /// Prints the members.
    pub(super) async fn members(&self, segment: &str) -> Result<Output, CliError> {
        let ids = self.member_ids(segment).await?;
        let lines: Vec<String> = ids.iter().map(|id| printable(id)).collect();
        Ok(Output::success(lines.join("\n"), json!({"data": ids})))
    }

    /// The profile ids of all members.
    pub(super) async fn member_ids(&self, segment: &str) -> Result<Vec<String>, CliError> {
        let path = format!("segments/{}/members", encoded(segment));
        let bar = Bar::start("members read", self.as_json);
        Ok(self.api().list::<String>(&path, "", u64::MAX, |read| bar.set(read, read, "")).await?.entries)
    }

    /// Removes the members that a file lists, after the user has confirmed it.
    pub(super) async fn remove(&self, removal: &Removal, source: &Source) -> Result<Output, CliError> {
        let (change, segment) = (&removal.change, &removal.change.segment);
        if !removal.yes {
            let named = confirm::named_by(source.rows, &change.file.display().to_string());
            let what = format!("from {segment}, {named}");
            let how_much = format!("up to {}", how_much(&[(source.rows, "membership")]));
            confirm::ask(Question::remove(self.api(), &what, &how_much)).await?;
        }
        self.change(segment, source, change, Direction::Remove).await
    }

    /// Adds or removes what a file lists, and sums up.
    pub(super) async fn change(
        &self,
        segment: &str,
        source: &Source,
        change: &Change,
        direction: Direction,
    ) -> Result<Output, CliError> {
        if change.max_invalid.is_some() {
            // Each part is carried out as it arrives, so all rows are checked before the first one.
            let checked = self.check(segment, source, direction).await?;
            checked.require(change.max_invalid, source, &change.file)?;
        }
        let (counts, rejections) = self.send_parts(segment, source, direction).await?;
        // Where all rows are invalid, nothing was changed.
        rejections.require(change.max_invalid, source, &change.file)?;
        let table = counts.rows(direction, source.rows, rejections.total());
        let json = summary(segment, source, counts.json(direction), &rejections);
        Ok(Output::success(format!("{}{}", columns(&table), rejections.text()), json))
    }

    /// Sends all rows in parts, several at a time. Rows are independent and can be repeated, so the order does not matter.
    pub(super) async fn send_parts(
        &self,
        segment: &str,
        source: &Source,
        direction: Direction,
    ) -> Result<(MemberCounts, Rejections), CliError> {
        self.send_to(&self.path(segment, direction.path()), "rows sent", source).await
    }

    /// Has the API check all rows. Nobody joins or leaves.
    async fn check(&self, segment: &str, source: &Source, direction: Direction) -> Result<Rejections, CliError> {
        let path = format!("{}?check=true", self.path(segment, direction.path()));
        Ok(self.send_to(&path, "rows checked", source).await?.1)
    }

    async fn send_to(&self, path: &str, unit: &str, source: &Source) -> Result<(MemberCounts, Rejections), CliError> {
        let bar = Bar::start(unit, self.as_json);
        let pages = stream::unfold(source.pages(PARALLEL_PARTS), async |mut pages| Some((pages.recv().await?, pages)));
        let send = async |page: Page| Ok::<_, CliError>((self.send_part(path, &page.rows).await?, page));
        let mut responses = std::pin::pin!(pages.map(send).buffer_unordered(PARALLEL_PARTS));
        let (mut counts, mut rejections, mut rows) = (MemberCounts::default(), Rejections::new(), 0);
        while let Some(result) = responses.next().await {
            let (response, page) = result?;
            counts.add(response.counts);
            rejections.add(source, &page, response.rejected);
            rows += page.count as u64;
            bar.set(rows, source.rows, "");
        }
        Ok((counts, rejections))
    }

    /// Removes members by their profile ids.
    pub(super) async fn remove_ids(&self, segment: &str, ids: &[String]) -> Result<MemberCounts, CliError> {
        let bar = Bar::start("members removed", self.as_json);
        let path = self.path(segment, Direction::Remove.path());
        let (mut counts, mut sent) = (MemberCounts::default(), 0);
        for part in ids.chunks(PART_ROWS) {
            counts.add(self.send_part(&path, &json!(part).to_string()).await?.counts);
            sent += part.len() as u64;
            bar.set(sent, ids.len() as u64, "");
        }
        Ok(counts)
    }

    /// Sends one part: its rows as a JSON array. After a lost response it is carried out again, and counts what the first
    /// one changed as being so already.
    async fn send_part(&self, path: &str, rows: &str) -> Result<Response, CliError> {
        let request = ApiRequest::post(path.to_owned(), format!(r#"{{"rows":{rows}}}"#));
        let request = request.with_key(idempotency_key(None)?);
        self.api().request(&request).await.map_err(CliError::without_key)
    }
}

/// The JSON output of a change: the counts, and what is the same of all changes.
pub(super) fn summary(segment: &str, source: &Source, mut counts: Value, rejections: &Rejections) -> Value {
    counts["segment_id"] = segment.into();
    counts["rows"] = source.rows.into();
    counts["rejected"] = rejections.json();
    counts["rejected_groups"] = rejections.groups_json();
    counts["rejected_total"] = rejections.total().into();
    counts
}
