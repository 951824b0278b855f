//! The tree over a real store: written beside a running writer, checked from the files alone.
#![cfg(test)]

use ironroot_journal::note::SigningKey;
use ironroot_store::{Change, JournalReader, Store};
use ironroot_store_sqlite::{Settings, SqliteJournal, SqliteStore};
use ironroot_suites::Parts;
use ironroot_suites::ledger::open;
use ironroot_tree::{Fault, LogPlace, TreeError, TreeWriter, verify_tree};

fn key() -> SigningKey {
    SigningKey::from_seed("hub.example/journal", &[7; 32]).unwrap()
}

fn open_store(settings: &Settings) -> SqliteStore {
    let parts = Parts::default();
    SqliteStore::open(settings, parts.clock, parts.projection, parts.follower).unwrap()
}

/// Commits accounts until there are `size` entries.
async fn grow_to(store: &SqliteStore, size: u64) {
    let waiting: Vec<_> = (store.head().size..size)
        .map(|n| store.commit(Change::of(open(&format!("account-{n}"), n))))
        .collect();
    for committed in waiting {
        committed.await.unwrap();
    }
}

#[tokio::test]
async fn the_tree_follows_a_running_store() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::new(folder.path().join("store.db"));
    let (store, log) = (open_store(&settings), folder.path().join("journal"));
    let mut writer = TreeWriter::open(&log, key()).unwrap();
    for size in [5, 300, 700] {
        grow_to(&store, size).await;
        let written = writer.write(&store).unwrap();
        assert_eq!((written.checkpoint.size(), written.waiting), (size, 0));
    }
    grow_to(&store, 707).await;
    let journal = SqliteJournal::open(&settings.path).unwrap();
    let public = key().verifier_key().clone();
    let report = verify_tree(
        &LogPlace::new(&log),
        &public,
        Some(&journal),
        &mut |_, _| (),
    )
    .unwrap();
    assert!(report.holds(), "{:?}", report.faults);
    assert_eq!((report.verified, report.waiting), (700, 7));
}

#[tokio::test]
async fn attack_a_byte_flipped_in_the_database_file_names_the_entry() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::new(folder.path().join("store.db"));
    let (store, log) = (open_store(&settings), folder.path().join("journal"));
    grow_to(&store, 300).await;
    TreeWriter::open(&log, key())
        .unwrap()
        .write(&store)
        .unwrap();
    drop(store);

    let mut file = std::fs::read(&settings.path).unwrap();
    let entry = br#""account":"account-123","at""#;
    let place = file.windows(entry.len()).position(|window| window == entry);
    file[place.unwrap() + entry.len() - 8] ^= 1;
    std::fs::write(&settings.path, file).unwrap();

    let journal = SqliteJournal::open(&settings.path).unwrap();
    let public = key().verifier_key().clone();
    let report = verify_tree(
        &LogPlace::new(&log),
        &public,
        Some(&journal),
        &mut |_, _| (),
    )
    .unwrap();
    assert!(
        matches!(report.faults[..], [Fault::StoreEntry { index: 123 }]),
        "{report:?}"
    );
}

#[tokio::test]
async fn attack_a_restored_old_database_is_not_signed() {
    let folder = tempfile::tempdir().unwrap();
    let settings = Settings::new(folder.path().join("store.db"));
    let log = folder.path().join("journal");
    let store = open_store(&settings);
    grow_to(&store, 10).await;
    drop(store);
    let backup = std::fs::read(&settings.path).unwrap();

    let store = open_store(&settings);
    grow_to(&store, 20).await;
    TreeWriter::open(&log, key())
        .unwrap()
        .write(&store)
        .unwrap();
    drop(store);

    std::fs::write(&settings.path, backup).unwrap();
    let store = open_store(&settings);
    assert_eq!(store.size().unwrap(), 10);
    let refused = TreeWriter::open(&log, key()).unwrap().write(&store);
    assert!(matches!(
        refused,
        Err(TreeError::StoreShorter {
            store: 10,
            tree: 20
        })
    ));
}
