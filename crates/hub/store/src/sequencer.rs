//! The one writer of a store: a thread that takes orders in turn, commits in batches, acknowledges last.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::oneshot;

use crate::{
    Batch, BoxFuture, Change, CommitError, Follower, Head, Health, LaterCause, Receipt, Source,
    StateDigest, StateError, StoreError,
};

/// The most changes in one transaction.
pub const BATCH_MAX: usize = 256;

/// The most changes that wait.
pub const QUEUE_MAX: usize = 4_096;

/// The most bytes of payloads and secrets that wait.
pub const QUEUE_SIZE_MAX: usize = 64 << 20;

/// The longest that a batch waits for more changes.
const GATHER_MAX: Duration = Duration::from_millis(1);

/// What writes for a sequencer: the right to write to one store, and the way to do it.
pub trait Pen: Send + 'static {
    /// Decides `changes` and makes what came of them durable, in one transaction.
    ///
    /// # Errors
    /// [`Failure`], for each of the changes.
    fn commit(&mut self, changes: Vec<Change>) -> Result<Batch, Failure>;

    /// Drops all rows and makes them again from the journal, in one transaction.
    ///
    /// # Errors
    /// [`StateError`]; the rows are then what they were.
    fn rebuild(&mut self, source: Source) -> Result<StateDigest, StateError>;

    /// Forgets entries from the lowest on, as [`Store::drop_entries`](crate::Store::drop_entries)
    /// says; `floor` is below the end of the journal.
    ///
    /// # Errors
    /// [`Failure`]; nothing was forgotten.
    fn drop_entries(&mut self, floor: u64) -> Result<u64, Failure>;

    /// How long the sequencer may wait for an order before it calls [`Pen::tend`]; `None`: for ever.
    /// At zero it calls it before the next order, however many wait.
    fn tend_after(&self) -> Option<Duration>;

    /// Sees to what is left to do between orders; what came of it, if anything is to be told.
    fn tend(&mut self) -> Option<Tended>;
}

/// What a pen found while it was tended.
#[derive(Debug)]
pub enum Tended {
    /// The store takes writes; and this batch, of which the authors were told otherwise, is durable.
    Well(Option<Batch>),
    /// The store takes no writes.
    Failing(Failure),
}

/// Why a transaction was not committed.
#[derive(Clone, Debug)]
pub enum Failure {
    /// Another program has taken the pen.
    Fenced,
    /// It may succeed later.
    Later(LaterCause),
}

/// Hands orders to the writer thread of a store. Dropping it finishes what waits, then drops the pen.
pub struct Sequencer {
    /// Taken by `Drop` alone, to let the thread end.
    orders: Option<SyncSender<Order>>,
    writer: Option<JoinHandle<()>>,
    shared: Arc<Shared>,
}

/// What the writer thread is asked to do.
#[derive(Debug)]
enum Order {
    Commit(Change, oneshot::Sender<Result<Receipt, CommitError>>),
    Apart(Apart),
}

/// An order that is carried out alone, after the changes that were given before it.
#[derive(Debug)]
enum Apart {
    Rebuild(Source, oneshot::Sender<Result<StateDigest, StateError>>),
    Drop(u64, oneshot::Sender<Result<u64, CommitError>>),
}

type Waiting = (Change, oneshot::Sender<Result<Receipt, CommitError>>);

/// What the writer thread tells everybody.
#[derive(Debug)]
struct Shared {
    head: Mutex<Head>,
    health: Mutex<Health>,
    queue_size: AtomicUsize,
}

impl Sequencer {
    /// Starts the writer thread with `pen`, after `head`; `follower` hears of each durable entry.
    ///
    /// # Errors
    /// When the system starts no thread.
    pub fn start(pen: impl Pen, head: Head, follower: Arc<dyn Follower>) -> io::Result<Self> {
        let shared = Arc::new(Shared {
            head: Mutex::new(head),
            health: Mutex::new(Health::Appending),
            queue_size: AtomicUsize::new(0),
        });
        let writer = Writer {
            pen,
            follower,
            shared: Arc::clone(&shared),
            pace: Pace::default(),
        };
        let (orders, taken) = sync_channel(QUEUE_MAX);
        let writer = thread::Builder::new()
            .name("store-writer".to_owned())
            .spawn(move || writer.run(&taken))?;
        Ok(Self {
            orders: Some(orders),
            writer: Some(writer),
            shared,
        })
    }

