//! A client of the HTTP API that retries.
//!
//! A request whose response was lost is sent again with the same idempotency key or, for a page, the same page number.
//! So it takes effect once, and the repetition gets the same success.

mod error;
mod http;
mod list;
mod sender;
mod site;
mod url;

use std::path::PathBuf;

use clap::Args;
use efface_aws::clock;
use efface_core::space::SpaceId;
use serde::de::DeserializeOwned;

use crate::{
    CliError, hints, output,
    settings::{SettingError, Settings},
};
pub(crate) use error::{ApiError, NoResponse, code_and_message, request_suffix};
pub(crate) use http::{ApiRequest, Response};
pub(crate) use list::List;
pub(crate) use site::Site;
pub(crate) use url::encoded;

use http::HttpClient;
use sender::Sender;
use url::ApiUrl;

/// The options of every command that uses the HTTP API.
#[derive(Args)]
#[command(next_help_heading = "API")]
pub(crate) struct ApiOptions {
    /// The id of the space [env: EFFACE_SPACE]
    #[arg(long, value_name = "ID", value_parser = SpaceId::parse)]
    space: Option<SpaceId>,
    /// The base URL of the API, including the stage [env: EFFACE_API_URL]
    #[arg(long, value_name = "URL")]
    api_url: Option<String>,
    /// A file that contains the access token [env: EFFACE_TOKEN contains the token itself]
    #[arg(long, value_name = "FILE")]
    token_file: Option<PathBuf>,
}

/// The API, for one space and one token.
pub(crate) struct Api {
    sender: Sender,
    space: SpaceId,
}

impl Api {
    /// Takes the options, and for each one that is not given the setting. Sends nothing.
    pub(crate) fn open(options: &ApiOptions, settings: &Settings<'_>) -> Result<Self, CliError> {
        let how = "give --api-url, or set EFFACE_API_URL; with `cargo local` give --local";
        let url = options.api_url.clone().or_else(|| settings.find("EFFACE_API_URL"));
        let url = ApiUrl::parse(&url.ok_or(SettingError::Missing { what: "URL of the API", how })?)?;
        let token = settings.token(options.token_file.as_deref())?;
        let client = HttpClient::new(url, Some(&token)).map_err(NoResponse::new)?;
        let space = space(options, settings)?;
        let token_file = options.token_file.as_ref().map(|path| path.to_string_lossy().into_owned());
        hints::use_api(&[
            ("--space", Some(space.to_string())),
            ("--api-url", options.api_url.clone()),
            ("--token-file", token_file.clone()),
        ]);
        output::detail(|| {
            let token = token_file.map_or("EFFACE_TOKEN".to_owned(), |path| format!("the file {path}"));
            format!("API {}, space {space}, token of {token}", client.address())
        });
        Ok(Self { sender: Sender::new(client, "the API"), space })
    }

    /// The space whose resources are used.
    pub(crate) fn space(&self) -> &SpaceId {
        &self.space
    }

    /// The base URL of the API, for users.
    pub(crate) fn address(&self) -> String {
        self.sender.address()
    }

    /// The path of a resource of the space.
    pub(crate) fn path(&self, rest: &str) -> String {
        format!("/v1/spaces/{}/{rest}", self.space)
    }

    /// Sends a request, and repeats it while there is no response or a transient one.
    pub(crate) async fn send(&self, request: &ApiRequest) -> Result<Response, CliError> {
        check_status(self.sender.send(request).await?)
    }

    /// Calls [`send`](Self::send) and reads the response.
    pub(crate) async fn request<T: DeserializeOwned>(&self, request: &ApiRequest) -> Result<T, CliError> {
        read(&self.send(request).await?)
    }
}

/// Reads a response's body. A body of another form cannot be from Efface.
pub(crate) fn read<T: DeserializeOwned>(response: &Response) -> Result<T, CliError> {
    serde_json::from_slice(&response.body).map_err(|_| ApiError::not_from_efface(response).into())
}

/// Checks the given idempotency key, or makes a new one.
pub(crate) fn idempotency_key(given: Option<&str>) -> Result<String, CliError> {
    let key = given.map_or_else(|| clock::short_id("cli-") + &clock::short_id(""), str::to_owned);
    let fits = (1..=255).contains(&key.len()) && key.bytes().all(|b| b.is_ascii_graphic());
    if fits { Ok(key) } else { Err(CliError::BadIdempotencyKey) }
}

fn check_status(response: Response) -> Result<Response, CliError> {
    if matches!(response.status, 200..=299) { Ok(response) } else { Err(ApiError::from_response(&response).into()) }
}

fn space(options: &ApiOptions, settings: &Settings<'_>) -> Result<SpaceId, SettingError> {
    match (&options.space, settings.find("EFFACE_SPACE")) {
        (Some(space), _) => Ok(space.clone()),
        (None, Some(text)) => SpaceId::parse(&text).map_err(SettingError::Space),
        (None, None) => Err(SettingError::Missing { what: "space", how: "give --space, or set EFFACE_SPACE" }),
    }
}
