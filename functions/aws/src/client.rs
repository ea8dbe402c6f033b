//! The AWS clients. They are built from [`Config`] alone: the SDK's default chains for region and credentials could make
//! network requests at start.

use std::time::Duration;

use aws_credential_types::Credentials;
use aws_sdk_dynamodb::{
    Client,
    config::{BehaviorVersion, Builder, Region, retry::RetryConfig, timeout::TimeoutConfig},
};

use crate::{config::Config, http_client::http_client, metrics::StoreRequests, queue::Queue};

/// A DynamoDB client with the limits of [`with_limits`], so that a request fails before the deadline of a single deletion.
pub fn dynamodb(config: &Config) -> Client {
    let mut builder = with_limits(Builder::new())
        .http_client(http_client())
        .behavior_version(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()));
    if let Some((id, secret, session)) = &config.credentials {
        builder = builder.credentials_provider(Credentials::new(id, secret, session.clone(), None, "environment"));
    }
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
    if let Some((id, secret, session)) = &config.credentials {
        builder = builder.credentials_provider(Credentials::new(id, secret, session.clone(), None, "environment"));
    }
    builder.set_endpoint_url(config.sqs_endpoint_url.clone());
    Queue::sqs(aws_sdk_sqs::Client::from_conf(builder.build()), url)
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
