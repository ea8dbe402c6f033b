//! The Lambda binary of the console.

use efface_console::respond;
use lambda_http::{Error, Request, run_concurrent, service_fn};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run_concurrent(service_fn(|request: Request| async move { respond(&request) })).await
}
