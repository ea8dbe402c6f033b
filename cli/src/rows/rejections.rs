//! The rows that the API rejected.

use std::{collections::BTreeMap, path::Path};

use efface_core::rows::RowFault;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{MaxInvalid, Page, Source, source::MAX_LISTED};
use crate::{
    CliError,
    output::{columns, printable},
};

/// The part of the API's response to rows that tells of the rejected ones.
#[derive(Debug, Default, Deserialize)]
pub(crate) struct Rejected {
    #[serde(default)]
    rejected: Vec<RejectedRow>,
    #[serde(default)]
    rejected_total: u64,
}

#[derive(Debug, Deserialize)]
struct RejectedRow {
    /// The row's number in its page, from 0.
    row: u64,
    code: String,
    message: String,
}

/// The rows that the API rejected: their total, and code and message of the first ones by their number in the file.
#[derive(Debug, Default)]
pub(crate) struct Rejections {
    total: u64,
    first: BTreeMap<u64, (String, String)>,
}

impl Rejections {
    /// Starts with the unreadable rows: they are sent as `null`, so the API cannot tell what is wrong with them.
    pub(crate) fn new(source: &Source) -> Self {
        let described = |(row, fault): (&u64, &RowFault)| (*row, (fault.code().to_owned(), fault.message().to_owned()));
        Self { total: 0, first: source.unreadable.iter().map(described).collect() }
    }

    /// The rejections of a source that was sent as one page.
    pub(crate) fn of_one_page(source: &Source, page: &Page, rejected: Rejected) -> Self {
        let mut rejections = Self::new(source);
        rejections.add(page, rejected);
        rejections
    }

    /// Adds those of a page.
    pub(crate) fn add(&mut self, page: &Page, rejected: Rejected) {
        self.total += rejected.rejected_total;
        for rejected in rejected.rejected {
            let described = (printable(&rejected.code), printable(&rejected.message));
            self.first.entry(page.first_row + rejected.row).or_insert(described);
        }
        while self.first.len() > MAX_LISTED {
            self.first.pop_last();
        }
    }

    /// Counts a row by its number in the file.
    pub(crate) fn add_row(&mut self, row: u64, code: &str, message: &str) {
        self.total += 1;
        if self.first.len() < MAX_LISTED {
            self.first.entry(row).or_insert_with(|| (printable(code), printable(message)));
        }
    }

    /// Fails if too many rows of the file are invalid, every one of them without a limit: it is no file of rows, or not of
    /// this action.
    pub(crate) fn require(&self, limit: Option<MaxInvalid>, source: &Source, file: &Path) -> Result<(), CliError> {
        if !MaxInvalid::refuses(limit, self.total, source.rows) {
            return Ok(());
        }
        let (row, text) = self.first.first_key_value().map_or((1, ""), |(row, (_, message))| (*row, message));
        let (path, text) = (file.to_owned(), text.to_owned());
        let limit = limit.map(|limit| limit.to_string());
        Err(CliError::TooManyInvalid { path, rows: source.rows, invalid: self.total, limit, row, text })
    }

    /// The list as text. Empty if all rows were accepted.
    pub(crate) fn text(&self) -> String {
        if self.total == 0 {
            return String::new();
        }
        let mut rows: Vec<[String; 3]> = Vec::new();
        for (row, (code, message)) in &self.first {
            rows.push([format!("  row {row}"), code.clone(), message.clone()]);
        }
        let more = self.total.saturating_sub(self.first.len() as u64);
        let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
        format!("\n\nInvalid rows (numbered without header and blank lines):\n{}{more}", columns(&rows))
    }

    /// The list as JSON.
    pub(crate) fn json(&self) -> Value {
        let first = self.first.iter();
        first.map(|(row, (code, message))| json!({"row": row, "code": code, "message": message})).collect()
    }

    /// The number of rejected rows, including those that are not listed.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }
}
