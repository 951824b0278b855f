//! An empty file that is filled from a dump, and refuses to be a store before it is whole.

use std::sync::Arc;

use ironroot_store::{Intake, LoadError, Loader, Moment, Part, Projection, Source};
use rusqlite::{Connection, params};

use crate::error::unreadable;
use crate::lock::Lock;
use crate::open::take_empty;
use crate::reading::to_sql;
use crate::writing::cut_write_ahead_log;
use crate::{OpenError, Settings, replaying, schema};

/// After how many parts what was taken in is committed.
const COMMIT_PARTS: usize = 1_024;

/// A store in one SQLite file that takes a dump.
pub struct SqliteLoader {
    connection: Connection,
    projection: Arc<dyn Projection>,
    intake: Intake,
    /// Parts in the open transaction.
    waiting: usize,
    /// Given back after the connection is closed: fields are dropped in order.
    _lock: Lock,
}

impl SqliteLoader {
    /// Opens an empty store, or one that an earlier loader left unfinished, which is emptied.
    ///
    /// # Errors
    /// [`OpenError::NotEmpty`] when anything is in the store, and what
    /// [`SqliteStore::open`](crate::SqliteStore::open) refuses with.
    pub fn open(settings: &Settings, projection: Arc<dyn Projection>) -> Result<Self, OpenError> {
        let lock = Lock::take(&settings.path)?;
        Ok(Self {
            connection: take_empty(settings)?,
            projection,
            intake: Intake::default(),
            waiting: 0,
            _lock: lock,
        })
    }

    fn write(&mut self, part: Part) -> rusqlite::Result<()> {
        if self.waiting == 0 {
            self.connection.execute_batch("BEGIN IMMEDIATE")?;
        }
        match part {
            Part::Moment(_) => {}
            Part::Secret { name, secret } => {
                let sql = "INSERT INTO secrets (name, bytes) VALUES (?1, ?2)";
                let mut keep = self.connection.prepare_cached(sql)?;
                keep.execute(params![name, secret.expose()])?;
            }
            Part::Payload(payload) => {
                let sql = "INSERT INTO payloads (digest, salt, bytes) VALUES (?1, ?2, ?3)";
                let mut keep = self.connection.prepare_cached(sql)?;
                let (digest, salt) = (payload.digest().as_bytes(), payload.salt());
                keep.execute(params![digest, salt, payload.bytes()])?;
            }
            Part::Entry(entry) => {
                let sql = "INSERT INTO entries (idx, bytes) VALUES (?1, ?2)";
                let mut append = self.connection.prepare_cached(sql)?;
                append.execute(params![to_sql(entry.index), entry.bytes])?;
            }
        }
        self.waiting += 1;
        if self.waiting >= COMMIT_PARTS {
            self.commit()?;
        }
        Ok(())
    }

    fn commit(&mut self) -> rusqlite::Result<()> {
        if self.waiting > 0 {
            self.connection.execute_batch("COMMIT")?;
            self.waiting = 0;
        }
        Ok(())
    }
}

impl Loader for SqliteLoader {
    fn load(&mut self, part: Part) -> Result<(), LoadError> {
        self.intake.admit(&part)?;
        Ok(self.write(part).map_err(unreadable)?)
    }

    fn finish(mut self: Box<Self>) -> Result<Moment, LoadError> {
        let moment = self.intake.complete()?;
        self.commit().map_err(unreadable)?;
        // This commit makes the ones before it durable too: they lie in the same write-ahead log.
        let full = self.connection.pragma_update(None, "synchronous", "FULL");
        full.map_err(unreadable)?;
        let transaction = self.connection.transaction().map_err(unreadable)?;
        let state = replaying::rebuild(&transaction, &*self.projection, Source::default())?;
        moment.check_state(state)?;
        schema::end_loading(&transaction).map_err(unreadable)?;
        transaction.commit().map_err(unreadable)?;
        cut_write_ahead_log(&self.connection).map_err(unreadable)?;
        Ok(moment)
    }
}

impl std::fmt::Debug for SqliteLoader {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("SqliteLoader")
            .field("intake", &self.intake)
            .finish_non_exhaustive()
    }
}
