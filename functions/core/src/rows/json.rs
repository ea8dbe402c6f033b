//! Rows in JSON: one document, or one value per line.
//!
//! The text is first split into rows, and then each row is parsed by itself. So a row that can't be parsed does not affect
//! the others.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{
    PageError, RawRow, RowFault, RowForm,
    columns::{self, Cell, Columns, MAX_COLUMNS, Shape},
    written::{Format, Part, Parts},
};
use crate::identifier::{DEFAULT_TYPES, IdentifierType};

/// The body as text. Invalid UTF-8 becomes an unpaired surrogate escape, doubled so that a preceding backslash cannot
/// consume it. The text can still be split into rows, and the row with the escape then fails to parse.
pub(super) fn repaired(body: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(body) {
        return text.into();
    }
    let mut text = String::with_capacity(body.len());
    let mut is_after_bad = false;
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        let is_bad = !chunk.invalid().is_empty();
        // Only once for consecutive invalid bytes: otherwise a body of invalid bytes would grow twelvefold.
        if is_bad && !(is_after_bad && chunk.valid().is_empty()) {
            text.push_str(r"\ud800\ud800");
        }
        is_after_bad = is_bad;
    }
    text.into()
}

/// Passes the rows of a document. The document is an array of rows, an object with such an array, or a single
/// row.
pub(super) fn each_of_document(document: &RawValue, parts: Parts<'_>) -> Result<(), PageError> {
    if document.get().starts_with('[') {
        return each_element(document, parts, row);
    }
    let page = serde_json::from_str(document.get()).unwrap_or(Page::default());
    if let Some(text) = page.conflict() {
        return Err(PageError::unreadable(text));
    }
    match page {
        Page { rows: Some(rows), .. } => each_element(rows, parts, row),
        Page { data: Some(data), names: Some(names), .. } => {
            let columns = columns_of(names)?;
            each_element(data, parts, |raw| table_row(&columns, raw))
        }
        Page { data: Some(_), names: None, .. } => {
            Err(PageError::unreadable("`column_names` is missing beside `data`; send both, or send `rows`."))
        }
        Page { .. } => parts(part(single_row(document)?, document)),
    }
}

fn part(row: RawRow, raw: &RawValue) -> Part<'_> {
    Part::Row(row, raw.get().as_bytes(), Format::Json)
}

/// The row of a document that is one object. An object that is plainly something else, such as an error of a server, is
/// no page.
fn single_row(document: &RawValue) -> Result<RawRow, PageError> {
    let row = row(document);
    // `type` and `id` are in the errors of many servers, too.
    let has_known = |fields: Fields<'_>| fields.known[..3].iter().any(Option::is_some);
    let may_be_row = match &row.0 {
        RowForm::Text(text) => text.split_once(':').is_some_and(|(key, _)| IdentifierType::parse(key).is_ok()),
        RowForm::Fault(_) => false,
        _ => true,
    };
    if may_be_row || serde_json::from_str(document.get()).is_ok_and(has_known) {
        return Ok(row);
    }
    Err(PageError::unreadable("The page is an object without `rows` or `data`, and no row; send a list of rows."))
}

/// Passes one row for each line that is not blank.
pub(super) fn each_line(text: &str, parts: Parts<'_>) -> Result<(), PageError> {
    lines(text).try_for_each(|line| match serde_json::from_str::<&RawValue>(line) {
        Ok(raw) => parts(part(row(raw), raw)),
        Err(_) => parts(Part::Row(RawRow::fault(RowFault::NotText), line.as_bytes(), Format::Unknown)),
    })
}

/// The lines that are not blank, trimmed. JSON has line ends between tokens only, so a line ends at a CR alone, too.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split(['\n', '\r']).map(|line| line.trim_matches([' ', '\t'])).filter(|line| !line.is_empty())
}

/// The row that a JSON value describes; a value of another shape becomes a faulty row.
pub(super) fn row(raw: &RawValue) -> RawRow {
    match raw.get().as_bytes().first() {
        Some(b'{') => object(raw),
        Some(b'[') => match cells(raw) {
            Some(cells) if matches!(cells.len(), 1 | 2) => columns::row(cells),
            _ => RawRow::fault(RowFault::NotText),
        },
        _ => columns::row(vec![cell(raw)]),
    }
}

