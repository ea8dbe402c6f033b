//! What a body is declared as.

use efface_core::api_error::ApiError;

use crate::event::Request;

/// The media types of JSON; none is one.
pub(super) const JSON: [&str; 2] = ["", "application/json"];

/// Refuses a body by its size in bytes, then by its declared type and encoding.
pub(super) fn check(
    request: &Request,
    most: usize,
    types: &[&str],
    encodings: &[&str],
    undeclared: ApiError,
) -> Result<(), ApiError> {
    if request.body.len() > most {
        return Err(ApiError::PayloadTooLarge(most));
    }
    let (Ok(media_type), Ok(encoding)) = (request.header("content-type"), request.header("content-encoding")) else {
        return Err(undeclared);
    };
    let is = |declared: &str, of: &[&str]| of.iter().any(|known| declared.eq_ignore_ascii_case(known));
    let fits = is(essence(media_type.unwrap_or_default()), types) && is(encoding.unwrap_or("identity"), encodings);
    if fits { Ok(()) } else { Err(undeclared) }
}

/// A media type without its parameters.
pub(super) fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}
