//! Rows written in JSON: as one document, or line by line.
//!
//! Rows are parted first and read each by itself, so that one which can't be read costs itself only.

use std::{borrow::Cow, fmt};

use serde::de::{Deserialize, DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{
    PageError, RawRow, RowFault, Sink, Written,
    columns::{self, Cell, Columns, MAX_COLUMNS},
};

/// A body as text. Bytes that are none become an escape that no text can hold, two in a row lest a backslash before
/// them takes the first for its own: rows can still be parted, and the row around them is found to be bad.
pub(super) fn repaired(body: &[u8]) -> Cow<'_, str> {
    if let Ok(text) = str::from_utf8(body) {
        return text.into();
    }
    let mut text = String::with_capacity(body.len());
    let mut is_after_bad = false;
    for chunk in body.utf8_chunks() {
        text.push_str(chunk.valid());
        let is_bad = !chunk.invalid().is_empty();
        // Once for bad bytes in a row: a page of nothing else must not become twelve times as large.
        if is_bad && !(is_after_bad && chunk.valid().is_empty()) {
            text.push_str(r"\ud800\ud800");
        }
        is_after_bad = is_bad;
    }
    text.into()
}

/// Hands over the rows of a whole document: a list, an object with a list, or a row by itself.
pub(super) fn each_of_document(document: &RawValue, sink: Sink<'_>) -> Result<(), PageError> {
    if document.get().starts_with('[') {
        return each_element(document, sink, row);
    }
    let page = serde_json::from_str(document.get()).unwrap_or(Page::default());
    match page {
        Page { rows: Some(rows), .. } => each_element(rows, sink, row),
        Page { data: Some(data), names: Some(names), .. } => {
            let columns = columns_of(names)?;
            each_element(data, sink, |raw| table_row(&columns, raw))
        }
        Page { data: Some(_), names: None, .. } => {
            Err(PageError::unreadable("`column_names` is missing beside `data`; send both, or send `rows`."))
        }
        Page { .. } => sink(row(document)),
    }
}

/// Hands over a row for each line that is not blank.
pub(super) fn each_line(text: &str, sink: Sink<'_>) -> Result<(), PageError> {
    lines(text).try_for_each(|line| match serde_json::from_str::<&RawValue>(line) {
        Ok(raw) => sink(row(raw)),
        Err(_) => sink(RawRow::fault(RowFault::NotText)),
    })
}

/// The lines that are not blank.
pub(super) fn lines(text: &str) -> impl Iterator<Item = &str> {
    text.split('\n').map(|line| line.trim_matches([' ', '\t', '\r'])).filter(|line| !line.is_empty())
}

/// A row, whatever was written.
pub(super) fn row(raw: &RawValue) -> RawRow {
    match raw.get().as_bytes().first() {
        Some(b'{') => object(raw),
        Some(b'[') => match cells(raw) {
            Some(cells) if cells.len() <= 2 => columns::row(cells),
            _ => RawRow::fault(RowFault::NotText),
        },
        _ => columns::row(vec![cell(raw)]),
    }
}

/// A text, or an integer as it was written.
fn cell(raw: &RawValue) -> Cell {
    let text = raw.get();
    let is_integer = || text.strip_prefix('-').unwrap_or(text).bytes().all(|byte| byte.is_ascii_digit());
    match text.as_bytes().first() {
        // All else was checked when it was parted: what is left are escapes of half a character.
        Some(b'"') => serde_json::from_str(text).map_err(|_| RowFault::NotUtf8),
        Some(b'-' | b'0'..=b'9') if is_integer() => Ok(text.to_owned()),
        _ => Err(RowFault::NotText),
    }
}

/// The cells of a list; `None` where they are far too many, or no list.
fn cells(raw: &RawValue) -> Option<Vec<Cell>> {
    let Few(cells) = serde_json::from_str(raw.get()).ok()?;
    Some(cells.into_iter().map(cell).collect())
}

