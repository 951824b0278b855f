//! The store tests, one function each.

use std::sync::Arc;

use ironroot_journal::{ENTRY_SIZE_MAX, SALT_SIZE};
use ironroot_secret::Secret;
use ironroot_store::{
    CHANGE_ENTRIES_MAX, Change, CommitError, Health, KeyRange, PAYLOAD_SIZE_MAX, Payload, Receipt,
    Source, Store,
};
use ironroot_time::UnixTime;
use serde_json::json;

use crate::ledger::{ACCOUNTS, NOTES, Refused, close, draft, forget, note, open, transfer};
use crate::{Backend, Parts};

async fn commit(store: &Arc<dyn Store>, change: Change) -> Receipt {
    store.commit(change).await.unwrap()
}

async fn refused(store: &Arc<dyn Store>, change: Change) -> CommitError {
    store.commit(change).await.unwrap_err()
}

async fn balance(store: &Arc<dyn Store>, account: &str) -> Option<String> {
    let row = store.row(ACCOUNTS, account).await.unwrap();
    row.map(|row| String::from_utf8(row.to_vec()).unwrap())
}

/// Each change gets the next indices, none left out.
pub async fn indices_are_dense_and_receipts_name_them(backend: &dyn Backend) {
    let store = backend.open(Parts::default()).await;
    assert_eq!(store.head().size, 0);
    assert_eq!(commit(&store, Change::of(open("a", 5))).await.indices, 0..1);
    let three = Change::of(open("b", 0))
        .and(transfer("a", "b", 2))
        .and(open("c", 0));
    assert_eq!(commit(&store, three).await.indices, 1..4);
    let waiting: Vec<_> = (0..50)
        .map(|n| store.commit(Change::of(open(&format!("n{n}"), n))))
        .collect();
    for (nth, waiting) in waiting.into_iter().enumerate() {
        let index = 4 + nth as u64;
        assert_eq!(waiting.await.unwrap().indices, index..index + 1);
    }
    assert_eq!(store.head().size, 54);
    assert_eq!(store.size().unwrap(), 54);
    let entries = store.entries(0, 100).await.unwrap();
    let indices: Vec<_> = entries.iter().map(|entry| entry.index).collect();
    assert_eq!(indices, (0..54).collect::<Vec<_>>());
}

/// What is refused is as if it had never been asked.
pub async fn a_refused_change_leaves_no_trace_and_others_go_on(backend: &dyn Backend) {
    let parts = Parts::default();
    let store = backend.open(parts.clone()).await;
    commit(&store, Change::of(open("a", 5))).await;
    let half = Change::of(open("b", 0)).and(transfer("a", "b", 9));
    let (half, after) = (store.commit(half), store.commit(Change::of(open("c", 0))));
    assert!(matches!(half.await, Err(CommitError::Refused(_))));
    assert_eq!(after.await.unwrap().indices, 1..2);
    assert_eq!(balance(&store, "a").await.as_deref(), Some("5"));
    assert_eq!(balance(&store, "b").await, None);
    assert_eq!(parts.follower.seen().len(), 2);
    commit(&store, Change::of(open("b", 0))).await;
}

/// The hub's own refusal goes in and comes out.
pub async fn a_refusal_comes_back_as_the_type_it_was(backend: &dyn Backend) {
    let store = backend.open(Parts::default()).await;
    let error = refused(&store, Change::of(close("a"))).await;
    let missing = Refused::Missing("a".to_owned());
    assert_eq!(error.refusal::<Refused>(), Some(&missing));
    assert_eq!(error.into_refusal::<Refused>().unwrap(), missing);
}

/// The second change sees what the first did, batch or not.
pub async fn a_refused_change_may_rest_on_one_of_the_same_batch(backend: &dyn Backend) {
    let store = backend.open(Parts::default()).await;
    let one = store.commit(Change::of(open("a", 1)));
    let other = store.commit(Change::of(open("a", 2)));
    assert!(one.await.is_ok());
    let error = other.await.unwrap_err();
    assert_eq!(
        error.into_refusal::<Refused>().unwrap(),
        Refused::Exists("a".to_owned())
    );
}

