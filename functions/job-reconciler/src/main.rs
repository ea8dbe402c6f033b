//! The Lambda binary of the job reconciler: it reads the configuration, makes the clients, and runs on each scheduled
//! event.

use std::sync::Arc;

use efface_aws::{Store, client, clock::Clock, config, config::Config, metrics::Meter, telemetry};
use efface_engine::Engine;
use efface_job_reconciler::Reconciler;
use lambda_runtime::{Error, LambdaEvent, run_concurrent, service_fn};
use serde::de::IgnoredAny;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let reconciler = Arc::new(start().inspect_err(|error| tracing::error!(%error, "cannot start"))?);
    run_concurrent(service_fn(move |event: LambdaEvent<IgnoredAny>| {
        let reconciler = Arc::clone(&reconciler);
        async move { Ok::<_, Error>(Box::pin(reconciler.handle(event.context.deadline())).await) }
    }))
    .await
}

fn start() -> Result<Reconciler, Error> {
    let config = Config::from_env()?;
    let queue = client::queue(&config, &config::required(&config::from_env, "EFFACE_QUEUE_URL")?);
    let dead_letters = client::queue(&config, &config::required(&config::from_env, "EFFACE_DEAD_LETTER_QUEUE_URL")?);
    let store = Store::new(client::dynamodb(&config), config.table);
    let reconciler = Reconciler::new(Engine::new(store, queue, Clock::system()), dead_letters);
    Ok(reconciler.with_meter(Meter::from_env("job-reconciler")))
}
