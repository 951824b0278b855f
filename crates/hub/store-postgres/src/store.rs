//! The store's face: orders go to the writer thread, questions to the readers.

use std::sync::Arc;

use ironroot_journal::{Entry, SaltedDigest};
use ironroot_secret::Secret;
use ironroot_store::{
    BoxFuture, Change, CommitError, Dump, DumpError, Follower, Head, Health, IndexedEntry,
    JournalReader, KeyRange, LaterCause, Payload, Projection, RawEntry, Receipt, Row, RowReader,
    RowTaker, Sequencer, Source, StateDigest, StateError, Store, StoreError, Table, Taker,
};
use ironroot_time::Clock;
use tokio::sync::Semaphore;

use crate::io::Io;
use crate::pen::Pen;
use crate::readers::Readers;
use crate::reading::{Stored, floor, raw_entries, secret};
use crate::{OpenError, Settings, dumping, replaying};

/// The most questions that are answered at once; others wait their turn.
const READERS_MAX: usize = 8;

/// A store in a PostgreSQL database. Dropping it finishes what waits, then gives the pen up.
pub struct PostgresStore {
    sequencer: Sequencer,
    readers: Arc<Readers>,
    turns: Arc<Semaphore>,
    projection: Arc<dyn Projection>,
    io: Arc<Io>,
}

impl PostgresStore {
    /// Opens the store for writing, making its tables if there are none, and starts its writer
    /// thread. It blocks, wherever it is called.
    ///
    /// Each entry is folded by `projection` and shown to `follower`; `clock` gives its time.
    ///
    /// # Errors
    /// [`OpenError`] when another program has the store open, when the database is of another
    /// program or a newer one, or when it cannot be used.
    pub fn open(
        settings: &Settings,
        clock: Arc<dyn Clock>,
        projection: Arc<dyn Projection>,
        follower: Arc<dyn Follower>,
    ) -> Result<Self, OpenError> {
        let io = Arc::new(Io::start().map_err(OpenError::Thread)?);
        let mut pen = io.wait(Pen::take(
            settings.clone(),
            Arc::clone(&io),
            clock,
            Arc::clone(&projection),
        ))?;
        pen.load().map_err(OpenError::Rows)?;
        let head = pen.head;
        let sequencer = Sequencer::start(pen, head, follower).map_err(OpenError::Thread)?;
        Ok(Self {
            sequencer,
            readers: Arc::new(Readers::new(settings.clone())),
            turns: Arc::new(Semaphore::new(READERS_MAX)),
            projection,
            io,
        })
    }

    /// Answers a question on a blocking thread, when its turn has come.
    fn ask<T, E>(
        &self,
        question: impl FnOnce(Stored<'_>) -> Result<T, E> + Send + 'static,
    ) -> BoxFuture<'_, Result<T, E>>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let (readers, io) = (Arc::clone(&self.readers), Arc::clone(&self.io));
        let turns = Arc::clone(&self.turns);
        Box::pin(async move {
            let failed = |cause: LaterCause| E::from(StoreError::Later(cause));
            let turn = turns.acquire_owned().await;
            let turn = turn.map_err(|_closed| failed(LaterCause::Closed))?;
            let answered = self.io.beside(move || {
                let _until_answered = turn;
                readers.with(&io, question)
            });
            answered.await.map_err(failed)?
        })
    }
}

impl Store for PostgresStore {
    fn commit(&self, change: Change) -> BoxFuture<'_, Result<Receipt, CommitError>> {
        self.sequencer.commit(change)
    }

    fn entries(
        &self,
        from: u64,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<IndexedEntry>, StoreError>> {
        let known = self.head().size;
        self.ask(move |stored| {
            // The entries first: the floor only rises, so one below it was not there to be read.
            let raw = stored.wait(raw_entries(stored.session, from, max))?;
            if max > 0 && from < stored.wait(floor(stored.session))? {
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
        self.ask(move |mut stored| stored.row(table, &key))
    }

    fn rows(
        &self,
        table: Table,
        range: KeyRange,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<Row>, StoreError>> {
        self.ask(move |mut stored| stored.rows(table, &range, max))
    }

    fn payload(&self, digest: SaltedDigest) -> BoxFuture<'_, Result<Option<Payload>, StoreError>> {
        self.ask(move |mut stored| stored.payload(&digest))
    }

    fn secret(&self, name: &str) -> BoxFuture<'_, Result<Option<Secret>, StoreError>> {
        let name = name.to_owned();
        self.ask(move |stored| stored.wait(secret(stored.session, &name)))
    }

    fn state_digest(&self) -> BoxFuture<'_, Result<StateDigest, StoreError>> {
        self.ask(|stored| stored.state_digest())
    }

    fn verify_state(&self, source: Source) -> BoxFuture<'_, Result<StateDigest, StateError>> {
        let projection = Arc::clone(&self.projection);
        self.ask(move |stored| {
            let taken = &mut |_: &str, _: &str, _: &[u8]| Ok(());
            let (digest, _size) = replaying::verify(stored, &*projection, source, taken)?;
            Ok(digest)
        })
    }

    fn verified_rows(&self, source: Source, take: &mut RowTaker<'_>) -> Result<u64, StateError> {
        self.readers.with(&self.io, |stored| {
            let (_digest, size) = replaying::verify(stored, &*self.projection, source, take)?;
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

impl JournalReader for PostgresStore {
    fn size(&self) -> Result<u64, StoreError> {
        Ok(self.head().size)
    }

    fn floor(&self) -> Result<u64, StoreError> {
        self.readers
            .with(&self.io, |stored| stored.wait(floor(stored.session)))
    }

    fn raw_entries(&self, from: u64, max: usize) -> Result<Vec<RawEntry>, StoreError> {
        self.readers.with(&self.io, |stored| {
            stored.wait(raw_entries(stored.session, from, max))
        })
    }
}

impl Dump for PostgresStore {
    fn dump(&self, from: u64, take: &mut Taker<'_>) -> Result<(), DumpError> {
        self.readers
            .with(&self.io, |stored| dumping::dump(stored, from, take))
    }
}

impl Drop for PostgresStore {
    fn drop(&mut self) {
        self.readers.close();
    }
}

fn parse(raw: &RawEntry, index: u64) -> Result<IndexedEntry, StoreError> {
    if raw.index != index {
        return Err(StoreError::MissingEntry { index });
    }
    let entry = Entry::parse(&raw.bytes).map_err(|cause| StoreError::BadEntry { index, cause })?;
    Ok(IndexedEntry { index, entry })
}

impl std::fmt::Debug for PostgresStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("PostgresStore")
            .field("sequencer", &self.sequencer)
            .field("readers", &self.readers)
            .finish_non_exhaustive()
    }
}
