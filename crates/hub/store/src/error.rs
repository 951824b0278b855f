//! Why a store did not do what it was asked.

use std::error::Error;
use std::sync::Arc;

use ironroot_journal::BadEntry;

use crate::Refusal;

/// Why a change was not kept. Nothing of it was.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CommitError {
    /// The projection refused an entry in the present state.
    #[error("the change does not fit the present state")]
    Refused(#[source] Refusal),
    /// A bound on the change is passed.
    #[error("the change has too many {what}: at most {size_max}")]
    TooLarge {
        /// What there is too much of.
        what: &'static str,
        /// How much of it is allowed.
        size_max: usize,
    },
    /// A draft makes no entry: its fields have no canonical text, or too much of it.
    #[error("a draft makes no entry")]
    BadDraft(#[source] BadEntry),
    /// Forgetting entries would leave none, and with it no end of the journal.
    #[error("the store keeps at least its newest entry")]
    DropsAll,
    /// The store cannot append at present; the same change may succeed later.
    #[error("the journal cannot append at present")]
    Later(#[source] LaterCause),
    /// Another program has taken the pen; this one never writes again.
    #[error("another program writes to this store now")]
    Fenced,
}

/// Why the store cannot be written or read at present. A clone shares its cause.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum LaterCause {
    /// The disk, or the size that the settings allow the store, is used up.
    #[error("the store is full; make room on its disk, or raise store.size_max_bytes")]
    Full(#[source] Cause),
    /// More changes wait than the queue takes.
    #[error("too many changes wait already")]
    QueueFull,
    /// Somebody else holds a lock on the database.
    #[error("the database is locked")]
    Locked(#[source] Cause),
    /// The database is on another machine or a process of its own, and does not answer.
    #[error("the database cannot be reached")]
    Away(#[source] Cause),
    /// The disk or the database failed.
    #[error("the store's disk or database failed")]
    Failed(#[source] Cause),
    /// The store is shutting down.
    #[error("the store is closed")]
    Closed,
}

/// What a backend met; shared, because one failed transaction fails many changes.
pub type Cause = Arc<dyn Error + Send + Sync>;

/// Why a store could not be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store cannot be read at present.
    #[error("the store cannot be read at present")]
    Later(#[source] LaterCause),
    /// An entry of the store is missing.
    #[error("entry {index} is missing from the store")]
    MissingEntry {
        /// The index of the entry.
        index: u64,
    },
    /// An entry of the store is damaged.
    #[error("entry {index} of the store is damaged")]
    BadEntry {
        /// The index of the entry.
        index: u64,
        /// What is wrong with it.
        #[source]
        cause: BadEntry,
    },
    /// The store has the entry no more: it is in the archive.
    #[error("entry {index} is in the archive")]
    Archived {
        /// The index of the entry.
        index: u64,
    },
    /// The archive cannot be read, or what it has is not what was signed.
    #[error("the archive does not give the entry")]
    Archive(#[source] Cause),
    /// A payload does not have the digest that it is kept under.
    #[error("a payload of the store is damaged")]
    BadPayload,
}

/// Why the rows could not be compared with, or made again from, the journal.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StateError {
    /// The store failed.
    #[error("the store failed")]
    Store(#[source] StoreError),
    /// An entry that was once taken is refused in the replay.
    #[error("the replay refuses entry {index}")]
    Refused {
        /// The index of the entry.
        index: u64,
        /// Why it is refused.
        #[source]
        refusal: Refusal,
    },
    /// A row is not what the journal says.
    #[error("row {key:?} of table {table:?} is not what the journal says")]
    Differs {
        /// The table.
        table: String,
        /// The key of the first row that differs.
        key: String,
    },
    /// The snapshot that the replay was to start with is damaged, or is another.
    #[error("the snapshot cannot be used")]
    BadBase(#[source] Box<dyn Error + Send + Sync>),
    /// Whoever takes the rows has refused one.
    #[error("the rows cannot be kept")]
    Taker(#[source] Box<dyn Error + Send + Sync>),
    /// Another program has taken the pen.
    #[error("another program writes to this store now")]
    Fenced,
}

impl LaterCause {
    /// The disk or the database failed with `cause`.
    pub fn failed(cause: impl Error + Send + Sync + 'static) -> Self {
        Self::Failed(Arc::new(cause))
    }
}

impl CommitError {
    /// The projection's own error, if it refused with an `R`.
    pub fn refusal<R: Error + 'static>(&self) -> Option<&R> {
        match self {
            Self::Refused(refusal) => refusal.downcast_ref(),
            Self::TooLarge { .. }
            | Self::BadDraft(_)
            | Self::DropsAll
            | Self::Later(_)
            | Self::Fenced => None,
        }
    }

    /// Takes out the projection's own error, if it refused with an `R`.
    ///
    /// # Errors
    /// The same error again when it is something else.
    pub fn into_refusal<R: Error + 'static>(self) -> Result<R, Self> {
        match self {
            Self::Refused(refusal) => refusal.downcast().map_err(Self::Refused),
            other => Err(other),
        }
    }
}

impl From<StoreError> for StateError {
    fn from(cause: StoreError) -> Self {
        Self::Store(cause)
    }
}