/// The text of a cell: of a string its value, of an integer its digits as written.
fn cell(raw: &RawValue) -> Cell {
    let text = raw.get();
    let is_integer = || text.strip_prefix('-').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit());
    match text.as_bytes().first() {
        // The syntax was checked when the rows were split; only unpaired surrogate escapes can still fail.
        Some(b'"') => serde_json::from_str(text).map_err(|_| RowFault::NotUtf8),
        Some(b'-' | b'0'..=b'9') if is_integer() => Ok(text.to_owned()),
        _ => Err(RowFault::NotText),
    }
}

/// The cells of an array; `None` if the value is no array or has more than [`MAX_COLUMNS`] elements.
fn cells(raw: &RawValue) -> Option<Vec<Cell>> {
    let BoundedList(cells) = serde_json::from_str(raw.get()).ok()?;
    Some(cells.into_iter().map(cell).collect())
}

fn columns_of(names: &RawValue) -> Result<Columns, PageError> {
    let names: Option<Vec<String>> = cells(names).and_then(|names| names.into_iter().collect::<Result<_, _>>().ok());
    let columns = match names.as_deref() {
        Some([name]) if DEFAULT_TYPES.contains(&name.as_str()) => return Err(columns::wide()),
        Some([_]) => Some(Columns::single()),
        Some(names) => Columns::named(names)?,
        None => None,
    };
    columns.ok_or(PageError::unreadable(
        "`column_names` must be one column of `key:value`, or name `key` and `value`, or `type` and `id` with `user_id` or \
         `profile`.",
    ))
}

fn table_row(columns: &Columns, raw: &RawValue) -> RawRow {
    cells(raw).map_or(RawRow::fault(RowFault::NotText), |cells| columns.row(cells))
}

fn object(raw: &RawValue) -> RawRow {
    let Ok(fields) = serde_json::from_str::<Fields>(raw.get()) else { return RawRow::fault(RowFault::NotUtf8) };
    let [key, value, user_id, id_type, id, profile] = fields.known;
    let shape = if user_id.is_some() { Shape::OfUserId } else { Shape::OfProfile };
    let (shape, used) = match (key.zip(value), user_id.or(profile).zip(id_type).zip(id), fields.first) {
        _ if fields.repeated => return RawRow::fault(RowFault::RepeatedField),
        (Some(_), Some(_), _) => return RawRow::fault(RowFault::UnknownField),
        (Some((key, value)), ..) => (Shape::Pair, vec![key, value]),
        // `{"user_id":"email:a"}` is about the user_id `email:a`, not about an email.
        (None, _, Some((name, _))) if fields.count == 1 && DEFAULT_TYPES.contains(&name.as_str()) => {
            return RawRow::fault(RowFault::MissingField);
        }
        (None, _, Some((_, first))) if fields.count == 1 => (Shape::Text, vec![first]),
        (None, Some(((lookup, id_type), id)), _) if fields.count == 3 => (shape, vec![lookup, id_type, id]),
        (None, Some(_), _) => return RawRow::fault(RowFault::UnknownField),
        _ => return RawRow(RowForm::Fault(RowFault::MissingField)),
    };
    columns::named_row(shape, used.into_iter().map(cell).collect())
}

/// The fields of a row's object.
#[derive(Default)]
struct Fields<'a> {
    /// The values of [`columns::NAMES`].
    known: [Option<&'a RawValue>; 6],
    /// The first field, whatever its name.
    first: Option<(String, &'a RawValue)>,
    /// The number of all fields.
    count: usize,
    /// Whether one of [`columns::NAMES`] occurs more than once.
    repeated: bool,
}

impl<'de> Deserialize<'de> for Fields<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(FieldsVisitor)
    }
}

struct FieldsVisitor;

impl<'de> Visitor<'de> for FieldsVisitor {
    type Value = Fields<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Fields<'de>, A::Error> {
        let mut fields = Fields::default();
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            fields.count += 1;
            if let Some(at) = columns::NAMES.iter().position(|known| *known == name) {
                fields.repeated |= fields.known[at].replace(value).is_some();
            }
            fields.first.get_or_insert((name, value));
        }
        Ok(fields)
    }
}

