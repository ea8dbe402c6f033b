//! The process of the HTTP function: it reads its settings, opens a connection and handles events.

use std::sync::Arc;

use efface_api::{App, Keys, event::EventSource};
use efface_aws::{Store, client, clock::Clock, config, config::Config, metrics::Meter, pricing, telemetry};
use lambda_runtime::{Error, LambdaEvent, run_concurrent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let app = Arc::new(start().await.inspect_err(|error| tracing::error!(%error, "cannot start"))?);
    run_concurrent(service_fn(move |event: LambdaEvent<_>| {
        let app = Arc::clone(&app);
        async move { Ok::<_, Error>(app.handle(event.payload).await) }
    }))
    .await
}

/// Reads the settings and compares the identifier key with the one that the table was made with. This also opens the
/// connection to the table.
async fn start() -> Result<App, Error> {
    let source = EventSource::from_lookup(&config::from_env)?;
    let (config, key) = (Config::from_env()?, config::identifier_key(&config::from_env)?);
    let log_key = config::log_key(&config::from_env)?;
    let journal = client::journal(&config, &config::from_env)?;
    config::check_keys_differ(&key, &log_key)?;
    let queue = client::queue(&config, &config::required(&config::from_env, "EFFACE_QUEUE_URL")?);
    let store = Store::new(client::dynamodb(&config), config.table);
    store.verify_key(&key).await?;
    let pricing = pricing::from_lookup(&config::from_env)?;
    let app = App::new(store, queue, Keys { identifiers: key, log: log_key }, Clock::system(), source);
    let app = match journal {
        Some((journal, files, publisher)) => app.with_journal(journal, files, publisher),
        None => app,
    };
    Ok(app.with_pricing(pricing).with_meter(Meter::from_env("api")))
}
