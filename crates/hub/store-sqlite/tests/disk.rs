//! A disk that fails or is full costs nothing that was acknowledged, and the store goes on by itself.
#![cfg(test)]

use std::io::{BufRead, BufReader, Lines, Write};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use ironroot_store::JournalReader;
use ironroot_store_sqlite::SqliteJournal;

/// A lone writer under test, started by a shell that first prepares its trouble.
struct Writer {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
}

impl Writer {
    fn start(command: &mut Command) -> Self {
        let command = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let lines = BufReader::new(child.stdout.take().unwrap()).lines();
        Self { child, lines }
    }

    fn line(&mut self) -> String {
        self.lines.next().unwrap().unwrap()
    }

    /// Reads acknowledgements until the store says `later`; returns how many there were.
    fn runs_until_refused(&mut self) -> u64 {
        let opened = self.line();
        assert_eq!(opened, "open 0");
        self.runs_on_until_refused(0)
    }

    fn runs_on_until_refused(&mut self, mut acknowledged: u64) -> u64 {
        loop {
            let line = self.line();
            if line == "later" {
                return acknowledged;
            }
            assert_eq!(line, format!("ack {acknowledged}"));
            acknowledged += 1;
        }
    }

    /// Lets it try again.
    fn tries_again(&mut self) {
        let input = self.child.stdin.as_mut().unwrap();
        input.write_all(b"\n").unwrap();
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

fn holds_all(file: &Path, acknowledged: u64) {
    let journal = SqliteJournal::open(file).unwrap();
    assert!(journal.size().unwrap() >= acknowledged);
    let entries = journal.raw_entries(0, usize::MAX).unwrap();
    assert!(
        entries
            .iter()
            .zip(0..)
            .all(|(raw, index)| raw.index == index)
    );
}

#[test]
fn a_disk_that_fails_and_recovers_loses_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    // Past the limit on a file's size the kernel fails each write (EFBIG), as a bad disk would.
    let script = "trap '' XFSZ; ulimit -S -f 512; exec \"$0\" \"$1\" 1 0";
    let mut writer = Writer::start(
        Command::new("sh")
            .args(["-c", script, env!("CARGO_BIN_EXE_store-acks")])
            .arg(&file),
    );
    let acknowledged = writer.runs_until_refused();
    assert!(acknowledged > 10);

    let process = rustix::process::Pid::from_child(&writer.child);
    let unlimited = rustix::process::Rlimit {
        current: None,
        maximum: None,
    };
    rustix::process::prlimit(Some(process), rustix::process::Resource::Fsize, unlimited).unwrap();
    writer.tries_again();
    for index in acknowledged..acknowledged + 100 {
        assert_eq!(writer.line(), format!("ack {index}"));
    }
    drop(writer);
    holds_all(&file, acknowledged + 100);
}

#[test]
fn a_full_disk_is_a_refusal_for_now() {
    let (folder, copy) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // A disk of 4 MiB in a namespace of its own, most of it taken by a file that can go away.
    let script = "mount -t tmpfs -o size=4m none \"$1\" && head -c 3500000 /dev/zero >\"$1/ballast\" \
                  && exec \"$0\" \"$1/store.db\" 1 0";
    let mut probe = Command::new("unshare");
    let probe = probe
        .args(["-rm", "mount", "-t", "tmpfs", "none"])
        .arg(folder.path());
    if !probe.output().is_ok_and(|tried| tried.status.success()) {
        println!("skipped: this system lets nobody mount a disk in a namespace");
        return;
    }
    let mut writer = Writer::start(
        Command::new("unshare")
            .args(["-rm", "sh", "-c", script, env!("CARGO_BIN_EXE_store-acks")])
            .arg(folder.path()),
    );
    let acknowledged = writer.runs_until_refused();
    assert!(acknowledged > 10);

    let mut inside = PathBuf::from(format!("/proc/{}/root", writer.child.id()));
    inside.push(folder.path().strip_prefix("/").unwrap());
    std::fs::remove_file(inside.join("ballast")).unwrap();
    writer.tries_again();
    let more = writer.runs_on_until_refused(acknowledged);
    assert!(more > acknowledged + 100);
    // It waits now, and its disk goes away with it: what counts is what lies there.
    for name in ["store.db", "store.db-wal"] {
        std::fs::copy(inside.join(name), copy.path().join(name)).unwrap();
    }
    drop(writer);
    holds_all(&copy.path().join("store.db"), more);
}
