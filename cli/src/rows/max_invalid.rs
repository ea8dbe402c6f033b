//! How many rows of a file may be invalid before nothing is done with it.

use std::{fmt, str::FromStr};

use thiserror::Error;

/// How many rows of a file may be invalid. If every row is, the file is refused, unless all of them may be.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum MaxInvalid {
    /// So many rows.
    Rows(u64),
    /// So many in a hundred.
    Percent(f64),
}

/// A text that is no such limit.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("give a number of rows, such as 100, or a percentage from 0% to 100%, such as 0.5%")]
pub(crate) struct BadLimit;

impl FromStr for MaxInvalid {
    type Err = BadLimit;

    fn from_str(text: &str) -> Result<Self, BadLimit> {
        let Some(percent) = text.strip_suffix('%') else { return text.parse().map(Self::Rows).map_err(|_| BadLimit) };
        let is_plain = percent.bytes().all(|b| b.is_ascii_digit() || b == b'.');
        let percent: f64 = percent.parse().map_err(|_| BadLimit)?;
        if is_plain && (0.0..=100.0).contains(&percent) { Ok(Self::Percent(percent)) } else { Err(BadLimit) }
    }
}

impl fmt::Display for MaxInvalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Rows(rows) => write!(f, "{rows}"),
            Self::Percent(percent) => write!(f, "{percent}%"),
        }
    }
}

impl MaxInvalid {
    /// Whether a file with so many invalid rows is to be refused. Without a limit it is only if every row is invalid.
    #[expect(clippy::cast_precision_loss, reason = "no file has 2^53 rows")]
    pub(crate) fn refuses(limit: Option<Self>, invalid: u64, rows: u64) -> bool {
        match limit {
            Some(Self::Percent(percent)) if percent >= 100.0 => false,
            _ if invalid >= rows => true,
            Some(Self::Rows(most)) => invalid > most,
            Some(Self::Percent(percent)) => invalid as f64 * 100.0 > percent * rows as f64,
            None => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(limit: Option<&str>, invalid: u64, rows: u64, refuses: bool) {
        let parsed = limit.map(|text| text.parse().unwrap());
        assert_eq!(MaxInvalid::refuses(parsed, invalid, rows), refuses, "{limit:?} {invalid} of {rows}");
    }

    #[test]
    fn a_file_is_refused_over_its_limit_or_if_every_row_is_invalid() {
        check(None, 0, 1, false);
        check(None, 99, 100, false);
        check(None, 100, 100, true);
        check(Some("0"), 0, 100, false);
        check(Some("0"), 1, 100, true);
        check(Some("5"), 5, 100, false);
        check(Some("5"), 6, 100, true);
        check(Some("5"), 3, 3, true);
        check(Some("1%"), 1, 100, false);
        check(Some("1%"), 2, 100, true);
        check(Some("0.5%"), 5, 1_000, false);
        check(Some("0.5%"), 6, 1_000, true);
        check(Some("99%"), 100, 100, true);
        check(Some("100%"), 100, 100, false);
    }

    #[test]
    fn what_is_no_limit_is_rejected() {
        for text in ["", "%", "-1", "1.5", "101%", "-1%", "NaN%", "inf%", "1e1%", "5 %", "half"] {
            assert_eq!(text.parse::<MaxInvalid>(), Err(BadLimit), "{text}");
        }
        assert_eq!(
            ["7", "7%", "0.50%"].map(|text| text.parse::<MaxInvalid>().unwrap().to_string()),
            ["7", "7%", "0.5%"]
        );
    }
}
