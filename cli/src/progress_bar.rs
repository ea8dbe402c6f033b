//! Progress on stderr: a bar on a terminal, otherwise a line every 30 seconds. Nothing if the output is JSON.

use std::{
    fmt,
    io::{self, IsTerminal},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, Instant},
};

use indicatif::{HumanBytes, HumanCount, ProgressBar, ProgressState, ProgressStyle};
use tokio::task::AbortHandle;

use crate::{
    output::{is_quiet, note, printable},
    pace::{Pace, Rest, words},
};

/// Without a terminal, how often a line tells how far it is.
const LINES: Duration = Duration::from_secs(30);

/// What is counted.
#[derive(Debug, Clone)]
pub(crate) enum Unit {
    /// Things of this name, in the plural.
    Things(String),
    /// Bytes of a file.
    Bytes,
}

/// A progress bar over a number of units. It disappears when it is dropped.
pub(crate) struct Bar {
    shown: Shown,
    state: Shared,
}

enum Shown {
    Nothing,
    Terminal(ProgressBar),
    Lines(AbortHandle),
}

/// What is shown.
struct State {
    unit: Unit,
    job: Option<String>,
    done: u64,
    total: u64,
    message: String,
    /// Whether nothing is expected to go on at the moment.
    is_held: bool,
    pace: Pace,
    started: Instant,
}

#[derive(Clone)]
struct Shared(Arc<Mutex<State>>);

impl Bar {
    /// Shows the progress of so many things. With `as_json` nothing is shown.
    pub(crate) fn start(unit: &str, as_json: bool) -> Self {
        Self::of(Unit::Things(unit.to_owned()), None, as_json)
    }

    /// Shows the progress of a job. Its id is on the bar and in each line.
    pub(crate) fn of_job(job: &str, unit: &str, as_json: bool) -> Self {
        Self::of(Unit::Things(unit.to_owned()), Some(printable(job)), as_json)
    }

    /// Shows the progress of units.
    pub(crate) fn of(unit: Unit, job: Option<String>, as_json: bool) -> Self {
        let (has_job, started, pace) = (job.is_some(), Instant::now(), Pace::default());
        let state = State { unit, job, done: 0, total: 0, message: String::new(), is_held: false, pace, started };
        let state = Shared(Arc::new(Mutex::new(state)));
        let shown = match io::stderr().is_terminal() {
            _ if as_json || is_quiet() => Shown::Nothing,
            true => Shown::Terminal(bar(&state, has_job)),
            false => Shown::Lines(tokio::spawn(lines(state.clone())).abort_handle()),
        };
        Self { shown, state }
    }

    /// Shows that `done` of `total` units are finished. A total of 0 is one that is not known.
    pub(crate) fn set(&self, done: u64, total: u64, message: &str) {
        self.update(done, total, message, false);
    }

    /// Shows the same of something that goes on only if a person, or the time, lets it.
    pub(crate) fn hold(&self, done: u64, total: u64, message: &str) {
        self.update(done, total, message, true);
    }

    fn update(&self, done: u64, total: u64, message: &str, is_held: bool) {
        self.state.locked().update(done, total, message, is_held);
        if let Shown::Terminal(bar) = &self.shown {
            bar.set_length(total);
            bar.set_position(done);
        }
    }

    /// Prints a line above the bar. With JSON output it is left out.
    pub(crate) fn note(&self, text: &str) {
        match &self.shown {
            Shown::Nothing => {}
            Shown::Terminal(bar) => bar.suspend(|| note(text)),
            Shown::Lines(_) => note(text),
        }
    }
}

impl Drop for Bar {
    /// Clears the bar. The command's output has the final numbers.
    fn drop(&mut self) {
        match &self.shown {
            Shown::Nothing => {}
            Shown::Terminal(bar) => bar.finish_and_clear(),
            Shown::Lines(task) => task.abort(),
        }
    }
}

