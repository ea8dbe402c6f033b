//! Durations on the command line, such as `90d`.

use thiserror::Error;

/// The longest duration, 36,500 days. A longer one is taken for a typing error.
const MAX_SECONDS: i64 = 36_500 * 86_400;

/// The text is not a duration, or is out of range.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("a duration is a whole number and a unit (s, m, h, d or w), such as 12h or 90d, and at most 36500d")]
pub(crate) struct InvalidDuration;

/// Parses a whole number and a unit (`s`, `m`, `h`, `d` or `w`) into seconds, from 1 second to 36,500 days.
pub(crate) fn parse(text: &str) -> Result<i64, InvalidDuration> {
    let unit = text.chars().next_back().ok_or(InvalidDuration)?;
    let number = text.strip_suffix(unit).filter(|n| n.bytes().all(|b| b.is_ascii_digit())).ok_or(InvalidDuration)?;
    let seconds = match unit {
        's' => 1,
        'm' => 60,
        'h' => 3_600,
        'd' => 86_400,
        'w' => 7 * 86_400,
        _ => return Err(InvalidDuration),
    };
    let duration = number.parse::<i64>().ok().and_then(|number| number.checked_mul(seconds));
    duration.filter(|duration| (1..=MAX_SECONDS).contains(duration)).ok_or(InvalidDuration)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_is_a_number_and_a_unit() {
        for (text, seconds) in [("1s", 1), ("30m", 1_800), ("12h", 43_200), ("90d", 7_776_000), ("52w", 31_449_600)] {
            assert_eq!(parse(text), Ok(seconds), "{text}");
        }
        for bad in ["", "d", "90", "0d", "-1d", "+1d", "1.5h", "1y", "90 d", "36501d", "99999999999999999999d", "1é"] {
            assert_eq!(parse(bad), Err(InvalidDuration), "{bad}");
        }
    }
}
