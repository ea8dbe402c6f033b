//! Files of rows: how they are read and divided into pages, and what is told of rows that the API rejects.

mod form;
mod rejections;
mod source;

pub(crate) use form::{Form, path_lookup};
pub(crate) use rejections::{Rejected, Rejections};
pub(crate) use source::{Page, Source};
