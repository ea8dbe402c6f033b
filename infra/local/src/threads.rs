//! Threads of their own for a server in this process, so that it runs while the rest of the process waits, and the other
//! way round.

use std::{future::Future, io, net::SocketAddr};

use tokio::{
    net::TcpListener,
    runtime::{Builder, Runtime},
};

use crate::error::{Context, LocalError};

/// Running threads. What runs on them ends when this value is dropped.
#[derive(Debug)]
pub(crate) struct Threads(Option<Runtime>);

impl Threads {
    pub(crate) fn start(name: &str, count: usize) -> Result<Self, LocalError> {
        let runtime = Builder::new_multi_thread().worker_threads(count).thread_name(name).enable_all().build();
        runtime.map(Some).map(Self).context(format!("starting the threads of {name}"))
    }

    /// A free port of the loopback interface, to be served on these threads.
    pub(crate) fn listen(&self) -> io::Result<(TcpListener, SocketAddr)> {
        let listener = std::net::TcpListener::bind("127.0.0.1:0")?;
        listener.set_nonblocking(true)?;
        let address = listener.local_addr()?;
        // The listener belongs to the runtime that is entered when it is made.
        let _entered = self.0.as_ref().map(Runtime::enter);
        Ok((TcpListener::from_std(listener)?, address))
    }

    pub(crate) fn spawn(&self, server: impl Future<Output = ()> + Send + 'static) {
        if let Some(runtime) = &self.0 {
            drop(runtime.spawn(server));
        }
    }
}

impl Drop for Threads {
    fn drop(&mut self) {
        // Waiting for the threads is not allowed in asynchronous code.
        if let Some(runtime) = self.0.take() {
            runtime.shutdown_background();
        }
    }
}
