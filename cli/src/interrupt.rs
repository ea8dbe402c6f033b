//! Ctrl-C: the first one asks to finish the work in progress, the second one to stop at once.

use tokio::sync::watch;

/// Counts how many times the user has asked to stop.
#[derive(Clone)]
pub struct Interrupts(watch::Receiver<u8>);

impl Interrupts {
    /// Interrupts that never happen.
    pub fn never() -> Self {
        Self(watch::channel(0).1)
    }

    /// Counts Ctrl-C. From now on, Ctrl-C does not end the process by itself.
    pub fn on_ctrl_c() -> Self {
        let (sender, receiver) = watch::channel(0_u8);
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                sender.send_modify(|count: &mut u8| *count = count.saturating_add(1));
            }
        });
        Self(receiver)
    }

    /// Takes the count from a channel, for tests.
    pub fn from_channel(receiver: watch::Receiver<u8>) -> Self {
        Self(receiver)
    }

    /// Whether the user has asked at least once.
    pub(crate) fn requested(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Waits until the user has asked at least `count` times.
    pub(crate) async fn reached(&self, count: u8) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|requests| *requests >= count).await.is_err() {
            // The sender is gone, so the count stays as it is.
            std::future::pending::<()>().await;
        }
    }
}
