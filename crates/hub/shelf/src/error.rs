//! Why the file of kept sessions is not used.

use std::io;

/// Why the file was not opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum OpenError {
    /// The system does not let us.
    #[error("the file cannot be made or opened")]
    File(#[source] io::Error),
    /// SQLite failed.
    #[error("the file cannot be read; moved away, every session begins anew")]
    Database(#[from] rusqlite::Error),
    /// It is that of a newer program.
    #[error("the file has schema {found}; this program knows schemas up to {known}")]
    NewerSchema {
        /// The schema of the file.
        found: i64,
        /// The newest schema that this program knows.
        known: i64,
    },
    /// The thread that writes could not be started.
    #[error("the thread that writes could not be started")]
    Thread(#[source] io::Error),
}
