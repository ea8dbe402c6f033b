//! Numbers in the texts of a log: sizes, indexes, widths.

/// The largest size of a log: 2⁶³ − 1 entries. No log comes near it, programs that read logs with signed numbers can hold
/// it, and no sum of two sizes overflows.
pub const MAX_SIZE: u64 = i64::MAX.unsigned_abs();

/// Reads a decimal number up to [`MAX_SIZE`] in its one form: digits only, no leading zeros.
pub(super) fn parse(text: &str) -> Option<u64> {
    let is_canonical = text == "0" || (!text.starts_with('0') && text.bytes().all(|b| b.is_ascii_digit()));
    text.parse().ok().filter(|number| is_canonical && *number <= MAX_SIZE)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_has_one_form() {
        for (text, number) in [("0", 0), ("7", 7), ("10", 10), ("9223372036854775807", MAX_SIZE)] {
            assert_eq!(parse(text), Some(number), "{text}");
        }
        let bad =
            ["", "00", "01", "+1", "-1", " 1", "1 ", "1\r", "1\n", "1_0", "1.0", "0x1", "٣", "9223372036854775808"];
        for text in bad {
            assert_eq!(parse(text), None, "{text}");
        }
    }
}
