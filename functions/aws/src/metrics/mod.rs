//! Metrics: what one invocation of a function counts, written as one log line in CloudWatch's embedded metric format
//! (EMF), from which CloudWatch makes metrics by itself. `docs/operations.md` lists them.
//!
//! The namespace is the stack's, the only dimension is the function, and the names of the metrics are those of [`Metric`].
//! So their number is bounded, and none of them holds an id. What counts something calls [`add`]; it need not know whether
//! an invocation is measured, as what logs a line need not know its span.

mod line;
mod name;
mod store_requests;

use std::{cell::RefCell, collections::BTreeMap, fmt, io, io::Write, sync::Arc, time::Duration};

use efface_core::job::{Action, Counts, Outcome};
use tokio::task_local;
use tracing_subscriber::filter::LevelFilter;

use crate::{
    clock::Clock,
    config::{Lookup, from_env},
    telemetry,
};

pub use name::Metric;
pub(crate) use store_requests::StoreRequests;

task_local! {
    static INVOCATION: RefCell<Counted>;
}

/// What an invocation has counted so far.
#[derive(Debug, Default, PartialEq, Eq)]
struct Counted {
    numbers: BTreeMap<Metric, u64>,
    chunk_millis: Vec<u64>,
}

/// Adds to a metric of the invocation that is measured now. The metric is written even if its sum is 0.
pub fn add(metric: Metric, number: u64) {
    change(|counted| *counted.numbers.entry(metric).or_default() += number);
}

/// Raises a metric to at least this.
pub fn raise(metric: Metric, number: u64) {
    change(|counted| {
        let largest = counted.numbers.entry(metric).or_default();
        *largest = number.max(*largest);
    });
}

/// Counts rows that were decided, by outcome. Those of a dry run have deleted nothing, so they are counted apart.
pub fn rows(action: Action, is_dry_run: bool, decided: &Counts) {
    for outcome in Outcome::ALL {
        let rows = u64::try_from(decided.of(outcome)).unwrap_or_default();
        if rows == 0 {
            continue;
        }
        add(if is_dry_run { Metric::DryRunRows } else { Metric::Rows(action, outcome) }, rows);
        if outcome == Outcome::Failed {
            add(Metric::RowsFailed, rows);
        }
    }
}

/// Notes how long the worker was busy with a chunk.
pub fn chunk_took(time: Duration) {
    let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
    change(|counted| counted.chunk_millis.push(millis));
}

/// Counts a response that denied the request.
pub fn response(status: u16) {
    let denial = match status {
        401 => Metric::Unauthorized,
        403 => Metric::Forbidden,
        429 => Metric::RateLimited,
        _ => return,
    };
    add(denial, 1);
}

/// Outside of an invocation that is measured, nothing is counted.
fn change(change: impl FnOnce(&mut Counted)) {
    _ = INVOCATION.try_with(|counted| change(&mut counted.borrow_mut()));
}

/// Where the lines of a function go.
pub type Sink = Arc<dyn Fn(&[u8]) + Send + Sync>;

/// What measures the invocations of one function.
#[derive(Clone)]
pub struct Meter(Option<Arc<Settings>>);

struct Settings {
    namespace: String,
    function: &'static str,
    /// The level that the lines name, so that Lambda keeps them.
    level: &'static str,
    clock: Clock,
    sink: Sink,
}

impl Meter {
    /// Measures nothing.
    pub fn off() -> Self {
        Self(None)
    }

    /// Measures a function, with the namespace `EFFACE_METRICS_NAMESPACE`. Without it, nothing is measured.
    pub fn from_env(function: &'static str) -> Self {
        let stdout: Sink = Arc::new(|line| _ = io::stdout().lock().write_all(line));
        Self::from_lookup(&from_env, function, Clock::system(), stdout)
    }

    /// The same with another source of settings, clock and sink.
    pub fn from_lookup(lookup: Lookup<'_>, function: &'static str, clock: Clock, sink: Sink) -> Self {
        // Lambda drops lines below the level that the stack sets. No other line of Efface has the level FATAL.
        let level = if telemetry::level(lookup) >= LevelFilter::INFO { "INFO" } else { "FATAL" };
        let settings = |namespace| Arc::new(Settings { namespace, function, level, clock, sink });
        Self(lookup("EFFACE_METRICS_NAMESPACE").map(settings))
    }

    /// Carries an invocation out, and writes its line if it has counted anything.
    pub async fn measure<T>(&self, invocation: impl Future<Output = T>) -> T {
        let Some(settings) = &self.0 else { return invocation.await };
        let measured = async {
            let result = invocation.await;
            (result, INVOCATION.with(RefCell::take))
        };
        let (result, counted) = INVOCATION.scope(RefCell::default(), Box::pin(measured)).await;
        settings.write(&counted);
        result
    }
}

impl fmt::Debug for Meter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Meter")
    }
}
