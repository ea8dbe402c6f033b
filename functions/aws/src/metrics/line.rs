//! The line of an invocation.

use std::time::{Duration, SystemTime};

use efface_core::time::Time;
use metrique_writer::{Entry, EntryWriter, MetricFlags, Observation, Unit, Value, ValueWriter, format::Format};
use metrique_writer_format_emf::Emf;

use super::{Counted, Metric, Settings};

/// The only dimension.
const FUNCTION: &str = "Function";

impl Settings {
    pub(super) fn write(&self, counted: &Counted) {
        if *counted == Counted::default() {
            return;
        }
        let mut emf = Emf::builder(self.namespace.clone(), vec![vec![FUNCTION.to_owned()]]).build();
        let now = self.clock.now();
        let line = Line { settings: self, counted, now, timestamp: now.to_string() };
        let mut text = Vec::new();
        match emf.format(&line, &mut text) {
            Ok(()) => (self.sink)(&text),
            Err(error) => tracing::error!(%error, "metrics cannot be written"),
        }
    }
}

/// `timestamp` and `level` are what Lambda reads: it takes a line without them for one of the level INFO.
struct Line<'a> {
    settings: &'a Settings,
    counted: &'a Counted,
    now: Time,
    timestamp: String,
}

impl Entry for Line<'_> {
    fn write<'a>(&'a self, writer: &mut impl EntryWriter<'a>) {
        let millis = u64::try_from(self.now.millis()).unwrap_or_default();
        writer.timestamp(SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
        writer.value("timestamp", self.timestamp.as_str());
        writer.value("level", self.settings.level);
        writer.value(FUNCTION, self.settings.function);
        for (metric, number) in &self.counted.numbers {
            writer.value(metric.name(), &Numbers(&[*number], metric.unit()));
        }
        let times = self.counted.chunk_millis.as_slice();
        if !times.is_empty() {
            writer.value(Metric::ChunkTime.name(), &Numbers(times, Metric::ChunkTime.unit()));
        }
    }
}

/// What was observed of a metric.
struct Numbers<'a>(&'a [u64], Unit);

impl Value for Numbers<'_> {
    fn write(&self, writer: impl ValueWriter) {
        let observed = self.0.iter().map(|number| Observation::Unsigned(*number));
        writer.metric(observed, self.1, [], MetricFlags::empty());
    }
}