/// Whoever has the receipt can rely on what is in memory.
pub async fn the_follower_knows_before_the_author_does(backend: &dyn Backend) {
    let parts = Parts::default();
    let store = backend.open(parts.clone()).await;
    for n in 0..20 {
        let receipt = commit(&store, Change::of(open(&format!("{n}"), n))).await;
        let seen = parts.follower.seen();
        assert_eq!(seen.last().unwrap().index, receipt.indices.start);
        assert_eq!(seen.len() as u64, n + 1);
    }
}

/// Each entry comes with its own writes, though a later one of the batch wrote the same row.
pub async fn the_follower_sees_every_row_that_an_entry_wrote(backend: &dyn Backend) {
    let parts = Parts::default();
    let store = backend.open(parts.clone()).await;
    let change = Change::of(open("a", 3))
        .and(open("b", 0))
        .and(transfer("a", "b", 3))
        .and(close("a"));
    commit(&store, change).await;
    let seen: Vec<Vec<_>> = parts
        .follower
        .seen()
        .into_iter()
        .map(|committed| {
            let writes = committed.writes.into_iter();
            writes
                .map(|write| {
                    let value = write.value.map(|value| value.to_vec());
                    (write.table, write.key.to_string(), value)
                })
                .collect()
        })
        .collect();
    let row = |key: &str, value: &[u8]| (ACCOUNTS, key.to_owned(), Some(value.to_vec()));
    assert_eq!(
        seen,
        [
            vec![row("a", b"3")],
            vec![row("b", b"0")],
            vec![row("a", b"0"), row("b", b"3")],
            vec![(ACCOUNTS, "a".to_owned(), None)],
        ]
    );
}

/// A clock that is set back does not set the journal back.
pub async fn time_never_goes_back_even_when_the_clock_does(backend: &dyn Backend) {
    let parts = Parts::default();
    let store = backend.open(parts.clone()).await;
    for (clock, expected) in [(1_000, 1_000), (400, 1_000), (1_001, 1_001)] {
        parts.clock.set_ms(clock);
        let receipt = commit(&store, Change::of(open(&clock.to_string(), 0))).await;
        assert_eq!(receipt.at, UnixTime::from_ms(expected));
        assert_eq!(store.head().at, receipt.at);
        let entries = store.entries(receipt.indices.start, 1).await.unwrap();
        assert_eq!(entries[0].entry.at(), receipt.at);
    }
}

/// Nor does a restart.
pub async fn time_never_goes_back_across_a_reopening(backend: &dyn Backend) {
    let parts = Parts::default();
    parts.clock.set_ms(9_000);
    let store = backend.open(parts).await;
    commit(&store, Change::of(open("a", 0))).await;
    drop(store);
    let store = backend.open(Parts::default()).await;
    assert_eq!(store.head().at, UnixTime::from_ms(9_000));
    let receipt = commit(&store, Change::of(open("b", 0))).await;
    assert_eq!(receipt.at, UnixTime::from_ms(9_000));
}

/// Entries, rows and the head are there again.
pub async fn a_reopened_store_goes_on_where_it_stopped(backend: &dyn Backend) {
    let store = backend.open(Parts::default()).await;
    commit(&store, Change::of(open("a", 7)).and(open("b", 0))).await;
    let (entries, digest) = (
        store.entries(0, 9).await.unwrap(),
        store.state_digest().await.unwrap(),
    );
    drop(store);
    let store = backend.open(Parts::default()).await;
    assert_eq!(store.entries(0, 9).await.unwrap(), entries);
    assert_eq!(store.state_digest().await.unwrap(), digest);
    let receipt = commit(&store, Change::of(transfer("a", "b", 7))).await;
    assert_eq!(receipt.indices, 2..3);
}

/// Past the end there is nothing, and never more than asked for.
pub async fn entries_are_read_from_any_index_with_a_bound(backend: &dyn Backend) {
    let store = backend.open(Parts::default()).await;
    for n in 0..10 {
        commit(&store, Change::of(open(&n.to_string(), n))).await;
    }
    let read = async |from, max| -> Vec<u64> {
        let entries = store.entries(from, max).await.unwrap();
        entries.iter().map(|entry| entry.index).collect()
    };
    assert_eq!(read(0, 3).await, [0, 1, 2]);
    assert_eq!(read(7, 100).await, [7, 8, 9]);
    assert!(read(4, 0).await.is_empty());
    assert!(read(10, 5).await.is_empty());
    assert!(read(u64::MAX, 5).await.is_empty());
    let raw = store.raw_entries(3, 2).unwrap();
    let parsed = store.entries(3, 2).await.unwrap();
    assert_eq!(raw[1].bytes, parsed[1].entry.bytes());
    assert_eq!((raw[0].index, raw[1].index, raw.len()), (3, 4, 2));
}

