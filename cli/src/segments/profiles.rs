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

/// What a text finds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Found {
    /// The profile's own id.
    Profile(String),
    /// There is no such profile.
    Nothing,
    /// The text can't name one: code and message.
    Invalid(String, String),
}

impl Found {
    /// The profile's own id.
    pub(super) fn profile(self) -> Option<String> {
        if let Self::Profile(id) = self { Some(id) } else { None }
    }
}

impl Segments {
    /// For each text that names a profile, what it finds, in the same order.
    pub(super) async fn profiles(&self, texts: &[String], bar: &Bar) -> Result<Vec<Found>, CliError> {
        let total = texts.len() as u64;
        let lookups = stream::iter(texts).map(|text| self.profile(text)).buffered(PARALLEL_LOOKUPS);
        let counted = lookups.enumerate().map(|(at, found)| {
            bar.set(at as u64 + 1, total, "");
            found
        });
        counted.try_collect().await
    }

    async fn profile(&self, text: &str) -> Result<Found, CliError> {
        let Some((key, value)) = path_lookup(text) else {
            return Ok(Found::Invalid("invalid_row".to_owned(), "The row names no profile.".to_owned()));
        };
        let path = format!("collections/users/profiles/{}:{}/metadata", encoded(key), encoded(value));
        match self.api().request::<MetadataResponse>(&ApiRequest::get(self.api().path(&path))).await {
            Ok(found) => Ok(Found::Profile(found.metadata.segment_id)),
            Err(CliError::Api(error)) if error.code == "not_found" => Ok(Found::Nothing),
            Err(CliError::Api(error)) if is_invalid(&error.code) => Ok(Found::Invalid(error.code, error.message)),
            Err(error) => Err(error),
        }
    }
}

/// Whether an error is about the identifier, so that the row is invalid.
fn is_invalid(code: &str) -> bool {
    matches!(code, "bad_request" | "unsupported_eid_type")
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
