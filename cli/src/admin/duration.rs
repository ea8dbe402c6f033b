//! Durations on the command line, such as `90d`.

use jiff::{Span, SpanRelativeTo};
use thiserror::Error;

/// The longest duration, 36,500 days. A longer one is taken for a typing error.
const MAX_SECONDS: i64 = 36_500 * 86_400;

/// The text is not a duration, or is out of range.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a duration is a number and a unit (s, m, h, d or w), such as 12h or 90d, and at most 36500d")]
pub(crate) struct InvalidDuration;

/// Parses a duration of fixed length, such as `12h` or `1w 2d`, into seconds. Days have 24 hours. Months and years are
/// rejected, because their length is not fixed, and so is everything below 1 second or above 36,500 days.
pub(crate) fn parse(text: &str) -> Result<i64, InvalidDuration> {
    let span: Span = text.parse().map_err(|_| InvalidDuration)?;
    let duration = span.to_duration(SpanRelativeTo::days_are_24_hours()).map_err(|_| InvalidDuration)?;
    Some(duration.as_secs()).filter(|seconds| (1..=MAX_SECONDS).contains(seconds)).ok_or(InvalidDuration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        let valid =
            [("1s", 1), ("30m", 1_800), ("12h", 43_200), ("90d", 7_776_000), ("52w", 31_449_600), ("1d 1s", 86_401)];
        for (text, seconds) in valid {
            assert_eq!(parse(text), Ok(seconds), "{text}");
        }
        for bad in ["", "d", "90", "0d", "-1d", "1y", "1mo", "500ms", "36501d", "99999999999999999999d", "1é"] {
            assert_eq!(parse(bad), Err(InvalidDuration), "{bad}");
        }
    }
}
