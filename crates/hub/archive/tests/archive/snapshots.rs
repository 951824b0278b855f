//! A rebuild starts with the newest snapshot that is whole and that the journal has recorded, and names
//! every other.

use std::fs;

use ironroot_archive::{NotTaken, Snapshots};
use ironroot_store::{Source, StateError, Store};

use crate::house::house;

#[tokio::test]
async fn a_replay_starts_with_the_newest_snapshot() {
    let house = house().await;
    house.snapshot().await;
    house.sets("three").await;
    let newest = house.snapshot().await;
    house.sets("one").await;
    assert_eq!(house.verifies().await, (Some(newest.entries), Vec::new()));
}

#[tokio::test]
async fn without_a_snapshot_a_replay_starts_with_the_first_entry() {
    assert_eq!(house().await.verifies().await, (None, Vec::new()));
}

#[tokio::test]
async fn a_snapshot_half_written_is_refused_by_name_and_the_one_before_is_used() {
    let house = house().await;
    let older = house.snapshot().await;
    for nth in 0..50 {
        house.sets(&format!("more-{nth}")).await;
    }
    let newest = house.snapshot().await;
    let whole = fs::read(&newest.path).unwrap();
    for length in 0..whole.len() {
        fs::write(&newest.path, &whole[..length]).unwrap();
        let (used, refused) = house.verifies().await;
        assert_eq!(used, Some(older.entries), "of {length} bytes");
        assert_eq!(refused[0].0, newest.path);
    }
    fs::write(&older.path, b"").unwrap();
    let (used, refused) = house.verifies().await;
    assert_eq!((used, refused.len()), (None, 2));
}

#[tokio::test]
async fn attack_no_changed_byte_of_a_snapshot_gets_into_the_rows() {
    let house = house().await;
    let taken = house.snapshot().await;
    let whole = fs::read(&taken.path).unwrap();
    for place in 0..whole.len() {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        fs::write(&taken.path, &changed).unwrap();
        // `verifies` compares with the rows of the store; a bit that says nothing may be used.
        house.verifies().await;
    }
    let longer = [whole.as_slice(), &[0]].concat();
    fs::write(&taken.path, longer).unwrap();
    assert_eq!(house.verifies().await.0, None);
}

#[tokio::test]
async fn attack_a_snapshot_of_another_hub_is_refused_by_name() {
    let (house, other) = (house().await, house().await);
    other.sets("evil").await;
    house.sets("good").await;
    let foreign = other.snapshot().await;
    let put_in = house.folder.path().join("snapshots");
    fs::create_dir(&put_in).unwrap();
    let put_in = put_in.join(foreign.path.file_name().unwrap());
    fs::copy(&foreign.path, &put_in).unwrap();
    let (used, refused) = house.verifies().await;
    assert_eq!(used, None);
    let unrecorded = "this journal has not recorded it".to_owned();
    assert_eq!(refused, [(put_in, unrecorded)]);
}

#[tokio::test]
async fn attack_rows_of_another_snapshot_under_a_recorded_name_are_refused() {
    let house = house().await;
    let older = house.snapshot().await;
    house.sets("three").await;
    let newest = house.snapshot().await;
    fs::copy(&older.path, &newest.path).unwrap();
    let (used, refused) = house.verifies().await;
    assert_eq!((used, refused.len()), (Some(older.entries), 1));
}

#[tokio::test]
async fn a_snapshot_is_not_taken_of_rows_that_the_journal_does_not_give() {
    let house = house().await;
    let database = house.folder.path().join("store.sqlite");
    let database = rusqlite::Connection::open(database).unwrap();
    let changed = database.execute("UPDATE state SET value = X'00' WHERE key = 'two'", []);
    assert_eq!(changed.unwrap(), 1);
    let refused = house.snapshots.take(&*house.store, Source::default());
    match refused {
        Err(NotTaken::Rows(StateError::Differs { key, .. })) => assert_eq!(key, "two"),
        other => panic!("{other:?}"),
    }
    let left = fs::read_dir(house.folder.path().join("snapshots")).unwrap();
    assert_eq!(left.count(), 0);
}

/// `/dev/full` takes the place of the file in the making: each write says that the disk is full.
#[tokio::test]
async fn a_full_disk_costs_the_snapshot_and_nothing_else() {
    let house = house().await;
    let older = house.snapshot().await;
    let folder = older.path.parent().unwrap();
    std::os::unix::fs::symlink("/dev/full", folder.join(".unfinished")).unwrap();
    let refused = house.snapshots.take(&*house.store, Source::default());
    match refused {
        Err(NotTaken::File { cause, .. }) => {
            assert_eq!(cause.kind(), std::io::ErrorKind::StorageFull);
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(house.verifies().await, (Some(older.entries), Vec::new()));
    assert_eq!(house.snapshots.list().unwrap(), [older]);
    // What stood in the way was cleared away with it.
    house.sets("three").await;
    house.snapshot().await;
}

#[tokio::test]
async fn the_newest_snapshots_are_kept_and_the_others_removed() {
    let house = house().await;
    for nth in 0..4 {
        house.sets(&format!("more-{nth}")).await;
        house.snapshot().await;
    }
    let before = house.snapshots.list().unwrap();
    house.snapshots.keep(2).unwrap();
    assert_eq!(house.snapshots.list().unwrap(), before[..2]);
    assert!(before[0].entries > before[1].entries);
}

#[tokio::test]
async fn a_rebuild_from_a_snapshot_gives_the_rows_again() {
    let house = house().await;
    let taken = house.snapshot().await;
    house.sets("two").await;
    let digest = house.store.state_digest().await.unwrap();
    let source = Source {
        base: Some(taken.open().unwrap()),
        archive: None,
    };
    assert_eq!(house.store.rebuild(source).await.unwrap(), digest);
}

#[test]
fn a_folder_that_is_not_there_has_no_snapshots() {
    let folder = tempfile::tempdir().unwrap();
    let snapshots = Snapshots::new(&folder.path().join("none"));
    assert!(snapshots.list().unwrap().is_empty());
    snapshots.keep(1).unwrap();
}
