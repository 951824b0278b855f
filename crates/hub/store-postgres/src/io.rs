//! The runtime that connections live on, and how those who block wait for what runs there.

use std::future::Future;
use std::io;
use std::thread;

use ironroot_store::LaterCause;
use tokio::runtime::{Builder, Handle, Runtime};

/// A small runtime of the store's own: its timers and sockets work whoever asks, from wherever.
#[derive(Debug)]
pub(crate) struct Io {
    /// Taken by `Drop` alone.
    runtime: Option<Runtime>,
    handle: Handle,
}

impl Io {
    pub(crate) fn start() -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("store-postgres")
            .enable_all()
            .build()?;
        Ok(Self {
            handle: runtime.handle().clone(),
            runtime: Some(runtime),
        })
    }

    /// Waits for `future`, wherever this is called: where a runtime would refuse to wait, another
    /// thread does it.
    pub(crate) fn wait<T: Send>(&self, future: impl Future<Output = T> + Send) -> T {
        if Handle::try_current().is_err() {
            return self.handle.block_on(future);
        }
        let done = thread::scope(|scope| scope.spawn(|| self.handle.block_on(future)).join());
        done.unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    }

    /// Runs `work`, which blocks, beside the runtime; resolves on any executor.
    pub(crate) async fn beside<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, LaterCause> {
        let done = self.handle.spawn_blocking(work).await;
        done.map_err(LaterCause::failed)
    }
}

impl Drop for Io {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Without waiting: this may be dropped where nobody may wait.
            runtime.shutdown_background();
        }
    }
}
