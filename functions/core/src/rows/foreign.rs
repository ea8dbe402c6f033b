//! Bodies that are no text: archives, documents and other encodings. They are recognised by their first bytes, because
//! names and media types are often wrong, and rejected as they are: nothing is unpacked but one layer of gzip.

use super::{PageError, inflate};
use crate::message::Message;

/// What begins with which bytes.
// A table of our own, because the libraries for this also match short texts: a row may begin with `BZh`.
const KINDS: [(&[u8], &str); 14] = [
    (&inflate::MAGIC, "gzip within gzip"),
    (b"PK\x05\x06", "an empty ZIP archive"),
    (b"\x28\xb5\x2f\xfd", "compressed with Zstandard"),
    (b"BZh91AY&SY", "compressed with bzip2"),
    (b"\xfd7zXZ\0", "compressed with xz"),
    (b"\x04\x22\x4d\x18", "compressed with LZ4"),
    (b"\xff\x06\0\0sNaPpY", "compressed with Snappy"),
    (b"7z\xbc\xaf\x27\x1c", "a 7z archive"),
    (b"Rar!\x1a\x07", "a RAR archive"),
    (b"%PDF-", "a PDF document"),
    (b"PAR1", "a Parquet file"),
    (b"Obj\x01", "an Avro file"),
    (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "a workbook or document of an old Office version"),
    (b"SQLite format 3\0", "an SQLite database"),
];

/// Rejects an inflated body that is no text.
///
/// # Errors
/// The error names what the body is.
pub(super) fn check(body: &[u8]) -> Result<(), PageError> {
    if let Some(kind) = kind(body) {
        let text = "The body is {}; send rows as JSON, newline-delimited JSON or CSV, plain or compressed with gzip.";
        return Err(PageError::Unreadable(Message::new(text, &[&kind])));
    }
    if body.starts_with(b"\xff\xfe") || body.starts_with(b"\xfe\xff") {
        return Err(PageError::unreadable("The body is UTF-16; send it as UTF-8."));
    }
    // JSON has NUL as an escape, and in other text it is a sign of UTF-16 or of binary data.
    match body.iter().position(|byte| *byte == 0) {
        Some(at) => {
            let text = "The body has a NUL byte (at {}), so it is binary data or UTF-16; send text as UTF-8.";
            Err(PageError::Unreadable(Message::new(text, &[&at])))
        }
        None => Ok(()),
    }
}

fn kind(body: &[u8]) -> Option<&'static str> {
    if body.starts_with(b"PK\x03\x04") {
        // The entries of an Office document have these names; the first is within the first hundreds of bytes.
        let start = &body[..body.len().min(2_000)];
        let has = |name: &[u8]| start.windows(name.len()).any(|window| window == name);
        let is_office = has(b"[Content_Types].xml") || has(b"xl/") || has(b"docProps/");
        return Some(if is_office { "an Excel workbook or another Office document" } else { "a ZIP archive" });
    }
    // The fields before it are filled with NUL; a text may have this word.
    if body.get(257..262) == Some(b"ustar") && body[..257].contains(&0) {
        return Some("a tar archive");
    }
    KINDS.iter().find(|(magic, _)| body.starts_with(magic)).map(|(_, kind)| *kind)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_that_is_no_text_is_named() {
        let tar = [&b"people.csv"[..], &[0; 247], b"ustar\x0000"].concat();
        let xlsx = b"PK\x03\x04\x14\0\0\0\x08\0\0\0!\0\0\0\0\0\0\0\0\0\0\0\0\0\x13\0\0\0[Content_Types].xml";
        for (body, kind) in [
            (&b"PK\x03\x04\x14\0people.csvemail:a\n"[..], "The body is a ZIP archive;"),
            (xlsx, "The body is an Excel workbook or another Office document;"),
            (&tar, "The body is a tar archive;"),
            (b"\x1f\x8b\x08", "The body is gzip within gzip;"),
            (b"\x28\xb5\x2f\xfdx", "The body is compressed with Zstandard;"),
            (b"BZh91AY&SYx", "The body is compressed with bzip2;"),
            (b"%PDF-1.7\n", "The body is a PDF document;"),
            (b"PAR1\x15", "The body is a Parquet file;"),
            (b"e\0m\0", "The body has a NUL byte (at 1)"),
            (b"\xff\xfee\0", "The body is UTF-16;"),
        ] {
            let text = check(body).unwrap_err().to_string();
            assert!(text.starts_with(kind), "{text}");
        }
        let mustard = [&[b'a'; 257][..], b"ustard@x"].concat();
        for text in [&b""[..], &mustard, b"BZhou:1", b"PARis", b"email:a", &[b'a'; 300]] {
            assert_eq!(check(text), Ok(()));
        }
    }
}