/// Bytes, not any language's idea of order.
pub async fn rows_are_read_by_prefix_and_page_in_the_order_of_their_bytes(backend: &dyn Backend) {
    let store = backend.open(Parts::default()).await;
    for key in ["b", "a/2", "a/10", "B", "a", "a0", "ä", "a/1", "_"] {
        commit(&store, Change::of(open(key, 0))).await;
    }
    let keys = async |range, max| -> Vec<String> {
        let rows = store.rows(ACCOUNTS, range, max).await.unwrap();
        rows.into_iter().map(|row| row.key.into()).collect()
    };
    let all = ["B", "_", "a", "a/1", "a/10", "a/2", "a0", "b", "ä"];
    assert_eq!(keys(KeyRange::all(), 99).await, all);
    assert_eq!(keys(KeyRange::all(), 2).await, all[..2]);
    assert_eq!(keys(KeyRange::all().after("_"), 2).await, all[2..4]);
    let below = KeyRange::prefix("a/");
    assert_eq!(keys(below.clone(), 99).await, all[3..6]);
    assert_eq!(keys(below.after("a/1"), 99).await, all[4..6]);
    assert!(
        store
            .rows(NOTES, KeyRange::all(), 9)
            .await
            .unwrap()
            .is_empty()
    );
}

/// Salt and bytes come back, then are gone; the entries stay.
pub async fn a_payload_is_read_until_it_is_erased(backend: &dyn Backend) {
    let store = backend.open(Parts::default()).await;
    let (change, digest) = note("alice@example.com");
    commit(&store, change).await;
    let payload = store.payload(digest).await.unwrap().unwrap();
    assert_eq!(payload.bytes(), b"alice@example.com");
    assert_eq!(payload.salt(), &[7; SALT_SIZE]);
    commit(&store, forget(digest)).await;
    assert_eq!(store.payload(digest).await.unwrap(), None);
    assert_eq!(store.head().size, 2);
    store.verify_state(Source::default()).await.unwrap();
}

/// The fold sees the payload though it is not durable yet.
pub async fn a_projection_reads_the_payload_of_its_own_change(backend: &dyn Backend) {
    let store = backend.open(Parts::default()).await;
    let (change, digest) = note("text");
    commit(&store, change).await;
    let row = store.row(NOTES, &digest.to_string()).await.unwrap();
    assert_eq!(row.as_deref(), Some(b"4".as_slice()));
}

/// A secret can be replaced and destroyed.
pub async fn a_secret_is_read_until_it_is_shredded(backend: &dyn Backend) {
    let store = backend.open(Parts::default()).await;
    let read = async |name| {
        let secret = store.secret(name).await.unwrap();
        secret.map(|secret| secret.expose().to_vec())
    };
    let keep = |bytes: &[u8]| Change::default().keeping("k", Secret::new(bytes.to_vec()));
    assert_eq!(read("k").await, None);
    commit(&store, keep(b"one")).await;
    assert_eq!(read("k").await.as_deref(), Some(b"one".as_slice()));
    commit(&store, keep(b"two")).await;
    assert_eq!(read("k").await.as_deref(), Some(b"two".as_slice()));
    commit(&store, Change::default().shredding("k")).await;
    assert_eq!(read("k").await, None);
    commit(&store, Change::default().shredding("k")).await;
}

/// All of a change or nothing.
pub async fn a_refused_change_keeps_neither_payload_nor_secret(backend: &dyn Backend) {
    let store = backend.open(Parts::default()).await;
    let (mut change, digest) = note("text");
    change.entries.push(close("nobody"));
    refused(&store, change.keeping("k", Secret::new(vec![1]))).await;
    assert_eq!(store.payload(digest).await.unwrap(), None);
    assert!(store.secret("k").await.unwrap().is_none());
}

