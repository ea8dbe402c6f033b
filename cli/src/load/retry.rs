//! Retries operations while the table throttles or is unavailable, so that a long load survives a short interruption.

use efface_aws::backoff;

use crate::Interrupts;

/// Runs an operation, and repeats it after transient errors until it succeeds, the attempts are used up, or the user
/// wants to stop.
pub(crate) async fn retry<T, E>(
    interrupts: &Interrupts,
    is_transient: impl Fn(&E) -> bool,
    operation: impl AsyncFn() -> Result<T, E>,
) -> Result<T, E> {
    for pause in backoff::LOAD.start() {
        match operation().await {
            Err(error) if is_transient(&error) && !interrupts.requested() => {}
            result => return result,
        }
        tokio::select! {
            () = tokio::time::sleep(pause) => {}
            () = interrupts.reached(1) => {}
        }
    }
    operation().await
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    async fn tries(interrupts: &Interrupts, failures: u32) -> (Result<(), &'static str>, u32) {
        let tried = Cell::new(0);
        let result = retry(
            interrupts,
            |error: &&str| *error == "busy",
            async || {
                tried.set(tried.get() + 1);
                match tried.get() {
                    n if n <= failures => Err("busy"),
                    _ if failures == 0 => Err("broken"),
                    _ => Ok(()),
                }
            },
        )
        .await;
        (result, tried.get())
    }

    #[tokio::test]
    async fn only_transient_errors_are_retried() {
        let never = Interrupts::never();
        assert_eq!(tries(&never, 1).await, (Ok(()), 2));
        assert_eq!(tries(&never, 0).await, (Err("broken"), 1));
    }

    #[tokio::test]
    async fn nothing_is_retried_after_an_interrupt() {
        let (_sender, receiver) = tokio::sync::watch::channel(1);
        assert_eq!(tries(&Interrupts::from_channel(receiver), 9).await, (Err("busy"), 1));
    }
}
