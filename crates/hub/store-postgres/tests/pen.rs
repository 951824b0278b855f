//! What PostgreSQL's store refuses, and what of it must be as in SQLite's.
#![cfg(test)]

use std::sync::Arc;

use ironroot_secret::Secret;
use ironroot_store::{Change, JournalReader, Source, StateError, Store, StoreReader};
use ironroot_store_postgres::{
    OpenError, PostgresJournal, PostgresLoader, PostgresStore, Settings,
};
use ironroot_store_sqlite::SqliteStore;
use ironroot_suites::Parts;
use ironroot_suites::ledger::{Ledger, forget, note, open};
use ironroot_testkit::Postgres;

fn place() -> (Arc<Postgres>, String, Settings) {
    let server = Postgres::shared();
    let url = server.new_store();
    let settings = Settings::new(url.parse().unwrap());
    (server, url, settings)
}

fn try_open(settings: &Settings) -> Result<PostgresStore, OpenError> {
    let parts = Parts::default();
    PostgresStore::open(settings, parts.clock, parts.projection, parts.follower)
}

fn opened(settings: &Settings) -> PostgresStore {
    try_open(settings).unwrap()
}

#[tokio::test]
async fn the_state_has_the_digest_that_it_has_in_sqlite() {
    let (_server, _, settings) = place();
    let postgres = opened(&settings);
    let folder = tempfile::tempdir().unwrap();
    let file = ironroot_store_sqlite::Settings::new(folder.path().join("store.db"));
    let parts = Parts::default();
    let sqlite = SqliteStore::open(&file, parts.clock, parts.projection, parts.follower);
    let stores: [&dyn Store; 2] = [&postgres, &sqlite.unwrap()];
    let mut digests = Vec::new();
    for store in stores {
        for key in [
            "b",
            "B",
            "a b",
            "a\u{0}b",
            "ä",
            "Ä",
            "a",
            "_",
            "日",
            "\u{10ffff}",
            "",
        ] {
            store.commit(Change::of(open(key, 3))).await.unwrap();
        }
        let (kept, digest) = note("kept");
        store.commit(kept).await.unwrap();
        store.commit(forget(digest)).await.unwrap();
        digests.push(store.state_digest().await.unwrap());
        assert_eq!(store.rebuild(Source::default()).await.unwrap(), digests[0]);
    }
    assert_eq!(digests[0], digests[1]);
}

#[tokio::test]
async fn the_journal_is_read_beside_a_hub_that_runs() {
    let (_server, _, settings) = place();
    let store = opened(&settings);
    store.commit(Change::of(open("a", 5))).await.unwrap();
    // Within a runtime, where blocking calls must not panic.
    let journal = PostgresJournal::open(&settings).unwrap();
    let digest = journal.verify_state(&Ledger, Source::default()).unwrap();
    assert_eq!(store.state_digest().await.unwrap(), digest);
}

#[tokio::test]
async fn a_row_changed_by_hand_is_named_and_a_rebuild_puts_it_right() {
    let (server, url, settings) = place();
    let store = opened(&settings);
    store.commit(Change::of(open("a", 5))).await.unwrap();
    server.sql(&url, r"UPDATE state SET value = '\x39' WHERE key = 'a'");
    match store.verify_state(Source::default()).await {
        Err(StateError::Differs { table, key }) => assert_eq!((&*table, &*key), ("accounts", "a")),
        other => panic!("{other:?}"),
    }
    store.rebuild(Source::default()).await.unwrap();
    store.verify_state(Source::default()).await.unwrap();
}

#[test]
fn refuses_a_database_of_a_newer_program() {
    let (server, url, settings) = place();
    drop(opened(&settings));
    server.sql(&url, "UPDATE meta SET value = 2 WHERE name = 'schema'");
    let newer = |refused| matches!(refused, OpenError::NewerSchema { found: 2, known: 1 });
    assert!(newer(try_open(&settings).unwrap_err()));
    assert!(newer(PostgresJournal::open(&settings).unwrap_err()));
}

#[test]
fn refuses_a_database_that_is_no_store() {
    let (server, url, settings) = place();
    assert!(matches!(
        PostgresJournal::open(&settings),
        Err(OpenError::Absent)
    ));
    server.sql(&url, "CREATE TABLE meta (name text, value bigint)");
    assert!(matches!(try_open(&settings), Err(OpenError::NotAStore)));
}

#[tokio::test]
async fn refuses_a_journal_whose_end_is_damaged() {
    let (server, url, settings) = place();
    let store = opened(&settings);
    store.commit(Change::of(open("a", 0))).await.unwrap();
    drop(store);
    server.sql(&url, r"UPDATE entries SET bytes = '\x7b'");
    assert!(matches!(try_open(&settings), Err(OpenError::Head(_))));
}

#[test]
fn refuses_a_server_that_does_not_sync_what_it_acknowledges() {
    let server = Postgres::with(tempfile::tempdir().unwrap(), &["fsync=off"]);
    let settings = Settings::new(server.new_store().parse().unwrap());
    assert!(matches!(try_open(&settings), Err(OpenError::NotDurable)));
}

#[tokio::test]
async fn a_commit_is_durable_whatever_the_database_is_set_to() {
    let server = Postgres::with(tempfile::tempdir().unwrap(), &["synchronous_commit=off"]);
    let settings = Settings::new(server.new_store().parse().unwrap());
    let store = opened(&settings);
    store.commit(Change::of(open("a", 0))).await.unwrap();
    server.kill();
    server.starts();
    let journal = PostgresJournal::open(&settings).unwrap();
    assert_eq!(journal.size().unwrap(), 1);
}

#[tokio::test]
async fn refuses_a_store_that_was_not_filled_to_its_end() {
    let (_server, _, settings) = place();
    let loader = || PostgresLoader::open(&settings, Parts::default().projection);
    drop(loader().unwrap());
    let unfinished = |refused| matches!(refused, OpenError::Unfinished);
    assert!(unfinished(try_open(&settings).unwrap_err()));
    assert!(unfinished(PostgresJournal::open(&settings).unwrap_err()));
}

#[tokio::test]
async fn a_shredded_secret_and_an_erased_payload_are_no_rows_any_more() {
    let (server, url, settings) = place();
    let store = opened(&settings);
    let (change, digest) = note("alice@example.com");
    let keep = change.keeping("k", Secret::new(b"correct horse".to_vec()));
    store.commit(keep).await.unwrap();
    store.commit(forget(digest).shredding("k")).await.unwrap();
    let left = "SELECT (SELECT count(*) FROM secrets) + (SELECT count(*) FROM payloads)";
    assert_eq!(server.sql(&url, left), "0");
}
