//! Configuration from environment variables. It is read once, at start; an error names the variable.

use std::{env, time::Duration};

use efface_core::{
    key::{BadMasterKey, MasterKey},
    log::{BadLogKey, LogKey},
};
use thiserror::Error;

/// Looks a setting up by the name of its environment variable.
pub type Lookup<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Why the configuration can't be read.
#[derive(Debug, Error)]
pub enum ConfigError {
    /// A required variable is not set; holds its name.
    #[error("the environment variable {0} is not set")]
    Missing(&'static str),
    /// A variable's value is invalid; holds its name and what is wrong, never the value, which may be secret.
    #[error("the environment variable {0}: {1}")]
    Bad(&'static str, String),
    /// Both secrets of the site are the same.
    #[error("EFFACE_IDENTIFIER_KEY and EFFACE_LOG_KEY are the same key: each needs 32 random bytes of its own")]
    SameKeys,
}

/// The settings of the AWS clients.
#[derive(Debug, Clone)]
pub struct Config {
    /// The name of the DynamoDB table, from `EFFACE_TABLE`.
    pub table: String,
    /// The region, from `AWS_REGION` or `AWS_DEFAULT_REGION`.
    pub region: String,
    /// The endpoint of DynamoDB, from `AWS_ENDPOINT_URL_DYNAMODB` or `AWS_ENDPOINT_URL`; `None` for the region's own.
    pub endpoint_url: Option<String>,
    /// The endpoint of SQS, from `AWS_ENDPOINT_URL_SQS` or `AWS_ENDPOINT_URL`; `None` for the region's own.
    pub sqs_endpoint_url: Option<String>,
    /// Access key id, secret access key and session token, from `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and
    /// `AWS_SESSION_TOKEN`. Lambda sets them once for the life of a process.
    pub credentials: Option<(String, String, Option<String>)>,
}

impl Config {
    /// Reads the environment of the process.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] without a table or a region.
    pub fn from_env() -> Result<Self, ConfigError> {
        Self::from_lookup(&from_env)
    }

    /// The same from another source of settings, such as a test.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] without a table or a region.
    pub fn from_lookup(lookup: Lookup<'_>) -> Result<Self, ConfigError> {
        Self::of_table(lookup, "EFFACE_TABLE")
    }

    /// The same for a program whose table is another one, which this variable names.
    ///
    /// # Errors
    /// [`ConfigError::Missing`] without a table or a region.
    pub fn of_table(lookup: Lookup<'_>, variable: &'static str) -> Result<Self, ConfigError> {
        let credentials = lookup("AWS_ACCESS_KEY_ID").zip(lookup("AWS_SECRET_ACCESS_KEY"));
        Ok(Self {
            table: required(lookup, variable)?,
            region: lookup("AWS_REGION")
                .or_else(|| lookup("AWS_DEFAULT_REGION"))
                .ok_or(ConfigError::Missing("AWS_REGION"))?,
            endpoint_url: lookup("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| lookup("AWS_ENDPOINT_URL")),
            sqs_endpoint_url: lookup("AWS_ENDPOINT_URL_SQS").or_else(|| lookup("AWS_ENDPOINT_URL")),
            credentials: credentials.map(|(id, secret)| (id, secret, lookup("AWS_SESSION_TOKEN"))),
        })
    }
}

/// The endpoint of a service, from a variable of its own such as `AWS_ENDPOINT_URL_S3`, else from `AWS_ENDPOINT_URL`; `None`
/// for the region's own.
pub fn endpoint_url(lookup: Lookup<'_>, variable: &str) -> Option<String> {
    lookup(variable).or_else(|| lookup("AWS_ENDPOINT_URL"))
}

/// The key of the identifiers' hashes, from `EFFACE_IDENTIFIER_KEY`: 32 random bytes in base64.
///
/// # Errors
/// The variable is not set, or is not base64 of 32 bytes.
pub fn identifier_key(lookup: Lookup<'_>) -> Result<MasterKey, ConfigError> {
    let key = required(lookup, "EFFACE_IDENTIFIER_KEY")?;
    MasterKey::from_base64(&key)
        .map_err(|error: BadMasterKey| ConfigError::Bad("EFFACE_IDENTIFIER_KEY", error.to_string()))
}

/// The key of the commitments, from `EFFACE_LOG_KEY`: 32 random bytes in base64. Who activates identifiers needs it,
/// and who makes receipts.
///
/// # Errors
/// The variable is not set, or is not base64 of 32 bytes.
pub fn log_key(lookup: Lookup<'_>) -> Result<LogKey, ConfigError> {
    let key = required(lookup, "EFFACE_LOG_KEY")?;
    LogKey::from_base64(&key).map_err(|error: BadLogKey| ConfigError::Bad("EFFACE_LOG_KEY", error.to_string()))
}

/// The least time from one signature of a log to the next, from `EFFACE_LOG_INTERVAL_SECONDS`: 1 to 900, 60 by default.
///
/// # Errors
/// [`ConfigError::Bad`] of another value.
pub fn log_interval(lookup: Lookup<'_>) -> Result<Duration, ConfigError> {
    const NAME: &str = "EFFACE_LOG_INTERVAL_SECONDS";
    let Some(seconds) = lookup(NAME) else { return Ok(Duration::from_mins(1)) };
    let seconds = seconds.parse().ok().filter(|seconds| (1..=900).contains(seconds));
    seconds.map(Duration::from_secs).ok_or_else(|| ConfigError::Bad(NAME, "whole seconds from 1 to 900".to_owned()))
}

/// Checks that the log key is a secret of its own: it must be possible to destroy it alone.
///
/// # Errors
/// [`ConfigError::SameKeys`]
pub fn check_keys_differ(identifier_key: &MasterKey, log_key: &LogKey) -> Result<(), ConfigError> {
    if log_key.is_identifier_key(identifier_key) { Err(ConfigError::SameKeys) } else { Ok(()) }
}

/// A variable of the environment of the process. An empty value counts as not set.
pub fn from_env(name: &str) -> Option<String> {
    env::var(name).ok().filter(|value| !value.is_empty())
}

/// A setting that has no default.
///
/// # Errors
/// [`ConfigError::Missing`] if it is not set.
pub fn required(lookup: Lookup<'_>, name: &'static str) -> Result<String, ConfigError> {
    lookup(name).ok_or(ConfigError::Missing(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(settings: &[(&str, &str)], expected: &str) {
        let lookup = |name: &str| settings.iter().find(|(n, _)| *n == name).map(|(_, v)| (*v).to_owned());
        let read = Config::from_lookup(&lookup).and_then(|_| identifier_key(&lookup));
        assert_eq!(read.unwrap_err().to_string(), expected);
    }

    #[test]
    fn a_log_is_signed_once_a_minute_unless_the_setting_says_otherwise() {
        for (value, expected) in [(None, Some(60)), (Some("1"), Some(1)), (Some("900"), Some(900))] {
            let read = log_interval(&|_| value.map(str::to_owned));
            assert_eq!(read.ok().map(|interval| interval.as_secs()), expected);
        }
        for bad in ["0", "901", "-1", "x", "1.5"] {
            let error = log_interval(&|_| Some(bad.to_owned())).unwrap_err().to_string();
            assert_eq!(error, "the environment variable EFFACE_LOG_INTERVAL_SECONDS: whole seconds from 1 to 900");
        }
    }

    #[test]
    fn names_the_variable_that_is_wrong() {
        check(&[], "the environment variable EFFACE_TABLE is not set");
        check(
            &[("EFFACE_TABLE", "t"), ("AWS_REGION", "eu-west-1")],
            "the environment variable EFFACE_IDENTIFIER_KEY is not set",
        );
        check(
            &[("EFFACE_IDENTIFIER_KEY", "short"), ("EFFACE_TABLE", "t"), ("AWS_REGION", "eu-west-1")],
            "the environment variable EFFACE_IDENTIFIER_KEY: the identifier key must be 32 random bytes in base64, \
             as `openssl rand -base64 32` prints them",
        );
        let one = "AQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=";
        let both = |_: &str| Some(one.to_owned());
        let same = check_keys_differ(&identifier_key(&both).unwrap(), &log_key(&both).unwrap());
        let text = same.unwrap_err().to_string();
        assert!(text.contains("EFFACE_IDENTIFIER_KEY") && text.contains("EFFACE_LOG_KEY") && !text.contains(one));
        let log_key = |value: Option<&str>| log_key(&|_: &str| value.map(str::to_owned)).unwrap_err().to_string();
        assert_eq!(log_key(None), "the environment variable EFFACE_LOG_KEY is not set");
        assert_eq!(
            log_key(Some("s3cret")),
            "the environment variable EFFACE_LOG_KEY: the log key must be 32 random bytes in base64, as `openssl rand \
             -base64 32` prints them"
        );
    }
}
