//! Whatever is done to the log or the store behind the hub's back is found and named.

use ironroot_journal::tile::{decode_entries, encode_entries};
use ironroot_tree::{FAULTS_MAX, verify_tree};

use crate::log::{Log, entry, public};

fn tile(path: &str) -> String {
    format!("the hashes in {path:?} are not the ones that were signed")
}

fn bad_entry(index: u64, path: &str) -> String {
    format!("entry {index} in {path:?} is not the one that was signed")
}

fn damaged(path: &str) -> String {
    format!("{path:?} is missing or damaged")
}

#[test]
fn an_honest_log_holds_and_says_how_far() {
    let log = Log::of(600);
    log.journal.grow_to(603);
    let report = log.verify();
    assert!(report.holds(), "{:?}", report.faults);
    assert_eq!((report.verified, report.waiting), (600, 3));
    assert_eq!(report.checkpoint.unwrap().size(), 600);
}

#[test]
fn progress_reaches_the_end() {
    let log = Log::of(600);
    let mut told = Vec::new();
    verify_tree(&log.place(), &public(), None, &mut |done, of| {
        told.push((done, of));
    })
    .unwrap();
    assert_eq!(told, [(256, 600), (512, 600), (600, 600)]);
}

#[test]
fn attack_a_flipped_byte_in_any_bundle_names_the_entry() {
    let size = entry(100).bytes().len() + 2;
    for (path, first) in [("tile/entries/001", 256), ("tile/entries/002.p/88", 512)] {
        let log = Log::of(600);
        assert_eq!(entry(first).bytes().len() + 2, size);
        log.flip(path, 5 * size + 20);
        assert_eq!(log.faults(), [bad_entry(first + 5, path)]);
    }
}

#[test]
fn attack_a_flipped_byte_in_any_tile_names_the_tile() {
    for path in [
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
    ] {
        let log = Log::of(600);
        log.flip(path, 33);
        assert_eq!(log.faults(), [tile(path)]);
    }
}

#[test]
fn attack_a_flipped_byte_high_in_a_large_tree_names_the_tile() {
    let log = Log::of(65_536 + 600);
    for path in ["tile/1/000", "tile/2/000.p/1"] {
        log.flip(path, 7);
        assert_eq!(log.faults(), [tile(path)]);
        log.flip(path, 7);
    }
}

#[test]
fn attack_swapped_tiles_are_both_named() {
    let log = Log::of(600);
    log.swap("tile/0/000", "tile/0/001");
    assert_eq!(log.faults(), [tile("tile/0/000"), tile("tile/0/001")]);
}

#[test]
fn attack_swapped_bundles_are_named_by_their_entries() {
    let log = Log::of(600);
    log.swap("tile/entries/000", "tile/entries/001");
    let report = log.verify();
    assert_eq!(report.faults.len(), FAULTS_MAX);
    assert_eq!(report.more_faults, 512 - FAULTS_MAX as u64);
    assert_eq!(log.faults()[0], bad_entry(0, "tile/entries/000"));
}

#[test]
fn attack_an_entry_dropped_from_a_bundle_names_the_bundle() {
    let log = Log::of(600);
    let bundle = log.read("tile/entries/001");
    let mut entries = decode_entries(&bundle, 256).unwrap();
    entries.remove(9);
    log.write("tile/entries/001", &encode_entries(entries).unwrap());
    assert_eq!(log.faults(), [damaged("tile/entries/001")]);
}

#[test]
fn attack_an_entry_rewritten_with_its_hash_is_named_by_the_store() {
    let log = Log::of(600);
    let bundle = log.read("tile/entries/001");
    let mut entries = decode_entries(&bundle, 256).unwrap();
    let forged = entry(999);
    entries[9] = forged.bytes();
    log.write("tile/entries/001", &encode_entries(entries).unwrap());
    let mut hashes = log.read("tile/0/001");
    let leaf = ironroot_journal::merkle::leaf_hash(forged.bytes());
    hashes[9 * 32..10 * 32].copy_from_slice(&leaf.0);
    log.write("tile/0/001", &hashes);
    assert_eq!(
        log.faults(),
        [tile("tile/0/001"), bad_entry(265, "tile/entries/001")]
    );
}

#[test]
fn attack_an_entry_rewritten_everywhere_is_still_not_the_signed_one() {
    let log = Log::of(600);
    let forged = Log::of(0);
    forged.journal.grow_to(600);
    forged.journal.0.lock().unwrap()[300].bytes = entry(999).bytes().to_vec();
    forged.grow_to(600);
    forged.write("checkpoint", &log.read("checkpoint"));
    let root = "the tiles do not give the root that the checkpoint signs";
    assert_eq!(forged.faults(), [root]);
}

#[test]
fn a_missing_file_is_named() {
    for path in [
        "tile/0/001",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/002.p/88",
    ] {
        let log = Log::of(600);
        std::fs::remove_file(log.path(path)).unwrap();
        assert_eq!(log.faults(), [damaged(path)]);
    }
}

#[test]
fn attack_a_checkpoint_of_another_size_is_refused() {
    let log = Log::of(600);
    let checkpoint = String::from_utf8(log.read("checkpoint")).unwrap();
    log.write(
        "checkpoint",
        checkpoint.replace("\n600\n", "\n599\n").as_bytes(),
    );
    assert_eq!(
        log.faults(),
        ["the checkpoint is not signed by the log's key"]
    );
    log.write("checkpoint", b"nonsense");
    assert_eq!(log.faults(), ["the checkpoint is no signed note"]);
    std::fs::remove_file(log.path("checkpoint")).unwrap();
    assert_eq!(log.faults(), ["there is no checkpoint"]);
}

#[test]
fn attack_an_entry_changed_in_the_store_is_named() {
    let log = Log::of(600);
    log.journal.0.lock().unwrap()[555].bytes[8] ^= 1;
    assert_eq!(
        log.faults(),
        ["entry 555 of the store is not the one that was signed"]
    );
}

#[test]
fn attack_an_entry_dropped_from_the_store_is_named() {
    let log = Log::of(600);
    log.journal.0.lock().unwrap().remove(300);
    assert_eq!(log.faults(), ["entry 300 is missing from the store"]);
}

#[test]
fn attack_a_store_cut_short_is_named() {
    let log = Log::of(600);
    log.journal.0.lock().unwrap().truncate(598);
    assert_eq!(
        log.faults(),
        ["the store has 598 entries, the signed tree 600"]
    );
}