/// The arrays of a page's object. Fields of neither a page nor a job are ignored.
#[derive(Default)]
struct Page<'a> {
    rows: Option<&'a RawValue>,
    data: Option<&'a RawValue>,
    names: Option<&'a RawValue>,
    /// Whether one of them occurs more than once.
    is_repeated: bool,
    /// Whether it has a field of a job. A page is carried out at once, so `dry_run` must not be ignored.
    has_job_field: bool,
}

/// The fields that `deletion_jobs` takes beside the rows.
const JOB_FIELDS: [&str; 6] = ["action", "dry_run", "open", "max_deletions", "group", "start_at"];

impl Page<'_> {
    /// Why the page could be understood in two ways.
    fn conflict(&self) -> Option<&'static str> {
        match self {
            Self { is_repeated: true, .. } => {
                Some("The page has `rows`, `data` or `column_names` twice; send each once.")
            }
            Self { rows: None, data: None, .. } => None,
            Self { has_job_field: true, .. } => Some(
                "The page has a field of a job, such as `dry_run`, which a page does not have; create a job with it.",
            ),
            Self { rows: Some(_), data: Some(_), .. } => Some("The page has both `rows` and `data`; send one of them."),
            Self { rows: Some(_), names: Some(_), .. } => {
                Some("`column_names` describes `data`, but the page has `rows`; send both as `data`, or `rows` alone.")
            }
            _ => None,
        }
    }
}

impl<'de> Deserialize<'de> for Page<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_map(PageVisitor)
    }
}

struct PageVisitor;

impl<'de> Visitor<'de> for PageVisitor {
    type Value = Page<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    /// Ignores values that are no arrays: `{"data":"email:a"}` is a row of one column.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page<'de>, A::Error> {
        let mut page = Page::default();
        let mut seen = [false; 3];
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            let (slot, seen) = match name.as_str() {
                "rows" => (&mut page.rows, &mut seen[0]),
                "data" => (&mut page.data, &mut seen[1]),
                "column_names" => (&mut page.names, &mut seen[2]),
                other => {
                    page.has_job_field |= JOB_FIELDS.contains(&other);
                    continue;
                }
            };
            *slot = value.get().starts_with('[').then_some(value);
            page.is_repeated |= std::mem::replace(seen, true);
        }
        Ok(page)
    }
}

/// An array of at most [`MAX_COLUMNS`] elements.
struct BoundedList<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for BoundedList<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut items = Vec::new();
        let mut keep = |raw| {
            items.push(raw);
            if items.len() > MAX_COLUMNS { Err(PageError::TooLarge) } else { Ok(()) }
        };
        Elements { each: &mut keep, stopped: &mut None }.deserialize(deserializer)?;
        Ok(Self(items))
    }
}

/// Passes the rows of an array, one at a time.
fn each_element(list: &RawValue, parts: Parts<'_>, read: impl Fn(&RawValue) -> RawRow) -> Result<(), PageError> {
    let mut stopped = None;
    let elements = Elements { each: &mut |raw| parts(part(read(raw), raw)), stopped: &mut stopped };
    let result = elements.deserialize(&mut serde_json::Deserializer::from_str(list.get()));
    match (stopped, result) {
        (Some(error), _) => Err(error),
        (None, Err(_)) => Err(PageError::unreadable("The list of rows can't be read; send valid JSON.")),
        (None, Ok(())) => Ok(()),
    }
}

/// Visits the elements of an array one at a time, so that they are never all in memory.
struct Elements<'f, F> {
    each: &'f mut F,
    /// The error of `each`, which ended the visit.
    stopped: &'f mut Option<PageError>,
}

impl<'de, F: FnMut(&'de RawValue) -> Result<(), PageError>> DeserializeSeed<'de> for Elements<'_, F> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de, F: FnMut(&'de RawValue) -> Result<(), PageError>> Visitor<'de> for Elements<'_, F> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<(), A::Error> {
        while let Some(raw) = seq.next_element()? {
            if let Err(error) = (self.each)(raw) {
                *self.stopped = Some(error);
                return Err(serde::de::Error::custom("stopped"));
            }
        }
        Ok(())
    }
}
