//! The errors of all commands, each with a message for users, a code for programs and an exit code for shells.

use std::{error::Error, io, path::PathBuf};

use efface_aws::{
    StoreError,
    store::{key_check::KeyCheckError, space::SpaceChangeError},
};
use efface_core::{rows::PageError, space::SpaceId};
use efface_engine::{
    Error as EngineError,
    journal::reconcile::ReconcileError,
    log::{LogError, rebuild::RebuildError},
    reapply::ReapplyError,
};
use thiserror::Error;

use crate::{
    api::{ApiError, NoResponse},
    exit,
    hints::table_command,
    output::printable,
    settings::SettingError,
};

/// Why a command failed. No message contains the value of an identifier or a secret.
#[derive(Debug, Error)]
pub enum CliError {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The AWS SDK found no credentials.
    #[error("no AWS credentials: sign in, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --profile ({0})")]
    Credentials(String),
    /// The identifier key is not the table's, or checking it failed.
    #[error("{}", explain_key(.0))]
    Key(#[from] KeyCheckError),
    /// The first request to the table had no response: its address may be wrong.
    #[error("{address}: {error} (is this the address of the table? check region, endpoint and network, and try again)")]
    Unreachable {
        /// The address of DynamoDB.
        address: String,
        /// The cause.
        error: StoreError,
    },
    /// A request to the table failed.
    #[error("{}", explain(.0))]
    Store(#[from] StoreError),
    /// A job could not be cancelled.
    #[error("{}", match .0 { EngineError::Store(error) => explain(error), other => other.to_string() })]
    Job(#[from] EngineError),
    /// A space could not be created or changed.
    #[error("{}", explain_space(.0))]
    Space(#[from] SpaceChangeError),
    /// `efface admin reapply` did nothing, or did not go on.
    #[error("{}", explain_reapply(.0))]
    Reapply(#[from] ReapplyError),
    /// `efface admin journal reconcile` did nothing, or does not go on.
    #[error("{}", explain_reconcile(.0))]
    Reconcile(#[from] ReconcileError),
    /// `efface admin log rebuild` does not go on.
    #[error("{}", explain_rebuild(.0))]
    Rebuild(#[from] RebuildError),
    /// The space does not exist.
    #[error("there is no space `{0}`; create it with `{create}`",
        create = table_command(format_args!("admin space create {}", .0)))]
    UnknownSpace(SpaceId),
    /// The token does not exist.
    #[error(
        "the space `{space}` has no token `{token_id}`; `{list}` shows them",
        list = table_command(format_args!("admin token list {}", .space))
    )]
    UnknownToken {
        /// The space.
        space: SpaceId,
        /// The token's id, as it was given.
        token_id: String,
    },
    /// `efface admin space update` without any setting.
    #[error("nothing to change: give a setting, such as --deactivate; --help lists all")]
    NothingToChange,
    /// `--expires-at` is in the past.
    #[error("--expires-at is in the past")]
    PastExpiry,
    /// A value is not a valid identifier.
    #[error("{0}")]
    BadIdentifier(String),
    /// The idempotency key cannot be sent in a header.
    #[error("--idempotency-key must be 1 to 255 visible ASCII characters")]
    BadIdempotencyKey,
    /// A file can't be read.
    #[error("{}: {source}", path.display())]
    File {
        /// The path, as it was given.
        path: PathBuf,
        /// The cause.
        source: io::Error,
    },
    /// A file of rows has an error that affects the whole file.
    #[error("{}: {error}", path.display())]
    Page {
        /// The path, as it was given.
        path: PathBuf,
        /// The cause.
        error: PageError,
    },
    /// A file has no rows.
    #[error("{}: the file has no rows", .0.display())]
    NoRows(PathBuf),
    /// A file of rows, none of which finds a profile.
    #[error("{}: no row finds a profile, and nothing was changed", .0.display())]
    NoProfile(PathBuf),
    /// A file of rows, of which too many can't be read.
    #[error("{}", explain_invalid(self))]
    TooManyInvalid {
        /// The path, as it was given.
        path: PathBuf,
        /// How many rows the file has.
        rows: u64,
        /// How many of them are invalid.
        invalid: u64,
        /// `--max-invalid`, if it was given.
        limit: Option<String>,
        /// The number of the first line with an unreadable row, from 1.
        line: u64,
        /// What is wrong with it.
        text: String,
    },
    /// A file of rows has more or fewer rows than the job that is to be of them.
    #[error("the file has {rows} rows and the job {of_job}: it is not the file that the job was made of")]
    OtherFile {
        /// The rows of the file.
        rows: u64,
        /// The rows of the job.
        of_job: u64,
    },
    /// A job has outcomes of rows that a file divided into such pages has not.
    #[error("the job's rows are on other pages: give the file and the --page-size that `efface bulk` had")]
    OtherPages,
    /// The deletion needs a confirmation, but the user cannot be asked.
    #[error(
        "this deletes or removes, and you cannot be asked for confirmation: there is no terminal, or standard input contains what to delete; give --yes to go on without confirmation"
    )]
    NoTerminal,
    /// The job was halted, or has to be let go on, and so the command has no result.
    #[error("{0}")]
    Held(String),
    /// The job is in no state for the command.
    #[error("{0}: nothing was done")]
    WrongJob(String),
    /// There is nothing that the command could delete or show.
    #[error("{0}: nothing was done")]
    NotFound(String),
    /// The user did not confirm.
    #[error("not confirmed: nothing was done")]
    NotConfirmed,
    /// `--key` is no verifier key, and no file of some.
    #[error("--key: {0}")]
    BadKey(String),
    /// A checkpoint, a tile, a bundle or an entry is not what the log has signed.
    #[error("{0}")]
    DoesNotHold(String),
    /// The entry that a receipt is for is not in the log yet.
    #[error("{0}")]
    NotLogged(String),
    /// A response does not follow the API's contract.
    #[error("unexpected response of the API: {0}; the API may have another version")]
    Unexpected(&'static str),
    /// The API returned an error.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// There was no usable response of the API.
    #[error(transparent)]
    NoResponse(#[from] NoResponse),
}

impl CliError {
    /// See the crate's `exit`.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Setting(_)
            | Self::Credentials(_)
            | Self::NothingToChange
            | Self::PastExpiry
            | Self::BadIdentifier(_)
            | Self::BadIdempotencyKey
            | Self::BadKey(_)
            | Self::File { .. }
            | Self::Page { .. }
            | Self::NoRows(_)
            | Self::OtherFile { .. }
            | Self::OtherPages
            | Self::NoTerminal
            | Self::Reapply(
                ReapplyError::SameTable
                | ReapplyError::Swapped(..)
                | ReapplyError::Foreign(_)
                | ReapplyError::OtherKey
                | ReapplyError::Future
                | ReapplyError::LaterThanBackup { .. },
            )
            | Self::Reconcile(ReconcileError::Old(_))
            | Self::Rebuild(RebuildError::Log(LogError::Origin(_)))
            | Self::Key(
                KeyCheckError::WrongKey
                | KeyCheckError::WrongLogKey
                | KeyCheckError::NoCheck
                | KeyCheckError::NoLogKeyCheck,
            ) => exit::USAGE,
            Self::TooManyInvalid { .. } => exit::INVALID,
            Self::Held(_) => exit::HELD,
            Self::NoResponse(_) | Self::NotLogged(_) => exit::UNAVAILABLE,
            Self::Rebuild(error) if error.is_passing() => exit::UNAVAILABLE,
            error if error.store().is_some_and(|error| matches!(error, StoreError::Unavailable(_))) => {
                exit::UNAVAILABLE
            }
            _ => exit::FAILED,
        }
    }

    /// Adds the job that a missing response was about, and the idempotency key for a repetition.
    pub(crate) fn with_job(self, job: &str, key: &str) -> Self {
        match self {
            Self::NoResponse(no_response) => Self::NoResponse(NoResponse {
                idempotency_key: Some(key.to_owned()),
                job_id: Some(printable(job)),
                ..no_response
            }),
            other => other,
        }
    }

    /// Adds the options that a repetition under the idempotency key needs beside it.
    pub(crate) fn with_options(self, options: String) -> Self {
        match self {
            Self::NoResponse(no_response) => Self::NoResponse(NoResponse { options, ..no_response }),
            other => other,
        }
    }

    /// Removes the idempotency key of a request that cannot be repeated under it by the user.
    pub(crate) fn without_key(self) -> Self {
        match self {
            Self::NoResponse(no_response) => Self::NoResponse(NoResponse { idempotency_key: None, ..no_response }),
            other => other,
        }
    }

    /// The error code, which programs can rely on.
    pub fn code(&self) -> &str {
        match self {
            Self::Api(error) => &error.code,
            Self::NotConfirmed => "declined",
            Self::WrongJob(_) => "invalid_state",
            Self::UnknownSpace(_)
            | Self::UnknownToken { .. }
            | Self::NotFound(_)
            | Self::Space(SpaceChangeError::Unknown(_)) => "not_found",
            Self::Space(SpaceChangeError::Exists(_)) => "exists",
            Self::Space(SpaceChangeError::Raced(_)) => "conflict",
            Self::TooManyInvalid { .. } => "too_many_invalid",
            Self::Held(_) => "held",
            Self::DoesNotHold(_) => "does_not_hold",
            Self::NotLogged(_) => "not_logged_yet",
            error => match error.exit_code() {
                exit::USAGE => "usage",
                exit::UNAVAILABLE => "unavailable",
                _ => "failed",
            },
        }
    }

    fn store(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error)
            | Self::Unreachable { error, .. }
            | Self::Job(EngineError::Store(error))
            | Self::Key(KeyCheckError::Store(error))
            | Self::Space(SpaceChangeError::Store(error))
            | Self::Reconcile(ReconcileError::Engine(EngineError::Store(error)))
            | Self::Rebuild(
                RebuildError::Engine(EngineError::Store(error)) | RebuildError::Log(LogError::Journal(error)),
            )
            | Self::Reapply(ReapplyError::Engine(EngineError::Store(error))) => Some(error),
            _ => None,
        }
    }
}

