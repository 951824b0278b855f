//! Only one program writes, only what it knows, and only with room: the refusals of this backend.
#![cfg(test)]

use std::path::Path;
use std::sync::Arc;

use ironroot_secret::Secret;
use ironroot_store::{Change, CommitError, Health, LaterCause, Source, StateError, Store};
use ironroot_store_sqlite::{OpenError, Settings, SqliteJournal, SqliteLoader, SqliteStore};
use ironroot_suites::Parts;
use ironroot_suites::ledger::{forget, note, open};
use rusqlite::Connection;
use tempfile::TempDir;

fn place() -> (TempDir, Settings) {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::new(folder.path().join("store.db"));
    (folder, settings)
}

fn open_store(settings: &Settings) -> Result<SqliteStore, OpenError> {
    let parts = Parts::default();
    SqliteStore::open(settings, parts.clock, parts.projection, parts.follower)
}

/// Changes the file behind the store's back.
fn meddle(settings: &Settings, sql: &str) {
    let connection = Connection::open(&settings.path).unwrap();
    connection.execute_batch(sql).unwrap();
}

#[tokio::test]
async fn a_second_opener_is_refused_until_the_first_is_gone() {
    let (_folder, settings) = place();
    let first = open_store(&settings).unwrap();
    assert!(matches!(
        open_store(&settings),
        Err(OpenError::InUse { .. })
    ));
    drop(first);
    open_store(&settings).unwrap();
}

#[tokio::test]
async fn a_closed_store_is_one_whole_file() {
    let (folder, settings) = place();
    let store = open_store(&settings).unwrap();
    store.commit(Change::of(open("a", 0))).await.unwrap();
    store.entries(0, 10).await.unwrap();
    drop(store);
    let mut names: Vec<_> = std::fs::read_dir(folder.path())
        .unwrap()
        .map(|file| file.unwrap().file_name())
        .collect();
    names.sort();
    assert_eq!(names, ["store.db", "store.db.lock"]);
}

#[tokio::test]
async fn attack_deleting_the_lock_file_gives_no_second_pen() {
    let (folder, settings) = place();
    let first = open_store(&settings).unwrap();
    first.commit(Change::of(open("a", 0))).await.unwrap();
    std::fs::remove_file(folder.path().join("store.db.lock")).unwrap();
    let second = open_store(&settings).unwrap();
    let fenced = first.commit(Change::of(open("b", 0))).await;
    assert!(matches!(fenced, Err(CommitError::Fenced)));
    assert!(matches!(first.health(), Health::Fenced));
    assert!(matches!(
        first.rebuild(Source::default()).await,
        Err(StateError::Fenced)
    ));
    assert_eq!(
        second
            .commit(Change::of(open("b", 0)))
            .await
            .unwrap()
            .indices,
        1..2
    );
}

#[tokio::test]
async fn attack_an_entry_slipped_in_beside_the_hub_stops_the_hub() {
    let (_folder, settings) = place();
    let store = open_store(&settings).unwrap();
    meddle(
        &settings,
        "INSERT INTO entries (idx, bytes) VALUES (0, x'7b7d')",
    );
    let fenced = store.commit(Change::of(open("a", 0))).await;
    assert!(matches!(fenced, Err(CommitError::Fenced)));
}

