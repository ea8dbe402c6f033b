//! What can go wrong with a command: the words for people, the code for programs, the exit code for shells.

use std::{error::Error, io, path::PathBuf};

use efface_aws::{
    StoreError,
    store::{key_check::KeyCheckError, space::SpaceChangeError},
};
use efface_core::{rows::PageError, space::SpaceId};
use thiserror::Error;

use crate::{
    api::{NoAnswer, Refused},
    output::harmless,
    settings::SettingError,
};

/// Why a command did not do what it was asked for. No text here holds an identifier's value or a secret.
#[derive(Debug, Error)]
pub enum CliError {
    /// A setting is missing or wrong.
    #[error(transparent)]
    Setting(#[from] SettingError),
    /// The AWS SDK found no credentials.
    #[error("no AWS credentials: sign in, set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or give --profile ({0})")]
    Credentials(String),
    /// The key is not the table's, or the table did not say.
    #[error("{}", explain_key(.0))]
    Key(#[from] KeyCheckError),
    /// The table did not do it.
    #[error("{}", explain(.0))]
    Store(#[from] StoreError),
    /// A space was not made or changed.
    #[error("{}", explain_space(.0))]
    Space(#[from] SpaceChangeError),
    /// A space that is not there.
    #[error("there is no space `{0}`; make it with `efface admin space create {0}`")]
    UnknownSpace(SpaceId),
    /// A token that is not there.
    #[error("the space `{space}` has no token `{token_id}`; `efface admin token list {space}` shows them")]
    UnknownToken {
        /// The space.
        space: SpaceId,
        /// As it was given.
        token_id: String,
    },
    /// A change that changes nothing.
    #[error("nothing to change: name a setting, such as --deactivate; --help lists them")]
    NothingToChange,
    /// A time in the past.
    #[error("--expires-at is in the past")]
    PastExpiry,
    /// A value that is no identifier.
    #[error("{0}")]
    BadIdentifier(String),
    /// A key that can't be sent.
    #[error("--idempotency-key must be 1 to 255 visible ASCII characters")]
    BadIdempotencyKey,
    /// A file to load.
    #[error("{}: {source}", path.display())]
    File {
        /// As it was given.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file of rows as a whole.
    #[error("{}: {error}", path.display())]
    Page {
        /// As it was given.
        path: PathBuf,
        /// Why it can't be read.
        error: PageError,
    },
    /// A file without rows.
    #[error("{}: there are no rows in it", .0.display())]
    NoRows(PathBuf),
    /// Something would be deleted that nobody agreed to.
    #[error(
        "this deletes for good, and nobody can be asked: there is no terminal, or standard input has the rows; give --yes if it is meant"
    )]
    NobodyToAsk,
    /// Somebody did not agree.
    #[error("not confirmed: nothing was deleted")]
    Declined,
    /// The API broke its contract.
    #[error("the API's answer makes no sense: {0}; is it of another version?")]
    Unexpected(&'static str),
    /// The API said no.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The API did not say.
    #[error(transparent)]
    NoAnswer(#[from] NoAnswer),
}

impl CliError {
    /// 1 for a refusal, 2 for a command line or a setting to mend, 3 where the same again may work.
    pub fn exit_code(&self) -> u8 {
        match self {
            Self::Setting(_)
            | Self::Credentials(_)
            | Self::NothingToChange
            | Self::PastExpiry
            | Self::BadIdentifier(_)
            | Self::BadIdempotencyKey
            | Self::File { .. }
            | Self::Page { .. }
            | Self::NoRows(_)
            | Self::NobodyToAsk
            | Self::Key(KeyCheckError::WrongKey) => 2,
            Self::NoAnswer(_) => 3,
            error if error.store().is_some_and(|error| matches!(error, StoreError::Unavailable(_))) => 3,
            _ => 1,
        }
    }

    /// The same error with the job that it is about, and the key under which a repetition is the same.
    pub(crate) fn about(self, job: &str, key: &str) -> Self {
        match self {
            Self::NoAnswer(NoAnswer { reason, .. }) => {
                Self::NoAnswer(NoAnswer { reason, idempotency_key: Some(key.to_owned()), job_id: Some(harmless(job)) })
            }
            other => other,
        }
    }

    /// The same error of a request whose key means nothing to anybody.
    pub(crate) fn without_key(self) -> Self {
        match self {
            Self::NoAnswer(no_answer) => Self::NoAnswer(NoAnswer { idempotency_key: None, ..no_answer }),
            other => other,
        }
    }

    /// The stable word for programs.
    pub fn code(&self) -> &str {
        match self {
            Self::Refused(refused) => &refused.code,
            Self::Declined => "declined",
            Self::UnknownSpace(_) | Self::UnknownToken { .. } | Self::Space(SpaceChangeError::Unknown(_)) => {
                "not_found"
            }
            Self::Space(SpaceChangeError::Exists(_)) => "exists",
            Self::Space(SpaceChangeError::Raced(_)) => "conflict",
            error => match error.exit_code() {
                2 => "usage",
                3 => "unavailable",
                _ => "failed",
            },
        }
    }

    fn store(&self) -> Option<&StoreError> {
        match self {
            Self::Store(error)
            | Self::Key(KeyCheckError::Store(error))
            | Self::Space(SpaceChangeError::Store(error)) => Some(error),
            _ => None,
        }
    }
}

fn explain_key(error: &KeyCheckError) -> String {
    match error {
        KeyCheckError::Store(error) => explain(error),
        wrong @ KeyCheckError::WrongKey => wrong.to_string(),
    }
}

fn explain_space(error: &SpaceChangeError) -> String {
    match error {
        SpaceChangeError::Store(error) => explain(error),
        other => other.to_string(),
    }
}

/// What to do about an answer of the table that setting up often meets.
pub(crate) fn explain(error: &StoreError) -> String {
    let hint = match error {
        StoreError::Unavailable(_) => "try again; if it stays so, check region, endpoint and network",
        StoreError::Internal(code) => match code.as_str() {
            "ResourceNotFoundException" => "there is no such table here; check the table's name, region and account",
            "AccessDeniedException" => "these AWS credentials may not use the table",
            "ExpiredTokenException" | "ExpiredToken" => "the AWS credentials have expired; sign in again",
            "UnrecognizedClientException" | "InvalidSignatureException" => "AWS does not know these credentials",
            _ => return error.to_string(),
        },
    };
    format!("{error} ({hint})")
}

/// An error with what caused it: SDK and HTTP errors say the useful part last.
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
    use super::*;

    fn check(error: &CliError, exit: u8, code: &str) {
        assert_eq!((error.exit_code(), error.code()), (exit, code), "{error}");
    }

    #[test]
    fn shells_and_programs_can_tell_errors_apart() {
        let space = SpaceId::parse("spa_x").unwrap();
        check(&CliError::UnknownSpace(space.clone()), 1, "not_found");
        check(&SpaceChangeError::Exists(space).into(), 1, "exists");
        check(&KeyCheckError::WrongKey.into(), 2, "usage");
        check(&StoreError::Unavailable("timeout".to_owned()).into(), 3, "unavailable");
        let refused = CliError::from(StoreError::Internal("AccessDeniedException".to_owned()));
        check(&refused, 1, "failed");
        assert!(refused.to_string().contains("may not use the table"));
    }
}
