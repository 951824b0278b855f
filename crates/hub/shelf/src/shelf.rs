//! The queue of steps, and the thread that writes them.

use std::collections::VecDeque;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::task::Waker;
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ironroot_broker::shelf::{Found, Shelf, Step, Ticket};
use parking_lot::{Condvar, Mutex};
use rusqlite::Connection;

use crate::writing::write;
use crate::{OpenError, file, reading};

/// The most steps in one transaction.
const BATCH_MAX: usize = 4_096;

/// How many steps may wait before the broker takes no more messages for sessions that outlive the hub.
const WAITING_MAX: u64 = 65_536;

/// How long the thread waits after the file could not be written.
const RETRY: Duration = Duration::from_millis(500);

/// Sessions kept in one SQLite file.
#[derive(Debug)]
pub struct SqliteShelf {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    queue: Mutex<Queue>,
    /// A step was noted, or the shelf is to be closed.
    work: Condvar,
    /// The ticket of the last step that was noted; changed under the queue's lock.
    noted: AtomicU64,
    durable: AtomicU64,
    /// The file could not be written at the last try.
    failing: AtomicBool,
}

#[derive(Debug, Default)]
struct Queue {
    steps: VecDeque<Step>,
    waiting: Vec<(Ticket, Waker)>,
    closing: bool,
}

impl SqliteShelf {
    /// Opens the file at `path`, or makes it, and reads what it has kept.
    ///
    /// # Errors
    /// [`OpenError`] says what is wrong with the file.
    pub fn open(path: &Path) -> Result<(Self, Found), OpenError> {
        let connection = file::open(path)?;
        let found = reading::read(&connection)?;
        let shared = Arc::new(Shared::default());
        let writing = shared.clone();
        let writer = thread::Builder::new()
            .name("shelf-writer".to_owned())
            .spawn(move || writing.run(connection))
            .map_err(OpenError::Thread)?;
        let shelf = Self {
            shared,
            writer: Some(writer),
        };
        Ok((shelf, found))
    }
}

impl Shelf for SqliteShelf {
    fn note(&self, step: Step) -> Ticket {
        let mut queue = self.shared.queue.lock();
        queue.steps.push_back(step);
        let before = self.shared.noted.fetch_add(1, Ordering::Relaxed);
        self.shared.work.notify_one();
        Ticket(before + 1)
    }

    fn durable(&self) -> Ticket {
        Ticket(self.shared.durable.load(Ordering::Acquire))
    }

    fn wake_at(&self, ticket: Ticket, waker: &Waker) {
        let mut queue = self.shared.queue.lock();
        if ticket <= self.durable() {
            drop(queue);
            waker.wake_by_ref();
            return;
        }
        let known = queue
            .waiting
            .iter()
            .any(|(at, known)| *at == ticket && known.will_wake(waker));
        if !known {
            queue.waiting.push((ticket, waker.clone()));
        }
    }

    fn is_full(&self) -> bool {
        let noted = self.shared.noted.load(Ordering::Relaxed);
        let waiting = noted.saturating_sub(self.durable().0);
        self.shared.failing.load(Ordering::Relaxed) || waiting >= WAITING_MAX
    }
}

impl Shared {
    /// Writes until the shelf is closed and nothing waits, or what waits cannot be written.
    fn run(&self, mut connection: Connection) {
        let mut batch = Vec::new();
        while self.next(&mut batch) {
            match write(&mut connection, &batch) {
                Ok(()) => self.settle(&mut batch),
                Err(cause) if self.give_up(&cause) => return,
                Err(_again) => {}
            }
        }
    }

    /// Waits for steps and adds them to `batch`; false when there is nothing to write any more.
    fn next(&self, batch: &mut Vec<Step>) -> bool {
        let mut queue = self.queue.lock();
        while batch.is_empty() && queue.steps.is_empty() {
            if queue.closing {
                return false;
            }
            self.work.wait(&mut queue);
        }
        let room = BATCH_MAX.saturating_sub(batch.len()).min(queue.steps.len());
        batch.extend(queue.steps.drain(..room));
        true
    }

    /// The batch is durable: wakes whoever waits for it.
    fn settle(&self, batch: &mut Vec<Step>) {
        let durable = self.durable.load(Ordering::Relaxed) + batch.len() as u64;
        batch.clear();
        let mut queue = self.queue.lock();
        self.durable.store(durable, Ordering::Release);
        if self.failing.swap(false, Ordering::Relaxed) {
            tracing::info!("MQTT sessions are written to disk again.");
        }
        let due: Vec<_> = queue
            .waiting
            .extract_if(.., |(ticket, _)| ticket.0 <= durable)
            .collect();
        drop(queue);
        for (_, waker) in due {
            waker.wake();
        }
    }

    /// Notes a failure, and waits before the next try; true when there is to be none.
    fn give_up(&self, cause: &rusqlite::Error) -> bool {
        let mut queue = self.queue.lock();
        if !self.failing.swap(true, Ordering::Relaxed) {
            tracing::error!(error = %cause, "MQTT sessions cannot be written to disk; what rests on that waits.");
        }
        let not_closing = |queue: &mut Queue| !queue.closing;
        self.work.wait_while_for(&mut queue, not_closing, RETRY);
        queue.closing
    }
}

impl Drop for SqliteShelf {
    fn drop(&mut self) {
        self.shared.queue.lock().closing = true;
        self.shared.work.notify_one();
        // Whoever was woken may have been the last to hold the shelf: then this is that thread.
        let own = |writer: &JoinHandle<()>| writer.thread().id() == thread::current().id();
        if let Some(writer) = self.writer.take().filter(|writer| !own(writer))
            && writer.join().is_err()
        {
            tracing::error!("The thread that writes MQTT sessions had panicked.");
        }
    }
}
