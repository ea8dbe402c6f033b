//! What the body of a request may be: its size, its declared media type and its encoding.

use std::borrow::Cow;

use efface_core::{
    api_error::ApiError,
    message::Message,
    rows::{MAX_SENT, PageError, inflate},
};

use crate::event::Request;

/// What an endpoint takes as a body.
#[derive(Debug, Clone, Copy)]
pub enum BodyRule {
    /// The body is not read, whatever it is.
    Ignored,
    /// The body is checked before it is read.
    Checked(BodyLimits),
}

/// The limits of a body.
#[derive(Debug, Clone, Copy)]
pub struct BodyLimits {
    /// The largest size as sent, in bytes.
    pub most: usize,
    /// The media types that are accepted, in lower case and without parameters. An empty one is an absent header.
    pub types: &'static [&'static str],
    /// Whether gzip is inflated. It is recognised by its first bytes, declared or not.
    pub gzip: bool,
    /// The error of another media type or encoding.
    pub unsupported: fn() -> ApiError,
}

/// The media types of JSON.
const JSON: [&str; 2] = ["", "application/json"];

impl BodyRule {
    /// A small JSON document: at most 16 KiB (contract).
    pub(crate) const SMALL_JSON: Self = Self::Checked(BodyLimits {
        most: 16 * 1_024,
        types: &JSON,
        gzip: false,
        unsupported: || ApiError::UnsupportedMediaType,
    });

    /// A page of rows as JSON, compressed or not.
    pub(crate) const JSON_PAGE: Self = Self::Checked(BodyLimits {
        most: MAX_SENT,
        types: &JSON,
        gzip: true,
        unsupported: || ApiError::UnsupportedMediaType,
    });

    /// Whether the body may have to be inflated.
    pub(crate) fn is_compressible(&self) -> bool {
        matches!(self, Self::Checked(BodyLimits { gzip: true, .. }))
    }

    /// Rejects a body by its size in bytes, then by its declared type and encoding.
    ///
    /// Without a declared type it is read as JSON (contract), but not where a web page sent it. A page of another site may
    /// send a POST without a type, unasked, and the browser adds a token that its user once entered; to declare JSON, the
    /// page must ask first, and is denied.
    pub(crate) fn check(&self, request: &Request) -> Result<(), ApiError> {
        let Self::Checked(limits) = self else { return Ok(()) };
        if request.body.len() > limits.most {
            return Err(ApiError::PayloadTooLarge(limits.most));
        }
        let (Ok(media_type), Ok(encoding)) = (request.header("content-type"), request.header("content-encoding"))
        else {
            return Err((limits.unsupported)());
        };
        let media_type = essence(media_type.unwrap_or_default());
        let encoding = encoding.unwrap_or("identity");
        let is_known = limits.types.iter().any(|known| media_type.eq_ignore_ascii_case(known));
        let is_asked_for = !media_type.is_empty() || !request.is_from_page();
        let is_plain = encoding.eq_ignore_ascii_case("identity");
        let is_gzip = limits.gzip && encoding.eq_ignore_ascii_case("gzip");
        if is_known && is_asked_for && (is_plain || is_gzip) { Ok(()) } else { Err((limits.unsupported)()) }
    }

    /// The body's bytes, inflated where the endpoint takes gzip.
    pub(crate) fn read<'a>(&self, request: &'a Request) -> Result<Cow<'a, [u8]>, ApiError> {
        if self.is_compressible() {
            inflate(&request.body).map_err(unreadable)
        } else {
            Ok(Cow::Borrowed(&request.body))
        }
    }

    /// Examples of the errors that [`check`](Self::check) and [`read`](Self::read) give.
    pub(crate) fn errors(&self) -> Vec<ApiError> {
        let Self::Checked(limits) = self else { return Vec::new() };
        let mut errors = vec![ApiError::PayloadTooLarge(limits.most)];
        if limits.gzip {
            errors.push(unreadable(PageError::TooLarge));
            errors.push(unreadable(PageError::TooManyRows));
        }
        errors.push((limits.unsupported)());
        errors
    }
}

/// The error of a body that is not a page of rows.
pub(crate) fn unreadable(error: PageError) -> ApiError {
    match error {
        PageError::Unreadable(text) => ApiError::BadRequest(text),
        PageError::TooLarge | PageError::TooManyRows => ApiError::PageTooLarge(Message::new("{}", &[&error])),
    }
}

/// A media type without its parameters.
pub(crate) fn essence(media_type: &str) -> &str {
    media_type.split(';').next().unwrap_or_default().trim()
}
