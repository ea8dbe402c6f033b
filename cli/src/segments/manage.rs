//! Lists, shows, creates, renames, deletes, enables and disables segments.

use serde_json::json;

use super::{
    Segments,
    args::{CreateSegment, DeleteSegment},
    segment::{Segment, SegmentResponse, table},
};
use crate::{
    CliError, Output,
    api::{ApiRequest, idempotency_key},
    confirm::{self, Question},
};

impl Segments {
    /// All segments.
    pub(super) async fn list(&self, show_disabled: bool) -> Result<Output, CliError> {
        let query = if show_disabled { "&show_disabled=true" } else { "" };
        let segments = self.api().list::<Segment>("segments", query, u64::MAX, |_| {}).await?.entries;
        Ok(Output::success(table(&segments), json!({"data": segments})))
    }

    pub(super) async fn show(&self, segment: &str, count: bool) -> Result<Output, CliError> {
        Ok(output(&self.segment(segment, count).await?))
    }

    /// Reads a segment. With `count`, the API counts its members.
    pub(super) async fn segment(&self, segment: &str, count: bool) -> Result<Segment, CliError> {
        let path = self.path(segment, if count { "?count=true" } else { "" });
        Ok(self.api().request::<SegmentResponse>(&ApiRequest::get(path)).await?.segment)
    }

    pub(super) async fn create(&self, create: &CreateSegment) -> Result<Output, CliError> {
        let mut body = json!({"name": create.name, "kind": create.kind});
        if let Some(id) = &create.id {
            body["id"] = id.as_str().into();
        }
        self.changed(ApiRequest::post(self.api().path("segments"), body.to_string())).await
    }

    pub(super) async fn rename(&self, segment: &str, name: &str) -> Result<Output, CliError> {
        self.changed(ApiRequest::patch(self.path(segment, ""), json!({"name": name}).to_string())).await
    }

    /// Deletes a segment, after that was confirmed. The API refuses while it has members.
    pub(super) async fn delete(&self, delete: &DeleteSegment) -> Result<Output, CliError> {
        let segment = &delete.one.segment;
        if !delete.yes {
            confirm::require_terminal(false)?;
            let Segment { id, name, .. } = self.segment(segment, false).await?;
            let what = format!("the segment {id}, \"{name}\"");
            confirm::ask(Question::delete(self.api(), &what, "1 segment, which must be empty; no profile")).await?;
        }
        self.changed(ApiRequest::delete(self.path(segment, ""))).await
    }

    /// Enables or disables a segment.
    pub(super) async fn set_state(&self, segment: &str, verb: &str) -> Result<Output, CliError> {
        self.changed(ApiRequest::post(self.path(segment, &format!("/{verb}")), "{}".to_owned())).await
    }

    /// Sends a request that changes a segment, and shows the segment. The key lets a lost response be asked for again.
    async fn changed(&self, request: ApiRequest) -> Result<Output, CliError> {
        let request = request.with_key(idempotency_key(None)?);
        let changed = self.api().request::<SegmentResponse>(&request).await.map_err(CliError::without_key)?;
        Ok(output(&changed.segment))
    }
}

fn output(segment: &Segment) -> Output {
    Output::success(segment.text(), json!({"segment": segment}))
}
