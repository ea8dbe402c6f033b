//! Ctrl-C: the first asks to finish what is in flight, the second to stop at once.

use tokio::sync::watch;

/// How often the user has asked to stop.
#[derive(Clone)]
pub struct Interrupts(watch::Receiver<u8>);

impl Interrupts {
    /// A run that nobody stops.
    pub fn never() -> Self {
        Self(watch::channel(0).1)
    }

    /// Stops by Ctrl-C. From now on Ctrl-C no longer ends the process by itself.
    pub fn on_ctrl_c() -> Self {
        let (sender, receiver) = watch::channel(0_u8);
        tokio::spawn(async move {
            while tokio::signal::ctrl_c().await.is_ok() {
                sender.send_modify(|count: &mut u8| *count = count.saturating_add(1));
            }
        });
        Self(receiver)
    }

    /// Stops when a program says so, by the number that it sends.
    pub fn from_channel(receiver: watch::Receiver<u8>) -> Self {
        Self(receiver)
    }

    /// Whether the user has asked at all.
    pub(crate) fn requested(&self) -> bool {
        *self.0.borrow() > 0
    }

    /// Waits until the user has asked so often.
    pub(crate) async fn reached(&self, count: u8) {
        let mut receiver = self.0.clone();
        if receiver.wait_for(|asked| *asked >= count).await.is_err() {
            // Nobody is left who could ask.
            std::future::pending::<()>().await;
        }
    }
}
