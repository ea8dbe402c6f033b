//! Comma-separated values (RFC 4180), read so that a row that breaks the rules costs itself only: a quote that is
//! never closed must not swallow the rows behind it.

use super::{
    PageError, RawRow, RowFault, Sink,
    columns::{self, Cell, Columns, MAX_COLUMNS},
};

/// Hands over every row, less the header where there is one.
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

/// The columns that the first record names: one name without a colon, or the names that make rows.
fn header(first: &Record) -> Option<Columns> {
    let names: Vec<String> = first.as_ref().ok()?.iter().cloned().collect::<Result<_, _>>().ok()?;
    let is_row = names.len() == 1 && names[0].contains(':');
    Columns::named(&names).filter(|_| !is_row)
}

/// The cells of a record, or what is wrong with it.
type Record = Result<Vec<Cell>, RowFault>;

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

/// What is before the next end of a line, and what is after it.
fn cut_line(text: &[u8]) -> (&[u8], &[u8]) {
    match text.iter().position(|byte| *byte == b'\n') {
        Some(end) => (&text[..end], &text[end + 1..]),
        None => (text, &[]),
    }
}

/// The record at the start of a text, and what is after it; `None` where its quotes are wrong.
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

/// What is after the end of a record; `None` where this is not its end.
fn skip_end(text: &[u8]) -> Option<&[u8]> {
    let rest = text.strip_prefix(b"\r\n").or_else(|| text.strip_prefix(b"\n"));
    rest.or_else(|| matches!(text, b"" | b"\r").then_some(&[]))
}

/// A cell without quotes around it: to the next comma or the end of the line. Quotes inside are text.
fn plain(text: &[u8]) -> (Vec<u8>, &[u8]) {
    let end = text.iter().position(|byte| matches!(byte, b',' | b'\n')).unwrap_or(text.len());
    let is_line_end = text.get(end) != Some(&b',');
    let cell = &text[..end];
    let cell = cell.strip_suffix(b"\r").filter(|_| is_line_end).unwrap_or(cell);
    (cell.to_vec(), &text[cell.len()..])
}

/// A cell from behind its first quote to its last; doubled quotes are one.
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