/// The limit of tile bundles is the journal's.
pub async fn an_entry_too_large_is_refused_alone(backend: &dyn Backend) {
    let store = backend.open(Parts::default()).await;
    let large = store.commit(Change::of(open(&"x".repeat(ENTRY_SIZE_MAX), 0)));
    let small = store.commit(Change::of(open("a", 0)));
    assert!(matches!(large.await, Err(CommitError::BadDraft(_))));
    assert_eq!(small.await.unwrap().indices, 0..1);
}

/// Nobody fills the queue with one change.
pub async fn a_change_past_a_bound_is_refused(backend: &dyn Backend) {
    let store = backend.open(Parts::default()).await;
    let many = Change {
        entries: vec![open("a", 0); CHANGE_ENTRIES_MAX + 1],
        ..Change::default()
    };
    let error = refused(&store, many).await;
    assert!(matches!(error, CommitError::TooLarge { .. }));
    let payload = Payload::new([0; SALT_SIZE], vec![0; PAYLOAD_SIZE_MAX + 1]);
    let error = refused(&store, Change::default().with_payload(payload)).await;
    assert!(matches!(error, CommitError::TooLarge { .. }));
}

/// No fraction gets into the journal.
pub async fn a_draft_without_canonical_text_is_refused(backend: &dyn Backend) {
    let store = backend.open(Parts::default()).await;
    let fraction = draft("open", json!({"account": "a", "coins": 0, "x": 0.5}));
    let error = refused(&store, Change::of(fraction)).await;
    assert!(matches!(error, CommitError::BadDraft(_)));
    assert_eq!(store.head().size, 0);
}

/// The keyring can change without a word in the journal.
pub async fn a_change_without_entries_is_kept(backend: &dyn Backend) {
    let store = backend.open(Parts::default()).await;
    commit(&store, Change::of(open("a", 0))).await;
    let change = Change::default().keeping("k", Secret::new(vec![1]));
    assert_eq!(commit(&store, change).await.indices, 1..1);
    drop(store);
    let store = backend.open(Parts::default()).await;
    assert!(store.secret("k").await.unwrap().is_some());
    assert_eq!(store.head().size, 1);
}

/// The rows say what the journal says, and nothing else.
pub async fn the_rows_equal_a_replay(backend: &dyn Backend) {
    let store = backend.open(Parts::default()).await;
    commit(&store, Change::of(open("a", 9)).and(open("b", 0))).await;
    commit(&store, Change::of(transfer("a", "b", 9)).and(close("a"))).await;
    refused(&store, Change::of(close("b"))).await;
    let digest = store.state_digest().await.unwrap();
    assert_eq!(store.verify_state(Source::default()).await.unwrap(), digest);
}

/// Dropping the rows and folding again changes nothing; payloads that were erased stay away.
pub async fn a_rebuild_gives_the_same_rows(backend: &dyn Backend) {
    let store = backend.open(Parts::default()).await;
    commit(&store, Change::of(open("a", 9)).and(open("b", 0))).await;
    let (kept, _) = note("kept");
    let (lost, digest) = note("lost");
    commit(&store, kept).await;
    commit(&store, lost).await;
    commit(&store, forget(digest)).await;
    let before = store.state_digest().await.unwrap();
    assert_eq!(store.rebuild(Source::default()).await.unwrap(), before);
    assert_eq!(store.state_digest().await.unwrap(), before);
    let receipt = commit(&store, Change::of(transfer("a", "b", 9))).await;
    assert_eq!(receipt.indices, 5..6);
    store.verify_state(Source::default()).await.unwrap();
}

/// Secrets are no projection.
pub async fn a_rebuild_leaves_the_keyring_alone(backend: &dyn Backend) {
    let store = backend.open(Parts::default()).await;
    let change = Change::of(open("a", 0)).keeping("k", Secret::new(vec![1]));
    commit(&store, change).await;
    store.rebuild(Source::default()).await.unwrap();
    assert!(store.secret("k").await.unwrap().is_some());
}

/// A store that works says so, also after a refusal.
pub async fn health_says_appending(backend: &dyn Backend) {
    let store = backend.open(Parts::default()).await;
    assert!(matches!(store.health(), Health::Appending));
    commit(&store, Change::of(open("a", 0))).await;
    refused(&store, Change::of(open("a", 0))).await;
    assert!(matches!(store.health(), Health::Appending));
}
