//! The Lambda binary of the log's publisher: it reads the configuration, makes the clients, and handles events.

use std::sync::Arc;

use efface_audit_log::{AuditLog, Event, deadline};
use efface_aws::{
    Journal, client, clock::Clock, config, config::Config, log_queue::LogQueue, log_store::LogStore, metrics::Meter,
    signing_key::SigningKey, telemetry,
};
use efface_engine::log::Publisher;
use lambda_runtime::{Error, LambdaEvent, run_concurrent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    let audit_log = Arc::new(start().inspect_err(|error| tracing::error!(%error, "cannot start"))?);
    run_concurrent(service_fn(move |event: LambdaEvent<Event>| {
        let audit_log = Arc::clone(&audit_log);
        async move { Ok::<_, Error>(audit_log.handle(event.payload, deadline(event.context.deadline())).await?) }
    }))
    .await
}

fn start() -> Result<AuditLog, Error> {
    let lookup: config::Lookup = &config::from_env;
    let config = Config::of_table(lookup, "EFFACE_JOURNAL")?;
    let queue = LogQueue::new(client::queue(&config, &config::required(lookup, "EFFACE_LOG_QUEUE_URL")?));
    let s3 = client::s3(&config, config::endpoint_url(lookup, "AWS_ENDPOINT_URL_S3"));
    let locked = config::required(lookup, "EFFACE_LOG_BUCKET")?;
    let files = LogStore::new(&s3, locked, config::required(lookup, "EFFACE_LOG_PARTIAL_BUCKET")?);
    let kms = client::kms(&config, config::endpoint_url(lookup, "AWS_ENDPOINT_URL_KMS"));
    let key = SigningKey::kms(kms, config::required(lookup, "EFFACE_SIGNING_KEY")?);
    let (origin, interval) = (config::required(lookup, "EFFACE_LOG_ORIGIN")?, config::log_interval(lookup)?);
    let journal = Journal::new(client::dynamodb(&config), config.table);
    let publisher = Publisher::new(journal, files, key, queue, origin, interval, Clock::system());
    Ok(AuditLog::new(publisher).with_meter(Meter::from_env("audit-log")))
}
