//! The threads that sessions live on: few, and each session stays on its own.
//!
//! Where threads steal work from each other, nearly every message wakes a second one to look for some: a
//! fifth of what a message costs at a steady pace. Sessions have little work each, so nothing is stolen here,
//! and a message from one session to another on the same thread wakes nobody. Handshakes stay with the runtime
//! that accepts connections, so that a fleet that reconnects does not hold up messages.

use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};
use std::task::{Context, Poll};
use std::{io, thread};

use tokio::runtime::{Builder, Handle};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

/// The threads of one door; they end with it.
#[derive(Debug)]
pub struct SessionThreads(Vec<SessionThread>);

#[derive(Debug)]
struct SessionThread {
    runtime: Handle,
    /// How many sessions live on it.
    sessions: AtomicUsize,
    /// The thread ends when this is dropped.
    _stays: oneshot::Sender<()>,
}

impl SessionThreads {
    /// Starts so many; for 0, one for every two processors.
    ///
    /// # Errors
    /// When the system gives no thread.
    pub fn start(count: usize) -> io::Result<Self> {
        let count = match count {
            0 => thread::available_parallelism()?.get().div_ceil(2),
            count => count,
        };
        let threads: io::Result<_> = (0..count).map(SessionThread::start).collect();
        Ok(Self(threads?))
    }

    /// Runs what `begin` makes, if anything, on the thread with the fewest sessions. When this is dropped, that
    /// ends too.
    pub(super) async fn run<F>(&self, begin: impl FnOnce() -> Option<F> + Send + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let fewest = |thread: &&SessionThread| thread.sessions.load(Relaxed);
        if let Some(thread) = self.0.iter().min_by_key(fewest) {
            let _counted = Counted::on(&thread.sessions);
            // Made where it runs: sockets and timers belong to the runtime that they are made on.
            let running = thread.runtime.spawn(async move {
                if let Some(session) = begin() {
                    session.await;
                }
            });
            Running(running).await;
        }
    }
}

impl SessionThread {
    fn start(number: usize) -> io::Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build()?;
        let handle = runtime.handle().clone();
        let (stays, until) = oneshot::channel();
        let thread = thread::Builder::new().name(format!("mqtt-{number}"));
        thread.spawn(move || drop(runtime.block_on(until)))?;
        Ok(Self {
            runtime: handle,
            sessions: AtomicUsize::new(0),
            _stays: stays,
        })
    }
}

/// One more among the sessions of a thread, until it is dropped.
struct Counted<'a>(&'a AtomicUsize);

impl<'a> Counted<'a> {
    fn on(sessions: &'a AtomicUsize) -> Self {
        sessions.fetch_add(1, Relaxed);
        Self(sessions)
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Relaxed);
    }
}

/// A task that ends when this is dropped, and whose panic goes on here.
struct Running(JoinHandle<()>);

impl Future for Running {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        Pin::new(&mut self.0).poll(cx).map(|ended| {
            if let Err(cause) = ended
                && let Ok(panic) = cause.try_into_panic()
            {
                resume_unwind(panic);
            }
        })
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;
    use std::sync::Arc;
    use std::thread::{ThreadId, current};

    use super::*;

    async fn thread_of(threads: &Arc<SessionThreads>) -> (ThreadId, JoinHandle<()>) {
        let (tell, told) = oneshot::channel();
        let threads = threads.clone();
        let begin = move || {
            tell.send(current().id()).unwrap();
            Some(pending())
        };
        let session = tokio::spawn(async move { threads.run(begin).await });
        (told.await.unwrap(), session)
    }

    #[tokio::test]
    async fn sessions_are_spread_and_none_runs_where_connections_are_accepted() {
        let threads = Arc::new(SessionThreads::start(2).unwrap());
        let (first, first_session) = thread_of(&threads).await;
        let (second, _session) = thread_of(&threads).await;
        assert!(first != second && first != current().id() && second != current().id());
        first_session.abort();
        assert!(first_session.await.unwrap_err().is_cancelled());
        let (third, _session) = thread_of(&threads).await;
        assert_eq!(third, first, "the one that has become free");
    }

    #[tokio::test]
    async fn a_session_ends_with_the_task_that_waits_for_it() {
        struct Tells(Option<oneshot::Sender<()>>);
        impl Drop for Tells {
            fn drop(&mut self) {
                let _sent = self.0.take().map(|tell| tell.send(()));
            }
        }
        let threads = Arc::new(SessionThreads::start(1).unwrap());
        let (tell, told) = oneshot::channel();
        let (started, starts) = oneshot::channel();
        let tells = Tells(Some(tell));
        let session = tokio::spawn(async move {
            let begin = move || {
                started.send(()).unwrap();
                Some(async move {
                    let _tells = tells;
                    pending::<()>().await;
                })
            };
            threads.run(begin).await;
        });
        starts.await.unwrap();
        session.abort();
        told.await.unwrap();
    }

    #[tokio::test]
    async fn a_panic_goes_on_where_it_is_noted() {
        let threads = SessionThreads::start(1).unwrap();
        let session = tokio::spawn(async move {
            threads.run(|| Some(async { panic!("a fault") })).await;
        });
        assert!(session.await.unwrap_err().is_panic());
    }
}
