//! What "durable" means, as the system sees it: `fdatasync` of the log before each acknowledgement.
#![cfg(test)]

use std::process::Command;

/// Each acknowledgement of a lone caller follows an `fdatasync` of the write-ahead log that follows
/// the write of its entry. With `synchronous=OFF` or `NORMAL` there would be none.
#[test]
fn each_acknowledgement_comes_after_fdatasync_of_the_write_ahead_log() {
    if Command::new("strace").arg("-V").output().is_err() {
        println!("skipped: strace is not installed");
        return;
    }
    let folder = tempfile::tempdir().unwrap();
    let (file, trace) = (folder.path().join("store.db"), folder.path().join("trace"));
    let traced = Command::new("strace")
        .args(["-f", "-y", "-e", "trace=write,pwrite64,fdatasync", "-o"])
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_store-acks"))
        .arg(&file)
        .args(["1", "25"])
        .output()
        .unwrap();
    assert!(traced.status.success(), "{traced:?}");

    let trace = std::fs::read_to_string(&trace).unwrap();
    let (mut written, mut synced, mut acknowledged) = (false, false, 0);
    for call in trace.lines() {
        if call.contains("pwrite64(") && call.contains("store.db-wal>") {
            (written, synced) = (true, false);
        } else if call.contains("fdatasync(") && call.contains("store.db-wal>") {
            synced = written;
        } else if call.contains("write(1<") && call.contains("\"ack ") {
            assert!(synced, "acknowledged before fdatasync: {call}");
            (written, synced, acknowledged) = (false, false, acknowledged + 1);
        }
    }
    assert_eq!(acknowledged, 25);
}
