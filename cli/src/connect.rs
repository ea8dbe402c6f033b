//! Connects to the table with the user's AWS credentials, and checks the identifier key.

use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_dynamodb::{Client, config::Builder};
use efface_aws::{
    Store, StoreError, client,
    config::{Config, check_keys_differ},
    store::key_check::KeyCheckError,
};
use efface_core::{key::MasterKey, log::LogKey};

use crate::{
    error::{CliError, causes},
    local::LocalSiteError,
    output,
    settings::{SettingError, Settings},
};

/// A table, and the identifier key that it was written with.
pub(crate) struct Connection {
    pub(crate) store: Store,
    pub(crate) key: MasterKey,
}

/// Connects to the table. Fails if the key is not the table's: with another key, no identifier would be found. The first
/// connection to a new table notes which key is the table's.
pub(crate) async fn open(settings: &Settings<'_>) -> Result<Connection, CliError> {
    open_with(settings, settings.identifier_key()?).await
}

async fn open_with(settings: &Settings<'_>, key: MasterKey) -> Result<Connection, CliError> {
    let table = settings.table()?;
    let store = Store::new(client(settings).await?, table);
    store.set_or_verify_key(&key).await.map_err(|error| located(error, settings))?;
    Ok(Connection { store, key })
}

/// The same for who makes identifiers active, which takes the log key: it must be the table's, too.
pub(crate) async fn open_for_load(settings: &Settings<'_>) -> Result<(Connection, LogKey), CliError> {
    // Both keys are read before the table is asked: a wrong one is no reason to write the check value of the other.
    let (key, log_key) = (settings.identifier_key()?, settings.log_key()?);
    check_keys_differ(&key, &log_key).map_err(SettingError::from)?;
    let connection = open_with(settings, key).await?;
    connection.store.set_or_verify_log_key(&log_key).await.map_err(|error| located(error, settings))?;
    Ok((connection, log_key))
}

/// Checks that a log key is the table's, for those who write nothing to the table.
pub(crate) async fn verify_log_key(store: &Store, key: &LogKey, settings: &Settings<'_>) -> Result<(), CliError> {
    store.verify_log_key(key).await.map_err(|error| located(error, settings))
}

/// The log key, if it is the table's; `None` where the table has no check value: nothing in it was made with a log key, or that
/// key was destroyed.
pub(crate) async fn table_log_key(
    store: &Store,
    key: LogKey,
    settings: &Settings<'_>,
) -> Result<Option<LogKey>, CliError> {
    match store.verify_log_key(&key).await {
        Ok(()) => Ok(Some(key)),
        Err(KeyCheckError::NoLogKeyCheck) => Ok(None),
        Err(error) => Err(located(error, settings)),
    }
}

/// Connects to the table where the identifier key is not needed: in an emergency it may not be at hand. If one is given, it is
/// checked.
pub(crate) async fn keyless(settings: &Settings<'_>) -> Result<Store, CliError> {
    if settings.has_identifier_key() {
        return Ok(open(settings).await?.store);
    }
    Ok(Store::new(client(settings).await?, settings.table()?))
}

/// The error of the first request, with the address where that may be what is wrong.
fn located(error: KeyCheckError, settings: &Settings<'_>) -> CliError {
    match error {
        KeyCheckError::Store(error @ StoreError::Unavailable(_)) => {
            CliError::Unreachable { address: address(settings), error }
        }
        other => other.into(),
    }
}

/// The address of DynamoDB, as far as it is known here.
fn address(settings: &Settings<'_>) -> String {
    let given = endpoint(settings).or_else(|| settings.find("AWS_ENDPOINT_URL_DYNAMODB"));
    let given = given.or_else(|| settings.find("AWS_ENDPOINT_URL"));
    let region = || region(settings).or_else(|| settings.find("AWS_REGION"));
    given.unwrap_or_else(|| format!("DynamoDB in {}", region().as_deref().unwrap_or("the region of the AWS profile")))
}

