//! The connections that read beside the writer.

use std::path::{Path, PathBuf};

use ironroot_store::StoreError;
use parking_lot::Mutex;
use rusqlite::Connection;

use crate::error::unreadable;
use crate::open::connect_reader;

/// The most connections that are kept open while nobody reads.
const IDLE_MAX: usize = 8;

/// Read-only connections, opened when all others are busy.
#[derive(Debug)]
pub(crate) struct Readers {
    path: PathBuf,
    idle: Mutex<Vec<Connection>>,
}

impl Readers {
    /// Readers of the store at `path`.
    pub(crate) fn new(path: &Path) -> Self {
        Self {
            path: path.to_owned(),
            idle: Mutex::new(Vec::new()),
        }
    }

    /// Closes the connections of the pool.
    pub(crate) fn close(&self) {
        self.idle.lock().clear();
    }

    /// A connection of its own, outside the pool.
    pub(crate) fn connect(&self) -> rusqlite::Result<Connection> {
        connect_reader(&self.path)
    }

    /// Runs `question` on a connection of the pool; it blocks.
    pub(crate) fn read<T>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        self.with(|connection| question(connection).map_err(unreadable))
    }

    /// Runs `work` on a connection of the pool; it blocks.
    pub(crate) fn with<T, E: From<StoreError>>(
        &self,
        work: impl FnOnce(&mut Connection) -> Result<T, E>,
    ) -> Result<T, E> {
        let idle = self.idle.lock().pop();
        let mut connection = match idle {
            Some(connection) => connection,
            None => self.connect().map_err(unreadable)?,
        };
        let done = work(&mut connection);
        let mut idle = self.idle.lock();
        if idle.len() < IDLE_MAX {
            idle.push(connection);
        }
        done
    }
}
