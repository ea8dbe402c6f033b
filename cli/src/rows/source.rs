//! Reads the file and divides its rows into pages.
//!
//! The file is kept in memory and read twice, once to check and count the rows and once to send them. So an error in
//! the last line is found before the first page is sent, and standard input can be used although it can't be read
//! twice.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read},
    path::Path,
    sync::Arc,
    thread,
};

use efface_core::{
    rows::{FilePart, MAX_SENT, PageError, RawRow, RowFault, each_row, each_written, inflate_within, reject_wide},
    space::IdentifierTypes,
};
use tokio::sync::mpsc;

use super::{Form, Lines, form::profile_text};
use crate::CliError;

/// The bytes of a request's body that are reserved for the fields around the rows.
const ENVELOPE_BYTES: usize = 1_024;

/// The longest row in JSON, in bytes. No valid row is longer; a longer one is sent as an unreadable one and so rejected.
const MAX_ROW_BYTES: usize = 64 * 1_024;

/// Of how many rows it is kept why they can't be read: as many as the API lists for the largest page.
const MAX_UNREADABLE: usize = 100_000;

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
    /// The number of the first row of each page, from 1.
    pub(crate) first_rows: Vec<u64>,
    /// The line of each row.
    pub(crate) lines: Lines,
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
        let (first_rows, lines, unreadable) = (Vec::new(), Lines::default(), BTreeMap::new());
        let mut source = Self { text, media_type, page_size, form, rows: 0, pages: 0, first_rows, lines, unreadable };
        source.count().map_err(page)?;
        Ok(source)
    }

    fn count(&mut self) -> Result<(), PageError> {
        let text = Arc::clone(&self.text);
        let mut first_rows = Vec::new();
        let form = self.form;
        let mut builder = PageBuilder::new(self.page_size, form, |page| {
            first_rows.push(page.first_row);
            true
        });
        let mut first = Vec::with_capacity(1);
        each_written(&text, self.media_type, &mut |part| {
            let FilePart::Row(written) = part else { return Ok(()) };
            let row = written.row;
            self.rows += 1;
            self.lines.push(self.rows, written.line);
            if self.rows == 1 {
                first.push(row.clone());
            }
            if let Some(fault) = form.fault(&row).filter(|_| self.unreadable.len() < MAX_UNREADABLE) {
                self.unreadable.insert(self.rows, fault);
            }
            builder.row(&row)
        })?;
        builder.end();
        self.pages = first_rows.len() as u64;
        self.first_rows = first_rows;
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

impl Source {
    /// The number in the file, from 1, of a row by its page and its number within the page. `None` if there is no such row.
    /// `is_page_0` says that the only page was sent with the request that made the job.
    pub(crate) fn row_at(&self, page: u64, row: u64, is_page_0: bool) -> Option<u64> {
        let at = usize::try_from(if is_page_0 { page } else { page.checked_sub(1)? }).ok()?;
        let end = self.first_rows.get(at + 1).copied().unwrap_or(self.rows + 1);
        self.first_rows.get(at).map(|first| first + row).filter(|row| *row < end)
    }

    /// The text of the file, and what its name says of its format.
    pub(crate) fn text(&self) -> (Arc<[u8]>, &'static str) {
        (Arc::clone(&self.text), self.media_type)
    }

    /// The most rows of a page.
    pub(crate) fn page_size(&self) -> usize {
        self.page_size
    }

    /// The texts by which these rows name their profiles, by the number of the row. A row that names none is left out.
    pub(crate) fn profiles_of(&self, rows: &BTreeSet<u64>) -> BTreeMap<u64, String> {
        let (mut number, mut found) = (0, BTreeMap::new());
        // The file was already read once, so there is no error.
        _ = each_row(&self.text, self.media_type, &mut |row| {
            number += 1;
            if rows.contains(&number) {
                found.extend(profile_text(&row).map(|text| (number, text)));
            }
            Ok(())
        });
        found
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
    fn a_row_is_found_by_its_page() {
        let text = b"key,value\nemail,a\n\nemail,b\nemail,c\n".as_slice().into();
        let mut source = Source {
            text,
            media_type: "",
            page_size: 2,
            form: Form::Json,
            rows: 0,
            pages: 0,
            first_rows: Vec::new(),
            lines: Lines::default(),
            unreadable: BTreeMap::new(),
        };
        source.count().unwrap();
        let at = |page, row, is_page_0| source.row_at(page, row, is_page_0).map(|row| (row, source.lines.of(row)));
        assert_eq!([at(1, 0, false), at(1, 1, false), at(2, 0, false)], [Some((1, 2)), Some((2, 4)), Some((3, 5))]);
        assert_eq!([at(0, 0, false), at(1, 2, false), at(2, 1, false), at(3, 0, false)], [None; 4]);
        assert_eq!((at(0, 1, true), at(1, 0, true)), (Some((2, 4)), Some((3, 5))));
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