fn explain_invalid(error: &CliError) -> String {
    let CliError::TooManyInvalid { path, rows, invalid, limit, line, text } = error else { return String::new() };
    let what = match limit {
        _ if invalid >= rows => format!("none of the {rows} rows can be read"),
        Some(limit) => format!("{invalid} of the {rows} rows are invalid, more than --max-invalid {limit}"),
        None => format!("{invalid} of the {rows} rows are invalid"),
    };
    format!("{}: {what}, and nothing was deleted or changed; line {line}: {text}", path.display())
}

fn explain_key(error: &KeyCheckError) -> String {
    match error {
        KeyCheckError::Store(error) => explain(error),
        KeyCheckError::NoLogKeyCheck => format!("{error}. Give --without-log-key"),
        other => other.to_string(),
    }
}

fn explain_space(error: &SpaceChangeError) -> String {
    match error {
        SpaceChangeError::Store(error) => explain(error),
        other => other.to_string(),
    }
}

fn explain_reapply(error: &ReapplyError) -> String {
    match error {
        ReapplyError::Engine(EngineError::Store(error)) => explain(error),
        other => other.to_string(),
    }
}

fn explain_reconcile(error: &ReconcileError) -> String {
    match error {
        ReconcileError::Engine(EngineError::Store(error)) => explain(error),
        other => other.to_string(),
    }
}

