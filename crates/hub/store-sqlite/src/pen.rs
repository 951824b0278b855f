//! The pen: decides and writes on the one connection that may, and sees to what was erased.

use std::sync::Arc;
use std::time::Duration;

use ironroot_store::{
    Batch, Change, DROP_MAX, Failure, Head, LaterCause, Overlay, Projection, Source, StateDigest,
    StateError, Tended, decide,
};
use ironroot_time::Clock;
use rusqlite::{Connection, Transaction, TransactionBehavior};

use crate::error::{later, unreadable};
use crate::lock::Lock;
use crate::reading::{Stored, journal_size};
use crate::writing::{Destroyed, cut_write_ahead_log, write};
use crate::{reading, replaying, writing};

/// How long to wait before the write-ahead log is cut again, when a reader was in the way.
const SCRUB_RETRY: Duration = Duration::from_millis(100);

/// The connection that writes, the fence it raised, and where the journal ends.
pub(crate) struct Pen {
    pub(crate) connection: Connection,
    pub(crate) fence: i64,
    pub(crate) head: Head,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) projection: Arc<dyn Projection>,
    /// Whether erased bytes may still lie in the write-ahead log.
    pub(crate) scrub_due: bool,
    /// Given back after the connection is closed: fields are dropped in order.
    pub(crate) _lock: Lock,
}

impl ironroot_store::Pen for Pen {
    fn commit(&mut self, changes: Vec<Change>) -> Result<Batch, Failure> {
        let transaction = begin(&mut self.connection, self.fence, self.head)?;
        let mut overlay = Overlay::new(Stored(&transaction));
        let (now, projection) = (self.clock.now(), &*self.projection);
        let batch = decide(changes, self.head, now, projection, &mut overlay);
        // After some failures SQLite rolls back by itself; each write would then commit alone.
        if transaction.is_autocommit() {
            return Err(Failure::Later(LaterCause::failed(RolledBack)));
        }
        let rows = overlay.into_parts().1;
        let destroyed = write(&transaction, &batch, rows).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        self.head = batch.head;
        self.scrub_due |= destroyed == Destroyed::Something;
        if self.scrub_due {
            self.scrub();
        }
        Ok(batch)
    }

    fn rebuild(&mut self, source: Source) -> Result<StateDigest, StateError> {
        let transaction = begin(&mut self.connection, self.fence, self.head)?;
        let digest = replaying::rebuild(&transaction, &*self.projection, source)?;
        transaction.commit().map_err(unreadable)?;
        Ok(digest)
    }

    fn drop_entries(&mut self, floor: u64) -> Result<u64, Failure> {
        let transaction = begin(&mut self.connection, self.fence, self.head)?;
        let lowest = reading::floor(&transaction).map_err(failed)?;
        let floor = floor.clamp(lowest, lowest.saturating_add(DROP_MAX));
        writing::drop_entries(&transaction, floor).map_err(failed)?;
        transaction.commit().map_err(failed)?;
        Ok(floor)
    }

    fn tend_after(&self) -> Option<Duration> {
        self.scrub_due.then_some(SCRUB_RETRY)
    }

    fn tend(&mut self) -> Option<Tended> {
        self.scrub();
        None
    }
}

impl Pen {
    /// Folds the write-ahead log into the file and cuts it, unless a reader is in the way.
    fn scrub(&mut self) {
        match cut_write_ahead_log(&self.connection) {
            Ok(done) => self.scrub_due = !done,
            Err(error) => {
                tracing::warn!(%error, "Erased bytes stay in the write-ahead log for now.");
            }
        }
    }
}

/// Begins to write, unless somebody else has taken the pen or has written.
fn begin(connection: &mut Connection, fence: i64, head: Head) -> Result<Transaction<'_>, Failure> {
    let transaction = connection
        .transaction_with_behavior(TransactionBehavior::Immediate)
        .map_err(failed)?;
    if raised_fence(&transaction).map_err(failed)? != fence
        || journal_size(&transaction).map_err(failed)? != head.size
    {
        return Err(Failure::Fenced);
    }
    Ok(transaction)
}

fn raised_fence(transaction: &Transaction<'_>) -> rusqlite::Result<i64> {
    transaction
        .prepare_cached("SELECT value FROM meta WHERE name = 'fence'")?
        .query_row([], |row| row.get(0))
}

fn failed(cause: rusqlite::Error) -> Failure {
    Failure::Later(later(cause))
}

/// SQLite ended the transaction while it was being decided.
#[derive(Debug, thiserror::Error)]
#[error("the database rolled the transaction back")]
struct RolledBack;
