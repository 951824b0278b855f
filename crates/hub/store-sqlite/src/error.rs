//! What SQLite's failures mean to a caller.

use std::io;
use std::path::PathBuf;

use ironroot_store::{LaterCause, StoreError};
use rusqlite::ErrorCode;

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another program has it open for writing.
    #[error("another hub has it open; stop that one, or name another data directory with --data")]
    InUse {
        /// The database file.
        path: PathBuf,
    },
    /// The file or its lock cannot be opened.
    #[error("the store {path:?} cannot be opened")]
    File {
        /// The file that stands in the way.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// SQLite failed.
    #[error("the database failed")]
    Database(#[source] rusqlite::Error),
    /// The file system does not carry a write-ahead log.
    #[error("the file system does not support a write-ahead log")]
    NoWriteAheadLog,
    /// The file is a database of something else.
    #[error("the file is no store of Ironroot")]
    NotAStore,
    /// The file is that of a newer program.
    #[error("the store has schema {found}; this program knows schemas up to {known}")]
    NewerSchema {
        /// The schema of the file.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// The file was to be filled from a backup or another store, and is not whole.
    #[error("the store was being filled, and is not whole: restore or migrate again")]
    Unfinished,
    /// A store that is to be filled holds something already.
    #[error("the store is not empty, and what is in it is never overwritten")]
    NotEmpty,
    /// The journal's last entry is damaged.
    #[error("the end of the journal cannot be read")]
    Head(#[source] StoreError),
    /// The writer thread could not be started.
    #[error("the writer thread could not be started")]
    Thread(#[source] io::Error),
}

impl From<rusqlite::Error> for OpenError {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Database(cause)
    }
}

/// Why a transaction failed, for each change in it.
pub(crate) fn later(cause: rusqlite::Error) -> LaterCause {
    let code = cause.sqlite_error_code();
    let cause = std::sync::Arc::new(cause);
    match code {
        Some(ErrorCode::DiskFull) => LaterCause::Full(cause),
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => LaterCause::Locked(cause),
        // Codes are SQLite's to add to; whatever else happened, nothing was kept.
        _ => LaterCause::Failed(cause),
    }
}

/// Why a read failed.
pub(crate) fn unreadable(cause: rusqlite::Error) -> StoreError {
    StoreError::Later(later(cause))
}
