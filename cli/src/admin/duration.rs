//! Spans of time on the command line, such as `90d`.

use thiserror::Error;

/// The longest span: longer ones are mistakes.
const MAX_SECONDS: i64 = 36_500 * 86_400;

/// The text is no span.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a span is a whole number and a unit: 30m, 12h, 90d, 52w; at most 36500d")]
pub(crate) struct BadSpan;

/// A span in seconds, from a number and one of `s m h d w`.
pub(crate) fn parse(text: &str) -> Result<i64, BadSpan> {
    let unit = text.chars().next_back().ok_or(BadSpan)?;
    let number = text.strip_suffix(unit).filter(|n| n.bytes().all(|b| b.is_ascii_digit())).ok_or(BadSpan)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return Err(BadSpan),
    };
    let span = number.parse::<i64>().ok().and_then(|number| number.checked_mul(seconds));
    span.filter(|span| (1..=MAX_SECONDS).contains(span)).ok_or(BadSpan)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_and_a_unit() {
        for (text, seconds) in [("1s", 1), ("30m", 1_800), ("12h", 43_200), ("90d", 7_776_000), ("52w", 31_449_600)] {
            assert_eq!(parse(text), Ok(seconds), "{text}");
        }
        for bad in ["", "d", "90", "0d", "-1d", "+1d", "1.5h", "1y", "90 d", "36501d", "99999999999999999999d", "1é"] {
            assert_eq!(parse(bad), Err(BadSpan), "{bad}");
        }
    }
}
