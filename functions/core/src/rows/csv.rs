//! Parser of comma-separated values (RFC 4180) that recovers from errors: a line that breaks the rules is one faulty row,
//! and parsing goes on at the next line. A quote that is never closed does not swallow the rows after it.
//!
//! Every line end is the end of a row: LF, CR LF, CR alone, and any of them repeated. RFC 4180 also allows line ends within
//! quotes. A page that seems to have some is rejected: rows must neither be made of two lines, nor of a line of a text.

use super::{
    PageError, RawRow, RowFault,
    columns::{self, Cell, Columns, MAX_COLUMNS},
    written::{Format, Part, Parts},
};
use crate::{
    identifier::{DEFAULT_TYPES, IdentifierType},
    message::Message,
};

/// What may separate cells, if a header or a line `sep=` shows it; else it is the comma.
const SEPARATORS: [(u8, &str); 4] = [(b',', ","), (b';', ";"), (b'\t', "tab"), (b'|', "|")];

/// Passes the header, if there is one, and then every row.
pub(super) fn each(text: &[u8], parts: Parts<'_>) -> Result<(), PageError> {
    let (separator, rest) = separator(text)?;
    let mut records = Records { separator, text, rest };
    let mut columns = None;
    if let Some(Ok((line, Ok(first)))) = records.clone().next() {
        columns = header(&first)?;
        if columns.is_some() {
            records.next();
            if records.is_at_end() {
                return Err(PageError::unreadable("The page has a header and no rows."));
            }
            parts(Part::Header(line, separator))?;
        }
    }
    for record in records {
        let (line, record) = record?;
        let row = match (record, &columns) {
            (Err(fault), _) => RawRow::fault(fault),
            (Ok(cells), Some(columns)) => columns.row(cells),
            (Ok(cells), None) => columns::row(cells),
        };
        parts(Part::Row(row, line, Format::Csv(separator)))?;
    }
    Ok(())
}

/// The cells of a line as their bytes; `None` if the line is no record.
pub(super) fn cells(line: &[u8], separator: u8) -> Option<Vec<Vec<u8>>> {
    split(line, separator).ok()
}

/// The columns, if the first record is a header: their names are known, or cannot be a row.
fn header(first: &[Cell]) -> Result<Option<Columns>, PageError> {
    // A name that cannot be read is that of a column that no row needs.
    let names: Vec<String> = first.iter().map(|name| name.clone().unwrap_or_else(|_| "\u{fffd}".to_owned())).collect();
    match &names[..] {
        [name] if DEFAULT_TYPES.contains(&name.trim()) => Err(columns::wide()),
        [name] => Ok(Columns::is_single(name).then(Columns::single)),
        names => Columns::named(names),
    }
}

/// The separator, and the text after a line that only names it. It is recognised by the first line.
///
/// # Errors
/// The first line has no comma and no colon, but seems to be a row with another separator.
fn separator(text: &[u8]) -> Result<(u8, &[u8]), PageError> {
    let start = text.iter().position(|byte| !byte.is_ascii_whitespace()).unwrap_or(text.len());
    let (line, rest) = cut_line(&text[start..]);
    let named = line.to_ascii_lowercase();
    if let [b's', b'e', b'p', b'=', separator] | [b'"', b's', b'e', b'p', b'=', separator, b'"'] = named[..]
        && SEPARATORS.iter().any(|(known, _)| *known == separator)
    {
        return Ok((separator, rest));
    }
    for (separator, name) in SEPARATORS {
        let mut records = Records { separator, text: line, rest: line };
        // `||` is an operator of SQL: an expression without a name.
        let may_separate = separator != b',' && line.contains(&separator) && !line.windows(2).any(|two| two == b"||");
        let Some(Ok((_, Ok(cells)))) = records.next().filter(|_| may_separate) else { continue };
        if header(&cells)?.is_some() {
            return Ok((separator, text));
        }
        let is_type = matches!(cells.first(), Some(Ok(first)) if IdentifierType::parse(first.trim()).is_ok());
        if is_type && !line.contains(&b',') && !line.contains(&b':') {
            let text =
                "The page seems to be separated by `{}`: separate cells by commas, or name the columns in a header.";
            return Err(PageError::Unreadable(Message::new(text, &[&name])));
        }
    }
    Ok((b',', text))
}