#[tokio::test]
async fn a_locked_database_is_a_refusal_for_now() {
    let (_folder, settings) = place();
    let store = open_store(&settings).unwrap();
    let other = Connection::open(&settings.path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let later = store.commit(Change::of(open("a", 0))).await;
    assert!(matches!(
        later,
        Err(CommitError::Later(LaterCause::Locked(_)))
    ));
    other.execute_batch("ROLLBACK").unwrap();
    store.commit(Change::of(open("a", 0))).await.unwrap();
}

#[test]
fn refuses_a_file_of_a_newer_program() {
    let (_folder, settings) = place();
    drop(open_store(&settings).unwrap());
    meddle(&settings, "UPDATE meta SET value = 2 WHERE name = 'schema'");
    let newer = |error| matches!(error, OpenError::NewerSchema { found: 2, known: 1 });
    assert!(newer(open_store(&settings).unwrap_err()));
    assert!(newer(SqliteJournal::open(&settings.path).unwrap_err()));
}

#[test]
fn refuses_a_file_that_is_no_store() {
    let (_folder, settings) = place();
    meddle(&settings, "CREATE TABLE meta (name TEXT, value INTEGER)");
    assert!(matches!(open_store(&settings), Err(OpenError::NotAStore)));
    std::fs::write(
        &settings.path,
        "not a database at all, but long enough for a header",
    )
    .unwrap();
    assert!(matches!(open_store(&settings), Err(OpenError::Database(_))));
    let elsewhere = Settings::new("/nowhere/store.db");
    assert!(matches!(
        open_store(&elsewhere),
        Err(OpenError::File { .. })
    ));
    assert!(SqliteJournal::open(Path::new("/nowhere/store.db")).is_err());
}

#[tokio::test]
async fn refuses_a_journal_whose_end_is_damaged() {
    let (_folder, settings) = place();
    let store = open_store(&settings).unwrap();
    store.commit(Change::of(open("a", 0))).await.unwrap();
    drop(store);
    meddle(&settings, "UPDATE entries SET bytes = x'7b'");
    assert!(matches!(open_store(&settings), Err(OpenError::Head(_))));
}

#[tokio::test]
async fn a_full_store_refuses_for_now_and_goes_on_when_enlarged() {
    let (_folder, mut settings) = place();
    settings.size_max = Some(1 << 20);
    let store = open_store(&settings).unwrap();
    let mut kept = 0;
    let full = loop {
        let change = Change::of(open(&format!("{kept:01000}"), 0));
        match store.commit(change).await {
            Ok(receipt) => assert_eq!(receipt.indices, kept..kept + 1),
            Err(error) => break error,
        }
        kept += 1;
    };
    assert!(
        matches!(full, CommitError::Later(LaterCause::Full(_))),
        "{full:?}"
    );
    assert!(matches!(
        store.health(),
        Health::Failing(LaterCause::Full(_))
    ));
    assert!(kept > 50);
    assert_eq!(store.head().size, kept);
    store.verify_state(Source::default()).await.unwrap();
    drop(store);

    settings.size_max = Some(4 << 20);
    let store = open_store(&settings).unwrap();
    assert_eq!(store.head().size, kept);
    let receipt = store.commit(Change::of(open("more", 0))).await.unwrap();
    assert_eq!(receipt.indices, kept..kept + 1);
    assert!(matches!(store.health(), Health::Appending));
    assert_eq!(
        store.entries(0, 10_000).await.unwrap().len() as u64,
        kept + 1
    );
}

#[tokio::test]
async fn a_row_changed_by_hand_is_named_and_a_rebuild_puts_it_right() {
    let (_folder, settings) = place();
    let store = open_store(&settings).unwrap();
    store.commit(Change::of(open("a", 5))).await.unwrap();
    meddle(&settings, "UPDATE state SET value = x'39' WHERE key = 'a'");
    match store.verify_state(Source::default()).await {
        Err(StateError::Differs { table, key }) => assert_eq!((&*table, &*key), ("accounts", "a")),
        other => panic!("{other:?}"),
    }
    store.rebuild(Source::default()).await.unwrap();
    store.verify_state(Source::default()).await.unwrap();
}

/// Whether any file of the store still holds `bytes`.
fn on_disk(folder: &TempDir, bytes: &[u8]) -> bool {
    let files = std::fs::read_dir(folder.path()).unwrap();
    files.into_iter().any(|file| {
        let content = std::fs::read(file.unwrap().path()).unwrap();
        content.windows(bytes.len()).any(|window| window == bytes)
    })
}

#[tokio::test]
async fn attack_reading_the_files_for_a_shredded_secret_finds_nothing() {
    let (folder, settings) = place();
    let store = open_store(&settings).unwrap();
    let secret = b"correct horse battery staple".repeat(40);
    let keep = Change::default().keeping("k", Secret::new(secret.clone()));
    store.commit(keep).await.unwrap();
    assert!(on_disk(&folder, &secret[..28]));
    store
        .commit(Change::default().shredding("k"))
        .await
        .unwrap();
    assert!(!on_disk(&folder, &secret[..28]));
}

#[tokio::test]
async fn attack_reading_the_files_for_a_replaced_secret_finds_nothing() {
    let (folder, settings) = place();
    let store = open_store(&settings).unwrap();
    let keep = |bytes: &[u8]| Change::default().keeping("k", Secret::new(bytes.to_vec()));
    store.commit(keep(b"the old secret")).await.unwrap();
    store.commit(keep(b"the new secret")).await.unwrap();
    assert!(!on_disk(&folder, b"the old secret"));
    assert!(on_disk(&folder, b"the new secret"));
}

#[tokio::test]
async fn attack_reading_the_files_for_an_erased_payload_finds_nothing() {
    let (folder, settings) = place();
    let store = open_store(&settings).unwrap();
    let (change, digest) = note("alice@example.com");
    store.commit(change).await.unwrap();
    assert!(on_disk(&folder, b"alice@example.com"));
    store.commit(forget(digest)).await.unwrap();
    assert!(!on_disk(&folder, b"alice@example.com"));
}

#[test]
fn nobody_but_the_owner_may_read_the_files() {
    use std::os::unix::fs::PermissionsExt;
    let (folder, settings) = place();
    let _store = open_store(&settings).unwrap();
    for file in std::fs::read_dir(folder.path()).unwrap() {
        let mode = file.unwrap().metadata().unwrap().permissions().mode();
        assert_eq!(mode & 0o077, 0, "{mode:o}");
    }
}

#[tokio::test]
async fn what_waits_is_finished_when_the_store_is_dropped() {
    let (_folder, settings) = place();
    let store = Arc::new(open_store(&settings).unwrap());
    for n in 0..200 {
        drop(store.commit(Change::of(open(&n.to_string(), 0))));
    }
    drop(store);
    assert_eq!(open_store(&settings).unwrap().head().size, 200);
}

#[tokio::test]
async fn refuses_a_store_that_was_not_filled_to_its_end() {
    let (_folder, settings) = place();
    let loader = || SqliteLoader::open(&settings, Parts::default().projection).unwrap();
    drop(loader());
    assert!(matches!(open_store(&settings), Err(OpenError::Unfinished)));
    let read = SqliteJournal::open(&settings.path);
    assert!(matches!(read, Err(OpenError::Unfinished)));
    drop(loader());
}

#[tokio::test]
async fn refuses_to_fill_a_store_that_is_open_or_newer_or_not_empty() {
    let (_folder, settings) = place();
    let loader = || SqliteLoader::open(&settings, Parts::default().projection);
    let store = open_store(&settings).unwrap();
    assert!(matches!(loader(), Err(OpenError::InUse { .. })));
    store.commit(Change::of(open("a", 0))).await.unwrap();
    drop(store);
    assert!(matches!(loader(), Err(OpenError::NotEmpty)));
    open_store(&settings).unwrap();
    meddle(
        &settings,
        "UPDATE meta SET value = 99 WHERE name = 'schema'",
    );
    assert!(matches!(
        loader(),
        Err(OpenError::NewerSchema { found: 99, .. })
    ));
}
