//! The file: its rows, and the pages that they are sent in.
//!
//! It is kept in memory and cut twice, once to count and once to send: a mistake in the last line must be known before
//! the first page goes out, and standard input can't be read again.

use std::{
    collections::BTreeMap,
    io::{self, Read},
    path::Path,
    sync::Arc,
    thread,
};

use efface_core::rows::{MAX_SENT, PageError, RawRow, RowFault, each_row, inflate_within};
use tokio::sync::mpsc;

use crate::CliError;

/// What a page needs beside its rows.
const ENVELOPE: usize = 1_024;

/// No good row is longer in JSON. A longer one is sent as `null`, so that it is counted but does not fill a page.
const MAX_ROW_BYTES: usize = 64 * 1_024;

/// So many bad rows are remembered.
pub(crate) const MAX_LISTED: usize = 20;

/// A file that can be read to its end.
pub(crate) struct Source {
    text: Arc<[u8]>,
    page_size: usize,
    /// All rows, bad ones too.
    pub(crate) rows: u64,
    /// How many pages they are.
    pub(crate) pages: u64,
    /// The first rows that can't be read at all, by their number from 1.
    pub(crate) unreadable: BTreeMap<u64, RowFault>,
}

/// Some rows in their order, as they are sent.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// From 1: page 0 is what a job was made with.
    pub(crate) number: u64,
    /// The first row's number in the file, from 1.
    pub(crate) first_row: u64,
    /// How many there are.
    pub(crate) count: usize,
    /// A JSON array.
    pub(crate) rows: String,
}

impl Source {
    /// Reads a file, or standard input where it is `-`, and counts its rows.
    pub(crate) fn read(path: &Path, page_size: usize) -> Result<Self, CliError> {
        let file = |source| CliError::File { path: path.to_owned(), source };
        let bytes = if path == Path::new("-") { read_all(io::stdin()) } else { std::fs::read(path) }.map_err(file)?;
        let page = |error| CliError::Page { path: path.to_owned(), error };
        let text = inflate_within(&bytes, usize::MAX).map_err(page)?.into();
        let mut source = Self { text, page_size, rows: 0, pages: 0, unreadable: BTreeMap::new() };
        source.count().map_err(page)?;
        Ok(source)
    }

    fn count(&mut self) -> Result<(), PageError> {
        let text = Arc::clone(&self.text);
        let mut pages = 0;
        let mut cutter = Cutter::new(self.page_size, |_| {
            pages += 1;
            true
        });
        each_row(&text, "", &mut |row| {
            self.rows += 1;
            if let Some(fault) = row.unreadable().filter(|_| self.unreadable.len() < MAX_LISTED) {
                self.unreadable.insert(self.rows, fault);
            }
            cutter.row(&row)
        })?;
        cutter.end();
        self.pages = pages;
        Ok(())
    }

    /// The pages, cut by a thread of its own a few ahead of who takes them.
    pub(crate) fn pages(&self, ahead: usize) -> mpsc::Receiver<Page> {
        let (sender, receiver) = mpsc::channel(ahead);
        let (text, page_size) = (Arc::clone(&self.text), self.page_size);
        thread::spawn(move || {
            let mut cutter = Cutter::new(page_size, |page| sender.blocking_send(page).is_ok());
            // It was read before: the only error is that nobody takes pages any more.
            if each_row(&text, "", &mut |row| cutter.row(&row)).is_ok() {
                cutter.end();
            }
        });
        receiver
    }
}

fn read_all(mut source: impl Read) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    source.read_to_end(&mut bytes).map(|_| bytes)
}

/// Makes pages of rows. The same file and size make the same pages, so that a repetition has the same numbers.
struct Cutter<F> {
    page_size: usize,
    page: Page,
    emit: F,
}

impl<F: FnMut(Page) -> bool> Cutter<F> {
    fn new(page_size: usize, emit: F) -> Self {
        Self { page_size, page: Page { number: 1, first_row: 1, count: 0, rows: String::new() }, emit }
    }

    fn row(&mut self, row: &RawRow) -> Result<(), PageError> {
        let text = serde_json::to_string(row).ok().filter(|text| text.len() <= MAX_ROW_BYTES);
        let text = text.as_deref().unwrap_or("null");
        let is_full = self.page.count == self.page_size || self.page.rows.len() + text.len() > MAX_SENT - ENVELOPE;
        if is_full && !self.finish() {
            return Err(PageError::TooManyRows);
        }
        self.page.rows.push(if self.page.count == 0 { '[' } else { ',' });
        self.page.rows.push_str(text);
        self.page.count += 1;
        Ok(())
    }

    /// Hands the page over and begins the next; whether anybody took it.
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
        let mut cutter = Cutter::new(page_size, |page| {
            pages.push(page);
            true
        });
        each_row(text.as_bytes(), "", &mut |row| cutter.row(&row)).unwrap();
        cutter.end();
        pages
    }

    fn check(text: &str, page_size: usize, expected: &[(u64, u64, usize, &str)]) {
        let read = pages(text, page_size);
        let read: Vec<_> = read.iter().map(|p| (p.number, p.first_row, p.count, p.rows.as_str())).collect();
        assert_eq!(read, expected);
    }

    #[test]
    fn rows_are_cut_into_pages_in_their_order() {
        let full = r#"["email:a","email:b"]"#;
        check("email:a\nemail:b\nemail:c", 2, &[(1, 1, 2, full), (2, 3, 1, r#"["email:c"]"#)]);
        check("email:a\nemail:b\n", 2, &[(1, 1, 2, full)]);
        check("email,a\nemail\n", 9, &[(1, 1, 2, r#"[{"key":"email","value":"a"},"email"]"#)]);
        check("[1.5,\"email:a\"]", 9, &[(1, 1, 2, r#"[null,"email:a"]"#)]);
        check("u,email,a", 9, &[(1, 1, 1, r#"[{"user_id":"u","type":"email","id":"a"}]"#)]);
        check("", 9, &[]);
    }

    #[test]
    fn a_page_is_never_too_large_to_send() {
        let row = format!("email:{}\n", "x".repeat(60_000));
        let read = pages(&row.repeat(100), 100_000);
        assert_eq!(read.iter().map(|page| page.count).sum::<usize>(), 100);
        assert!(read.len() > 1 && read.iter().all(|page| page.rows.len() + ENVELOPE <= MAX_SENT + 2));
        check(&"y".repeat(MAX_ROW_BYTES).repeat(2), 9, &[]);
        check(&format!(":{}", "y".repeat(MAX_ROW_BYTES)), 9, &[(1, 1, 1, "[null]")]);
    }
}
