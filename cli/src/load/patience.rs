//! Waiting for a table that throttles or is away for a moment: a long load must not end at the first hiccup.

use std::time::Duration;

use crate::Interrupts;

/// The pauses before an operation is tried again; about half a minute together.
const PAUSES: [u64; 6] = [250, 500, 1_000, 4_000, 8_000, 16_000];

/// Tries an operation again while its error may pass and nobody wants to stop.
pub(crate) async fn patiently<T, E>(
    interrupts: &Interrupts,
    passes: impl Fn(&E) -> bool,
    operation: impl AsyncFn() -> Result<T, E>,
) -> Result<T, E> {
    for pause in PAUSES {
        match operation().await {
            Err(error) if passes(&error) && !interrupts.requested() => {}
            result => return result,
        }
        // Many lines fail together: they must not come back together.
        let pause = Duration::from_millis(pause).mul_f64(0.5 + fastrand::f64());
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
        let result = patiently(
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
    async fn what_passes_is_tried_again_and_what_does_not_is_not() {
        let never = Interrupts::never();
        assert_eq!(tries(&never, 1).await, (Ok(()), 2));
        assert_eq!(tries(&never, 0).await, (Err("broken"), 1));
    }

    #[tokio::test]
    async fn who_wants_to_stop_does_not_wait() {
        let (_sender, receiver) = tokio::sync::watch::channel(1);
        assert_eq!(tries(&Interrupts::from_channel(receiver), 9).await, (Err("busy"), 1));
    }
}