    /// Puts `change` in the queue, then resolves as [`Store::commit`](crate::Store::commit) says.
    pub fn commit(&self, change: Change) -> BoxFuture<'_, Result<Receipt, CommitError>> {
        let submitted = self.submit(change);
        Box::pin(async move {
            let answer = submitted?.await;
            answer.map_err(|_writer_gone| CommitError::Later(LaterCause::Closed))?
        })
    }

    /// Rebuilds the rows when its turn has come.
    pub fn rebuild(&self, source: Source) -> BoxFuture<'_, Result<StateDigest, StateError>> {
        let (reply, answer) = oneshot::channel();
        let sent = self.send(Order::Apart(Apart::Rebuild(source, reply)));
        Box::pin(async move {
            let later = |cause| StateError::Store(StoreError::Later(cause));
            sent.map_err(later)?;
            answer
                .await
                .map_err(|_writer_gone| later(LaterCause::Closed))?
        })
    }

    /// Forgets entries when its turn has come.
    pub fn drop_entries(&self, floor: u64) -> BoxFuture<'_, Result<u64, CommitError>> {
        let (reply, answer) = oneshot::channel();
        let sent = self.send(Order::Apart(Apart::Drop(floor, reply)));
        Box::pin(async move {
            sent.map_err(CommitError::Later)?;
            answer
                .await
                .map_err(|_writer_gone| CommitError::Later(LaterCause::Closed))?
        })
    }

    /// How far the journal reaches.
    pub fn head(&self) -> Head {
        *self.shared.head.lock()
    }

    /// How the last commit went.
    pub fn health(&self) -> Health {
        self.shared.health.lock().clone()
    }

    fn submit(
        &self,
        change: Change,
    ) -> Result<oneshot::Receiver<Result<Receipt, CommitError>>, CommitError> {
        change.check_bounds()?;
        let (reply, answer) = oneshot::channel();
        let size = change.attached_size();
        self.shared.enter_queue(size)?;
        let sent = self.send(Order::Commit(change, reply));
        sent.inspect_err(|_refused| self.shared.leave(size))
            .map_err(CommitError::Later)?;
        Ok(answer)
    }

    fn send(&self, order: Order) -> Result<(), LaterCause> {
        let orders = self.orders.as_ref();
        orders.map_or(Err(LaterCause::Closed), |orders| {
            orders.try_send(order).map_err(|refused| match refused {
                TrySendError::Full(_) => LaterCause::QueueFull,
                TrySendError::Disconnected(_) => LaterCause::Closed,
            })
        })
    }
}

impl Drop for Sequencer {
    fn drop(&mut self) {
        drop(self.orders.take());
        if let Some(writer) = self.writer.take() {
            // A panic was printed where it happened, and health has said `Closed` since.
            drop(writer.join());
        }
    }
}

impl fmt::Debug for Sequencer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sequencer")
            .field("shared", &self.shared)
            .finish_non_exhaustive()
    }
}

/// The writer thread: holds the pen for as long as it lives.
struct Writer<P> {
    pen: P,
    follower: Arc<dyn Follower>,
    shared: Arc<Shared>,
    pace: Pace,
}

/// The last batch: how many changes it had, and how long it took.
#[derive(Debug, Default)]
struct Pace {
    changes: usize,
    took: Duration,
}

