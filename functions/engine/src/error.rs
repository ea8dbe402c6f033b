//! What a use case can end with, beside its result.

use efface_aws::{QueueError, StoreError};
use efface_core::api_error::ApiError;
use thiserror::Error;

use crate::log::LogError;

/// Why a use case did not do what it was asked to.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum Error {
    /// A decision that the client acts on.
    #[error(transparent)]
    Api(#[from] ApiError),
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The queue failed.
    #[error(transparent)]
    Queue(#[from] QueueError),
    /// The published log failed.
    #[error(transparent)]
    Log(#[from] LogError),
    /// A fault of Efface itself; holds what should not be.
    #[error("a fault of Efface: {0}")]
    Fault(&'static str),
}

impl Error {
    /// Whether it passes by itself: asking again is safe and may work.
    pub fn is_passing(&self) -> bool {
        match self {
            Self::Api(error) => *error == ApiError::Unavailable,
            Self::Store(error) => matches!(error, StoreError::Unavailable(_)),
            Self::Queue(error) => matches!(error, QueueError::Unavailable(_)),
            Self::Log(error) => error.is_passing(),
            Self::Fault(_) => false,
        }
    }

    /// The function has no time left.
    pub(crate) fn time_is_up() -> Self {
        Self::Store(StoreError::Unavailable("the time is up".to_owned()))
    }

    /// Somebody else writes to the same items all the time.
    pub(crate) fn contended(what: &str) -> Self {
        Self::Store(StoreError::Unavailable(format!("{what} is contended")))
    }
}
