//! Parser of comma-separated values (RFC 4180) that recovers from errors: a line that breaks the rules is one faulty row,
//! and parsing goes on at the next line. A quote that is never closed does not swallow the rows after it.

use super::{
    PageError, RawRow, RowFault, Sink,
    columns::{self, Cell, Columns, MAX_COLUMNS},
};

/// Passes every row to the sink, without the header if there is one.
pub(super) fn each(text: &[u8], sink: Sink<'_>) -> Result<(), PageError> {
    let mut records = Records { rest: text }.peekable();
    let columns = records.peek().and_then(header);
    if columns.is_some() {
        records.next();
    }
    for record in records {
        sink(match (record, &columns) {
            (Err(fault), _) => RawRow::fault(fault),
            (Ok(cells), Some(columns)) => columns.row(cells),
            (Ok(cells), None) => columns::row(cells),
        })?;
    }
    Ok(())
}

/// The columns, if the first record is a header. A single cell with a colon is a row, not a header.
fn header(first: &Record) -> Option<Columns> {
    let names: Vec<String> = first.as_ref().ok()?.iter().cloned().collect::<Result<_, _>>().ok()?;
    let is_row = names.len() == 1 && names[0].contains(':');
    Columns::named(&names).filter(|_| !is_row)
}

/// The cells of a record, or its fault.
type Record = Result<Vec<Cell>, RowFault>;

/// Iterates over the records of a text; blank lines are skipped.
struct Records<'a> {
    rest: &'a [u8],
}

impl Iterator for Records<'_> {
    type Item = Record;

    fn next(&mut self) -> Option<Record> {
        loop {
            let (line, after) = cut_line(self.rest);
            if self.rest.is_empty() {
                return None;
            }
            if !line.trim_ascii().is_empty() {
                let (record, rest) =
                    record(self.rest).map_or((Err(RowFault::NotText), after), |(r, rest)| (Ok(r), rest));
                self.rest = rest;
                return Some(record);
            }
            self.rest = after;
        }
    }
}

/// The text before the next line feed, and the text after it.
fn cut_line(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &[]),
    }
}

/// The record at the start of a text, and the text after it. `None` if its quotes are wrong or it has more than
/// [`MAX_COLUMNS`].
fn record(text: &[u8]) -> Option<(Vec<Cell>, &[u8])> {
    let (mut cells, mut at) = (Vec::new(), text);
    while cells.len() < MAX_COLUMNS {
        let (cell, after) = if at.first() == Some(&b'"') { quoted(&at[1..])? } else { plain(at) };
        cells.push(String::from_utf8(cell).map_err(|_| RowFault::NotUtf8));
        match after.strip_prefix(b",") {
            Some(next) => at = next,
            None => return Some((cells, skip_end(after)?)),
        }
    }
    None
}

/// The text after the line end at the start of a text; `None` if there is no line end.
fn skip_end(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_prefix(b"\r\n").or_else(|| text.strip_prefix(b"\n"));
    rest.or_else(|| matches!(text, b"" | b"\r").then_some(&[]))
}

/// A cell without quotes around it: it ends at the next comma or line end. Quotes within it are text.
fn plain(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let end = text.iter().position(|byte| matches!(byte, b',' | b'\n')).unwrap_or(text.len());
    let is_line_end = text.get(end) != Some(&b',');
    let cell = &text[..end];
    let cell = cell.strip_suffix(b"\r").filter(|_| is_line_end).unwrap_or(cell);
    (cell.to_vec(), &text[cell.len()..])
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
