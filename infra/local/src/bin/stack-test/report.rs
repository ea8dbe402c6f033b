//! What held and what did not.

use std::fmt;

use efface_local::console::say;

/// Counts.
#[derive(Debug, Default)]
pub(crate) struct Report {
    passed: u32,
    failed: u32,
}

impl Report {
    /// Notes whether something holds; `found` is told where it does not.
    pub(crate) fn check(&mut self, what: &str, holds: bool, found: impl fmt::Display) {
        if holds {
            self.passed += 1;
            say(format_args!("ok      {what}"));
        } else {
            self.failed += 1;
            say(format_args!("FAILED  {what}: {found}"));
        }
    }

    pub(crate) fn is_good(&self) -> bool {
        self.failed == 0 && self.passed > 0
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} passed, {} failed", self.passed, self.failed)
    }
}
