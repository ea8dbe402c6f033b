//! What an endpoint declares about itself, beside its handler: a [`Spec`], from which routing, enforcement and time limits
//! follow, and its [`Docs`]. The OpenAPI document follows from both. A part that is missing does not compile.
//!
//! They are apart so that the function, which needs no documentation, is linked without it.

use std::time::Duration;

use efface_core::{api_error::ApiError, limit::Limit, space::SpaceId};
use utoipa::openapi::{RefOr, Schema, path::ParameterIn};

use crate::{body::BodyRule, permission::PermissionRule, response::Success};

pub use crate::schema::{Content, SchemaOf};

/// The time limit of a request on single items.
pub(crate) const SHORT: Duration = Duration::from_millis(2_800);

/// The time limit of a request that reads many items, or that changes a job or a profile.
pub(crate) const MEDIUM: Duration = Duration::from_secs(9);

/// The time limit of a request with a page: up to 100,000 rows to be hashed and stored, or planned.
pub(crate) const LONG: Duration = Duration::from_secs(25);

/// The declaration of an endpoint.
#[derive(Debug)]
pub struct Spec {
    /// The operation id: unique, and the name of the function in generated clients.
    pub id: &'static str,
    /// The method.
    pub method: Method,
    /// The path, with parameters as `{name}`. `{profile}` and `{identifier}` may hold slashes.
    pub path: &'static str,
    /// What the token's role must allow, and when that is known.
    pub permission: PermissionRule,
    /// Whether it deletes, or lets a job delete: then it is rejected in a space that has not activated deletions, or whose
    /// source is detached.
    pub deletes: bool,
    /// The limit of the space that it counts against. A single deletion counts against limits of its own, in its use case.
    pub limit: Option<Limit>,
    /// How long a request may take before the response is a 503. Its effects may still happen.
    pub time: Duration,
    /// What the body may be.
    pub body: BodyRule,
}

impl Spec {
    /// Whether it reads, as the last write left it, whether an operator has stopped what deletes. The deletion of a single
    /// identifier relies on what is remembered: how many requests it sends is counted (contract).
    pub(crate) fn checks_stop(&self) -> bool {
        self.deletes && self.time > SHORT
    }
}

/// What the OpenAPI document says of an endpoint, beside what its [`Spec`] says.
#[derive(Debug)]
pub(crate) struct Docs {
    /// The group of the endpoint in the OpenAPI document.
    pub(crate) tag: &'static str,
    /// What it does, in a few words.
    pub(crate) summary: &'static str,
    /// What a client must know beyond that.
    pub(crate) description: &'static str,
    /// Parameters of the query and headers. Those of the path, and `Idempotency-Key`, follow from path and method.
    pub(crate) parameters: &'static [Parameter],
    /// The body by media type. Empty where none is needed.
    pub(crate) request: &'static [Content],
    /// The responses to requests that succeed.
    pub(crate) responses: &'static [SuccessDoc],
    /// Examples of the endpoint's own errors. [`Docs::all_errors`] adds those that every endpoint of its kind has.
    pub(crate) errors: fn() -> Vec<ApiError>,
}

/// A method that an endpoint may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Reads, without an effect.
    Get = 1,
    /// Changes something.
    Post = 2,
    /// Deletes what the path names.
    Delete = 4,
    /// Changes a part of what the path names.
    Patch = 8,
}

impl Method {
    /// The method as requests name it.
    pub fn as_str(self) -> &'static str {
        Self::list([self])
    }

    /// Methods with commas between them, as the header `Allow` has them.
    pub(crate) fn list(methods: impl IntoIterator<Item = Self>) -> &'static str {
        match methods.into_iter().fold(0, |bits, method| bits | method as u8) {
            1 => "GET",
            2 => "POST",
            3 => "GET, POST",
            4 => "DELETE",
            5 => "GET, DELETE",
            6 => "POST, DELETE",
            8 => "PATCH",
            13 => "GET, DELETE, PATCH",
            _ => "GET, POST, DELETE, PATCH",
        }
    }
}

/// A parameter of a query, or a header.
#[derive(Debug, Clone, Copy)]
pub struct Parameter {
    /// The name.
    pub name: &'static str,
    /// Where it stands.
    pub location: Location,
    /// Whether a request needs it.
    pub required: bool,
    /// What it means.
    pub description: &'static str,
    /// What it may be.
    pub schema: fn() -> RefOr<Schema>,
    /// A value as an example.
    pub example: Option<&'static str>,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy)]
pub enum Location {
    /// In the path.
    Path,
    /// In the query.
    Query,
    /// In a header.
    Header,
}

impl From<Location> for ParameterIn {
    fn from(location: Location) -> Self {
        match location {
            Location::Path => Self::Path,
            Location::Query => Self::Query,
            Location::Header => Self::Header,
        }
    }
}

/// A response to a request that succeeds.
#[derive(Debug)]
pub struct SuccessDoc {
    /// The status.
    pub success: Success,
    /// What it says.
    pub description: &'static str,
    /// The body by media type.
    pub content: &'static [Content],
}

impl Docs {
    /// Examples of every error of the endpoint. The router's own, 404 and 405, are not among them.
    pub(crate) fn all_errors(&self, spec: &Spec) -> Vec<ApiError> {
        let text = "A part of the request can't be read or is not supported; the message names it.";
        let mut errors = vec![ApiError::bad_request(text, &[])];
        errors.extend(spec.body.errors());
        errors.extend(spec.permission.errors());
        if spec.deletes
            && let Ok(space) = SpaceId::parse("spa_demo")
        {
            errors.extend(spec.checks_stop().then(|| ApiError::Stopped(space.clone())));
            errors.extend([ApiError::NotActivated(space.clone()), ApiError::NoSource(space)]);
        }
        errors.extend(spec.limit.map(|limit| ApiError::TooManyRequests(limit, limit.default_setting())));
        errors.extend((self.errors)());
        if spec.method != Method::Get {
            errors.push(ApiError::IdempotencyConflict);
        }
        errors.push(ApiError::Internal);
        if spec.permission != PermissionRule::Open {
            errors.push(ApiError::Unavailable);
        }
        errors
    }
}