fn explain_rebuild(error: &RebuildError) -> String {
    match error {
        RebuildError::Engine(EngineError::Store(error)) | RebuildError::Log(LogError::Journal(error)) => explain(error),
        other => other.to_string(),
    }
}

/// The error's message, with a hint for errors that are common when setting up.
pub(crate) fn explain(error: &StoreError) -> String {
    let hint = match error {
        StoreError::Unavailable(_) => "try again; if it persists, check region, endpoint and network",
        StoreError::Internal(code) => match code.as_str() {
            "ResourceNotFoundException" => "there is no such table; check the table's name, region and account",
            "AccessDeniedException" => "these AWS credentials are not allowed to use the table",
            "ExpiredTokenException" | "ExpiredToken" => "the AWS credentials have expired; sign in again",
            "UnrecognizedClientException" | "InvalidSignatureException" => "AWS does not know these credentials",
            _ => return error.to_string(),
        },
        StoreError::Unreadable(_) => return error.to_string(),
    };
    format!("{error} ({hint})")
}

/// An error's message with those of its causes. In SDK and HTTP errors, the last cause is the useful one.
pub(crate) fn causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        let cause_text = cause.to_string();
        if !text.ends_with(&cause_text) {
            text = format!("{text}: {cause_text}");
        }
        source = cause.source();
    }
    text
}

#[cfg(test)]
mod tests {
    use efface_aws::log_store::LogStoreError;

    use super::*;

    fn check(error: &CliError, exit: u8, code: &str) {
        assert_eq!((error.exit_code(), error.code()), (exit, code), "{error}");
    }

    #[test]
    fn errors_have_different_exit_codes_and_codes() {
        let space = SpaceId::parse("spa_x").unwrap();
        check(&CliError::UnknownSpace(space.clone()), 1, "not_found");
        check(&SpaceChangeError::Exists(space).into(), 1, "exists");
        check(&KeyCheckError::WrongKey.into(), 2, "usage");
        check(&KeyCheckError::WrongLogKey.into(), 2, "usage");
        check(&KeyCheckError::NoLogKeyCheck.into(), 2, "usage");
        check(&ReconcileError::Old(efface_core::time::Time::EPOCH).into(), 2, "usage");
        check(&ReconcileError::TakenOver.into(), 1, "failed");
        check(&StoreError::Unavailable("timeout".to_owned()).into(), 3, "unavailable");
        check(&RebuildError::from(StoreError::Unavailable("timeout".to_owned())).into(), 3, "unavailable");
        let files = LogStoreError::Unavailable("timeout".to_owned());
        check(&RebuildError::from(LogError::from(files)).into(), 3, "unavailable");
        let refused = LogStoreError::Internal("AccessDenied".to_owned());
        check(&RebuildError::from(LogError::from(refused)).into(), 1, "failed");
        check(&RebuildError::OtherEntries.into(), 1, "failed");
        let denied = CliError::from(StoreError::Internal("AccessDeniedException".to_owned()));
        check(&denied, 1, "failed");
        assert!(denied.to_string().contains("not allowed to use the table"));
    }
}
