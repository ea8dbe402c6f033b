//! Whether the function answers at all: no token, no request to the store.

use efface_core::{api_error::ApiError, list};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{event::Request, response::Response};

/// The function runs.
#[derive(Debug, Serialize, ToSchema)]
pub struct Health {
    /// Always `ok`.
    status: &'static str,
    /// The version of Efface that answers.
    version: &'static str,
}

/// Tells that the function runs. It asks for no token and does not ask the store.
#[utoipa::path(get, path = "/health", tag = "health", security(()), responses(
    (status = 200, description = "The function runs.", body = Health),
    (status = "4XX", description = "Refused.", body = crate::openapi::ErrorBody),
))]
pub fn get(request: &Request) -> Result<Response, ApiError> {
    list::no_query_but(&request.query, &[])?;
    Response::ok(&Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}
