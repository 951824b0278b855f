//! What PostgreSQL's failures mean to a caller.

use std::io;
use std::sync::Arc;

use ironroot_store::{LaterCause, StoreError};
use tokio_postgres::error::{Severity, SqlState};

use crate::passfile::NoPassword;

/// Why the database did not do a step.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DatabaseError {
    /// It said so, or the connection broke.
    #[error(transparent)]
    Said(#[from] tokio_postgres::Error),
    /// It did not answer in time.
    #[error("the database does not answer")]
    NoAnswer,
    /// TLS cannot be set up with the files that the URL names.
    #[error("TLS to the database cannot be set up")]
    Tls(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// There is no password.
    #[error(transparent)]
    Password(#[from] NoPassword),
    /// What it answered does not fit the question.
    #[error("the database's answer makes no sense")]
    Answer,
    /// Another program has taken the pen meanwhile.
    #[error("another program writes to this store now")]
    Ousted,
}

/// Why a store was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// Another program has it open for writing.
    #[error(
        "another hub has it open ({0}); stop that one, or name another database with --store; when it is gone without a word, its place is free within seconds"
    )]
    InUse(String),
    /// PostgreSQL failed, or cannot be reached.
    #[error("the database cannot be used")]
    Database(#[from] DatabaseError),
    /// Acknowledged changes would be lost with the machine.
    #[error("the database runs with fsync=off, which loses what it has acknowledged: turn it on")]
    NotDurable,
    /// The database is one of something else.
    #[error(
        "the database holds tables that are no store of Ironroot; give the store a database of its own"
    )]
    NotAStore,
    /// There is no store in the database.
    #[error("the database holds no store")]
    Absent,
    /// The database is that of a newer program.
    #[error("the store has schema {found}; this program knows schemas up to {known}")]
    NewerSchema {
        /// The schema of the database.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// The store was to be filled from a backup or another store, and is not whole.
    #[error("the store was being filled, and is not whole: restore or migrate again")]
    Unfinished,
    /// A store that is to be filled holds something already.
    #[error("the store is not empty, and what is in it is never overwritten")]
    NotEmpty,
    /// The journal's last entry is damaged.
    #[error("the end of the journal cannot be read")]
    Head(#[source] StoreError),
    /// The rows cannot be read.
    #[error("the store's rows cannot be read")]
    Rows(#[source] StoreError),
    /// A thread could not be started.
    #[error("the store's threads could not be started")]
    Thread(#[source] io::Error),
}

impl DatabaseError {
    /// Whether the database itself refused the statement, so that nothing of it was kept.
    ///
    /// A fatal error can come after the commit, while a replica is waited for.
    pub(crate) fn refused(&self) -> bool {
        let Self::Said(cause) = self else {
            return false;
        };
        let said = cause.as_db_error();
        said.and_then(tokio_postgres::error::DbError::parsed_severity) == Some(Severity::Error)
    }

    fn code(&self) -> Option<&SqlState> {
        match self {
            Self::Said(cause) => cause.code(),
            _ => None,
        }
    }

    /// Whether somebody else holds a lock that is needed.
    pub(crate) fn locked(&self) -> bool {
        self.code() == Some(&SqlState::LOCK_NOT_AVAILABLE)
    }
}

impl From<tokio_postgres::Error> for OpenError {
    fn from(cause: tokio_postgres::Error) -> Self {
        Self::Database(cause.into())
    }
}

/// What a failure means to those whose changes it stopped.
pub(crate) fn later(cause: DatabaseError) -> LaterCause {
    if cause.code() == Some(&SqlState::DISK_FULL) {
        LaterCause::Full(Arc::new(cause))
    } else if cause.locked() {
        LaterCause::Locked(Arc::new(cause))
    } else if cause.refused() {
        LaterCause::Failed(Arc::new(cause))
    } else {
        LaterCause::Away(Arc::new(cause))
    }
}

/// Why a read failed.
pub(crate) fn unreadable(cause: DatabaseError) -> StoreError {
    StoreError::Later(later(cause))
}
