//! A log in a folder of its own over a journal in memory, which tests write, damage and check.

use std::path::PathBuf;
use std::sync::Mutex;

use ironroot_journal::Entry;
use ironroot_journal::note::{SigningKey, VerifierKey};
use ironroot_store::{JournalReader, RawEntry, StoreError};
use ironroot_tree::{LogPlace, Report, TreeWriter, Written, verify_tree};
use tempfile::TempDir;

/// A journal in memory that can be tampered with.
#[derive(Default)]
pub(crate) struct Memory(pub(crate) Mutex<Vec<RawEntry>>);

impl Memory {
    /// Appends entries until there are `size`.
    pub(crate) fn grow_to(&self, size: u64) {
        let mut entries = self.0.lock().unwrap();
        for index in entries.len() as u64..size {
            let bytes = entry(index).bytes().to_vec();
            entries.push(RawEntry { index, bytes });
        }
    }
}

/// The entry at `index` of every journal here.
pub(crate) fn entry(index: u64) -> Entry {
    let at = ironroot_time::UnixTime::from_ms(index);
    let fields = [("n".to_owned(), index.into())].into_iter().collect();
    Entry::compose(at, "numbered", 1, fields).unwrap()
}

impl JournalReader for Memory {
    fn size(&self) -> Result<u64, StoreError> {
        let entries = self.0.lock().unwrap();
        Ok(entries.last().map_or(0, |last| last.index + 1))
    }

    fn floor(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    fn raw_entries(&self, from: u64, max: usize) -> Result<Vec<RawEntry>, StoreError> {
        let entries = self.0.lock().unwrap();
        let from = entries.iter().skip_while(|raw| raw.index < from);
        Ok(from.take(max).cloned().collect())
    }
}

/// A log and the journal that it follows.
pub(crate) struct Log {
    pub(crate) folder: TempDir,
    pub(crate) journal: Memory,
}

pub(crate) fn key() -> SigningKey {
    SigningKey::from_seed("hub.example/journal", &[7; 32]).unwrap()
}

pub(crate) fn public() -> VerifierKey {
    key().verifier_key().clone()
}

/// A folder in memory where there is one: no test here is about the disk.
fn folder() -> TempDir {
    tempfile::tempdir_in("/dev/shm")
        .or_else(|_no_such_folder| tempfile::tempdir())
        .unwrap()
}

impl Log {
    /// A log whose checkpoint covers `size` entries.
    pub(crate) fn of(size: u64) -> Self {
        let log = Self {
            folder: folder(),
            journal: Memory::default(),
        };
        log.grow_to(size);
        log
    }

    pub(crate) fn place(&self) -> LogPlace {
        LogPlace::new(self.folder.path())
    }

    pub(crate) fn writer(&self) -> TreeWriter {
        TreeWriter::open(self.folder.path(), key()).unwrap()
    }

    /// Grows the journal and lets a fresh writer follow.
    pub(crate) fn grow_to(&self, size: u64) -> Written {
        self.journal.grow_to(size);
        let mut writer = self.writer();
        loop {
            let written = writer.write(&self.journal).unwrap();
            if written.waiting == 0 {
                return written;
            }
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn read(&self, name: &str) -> Vec<u8> {
        std::fs::read(self.path(name)).unwrap()
    }

    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        std::fs::write(self.path(name), bytes).unwrap();
    }

    /// Flips the lowest bit of one byte of a file.
    pub(crate) fn flip(&self, name: &str, place: usize) {
        let mut bytes = self.read(name);
        bytes[place] ^= 1;
        self.write(name, &bytes);
    }

    pub(crate) fn swap(&self, one: &str, other: &str) {
        let (first, second) = (self.read(one), self.read(other));
        self.write(one, &second);
        self.write(other, &first);
    }

    /// Checks the log and the journal.
    pub(crate) fn verify(&self) -> Report {
        verify_tree(
            &self.place(),
            &public(),
            Some(&self.journal),
            &mut |_, _| (),
        )
        .unwrap()
    }

    /// What is wrong, each in the words that a person reads, with paths within the log.
    pub(crate) fn faults(&self) -> Vec<String> {
        let within = format!("{}/", self.folder.path().display());
        let faults = self.verify().faults;
        faults
            .iter()
            .map(|fault| fault.to_string().replace(&within, ""))
            .collect()
    }
}
