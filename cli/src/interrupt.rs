//! Ctrl-C and SIGTERM: the first one asks to finish the work in progress, the second one to stop at once.

use std::sync::{
    Arc,
    atomic::{AtomicBool, Ordering},
};

use tokio::sync::watch;

use crate::exit;

/// Counts how many times the user, or the system, has asked to stop.
#[derive(Clone)]
pub struct Interrupts {
    count: watch::Receiver<u8>,
    /// Whether the first of them was SIGTERM.
    is_terminated: Arc<AtomicBool>,
}

impl Interrupts {
    /// Interrupts that never happen.
    pub fn never() -> Self {
        Self::from_channel(watch::channel(0).1)
    }

    /// Counts Ctrl-C and SIGTERM. From now on, they do not end the process by themselves.
    pub fn on_signals() -> Self {
        let (sender, receiver) = watch::channel(0_u8);
        let interrupts = Self::from_channel(receiver);
        let is_terminated = Arc::clone(&interrupts.is_terminated);
        // Listened for from here on, not from when the task runs first.
        let mut signals = Signals::listen();
        tokio::spawn(async move {
            while let Some(is_term) = signals.next().await {
                let is_first = *sender.borrow() == 0;
                is_terminated.fetch_or(is_first && is_term, Ordering::Relaxed);
                sender.send_modify(|count: &mut u8| *count = count.saturating_add(1));
            }
        });
        interrupts
    }

    /// Takes the count from a channel, for tests.
    pub fn from_channel(receiver: watch::Receiver<u8>) -> Self {
        Self { count: receiver, is_terminated: Arc::default() }
    }

    /// Whether somebody has asked at least once.
    pub(crate) fn requested(&self) -> bool {
        *self.count.borrow() > 0
    }

    /// Waits until somebody has asked at least `count` times.
    pub(crate) async fn reached(&self, count: u8) {
        let mut receiver = self.count.clone();
        if receiver.wait_for(|requests| *requests >= count).await.is_err() {
            // The sender is gone, so the count stays as it is.
            std::future::pending::<()>().await;
        }
    }

    /// The exit code of a command that was stopped.
    pub(crate) fn exit_code(&self) -> u8 {
        if self.is_terminated.load(Ordering::Relaxed) { exit::TERMINATED } else { exit::INTERRUPTED }
    }
}

/// The signals that ask to stop.
#[cfg(unix)]
struct Signals {
    interrupt: Option<tokio::signal::unix::Signal>,
    terminate: Option<tokio::signal::unix::Signal>,
}

#[cfg(unix)]
impl Signals {
    fn listen() -> Self {
        use tokio::signal::unix::{SignalKind, signal};
        Self { interrupt: signal(SignalKind::interrupt()).ok(), terminate: signal(SignalKind::terminate()).ok() }
    }

    /// Waits for the next one: whether it is SIGTERM. `None` if there will be none.
    async fn next(&mut self) -> Option<bool> {
        let Self { interrupt: Some(interrupt), terminate: Some(terminate) } = self else { return None };
        tokio::select! {
            received = interrupt.recv() => received.map(|()| false),
            received = terminate.recv() => received.map(|()| true),
        }
    }
}

/// Elsewhere there is only Ctrl-C.
#[cfg(not(unix))]
struct Signals;

#[cfg(not(unix))]
impl Signals {
    fn listen() -> Self {
        Self
    }

    async fn next(&mut self) -> Option<bool> {
        tokio::signal::ctrl_c().await.ok().map(|()| false)
    }
}
