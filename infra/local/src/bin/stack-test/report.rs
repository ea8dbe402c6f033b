//! The results of the checks.

use std::fmt;

use efface_local::console::say;

/// The numbers of checks that passed and failed.
#[derive(Debug, Default)]
pub(crate) struct Report {
    passed: u32,
    failed: u32,
}

impl Report {
    /// Counts and prints the result of a check. `found` is printed if it failed.
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
