//! The Lambda binary of the capture: it reads the configuration, makes the clients, and handles batches.

use std::sync::Arc;

use efface_aws::{
    Journal, aside_queue::AsideQueue, client, clock::Clock, config, config::Config, log_queue::LogQueue,
    metrics::Meter, store::stream::StreamEvent, telemetry,
};
use efface_change_capture::{ChangeCapture, deadline};
use efface_engine::journal::JournalWriter;
use lambda_runtime::{Error, LambdaEvent, run_concurrent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let capture = Arc::new(start().inspect_err(|error| tracing::error!(%error, "cannot start"))?);
    run_concurrent(service_fn(move |event: LambdaEvent<StreamEvent>| {
        let capture = Arc::clone(&capture);
        async move { Ok::<_, Error>(capture.handle(event.payload, deadline(event.context.deadline())).await?) }
    }))
    .await
}

fn start() -> Result<ChangeCapture, Error> {
    let lookup: config::Lookup = &config::from_env;
    let config = Config::of_table(lookup, "EFFACE_JOURNAL")?;
    let aside = AsideQueue::new(client::queue(&config, &config::required(lookup, "EFFACE_ASIDE_QUEUE_URL")?));
    let publisher = lookup("EFFACE_LOG_QUEUE_URL").map(|url| LogQueue::new(client::queue(&config, &url)));
    let writer = JournalWriter::new(Journal::new(client::dynamodb(&config), config.table), publisher);
    Ok(ChangeCapture::new(writer, aside, Clock::system()).with_meter(Meter::from_env("change-capture")))
}
