//! The questions and orders that every backend answers.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use ironroot_journal::{Entry, SaltedDigest};
use ironroot_secret::Secret;
use ironroot_time::UnixTime;

use crate::{
    Change, CommitError, Dump, KeyRange, LaterCause, Payload, Projection, Receipt, Row, RowTaker,
    Source, StateDigest, StateError, StoreError, Table,
};

/// The most entries that [`Store::drop_entries`] forgets at once: the writer does nothing else meanwhile.
pub const DROP_MAX: u64 = 8_192;

/// A future that a trait object can return.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// A store that is open for writing, which no other program has open so.
pub trait Store: JournalReader + Dump + fmt::Debug {
    /// Commits `change` whole; resolves when it is durable and the follower knows of it.
    ///
    /// The change joins the queue when this is called: dropping the future does not take it back.
    ///
    /// # Errors
    /// [`CommitError`]; nothing of the change was kept. Where the disk failed during the commit
    /// itself, the change can still turn up after a crash, as with every database.
    fn commit(&self, change: Change) -> BoxFuture<'_, Result<Receipt, CommitError>>;

    /// At most `max` entries from index `from` on, in order; empty past the end.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read or an entry is damaged or missing;
    /// [`StoreError::Archived`] below [`JournalReader::floor`].
    fn entries(
        &self,
        from: u64,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<IndexedEntry>, StoreError>>;

    /// The document of one row.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn row(&self, table: Table, key: &str) -> BoxFuture<'_, Result<Option<Arc<[u8]>>, StoreError>>;

    /// The first `max` rows of `range`, in the order of their keys.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn rows(
        &self,
        table: Table,
        range: KeyRange,
        max: usize,
    ) -> BoxFuture<'_, Result<Vec<Row>, StoreError>>;

    /// The payload with this digest; `None` when it was erased or never kept.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read or the payload is damaged.
    fn payload(&self, digest: SaltedDigest) -> BoxFuture<'_, Result<Option<Payload>, StoreError>>;

    /// The secret of this name; `None` when it was shredded or never kept.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn secret(&self, name: &str) -> BoxFuture<'_, Result<Option<Secret>, StoreError>>;

    /// The digest over all rows.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn state_digest(&self) -> BoxFuture<'_, Result<StateDigest, StoreError>>;

    /// Replays the journal beside the rows and compares; returns the digest that both have.
    ///
    /// # Errors
    /// [`StateError`] names the first row that differs, or the entry that the replay stops at.
    fn verify_state(&self, source: Source) -> BoxFuture<'_, Result<StateDigest, StateError>>;

    /// Does the same, and hands each row that agrees to `take`, in the order of tables and keys: all
    /// rows of one moment, which is returned as the number of entries folded into them. It blocks,
    /// and keeps no writer waiting.
    ///
    /// # Errors
    /// [`StateError`] as above; [`StateError::Taker`] when `take` refuses a row.
    fn verified_rows(&self, source: Source, take: &mut RowTaker<'_>) -> Result<u64, StateError>;

    /// Drops all rows and makes them again from the journal, in one transaction.
    ///
    /// # Errors
    /// [`StateError`]; the rows are then what they were.
    fn rebuild(&self, source: Source) -> BoxFuture<'_, Result<StateDigest, StateError>>;

    /// Forgets entries from the lowest on, none with an index of `floor` or more and at most
    /// [`DROP_MAX`] at once; returns the floor reached. Whoever calls this has them elsewhere.
    ///
    /// # Errors
    /// [`CommitError`] when the store cannot be written, or has nothing above `floor`.
    fn drop_entries(&self, floor: u64) -> BoxFuture<'_, Result<u64, CommitError>>;

    /// How far the journal reaches, from memory.
    fn head(&self) -> Head;

    /// How the last commit went, from memory.
    fn health(&self) -> Health;
}

/// The journal as bytes, read by whoever checks it or makes a tree of it. Its calls block.
pub trait JournalReader: Send + Sync {
    /// The index after the last durable entry.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn size(&self) -> Result<u64, StoreError>;

    /// The index of the first entry that the store still has: those below are in the archive.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn floor(&self) -> Result<u64, StoreError>;

    /// At most `max` entries from index `from` on, in order, unchecked; a missing one is left out.
    ///
    /// # Errors
    /// [`StoreError`] when the store cannot be read.
    fn raw_entries(&self, from: u64, max: usize) -> Result<Vec<RawEntry>, StoreError>;
}

/// A store that is open for reading alone: beside a running hub, or with none. Its calls block.
pub trait StoreReader: JournalReader + Dump {
    /// Replays the journal beside the rows and compares; returns the digest that both have.
    ///
    /// # Errors
    /// [`StateError`] names the first row that differs, or the entry that the replay stops at.
    fn verify_state(
        &self,
        projection: &dyn Projection,
        source: Source,
    ) -> Result<StateDigest, StateError>;
}

/// An entry as it is stored; nothing about its bytes has been checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RawEntry {
    /// The index in the journal, from 0.
    pub index: u64,
    /// The bytes.
    pub bytes: Vec<u8>,
}

/// A checked entry and its place.
#[derive(Clone, Debug, PartialEq)]
pub struct IndexedEntry {
    /// The index in the journal, from 0.
    pub index: u64,
    /// The entry.
    pub entry: Entry,
}

/// How far the journal reaches.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Head {
    /// The index after the last durable entry.
    pub size: u64,
    /// The time of the last entry, below which the journal never goes; the epoch when there is none.
    pub at: UnixTime,
}

/// How the last commit went.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Health {
    /// It was kept, or none was tried yet.
    Appending,
    /// It could not be kept, for a reason that may pass.
    Failing(LaterCause),
    /// Another program has taken the pen.
    Fenced,
}
