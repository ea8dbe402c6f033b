//! Every error that a client can get, with its code and message (contract: `docs/api.md`).
//!
//! Codes are stable. The messages in the table of `docs/api.md` are, too, to the character. The HTTP status of each error
//! is decided in one file of the HTTP function, `response.rs`.

use thiserror::Error;

use crate::{
    job::{Control, JobId, JobState},
    limit::Limit,
    message::{Message, Quote, Words},
    role::Permission,
    space::SpaceId,
};

/// What a client does about a path that ends within a value. Clients end a path at `?` and `#`, which a value may hold.
const CUT: &str = " Percent-encode the value in the path: a `?`, `#` or `/` in it that is not encoded ends it.";

/// Why a request is rejected. `Display` is the message of the response. Values of the client are cut at 64 characters.
///
/// The variants are in the order in which a request is checked: route, token, body, path, parameters, role and space,
/// limits and idempotency, stored things. Faults of the service come last.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum ApiError {
    /// No endpoint has this path.
    #[error("There is nothing at this path.")]
    NoRoute,
    /// The same, where the path most likely ends within a value that was not percent-encoded.
    #[error("There is nothing at this path.{CUT}")]
    NoRouteOfValue,
    /// The path has no endpoint for this method; holds the methods that it has, as the header `Allow` lists them.
    #[error("This path answers {0} only.")]
    MethodNotAllowed(&'static str),
    /// The same, where the path most likely ends within a value that was not percent-encoded.
    #[error("This path answers {0} only.{CUT}")]
    MethodNotAllowedOfValue(&'static str),
    /// The event did not come from the configured event source, or from one that changes paths; holds the message.
    #[error("{0}")]
    EventSource(&'static str),

    /// The token is missing, malformed, unknown, revoked, expired or of another space. All have one message, so that it
    /// does not tell whether a token or a space exists.
    #[error("The specified token is invalid.")]
    Unauthorized,

    /// The body is too large; holds the limit in bytes.
    #[error("The request body must be at most {0} bytes.")]
    PayloadTooLarge(usize),
    /// The page has too many rows, or too many bytes once inflated; holds the message, which names the limit.
    #[error("{0}")]
    PageTooLarge(Message),
    /// The body's `Content-Type` is not JSON, or it has a `Content-Encoding`.
    #[error("The request body must be sent as application/json.")]
    UnsupportedMediaType,
    /// The `Content-Type` is none of those in which a page of rows can be sent.
    #[error("The request body must be sent as application/json, application/x-ndjson, text/csv or application/gzip.")]
    UnsupportedPageType,

    /// The `Content-Type` is none of those in which rows of members can be sent.
    #[error("The request body must be sent as application/json or text/csv.")]
    UnsupportedRowsType,

    /// The `Content-Type` is not that of a form, or a web page sent it.
    #[error("The request body must be sent as multipart/form-data, and not by a web page.")]
    UnsupportedForm,

    /// A part of the path is empty.
    #[error("Missing required parameters in URL.")]
    MissingUrlParameters,
    /// Any other mistake in the request; holds the message, which names the field and the remedy.
    #[error("{0}")]
    BadRequest(Message),
    /// The collection is not `users`; holds the client's text.
    #[error("Invalid collection: `{}`.", Quote(.0))]
    InvalidCollection(String),
    /// The lookup is not by `user_id`; holds the client's type.
    #[error("Invalid URL: valid `user_id` is required. Unsupported `{}`.", Quote(.0))]
    UnsupportedLookupType(String),
    /// The body lists no identifier, or more than one.
    #[error("Only one external_id can be deleted at a time.")]
    OnlyOneExternalId,
    /// The identifier's type is `group_id`, or one that the space does not know.
    #[error("Unsupported external id type.")]
    UnsupportedType,
    /// The identifier to delete is the one that looks the profile up.
    #[error("External id specification must differ from lookup id.")]
    TargetIsLookup,

    /// The token's role lacks this permission.
    #[error("The token's role may not {}.", .0.as_words())]
    RoleMayNot(Permission),
    /// Who made a job must not approve it.
    #[error("Whoever made a job can't approve it; another token whose role may make such a job can.")]
    OwnJob,
    /// The space has the deletion API switched off.
    #[error("Deleted identifier not activated for space_id `{0}`.")]
    NotActivated(SpaceId),
    /// An operator has stopped what deletes.
    #[error(
        "An operator has stopped deletions in space_id `{0}`: nothing that deletes is created or started until an operator \
         lets it go on."
    )]
    Stopped(SpaceId),
    /// The space's source was detached.
    #[error("No source attached to space_id `{0}`.")]
    NoSource(SpaceId),
    /// The header `x-reactor-instance-name` names no instance of the token's space.
    #[error("The header x-reactor-instance-name names no instance of this token's space.")]
    InstanceNotFound,

    /// A limit of single deletions is reached, the space's or the profile's. The message is the contract's and names 100
    /// and a profile, whatever the limits are set to.
    /// Holds the limit and what it admits, for the headers.
    #[error("Attempted to delete more than 100 IDs per second for a single profile.")]
    RateLimited(Limit, u32),
    /// Another limit of the space is reached; holds what is limited, and the limit.
    #[error("Attempted more than {1} {words} per second in this space.", words = .0.as_words())]
    TooManyRequests(Limit, u32),
    /// The `Idempotency-Key` was used for another request within the last 24 hours.
    #[error("This Idempotency-Key was used for another request within the last 24 hours; use a new key.")]
    IdempotencyConflict,

    /// No active profile has the lookup identifier.
    #[error("The resource was not found.")]
    LookupNotFound,
    /// The profile has no such active identifier.
    #[error("External identifier not found.")]
    ExternalIdNotFound,
    /// No active profile has the identifier, in any other request than a single deletion.
    #[error("Profile was not found.")]
    ProfileNotFound,
    /// The space has no such job.
    #[error("Job was not found.")]
    JobNotFound,
    /// The page number was used for other rows; holds the number.
    #[error("Page {0} was posted with other rows before; send the same rows again, or use another number.")]
    PageConflict(u32),
    /// The job's state does not allow the request; holds the state and the words after "can't be".
    #[error("A job that is {} can't be {}.", .0.as_str(), .1)]
    InvalidState(JobState, &'static str),
    /// The job is no plan that can be executed; holds the message.
    #[error("{0}")]
    NotExecutable(&'static str),
    /// A client waits, and a job is not final; holds the message, which tells how far it is.
    #[error("{0}")]
    NotSettled(Message),
    /// A client waits for an end without failures, and there are some; holds the message.
    #[error("{0}")]
    RowsFailed(Message),
    /// The space has no such segment.
    #[error("Segment was not found.")]
    SegmentNotFound,
    /// There is another segment under this id.
    #[error("There is a segment with this id and another name or kind; use another id.")]
    SegmentExists,
    /// Nobody joins or leaves a segment that is disabled.
    #[error("The segment is disabled: nobody joins or leaves it until it is enabled again.")]
    SegmentDisabled,
    /// A segment that is to be deleted has members.
    #[error("The segment has members; remove them first, or delete them with delete_users.")]
    SegmentNotEmpty,
    /// The segment has a job that is not over; holds that.
    #[error("The segment has a job that is not over: {0}.")]
    JobInProgress(JobId),
    /// The members of a segment are deleted only where somebody has seen what follows from it.
    #[error("Look at the plan, and send \"confirm\": true if its consequences are accepted.")]
    ConfirmationRequired,
    /// The segment has other members than were expected; holds how many.
    #[error("The segment has {0} members, which is not what was expected.")]
    MembersChanged(i64),
    /// The job has other rows than were expected; holds how many.
    #[error("The job has {0} rows, which is not what was expected.")]
    RowsChanged(i64),
    /// The space has no record of a deletion of this identifier.
    #[error("Deletion was not found.")]
    DeletionNotFound,

    /// This deployment keeps no journal, so that there is no log of it and there are no receipts.
    #[error("This deployment keeps no audit log: its parameter `Journal` is off.")]
    JournalOff,
    /// The log of the space has no file of this name, or no entry yet.
    #[error("The log of this space has nothing under this name.")]
    LogFileNotFound,
    /// The space has no entry of this identifier, or of this job, for which there could be a receipt.
    #[error("Receipt was not found.")]
    ReceiptNotFound,
    /// The job has no end for which there could be a receipt.
    #[error("The job is not over: there is a receipt once it is.")]
    JobNotOver,
    /// It has happened, and the log does not have it yet.
    #[error("It is not in the log yet; ask again after as many seconds as Retry-After says.")]
    NotLoggedYet,
    /// The log key is not the one with which the entry was written: it was replaced or destroyed.
    #[error(
        "The entry was written with another log key than this deployment has: no receipt can tie it to the identifier. The \
         log has the entry."
    )]
    OtherLogKey,

    /// The store or the queue is unavailable or too slow. The same request can be sent again with the same key.
    #[error("The service is temporarily unavailable. Send the request again with the same Idempotency-Key.")]
    Unavailable,
    /// A fault of the service. The log has its cause, under the response's `Request-Id`.
    #[error("Something went wrong on our side. The Request-Id names it in the log.")]
    Internal,
}

