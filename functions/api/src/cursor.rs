//! The cursor of a list, as responses have it.

use efface_core::list;
use serde::Serialize;
use utoipa::ToSchema;

use crate::event::Request;

/// Where a list goes on.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Cursor {
    /// The path of the list.
    url: String,
    /// Whether there is a next page.
    has_more: bool,
    /// What to send as `next` for the next page; empty where there is none.
    next: String,
}

impl Cursor {
    /// The cursor of a page after which the list goes on at `next`.
    pub(crate) fn new(request: &Request, next: Option<&impl Serialize>) -> Self {
        let next = next.map(list::encode_cursor);
        Self { url: request.path.clone(), has_more: next.is_some(), next: next.unwrap_or_default() }
    }
}
