//! The tree follows the store, and never signs what its last checkpoint does not lead to.

use std::path::Path;

use ironroot_journal::checkpoint::CheckpointRefused;
use ironroot_journal::merkle::{consistency_proof, verify_consistency};
use ironroot_journal::note::SigningKey;
use ironroot_journal::tile::{Tile, TileSource, TiledTree, decode_hashes, tiles_since};
use ironroot_tree::{GROWTH_MAX, TreeError, TreeWriter};

use crate::log::{Log, key};

fn files(folder: &Path) -> Vec<String> {
    fn walk(folder: &Path, found: &mut Vec<String>, root: &Path) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found, root);
            } else {
                found.push(path.strip_prefix(root).unwrap().display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    walk(folder, &mut found, folder);
    found.sort();
    found
}

#[test]
fn an_empty_journal_has_a_checkpoint_too() {
    let log = Log::of(0);
    assert_eq!(files(log.folder.path()), ["checkpoint"]);
    assert!(log.verify().holds());
}

#[test]
fn the_folder_holds_what_the_standard_names_and_nothing_else() {
    let log = Log::of(600);
    let expected = [
        "checkpoint",
        "tile/0/000",
        "tile/0/001",
        "tile/0/002.p/88",
        "tile/1/000.p/2",
        "tile/entries/000",
        "tile/entries/001",
        "tile/entries/002.p/88",
    ];
    assert_eq!(files(log.folder.path()), expected);
}

#[test]
fn partial_tiles_stay_until_the_full_one_is_there() {
    let log = Log::of(3);
    log.grow_to(5);
    assert!(log.path("tile/0/000.p/3").exists() && log.path("tile/0/000.p/5").exists());
    log.grow_to(256);
    assert!(!log.path("tile/0/000.p").exists() && !log.path("tile/entries/000.p").exists());
}

struct Files<'l>(&'l Log);

impl TileSource for Files<'_> {
    type Error = std::convert::Infallible;

    fn tile(&mut self, tile: Tile) -> Result<Vec<ironroot_journal::merkle::Hash>, Self::Error> {
        let bytes = self.0.read(&tile.to_string());
        Ok(decode_hashes(&bytes, tile.width()).unwrap())
    }
}

#[test]
fn each_checkpoint_grows_out_of_the_one_before() {
    let log = Log::of(0);
    let mut before = log.grow_to(1).checkpoint;
    for size in [2, 3, 255, 256, 257, 300, 511, 512, 900] {
        let after = log.grow_to(size).checkpoint;
        assert_eq!(after.size(), size);
        let mut tree = TiledTree::new(size, Files(&log));
        let proof = consistency_proof(before.size(), size, &mut tree).unwrap();
        let verified = verify_consistency(before.size(), before.root(), size, after.root(), &proof);
        assert_eq!(verified, Ok(()), "{} to {size}", before.size());
        assert!(log.verify().holds());
        before = after;
    }
}

#[test]
fn one_writer_kept_open_writes_the_same_tree() {
    let log = Log::of(0);
    let mut writer = log.writer();
    for size in [1, 7, 256, 700] {
        log.journal.grow_to(size);
        writer.write(&log.journal).unwrap();
    }
    let expected = Log::of(700);
    assert_eq!(log.read("checkpoint"), expected.read("checkpoint"));
    for tile in tiles_since(0, 700) {
        let name = tile.to_string();
        assert_eq!(log.read(&name), expected.read(&name), "{name}");
    }
}

#[test]
fn nothing_is_written_when_nothing_is_new() {
    let log = Log::of(10);
    let before = std::fs::metadata(log.path("checkpoint"))
        .unwrap()
        .modified()
        .unwrap();
    log.grow_to(10);
    let after = std::fs::metadata(log.path("checkpoint"))
        .unwrap()
        .modified()
        .unwrap();
    assert_eq!(before, after);
}

#[test]
fn growth_is_bounded_and_what_waits_is_counted() {
    let log = Log::of(0);
    log.journal.grow_to(GROWTH_MAX + 5);
    let mut writer = log.writer();
    let written = writer.write(&log.journal).unwrap();
    assert_eq!(
        (written.checkpoint.size(), written.waiting),
        (GROWTH_MAX, 5)
    );
    let written = writer.write(&log.journal).unwrap();
    assert_eq!(
        (written.checkpoint.size(), written.waiting),
        (GROWTH_MAX + 5, 0)
    );
    assert!(log.path("tile/2/000.p/1").exists());
}

