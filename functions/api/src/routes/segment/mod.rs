//! Segments: made, listed, switched off and on, given members, and emptied.

pub(super) mod change_members;
pub(super) mod create;
pub(super) mod delete;
pub(super) mod delete_users;
pub(super) mod get;
pub(super) mod list;
pub(super) mod members;
pub(super) mod rename;
mod status;
pub(super) mod switch;

pub(super) use delete::job_in_progress;

use efface_core::{api_error::ApiError, path, segment::SegmentId};

use crate::context::RequestContext;

/// The segment of the path. A text that is no id is the id of no segment.
fn segment_id(cx: &RequestContext<'_>) -> Result<SegmentId, ApiError> {
    let id = path::decode(cx.path.selector, cx.request.encoding).ok();
    id.and_then(|id| id.parse().ok()).ok_or(ApiError::SegmentNotFound)
}
