//! The one writer thread: takes changes in turn, commits them in batches, acknowledges last.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use ironroot_store::{
    Batch, Change, CommitError, Follower, Head, Health, LaterCause, Overlay, Projection, Receipt,
    StateDigest, StateError, StoreError, decide,
};
use ironroot_time::Clock;
use rusqlite::{Connection, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use crate::error::{later, unreadable};
use crate::lock::Lock;
use crate::open::Pen;
use crate::reading::{Stored, journal_size};
use crate::replaying;
use crate::store::Shared;
use crate::writing::{Destroyed, cut_write_ahead_log, write};

/// The most changes in one transaction.
pub const BATCH_MAX: usize = 256;

/// The most changes that wait.
pub const QUEUE_MAX: usize = 4_096;

/// The most bytes of payloads and secrets that wait.
pub const QUEUE_SIZE_MAX: usize = 64 << 20;

/// How long to wait before the write-ahead log is cut again, when a reader was in the way.
const SCRUB_RETRY: Duration = Duration::from_millis(100);

/// The longest that a batch waits for more changes.
const GATHER_MAX: Duration = Duration::from_millis(1);

/// What the writer thread is asked to do.
#[derive(Debug)]
pub(crate) enum Order {
    Commit(Change, oneshot::Sender<Result<Receipt, CommitError>>),
    Rebuild(Rebuild),
}

/// The writer: holds the pen for as long as it lives.
pub(crate) struct Sequencer {
    pub(crate) pen: Pen,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) projection: Arc<dyn Projection>,
    pub(crate) follower: Arc<dyn Follower>,
    pub(crate) shared: Arc<Shared>,
    pub(crate) pace: Pace,
    /// Whether erased bytes may still lie in the write-ahead log.
    pub(crate) scrub_due: bool,
    /// Given back after the connection is closed: fields are dropped in order.
    pub(crate) _lock: Lock,
}

/// The last batch: how many changes it had, and how long it took.
#[derive(Debug, Default)]
pub(crate) struct Pace {
    changes: usize,
    took: Duration,
}

/// Why a transaction was not committed.
enum Failure {
    Fenced,
    Later(LaterCause),
}

impl From<rusqlite::Error> for Failure {
    fn from(cause: rusqlite::Error) -> Self {
        Self::Later(later(cause))
    }
}

impl Sequencer {
    /// Takes orders until nobody can give any more and all are carried out.
    pub(crate) fn run(mut self, orders: &Receiver<Order>) {
        let _closed = Closed(Arc::clone(&self.shared));
        while let Some(first) = self.next(orders) {
            let (waiting, last) = self.gather(first, orders);
            if !waiting.is_empty() {
                let started = Instant::now();
                let changes = waiting.len();
                self.commit(waiting);
                let took = started.elapsed();
                self.pace = Pace { changes, took };
            }
            if let Some(reply) = last {
                answer(reply, self.rebuild());
            }
        }
    }

    /// Takes what waits, to share one `fdatasync`, up to an order to rebuild.
    ///
    /// Callers who were just acknowledged tend to come again at once. A moment is spent on as many
    /// as came last time: an eighth of what a commit takes. A lone caller never waits for company.
    fn gather(&self, first: Order, orders: &Receiver<Order>) -> (Vec<Waiting>, Option<Rebuild>) {
        let gathering = (self.pace.took / 8).min(GATHER_MAX);
        let started = Instant::now();
        let mut waiting = Vec::with_capacity(BATCH_MAX);
        let mut next = Some(first);
        while let Some(order) = next {
            match order {
                Order::Commit(change, reply) => waiting.push((change, reply)),
                Order::Rebuild(reply) => return (waiting, Some(reply)),
            }
            next = if waiting.len() >= BATCH_MAX {
                None
            } else if waiting.len() < self.pace.changes {
                let left = gathering.saturating_sub(started.elapsed());
                orders.recv_timeout(left).ok()
            } else {
                orders.try_recv().ok()
            };
        }
        (waiting, None)
    }