/// A client with the credentials of the settings file or the user's own ones.
pub(crate) async fn client(settings: &Settings<'_>) -> Result<Client, CliError> {
    output::detail(|| format!("table {} at {}", settings.table().as_deref().unwrap_or("-"), address(settings)));
    match from_file(settings) {
        Some(config) => Ok(client::dynamodb(&config)),
        None if settings.global.local.is_some() => Err(SettingError::Local(LocalSiteError::NotRunning).into()),
        None => from_chain(settings).await,
    }
}

/// The configuration with the settings file's credentials, if it has any. They take precedence over the user's own
/// ones, which must never be sent to an emulator.
fn from_file(settings: &Settings<'_>) -> Option<Config> {
    let id = settings.in_file("AWS_ACCESS_KEY_ID").filter(|_| settings.global.profile.is_none())?;
    let secret = settings.in_file("AWS_SECRET_ACCESS_KEY")?;
    Some(Config {
        table: String::new(),
        region: region(settings).or_else(|| settings.find("AWS_REGION")).unwrap_or_else(|| "us-east-1".to_owned()),
        endpoint_url: endpoint(settings),
        sqs_endpoint_url: None,
        credentials: Some((id, secret, settings.in_file("AWS_SESSION_TOKEN"))),
    })
}

/// The region given explicitly. Otherwise the SDK takes it from the environment or the AWS profile.
fn region(settings: &Settings<'_>) -> Option<String> {
    settings.global.region.clone().or_else(|| settings.in_file("AWS_REGION"))
}

fn endpoint(settings: &Settings<'_>) -> Option<String> {
    let in_file = || settings.in_file("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| settings.in_file("AWS_ENDPOINT_URL"));
    settings.global.endpoint_url.clone().or_else(in_file)
}

async fn from_chain(settings: &Settings<'_>) -> Result<Client, CliError> {
    let config = chain(settings).await?;
    let mut builder = client::with_limits(Builder::from(&config));
    if let Some(url) = endpoint(settings) {
        builder = builder.endpoint_url(url);
    }
    Ok(Client::from_conf(builder.build()))
}

/// A client for the files of logs, with the same credentials.
pub(crate) async fn s3(settings: &Settings<'_>) -> Result<aws_sdk_s3::Client, CliError> {
    let in_file = || settings.in_file("AWS_ENDPOINT_URL_S3").or_else(|| settings.in_file("AWS_ENDPOINT_URL"));
    if let Some(config) = from_file(settings) {
        return Ok(client::s3(&config, in_file()));
    }
    let config = chain(settings).await?;
    Ok(aws_sdk_s3::Client::from_conf(client::s3_with_limits(aws_sdk_s3::config::Builder::from(&config)).build()))
}

/// The SDK's default credential chain: environment, profiles, single sign-on, the machine's role.
async fn chain(settings: &Settings<'_>) -> Result<SdkConfig, CliError> {
    let config = loader(settings).load().await;
    if config.region().is_none() {
        let how = "give --region, or set AWS_REGION or a region in the AWS profile";
        return Err(SettingError::Missing { what: "AWS region", how }.into());
    }
    check_credentials(&config).await?;
    Ok(config)
}

fn loader(settings: &Settings<'_>) -> ConfigLoader {
    let mut loader = aws_config::defaults(BehaviorVersion::latest());
    if let Some(name) = &settings.global.profile {
        loader = loader.profile_name(name);
    }
    if let Some(region) = region(settings) {
        loader = loader.region(Region::new(region));
    }
    loader
}

/// Checks that there are credentials. Without this, the store would report a failed connection.
async fn check_credentials(config: &SdkConfig) -> Result<(), CliError> {
    let provider = config.credentials_provider().ok_or_else(|| CliError::Credentials("there are none".to_owned()))?;
    match provider.provide_credentials().await {
        Ok(_) => Ok(()),
        Err(error) => Err(CliError::Credentials(causes(&error))),
    }
}
