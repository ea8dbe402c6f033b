//! Rows with the place and the text that they have in their file, so that what became of them can be told there.

use super::{PageError, RawRow, csv, format};

/// What a parser finds in a body, in the order of the body.
pub(super) enum Part<'t> {
    /// The line that names the columns of a CSV file, and the separator. It comes before the rows.
    Header(&'t [u8], u8),
    /// A row, its text, and what the text is.
    Row(RawRow, &'t [u8], Format),
}

/// Receives the parts of a body one at a time. If it returns an error, parsing ends with that error.
pub(super) type Parts<'a> = &'a mut dyn FnMut(Part<'_>) -> Result<(), PageError>;

/// What the text of a row is.
#[derive(Debug, Clone, Copy)]
pub(super) enum Format {
    /// A line of CSV with this separator.
    Csv(u8),
    /// A JSON value.
    Json,
    /// A line that is not what the others are.
    Unknown,
}

/// A part of a file of rows.
pub enum FilePart<'t> {
    /// The names of the columns, as the header of a CSV file has them; before the first row.
    Names(Vec<String>),
    /// A row.
    Row(WrittenRow<'t>),
}

/// A row as it is written in its file.
pub struct WrittenRow<'t> {
    /// The row as it is read.
    pub row: RawRow,
    /// The number of the line where it begins, from 1. LF, CR LF and CR alone are line ends.
    pub line: u64,
    text: &'t [u8],
    format: Format,
}

/// What a row is written as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Written<'t> {
    /// The cells of a line of CSV, as they are within their quotes. They need not be UTF-8.
    Cells(Vec<Vec<u8>>),
    /// A JSON value.
    Json(&'t str),
    /// The text of a row that is neither.
    Text(&'t [u8]),
}

impl<'t> WrittenRow<'t> {
    /// What it is written as.
    pub fn written(&self) -> Written<'t> {
        let json = match self.format {
            Format::Csv(separator) => {
                return csv::cells(self.text, separator).map_or(Written::Text(self.text), Written::Cells);
            }
            Format::Json => str::from_utf8(self.text).ok().filter(|text| is_unicode(text)),
            Format::Unknown => None,
        };
        json.map_or(Written::Text(self.text), Written::Json)
    }
}

/// Whether a JSON value has no escape of an unpaired surrogate: many readers reject the whole text for one.
fn is_unicode(json: &str) -> bool {
    let may_have = json.contains(r"\ud") || json.contains(r"\uD");
    !may_have || serde_json::from_str::<serde_json::Value>(json).is_ok()
}

/// Passes the rows of an inflated file to the sink, as [`each_row`](super::each_row) reads them, and before them the names
/// of its columns where it is CSV with a header.
///
/// # Errors
/// The same as [`each_row`](super::each_row).
pub fn each_written(
    body: &[u8],
    media_type: &str,
    sink: &mut dyn FnMut(FilePart<'_>) -> Result<(), PageError>,
) -> Result<(), PageError> {
    let mut lines = Lines { at: 0, line: 1 };
    format::each_part(body, media_type, &mut |whole, part| match part {
        Part::Header(line, separator) => {
            let cells = csv::cells(line, separator).unwrap_or_default();
            let names = cells.iter().map(|cell| String::from_utf8_lossy(cell).into_owned());
            sink(FilePart::Names(names.collect()))
        }
        Part::Row(row, text, format) => {
            let line = lines.of(whole, text);
            sink(FilePart::Row(WrittenRow { row, line, text, format }))
        }
    })
}

/// Counts the lines of a text up to its parts, which come in their order.
struct Lines {
    /// All before this byte is counted.
    at: usize,
    line: u64,
}

impl Lines {
    /// The line where a part of the text begins.
    fn of(&mut self, whole: &[u8], part: &[u8]) -> u64 {
        let start = part.as_ptr().addr().wrapping_sub(whole.as_ptr().addr());
        let is_end = |(at, byte): (usize, &u8)| match byte {
            b'\n' => true,
            b'\r' => whole.get(self.at + at + 1) != Some(&b'\n'),
            _ => false,
        };
        let between = whole.get(self.at..start).unwrap_or_default();
        self.line += between.iter().enumerate().filter(|(at, byte)| is_end((*at, byte))).count() as u64;
        self.at = self.at.max(start.min(whole.len()));
        self.line
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{super::each_row, *};

    /// The names of the columns, and each row's line and text.
    fn check(body: &str, names: &[&str], expected: &[(u64, Written<'_>)]) {
        let (mut read_names, mut at) = (Vec::new(), 0);
        let read = each_written(body.as_bytes(), "", &mut |part| {
            match part {
                FilePart::Names(names) => read_names = names,
                FilePart::Row(row) => {
                    assert_eq!((row.line, row.written()), expected[at], "row {at} of {body:?}");
                    at += 1;
                }
            }
            Ok(())
        });
        read.unwrap();
        assert_eq!(
            (read_names, at),
            (names.iter().map(|name| (*name).to_owned()).collect(), expected.len()),
            "{body:?}"
        );
    }

    fn cells(cells: &[&str]) -> Written<'static> {
        Written::Cells(cells.iter().map(|cell| cell.as_bytes().to_vec()).collect())
    }

    #[test]
    fn rows_of_csv_have_their_lines_and_cells() {
        check("email:a\n\nemail:b", &[], &[(1, cells(&["email:a"])), (3, cells(&["email:b"]))]);
        check(
            "\u{feff}key,value,note\r\nemail,a,\"x \"\"y\"\", z\"\r\n\r\nemail,b,\r\n",
            &["key", "value", "note"],
            &[(2, cells(&["email", "a", "x \"y\", z"])), (4, cells(&["email", "b", ""]))],
        );
        check(
            "sep=;\nkey;value\remail;a\r\remail;b",
            &["key", "value"],
            &[(3, cells(&["email", "a"])), (5, cells(&["email", "b"]))],
        );
        let bad = [(1, cells(&["email:a"])), (2, Written::Text(b"email,\"b\"c")), (3, cells(&["email", "c"]))];
        check("email:a\nemail,\"b\"c\nemail,c", &[], &bad);
    }

    #[test]
    fn rows_of_json_have_their_lines_and_values() {
        let json = |text| Written::Json(text);
        check(
            "[\n\"email:a\",\n {\n\"key\":\"email\",\"value\":\"b\"}, 7 ]",
            &[],
            &[(2, json("\"email:a\"")), (3, json("{\n\"key\":\"email\",\"value\":\"b\"}")), (4, json("7"))],
        );
        check(
            "{\"column_names\":[\"k\"],\n\"data\":[[\"email:a\"],\n[]]}",
            &[],
            &[(2, json("[\"email:a\"]")), (3, json("[]"))],
        );
        check(
            "\"email:a\"\n\n {\"key\":\"email\",\"value\":\"b\"}\n\"email:c\"",
            &[],
            &[(1, json("\"email:a\"")), (3, json("{\"key\":\"email\",\"value\":\"b\"}")), (4, json("\"email:c\""))],
        );
        check(r#"["email:a","\ud800"]"#, &[], &[(1, json(r#""email:a""#)), (1, Written::Text(br#""\ud800""#))]);
        check("{\"key\":\"email\",\"value\":\"x\"}", &[], &[(1, json("{\"key\":\"email\",\"value\":\"x\"}"))]);
    }

    proptest! {
        /// Whatever the body: they are the rows that are sent, in lines that do not go back.
        #[test]
        fn they_are_the_rows_that_are_sent(body in "(sep=;\n|key,value\n|\\[)?([a:,;\"\\\\\r\n\\[\\]{} 7é]{0,8}(\r|\n|\r\n)?){0,12}") {
            let (mut rows, mut written, mut lines) = (Vec::new(), Vec::new(), vec![1]);
            let read = each_row(body.as_bytes(), "", &mut |row| { rows.push(row); Ok(()) });
            let again = each_written(body.as_bytes(), "", &mut |part| {
                if let FilePart::Row(row) = part {
                    written.push(row.row.clone());
                    lines.push(row.line);
                }
                Ok(())
            });
            prop_assert_eq!((read, rows), (again, written));
            prop_assert!(lines.is_sorted());
            prop_assert!(lines.last() <= Some(&(1 + body.matches(['\r', '\n']).count() as u64)));
        }
    }
}
