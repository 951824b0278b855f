//! The store's face: orders go to the writer thread, questions to the readers.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};

use ironroot_journal::{Entry, SaltedDigest};
use ironroot_secret::Secret;
use ironroot_store::{
    BoxFuture, Change, CommitError, Dump, DumpError, Follower, Head, Health, IndexedEntry,
    JournalReader, KeyRange, LaterCause, Payload, Projection, RawEntry, Receipt, Row, RowReader,
    StateDigest, StateError, Store, StoreError, Table, Taker,
};
use ironroot_time::Clock;
use parking_lot::Mutex;
use rusqlite::Connection;
use tokio::sync::{Semaphore, oneshot};

use crate::error::unreadable;
use crate::lock::Lock;
use crate::open::take_pen;
use crate::readers::Readers;
use crate::reading::{Stored, raw_entries, secret, state_digest};
use crate::sequencer::{Order, Pace, QUEUE_MAX, QUEUE_SIZE_MAX, Sequencer};
use crate::{OpenError, Settings, dumping, replaying};

/// The most questions that are answered at once; others wait their turn.
const READERS_MAX: usize = 8;

/// A store in one SQLite file. Dropping it finishes what waits, then closes the file.
///
/// Its questions run on tokio's blocking threads, so they must be asked within a tokio runtime.
pub struct SqliteStore {
    /// Taken by `Drop` alone, to let the writer thread end.
    orders: Option<SyncSender<Order>>,
    writer: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
    readers: Arc<Readers>,
    turns: Arc<Semaphore>,
    projection: Arc<dyn Projection>,
}

/// What the writer thread tells everybody.
#[derive(Debug)]
pub(crate) struct Shared {
    head: Mutex<Head>,
    health: Mutex<Health>,
    queue_size: AtomicUsize,
}

impl SqliteStore {
    /// Opens the store for writing, making it if there is none, and starts its writer thread.
    ///
    /// Each entry is folded by `projection` and shown to `follower`; `clock` gives its time.
    ///
    /// # Errors
    /// [`OpenError`] when another program has the store open, when the file is of another program
    /// or a newer one, or when the disk or the database fails.
    pub fn open(
        settings: &Settings,
        clock: Arc<dyn Clock>,
        projection: Arc<dyn Projection>,
        follower: Arc<dyn Follower>,
    ) -> Result<Self, OpenError> {
        let lock = Lock::take(&settings.path)?;
        let pen = take_pen(settings)?;
        let shared = Arc::new(Shared {
            head: Mutex::new(pen.head),
            health: Mutex::new(Health::Appending),
            queue_size: AtomicUsize::new(0),
        });
        let sequencer = Sequencer {
            pen,
            clock,
            projection: Arc::clone(&projection),
            follower,
            shared: Arc::clone(&shared),
            pace: Pace::default(),
            // A program that was killed may have left erased bytes behind.
            scrub_due: true,
            _lock: lock,
        };
        let (orders, taken) = sync_channel(QUEUE_MAX);
        let writer = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || sequencer.run(&taken))
            .map_err(OpenError::Thread)?;
        Ok(Self {
            orders: Some(orders),
            writer: Some(writer),
            shared,
            readers: Arc::new(Readers::new(&settings.path)),
            turns: Arc::new(Semaphore::new(READERS_MAX)),
            projection,
        })
    }

    fn submit(
        &self,
        change: Change,
    ) -> Result<oneshot::Receiver<Result<Receipt, CommitError>>, CommitError> {
        change.check_bounds()?;
        let (reply, answer) = oneshot::channel();
        let size = change.attached_size();
        self.shared.enter_queue(size)?;
        let sent = self.send(Order::Commit(change, reply));
        sent.inspect_err(|_refused| self.shared.leave(size))?;
        Ok(answer)
    }

    fn send(&self, order: Order) -> Result<(), CommitError> {
        let orders = self.orders.as_ref();
        let sent = orders.map_or(Err(LaterCause::Closed), |orders| {
            orders.try_send(order).map_err(|refused| match refused {
                TrySendError::Full(_) => LaterCause::QueueFull,
                TrySendError::Disconnected(_) => LaterCause::Closed,
            })
        });
        sent.map_err(CommitError::Later)
    }

    /// Answers a question on a blocking thread, when its turn has come.
    fn ask<T, E>(
        &self,
        question: impl FnOnce(&mut Connection) -> Result<T, E> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, E>>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (readers, turns) = (Arc::clone(&self.readers), Arc::clone(&self.turns));
        Box::pin(async move {
            let failed = |cause: LaterCause| E::from(StoreError::Later(cause));
            let turn = turns.acquire_owned().await;
            let turn = turn.map_err(|_closed| failed(LaterCause::Closed))?;
            let answered = tokio::task::spawn_blocking(move || {
                let _until_answered = turn;
                readers.with(question)
            });
            let answered = answered.await;
            answered.map_err(|panicked| failed(LaterCause::failed(panicked)))?
        })
    }
}

