//! The rows of the file, as they are written there.

use std::thread;

use efface_core::rows::{FilePart, RowFault, Written, each_written};
use tokio::sync::mpsc;

use super::columns;
use crate::rows::{Form, Source};

/// Rows that are passed on at once.
const BATCH: usize = 1_000;

/// What a row is written as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Input {
    /// The cells of a line of CSV.
    Cells(Vec<Vec<u8>>),
    /// A JSON value, on one line.
    Json(String),
    /// The text of a row that is neither.
    Text(Vec<u8>),
}

/// A row of the file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct InputRow {
    /// Its number, from 1.
    pub(super) row: u64,
    /// The line where it begins, from 1.
    pub(super) line: u64,
    /// Why it can't be read.
    pub(super) fault: Option<RowFault>,
    pub(super) input: Input,
}

/// How the file is laid out.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Layout {
    pub(super) is_json: bool,
    /// The names of the columns in the report, different from each other and from the report's own.
    pub(super) names: Vec<String>,
}

impl From<Written<'_>> for Input {
    fn from(written: Written<'_>) -> Self {
        match written {
            Written::Cells(cells) => Self::Cells(cells),
            // A line end within a string is an escape, so these are between the parts of the value.
            Written::Json(json) => Self::Json(json.replace(['\r', '\n'], "")),
            Written::Text(text) => Self::Text(text.to_owned()),
        }
    }
}

impl Layout {
    pub(super) fn of(source: &Source) -> Self {
        let (mut names, mut width, mut is_json) = (Vec::new(), 1, false);
        let (text, media_type) = source.text();
        // The file was read before, so there is no error.
        _ = each_written(&text, media_type, &mut |part| {
            match part {
                FilePart::Names(found) => names = found,
                FilePart::Row(row) => match row.written() {
                    Written::Cells(cells) => width = width.max(cells.len()),
                    Written::Json(_) => is_json = true,
                    Written::Text(_) => {}
                },
            }
            Ok(())
        });
        let names = if is_json { vec![columns::INPUT.to_owned()] } else { columns::names(names, width) };
        Self { is_json, names }
    }
}

/// All rows, in batches that a thread reads.
pub(super) fn read(source: &Source) -> mpsc::Receiver<Vec<InputRow>> {
    let (sender, receiver) = mpsc::channel(2);
    let (text, media_type) = source.text();
    thread::spawn(move || {
        let (mut batch, mut number) = (Vec::new(), 0);
        let read = each_written(&text, media_type, &mut |part| {
            let FilePart::Row(row) = part else { return Ok(()) };
            number += 1;
            let (line, fault, input) = (row.line, Form::Json.fault(&row.row), row.written().into());
            batch.push(InputRow { row: number, line, fault, input });
            if batch.len() == BATCH && sender.blocking_send(std::mem::take(&mut batch)).is_err() {
                // The receiver is gone.
                return Err(efface_core::rows::PageError::TooManyRows);
            }
            Ok(())
        });
        if read.is_ok() {
            _ = sender.blocking_send(batch);
        }
    });
    receiver
}
