//! Decoding of URL path segments: exactly once, and strictly.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};
use thiserror::Error;

use crate::message::Words;

/// Everything but RFC 3986's unreserved characters.
const UNRESERVED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');

/// How the event source hands the path over.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PathEncoding {
    /// Percent-encoded, as the client sent it: it must be decoded here.
    Percent,
    /// Already decoded by the event source. It must not be decoded again: `%2541` would become `A`, which may be another
    /// person's identifier.
    Decoded,
}

/// Why a segment can't be decoded. The texts are shown to clients.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum PathError {
    /// A `%` is not followed by two hexadecimal digits.
    #[error("The URL has a `%` that two hexadecimal digits do not follow; send a literal percent sign as `%25`.")]
    BrokenEncoding,
    /// The decoded bytes are not valid UTF-8.
    #[error("The URL is not valid UTF-8 once it is percent-decoded.")]
    NotUtf8,
}

impl Words for PathError {}

/// Decodes one segment. `+` stays a plus sign: it stands for a space in forms only, not in paths.
///
/// # Errors
/// [`PathError`] if the segment is encoded and its encoding is broken or not UTF-8.
pub fn decode(segment: &str, encoding: PathEncoding) -> Result<String, PathError> {
    if encoding == PathEncoding::Decoded {
        return Ok(segment.to_owned());
    }
    let complete = segment.split('%').skip(1).all(|rest| {
        let digits = rest.as_bytes();
        digits.len() >= 2 && digits[..2].iter().all(u8::is_ascii_hexdigit)
    });
    if !complete {
        return Err(PathError::BrokenEncoding);
    }
    percent_decode_str(segment).decode_utf8().map(Into::into).map_err(|_| PathError::NotUtf8)
}

/// Encodes a value as a segment of a path, so that [`decode`] returns it.
pub fn encode(value: &str) -> String {
    utf8_percent_encode(value, UNRESERVED).to_string()
}

/// Splits `type:value` at the first colon. Without a colon the value is empty.
pub fn split_selector(selector: &str) -> (&str, &str) {
    selector.split_once(':').unwrap_or((selector, ""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn check(raw: &str, expected: Result<&str, PathError>) {
        assert_eq!(decode(raw, PathEncoding::Percent), expected.map(str::to_owned), "{raw}");
    }

    #[test]
    fn decodes_once_and_strictly() {
        check("user_id:a%3Ab%2Fc%3Fd", Ok("user_id:a:b/c?d"));
        check("%2525", Ok("%25"));
        check("a+b", Ok("a+b"));
        check("%00", Ok("\0"));
        check("%F0%9F%A6%80", Ok("🦀"));
        check("%", Err(PathError::BrokenEncoding));
        check("%2", Err(PathError::BrokenEncoding));
        check("%zz", Err(PathError::BrokenEncoding));
        check("%ff", Err(PathError::NotUtf8));
        check("%C0%AF", Err(PathError::NotUtf8));
    }

    #[test]
    fn a_decoded_path_is_not_decoded_again() {
        assert_eq!(decode("100%", PathEncoding::Decoded).unwrap(), "100%");
        assert_eq!(decode("%2F", PathEncoding::Decoded).unwrap(), "%2F");
    }

    #[test]
    fn the_first_colon_splits() {
        assert_eq!(split_selector("user_id:a:b"), ("user_id", "a:b"));
        assert_eq!(split_selector("user_id"), ("user_id", ""));
        assert_eq!(split_selector(":x"), ("", "x"));
    }

    proptest! {
        #[test]
        fn encoding_then_decoding_changes_nothing(value: String) {
            let raw = encode(&value);
            prop_assert!(raw.bytes().all(|b| b.is_ascii_alphanumeric() || b"-._~%".contains(&b)), "{}", raw);
            prop_assert_eq!(decode(&raw, PathEncoding::Percent), Ok(value));
        }

        #[test]
        fn no_segment_panics(raw: String) {
            let _ = decode(&raw, PathEncoding::Percent);
        }
    }
}