impl<P: Pen> Writer<P> {
    /// Takes orders until nobody can give any more and all are carried out.
    fn run(mut self, orders: &Receiver<Order>) {
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
            match last {
                Some(Apart::Rebuild(source, reply)) => answer(reply, self.pen.rebuild(source)),
                Some(Apart::Drop(floor, reply)) => answer(reply, self.drop_entries(floor)),
                None => {}
            }
        }
    }

    /// The next order; until it comes, the pen is tended.
    fn next(&mut self, orders: &Receiver<Order>) -> Option<Order> {
        while let Some(wait) = self.pen.tend_after() {
            if wait.is_zero() {
                self.tend();
                continue;
            }
            match orders.recv_timeout(wait) {
                Ok(order) => return Some(order),
                Err(RecvTimeoutError::Timeout) => self.tend(),
                Err(RecvTimeoutError::Disconnected) => return None,
            }
        }
        orders.recv().ok()
    }

    fn tend(&mut self) {
        match self.pen.tend() {
            Some(Tended::Well(Some(batch))) => self.publish(&batch),
            Some(Tended::Well(None)) => self.shared.set_health(Health::Appending),
            Some(Tended::Failing(failure)) => self.shared.set_health(failure.health()),
            None => {}
        }
    }

    /// Takes what waits, to share one `fdatasync`, up to an order that is carried out alone.
    ///
    /// Callers who were just acknowledged tend to come again at once. A moment is spent on as many
    /// as came last time: an eighth of what a commit takes. A lone caller never waits for company.
    fn gather(&self, first: Order, orders: &Receiver<Order>) -> (Vec<Waiting>, Option<Apart>) {
        let gathering = (self.pace.took / 8).min(GATHER_MAX);
        let started = Instant::now();
        let mut waiting = Vec::with_capacity(BATCH_MAX);
        let mut next = Some(first);
        while let Some(order) = next {
            match order {
                Order::Commit(change, reply) => waiting.push((change, reply)),
                Order::Apart(order) => return (waiting, Some(order)),
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

    fn commit(&mut self, waiting: Vec<Waiting>) {
        let (changes, replies): (Vec<_>, Vec<_>) = waiting.into_iter().unzip();
        self.shared
            .leave(changes.iter().map(Change::attached_size).sum());
        match self.pen.commit(changes) {
            Ok(batch) => {
                self.publish(&batch);
                for (reply, outcome) in replies.into_iter().zip(batch.outcomes) {
                    answer(reply, outcome);
                }
            }
            Err(failure) => {
                self.shared.set_health(failure.health());
                for reply in replies {
                    answer(reply, Err(failure.clone().into()));
                }
            }
        }
    }

    fn drop_entries(&mut self, floor: u64) -> Result<u64, CommitError> {
        if floor >= self.shared.head.lock().size {
            return Err(CommitError::DropsAll);
        }
        Ok(self.pen.drop_entries(floor)?)
    }

    /// Tells the follower, and everybody who asks, of a durable batch.
    fn publish(&self, batch: &Batch) {
        if !batch.committed.is_empty() {
            self.follower.follow(&batch.committed);
        }
        *self.shared.head.lock() = batch.head;
        self.shared.set_health(Health::Appending);
    }
}

/// Tells the author; one who has gone away is not missed.
fn answer<T>(reply: oneshot::Sender<T>, outcome: T) {
    drop(reply.send(outcome));
}

impl Shared {
    fn set_health(&self, health: Health) {
        *self.health.lock() = health;
    }

    fn enter_queue(&self, size: usize) -> Result<(), CommitError> {
        let before = self.queue_size.fetch_add(size, Ordering::Relaxed);
        if before.saturating_add(size) > QUEUE_SIZE_MAX {
            self.leave(size);
            return Err(CommitError::Later(LaterCause::QueueFull));
        }
        Ok(())
    }

    fn leave(&self, size: usize) {
        self.queue_size.fetch_sub(size, Ordering::Relaxed);
    }
}

impl Failure {
    fn health(&self) -> Health {
        match self {
            Self::Fenced => Health::Fenced,
            Self::Later(cause) => Health::Failing(cause.clone()),
        }
    }
}

impl From<Failure> for CommitError {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Fenced => Self::Fenced,
            Failure::Later(cause) => Self::Later(cause),
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
