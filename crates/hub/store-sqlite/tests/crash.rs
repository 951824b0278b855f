//! A hub that is killed has lost nothing that it acknowledged.
#![cfg(test)]

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use ironroot_journal::Entry;
use ironroot_store::{JournalReader, Projection, Source, StoreReader};
use ironroot_store_sqlite::SqliteJournal;

/// How often the writer is killed.
const ROUNDS: u64 = 6;

fn writer(file: &Path) -> Child {
    Command::new(env!("CARGO_BIN_EXE_store-acks"))
        .arg(file)
        .args(["16", "0"])
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Reads the writer's lines and kills it after `lines` of them; returns how far it had got when it
/// opened the store, and the highest index it acknowledged.
fn kill_after(mut writer: Child, lines: u64) -> (u64, u64) {
    let mut out = BufReader::new(writer.stdout.take().unwrap()).lines();
    let opened = out.next().unwrap().unwrap();
    let opened = opened.strip_prefix("open ").unwrap().parse().unwrap();
    let mut acknowledged = Vec::new();
    let mut read =
        |line: String| acknowledged.push(line.strip_prefix("ack ").unwrap().parse().unwrap());
    (0..lines).for_each(|_| read(out.next().unwrap().unwrap()));
    // SIGKILL, in the middle of whatever it does; what it still said counts.
    writer.kill().unwrap();
    out.map_while(Result::ok).for_each(read);
    writer.wait().unwrap();
    (opened, acknowledged.into_iter().max().unwrap())
}

struct Anything;

impl Projection for Anything {
    fn apply(
        &self,
        _: u64,
        entry: &Entry,
        rows: &mut dyn ironroot_store::Rows,
    ) -> Result<(), ironroot_store::ApplyError> {
        let field = |name: &str| entry.fields()[name].to_string();
        let table = ironroot_store::Table::new("callers");
        rows.put(table, &field("caller"), field("number").into_bytes());
        Ok(())
    }
}

#[test]
fn every_acknowledged_entry_survives_sigkill() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("store.db");
    let mut acknowledged = 0;
    for round in 0..ROUNDS {
        // Each round stops at another distance from the last checkpoint of the log.
        let lines = 40 + round * round * 97 % 700;
        let (opened, last) = kill_after(writer(&file), lines);
        assert!(
            opened >= acknowledged,
            "{acknowledged} acknowledged, {opened} there"
        );
        acknowledged = last + 1;

        let journal = SqliteJournal::open(&file).unwrap();
        let size = journal.size().unwrap();
        assert!(
            size >= acknowledged,
            "{acknowledged} acknowledged, {size} there"
        );
        let entries = journal.raw_entries(0, usize::MAX).unwrap();
        let dense = entries
            .iter()
            .zip(0..)
            .all(|(raw, index)| raw.index == index);
        assert!(dense && entries.len() as u64 == size);
        journal.verify_state(&Anything, Source::default()).unwrap();
    }
    assert!(acknowledged > ROUNDS * 40);
}
