//! What a replay is made from: a snapshot of the rows or nothing, and every entry after it.

use std::error::Error;
use std::fmt;
use std::sync::Arc;

use crate::{JournalReader, RawEntry, StateDigest, StateError, StateHasher, StoreError};

/// What a replay is made from. By default: the store's own entries, from the first.
#[derive(Default)]
pub struct Source {
    /// The rows to start with; without them a replay starts with no row, at the first entry.
    pub base: Option<Box<dyn Base>>,
    /// Who has the entries that the store has no more.
    pub archive: Option<Arc<dyn JournalReader>>,
}

/// The rows as they were after the first entries of the journal: a snapshot, read once.
pub trait Base: Send {
    /// How many entries are folded into the rows.
    fn size(&self) -> u64;

    /// The digest that the journal has recorded of the rows.
    fn digest(&self) -> StateDigest;

    /// The next row, in the order of tables and keys; `None` after the last.
    ///
    /// # Errors
    /// Whatever is wrong with the snapshot.
    fn next_row(&mut self) -> Result<Option<StateRow>, Box<dyn Error + Send + Sync>>;
}

/// A row with the name of its table, as a snapshot has it: nobody has checked that the table is known.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct StateRow {
    /// The name of the table.
    pub table: Box<str>,
    /// The key, unique in its table.
    pub key: Box<str>,
    /// The document.
    pub value: Box<[u8]>,
}

/// Who takes rows, one by one: table, key, document.
pub type RowTaker<'a> =
    dyn FnMut(&str, &str, &[u8]) -> Result<(), Box<dyn Error + Send + Sync>> + 'a;

impl Source {
    /// Hands the rows of the base to `put`; returns the index of the first entry to be replayed.
    /// `size` is how many entries the journal has.
    ///
    /// # Errors
    /// [`StateError::BadBase`] when the base cannot be read to its end, or is not what the journal
    /// recorded: then nothing that `put` took may be kept.
    pub fn load_base(
        &mut self,
        size: u64,
        mut put: impl FnMut(&StateRow) -> Result<(), StoreError>,
    ) -> Result<u64, StateError> {
        let Some(base) = &mut self.base else {
            return Ok(0);
        };
        if base.size() > size {
            return Err(StateError::BadBase(Box::new(PastTheEnd)));
        }
        let mut hasher = StateHasher::default();
        while let Some(row) = base.next_row().map_err(StateError::BadBase)? {
            hasher.row(&row.table, &row.key, &row.value);
            put(&row)?;
        }
        if hasher.finish() != base.digest() {
            return Err(StateError::BadBase(Box::new(OtherRows)));
        }
        Ok(base.size())
    }

    /// Entries from index `next` on, from the archive where the store begins after it.
    ///
    /// # Errors
    /// [`StoreError`] when they cannot be read, and when nobody has them.
    pub fn entries(
        &self,
        next: u64,
        floor: u64,
        max: usize,
        own: impl FnOnce(u64, usize) -> Result<Vec<RawEntry>, StoreError>,
    ) -> Result<Vec<RawEntry>, StoreError> {
        if next >= floor {
            return own(next, max);
        }
        let index = next;
        let archive = self.archive.as_ref();
        let archive = archive.ok_or(StoreError::Archived { index })?;
        let entries = archive.raw_entries(next, max)?;
        if entries.is_empty() {
            return Err(StoreError::MissingEntry { index });
        }
        Ok(entries)
    }
}

impl fmt::Debug for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Source")
            .field("base", &self.base.as_ref().map(|base| base.size()))
            .field("archive", &self.archive.is_some())
            .finish()
    }
}

/// The rows of a snapshot do not have the digest that the journal recorded.
#[derive(Debug, thiserror::Error)]
#[error("its rows are not the ones that the journal recorded")]
struct OtherRows;

/// A snapshot of entries that the journal does not have.
#[derive(Debug, thiserror::Error)]
#[error("it is of more entries than the journal has")]
struct PastTheEnd;