/// The records of a text whose cells are separated by commas.
pub(super) fn lines(text: &[u8]) -> impl Iterator<Item = Result<Record, PageError>> {
    Records { separator: b',', text, rest: text }.map(|read| read.map(|(_, record)| record))
}

/// The cells of a record, or its fault.
pub(super) type Record = Result<Vec<Cell>, RowFault>;

/// Iterates over the records of a text; blank lines are skipped.
#[derive(Clone)]
struct Records<'a> {
    separator: u8,
    /// All of the text, of which `rest` is still to be read.
    text: &'a [u8],
    rest: &'a [u8],
}

impl Records<'_> {
    /// Whether only blank lines follow.
    fn is_at_end(&self) -> bool {
        self.rest.iter().all(u8::is_ascii_whitespace)
    }

    fn open_cell(&self) -> PageError {
        let text = "Line {} has a quoted cell that is not closed on that line: put each row on one line, without line ends in \
                    its cells.";
        PageError::Unreadable(Message::new(text, &[&self.line()]))
    }

    /// The number of the line where `rest` begins, from 1.
    fn line(&self) -> usize {
        let before = &self.text[..self.text.len() - self.rest.len()];
        let lone = before.iter().zip(before.iter().skip(1).chain([&b' ']));
        1 + lone.filter(|(byte, next)| **byte == b'\n' || **byte == b'\r' && **next != b'\n').count()
    }
}

impl<'a> Iterator for Records<'a> {
    /// A line and what it is.
    type Item = Result<(&'a [u8], Record), PageError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let (line, after) = cut_line(self.rest);
            if self.rest.is_empty() {
                return None;
            }
            if line.trim_ascii().is_empty() {
                self.rest = after;
                continue;
            }
            let record = match record(line, self.separator) {
                // Without a quote in any later line, it is only this line that is wrong.
                Err(Unread::Open) if after.contains(&b'"') => return Some(Err(self.open_cell())),
                Err(Unread::Open | Unread::Quotes) => Err(RowFault::Quotes),
                Err(Unread::Columns) => Err(RowFault::Cells),
                Ok(cells) => Ok(cells),
            };
            self.rest = after;
            return Some(Ok((line, record)));
        }
    }
}

/// Why a line is no record.
enum Unread {
    /// The line ends within quotes.
    Open,
    /// A quote is in a wrong place.
    Quotes,
    /// There are more than [`MAX_COLUMNS`].
    Columns,
}

/// The text before the next line end, and the text after it.
fn cut_line(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| matches!(byte, b'\n' | b'\r')) {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &[]),
    }
}

/// The cells of a line, as text.
fn record(line: &[u8], separator: u8) -> Result<Vec<Cell>, Unread> {
    let cells = split(line, separator)?.into_iter();
    Ok(cells.map(|cell| String::from_utf8(cell).map_err(|_| RowFault::NotUtf8)).collect())
}

/// The cells of a line.
fn split(line: &[u8], separator: u8) -> Result<Vec<Vec<u8>>, Unread> {
    let (mut cells, mut at) = (Vec::new(), line);
    while cells.len() < MAX_COLUMNS {
        let (cell, after) = match at.strip_prefix(b"\"") {
            Some(at) => quoted(at).ok_or(Unread::Open)?,
            None => plain(at, separator),
        };
        cells.push(cell);
        match after.split_first() {
            None => return Ok(cells),
            Some((next, rest)) if *next == separator => at = rest,
            Some(_) => return Err(Unread::Quotes),
        }
    }
    Err(Unread::Columns)
}

/// A cell without quotes around it: it ends at the next separator. Quotes within it are text.
fn plain(text: &[u8], separator: u8) -> (Vec<u8>, &[u8]) {
    let end = text.iter().position(|byte| *byte == separator).unwrap_or(text.len());
    (text[..end].to_vec(), &text[end..])
}

/// A quoted cell, without its opening quote, and the text after its closing quote. A doubled quote is one quote. `None`
/// if the closing quote is missing.
fn quoted(mut text: &[u8]) -> Option<(Vec<u8>, &[u8])> {
    let mut cell = Vec::new();
    loop {
        let end = text.iter().position(|byte| *byte == b'"')?;
        cell.extend_from_slice(&text[..end]);
        text = &text[end + 1..];
        let Some(rest) = text.strip_prefix(b"\"") else { return Some((cell, text)) };
        cell.push(b'"');
        text = rest;
    }
}
