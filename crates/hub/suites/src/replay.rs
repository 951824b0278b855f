//! The store tests about snapshots of the rows and about entries that are elsewhere.

use std::sync::Arc;

use ironroot_store::{
    Base, Change, CommitError, DROP_MAX, JournalReader, RawEntry, Source, StateDigest, StateError,
    StateHasher, StateRow, Store, StoreError,
};

use crate::ledger::{ACCOUNTS, forget, note, open, transfer};
use crate::{Backend, Parts};

/// A snapshot in memory.
#[derive(Clone, Debug)]
struct Snapshot {
    size: u64,
    digest: StateDigest,
    rows: std::collections::VecDeque<StateRow>,
}

impl Base for Snapshot {
    fn size(&self) -> u64 {
        self.size
    }

    fn digest(&self) -> StateDigest {
        self.digest
    }

    fn next_row(&mut self) -> Result<Option<StateRow>, Box<dyn std::error::Error + Send + Sync>> {
        Ok(self.rows.pop_front())
    }
}

/// An archive in memory: every entry that there was when it was made.
pub(crate) struct Copied(pub(crate) Vec<RawEntry>);

impl JournalReader for Copied {
    fn size(&self) -> Result<u64, StoreError> {
        Ok(self.0.len() as u64)
    }

    fn floor(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn raw_entries(&self, from: u64, max: usize) -> Result<Vec<RawEntry>, StoreError> {
        let from = usize::try_from(from).unwrap_or(usize::MAX);
        Ok(self.0.iter().skip(from).take(max).cloned().collect())
    }
}

fn snapshot(store: &dyn Store) -> Snapshot {
    let mut rows = std::collections::VecDeque::new();
    let mut hasher = StateHasher::default();
    let size = store.verified_rows(Source::default(), &mut |table, key, value| {
        hasher.row(table, key, value);
        let (table, key, value) = (table.into(), key.into(), value.into());
        rows.push_back(StateRow { table, key, value });
        Ok(())
    });
    Snapshot {
        size: size.unwrap(),
        digest: hasher.finish(),
        rows,
    }
}

fn from(base: &Snapshot) -> Source {
    Source {
        base: Some(Box::new(base.clone())),
        archive: None,
    }
}

fn reading(archive: &Arc<Copied>) -> Source {
    Source {
        base: None,
        archive: Some(archive.clone()),
    }
}

async fn filled(backend: &dyn Backend) -> Arc<dyn Store> {
    let store = backend.open(Parts::default()).await;
    let opened = Change::of(open("a", 9)).and(open("b", 0));
    store.commit(opened).await.unwrap();
    store.commit(note("kept").0).await.unwrap();
    store
}

/// The digest of what is handed out is the digest of the rows, and the moment is the present one.
pub async fn the_verified_rows_are_those_of_one_moment_in_order(backend: &dyn Backend) {
    let store = filled(backend).await;
    let taken = snapshot(&*store);
    assert_eq!(taken.size, 3);
    assert_eq!(taken.digest, store.state_digest().await.unwrap());
    assert!(taken.rows.iter().is_sorted());
    let stopped = store.verified_rows(Source::default(), &mut |_, _, _| Err("enough".into()));
    assert!(matches!(stopped, Err(StateError::Taker(_))));
}

/// Whether it starts with the first entry or with a snapshot, a replay gives the same rows.
pub async fn a_replay_from_a_snapshot_gives_the_same_rows(backend: &dyn Backend) {
    let store = filled(backend).await;
    let base = snapshot(&*store);
    store
        .commit(Change::of(transfer("a", "b", 4)))
        .await
        .unwrap();
    let digest = store.state_digest().await.unwrap();
    assert_ne!(digest, base.digest);
    assert_eq!(store.verify_state(from(&base)).await.unwrap(), digest);
    assert_eq!(store.rebuild(from(&base)).await.unwrap(), digest);
    assert_eq!(store.rebuild(Source::default()).await.unwrap(), digest);
    store
        .commit(Change::of(transfer("b", "a", 4)))
        .await
        .unwrap();
}

/// What was erased after the snapshot was taken is not brought back by it.
pub async fn a_snapshot_does_not_bring_back_what_was_erased(backend: &dyn Backend) {
    let store = filled(backend).await;
    let (change, digest) = note("erased later");
    store.commit(change).await.unwrap();
    let base = snapshot(&*store);
    store.commit(forget(digest)).await.unwrap();
    let state = store.state_digest().await.unwrap();
    assert_eq!(store.rebuild(from(&base)).await.unwrap(), state);
    assert_eq!(store.rebuild(Source::default()).await.unwrap(), state);
}

/// A snapshot with a changed, missing or additional row is refused, and the rows stay as they were.
pub async fn a_snapshot_with_other_rows_is_refused(backend: &dyn Backend) {
    let store = filled(backend).await;
    let good = snapshot(&*store);
    let mut changed = good.clone();
    changed.rows[0].value = b"1000000".as_slice().into();
    let mut short = good.clone();
    short.rows.pop_back();
    let mut long = good.clone();
    long.rows.push_back(StateRow {
        table: "zzz".into(),
        key: "k".into(),
        value: b"v".as_slice().into(),
    });
    for bad in [changed, short, long] {
        let refused = store.rebuild(from(&bad)).await;
        assert!(matches!(refused, Err(StateError::BadBase(_))));
        let refused = store.verify_state(from(&bad)).await;
        assert!(matches!(refused, Err(StateError::BadBase(_))));
        assert_eq!(store.state_digest().await.unwrap(), good.digest);
    }
}

/// A snapshot of a moment that the journal has not reached is another journal's.
pub async fn a_snapshot_past_the_end_is_refused(backend: &dyn Backend) {
    let store = filled(backend).await;
    let mut future = snapshot(&*store);
    future.size += 1;
    let refused = store.rebuild(from(&future)).await;
    assert!(matches!(refused, Err(StateError::BadBase(_))));
    let refused = store.verify_state(from(&future)).await;
    assert!(matches!(refused, Err(StateError::BadBase(_))));
}

/// Entries that were dropped are named as archived, and the others are still there.
pub async fn a_dropped_entry_is_archived_and_not_missing(backend: &dyn Backend) {
    let store = filled(backend).await;
    assert_eq!(store.floor().unwrap(), 0);
    assert_eq!(store.drop_entries(2).await.unwrap(), 2);
    assert_eq!(store.floor().unwrap(), 2);
    assert_eq!(store.drop_entries(1).await.unwrap(), 2);
    let archived = store.entries(1, 9).await;
    assert!(matches!(archived, Err(StoreError::Archived { index: 1 })));
    assert_eq!(store.entries(2, 9).await.unwrap().len(), 1);
    assert_eq!(store.raw_entries(0, 9).unwrap()[0].index, 2);
    assert_eq!(store.head().size, 3);
    drop(store);
    let store = backend.open(Parts::default()).await;
    assert_eq!((store.floor().unwrap(), store.head().size), (2, 3));
    let receipt = store.commit(Change::of(open("c", 0))).await.unwrap();
    assert_eq!(receipt.indices, 3..4);
}

/// A replay reads what was dropped from the archive, and stops where there is none.
pub async fn a_replay_reads_dropped_entries_from_the_archive(backend: &dyn Backend) {
    let store = filled(backend).await;
    let archive = Arc::new(Copied(store.raw_entries(0, 9).unwrap()));
    let base = snapshot(&*store);
    store.commit(Change::of(open("c", 1))).await.unwrap();
    let digest = store.state_digest().await.unwrap();
    store.drop_entries(3).await.unwrap();
    let lost = store.rebuild(Source::default()).await;
    let archived = |error| matches!(error, StateError::Store(StoreError::Archived { index: 0 }));
    assert!(archived(lost.unwrap_err()));
    assert_eq!(store.state_digest().await.unwrap(), digest);
    assert_eq!(store.rebuild(reading(&archive)).await.unwrap(), digest);
    assert_eq!(store.verify_state(reading(&archive)).await.unwrap(), digest);
    assert_eq!(store.rebuild(from(&base)).await.unwrap(), digest);
    let short = Arc::new(Copied(archive.0[..2].to_vec()));
    let missing = store.verify_state(reading(&short)).await.unwrap_err();
    let missing_2 = StoreError::MissingEntry { index: 2 };
    assert_eq!(
        missing.to_string(),
        StateError::Store(missing_2).to_string()
    );
}

/// The end of the journal is its newest entry, so that one stays.
pub async fn the_newest_entry_is_never_dropped(backend: &dyn Backend) {
    let store = filled(backend).await;
    for floor in [3, 4, u64::MAX] {
        let refused = store.drop_entries(floor).await;
        assert!(matches!(refused, Err(CommitError::DropsAll)));
    }
    assert_eq!(store.floor().unwrap(), 0);
}

/// One order drops a bounded number, so that the writer is never busy with it for long.
pub async fn entries_are_dropped_a_bounded_number_at_a_time(backend: &dyn Backend) {
    let store = backend.open(Parts::default()).await;
    let mut waiting = Vec::new();
    for chunk in 0..=DROP_MAX / 256 {
        let drafts = (0..256).map(|nth| open(&format!("{chunk}-{nth}"), 0));
        waiting.push(store.commit(Change {
            entries: drafts.collect(),
            ..Change::default()
        }));
    }
    for committed in waiting {
        committed.await.unwrap();
    }
    let last = store.head().size - 1;
    assert_eq!(store.drop_entries(last).await.unwrap(), DROP_MAX);
    assert_eq!(store.drop_entries(last).await.unwrap(), last);
    assert_eq!(store.raw_entries(0, 9).unwrap().len(), 1);
    assert!(store.row(ACCOUNTS, "0-0").await.unwrap().is_some());
}
