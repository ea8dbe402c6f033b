//! The rows that the API rejected. Equal rejections are told as one, with the lines of the first rows.

use std::{collections::BTreeMap, path::Path};

use efface_core::rows::RowFault;
use serde::Deserialize;
use serde_json::{Value, json};

use super::{MaxInvalid, Page, Source};
use crate::{
    CliError,
    output::{columns, numbers, printable},
};

/// How many rows are listed one by one, in JSON.
const MAX_LISTED: usize = 20;

/// Of how many rows of equal rejections the lines are told.
const MAX_LINES: usize = 10;

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

/// A code and its message.
type Reason = (String, String);

/// Equal rejections.
#[derive(Debug, Default)]
struct Group {
    rows: u64,
    /// The first rows, by their numbers, and their lines.
    first: BTreeMap<u64, u64>,
}

/// The rows that the API rejected: their total, and those that it listed.
#[derive(Debug, Default)]
pub(crate) struct Rejections {
    total: u64,
    listed: u64,
    groups: BTreeMap<Reason, Group>,
    /// The first rows, by their numbers, with their lines and reasons.
    first: BTreeMap<u64, (u64, Reason)>,
}

impl Rejections {
    /// None so far.
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// The rejections of a source that was sent as one page.
    pub(crate) fn of_one_page(source: &Source, page: &Page, rejected: Rejected) -> Self {
        let mut rejections = Self::new();
        rejections.add(source, page, rejected);
        rejections
    }

    /// Adds those of a page. Unreadable rows are sent as `null`, so only the source can tell what is wrong with them.
    pub(crate) fn add(&mut self, source: &Source, page: &Page, rejected: Rejected) {
        self.total += rejected.rejected_total;
        self.listed += rejected.rejected.len() as u64;
        for rejected in rejected.rejected {
            let row = page.first_row + rejected.row;
            let described = |fault: &RowFault| (fault.code().to_owned(), fault.message().to_owned());
            let reason = source.unreadable.get(&row).map(described);
            let reason = reason.unwrap_or_else(|| (printable(&rejected.code), printable(&rejected.message)));
            self.list(row, source.lines.of(row), reason);
        }
    }

    fn list(&mut self, row: u64, line: u64, reason: Reason) {
        let group = self.groups.entry(reason.clone()).or_default();
        group.rows += 1;
        group.first.insert(row, line);
        if group.first.len() > MAX_LINES {
            group.first.pop_last();
        }
        self.first.insert(row, (line, reason));
        if self.first.len() > MAX_LISTED {
            self.first.pop_last();
        }
    }

    /// Counts a row by its number in the file.
    pub(crate) fn add_row(&mut self, source: &Source, row: u64, code: &str, message: &str) {
        self.total += 1;
        self.listed += 1;
        self.list(row, source.lines.of(row), (printable(code), printable(message)));
    }

    /// Fails if too many rows of the file are invalid, every one of them without a limit: it is no file of rows, or not of
    /// this action.
    pub(crate) fn require(&self, limit: Option<MaxInvalid>, source: &Source, file: &Path) -> Result<(), CliError> {
        if !MaxInvalid::refuses(limit, self.total, source.rows) {
            return Ok(());
        }
        let (line, text) = self.first.values().next().map_or((1, ""), |(line, (_, message))| (*line, message));
        let (path, text) = (file.to_owned(), text.to_owned());
        let limit = limit.map(|limit| limit.to_string());
        Err(CliError::TooManyInvalid { path, rows: source.rows, invalid: self.total, limit, line, text })
    }

    /// The list as text, the most frequent first. Empty if all rows were accepted.
    pub(crate) fn text(&self) -> String {
        if self.total == 0 {
            return String::new();
        }
        let mut groups: Vec<_> = self.groups.iter().collect();
        groups.sort_by_key(|(_, group)| (std::cmp::Reverse(group.rows), group.first.keys().next().copied()));
        let mut rows: Vec<[String; 4]> = Vec::new();
        for ((code, message), group) in groups {
            let lines: Vec<u64> = group.first.values().copied().collect();
            let of = if group.rows == 1 { "row" } else { "rows" };
            let count = format!("  {} {of}", group.rows);
            rows.push([count, code.clone(), numbers("line", &lines, group.rows), message.clone()]);
        }
        let more = self.total.saturating_sub(self.listed);
        let more = if more > 0 { format!("\n  and {more} more") } else { String::new() };
        format!("\n\nInvalid rows:\n{}{more}", columns(&rows))
    }

    /// The first rejected rows as JSON.
    pub(crate) fn json(&self) -> Value {
        let row = |(row, (line, (code, message))): (&u64, &(u64, Reason))| json!({"row": row, "line": line, "code": code, "message": message});
        self.first.iter().map(row).collect()
    }

    /// Equal rejections as JSON: how many rows, and the lines of the first of them.
    pub(crate) fn groups_json(&self) -> Value {
        let group = |((code, message), group): (&Reason, &Group)| {
            let lines: Vec<u64> = group.first.values().copied().collect();
            json!({"code": code, "message": message, "rows": group.rows, "lines": lines})
        };
        self.groups.iter().map(group).collect()
    }

    /// The number of rejected rows, including those that are not listed.
    pub(crate) fn total(&self) -> u64 {
        self.total
    }
}
