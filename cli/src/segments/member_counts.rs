//! What became of the rows that add or remove members.

use serde::Deserialize;
use serde_json::{Value, json};

use crate::jobs::count_row;

/// Whether rows add members or remove them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Direction {
    Add,
    Remove,
}

/// The number of rows with each result, as the API counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub(super) struct MemberCounts {
    pub(super) added: u64,
    pub(super) already: u64,
    pub(super) removed: u64,
    pub(super) absent: u64,
    pub(super) not_found: u64,
}

impl Direction {
    /// The path below the segment's.
    pub(super) fn path(self) -> &'static str {
        match self {
            Self::Add => "/members",
            Self::Remove => "/members/remove",
        }
    }
}

impl MemberCounts {
    /// Adds the counts of another part.
    pub(super) fn add(&mut self, other: Self) {
        self.added += other.added;
        self.already += other.already;
        self.removed += other.removed;
        self.absent += other.absent;
        self.not_found += other.not_found;
    }

    /// Rows of a table.
    pub(super) fn rows(self, direction: Direction, rows: u64, rejected: u64) -> [[String; 3]; 5] {
        let [changed, same, missing] =
            self.counts(direction).map(|(name, count, note)| count_row(&format!("  {name}"), count, note));
        [count_row("rows", rows, ""), changed, same, missing, count_row("  rejected", rejected, "")]
    }

    /// The counts as JSON.
    pub(super) fn json(self, direction: Direction) -> Value {
        let counts = self.counts(direction).map(|(name, count, _)| (name.to_owned(), json!(count)));
        Value::Object(counts.into_iter().collect())
    }

    fn counts(self, direction: Direction) -> [(&'static str, u64, &'static str); 3] {
        let not_found = ("not_found", self.not_found, "there is no such profile");
        match direction {
            Direction::Add => [("added", self.added, ""), ("already", self.already, "members before"), not_found],
            Direction::Remove => {
                [("removed", self.removed, ""), ("absent", self.absent, "no members before"), not_found]
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_add_up() {
        let mut counts = MemberCounts::default();
        counts.add(serde_json::from_str(r#"{"added":2,"already":1,"not_found":3,"rejected":[]}"#).unwrap());
        counts.add(MemberCounts { added: 5, ..MemberCounts::default() });
        let rows =
            counts.rows(Direction::Add, 12, 1).map(|[name, count, note]| format!("{name} {}|{note}", count.trim()));
        let expected =
            ["rows 12|", "  added 7|", "  already 1|members before", "  not_found 3|there is no such profile"];
        assert_eq!(rows[..4], expected);
        assert_eq!(rows[4], "  rejected 1|");
        assert_eq!(counts.json(Direction::Add), json!({"added": 7, "already": 1, "not_found": 3}));
        assert_eq!(counts.json(Direction::Remove), json!({"removed": 0, "absent": 0, "not_found": 3}));
    }
}
