//! Reads the file and divides its rows into pages.
//!
//! The file is kept in memory and read twice, once to check and count the rows and once to send them. So an error in
//! the last line is found before the first page is sent, and standard input can be used although it can't be read
//! twice.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::Path,
    sync::Arc,
    thread,
};

use efface_core::{
    rows::{MAX_SENT, PageError, RawRow, RowFault, each_row, inflate_within, reject_wide},
    space::IdentifierTypes,
};
use tokio::sync::mpsc;

use super::Form;
use crate::CliError;

/// The bytes of a request's body that are reserved for the fields around the rows.
const ENVELOPE_BYTES: usize = 1_024;

/// The longest row in JSON, in bytes. No valid row is longer; a longer one is sent as an unreadable one and so rejected.
const MAX_ROW_BYTES: usize = 64 * 1_024;

/// How many invalid rows are listed.
pub(crate) const MAX_LISTED: usize = 20;

/// A file that was read to its end without an error.
pub(crate) struct Source {
    text: Arc<[u8]>,
    /// What the name of the file says of its format. It decides where lines could be JSON as well as CSV.
    media_type: &'static str,
    page_size: usize,
    form: Form,
    /// The number of rows, including invalid ones.
    pub(crate) rows: u64,
    /// The number of pages.
    pub(crate) pages: u64,
    /// The first unreadable rows, by their number from 1.
    pub(crate) unreadable: BTreeMap<u64, RowFault>,
}

/// Consecutive rows that are sent in one request.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// The page's number, from 1. Page 0 is the rows that were given when the job was created.
    pub(crate) number: u64,
    /// The number of the page's first row in the file, from 1.
    pub(crate) first_row: u64,
    /// The number of rows.
    pub(crate) count: usize,
    /// The rows as a JSON array.
    pub(crate) rows: String,
}

impl Source {
    /// Reads a file, or standard input if the path is `-`, and counts its rows.
    pub(crate) fn read(path: &Path, page_size: usize, form: Form) -> Result<Self, CliError> {
        let file = |source| CliError::File { path: path.to_owned(), source };
        let bytes = if path == Path::new("-") { read_all(io::stdin()) } else { std::fs::read(path) }.map_err(file)?;
        let page = |error| CliError::Page { path: path.to_owned(), error };
        let text = inflate_within(&bytes, usize::MAX).map_err(page)?.into();
        let media_type = match path.extension().and_then(|extension| extension.to_str()) {
            Some("csv" | "CSV") => "text/csv",
            Some("ndjson" | "jsonl") => "application/x-ndjson",
            _ => "",
        };
        let mut source = Self { text, media_type, page_size, form, rows: 0, pages: 0, unreadable: BTreeMap::new() };
        source.count().map_err(page)?;
        Ok(source)
    }

    fn count(&mut self) -> Result<(), PageError> {
        let text = Arc::clone(&self.text);
        let mut pages = 0;
        let form = self.form;
        let mut builder = PageBuilder::new(self.page_size, form, |_| {
            pages += 1;
            true
        });
        let mut first = Vec::with_capacity(1);
        each_row(&text, self.media_type, &mut |row| {
            self.rows += 1;
            if self.rows == 1 {
                first.push(row.clone());
            }
            if let Some(fault) = form.fault(&row).filter(|_| self.unreadable.len() < MAX_LISTED) {
                self.unreadable.insert(self.rows, fault);
            }
            builder.row(&row)
        })?;
        builder.end();
        self.pages = pages;
        // The API knows the space's own types, too, but not that cells of more than two columns had no names.
        reject_wide(&first, &IdentifierTypes::default())
    }

    /// The pages, made by a thread that stays at most `ahead` pages ahead of the receiver.
    pub(crate) fn pages(&self, ahead: usize) -> mpsc::Receiver<Page> {
        let (sender, receiver) = mpsc::channel(ahead);
        let (text, media_type) = (Arc::clone(&self.text), self.media_type);
        let (page_size, form) = (self.page_size, self.form);
        thread::spawn(move || {
            let mut builder = PageBuilder::new(page_size, form, |page| sender.blocking_send(page).is_ok());
            // The file was already read once, so the only possible error is that the receiver was dropped.
            if each_row(&text, media_type, &mut |row| builder.row(&row)).is_ok() {
                builder.end();
            }
        });
        receiver
    }
}

