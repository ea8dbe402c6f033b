//! The prices that a plan's estimates are made with: settings of the deployment.

use efface_core::job::plan::Pricing;

use crate::config::{ConfigError, Lookup};

/// List prices on demand in us-east-1, and the rate of one worker (`docs/performance.md`).
pub const DEFAULT: Pricing =
    Pricing { usd_per_million_writes: 0.625, usd_per_million_reads: 0.125, requests_per_second: 2_000.0 };

/// Reads `EFFACE_USD_PER_MILLION_WRITES`, `EFFACE_USD_PER_MILLION_READS` and `EFFACE_WORKER_REQUESTS_PER_SECOND`, each
/// with its default.
///
/// # Errors
/// One is set and is not a number, or below its least: 0 for prices, 1 for the rate.
pub fn from_lookup(lookup: Lookup<'_>) -> Result<Pricing, ConfigError> {
    let number = |name, least, default| match lookup(name) {
        None => Ok(default),
        Some(text) => {
            let number = text.parse().ok().filter(|n: &f64| n.is_finite() && *n >= least);
            number.ok_or_else(|| ConfigError::Bad(name, format!("it must be a number of at least {least}")))
        }
    };
    Ok(Pricing {
        usd_per_million_writes: number("EFFACE_USD_PER_MILLION_WRITES", 0.0, DEFAULT.usd_per_million_writes)?,
        usd_per_million_reads: number("EFFACE_USD_PER_MILLION_READS", 0.0, DEFAULT.usd_per_million_reads)?,
        requests_per_second: number("EFFACE_WORKER_REQUESTS_PER_SECOND", 1.0, DEFAULT.requests_per_second)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(name: &'static str, text: &'static str, is_good: bool) {
        let read = from_lookup(&move |asked| (asked == name).then(|| text.to_owned()));
        assert_eq!(read.is_ok(), is_good, "{name}={text}");
        assert!(read.err().is_none_or(|error| error.to_string().contains(name)));
    }

    #[test]
    fn a_setting_is_a_number_that_makes_sense() {
        assert_eq!(from_lookup(&|_| None).unwrap(), DEFAULT);
        for (text, is_good) in [("0.2", true), ("0", true), ("", false), ("free", false), ("-1", false), ("inf", false)]
        {
            check("EFFACE_USD_PER_MILLION_READS", text, is_good);
        }
        for (text, is_good) in [("1", true), ("0", false), ("NaN", false)] {
            check("EFFACE_WORKER_REQUESTS_PER_SECOND", text, is_good);
        }
    }
}
