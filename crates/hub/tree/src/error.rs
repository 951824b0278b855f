//! Why the tree could not be written or read.

use std::io;
use std::path::PathBuf;

use ironroot_journal::checkpoint::CheckpointRefused;
use ironroot_journal::note::BadNote;
use ironroot_journal::tile::{BadTile, TiledTreeError};
use ironroot_store::StoreError;

use crate::Fault;

/// Why the tree was not written, signed or read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum TreeError {
    /// A file cannot be read or written.
    #[error("{path:?} cannot be read or written")]
    File {
        /// The file.
        path: PathBuf,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// A file holds no tile of its width.
    #[error("{path:?} holds no tile of its width")]
    Tile {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: BadTile,
    },
    /// The checkpoint is no signed note.
    #[error("the checkpoint is no signed note")]
    BadCheckpoint(#[source] BadNote),
    /// The log's key did not sign the checkpoint.
    #[error("the checkpoint is refused")]
    CheckpointRefused(#[source] CheckpointRefused),
    /// The folder has tiles but no checkpoint.
    #[error("there is no checkpoint")]
    NoCheckpoint,
    /// The tiles do not give the root of the checkpoint.
    #[error("the tiles do not give the root that the checkpoint signs")]
    OtherRoot,
    /// Somebody replaced the checkpoint since it was last written.
    #[error("somebody else replaced the checkpoint")]
    CheckpointReplaced,
    /// The store has fewer entries than the checkpoint: it was rolled back.
    #[error("the store has {store} entries, the signed tree {tree}: the store was rolled back")]
    StoreShorter {
        /// How many entries the store has.
        store: u64,
        /// How many entries the checkpoint covers.
        tree: u64,
    },
    /// An entry of the store is not the one in the signed tree: the store was forked.
    #[error("entry {index} of the store is not the one that was signed")]
    StoreDiffers {
        /// The index of the entry.
        index: u64,
    },
    /// Something in the log or its archive is not what was signed.
    #[error(transparent)]
    Fault(Box<Fault>),
    /// The store failed, or lacks an entry.
    #[error("the store cannot be read")]
    Store(#[source] StoreError),
    /// The entry is not under the checkpoint yet.
    #[error("entry {index} is not under the checkpoint of {size} entries yet")]
    NotCovered {
        /// The index of the entry.
        index: u64,
        /// How many entries the checkpoint covers.
        size: u64,
    },
}

impl From<StoreError> for TreeError {
    fn from(cause: StoreError) -> Self {
        Self::Store(cause)
    }
}

impl From<TiledTreeError<Self>> for TreeError {
    fn from(error: TiledTreeError<Self>) -> Self {
        match error {
            TiledTreeError::Source(cause) => cause,
            // A tree of the checkpoint's size always has the subtrees of its own proofs.
            TiledTreeError::OutOfRange => Self::OtherRoot,
        }
    }
}
