//! The queue in front of the writer is bounded, and a writer that is gone says so.
#![cfg(test)]

use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};

use ironroot_journal::{Entry, SALT_SIZE};
use ironroot_store::{
    ApplyError, Change, CommitError, Draft, Health, LaterCause, PAYLOAD_SIZE_MAX, Payload,
    Projection, QUEUE_MAX, QUEUE_SIZE_MAX, Rows, Store,
};
use ironroot_store_sqlite::{Settings, SqliteStore};
use ironroot_suites::Parts;
use parking_lot::Mutex;
use tempfile::TempDir;

fn store_with(projection: impl Projection + 'static) -> (TempDir, SqliteStore) {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::new(folder.path().join("store.db"));
    let parts = Parts::default();
    let store = SqliteStore::open(&settings, parts.clock, Arc::new(projection), parts.follower);
    (folder, store.unwrap())
}

fn change() -> Change {
    Change::of(Draft::new("any", 1, serde_json::Map::new()))
}

/// Says that it has begun, and takes no entry before it is told to.
struct Gate {
    begun: Mutex<Sender<()>>,
    open: Mutex<Receiver<()>>,
}

impl Projection for Gate {
    fn apply(&self, _: u64, _: &Entry, _: &mut dyn Rows) -> Result<(), ApplyError> {
        // The test has what it wanted, or has opened the gate for good, once these fail.
        self.begun.lock().send(()).unwrap_or_default();
        self.open.lock().recv().unwrap_or_default();
        Ok(())
    }
}

/// A store whose writer is busy with one change, and what lets it go on.
fn busy_store() -> (TempDir, SqliteStore, Sender<()>) {
    let ((begun, has_begun), (open, opened)) = (channel(), channel());
    let (folder, store) = store_with(Gate {
        begun: Mutex::new(begun),
        open: Mutex::new(opened),
    });
    drop(store.commit(change()));
    has_begun.recv().unwrap();
    (folder, store, open)
}

#[tokio::test]
async fn changes_past_the_queue_are_refused_for_now_and_the_others_are_kept() {
    let (_folder, store, open) = busy_store();
    let waiting: Vec<_> = (0..QUEUE_MAX).map(|_| store.commit(change())).collect();
    let refused = store.commit(change()).await;
    assert!(matches!(
        refused,
        Err(CommitError::Later(LaterCause::QueueFull))
    ));
    drop(open);
    for (nth, committed) in waiting.into_iter().enumerate() {
        assert_eq!(committed.await.unwrap().indices.start, 1 + nth as u64);
    }
    store.commit(change()).await.unwrap();
}

#[tokio::test]
async fn bytes_past_the_queue_are_refused_for_now() {
    let (_folder, store, open) = busy_store();
    let large = |salt: usize| {
        let salt = [u8::try_from(salt).unwrap(); SALT_SIZE];
        Change::default().with_payload(Payload::new(salt, vec![0; PAYLOAD_SIZE_MAX]))
    };
    let most = QUEUE_SIZE_MAX / PAYLOAD_SIZE_MAX;
    let waiting: Vec<_> = (0..most).map(|nth| store.commit(large(nth))).collect();
    let refused = store.commit(large(most)).await;
    assert!(matches!(
        refused,
        Err(CommitError::Later(LaterCause::QueueFull))
    ));
    let small = store.commit(change());
    drop(open);
    for committed in waiting {
        committed.await.unwrap();
    }
    small.await.unwrap();
    store.commit(large(most)).await.unwrap();
}

/// Fails as code of ours never should.
struct Panics;

impl Projection for Panics {
    fn apply(&self, _: u64, _: &Entry, _: &mut dyn Rows) -> Result<(), ApplyError> {
        panic!("the fold has a fault")
    }
}

#[tokio::test]
async fn a_writer_that_panicked_keeps_nothing_and_says_so() {
    let (folder, store) = store_with(Panics);
    for _ in 0..2 {
        let closed = store.commit(change()).await;
        assert!(matches!(
            closed,
            Err(CommitError::Later(LaterCause::Closed))
        ));
    }
    assert!(matches!(
        store.health(),
        Health::Failing(LaterCause::Closed)
    ));
    drop(store);
    let parts = Parts::default();
    let settings = Settings::new(folder.path().join("store.db"));
    let store = SqliteStore::open(&settings, parts.clock, parts.projection, parts.follower);
    assert_eq!(store.unwrap().head().size, 0);
}
