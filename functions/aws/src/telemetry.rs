//! Logs: JSON lines on standard output. They never contain an identifier, a token, a path or a body.
//!
//! A request and a message each have a span. A line has the fields of the spans that it is written in, so that each line
//! says which request, or which job, page and chunk, it is about (`docs/operations.md`).

use std::{io, panic};

use tracing::{Event, Subscriber, subscriber};
use tracing_subscriber::{
    Layer,
    filter::LevelFilter,
    fmt::{
        self, FmtContext, FormatEvent, FormatFields, FormattedFields, MakeWriter,
        format::{JsonFields, Writer},
        time::{FormatTime, SystemTime},
    },
    layer::SubscriberExt,
    registry,
    registry::{LookupSpan, Scope},
};

use crate::config::{Lookup, from_env};

/// Where this project's own spans come from. Those of libraries have fields that no line needs.
const OWN: &str = "efface";

/// Starts logging at the level of `AWS_LAMBDA_LOG_LEVEL`, `info` by default and at most, and calls [`quiet_panics`].
pub fn init() {
    // A second call in one process, as tests make, keeps the first logger.
    let _ = subscriber::set_global_default(registry().with(level(&from_env)).with(lines(io::stdout)));
    quiet_panics();
}

/// The level of `AWS_LAMBDA_LOG_LEVEL`. At `debug` and `trace` the SDK logs request bodies, which are personal. So no
/// setting can enable these levels.
pub(crate) fn level(lookup: Lookup<'_>) -> LevelFilter {
    let level = lookup("AWS_LAMBDA_LOG_LEVEL").and_then(|level| level.to_lowercase().parse().ok());
    level.unwrap_or(LevelFilter::INFO).min(LevelFilter::INFO)
}

/// Logs panics by their source location only. A panic's message may quote the data that was being handled.
pub fn quiet_panics() {
    panic::set_hook(Box::new(|info| {
        let location = info.location().map_or_else(|| "unknown".to_owned(), ToString::to_string);
        tracing::error!(location, "panic");
    }));
}

/// Writes each event as one line of JSON: time, level, the fields of its spans and its own fields, all on one level.
pub fn lines<S, W>(writer: W) -> impl Layer<S>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'w> MakeWriter<'w> + 'static,
{
    fmt::layer().fmt_fields(JsonFields::new()).event_format(FlatJson).with_writer(writer)
}

struct FlatJson;

impl<S: Subscriber + for<'a> LookupSpan<'a>> FormatEvent<S, JsonFields> for FlatJson {
    /// An event must not repeat a field of its spans: the line would have it twice.
    fn format_event(
        &self,
        context: &FmtContext<'_, S, JsonFields>,
        mut line: Writer<'_>,
        event: &Event<'_>,
    ) -> std::fmt::Result {
        line.write_str("{\"timestamp\":\"")?;
        SystemTime.format_time(&mut line)?;
        write!(line, "\",\"level\":\"{}\"", event.metadata().level())?;
        let spans = context.event_scope().into_iter().flat_map(Scope::from_root);
        for span in spans.filter(|span| span.metadata().target().starts_with(OWN)) {
            if let Some(fields) = span.extensions().get::<FormattedFields<JsonFields>>() {
                add(&mut line, fields)?;
            }
        }
        let mut fields = String::new();
        context.field_format().format_fields(Writer::new(&mut fields), event)?;
        add(&mut line, &fields)?;
        line.write_str("}\n")
    }
}

/// Adds the fields of a JSON object to the object that the line is.
fn add(line: &mut Writer<'_>, object: &str) -> std::fmt::Result {
    match object.trim_start_matches('{').strip_suffix('}') {
        Some(fields) if !fields.is_empty() => write!(line, ",{fields}"),
        _ => Ok(()),
    }
}
