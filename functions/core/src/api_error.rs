//! Every way in which a request is refused, with its code and text. The codes, and the texts that the contract
//! gives, are stable; which HTTP status each has is decided in one file of the HTTP function.

use thiserror::Error;

use crate::{
    job::{Control, JobState},
    role::Permission,
    space::SpaceId,
};

/// A refusal is a decision that a client acts on; its `Display` is the message of the answer.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ApiError {
    /// No such route.
    #[error("There is nothing at this path.")]
    NoRoute,
    /// The route has other methods.
    #[error("This path answers {0} only.")]
    MethodNotAllowed(&'static str),
    /// The front door is one that Efface can't trust with paths.
    #[error("{0}")]
    EventSource(&'static str),
    /// No, malformed, unknown, revoked, expired or another space's token: one answer, so that it tells nothing.
    #[error("The specified token is invalid.")]
    Unauthorized,
    /// The body is over the limit, in bytes.
    #[error("The request body must be at most {0} bytes.")]
    PayloadTooLarge(usize),
    /// The body is over a limit that is not one of bytes sent; the text names it.
    #[error("{0}")]
    PageTooLarge(String),
    /// The body's declared type is not JSON.
    #[error("The request body must be sent as application/json.")]
    UnsupportedMediaType,
    /// The body's declared type is none that pages come in.
    #[error("The request body must be sent as application/json, application/x-ndjson, text/csv or application/gzip.")]
    UnsupportedPageType,
    /// A part of the path is empty.
    #[error("Missing required parameters in URL.")]
    MissingUrlParameters,
    /// Anything else that the client must mend; the text names the field and the remedy.
    #[error("{0}")]
    BadRequest(String),
    /// Any collection but `users`.
    #[error("Invalid collection: `{}`.", cut(.0))]
    InvalidCollection(String),
    /// The lookup is by another type than `user_id`.
    #[error("Invalid URL: valid `user_id` is required. Unsupported `{}`.", cut(.0))]
    UnsupportedLookupType(String),
    /// Not exactly one identifier to delete.
    #[error("Only one external_id can be deleted at a time.")]
    OnlyOneExternalId,
    /// `group_id`, or a type that the space does not know.
    #[error("Unsupported external id type.")]
    UnsupportedType,
    /// The identifier to delete is the one that found the profile.
    #[error("External id specification must differ from lookup id.")]
    TargetIsLookup,
    /// The token's role is too small.
    #[error("The token's role may not {}.", .0.as_words())]
    RoleMayNot(Permission),
    /// The space has not switched the deletion API on.
    #[error("Deleted identifier not activated for space_id `{0}`.")]
    NotActivated(SpaceId),
    /// The space's source was detached.
    #[error("No source attached to space_id `{0}`.")]
    NoSource(SpaceId),
    /// Over a limit of single deletions. The text is the documented one, whatever the limit is set to.
    #[error("Attempted to delete more than 100 IDs per second for a single profile.")]
    RateLimited,
    /// The key was used for other content within its 24 hours.
    #[error("This Idempotency-Key was used for another request within the last 24 hours; use a new key.")]
    IdempotencyConflict,
    /// No active profile has the lookup.
    #[error("The resource was not found.")]
    LookupNotFound,
    /// This profile has no such active identifier.
    #[error("External identifier not found.")]
    ExternalIdNotFound,
    /// A read of a profile that is not there.
    #[error("Profile was not found.")]
    ProfileNotFound,
    /// No such job, or one of another space.
    #[error("Job was not found.")]
    JobNotFound,
    /// The header `x-reactor-instance-name` names none of the space's.
    #[error("The header x-reactor-instance-name names no instance of this token's space.")]
    InstanceNotFound,
    /// Other rows were posted under a page's number before.
    #[error("Page {0} was posted with other rows before; send the same rows again, or use another number.")]
    PageConflict(u32),
    /// The job's state does not allow it.
    #[error("A job that is {} can't be {}.", .0.as_str(), .1)]
    InvalidState(JobState, &'static str),
    /// There is no record of a deletion of this identifier.
    #[error("Deletion was not found.")]
    DeletionNotFound,
    /// The store can't answer now; nothing is lost by asking again.
    #[error("The service is temporarily unavailable. Send the request again with the same Idempotency-Key.")]
    Unavailable,
    /// A fault of ours; what it was is in the log under the Request-Id.
    #[error("Something went wrong on our side. The Request-Id names it in the log.")]
    Internal,
}

impl ApiError {
    /// The stable word for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRoute
            | Self::LookupNotFound
            | Self::ProfileNotFound
            | Self::DeletionNotFound
            | Self::JobNotFound => "not_found",
            Self::InstanceNotFound => "instance_not_found",
            Self::PageConflict(_) => "page_conflict",
            Self::InvalidState(..) => "invalid_state",
            Self::MethodNotAllowed(_) => "method_not_allowed",
            Self::Unauthorized => "unauthorized",
            Self::PayloadTooLarge(_) | Self::PageTooLarge(_) => "payload_too_large",
            Self::UnsupportedMediaType | Self::UnsupportedPageType => "unsupported_media_type",
            Self::EventSource(_)
            | Self::MissingUrlParameters
            | Self::BadRequest(_)
            | Self::InvalidCollection(_)
            | Self::UnsupportedLookupType(_)
            | Self::OnlyOneExternalId
            | Self::TargetIsLookup => "bad_request",
            Self::UnsupportedType => "unsupported_eid_type",
            Self::RoleMayNot(_) | Self::NotActivated(_) => "forbidden",
            Self::NoSource(_) => "source_id_not_found",
            Self::RateLimited => "rate_limit_error",
            Self::IdempotencyConflict => "idempotency_conflict",
            Self::ExternalIdNotFound => "eid_not_found",
            Self::Unavailable => "service_unavailable",
            Self::Internal => "internal_error",
        }
    }
}

impl ApiError {
    /// The refusal of a control in a state that does not allow it.
    pub fn control(state: JobState, control: Control) -> Self {
        let words = match control {
            Control::Start => "started",
            Control::Pause => "paused",
            Control::Resume => "resumed",
            Control::Cancel => "cancelled",
            Control::Redrive => "redriven",
        };
        Self::InvalidState(state, words)
    }
}

/// The first 64 characters of what a client sent: enough to recognise it by. Contract.
fn cut(text: &str) -> &str {
    text.char_indices().nth(64).map_or(text, |(at, _)| &text[..at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quoted_values_are_cut_at_64_characters() {
        let long = "é".repeat(65);
        let message = ApiError::InvalidCollection(long).to_string();
        assert_eq!(message, format!("Invalid collection: `{}`.", "é".repeat(64)));
    }
}
