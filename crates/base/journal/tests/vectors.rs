//! Proofs and trees that other programs made: the console's example, and a log written by Go's Tessera.
#![cfg(test)]

use std::path::PathBuf;

use ironroot_journal::checkpoint::{Checkpoint, SignedCheckpoint};
use ironroot_journal::merkle::{
    Hash, HashSource, Node, consistency_proof, leaf_hash, root, verify_consistency,
    verify_inclusion,
};
use ironroot_journal::note::{Signature, VerifierKey};
use ironroot_journal::proof::Proof;
use ironroot_journal::tile::{Content, Tile, complete_root, decode_entries, decode_hashes};

/// The public test key of Tessera's `testdata/log`.
const TESSERA_KEY: &str =
    "example.com/log/testdata+33d7b496+AeHTu4Q3hEIMHNqc6fASMsq3rKNx280NI+oO5xCFkkSx";

#[test]
fn the_proof_in_the_consoles_example_leads_to_its_root() {
    let example = PathBuf::from(concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/../../../testdata/journal/console-example"
    ));
    let entry = std::fs::read(example.join("entry.json")).unwrap();
    let file = std::fs::read(example.join("entry.tlog-proof")).unwrap();
    let proof = Proof::parse(&file).unwrap();
    assert_eq!(proof.to_string().as_bytes(), file);
    assert_eq!((proof.index, proof.path.len()), (1_842_196, 17));

    let note = proof.checkpoint.note();
    let signers: Vec<_> = note.signatures().iter().map(Signature::name).collect();
    assert_eq!(
        signers,
        [
            "nordhaven.example/ironroot",
            "witness.halden.example",
            "witness.oslo-uni.example"
        ]
    );
    let mut lines = note.unverified_text().lines().skip(1);
    let size = lines.next().unwrap().parse().unwrap();
    let root = lines.next().unwrap().parse().unwrap();
    let leaf = leaf_hash(&entry);
    assert_eq!(
        leaf.to_string(),
        "ruq5GDSPHbv74/OZIExq84Di5g6pNb4OsUTpoUJLOGI="
    );
    let verified = verify_inclusion(&leaf, proof.index, size, &proof.path, &root);
    assert_eq!(verified, Ok(()));
}

struct Leaves(Vec<Hash>);

impl HashSource for Leaves {
    type Error = std::convert::Infallible;

    fn hash(&mut self, node: Node) -> Result<Hash, Self::Error> {
        let width = 1 << node.level;
        let start = usize::try_from(node.index).unwrap() * width;
        Ok(complete_root(&self.0[start..start + width]).unwrap())
    }
}

/// The folder of Tessera's log, or one printed line.
fn tessera() -> Option<PathBuf> {
    let folder = std::env::var_os("IRONROOT_TESTDATA")
        .map(|data| PathBuf::from(data).join("compliance/tlog-tessera"));
    if folder.is_none() {
        println!("skipped: IRONROOT_TESTDATA does not name the test data");
    }
    folder
}

#[test]
fn a_log_of_tessera_verifies_at_each_of_its_checkpoints() {
    let Some(folder) = tessera() else { return };
    let key: VerifierKey = TESSERA_KEY.parse().unwrap();
    let size = 15;
    let bundle = Tile::within(Content::Entries, 0, size).unwrap();
    let bundle = std::fs::read(folder.join(bundle.to_string())).unwrap();
    let entries = decode_entries(&bundle, 15).unwrap();
    assert_eq!(entries[..2], [b"one".as_slice(), b"two"]);
    let mut leaves = Leaves(entries.iter().map(|entry| leaf_hash(entry)).collect());

    let hashes = Tile::within(Content::Hashes { level: 0 }, 0, size).unwrap();
    let hashes = std::fs::read(folder.join(hashes.to_string())).unwrap();
    assert_eq!(decode_hashes(&hashes, 15).unwrap(), leaves.0);

    let checkpoint = |size: u64| -> Checkpoint {
        let note = std::fs::read(folder.join(format!("checkpoint.{size}"))).unwrap();
        SignedCheckpoint::parse(&note)
            .unwrap()
            .verify(&key)
            .unwrap()
    };
    let newest = checkpoint(size);
    for older in 0..=size {
        let older_root = root(older, &mut leaves).unwrap();
        assert_eq!(checkpoint(older).root(), &older_root);
        let proof = consistency_proof(older, size, &mut leaves).unwrap();
        let verified = verify_consistency(older, &older_root, size, newest.root(), &proof);
        assert_eq!(verified, Ok(()));
    }
}

#[test]
fn a_proof_over_a_log_of_tessera_verifies() {
    let Some(folder) = tessera() else { return };
    let key: VerifierKey = TESSERA_KEY.parse().unwrap();
    let file = std::fs::read(folder.join("sample-index6.tlog-proof")).unwrap();
    let proof = Proof::parse(&file).unwrap();
    assert_eq!(proof.verify(b"seven", &key).unwrap().size(), 15);
    assert!(proof.verify(b"six", &key).is_err());
}
