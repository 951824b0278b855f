//! Snapshots of a running hub: taken by order and by themselves, and where a check and a rebuild start.

use std::fs;

use crate::rig::Hub;

#[test]
fn a_check_and_a_rebuild_start_with_the_snapshot() {
    let mut hub = Hub::start();
    hub.device("cam-1");
    let taken = hub.json(&["journal", "snapshot"]);
    assert!(fs::exists(taken["file"].as_str().unwrap()).unwrap());
    hub.orders("quarantine", "cam-1");
    hub.stop();
    let from = format!("from the snapshot of {} entries on", taken["entries"]);
    for command in ["verify", "rebuild"] {
        let said = hub.ironroot(&["journal", command]).ok();
        assert!(said.contains(&from), "{said}");
        let said = hub.ironroot(&["journal", command, "--from-start"]).ok();
        assert!(said.contains("from the first entry on"), "{said}");
    }
    hub.starts();
    assert_eq!(hub.lifecycle("cam-1"), "quarantined");
}

#[test]
fn snapshots_are_taken_by_themselves_and_the_oldest_removed() {
    let mut hub = Hub::start();
    hub.stop();
    hub.set("[snapshots]\nevery_entries = 1\nkeep = 1\n");
    hub.starts();
    hub.logs("A snapshot of the state was taken.");
    hub.ironroot(&["journal", "snapshot"]).ok();
    let left = fs::read_dir(hub.data.join("snapshots")).unwrap();
    assert_eq!(left.count(), 1);
}

#[test]
fn a_damaged_snapshot_is_named_and_not_used() {
    let mut hub = Hub::start();
    let taken = hub.json(&["journal", "snapshot"]);
    hub.stop();
    let file = taken["file"].as_str().unwrap();
    let whole = fs::read(file).unwrap();
    fs::write(file, &whole[..whole.len() / 2]).unwrap();
    let said = hub.ironroot(&["journal", "verify"]).ok();
    assert!(said.contains(&format!("Not used: {file}: ")), "{said}");
    assert!(said.contains("from the first entry on"), "{said}");
}

/// Whoever edits a row must not get it into a snapshot, and from there past `verify`.
#[test]
fn attack_an_edited_row_gets_into_no_snapshot() {
    let mut hub = Hub::start();
    hub.device("cam-1");
    hub.orders("quarantine", "cam-1");
    hub.stop();
    let database = rusqlite::Connection::open(hub.data.join("store.sqlite")).unwrap();
    let edited = "UPDATE state SET value = CAST(replace(CAST(value AS TEXT), 'quarantined', 'active') AS BLOB)
        WHERE tbl = 'devices' AND key = 'cam-1'";
    assert_eq!(database.execute(edited, []).unwrap(), 1);
    drop(database);
    hub.starts();
    let refused = hub.ironroot(&["journal", "snapshot"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    hub.logs("is not what the journal says");
    let status = hub.json(&["status"]);
    let told = status["degraded"][0]["what"].as_str().unwrap();
    assert!(told.contains("No snapshot of the state is taken"), "{told}");
}
