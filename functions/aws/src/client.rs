//! The AWS clients. They are built from [`Config`] alone: the SDK's default chains for region and credentials could make
//! network requests at start.

use std::time::Duration;

use aws_credential_types::{Credentials, provider::SharedCredentialsProvider};
use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Builder, Region, retry::RetryConfig, timeout::TimeoutConfig},
};

use crate::{
    Journal,
    config::{Config, ConfigError, Lookup, endpoint_url, required},
    http_client::http_client,
    log_queue::LogQueue,
    log_store::LogStore,
    metrics::StoreRequests,
    queue::Queue,
};

/// A DynamoDB client with the limits of [`with_limits`], so that a request fails before the deadline of a single deletion.
pub fn dynamodb(config: &Config) -> Client {
    let mut builder = with_limits(Builder::new())
        .http_client(http_client())
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()));
    builder.set_credentials_provider(credentials(config));
    builder.set_endpoint_url(config.endpoint_url.clone());
    Client::from_conf(builder.build())
}

/// The SQS queue at a URL, with the same retries and timeouts as [`dynamodb`].
pub fn queue(config: &Config, url: &str) -> Queue {
    let mut builder = aws_sdk_sqs::config::Builder::new()
        .http_client(http_client())
        .retry_config(retries())
        .timeout_config(timeouts())
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()));
    builder.set_credentials_provider(credentials(config));
    builder.set_endpoint_url(config.sqs_endpoint_url.clone());
    Queue::sqs(aws_sdk_sqs::Client::from_conf(builder.build()), url)
}

/// An S3 client, with the endpoint of an emulator if one is given. Its requests carry a checksum where the caller gives one,
/// and no other: emulators refuse those that the SDK adds by itself.
pub fn s3(config: &Config, endpoint_url: Option<String>) -> aws_sdk_s3::Client {
    let mut builder = s3_with_limits(aws_sdk_s3::config::Builder::new())
        .http_client(http_client())
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        // An emulator has no host name for each bucket.
        .force_path_style(endpoint_url.is_some());
    builder.set_credentials_provider(credentials(config));
    builder.set_endpoint_url(endpoint_url);
    aws_sdk_s3::Client::from_conf(builder.build())
}

/// Sets retries and timeouts of an S3 client, and which requests carry a checksum.
pub fn s3_with_limits(builder: aws_sdk_s3::config::Builder) -> aws_sdk_s3::config::Builder {
    use aws_sdk_s3::config::{RequestChecksumCalculation, ResponseChecksumValidation};
    builder
        .retry_config(retries())
        .timeout_config(file_timeouts())
        .request_checksum_calculation(RequestChecksumCalculation::WhenRequired)
        .response_checksum_validation(ResponseChecksumValidation::WhenRequired)
}

/// The journal's table, the files of the logs and the queue of their publisher, for who reads them: from `EFFACE_JOURNAL`,
/// `EFFACE_LOG_BUCKET`, `EFFACE_LOG_PARTIAL_BUCKET` and `EFFACE_LOG_QUEUE_URL`. `None` where none of these is set: the
/// deployment keeps no journal. Sends no request.
///
/// # Errors
/// [`ConfigError::Missing`] where some of them are set, and not all.
pub fn journal(config: &Config, lookup: Lookup<'_>) -> Result<Option<(Journal, LogStore, LogQueue)>, ConfigError> {
    const NAMES: [&str; 4] =
        ["EFFACE_JOURNAL", "EFFACE_LOG_BUCKET", "EFFACE_LOG_PARTIAL_BUCKET", "EFFACE_LOG_QUEUE_URL"];
    if NAMES.iter().all(|name| lookup(name).is_none()) {
        return Ok(None);
    }
    let [table, locked, partial, url] = NAMES.map(|name| required(lookup, name));
    let journal = Journal::new(dynamodb(config), table?);
    let files = LogStore::new(&s3(config, endpoint_url(lookup, "AWS_ENDPOINT_URL_S3")), locked?, partial?);
    Ok(Some((journal, files, LogQueue::new(queue(config, &url?)))))
}

/// A KMS client, with the endpoint of an emulator if one is given.
pub fn kms(config: &Config, endpoint_url: Option<String>) -> aws_sdk_kms::Client {
    let mut builder = aws_sdk_kms::config::Builder::new()
        .http_client(http_client())
        .retry_config(retries())
        .timeout_config(timeouts())
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()));
    builder.set_credentials_provider(credentials(config));
    builder.set_endpoint_url(endpoint_url);
    aws_sdk_kms::Client::from_conf(builder.build())
}

/// The credentials of the settings; without them a client has those of its own.
fn credentials(config: &Config) -> Option<SharedCredentialsProvider> {
    let (id, secret, session) = config.credentials.as_ref()?;
    let credentials = Credentials::new(id, secret, session.clone(), None, "environment");
    Some(SharedCredentialsProvider::new(credentials))
}

/// Sets retries and timeouts: at most 3 attempts with exponential backoff from 25 ms, 1 s for one attempt, 2.5 s for all
/// together (`docs/limits.md`). Counts the requests for [`metrics`](crate::metrics).
pub fn with_limits(builder: Builder) -> Builder {
    builder.retry_config(retries()).timeout_config(timeouts()).interceptor(StoreRequests)
}

fn retries() -> RetryConfig {
    RetryConfig::standard().with_max_attempts(3).with_initial_backoff(Duration::from_millis(25))
}

fn timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(1))
        .operation_timeout(Duration::from_millis(2_500))
        .build()
}

/// Those of files, which have up to 16 MB.
fn file_timeouts() -> TimeoutConfig {
    TimeoutConfig::builder()
        .connect_timeout(Duration::from_secs(1))
        .operation_attempt_timeout(Duration::from_secs(5))
        .operation_timeout(Duration::from_secs(12))
        .build()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_journal_is_set_up_whole_or_not_at_all() {
        let names = ["EFFACE_JOURNAL", "EFFACE_LOG_BUCKET", "EFFACE_LOG_PARTIAL_BUCKET", "EFFACE_LOG_QUEUE_URL"];
        let config = Config {
            table: "t".to_owned(),
            region: "us-east-1".to_owned(),
            endpoint_url: None,
            sqs_endpoint_url: None,
            credentials: None,
        };
        let read = |set: &[&str]| journal(&config, &|name| set.contains(&name).then(|| "x".to_owned()));
        assert!(read(&[]).unwrap().is_none() && read(&names).unwrap().is_some());
        for missing in names {
            let set: Vec<_> = names.into_iter().filter(|name| *name != missing).collect();
            assert!(matches!(read(&set), Err(ConfigError::Missing(name)) if name == missing), "{missing}");
        }
    }
}
