//! The list of steps, with their times, that a user sees until the service is ready.

use std::{
    io::{self, Write},
    time::Instant,
};

use crate::{console::say, error::LocalError};

/// How steps are shown.
#[derive(Debug, Clone, Copy)]
pub struct Steps {
    /// Whether other output comes between the lines at any time.
    pub is_verbose: bool,
}

/// A line that has no end yet. It ends when this value is dropped.
struct OpenLine;

impl Steps {
    /// Carries out a step that prints nothing.
    pub async fn run<T>(self, name: &str, work: impl Future<Output = Result<T, LocalError>>) -> Result<T, LocalError> {
        if self.is_verbose {
            return self.run_loud(name, work).await;
        }
        let started = Instant::now();
        _ = write!(io::stderr(), "{name} ... ");
        let line = OpenLine;
        let done = work.await?;
        _ = write!(io::stderr(), "{}", seconds(started));
        drop(line);
        Ok(done)
    }

    /// Carries out a step whose own output is shown, so its name comes before and after it.
    pub async fn run_loud<T>(
        self,
        name: &str,
        work: impl Future<Output = Result<T, LocalError>>,
    ) -> Result<T, LocalError> {
        let started = Instant::now();
        say(format_args!("{name} ..."));
        let done = work.await?;
        say(format_args!("{name} ... {}", seconds(started)));
        Ok(done)
    }
}

impl Drop for OpenLine {
    fn drop(&mut self) {
        say("");
    }
}

fn seconds(since: Instant) -> String {
    format!("{:.1} s", since.elapsed().as_secs_f64())
}