impl ApiError {
    /// The response's `code`, by which programs tell errors apart (contract: `docs/api.md`).
    pub fn code(&self) -> &'static str {
        match self {
            Self::NoRoute
            | Self::NoRouteOfValue
            | Self::LookupNotFound
            | Self::ProfileNotFound
            | Self::JobNotFound
            | Self::SegmentNotFound
            | Self::DeletionNotFound
            | Self::LogFileNotFound
            | Self::ReceiptNotFound
            | Self::JobNotOver => "not_found",
            Self::JournalOff => "journal_off",
            Self::NotLoggedYet => "not_logged_yet",
            Self::OtherLogKey => "other_log_key",
            Self::SegmentExists => "segment_exists",
            Self::SegmentDisabled => "segment_disabled",
            Self::SegmentNotEmpty => "segment_not_empty",
            Self::JobInProgress(_) => "job_in_progress",
            Self::ConfirmationRequired => "confirmation_required",
            Self::MembersChanged(_) => "members_changed",
            Self::RowsChanged(_) => "rows_changed",
            Self::MethodNotAllowed(_) | Self::MethodNotAllowedOfValue(_) => "method_not_allowed",
            Self::Unauthorized => "unauthorized",
            Self::PayloadTooLarge(_) | Self::PageTooLarge(_) => "payload_too_large",
            Self::UnsupportedMediaType
            | Self::UnsupportedPageType
            | Self::UnsupportedRowsType
            | Self::UnsupportedForm => "unsupported_media_type",
            Self::EventSource(_)
            | Self::MissingUrlParameters
            | Self::BadRequest(_)
            | Self::InvalidCollection(_)
            | Self::UnsupportedLookupType(_)
            | Self::OnlyOneExternalId
            | Self::TargetIsLookup => "bad_request",
            Self::UnsupportedType => "unsupported_eid_type",
            Self::OwnJob => "own_job",
            Self::RoleMayNot(_) | Self::NotActivated(_) => "forbidden",
            Self::Stopped(_) => "stopped",
            Self::NoSource(_) => "source_id_not_found",
            Self::InstanceNotFound => "instance_not_found",
            Self::RateLimited(..) | Self::TooManyRequests(..) => "rate_limit_error",
            Self::IdempotencyConflict => "idempotency_conflict",
            Self::ExternalIdNotFound => "eid_not_found",
            Self::PageConflict(_) => "page_conflict",
            Self::InvalidState(..) | Self::NotExecutable(_) => "invalid_state",
            Self::NotSettled(_) => "not_settled",
            Self::RowsFailed(_) => "rows_failed",
            Self::Unavailable => "service_unavailable",
            Self::Internal => "internal_error",
        }
    }

    /// A mistake in the request: a text with words in place of each `{}`.
    pub fn bad_request(text: &'static str, words: &[&dyn Words]) -> Self {
        Self::BadRequest(Message::new(text, words))
    }

    /// The error for a control request that the job's state does not allow.
    pub fn control(state: JobState, control: Control) -> Self {
        let words = match control {
            Control::Start => "started",
            Control::Approve => "approved",
            Control::Reject => "rejected",
            Control::Pause => "paused",
            Control::Resume => "resumed",
            Control::Cancel => "cancelled",
            Control::Redrive => "redriven",
        };
        Self::InvalidState(state, words)
    }
}
