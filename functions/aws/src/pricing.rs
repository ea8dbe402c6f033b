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
/// One is set and is not a positive number.
pub fn from_lookup(lookup: Lookup<'_>) -> Result<Pricing, ConfigError> {
    let number = |name, default| match lookup(name) {
        None => Ok(default),
        Some(text) => text
            .parse()
            .ok()
            .filter(|n: &f64| n.is_finite() && *n > 0.0)
            .ok_or_else(|| ConfigError::Bad(name, "it must be a positive number, such as 0.625".to_owned())),
    };
    Ok(Pricing {
        usd_per_million_writes: number("EFFACE_USD_PER_MILLION_WRITES", DEFAULT.usd_per_million_writes)?,
        usd_per_million_reads: number("EFFACE_USD_PER_MILLION_READS", DEFAULT.usd_per_million_reads)?,
        requests_per_second: number("EFFACE_WORKER_REQUESTS_PER_SECOND", DEFAULT.requests_per_second)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_price_is_a_positive_number() {
        let with = |text: &'static str| {
            from_lookup(&move |name| (name == "EFFACE_USD_PER_MILLION_READS").then(|| text.to_owned()))
        };
        assert_eq!(from_lookup(&|_| None).unwrap(), DEFAULT);
        assert!((with("0.2").unwrap().usd_per_million_reads - 0.2).abs() < f64::EPSILON);
        for bad in ["", "free", "-1", "0", "inf", "NaN"] {
            assert!(with(bad).unwrap_err().to_string().contains("EFFACE_USD_PER_MILLION_READS"), "{bad}");
        }
    }
}
