//! The Lambda binary of the bulk worker: it reads the configuration, makes the clients, and handles batches.

use std::sync::Arc;

use aws_lambda_events::sqs::SqsEvent;
use efface_aws::{Store, client, clock::Clock, config, config::Config, metrics::Meter, telemetry};
use efface_bulk_worker::{Worker, deadline};
use efface_engine::Engine;
use lambda_runtime::{Error, LambdaEvent, run_concurrent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let worker = Arc::new(start().inspect_err(|error| tracing::error!(%error, "cannot start"))?);
    run_concurrent(service_fn(move |event: LambdaEvent<SqsEvent>| {
        let worker = Arc::clone(&worker);
        async move { Ok::<_, Error>(worker.handle(event.payload, deadline(event.context.deadline())).await?) }
    }))
    .await
}

fn start() -> Result<Worker, Error> {
    let config = Config::from_env()?;
    let queue = client::queue(&config, &config::required(&config::from_env, "EFFACE_QUEUE_URL")?);
    let store = Store::new(client::dynamodb(&config), config.table);
    Ok(Worker::new(Engine::new(store, queue, Clock::system())).with_meter(Meter::from_env("bulk-worker")))
}
