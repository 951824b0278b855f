//! What leaves the hub can be checked without it, by us and by Go's own libraries.

use std::path::Path;
use std::process::Command;

use ironroot_journal::note::{SigningKey, VerifierKey};
use ironroot_tree::{
    LogKeys, ProofFileRefused, TreeError, TreeWriter, export_entries, export_proof, verify_proof,
};

use crate::log::{Log, entry, key, public};

#[test]
fn a_proof_verifies_with_the_public_key_alone() {
    let log = Log::of(600);
    for index in [0, 255, 256, 511, 512, 599] {
        let file = export_proof(&log.place(), &public(), index)
            .unwrap()
            .to_string();
        let key = public().to_string().parse().unwrap();
        let verified = verify_proof(file.as_bytes(), None, &key).unwrap();
        assert_eq!(
            (verified.index, verified.entry),
            (index, entry(index).bytes().to_vec())
        );
        assert_eq!(verified.checkpoint.size(), 600);
        assert!(verify_proof(file.as_bytes(), Some(entry(index).bytes()), &key).is_ok());
    }
}

#[test]
fn refuses_a_proof_about_another_entry() {
    let log = Log::of(10);
    let mut proof = export_proof(&log.place(), &public(), 4).unwrap();
    let file = proof.to_string();
    let other = verify_proof(file.as_bytes(), Some(entry(5).bytes()), &public());
    assert!(matches!(other, Err(ProofFileRefused::OtherEntry)));
    proof.extra = None;
    let bare = proof.to_string();
    let nothing = verify_proof(bare.as_bytes(), None, &public());
    assert!(matches!(nothing, Err(ProofFileRefused::NoEntry)));
    let wrong = verify_proof(bare.as_bytes(), Some(entry(5).bytes()), &public());
    assert!(matches!(wrong, Err(ProofFileRefused::Refused(_))));
    proof.extra = Some(entry(5).bytes().to_vec());
    let forged = verify_proof(proof.to_string().as_bytes(), None, &public());
    assert!(matches!(forged, Err(ProofFileRefused::Refused(_))));
    let key = SigningKey::from_seed("hub.example/journal", &[8; 32]).unwrap();
    let stranger = verify_proof(file.as_bytes(), None, key.verifier_key());
    assert!(matches!(stranger, Err(ProofFileRefused::Refused(_))));
    let none = verify_proof(b"{}", None, &public());
    assert!(matches!(none, Err(ProofFileRefused::BadFile(_))));
}

#[test]
fn exports_no_proof_that_would_not_verify() {
    let log = Log::of(600);
    let export = |index| export_proof(&log.place(), &public(), index);
    assert!(matches!(
        export(600),
        Err(TreeError::NotCovered {
            index: 600,
            size: 600
        })
    ));
    log.flip("tile/0/001", 5);
    assert!(matches!(export(300), Err(TreeError::OtherRoot)));
    std::fs::remove_file(log.path("checkpoint")).unwrap();
    assert!(matches!(export(1), Err(TreeError::NoCheckpoint)));
}

#[test]
fn entries_leave_as_lines_of_their_own_bytes() {
    let log = Log::of(0);
    log.journal.grow_to(2_000);
    let mut out = Vec::new();
    assert_eq!(
        export_entries(&log.journal, 5..1_500, &mut out).unwrap(),
        1_495
    );
    let lines: Vec<_> = out.split(|byte| *byte == b'\n').collect();
    assert_eq!(
        (lines[0], lines[1_494]),
        (entry(5).bytes(), entry(1_499).bytes())
    );
    assert_eq!(
        export_entries(&log.journal, 1_990..9_999, &mut out).unwrap(),
        10
    );
    assert_eq!(
        export_entries(&log.journal, 9_000..9_999, &mut out).unwrap(),
        0
    );
    log.journal.0.lock().unwrap().remove(7);
    assert!(export_entries(&log.journal, 0..10, &mut out).is_err());
}

/// Runs the verifier in `foreign/`, which knows our log only through Go's `sumdb` libraries.
fn go_verifies(log: &Log, key: &VerifierKey, proof: &Path) -> Option<bool> {
    let program = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/foreign/verify.go");
    let run = Command::new("go")
        .args(["run", program])
        .arg(key.to_string())
        .arg(log.folder.path())
        .arg(proof)
        .env("GO111MODULE", "off")
        .env("GOPATH", "/usr/share/gocode")
        .env("GOCACHE", log.folder.path().join("go-cache"))
        .output();
    let Ok(run) = run else {
        println!("skipped: go is not installed");
        return None;
    };
    let said = String::from_utf8_lossy(&run.stderr);
    if said.contains("cannot find package") {
        println!("skipped: golang-golang-x-mod-dev is not installed");
        return None;
    }
    print!("{said}");
    Some(run.status.success())
}

#[test]
fn gos_sumdb_libraries_verify_checkpoint_tiles_and_proof() {
    let log = Log::of(700);
    let proof = export_proof(&log.place(), &public(), 300).unwrap();
    let file = log.path("entry.tlog-proof");
    std::fs::write(&file, proof.to_string()).unwrap();
    let Some(verified) = go_verifies(&log, &public(), &file) else {
        return;
    };
    assert!(verified);

    // The same program must be able to say no.
    let forged = proof.to_string().replace("index 300", "index 301");
    std::fs::write(&file, forged).unwrap();
    assert_eq!(go_verifies(&log, &public(), &file), Some(false));
    std::fs::write(&file, proof.to_string()).unwrap();
    log.flip("tile/0/001", 5);
    assert_eq!(go_verifies(&log, &public(), &file), Some(false));
}

#[test]
fn gos_note_library_takes_a_checkpoint_of_two_keys_under_each_of_them() {
    let log = Log::of(300);
    let next = SigningKey::from_seed(public().name(), &[8; 32]).unwrap();
    let keys = [public(), next.verifier_key().clone()];
    let both = LogKeys {
        signing: next,
        former: Some(key()),
        lost: None,
    };
    log.journal.grow_to(310);
    let mut writer = TreeWriter::open(log.folder.path(), both).unwrap();
    writer.write(&log.journal).unwrap();
    let file = log.path("entry.tlog-proof");
    for key in &keys {
        let proof = export_proof(&log.place(), key, 305).unwrap();
        std::fs::write(&file, proof.to_string()).unwrap();
        let Some(verified) = go_verifies(&log, key, &file) else {
            return;
        };
        assert!(verified, "{key}");
    }
    let stranger = SigningKey::from_seed(public().name(), &[9; 32]).unwrap();
    assert_eq!(
        go_verifies(&log, stranger.verifier_key(), &file),
        Some(false)
    );
}
