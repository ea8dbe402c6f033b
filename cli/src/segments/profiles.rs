//! Finds out which profiles rows name.

use futures::{StreamExt, TryStreamExt, stream};
use serde::Deserialize;

use super::Segments;
use crate::{
    CliError,
    api::{ApiRequest, encoded},
    progress_bar::Bar,
    rows::{Source, path_lookup},
};

/// How many profiles are looked up at the same time.
const PARALLEL_LOOKUPS: usize = 16;

#[derive(Deserialize)]
struct MetadataResponse {
    metadata: Metadata,
}

#[derive(Deserialize)]
struct Metadata {
    /// The profile's own id; where profiles were merged, that of the root.
    segment_id: String,
}

impl Segments {
    /// For each text that names a profile, the profile's own id, in the same order.
    pub(super) async fn profiles(&self, texts: &[String], bar: &Bar) -> Result<Vec<Option<String>>, CliError> {
        let total = texts.len() as u64;
        let lookups = stream::iter(texts).map(|text| self.profile(text)).buffered(PARALLEL_LOOKUPS);
        let counted = lookups.enumerate().map(|(at, found)| {
            bar.set(at as u64 + 1, total, "");
            found
        });
        counted.try_collect().await
    }

    /// `None` if there is no such profile, or the text can't name one.
    async fn profile(&self, text: &str) -> Result<Option<String>, CliError> {
        let Some((key, value)) = path_lookup(text) else { return Ok(None) };
        let path = format!("collections/users/profiles/{}:{}/metadata", encoded(key), encoded(value));
        match self.api().request::<MetadataResponse>(&ApiRequest::get(self.api().path(&path))).await {
            Ok(found) => Ok(Some(found.metadata.segment_id)),
            Err(CliError::Api(error)) if finds_nothing(&error.code) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

/// Whether an error is about the identifier, so that the row finds no profile.
fn finds_nothing(code: &str) -> bool {
    matches!(code, "not_found" | "bad_request" | "unsupported_eid_type")
}

/// All rows of a source, as the texts that are sent.
pub(super) async fn texts(source: &Source) -> Result<Vec<String>, CliError> {
    let (mut texts, mut pages) = (Vec::new(), source.pages(1));
    while let Some(page) = pages.recv().await {
        let rows: Vec<String> =
            serde_json::from_str(&page.rows).map_err(|_| CliError::Unexpected("the rows are no texts"))?;
        texts.extend(rows);
    }
    Ok(texts)
}
