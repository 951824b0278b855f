//! The journal, tampered with after the fact: `ironroot journal verify` names what was changed.

use std::fs;
use std::path::{Path, PathBuf};

use crate::rig::{Hub, Place, Said, until, up};

/// A hub with some history, which has stopped: its whole journal is under a checkpoint.
fn stopped() -> Hub {
    let mut hub = Hub::start();
    hub.device("cam-1");
    hub.orders("quarantine", "cam-1");
    hub.claim("cam-2");
    hub.stop();
    let verified = hub.ironroot(&["journal", "verify"]).ok();
    assert!(verified.contains(", 0 wait for the next"), "{verified}");
    hub
}

/// Shows that verifying fails, and names what is wrong.
fn finds(place: &Place, words: &[&str]) {
    let said = place.ironroot(&["journal", "verify"]);
    assert_eq!(said.code, 1, "{said:?}");
    let wrong: Vec<_> = said
        .out
        .lines()
        .filter(|line| line.starts_with("Wrong: "))
        .collect();
    assert!(!wrong.is_empty(), "{said:?}");
    for word in words {
        assert!(
            wrong.iter().any(|line| line.contains(word)),
            "{word:?} in {wrong:#?}"
        );
    }
}

/// The one file in a folder of partial tiles.
fn partial(place: &Place, kind: &str) -> PathBuf {
    let folder = place.data.join("journal/tile").join(kind).join("000.p");
    let newest = fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    newest.max_by_key(|path| width(path)).unwrap()
}

fn width(tile: &Path) -> u16 {
    tile.file_name().unwrap().to_str().unwrap().parse().unwrap()
}

fn edit(path: &Path, change: impl FnOnce(&mut Vec<u8>)) {
    let mut bytes = fs::read(path).unwrap();
    change(&mut bytes);
    fs::write(path, bytes).unwrap();
}

/// Writes another text over one that stands there.
fn replace(bytes: &mut [u8], text: &str, by: &str) {
    assert_eq!(text.len(), by.len());
    let at = bytes
        .windows(text.len())
        .position(|part| part == text.as_bytes());
    let at = at.unwrap_or_else(|| panic!("{text} stands there"));
    bytes[at..at + by.len()].copy_from_slice(by.as_bytes());
}

fn sql(place: &Place, statement: &str) {
    let store = rusqlite::Connection::open(place.data.join("store.sqlite")).unwrap();
    assert_eq!(store.execute(statement, []).unwrap(), 1, "{statement}");
}

#[test]
fn finds_one_changed_byte_in_an_entry_of_the_log() {
    let hub = stopped();
    edit(&partial(&hub, "entries"), |bytes| {
        replace(bytes, "device.quarantined", "device.quarantineD");
    });
    finds(
        &hub,
        &["tile/entries/000.p", "is not the one that was signed"],
    );
}

#[test]
fn finds_one_changed_byte_in_a_hash() {
    let hub = stopped();
    edit(&partial(&hub, "0"), |bytes| bytes[40] ^= 1);
    finds(&hub, &["tile/0/000.p", "are not the ones that were signed"]);
}

#[test]
fn finds_an_entry_dropped_from_the_log() {
    let hub = stopped();
    edit(&partial(&hub, "entries"), |bytes| {
        let first = 2 + usize::from(u16::from_be_bytes([bytes[0], bytes[1]]));
        bytes.drain(..first);
    });
    finds(&hub, &["tile/entries/000.p", "missing or damaged"]);
}

#[test]
fn finds_an_entry_dropped_from_the_store() {
    let hub = stopped();
    sql(&hub, "DELETE FROM entries WHERE idx = 5");
    finds(&hub, &["entry 5 is missing from the store"]);
}

#[test]
fn finds_an_entry_rewritten_in_the_store() {
    let hub = stopped();
    sql(
        &hub,
        "UPDATE entries SET bytes = CAST(replace(CAST(bytes AS TEXT), 'admin', 'nobody') AS BLOB) \
               WHERE CAST(bytes AS TEXT) LIKE '%device.quarantined%'",
    );
    finds(&hub, &["of the store is not the one that was signed"]);
}

#[test]
fn finds_the_last_entry_cut_off_the_store() {
    let hub = stopped();
    sql(
        &hub,
        "DELETE FROM entries WHERE idx = (SELECT max(idx) FROM entries)",
    );
    finds(&hub, &["entries, the signed tree"]);
}

#[test]
fn finds_a_state_that_the_journal_does_not_add_up_to() {
    let hub = stopped();
    sql(
        &hub,
        "UPDATE state SET value = CAST(replace(CAST(value AS TEXT), 'quarantined', 'active') AS BLOB) \
               WHERE key = 'cam-1'",
    );
    finds(
        &hub,
        &["row \"cam-1\" of table \"devices\" is not what the journal says"],
    );
}

#[test]
fn finds_a_tile_of_another_log() {
    let (hub, other) = (stopped(), stopped());
    let (tile, theirs) = (partial(&hub, "0"), partial(&other, "0"));
    assert_eq!(width(&tile), width(&theirs));
    fs::copy(theirs, tile).unwrap();
    finds(&hub, &["tile/0/000.p"]);
}