#[test]
fn attack_a_store_rolled_back_is_not_signed() {
    let log = Log::of(300);
    log.journal.0.lock().unwrap().truncate(299);
    let refused = log.writer().write(&log.journal);
    assert!(matches!(
        refused,
        Err(TreeError::StoreShorter {
            store: 299,
            tree: 300
        })
    ));
}

#[test]
fn attack_a_store_rolled_back_and_grown_again_is_not_signed() {
    let log = Log::of(300);
    let mut running = log.writer();
    {
        let mut entries = log.journal.0.lock().unwrap();
        entries[290].bytes[6] ^= 1;
    }
    log.journal.grow_to(310);
    for writer in [&mut log.writer(), &mut running] {
        let refused = writer.write(&log.journal);
        assert!(matches!(
            refused,
            Err(TreeError::StoreDiffers { index: 290 })
        ));
    }
    assert_eq!(running.checkpoint().unwrap().size(), 300);
}

#[test]
fn a_store_with_a_gap_is_not_signed() {
    let log = Log::of(10);
    log.journal.grow_to(20);
    log.journal.0.lock().unwrap().remove(15);
    let refused = log.writer().write(&log.journal).unwrap_err();
    assert!(matches!(refused, TreeError::Store(_)), "{refused:?}");
    assert_eq!(log.writer().checkpoint().unwrap().size(), 10);
}

#[test]
fn attack_a_checkpoint_put_back_stops_the_writer() {
    let log = Log::of(10);
    let old = log.read("checkpoint");
    log.grow_to(20);
    let mut running = log.writer();
    log.write("checkpoint", &old);
    let refused = running.write(&log.journal);
    assert!(matches!(refused, Err(TreeError::CheckpointReplaced)));
    std::fs::remove_file(log.path("checkpoint")).unwrap();
    let refused = running.write(&log.journal);
    assert!(matches!(refused, Err(TreeError::CheckpointReplaced)));
}

#[test]
fn refuses_the_log_of_another_key() {
    let log = Log::of(10);
    let other = SigningKey::from_seed("hub.example/journal", &[8; 32]).unwrap();
    let refused = TreeWriter::open(log.folder.path(), other);
    assert!(matches!(
        refused,
        Err(TreeError::CheckpointRefused(CheckpointRefused::Signature(
            _
        )))
    ));
}

#[test]
fn refuses_to_go_on_from_damaged_tiles() {
    let log = Log::of(300);
    log.flip("tile/0/001.p/44", 40);
    let refused = TreeWriter::open(log.folder.path(), key());
    assert!(matches!(refused, Err(TreeError::OtherRoot)));
    log.write("tile/0/001.p/44", b"short");
    let refused = TreeWriter::open(log.folder.path(), key());
    assert!(matches!(refused, Err(TreeError::Tile { .. })));
    std::fs::remove_file(log.path("tile/0/001.p/44")).unwrap();
    let refused = TreeWriter::open(log.folder.path(), key());
    assert!(matches!(refused, Err(TreeError::File { .. })));
}

#[test]
fn a_crash_between_tiles_and_checkpoint_costs_nothing() {
    for (before, after) in [(200, 220), (200, 300), (250, 520)] {
        let log = Log::of(before);
        let checkpoint = log.read("checkpoint");
        log.grow_to(after);
        log.write("checkpoint", &checkpoint);
        assert!(log.verify().holds());
        assert_eq!(log.grow_to(after).checkpoint.size(), after);
        assert!(log.verify().holds());
    }
}

#[test]
fn a_disk_that_fails_is_tried_again() {
    let log = Log::of(250);
    let mut writer = log.writer();
    log.journal.grow_to(270);
    std::fs::create_dir(log.path(".unfinished")).unwrap();
    assert!(matches!(
        writer.write(&log.journal),
        Err(TreeError::File { .. })
    ));
    assert_eq!(writer.checkpoint().unwrap().size(), 250);
    std::fs::remove_dir(log.path(".unfinished")).unwrap();
    assert_eq!(writer.write(&log.journal).unwrap().checkpoint.size(), 270);
    assert!(log.verify().holds());
}
