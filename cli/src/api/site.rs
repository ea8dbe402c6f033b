//! A public web site with files. No token is sent to it.

use super::{
    error::{ApiError, NoResponse},
    http::{ApiRequest, HttpClient},
    sender::Sender,
    url::ApiUrl,
};
use crate::CliError;

/// A site below whose URL files are.
pub(crate) struct Site(Sender);

impl Site {
    /// Sends nothing.
    pub(crate) fn open(url: &str) -> Result<Self, CliError> {
        let url = ApiUrl::parse_public(url)?;
        let client = HttpClient::new(url, None).map_err(NoResponse::new)?;
        Ok(Self(Sender::new(client, "the log")))
    }

    /// The site's URL, for users.
    pub(crate) fn address(&self) -> String {
        self.0.address()
    }

    /// Reads a file of at most `longest` bytes. `None` if it is not there: hosts say so with a 404 or a 410, and S3, where
    /// nobody may list a bucket, with a 403.
    pub(crate) async fn file(&self, path: &str, longest: usize) -> Result<Option<Vec<u8>>, CliError> {
        let response = self.0.send(&ApiRequest::get(format!("/{path}")).up_to(longest)).await?;
        match response.status {
            200 => Ok(Some(response.body.into())),
            403 | 404 | 410 => Ok(None),
            _ => Err(ApiError {
                message: format!("{} cannot be read from {}", path, self.address()),
                ..ApiError::not_from_efface(&response)
            }
            .into()),
        }
    }
}
