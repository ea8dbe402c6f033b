//! Reads the lines of a file in a thread of their own, because reading from standard input can block forever.

use std::{
    io::{self, BufRead, Read},
    thread,
};

use efface_core::load::{LineError, LoadLine, MAX_LINE_BYTES, parse_line};
use tokio::sync::mpsc;

/// How many lines the thread may be ahead of the loader.
const LINES_AHEAD: usize = 64;

/// A line that is not blank.
#[derive(Debug)]
pub struct Line {
    /// The line's number, from 1.
    pub number: u64,
    /// The position of the line's end in the file, in bytes.
    pub end: u64,
    /// The parsed line, or what is wrong with it.
    pub content: Result<LoadLine, LineError>,
}

/// Reads lines to the end, or until the receiver is dropped.
pub(crate) fn read(lines: Lines<impl BufRead + Send + 'static>) -> mpsc::Receiver<io::Result<Line>> {
    let (sender, receiver) = mpsc::channel(LINES_AHEAD);
    thread::spawn(move || {
        for line in lines {
            if sender.blocking_send(line).is_err() {
                break;
            }
        }
    });
    receiver
}

/// The lines of a source that are not blank.
#[derive(Debug)]
pub struct Lines<R> {
    source: R,
    from: u64,
    number: u64,
    end: u64,
}

impl<R: BufRead> Iterator for Lines<R> {
    type Item = io::Result<Line>;

    fn next(&mut self) -> Option<io::Result<Line>> {
        loop {
            let bytes = match self.take_line() {
                Ok(Some(bytes)) => bytes,
                Ok(None) => return None,
                Err(error) => return Some(Err(error)),
            };
            if self.number < self.from {
                continue;
            }
            if let Some(content) = parse(&bytes, self.number).transpose() {
                return Some(Ok(Line { number: self.number, end: self.end, content }));
            }
        }
    }
}

impl<R: BufRead> Lines<R> {
    /// Reads a source, and skips the lines before `from`, counted from 1.
    pub fn new(source: R, from: u64) -> Self {
        Self { source, from, number: 0, end: 0 }
    }

    /// Reads the next line, without the line break. Of a line that is too long, only the beginning is kept.
    fn take_line(&mut self) -> io::Result<Option<Vec<u8>>> {
        let mut bytes = Vec::new();
        // Two more bytes, for the line break of a line of the maximum length.
        let limit = MAX_LINE_BYTES as u64 + 2;
        let mut taken = (&mut self.source).take(limit).read_until(b'\n', &mut bytes)? as u64;
        if taken == 0 {
            return Ok(None);
        }
        if bytes.last() == Some(&b'\n') {
            bytes.pop();
            bytes.pop_if(|byte| *byte == b'\r');
        } else if taken == limit {
            taken += skip_line(&mut self.source)?;
        }
        self.number += 1;
        self.end += taken;
        Ok(Some(bytes))
    }
}

fn skip_line(source: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let buffer = source.fill_buf()?;
        let end = buffer.iter().position(|byte| *byte == b'\n');
        let taken = end.map_or(buffer.len(), |end| end + 1);
        let is_last = end.is_some() || buffer.is_empty();
        source.consume(taken);
        skipped += taken as u64;
        if is_last {
            return Ok(skipped);
        }
    }
}

fn parse(bytes: &[u8], number: u64) -> Result<Option<LoadLine>, LineError> {
    let text = str::from_utf8(bytes).map_err(|_| LineError("not valid UTF-8".to_owned()))?;
    // Some editors put a byte order mark at the beginning of a file.
    let text = if number == 1 { text.trim_start_matches('\u{feff}') } else { text };
    parse_line(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &[u8], from: u64, expected: &[(u64, u64, &str)]) {
        let lines = Lines::new(text, from);
        let read: Vec<_> = lines
            .map(|line| {
                let line = line.unwrap();
                let content = line.content.err().map_or("good".to_owned(), |error| error.0);
                (line.number, line.end, content)
            })
            .collect();
        let expected: Vec<_> = expected.iter().map(|(n, end, text)| (*n, *end, (*text).to_owned())).collect();
        assert_eq!(read, expected);
    }

    const SPACE: &str = r#"{"space":{"id":"s"}}"#;

    #[test]
    fn blank_lines_are_counted_but_not_returned() {
        let text = format!("\u{feff}{SPACE}\r\n\n  \n{SPACE}\n\u{feff}{SPACE}");
        let bad = "not valid JSON at column 1";
        check(text.as_bytes(), 1, &[(1, 25, "good"), (4, 50, "good"), (5, 73, bad)]);
        check(text.as_bytes(), 5, &[(5, 73, bad)]);
        check(text.as_bytes(), 9, &[]);
        check(b"", 1, &[]);
    }

    #[test]
    fn a_line_that_is_too_long_is_skipped() {
        let long = "x".repeat(3 * MAX_LINE_BYTES);
        let end = long.len() as u64 + 1;
        let text = format!("{long}\n{SPACE}\n");
        let wrong = format!("a line must be at most {MAX_LINE_BYTES} bytes");
        check(text.as_bytes(), 1, &[(1, end, &wrong), (2, end + 21, "good")]);
    }

    #[test]
    fn invalid_utf_8_makes_a_bad_line() {
        check(b"\xff\n", 1, &[(1, 2, "not valid UTF-8")]);
    }
}
