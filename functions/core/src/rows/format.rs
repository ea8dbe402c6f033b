//! Detection of a body's format. The body itself decides, and a few faulty rows do not change the result. The media type
//! counts only if quoted lines could be JSON strings as well as CSV, because workflows often send a wrong one.

use serde_json::value::RawValue;

use super::{
    PageError, Sink,
    columns::{self, Columns},
    csv, json,
    written::Part,
};
use crate::{identifier::IdentifierType, message::Message};

/// Passes the rows of an inflated body to the sink, one at a time, without a limit on their number. `media_type` is
/// lower-case and may be empty.
///
/// # Errors
/// The body can't be read as a page, or the sink returned an error.
pub fn each_row(body: &[u8], media_type: &str, sink: Sink<'_>) -> Result<(), PageError> {
    each_part(body, media_type, &mut |_, part| if let Part::Row(row, ..) = part { sink(row) } else { Ok(()) })
}

/// What the parts of a body are passed to, with the text that they are parts of.
pub(super) type PartSink<'a> = &'a mut dyn FnMut(&[u8], Part<'_>) -> Result<(), PageError>;

/// Passes the parts of an inflated body to the sink, each with the text that it is a part of.
pub(super) fn each_part(body: &[u8], media_type: &str, sink: PartSink<'_>) -> Result<(), PageError> {
    let body = without_bom(body);
    let text = json::repaired(body);
    let format = format(&text, media_type)?;
    let whole = if matches!(format, Format::Csv) { body } else { text.as_bytes() };
    let parts = &mut |part: Part<'_>| sink(whole, part);
    match format {
        Format::Document(document) => json::each_of_document(document, parts),
        Format::Lines => check_encoding(body).and_then(|()| json::each_line(&text, parts)),
        Format::Csv => check_encoding(body).and_then(|()| csv::each(body, parts)),
    }
}

/// Rejects a page most of whose lines are not UTF-8. A few such lines are faulty rows.
fn check_encoding(body: &[u8]) -> Result<(), PageError> {
    if str::from_utf8(body).is_ok() {
        return Ok(());
    }
    let lines = body.split(|byte| matches!(byte, b'\n' | b'\r')).filter(|line| !line.trim_ascii().is_empty());
    let (bad, good): (Vec<_>, Vec<_>) = lines.partition(|line| str::from_utf8(line).is_err());
    if bad.len() > good.len() {
        return Err(PageError::unreadable("Most lines of the page are not UTF-8; send it as UTF-8."));
    }
    Ok(())
}

enum Format<'a> {
    /// One JSON value.
    Document(&'a RawValue),
    /// One JSON value per line.
    Lines,
    /// Comma-separated values.
    Csv,
}

fn format<'a>(text: &'a str, media_type: &str) -> Result<Format<'a>, PageError> {
    let start = text.trim_ascii_start();
    let is_json = start.starts_with(['{', '[']);
    let error = match serde_json::from_str(text) {
        Ok(document) if is_json => return Ok(Format::Document(document)),
        Err(error) if is_json => error,
        Ok(_) if !start.starts_with('"') => {
            return Err(PageError::unreadable("The page is a single JSON value; send a list of rows."));
        }
        _ if are_rows(text) || are_texts(text, media_type) => return Ok(Format::Lines),
        _ => return csv_format(start),
    };
    if error.is_eof() {
        return Err(PageError::unreadable("The page ends before its JSON does; send it whole."));
    }
    match () {
        () if are_rows(text) => Ok(Format::Lines),
        () if json::lines(text).any(is_key_and_value) => Ok(Format::Csv),
        () => Err(PageError::Unreadable(Message::new(
            "The page is not valid JSON (line {}, column {}); send a list of rows, or one row a line.",
            &[&error.line(), &error.column()],
        ))),
    }
}

/// Rejects text that is plainly something else than CSV: markup, a form, or messages of a database or a server.
fn csv_format(text: &str) -> Result<Format<'_>, PageError> {
    if text.starts_with('<') {
        return Err(PageError::unreadable("The page is HTML or XML, perhaps an error of a server; send rows."));
    }
    let is_part = |line: &str| line.to_ascii_lowercase().starts_with("content-disposition:");
    if text.starts_with("--") && json::lines(text).take(5).any(is_part) {
        return Err(PageError::unreadable("The page is a form of several parts; send the file as the body itself."));
    }
    if text.is_empty() || json::lines(text).any(may_be_row) {
        return Ok(Format::Csv);
    }
    Err(PageError::unreadable(
        "No line of the page is a row; send `key:value` lines, or a header such as `key,value` and its rows.",
    ))
}

/// Whether a line of CSV has a part that can be the type of an identifier, where a row or a header has one.
fn may_be_row(line: &str) -> bool {
    let is_type = |part: &str| {
        let part = part.trim_matches(['"', ' ', '\t']);
        let is_name = columns::NAMES.iter().any(|name| part.eq_ignore_ascii_case(name));
        // `error` begins the text of an error, and is no type.
        is_name || IdentifierType::parse(part).is_ok() && part != "error"
    };
    let mut cells = line.split([',', ';', '\t', '|']);
    let (first, second) = (cells.next().unwrap_or_default(), cells.next());
    let key = first.split_once(':').map(|(key, _)| key);
    let is_header = Columns::is_single(line.trim_matches('"'));
    is_header || key.is_some_and(is_type) || second.is_some_and(|second| is_type(first) || is_type(second))
}

/// The body without a byte order mark.
pub(crate) fn without_bom(body: &[u8]) -> &[u8] {
    body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body)
}

/// Whether at least half of the lines are JSON objects or arrays. Lines that begin with a quote are not counted: they can
/// be JSON or CSV.
fn are_rows(text: &str) -> bool {
    let (mut rows, mut others) = (0, 0);
    for line in json::lines(text).filter(|line| !line.starts_with('"')) {
        let is_row = line.starts_with(['{', '[']) && is_value(line);
        *(if is_row { &mut rows } else { &mut others }) += 1;
    }
    rows > 0 && rows >= others
}

/// Whether the lines are JSON strings. CSV with quotes around every cell looks the same but for escapes, so the media type
/// decides if it names one of the two. Otherwise all lines must be JSON values and the first one a string. If there are
/// several, the first one must also have a colon: else it is the header of a CSV file.
fn are_texts(text: &str, media_type: &str) -> bool {
    let mut lines = json::lines(text).peekable();
    let Some(first) = lines.next() else { return false };
    match media_type.rsplit('/').next().unwrap_or_default() {
        "csv" | "x-csv" => false,
        "ndjson" | "x-ndjson" | "jsonl" | "x-jsonl" | "x-jsonlines" => json::lines(text).any(is_text),
        _ => is_text(first) && (first.contains(':') || lines.peek().is_none()) && lines.all(is_value),
    }
}

fn is_text(line: &str) -> bool {
    line.starts_with('"') && is_value(line)
}

fn is_value(line: &str) -> bool {
    serde_json::from_str::<&RawValue>(line).is_ok()
}

fn is_key_and_value(line: &str) -> bool {
    line.split_once(':').is_some_and(|(key, _)| IdentifierType::parse(key).is_ok())
}
