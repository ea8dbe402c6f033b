//! Tokens: what a request's own token is and may do.

pub(super) mod get;
