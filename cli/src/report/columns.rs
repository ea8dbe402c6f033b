//! The columns of a report.

use std::collections::BTreeSet;

/// The columns that a report has before those of the file.
pub(super) const OWN: [&str; 6] = ["line", "page", "row", "outcome", "code", "message"];

/// The column of the values of a JSON file, and the field of a report in JSON.
pub(super) const INPUT: &str = "input";

/// The names of the file's columns: those of its header, and `column_3` for one without a name. A name that the report or
/// another column has already gets `input_` before it.
pub(super) fn names(header: Vec<String>, width: usize) -> Vec<String> {
    let width = width.max(header.len());
    let mut header = header.into_iter();
    let mut taken: BTreeSet<String> = OWN.map(str::to_owned).into();
    let mut names = Vec::with_capacity(width);
    for number in 1..=width {
        let name = header.next().filter(|name| !name.trim().is_empty());
        let mut name = name.unwrap_or_else(|| format!("column_{number}"));
        while !taken.insert(name.clone()) {
            name = format!("input_{name}");
        }
        names.push(name);
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(header: &[&str], width: usize, expected: &[&str]) {
        assert_eq!(names(header.iter().map(|name| (*name).to_owned()).collect(), width), expected);
    }

    #[test]
    fn each_column_has_a_name_of_its_own() {
        check(&[], 2, &["column_1", "column_2"]);
        check(&["key", "value", " "], 2, &["key", "value", "column_3"]);
        check(
            &["key", "value", "row", "note", "note", "input_row"],
            7,
            &["key", "value", "input_row", "note", "input_note", "input_input_row", "column_7"],
        );
    }
}
