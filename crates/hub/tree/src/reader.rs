//! The journal read from its log: how entries are had that the store has dropped.

use std::sync::Arc;
use std::thread;

use ironroot_journal::merkle::leaf_hash;
use ironroot_journal::note::VerifierKey;
use ironroot_journal::tile::{Content, TILE_WIDTH, Tile};
use ironroot_store::{JournalReader, RawEntry, StoreError};

use crate::chain::follow;
use crate::folder::{Folder, LogPlace};
use crate::{Fault, TreeError};

/// The most bundles that one question reads.
pub const BUNDLES_MAX: u64 = 32;

/// How many bundles are read at the same time: most of the time goes by on the way to the archive.
const AT_ONCE: usize = 8;

/// The entries under the log's checkpoint, each held against its leaf hash in the log.
#[derive(Debug)]
pub struct LogReader {
    folder: Folder,
    key: VerifierKey,
}

impl LogReader {
    /// The entries of `log`, whose checkpoint `key` has signed, or a successor of it.
    pub fn new(log: &LogPlace, key: VerifierKey) -> Self {
        let folder = Folder::of(log);
        Self { folder, key }
    }

    fn signed_size(&self) -> Result<u64, TreeError> {
        let Some(signed) = self.folder.checkpoint()? else {
            return Ok(0);
        };
        let followed = follow(&self.folder, &self.key, &signed);
        let (key, _handovers) = followed.map_err(|fault| TreeError::Fault(Box::new(fault)))?;
        let checkpoint = signed.verify(&key);
        Ok(checkpoint.map_err(TreeError::CheckpointRefused)?.size())
    }

    fn bundle(&self, index: u64, size: u64) -> Result<Vec<RawEntry>, TreeError> {
        let within = |content| Tile::within(content, index, size);
        let missing = || {
            TreeError::Store(StoreError::MissingEntry {
                index: index * WIDTH,
            })
        };
        let leaves = within(Content::Hashes { level: 0 }).ok_or_else(missing)?;
        let bundle = within(Content::Entries).ok_or_else(missing)?;
        let leaves = self.folder.hashes(leaves)?;
        let entries = self.folder.entries(bundle)?;
        let mut checked = Vec::with_capacity(entries.len());
        for ((bytes, leaf), index) in entries.into_iter().zip(leaves).zip(bundle.first()..) {
            if leaf_hash(&bytes) != leaf {
                let path = self.folder.place(bundle);
                return Err(TreeError::Fault(Box::new(Fault::Entry { index, path })));
            }
            checked.push(RawEntry { index, bytes });
        }
        Ok(checked)
    }
}

impl JournalReader for LogReader {
    fn size(&self) -> Result<u64, StoreError> {
        self.signed_size().map_err(failed)
    }

    fn floor(&self) -> Result<u64, StoreError> {
        Ok(0)
    }

    /// Reads at most [`BUNDLES_MAX`] bundles, and so may return fewer than `max` entries.
    fn raw_entries(&self, from: u64, max: usize) -> Result<Vec<RawEntry>, StoreError> {
        let size = self.size()?;
        let end = from.saturating_add(u64::try_from(max).unwrap_or(u64::MAX));
        let end = end.min(size);
        if from >= end {
            return Ok(Vec::new());
        }
        let first = from / WIDTH;
        let last = ((end - 1) / WIDTH).min(first + BUNDLES_MAX - 1);
        let wanted: Vec<u64> = (first..=last).collect();
        let mut entries = Vec::new();
        for wanted in wanted.chunks(AT_ONCE) {
            let read = thread::scope(|scope| {
                let reading = wanted
                    .iter()
                    .map(|index| scope.spawn(|| self.bundle(*index, size)));
                let reading: Vec<_> = reading.collect();
                let read = reading.into_iter().map(thread::ScopedJoinHandle::join);
                read.collect::<Vec<_>>()
            });
            for bundle in read {
                let bundle = bundle.map_err(|_panicked| failed(TreeError::OtherRoot))?;
                entries.extend(bundle.map_err(failed)?);
            }
        }
        entries.retain(|entry| (from..end).contains(&entry.index));
        Ok(entries)
    }
}

fn failed(cause: TreeError) -> StoreError {
    match cause {
        TreeError::Store(cause) => cause,
        other => StoreError::Archive(Arc::new(other)),
    }
}

const WIDTH: u64 = TILE_WIDTH as u64;
