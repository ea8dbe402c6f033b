//! Whether the function answers at all: no token, no request to the store.

use efface_core::{page, refusal::Refusal};
use serde::Serialize;
use utoipa::ToSchema;

use crate::{answer::Answer, door::Request};

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
pub fn get(request: &Request) -> Result<Answer, Refusal> {
    page::only(&request.query, &[])?;
    Answer::ok(&Health { status: "ok", version: env!("CARGO_PKG_VERSION") })
}
