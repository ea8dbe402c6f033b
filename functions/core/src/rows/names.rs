//! A file of names, one a line: identifiers whose types are not given.

use super::{PageError, RowFault, csv, foreign, format};
use crate::identifier::IdentifierValue;

/// A name, or why its line has none.
pub type Name = Result<IdentifierValue, RowFault>;

/// Reads a CSV file with the header `name` and one identifier a line, up to so many. Blank lines are no names.
///
/// # Errors
/// The file has another header, or is no text.
pub fn read_names(body: &[u8], most: usize) -> Result<Vec<Name>, PageError> {
    let not_csv = || PageError::unreadable("The file must be CSV with the header `name` and one identifier a line.");
    foreign::check(body).map_err(|_| not_csv())?;
    let body = format::without_bom(body);
    let mut lines = csv::lines(body);
    let header = lines.next().transpose()?;
    if !matches!(header, Some(Ok(cells)) if matches!(&cells[..], [Ok(name)] if name.trim().eq_ignore_ascii_case("name")))
    {
        return Err(not_csv());
    }
    lines.take(most).map(|line| Ok(line?.and_then(name))).collect()
}

fn name(cells: Vec<super::columns::Cell>) -> Name {
    let mut cells = cells.into_iter();
    match (cells.next(), cells.all(|cell| matches!(&cell, Ok(text) if text.is_empty()))) {
        (Some(cell), true) => super::value(&cell?),
        _ => Err(RowFault::Cells),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(body: &str) -> Vec<String> {
        let names = read_names(body.as_bytes(), 3).unwrap();
        names
            .into_iter()
            .map(|name| name.map_or_else(|fault| format!("{fault:?}"), |name| name.expose().to_owned()))
            .collect()
    }

    #[test]
    fn each_line_is_a_name() {
        assert_eq!(names("name\nu1\r\n\n\"a,b\"\nemail:x\n"), ["u1", "a,b", "email:x"]);
        assert_eq!(names("\u{feff}Name\r\na,\nb,c\n\"\"\n"), ["a", "Cells", "EmptyValue"]);
        assert_eq!(names(&format!("name\n{}\n", "x".repeat(2_049))), ["LongValue"]);
        assert_eq!(names("name\n"), [""; 0]);
        assert_eq!(names("name\na\nb\nc\nd\n"), ["a", "b", "c"]);
        for bad in ["", "u1\nu2\n", "id\nu1\n", "name,type\na,b\n", "PK\u{3}\u{4}", "name\0"] {
            assert!(read_names(bad.as_bytes(), 3).is_err(), "{bad}");
        }
    }
}