impl Store for SqliteStore {
    fn commit(&self, change: Change) -> BoxFuture<'_, Result<Receipt, CommitError>> {
        let submitted = self.submit(change);
        Box::pin(async move {
            let answer = submitted?.await;
            answer.map_err(|_writer_gone| CommitError::Later(LaterCause::Closed))?
        })
    }

    fn entries(
        &self,
        from: u64,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<IndexedEntry>, StoreError>> {
        let known = self.head().size;
        self.ask(move |connection| {
            let raw = raw_entries(connection, from, max).map_err(unreadable)?;
            // What is durable but unknown to the follower is not there yet.
            let raw = raw.into_iter().filter(|raw| raw.index < known);
            raw.zip(from..)
                .map(|(raw, index)| parse(&raw, index))
                .collect()
        })
    }

    fn row(&self, table: Table, key: &str) -> BoxFuture<'_, Result<Option<Arc<[u8]>>, StoreError>> {
        let key = key.to_owned();
        self.ask(move |connection| Stored(connection).row(table, &key))
    }

    fn rows(
        &self,
        table: Table,
        range: KeyRange,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        self.ask(move |connection| Stored(connection).rows(table, &range, max))
    }

    fn payload(&self, digest: SaltedDigest) -> BoxFuture<'_, Result<Option<Payload>, StoreError>> {
        self.ask(move |connection| Stored(connection).payload(&digest))
    }

    fn secret(&self, name: &str) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        let name = name.to_owned();
        self.ask(move |connection| secret(connection, &name).map_err(unreadable))
    }

    fn state_digest(&self) -> BoxFuture<'_, Result<StateDigest, StoreError>> {
        self.ask(|connection| state_digest(connection).map_err(unreadable))
    }

    fn verify_state(&self) -> BoxFuture<'_, Result<StateDigest, StateError>> {
        let projection = Arc::clone(&self.projection);
        self.ask(move |connection| replaying::verify(connection, &*projection))
    }

    fn rebuild(&self) -> BoxFuture<'_, Result<StateDigest, StateError>> {
        let (reply, answer) = oneshot::channel();
        let sent = self.send(Order::Rebuild(reply));
        Box::pin(async move {
            let closed = || StateError::Store(StoreError::Later(LaterCause::Closed));
            match sent {
                Ok(()) => answer.await.map_err(|_writer_gone| closed())?,
                Err(CommitError::Later(cause)) => Err(StoreError::Later(cause).into()),
                Err(_) => Err(closed()),
            }
        })
    }

    fn head(&self) -> Head {
        *self.shared.head.lock()
    }

    fn health(&self) -> Health {
        self.shared.health.lock().clone()
    }
}

impl JournalReader for SqliteStore {
    fn size(&self) -> Result<u64, StoreError> {
        Ok(self.head().size)
    }

    fn raw_entries(&self, from: u64, max: usize) -> Result<Vec<RawEntry>, StoreError> {
        self.readers
            .read(|connection| raw_entries(connection, from, max))
    }
}

impl Dump for SqliteStore {
    fn dump(&self, from: u64, take: &mut Taker<'_>) -> Result<(), DumpError> {
        self.readers
            .with(|connection| dumping::dump(connection, from, take))
    }
}

fn parse(raw: &RawEntry, index: u64) -> Result<IndexedEntry, StoreError> {
    if raw.index != index {
        return Err(StoreError::MissingEntry { index });
    }
    let entry = Entry::parse(&raw.bytes).map_err(|cause| StoreError::BadEntry { index, cause })?;
    Ok(IndexedEntry { index, entry })
}

impl Shared {
    pub(crate) fn set(&self, head: Head, health: Health) {
        *self.head.lock() = head;
        self.set_health(health);
    }

    pub(crate) fn set_health(&self, health: Health) {
        *self.health.lock() = health;
    }

    pub(crate) fn leave_queue(&self, changes: &[Change]) {
        self.leave(changes.iter().map(Change::attached_size).sum());
    }

    fn enter_queue(&self, size: usize) -> Result<(), CommitError> {
        let before = self.queue_size.fetch_add(size, Ordering::Relaxed);
        if before.saturating_add(size) > QUEUE_SIZE_MAX {
            self.leave(size);
            return Err(CommitError::Later(LaterCause::QueueFull));
        }
        Ok(())
    }

    fn leave(&self, size: usize) {
        self.queue_size.fetch_sub(size, Ordering::Relaxed);
    }
}

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // The writer closes last: only then is the write-ahead log folded into the file, whole for a backup.
        self.readers.close();
        drop(self.orders.take());
        if let Some(writer) = self.writer.take()
            && writer.join().is_err()
        {
            tracing::error!("The store's writer thread had panicked.");
        }
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("shared", &self.shared)
            .field("readers", &self.readers)
            .finish_non_exhaustive()
    }
}
