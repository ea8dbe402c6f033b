//! The columns of a table, and which of them make a row.

use super::{RawRow, RowFault, RowForm};

/// The text of a cell, or why it has none.
pub(super) type Cell = Result<String, RowFault>;

/// The most columns of a table. A row needs three at most; without a limit, a body of nothing but commas would take far
/// more memory than its own size.
pub(super) const MAX_COLUMNS: usize = 1_024;

/// The named columns of a table.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    /// The number of columns; a row with another number of cells is faulty.
    width: usize,
    /// The indices of the columns that make a row: of `key:value`; of key and value; or of user_id, type and id.
    used: Vec<usize>,
}

impl Columns {
    /// Accepts one column of any name, `key` and `value` among any others, or exactly `user_id`, `type` and `id`. The case
    /// of names does not matter. `None` for other columns.
    pub(super) fn named(names: &[String]) -> Option<Self> {
        let width = names.len();
        let used = match width {
            1 => Some(vec![0]),
            3 => find(names, &["key", "value"]).or_else(|| find(names, &["user_id", "type", "id"])),
            _ => find(names, &["key", "value"]),
        };
        used.map(|used| Self { width, used })
    }

    /// Makes a row of the cells of one line.
    pub(super) fn row(&self, mut cells: Vec<Cell>) -> RawRow {
        if cells.len() != self.width {
            return RawRow::fault(RowFault::NotText);
        }
        let used = self.used.iter().map(|index| std::mem::replace(&mut cells[*index], Err(RowFault::NotText)));
        row(used.collect())
    }
}

/// The indices of the wanted names; `None` unless each of them occurs exactly once.
fn find(names: &[String], wanted: &[&str]) -> Option<Vec<usize>> {
    let index = |wanted: &&str| {
        let mut indices = (0..names.len()).filter(|index| names[*index].eq_ignore_ascii_case(wanted));
        indices.next().filter(|_| indices.next().is_none())
    };
    wanted.iter().map(index).collect()
}

/// Makes a row of cells without column names: one is `key:value`, two are key and value, three are user_id, type and id.
pub(super) fn row(cells: Vec<Cell>) -> RawRow {
    let cells = match cells.into_iter().collect::<Result<Vec<String>, RowFault>>() {
        Ok(cells) => cells,
        Err(fault) => return RawRow::fault(fault),
    };
    let mut cells = cells.into_iter();
    RawRow(match (cells.next(), cells.next(), cells.next(), cells.next()) {
        (Some(text), None, ..) => RowForm::Text(text),
        (Some(key), Some(value), None, _) => RowForm::Pair(key, value),
        (Some(user_id), Some(id_type), Some(id), None) => RowForm::Identifier(Box::new([user_id, id_type, id])),
        _ => RowForm::Fault(RowFault::NotText),
    })
}