fn bar(state: &Shared, has_job: bool) -> ProgressBar {
    let template = if has_job { "{title}\n{wide_bar} {counts}" } else { "{wide_bar} {counts}" };
    let style = ProgressStyle::with_template(template).unwrap_or_else(|_| ProgressStyle::default_bar());
    let (titled, counted) = (state.clone(), state.clone());
    let title = move |_: &ProgressState, to: &mut dyn fmt::Write| _ = write!(to, "{}", titled.locked().title());
    let counts = move |_: &ProgressState, to: &mut dyn fmt::Write| {
        let state = counted.locked();
        let message = if state.job.is_none() { state.told() } else { String::new() };
        _ = write!(to, "{}{message}{}", state.counts(), state.rest());
    };
    let bar = ProgressBar::new(0).with_style(style.with_key("title", title).with_key("counts", counts));
    bar.enable_steady_tick(Duration::from_millis(200));
    bar
}

async fn lines(state: Shared) {
    loop {
        tokio::time::sleep(LINES).await;
        let line = state.locked().line();
        note(line);
    }
}

impl Shared {
    fn locked(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn update(&mut self, done: u64, total: u64, message: &str, is_held: bool) {
        let now = self.started.elapsed();
        if is_held || self.is_held {
            self.pace.restart(now);
        }
        self.pace.observe(done, now);
        (self.done, self.total, self.is_held) = (done, total, is_held);
        message.clone_into(&mut self.message);
    }

    /// A line that says everything.
    fn line(&self) -> String {
        let job = self.job.as_ref().map(|job| format!("{job}: ")).unwrap_or_default();
        format!("{job}{}{}{}", self.counts(), self.told(), self.rest())
    }

    fn title(&self) -> String {
        format!("{}{}", self.job.as_deref().unwrap_or_default(), self.told())
    }

    fn counts(&self) -> String {
        match (&self.unit, self.total) {
            (Unit::Bytes, total) => format!("{} of {}", HumanBytes(self.done), HumanBytes(total)),
            (Unit::Things(name), 0) => format!("{} {name}", HumanCount(self.done)),
            (Unit::Things(name), total) => format!("{} of {} {name}", HumanCount(self.done), HumanCount(total)),
        }
    }

    fn told(&self) -> String {
        if self.message.is_empty() { String::new() } else { format!(", {}", self.message) }
    }

    fn rest(&self) -> String {
        match self.pace.rest(self.total, self.started.elapsed()) {
            _ if self.is_held => String::new(),
            Rest::Unknown => String::new(),
            Rest::Left(time) => format!(", about {} left", words(time)),
            Rest::Stalled(time) => format!(", no progress for {}", words(time)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn state(unit: Unit, job: Option<&str>, seconds: u64) -> State {
        let started = Instant::now().checked_sub(Duration::from_secs(seconds)).unwrap();
        let (job, pace) = (job.map(str::to_owned), Pace::default());
        State { unit, job, done: 0, total: 0, message: String::new(), is_held: false, pace, started }
    }

    #[test]
    fn a_line_says_how_far_it_is() {
        let rows = || Unit::Things("rows".to_owned());
        let mut state_of_job = state(rows(), Some("job_1"), 40);
        state_of_job.update(1_200, 5_000, "running: 3 deleted", false);
        assert_eq!(state_of_job.line(), "job_1: 1,200 of 5,000 rows, running: 3 deleted");
        state_of_job.pace = Pace::default();
        state_of_job.pace.observe(0, Duration::ZERO);
        assert_eq!(state_of_job.rest(), ", no progress for 40 s");
        state_of_job.update(1_200, 5_000, "paused: waits for a person", true);
        assert_eq!(state_of_job.line(), "job_1: 1,200 of 5,000 rows, paused: waits for a person");
        let mut moving = state(rows(), None, 40);
        moving.pace.observe(0, Duration::ZERO);
        moving.update(100, 200, "", false);
        assert_eq!(moving.line(), "100 of 200 rows, about 40 s left");
        let mut bytes = state(Unit::Bytes, None, 0);
        bytes.update(1_024, 2_048, "7 lines", false);
        assert_eq!(bytes.line(), "1.00 KiB of 2.00 KiB, 7 lines");
    }
}
