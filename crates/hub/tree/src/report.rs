//! What a check of the log found: how far the signed root vouches, and each thing that is wrong.

use std::path::PathBuf;

use ironroot_journal::checkpoint::{Checkpoint, CheckpointRefused};
use ironroot_journal::note::{BadNote, VerifierKey};

use crate::{Handover, TreeError};

/// The most faults that a report names; further ones are counted.
pub const FAULTS_MAX: usize = 100;

/// What a check of the whole log found.
#[derive(Debug, Default)]
pub struct Report {
    /// The checkpoint, when its signature holds.
    pub checkpoint: Option<Checkpoint>,
    /// The key that signed it: the one given, or its successor by the log's own entries.
    pub key: Option<VerifierKey>,
    /// Every change of key that the log tells of.
    pub handovers: Vec<Handover>,
    /// How many entries the signed root vouches for, though a copy of one may be bad.
    pub verified: u64,
    /// How many entries of the store the checkpoint does not cover yet, which is no fault.
    pub waiting: u64,
    /// What is wrong, at most [`FAULTS_MAX`] things.
    pub faults: Vec<Fault>,
    /// How many more things are wrong.
    pub more_faults: u64,
}

/// One thing that is wrong, and where.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// There is no checkpoint.
    #[error("there is no checkpoint")]
    NoCheckpoint,
    /// The checkpoint is no signed note.
    #[error("the checkpoint is no signed note")]
    BadCheckpoint(#[source] BadNote),
    /// The log's key did not sign the checkpoint.
    #[error("the checkpoint is not signed by the log's key")]
    CheckpointRefused(#[source] CheckpointRefused),
    /// The given key was lost, and its successor has nothing to show but itself.
    #[error(
        "the log's key was lost at entry {index}, and {to} took its place by its own word alone: ask the hub's operator whether it is theirs, then verify with --key {to}"
    )]
    KeyLost {
        /// The entry that names the successor.
        index: u64,
        /// The successor.
        to: Box<VerifierKey>,
    },
    /// A kept checkpoint by which a key handed the log over is not one of this tree, or hands nothing over.
    #[error("a kept checkpoint by which the log changed its key does not belong to this log")]
    Handover,
    /// No single tile of the edge explains why the tiles do not give the signed root.
    #[error("the tiles do not give the root that the checkpoint signs")]
    Root,
    /// A file is missing or holds no tile of its width: an entry was dropped or added, for example.
    #[error("{path:?} is missing or damaged")]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: Box<TreeError>,
    },
    /// A tile's hashes are not those that the signed root vouches for.
    #[error("the hashes in {path:?} are not the ones that were signed")]
    Tile {
        /// The file.
        path: PathBuf,
    },
    /// An entry is not the one that the signed root vouches for.
    #[error("entry {index} in {path:?} is not the one that was signed")]
    Entry {
        /// The index of the entry.
        index: u64,
        /// The entry bundle.
        path: PathBuf,
    },
    /// An entry of the store is not the one that the signed root vouches for.
    #[error("entry {index} of the store is not the one that was signed")]
    StoreEntry {
        /// The index of the entry.
        index: u64,
    },
    /// An entry is missing in the middle of the store.
    #[error("entry {index} is missing from the store")]
    StoreMissing {
        /// The index of the entry.
        index: u64,
    },
    /// The store ends before the signed tree does.
    #[error("the store has {store} entries, the signed tree {tree}")]
    StoreShorter {
        /// How many entries the store has.
        store: u64,
        /// How many entries the checkpoint covers.
        tree: u64,
    },
}

impl Report {
    /// Whether everything is as it was signed.
    pub fn holds(&self) -> bool {
        self.faults.is_empty()
    }

    pub(crate) fn fault(&mut self, fault: Fault) {
        if self.faults.len() < FAULTS_MAX {
            self.faults.push(fault);
        } else {
            self.more_faults += 1;
        }
    }
}
