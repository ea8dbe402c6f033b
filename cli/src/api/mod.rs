//! The way to the HTTP API, as any client has it: an address, a token, and patience.
//!
//! A request whose answer got lost is sent again, under the same idempotency key or, for a page, the same number, so
//! that it is done once and still known to be done.

mod failure;
mod http;
mod url;

use std::{path::PathBuf, time::Duration};

use clap::Args;
use efface_aws::clock;
use efface_core::space::SpaceId;
use serde::de::DeserializeOwned;

use crate::{
    CliError,
    settings::{SettingError, Settings},
};
pub(crate) use failure::{NoAnswer, Refused, envelope, request_words};
pub(crate) use http::{Call, Reply};
pub(crate) use url::encoded;

use http::Wire;
use url::ApiUrl;

/// How often a request is sent at most.
const ATTEMPTS: u32 = 7;

/// The first pause where the answer names none; it doubles.
const FIRST_PAUSE: Duration = Duration::from_millis(250);

/// The longest pause that is waited for; who is told to wait longer is told so.
const LONGEST_PAUSE: Duration = Duration::from_mins(1);

/// The options of every command that asks the API.
#[derive(Args)]
#[command(next_help_heading = "API")]
pub(crate) struct ApiOptions {
    /// The space [env: EFFACE_SPACE]
    #[arg(long, value_name = "ID", value_parser = SpaceId::parse)]
    space: Option<SpaceId>,
    /// The API's URL, with its stage [env: EFFACE_API_URL]
    #[arg(long, value_name = "URL")]
    api_url: Option<String>,
    /// A file that holds the access token [env: EFFACE_TOKEN holds the token itself]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// A space of the API, with a token for it.
pub(crate) struct Api {
    wire: Wire,
    space: SpaceId,
}

impl Api {
    /// Takes what the options do not say from the settings. Nothing is sent yet.
    pub(crate) fn open(options: &ApiOptions, settings: &Settings<'_>) -> Result<Self, CliError> {
        let how = "give --api-url, or set EFFACE_API_URL; with `cargo local` give --local";
        let url = options.api_url.clone().or_else(|| settings.find("EFFACE_API_URL"));
        let url = ApiUrl::parse(&url.ok_or(SettingError::Missing { what: "URL of the API", how })?)?;
        let token = settings.token(options.token_file.as_deref())?;
        let wire = Wire::new(url, &token).map_err(NoAnswer::because)?;
        Ok(Self { wire, space: space(options, settings)? })
    }

    /// The space that is asked.
    pub(crate) fn space(&self) -> &SpaceId {
        &self.space
    }

    /// A path below the space.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/spaces/{}/{rest}", self.space)
    }

    /// Sends a request until there is an answer that stays: a success, or the API's refusal.
    pub(crate) async fn send(&self, call: &Call) -> Result<Reply, CliError> {
        let mut pause = FIRST_PAUSE;
        for attempt in 1.. {
            let result = self.wire.send(call).await;
            let asked = match result {
                Ok(reply) if !reply.passes() => return decide(Reply { attempts: attempt, ..reply }),
                Ok(ref reply) => reply.retry_after,
                Err(_) => None,
            };
            let wait = asked.unwrap_or_else(|| pause.mul_f64(0.5 + fastrand::f64()));
            if attempt == ATTEMPTS || wait > LONGEST_PAUSE {
                let reason = result.map_or_else(|reason| reason, |reply| format!("last answered {}", reply.words()));
                return Err(NoAnswer { idempotency_key: call.key.clone(), ..NoAnswer::because(reason) }.into());
            }
            tokio::time::sleep(wait).await;
            pause *= 2;
        }
        Err(NoAnswer::because("nothing was sent".to_owned()).into())
    }

    /// [`send`](Self::send), and reads the answer.
    pub(crate) async fn ask<T: DeserializeOwned>(&self, call: &Call) -> Result<T, CliError> {
        read(&self.send(call).await?)
    }
}

/// Reads an answer; one that has another shape is not Efface's.
pub(crate) fn read<T: DeserializeOwned>(reply: &Reply) -> Result<T, CliError> {
    serde_json::from_slice(&reply.body).map_err(|_| Refused::not_ours(reply).into())
}

/// The key that was given, or a new one.
pub(crate) fn idempotency_key(given: Option<&str>) -> Result<String, CliError> {
    let key = given.map_or_else(|| clock::short_id("cli-") + &clock::short_id(""), str::to_owned);
    let fits = (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    if fits { Ok(key) } else { Err(CliError::BadIdempotencyKey) }
}

fn decide(reply: Reply) -> Result<Reply, CliError> {
    if matches!(reply.status, 200..=299) { Ok(reply) } else { Err(Refused::of(&reply).into()) }
}

fn space(options: &ApiOptions, settings: &Settings<'_>) -> Result<SpaceId, SettingError> {
    match (&options.space, settings.find("EFFACE_SPACE")) {
        (Some(space), _) => Ok(space.clone()),
        (None, Some(text)) => SpaceId::parse(&text).map_err(SettingError::Space),
        (None, None) => Err(SettingError::Missing { what: "space", how: "give --space, or set EFFACE_SPACE" }),
    }
}
