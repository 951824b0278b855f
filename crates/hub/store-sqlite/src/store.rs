//! The store's face: orders go to the writer thread, questions to the readers.

use std::fmt;
use std::sync::Arc;

use ironroot_journal::{Entry, SaltedDigest};
use ironroot_secret::Secret;
use ironroot_store::{
    BoxFuture, Change, CommitError, Dump, DumpError, Follower, Head, Health, IndexedEntry,
    JournalReader, KeyRange, LaterCause, Payload, Projection, RawEntry, Receipt, Row, RowReader,
    RowTaker, Sequencer, Source, StateDigest, StateError, Store, StoreError, Table, Taker,
};
use ironroot_time::Clock;
use rusqlite::Connection;
use tokio::sync::Semaphore;

use crate::error::unreadable;
use crate::lock::Lock;
use crate::open::take_pen;
use crate::readers::Readers;
use crate::reading::{Stored, floor, raw_entries, secret, state_digest};
use crate::{OpenError, Settings, dumping, replaying};

/// The most questions that are answered at once; others wait their turn.
const READERS_MAX: usize = 8;

/// A store in one SQLite file. Dropping it finishes what waits, then closes the file.
///
/// Its questions run on tokio's blocking threads, so they must be asked within a tokio runtime.
pub struct SqliteStore {
    sequencer: Sequencer,
    readers: Arc<Readers>,
    turns: Arc<Semaphore>,
    projection: Arc<dyn Projection>,
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
        let pen = take_pen(settings, lock, clock, Arc::clone(&projection))?;
        let head = pen.head;
        let sequencer = Sequencer::start(pen, head, follower).map_err(OpenError::Thread)?;
        Ok(Self {
            sequencer,
            readers: Arc::new(Readers::new(&settings.path)),
            turns: Arc::new(Semaphore::new(READERS_MAX)),
            projection,
        })
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
        self.sequencer.commit(change)
    }

    fn entries(
        &self,
        from: u64,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<IndexedEntry>, StoreError>> {
        let known = self.head().size;
        self.ask(move |connection| {
            // The entries first: the floor only rises, so one below it was not there to be read.
            let raw = raw_entries(connection, from, max).map_err(unreadable)?;
            if max > 0 && from < floor(connection).map_err(unreadable)? {
                return Err(StoreError::Archived { index: from });
            }
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

    fn verify_state(&self, source: Source) -> BoxFuture<'_, Result<StateDigest, StateError>> {
        let projection = Arc::clone(&self.projection);
        self.ask(move |connection| {
            let taken = &mut |_: &str, _: &str, _: &[u8]| Ok(());
            let (digest, _size) = replaying::verify(connection, &*projection, source, taken)?;
            Ok(digest)
        })
    }

    fn verified_rows(&self, source: Source, take: &mut RowTaker<'_>) -> Result<u64, StateError> {
        self.readers.with(|connection| {
            let (_digest, size) = replaying::verify(connection, &*self.projection, source, take)?;
            Ok(size)
        })
    }

    fn rebuild(&self, source: Source) -> BoxFuture<'_, Result<StateDigest, StateError>> {
        self.sequencer.rebuild(source)
    }

    fn drop_entries(&self, floor: u64) -> BoxFuture<'_, Result<u64, CommitError>> {
        self.sequencer.drop_entries(floor)
    }

    fn head(&self) -> Head {
        self.sequencer.head()
    }

    fn health(&self) -> Health {
        self.sequencer.health()
    }
}

impl JournalReader for SqliteStore {
    fn size(&self) -> Result<u64, StoreError> {
        Ok(self.head().size)
    }

    fn floor(&self) -> Result<u64, StoreError> {
        self.readers.read(floor)
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

impl Drop for SqliteStore {
    fn drop(&mut self) {
        // The writer closes last: only then is the write-ahead log folded into the file, whole for a backup.
        self.readers.close();
    }
}

impl fmt::Debug for SqliteStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SqliteStore")
            .field("sequencer", &self.sequencer)
            .field("readers", &self.readers)
            .finish_non_exhaustive()
    }
}
