//! The process of the function: settings, one connection, then events.

use efface_aws::telemetry;
use lambda_runtime::{Error, LambdaEvent, run_concurrent, service_fn};
use serde_json::{Value, json};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::init();
    run_concurrent(service_fn(async |_: LambdaEvent<Value>| Ok::<_, Error>(json!({ "batchItemFailures": [] })))).await
}
