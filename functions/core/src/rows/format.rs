//! Which format a body is in. The body itself says it, and a bad row or two do not change it. Its media type is asked only
//! where lines could be texts in JSON as well as in CSV: workflows send headers as they please.

use serde_json::value::RawValue;

use super::{PageError, Sink, csv, json};
use crate::identifier::IdentifierType;

/// Hands over the rows of an inflated body, one at a time and without a limit on their number. Its media type may be
/// empty.
///
/// # Errors
/// A body that is no page, or what the sink says.
pub fn each_row(body: &[u8], media_type: &str, sink: Sink<'_>) -> Result<(), PageError> {
    if body.starts_with(b"\xff\xfe") || body.starts_with(b"\xfe\xff") {
        return Err(PageError::unreadable("The page is UTF-16; send it as UTF-8."));
    }
    let body = body.strip_prefix(b"\xef\xbb\xbf").unwrap_or(body);
    let text = json::repaired(body);
    match format(&text, media_type)? {
        Format::Document(document) => json::each_of_document(document, sink),
        Format::Lines => json::each_line(&text, sink),
        Format::Csv => csv::each(body, sink),
    }
}

enum Format<'a> {
    /// One JSON value.
    Document(&'a RawValue),
    /// A JSON value a line.
    Lines,
    /// Comma-separated values.
    Csv,
}

fn format<'a>(text: &'a str, media_type: &str) -> Result<Format<'a>, PageError> {
    let is_json = text.trim_ascii_start().starts_with(['{', '[']);
    let error = match serde_json::from_str(text) {
        Ok(document) if is_json => return Ok(Format::Document(document)),
        Err(error) if is_json => error,
        _ if are_rows(text) || are_texts(text, media_type) => return Ok(Format::Lines),
        _ => return Ok(Format::Csv),
    };
    if error.is_eof() {
        return Err(PageError::unreadable("The page ends before its JSON does; send it whole."));
    }
    match () {
        () if are_rows(text) => Ok(Format::Lines),
        () if json::lines(text).any(is_key_and_value) => Ok(Format::Csv),
        () => Err(PageError::Unreadable(format!(
            "The page is not valid JSON (line {}, column {}); send a list of rows, or one row a line.",
            error.line(),
            error.column()
        ))),
    }
}

/// Whether at least half of the lines are objects or lists; texts may be among either kind.
fn are_rows(text: &str) -> bool {
    let (mut rows, mut others) = (0, 0);
    for line in json::lines(text).filter(|line| !line.starts_with('"')) {
        let is_row = line.starts_with(['{', '[']) && is_value(line);
        *(if is_row { &mut rows } else { &mut others }) += 1;
    }
    rows > 0 && rows >= others
}

/// Whether all lines are JSON values, the first one a text. CSV with quotes around everything reads the same but for
/// escapes; where a header comes first, it is CSV.
fn are_texts(text: &str, media_type: &str) -> bool {
    let mut lines = json::lines(text).peekable();
    let Some(first) = lines.next() else { return false };
    match media_type.rsplit('/').next().unwrap_or_default() {
        "csv" | "x-csv" => false,
        "ndjson" | "x-ndjson" | "jsonl" | "x-jsonl" | "x-jsonlines" => true,
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