    fn next(&mut self, orders: &Receiver<Order>) -> Option<Order> {
        while self.scrub_due {
            match orders.recv_timeout(SCRUB_RETRY) {
                Ok(order) => return Some(order),
                Err(RecvTimeoutError::Timeout) => self.scrub(),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        orders.recv().ok()
    }

    fn commit(&mut self, waiting: Vec<Waiting>) {
        let (changes, replies): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        self.shared.leave_queue(&changes);
        match self.transact(changes) {
            Ok(batch) => {
                if !batch.committed.is_empty() {
                    self.follower.follow(&batch.committed);
                }
                self.pen.head = batch.head;
                self.shared.set(batch.head, Health::Appending);
                if self.scrub_due {
                    self.scrub();
                }
                for (reply, outcome) in replies.into_iter().zip(batch.outcomes) {
                    answer(reply, outcome);
                }
            }
            Err(failure) => {
                self.shared.set(self.pen.head, failure.health());
                for reply in replies {
                    answer(reply, Err(failure.commit_error()));
                }
            }
        }
    }

    /// Decides and writes `changes`; when this returns a batch, it is durable.
    fn transact(&mut self, changes: Vec<Change>) -> Result<Batch, Failure> {
        let pen = &mut self.pen;
        let transaction = begin(&mut pen.connection, pen.fence, pen.head)?;
        let mut overlay = Overlay::new(Stored(&transaction));
        let (now, projection) = (self.clock.now(), &*self.projection);
        let batch = decide(changes, pen.head, now, projection, &mut overlay);
        // After some failures SQLite rolls back by itself; each write would then commit alone.
        if transaction.is_autocommit() {
            return Err(Failure::Later(LaterCause::failed(RolledBack)));
        }
        let destroyed = write(&transaction, &batch, overlay.into_parts().1)?;
        transaction.commit()?;
        self.scrub_due |= destroyed == Destroyed::Something;
        Ok(batch)
    }

    fn rebuild(&mut self) -> Result<StateDigest, StateError> {
        let pen = &mut self.pen;
        let transaction = begin(&mut pen.connection, pen.fence, pen.head)?;
        let digest = replaying::rebuild(&transaction, &*self.projection)?;
        transaction.commit().map_err(unreadable)?;
        Ok(digest)
    }

    /// Folds the write-ahead log into the file and cuts it, unless a reader is in the way.
    fn scrub(&mut self) {
        match cut_write_ahead_log(&self.pen.connection) {
            Ok(done) => self.scrub_due = !done,
            Err(error) => {
                tracing::warn!(%error, "Erased bytes stay in the write-ahead log for now.");
            }
        }
    }
}

type Rebuild = oneshot::Sender<Result<StateDigest, StateError>>;

type Waiting = (Change, oneshot::Sender<Result<Receipt, CommitError>>);

/// Tells the author; one who has gone away is not missed.
fn answer<T>(reply: oneshot::Sender<T>, outcome: T) {
    drop(reply.send(outcome));
}

/// Begins to write, unless somebody else has taken the pen or has written.
fn begin(connection: &mut Connection, fence: i64, head: Head) -> Result<Transaction<'_>, Failure> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let raised: i64 = transaction
        .prepare_cached("SELECT value FROM meta WHERE name = 'fence'")?
        .query_row([], |row| row.get(0))?;
    if raised != fence || journal_size(&transaction)? != head.size {
        return Err(Failure::Fenced);
    }
    Ok(transaction)
}

/// SQLite ended the transaction while it was being decided.
#[derive(Debug, thiserror::Error)]
#[error("the database rolled the transaction back")]
struct RolledBack;

impl Failure {
    fn commit_error(&self) -> CommitError {
        match self {
            Self::Fenced => CommitError::Fenced,
            Self::Later(cause) => CommitError::Later(cause.clone()),
        }
    }

    fn health(&self) -> Health {
        match self {
            Self::Fenced => Health::Fenced,
            Self::Later(cause) => Health::Failing(cause.clone()),
        }
    }
}

impl From<Failure> for StateError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Fenced => Self::Fenced,
            Failure::Later(cause) => Self::Store(StoreError::Later(cause)),
        }
    }
}

/// Says that nobody writes any more, however the thread ends.
struct Closed(Arc<Shared>);

impl Drop for Closed {
    fn drop(&mut self) {
        self.0.set_health(Health::Failing(LaterCause::Closed));
    }
}
