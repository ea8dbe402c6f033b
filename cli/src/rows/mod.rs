//! Files of rows: how they are read and divided into pages, and what is told of rows that the API rejects.

mod form;
mod lines;
mod max_invalid;
mod rejections;
mod source;

pub(crate) use form::{Form, path_lookup};
pub(crate) use lines::Lines;
pub(crate) use max_invalid::MaxInvalid;
pub(crate) use rejections::{Rejected, Rejections};
pub(crate) use source::{Page, Source};