#[test]
fn finds_the_checkpoint_of_another_log() {
    let (hub, other) = (stopped(), stopped());
    let checkpoint = "journal/checkpoint";
    fs::copy(other.data.join(checkpoint), hub.data.join(checkpoint)).unwrap();
    finds(&hub, &["not signed by the log's key"]);
    fs::remove_file(hub.data.join(checkpoint)).unwrap();
    finds(&hub, &["there is no checkpoint"]);
}

#[test]
fn finds_a_whole_journal_that_was_exchanged_by_the_key_that_was_kept() {
    let (hub, other) = (stopped(), stopped());
    let kept = fs::read_to_string(hub.data.join("journal.vkey")).unwrap();
    other.ironroot(&["journal", "verify"]).ok();
    let said = other.ironroot(&["journal", "verify", "--key", kept.trim()]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.out.contains("not signed by the log's key"), "{said:?}");
}

#[test]
fn a_hub_does_not_go_on_from_a_store_that_was_put_back_from_a_backup() {
    let mut hub = stopped();
    let (store, backup) = (hub.data.join("store.sqlite"), hub.file("backup.sqlite"));
    fs::copy(&store, &backup).unwrap();
    hub.starts();
    hub.orders("retire", "cam-1");
    hub.stop();
    let newest = fs::read(&store).unwrap();
    fs::copy(&backup, &store).unwrap();
    for _ in 0..2 {
        let said = Said::of(&mut up(&hub.data));
        assert_eq!(said.code, 1, "{said:?}");
        for word in ["the store was rolled back", "put back the newest store"] {
            assert!(said.err.contains(word), "{said:?}");
        }
    }
    fs::write(&store, newest).unwrap();
    hub.starts();
    assert_eq!(hub.lifecycle("cam-1"), "retired");
}

#[test]
fn a_state_that_another_version_made_is_made_again_at_the_next_start() {
    let mut hub = Hub::start();
    hub.device("cam-1");
    hub.stop();
    sql(
        &hub,
        r#"UPDATE state SET value = CAST('{"version":1}' AS BLOB) WHERE tbl = 'fold'"#,
    );
    sql(&hub, "DELETE FROM state WHERE tbl = 'issuing_cas'");
    finds(&hub, &["table \"fold\""]);
    hub.starts();
    hub.logs("Another version of the program made the state");
    assert_eq!(hub.lifecycle("cam-1"), "enrolled");
    hub.stop();
    hub.ironroot(&["journal", "verify"]).ok();
    hub.starts();
    let said = hub.running().said();
    assert!(!said.contains("Another version"), "{said}");
}

#[test]
fn verifies_beside_a_hub_that_runs() {
    let hub = Hub::start();
    hub.device("cam-1");
    hub.ironroot(&["journal", "verify"]).ok();
}

/// A hub, and the proof of the entry that claimed `cam-1`.
fn proof(hub: &Hub) -> PathBuf {
    hub.claim("cam-1");
    let page = hub.json(&["journal", "list", "--device", "cam-1"]);
    let index = page["items"][0]["index"].to_string();
    // It is signed within a second or so.
    let proof = until("the entry is under a checkpoint", || {
        let said = hub.ironroot(&["journal", "proof", &index]);
        (said.code == 0).then_some(said.out)
    });
    let path = hub.file("entry.tlog-proof");
    fs::write(&path, proof).unwrap();
    path
}

#[test]
fn a_proof_verifies_without_a_hub_and_a_changed_one_does_not() {
    let mut hub = Hub::start();
    let path = proof(&hub);
    let path = path.to_str().unwrap();
    hub.stop();
    let said = hub.ironroot(&["journal", "verify", path]).ok();
    assert!(said.contains("cam-1"), "{said}");
    let honest = fs::read(path).unwrap();
    let mut changed = 0;
    for at in 0..honest.len() {
        // Every byte that is a letter or a digit: another one in its place.
        if !honest[at].is_ascii_alphanumeric() || at % 7 != 0 {
            continue;
        }
        let mut forged = honest.clone();
        forged[at] = if honest[at] == b'A' { b'B' } else { b'A' };
        fs::write(path, &forged).unwrap();
        let said = hub.ironroot(&["journal", "verify", path]);
        assert_eq!(said.code, 1, "byte {at} was changed: {said:?}");
        changed += 1;
    }
    assert!(changed > 50, "{changed}");
}

#[test]
fn a_proof_from_another_hub_does_not_verify() {
    let (hub, other) = (Hub::start(), Hub::start());
    let path = proof(&other);
    let said = hub.ironroot(&["journal", "verify", path.to_str().unwrap()]);
    assert_eq!(said.code, 1, "{said:?}");
}

#[test]
fn an_export_is_checked_on_arrival_and_against_the_key_that_was_kept() {
    let (hub, other) = (Hub::start(), Hub::start());
    proof(&hub);
    let to = hub.file("export");
    let export = ["journal", "export", "--to", to.to_str().unwrap()];
    hub.ironroot(&export).ok();
    assert!(to.join("checkpoint").exists());
    let kept = fs::read_to_string(other.data.join("journal.vkey")).unwrap();
    let refused = hub.ironroot(&[export.as_slice(), &["--key", kept.trim()]].concat());
    assert_eq!(refused.code, 1, "{refused:?}");
}