fn read_all(mut source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.read_to_end(&mut bytes).map(|_| bytes)
}

/// Divides rows into pages. The same file and page size always give the same pages, so a repetition sends each page
/// under the same number.
struct PageBuilder<F> {
    page_size: usize,
    form: Form,
    page: Page,
    emit: F,
}

impl<F: FnMut(Page) -> bool> PageBuilder<F> {
    fn new(page_size: usize, form: Form, emit: F) -> Self {
        Self { page_size, form, page: Page { number: 1, first_row: 1, count: 0, rows: String::new() }, emit }
    }

    fn row(&mut self, row: &RawRow) -> Result<(), PageError> {
        let text = self.form.json(row);
        let text = if text.len() <= MAX_ROW_BYTES { &text } else { self.form.unreadable() };
        let is_full =
            self.page.count == self.page_size || self.page.rows.len() + text.len() > MAX_SENT - ENVELOPE_BYTES;
        if is_full && !self.finish() {
            return Err(PageError::TooManyRows);
        }
        self.page.rows.push(if self.page.count == 0 { '[' } else { ',' });
        self.page.rows.push_str(text);
        self.page.count += 1;
        Ok(())
    }

    /// Emits the current page and starts the next one. Returns `false` if the receiver is gone.
    fn finish(&mut self) -> bool {
        let next = Page {
            number: self.page.number + 1,
            first_row: self.page.first_row + self.page.count as u64,
            count: 0,
            rows: String::with_capacity(self.page.rows.len()),
        };
        let mut page = std::mem::replace(&mut self.page, next);
        page.rows.push(']');
        (self.emit)(page)
    }

    fn end(mut self) {
        if self.page.count > 0 {
            self.finish();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pages(text: &str, page_size: usize) -> Vec<Page> {
        let mut pages = Vec::new();
        let mut builder = PageBuilder::new(page_size, Form::Json, |page| {
            pages.push(page);
            true
        });
        each_row(text.as_bytes(), "", &mut |row| builder.row(&row)).unwrap();
        builder.end();
        pages
    }

    fn check(text: &str, page_size: usize, expected: &[(u64, u64, usize, &str)]) {
        let read = pages(text, page_size);
        let read: Vec<_> = read.iter().map(|p| (p.number, p.first_row, p.count, p.rows.as_str())).collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn rows_are_divided_into_pages_in_order() {
        let full = r#"["email:a","email:b"]"#;
        check("email:a\nemail:b\nemail:c", 2, &[(1, 1, 2, full), (2, 3, 1, r#"["email:c"]"#)]);
        check("email:a\nemail:b\n", 2, &[(1, 1, 2, full)]);
        check("email,a\nemail\n", 9, &[(1, 1, 2, r#"[["email","a"],"email"]"#)]);
        check("[1.5,\"email:a\"]", 9, &[(1, 1, 2, r#"[null,"email:a"]"#)]);
        check("u,email,a", 9, &[(1, 1, 1, r#"[{"user_id":"u","type":"email","id":"a"}]"#)]);
        check("", 9, &[]);
    }

    #[test]
    fn a_page_never_exceeds_the_size_limit() {
        let row = format!("email:{}\n", "x".repeat(60_000));
        let read = pages(&row.repeat(100), 100_000);
        assert_eq!(read.iter().map(|page| page.count).sum::<usize>(), 100);
        assert!(read.len() > 1 && read.iter().all(|page| page.rows.len() + ENVELOPE_BYTES <= MAX_SENT + 2));
        check(&format!("email:{}", "y".repeat(MAX_ROW_BYTES)), 9, &[(1, 1, 1, "[null]")]);
    }
}