fn columns_of(names: &RawValue) -> Result<Columns, PageError> {
    let names: Option<Vec<String>> = cells(names).and_then(|names| names.into_iter().collect::<Result<_, _>>().ok());
    names.and_then(|names| Columns::named(&names)).ok_or_else(|| {
        PageError::unreadable("`column_names` must be one column of `key:value`, or name `key` and `value` once each.")
    })
}

fn table_row(columns: &Columns, raw: &RawValue) -> RawRow {
    cells(raw).map_or(RawRow::fault(RowFault::NotText), |cells| columns.row(cells))
}

fn object(raw: &RawValue) -> RawRow {
    let Ok(fields) = serde_json::from_str::<Fields>(raw.get()) else { return RawRow::fault(RowFault::NotUtf8) };
    let [key, value, user_id, id_type, id] = fields.known;
    let taken = match (key.zip(value), user_id.zip(id_type).zip(id), fields.only) {
        _ if fields.repeated => return RawRow::fault(RowFault::RepeatedField),
        (Some((key, value)), ..) => vec![key, value],
        (None, _, Some(only)) if fields.count == 1 => vec![only],
        (None, Some(((user_id, id_type), id)), _) if fields.count == 3 => vec![user_id, id_type, id],
        (None, Some(_), _) => return RawRow::fault(RowFault::UnknownField),
        _ => return RawRow(Written::Fault(RowFault::MissingField)),
    };
    columns::row(taken.into_iter().map(cell).collect())
}

/// The fields that make a row.
const NAMES: [&str; 5] = ["key", "value", "user_id", "type", "id"];

/// What an object holds of them, and how much else.
#[derive(Default)]
struct Fields<'a> {
    known: [Option<&'a RawValue>; 5],
    only: Option<&'a RawValue>,
    count: usize,
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
            fields.only.get_or_insert(value);
            if let Some(at) = NAMES.iter().position(|known| *known == name) {
                fields.repeated |= fields.known[at].replace(value).is_some();
            }
        }
        Ok(fields)
    }
}

/// The lists of a page; other fields mean nothing.
#[derive(Default)]
struct Page<'a> {
    rows: Option<&'a RawValue>,
    data: Option<&'a RawValue>,
    names: Option<&'a RawValue>,
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

    /// Only lists count: `{"data":"email:a"}` is a row of one column.
    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Page<'de>, A::Error> {
        let mut page = Page::default();
        while let Some((name, value)) = map.next_entry::<String, &RawValue>()? {
            let list = value.get().starts_with('[').then_some(value);
            match name.as_str() {
                "rows" => page.rows = list,
                "data" => page.data = list,
                "column_names" => page.names = list,
                _ => {}
            }
        }
        Ok(page)
    }
}

/// A list of at most [`MAX_COLUMNS`].
struct Few<'a>(Vec<&'a RawValue>);

impl<'de> Deserialize<'de> for Few<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let mut few = Vec::new();
        let mut keep = |raw| {
            few.push(raw);
            if few.len() > MAX_COLUMNS { Err(PageError::TooLarge) } else { Ok(()) }
        };
        Elements { each: &mut keep, stopped: &mut None }.deserialize(deserializer)?;
        Ok(Self(few))
    }
}

/// Hands over the rows of a list, one at a time.
fn each_element(list: &RawValue, sink: Sink<'_>, read: impl Fn(&RawValue) -> RawRow) -> Result<(), PageError> {
    let mut stopped = None;
    let elements = Elements { each: &mut |raw| sink(read(raw)), stopped: &mut stopped };
    let result = elements.deserialize(&mut serde_json::Deserializer::from_str(list.get()));
    match (stopped, result) {
        (Some(error), _) => Err(error),
        (None, Err(_)) => Err(PageError::unreadable("The list of rows can't be read; send valid JSON.")),
        (None, Ok(())) => Ok(()),
    }
}

/// A list that is never in memory as a whole.
struct Elements<'f, F> {
    each: &'f mut F,
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
