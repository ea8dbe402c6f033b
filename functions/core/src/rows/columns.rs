//! The columns of a table, and which of them make a row.

use super::{PageError, RawRow, RowFault, RowForm};
use crate::identifier::IdentifierType;

/// The text of a cell, or why it has none.
pub(super) type Cell = Result<String, RowFault>;

/// The most columns of a table. A row needs three at most; without a limit, a body of nothing but commas would take far
/// more memory than its own size.
pub(super) const MAX_COLUMNS: usize = 1_024;

/// The names by which a single column of `key:value` is known where it could be a row as well (contract: `docs/api.md`).
const SINGLE: [&str; 16] = [
    "key:value",
    "key",
    "value",
    "id",
    "row",
    "rows",
    "profile",
    "profiles",
    "identifier",
    "identifiers",
    "external_id",
    "external_ids",
    "profile_id",
    "segment_id",
    // What databases call an expression that was not named.
    "?column?",
    "_col0",
];

/// The names of columns that make a row.
pub(super) const NAMES: [&str; 6] = ["key", "value", "user_id", "type", "id", "profile"];

/// What the named cells of a row are, in their order.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// `key:value`, or a profile's own id.
    Text,
    /// A key and a value.
    Pair,
    /// A `user_id`, a type and an id.
    OfUserId,
    /// A profile, a type and an id.
    OfProfile,
}

/// The named columns of a table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    /// The number of columns; a row with more cells is faulty, unless those are empty.
    width: usize,
    /// The indices of the columns that make a row.
    used: Vec<usize>,
    /// What these columns are.
    shape: Shape,
}

impl Columns {
    /// Accepts `key` and `value` among any others; or `type` and `id`, with `user_id` or `profile`, among any others.
    /// Neither their case matters nor blanks around them. `None` for other columns.
    ///
    /// # Errors
    /// Several columns have the names that make a row.
    pub(super) fn named(names: &[String]) -> Result<Option<Self>, PageError> {
        let names: Vec<&str> = names.iter().map(|name| name.trim()).collect();
        let width = names.iter().rposition(|name| !name.is_empty()).map_or(0, |last| last + 1);
        let mut found = Vec::new();
        for (shape, wanted) in [
            (Shape::Pair, &["key", "value"][..]),
            (Shape::OfUserId, &["user_id", "type", "id"]),
            (Shape::OfProfile, &["profile", "type", "id"]),
        ] {
            found.extend(find(&names, wanted)?.map(|used| Self { width, used, shape }));
        }
        if found.len() > 1 { Err(ambiguous()) } else { Ok(found.pop()) }
    }

    /// A single column of `key:value`, whatever its name.
    pub(super) fn single() -> Self {
        Self { width: 1, used: vec![0], shape: Shape::Text }
    }

    /// Whether a single cell is the name of a column of `key:value`: a known name, or the expression that makes one.
    pub(super) fn is_single(name: &str) -> bool {
        let name = name.trim();
        let is_type = |key: &str| IdentifierType::parse(&key.trim().to_ascii_lowercase()).is_ok();
        let is_row = name.split_once(':').is_some_and(|(key, _)| is_type(key));
        let is_call = name.get(..7).is_some_and(|start| start.eq_ignore_ascii_case("concat("));
        let is_joined = [" || ", "'||", "||'"].iter().any(|operator| name.contains(operator));
        let is_expression = !is_row && (is_joined || is_call);
        is_expression || SINGLE.iter().any(|known| name.eq_ignore_ascii_case(known))
    }

    /// Makes a row of the cells of one line.
    pub(super) fn row(&self, mut cells: Vec<Cell>) -> RawRow {
        // A row with fewer cells may be the last of a file that was cut off.
        let is_wider = cells.iter().skip(self.width).any(|cell| !matches!(cell, Ok(text) if text.is_empty()));
        if is_wider || cells.len() < self.width {
            return RawRow::fault(RowFault::Cells);
        }
        let used = self.used.iter().map(|index| std::mem::replace(&mut cells[*index], Err(RowFault::Cells)));
        named_row(self.shape, used.collect())
    }
}

/// The indices of the wanted names; `None` unless all of them occur.
///
/// # Errors
/// All of them occur, and one several times.
fn find(names: &[&str], wanted: &[&str]) -> Result<Option<Vec<usize>>, PageError> {
    let (mut found, mut is_repeated) = (Vec::new(), false);
    for wanted in wanted {
        let mut indices = (0..names.len()).filter(|index| names[*index].eq_ignore_ascii_case(wanted));
        let Some(first) = indices.next() else { return Ok(None) };
        is_repeated |= indices.next().is_some();
        found.push(first);
    }
    if is_repeated { Err(ambiguous()) } else { Ok(Some(found)) }
}

fn ambiguous() -> PageError {
    PageError::unreadable(
        "The columns are ambiguous: name `key` and `value`, or `type` and `id` with `user_id` or `profile`, and each of \
         them once.",
    )
}

/// The error of a table with a column for each type, whose rows would be taken for a key and a value.
pub(super) fn wide() -> PageError {
    PageError::unreadable(
        "The page has columns that are named by types of identifiers: send one identifier a row, as `key:value` or with \
         the columns `key` and `value` (to delete profiles), or `type` and `id` with `user_id` or `profile` (to delete \
         identifiers).",
    )
}

/// Makes a row of cells without column names: one is `key:value`, two are key and value, three are user_id, type and id.
/// Empty cells at the end are left out.
pub(super) fn row(mut cells: Vec<Cell>) -> RawRow {
    let is_empty = |cell: Option<&Cell>| matches!(cell, Some(Ok(text)) if text.is_empty());
    while cells.len() > 2 && is_empty(cells.last()) {
        cells.pop();
    }
    let has_colon = matches!(cells.first(), Some(Ok(text)) if text.contains(':'));
    if cells.len() == 2 && has_colon && is_empty(cells.last()) {
        cells.pop();
    }
    match all(cells) {
        Ok(cells) if cells.len() > 1 => RawRow(RowForm::Cells(cells)),
        Ok(cells) => RawRow(RowForm::Text(cells.into_iter().next().unwrap_or_default())),
        Err(fault) => RawRow::fault(fault),
    }
}

fn all(cells: Vec<Cell>) -> Result<Vec<String>, RowFault> {
    cells.into_iter().collect()
}

/// Makes a row of the cells that make one, in the order of their shape.
pub(super) fn named_row(shape: Shape, cells: Vec<Cell>) -> RawRow {
    let cells = match all(cells) {
        Ok(cells) => cells,
        Err(fault) => return RawRow::fault(fault),
    };
    let mut cells = cells.into_iter();
    RawRow(match (shape, cells.next(), cells.next(), cells.next()) {
        (Shape::Text, Some(text), ..) => RowForm::Text(text),
        (Shape::Pair, Some(key), Some(value), _) => RowForm::Pair(key, value),
        (Shape::OfUserId, Some(user_id), Some(id_type), Some(id)) => {
            RowForm::OfUserId(Box::new([user_id, id_type, id]))
        }
        (Shape::OfProfile, Some(profile), Some(id_type), Some(id)) => {
            RowForm::OfProfile(Box::new([profile, id_type, id]))
        }
        _ => RowForm::Fault(RowFault::Cells),
    })
}
