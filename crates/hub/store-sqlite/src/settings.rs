//! Where the store lies and how large it may get.

use std::path::PathBuf;

/// How to open a store.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The database file; `-wal`, `-shm` and `.lock` lie beside it.
    pub path: PathBuf,
    /// The largest size of the database file in bytes; `None` leaves it to the disk. The
    /// write-ahead log beside it takes up to about 64 MiB more.
    pub size_max: Option<u64>,
}

impl Settings {
    /// A store at `path` of any size.
    pub fn new(path: impl Into<PathBuf>) -> Self {
        Self {
            path: path.into(),
            size_max: None,
        }
    }
}
