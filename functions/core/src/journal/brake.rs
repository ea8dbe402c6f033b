//! The brake: when a batch of changes fails instead of putting records aside that cannot be read.
//!
//! One item that was changed by hand must not stop a shard. Many at once, and new ones, are a sign of another kind: a later
//! version writes, and this one reads. That passes when the deployment is complete or taken back, so the records wait for it in
//! the stream. Half of the day for which a stream keeps them is the limit.

use crate::time::Time;

/// So many unreadable records of a batch are put aside in any case.
pub const FEW: usize = 3;

/// Records older than so many seconds are put aside in any case.
pub const PATIENCE_SECONDS: i64 = 12 * 3_600;

/// Whether a batch fails: it has more than a few records whose items cannot be read, and the newest of these is young. `times`
/// are those of the records, as far as they say; `now` is the time of the reader.
pub fn holds(times: &[Option<Time>], now: Time) -> bool {
    let newest = times.iter().flatten().max();
    times.len() > FEW && newest.is_some_and(|newest| *newest > now.plus_seconds(-PATIENCE_SECONDS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::deletion::tests::at;

    #[test]
    fn many_young_records_hold_a_batch() {
        let now = 100_000;
        let (old, young) = (Some(at(now - PATIENCE_SECONDS)), Some(at(now - PATIENCE_SECONDS + 1)));
        for (times, expected) in [
            (vec![], false),
            (vec![young; 3], false),
            (vec![young; 4], true),
            (vec![old; 4], false),
            (vec![old, old, old, young], true),
            (vec![None; 100], false),
            (vec![None, None, None, young], true),
        ] {
            assert_eq!(holds(&times, at(now)), expected, "{times:?}");
        }
    }
}
