//! The way to the table: a client with the user's credentials, and a key that was found to be the table's.

use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::provider::ProvideCredentials;
use aws_sdk_dynamodb::{Client, config::Builder};
use efface_aws::{Store, client, config::Config};
use efface_core::key::MasterKey;

use crate::{
    error::{CliError, causes},
    settings::{SettingError, Settings},
};

/// A table that answers, and the key that it was written with.
pub(crate) struct Site {
    pub(crate) store: Store,
    pub(crate) key: MasterKey,
}

/// Connects, and refuses a key under which every identifier would look deleted.
pub(crate) async fn open(settings: &Settings<'_>) -> Result<Site, CliError> {
    let (table, key) = (settings.table()?, settings.identifier_key()?);
    let client = match fixed(settings, &table) {
        Some(config) => client::dynamodb(&config),
        None if settings.global.local => return Err(SettingError::NothingLocal.into()),
        None => from_chain(settings).await?,
    };
    let store = Store::new(client, table);
    store.verify_key(&key).await?;
    Ok(Site { store, key })
}

/// Credentials that a settings file gives are the ones that are meant: the user's own must never reach an emulator.
fn fixed(settings: &Settings<'_>, table: &str) -> Option<Config> {
    let id = settings.in_file("AWS_ACCESS_KEY_ID").filter(|_| settings.global.profile.is_none())?;
    let secret = settings.in_file("AWS_SECRET_ACCESS_KEY")?;
    Some(Config {
        table: table.to_owned(),
        region: region(settings).or_else(|| settings.find("AWS_REGION")).unwrap_or_else(|| "us-east-1".to_owned()),
        endpoint_url: endpoint(settings),
        sqs_endpoint_url: None,
        credentials: Some((id, secret, settings.in_file("AWS_SESSION_TOKEN"))),
    })
}

/// A region that is not left to the SDK's own search of environment and profile.
fn region(settings: &Settings<'_>) -> Option<String> {
    settings.global.region.clone().or_else(|| settings.in_file("AWS_REGION"))
}

fn endpoint(settings: &Settings<'_>) -> Option<String> {
    let in_file = || settings.in_file("AWS_ENDPOINT_URL_DYNAMODB").or_else(|| settings.in_file("AWS_ENDPOINT_URL"));
    settings.global.endpoint_url.clone().or_else(in_file)
}

/// A client as any AWS tool has it: environment, profiles, single sign-on, the machine's role.
async fn from_chain(settings: &Settings<'_>) -> Result<Client, CliError> {
    let config = loader(settings).load().await;
    if config.region().is_none() {
        let how = "give --region, or set AWS_REGION or a region in the AWS profile";
        return Err(SettingError::Missing { what: "AWS region", how }.into());
    }
    check_credentials(&config).await?;
    let mut builder = client::with_limits(Builder::from(&config));
    if let Some(url) = endpoint(settings) {
        builder = builder.endpoint_url(url);
    }
    Ok(Client::from_conf(builder.build()))
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

/// Asked for at once, because the store would report missing credentials as a connection that failed.
async fn check_credentials(config: &SdkConfig) -> Result<(), CliError> {
    let provider = config.credentials_provider().ok_or_else(|| CliError::Credentials("there are none".to_owned()))?;
    match provider.provide_credentials().await {
        Ok(_) => Ok(()),
        Err(error) => Err(CliError::Credentials(causes(&error))),
    }
}
