//! Which columns of a table make a row.

use super::{RawRow, RowFault, Written};

/// One cell, read: its text, or why it is none.
pub(super) type Cell = Result<String, RowFault>;

/// The most columns of a table. More can't be meant, and would cost memory out of proportion to the body.
pub(super) const MAX_COLUMNS: usize = 1_024;

/// A table's columns, known by their names.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Columns {
    width: usize,
    /// Where the cells of a row are: of one `key:value`, of key and value, or of user_id, type and id.
    take: Vec<usize>,
}

impl Columns {
    /// One column of whatever name; or `key` and `value` among others; or `user_id`, `type` and `id` alone. Upper and
    /// lower case are the same.
    pub(super) fn named(names: &[String]) -> Option<Self> {
        let width = names.len();
        let take = match width {
            1 => Some(vec![0]),
            3 => find(names, &["key", "value"]).or_else(|| find(names, &["user_id", "type", "id"])),
            _ => find(names, &["key", "value"]),
        };
        take.map(|take| Self { width, take })
    }

    /// A row of the table.
    pub(super) fn row(&self, mut cells: Vec<Cell>) -> RawRow {
        if cells.len() != self.width {
            return RawRow::fault(RowFault::NotText);
        }
        let taken = self.take.iter().map(|at| std::mem::replace(&mut cells[*at], Err(RowFault::NotText)));
        row(taken.collect())
    }
}

/// The places of the wanted names, each of which must be there once.
fn find(names: &[String], wanted: &[&str]) -> Option<Vec<usize>> {
    let place = |wanted: &&str| {
        let mut places = (0..names.len()).filter(|at| names[*at].eq_ignore_ascii_case(wanted));
        places.next().filter(|_| places.next().is_none())
    };
    wanted.iter().map(place).collect()
}

/// A row of nameless cells: their number says what they are.
pub(super) fn row(cells: Vec<Cell>) -> RawRow {
    let cells = match cells.into_iter().collect::<Result<Vec<String>, RowFault>>() {
        Ok(cells) => cells,
        Err(fault) => return RawRow::fault(fault),
    };
    let mut cells = cells.into_iter();
    RawRow(match (cells.next(), cells.next(), cells.next(), cells.next()) {
        (Some(text), None, ..) => Written::Text(text),
        (Some(key), Some(value), None, _) => Written::Pair(key, value),
        (Some(user_id), Some(id_type), Some(id), None) => Written::Identifier(Box::new([user_id, id_type, id])),
        _ => Written::Fault(RowFault::NotText),
    })
}
