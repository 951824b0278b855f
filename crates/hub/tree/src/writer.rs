//! The tree is made to follow the store, one signed checkpoint after the other.

use std::path::Path;

use ironroot_journal::checkpoint::Checkpoint;
use ironroot_journal::merkle::{Hash, leaf_hash, root};
use ironroot_journal::note::VerifierKey;
use ironroot_journal::tile::{
    Content, TILE_WIDTH, Tile, TiledTree, complete_root, encode_entries, encode_hashes, tiles_since,
};
use ironroot_store::{JournalReader, RawEntry, StoreError};

use crate::folder::Folder;
use crate::{LogKeys, TreeError};

/// The most entries that one [`TreeWriter::write`] adds.
pub const GROWTH_MAX: u64 = 1 << 16;

/// How many entries are read from the store at a time.
const CHUNK: usize = 1_024;

/// Writes the tiles of new entries and signs the tree. There may be only one per folder.
///
/// Its calls block; a hub calls [`TreeWriter::write`] each second on a thread that may.
#[derive(Debug)]
pub struct TreeWriter {
    folder: Folder,
    keys: LogKeys,
    /// What was signed last; `None` before the first checkpoint.
    signed: Option<Checkpoint>,
    edge: Edge,
}

/// What [`TreeWriter::write`] did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Written {
    /// The checkpoint that stands in the folder now.
    pub checkpoint: Checkpoint,
    /// How many entries of the store it does not cover yet.
    pub waiting: u64,
}

/// The tiles on the right edge of the tree: those that are not full yet.
#[derive(Debug, Default)]
struct Edge {
    size: u64,
    /// By level, each with fewer than 256 hashes.
    hashes: Vec<Vec<Hash>>,
    entries: Vec<Vec<u8>>,
}

impl TreeWriter {
    /// Opens the log in `folder`, or starts one there, to be signed with `keys`.
    ///
    /// # Errors
    /// [`TreeError`] when the checkpoint in the folder is not one of `keys`, or the tiles do not give
    /// its root.
    pub fn open(folder: &Path, keys: impl Into<LogKeys>) -> Result<Self, TreeError> {
        let mut writer = Self {
            folder: Folder::new(folder),
            keys: keys.into(),
            signed: None,
            edge: Edge::default(),
        };
        if let Some(checkpoint) = writer.checkpoint_on_disk()? {
            let size = checkpoint.size();
            if writer.root(size)? != *checkpoint.root() {
                return Err(TreeError::OtherRoot);
            }
            writer.signed = Some(checkpoint);
        }
        Ok(writer)
    }

    /// Whether `journal` goes on where the signed tree ends: to be asked before anything is appended.
    ///
    /// # Errors
    /// [`TreeError::StoreShorter`] and [`TreeError::StoreDiffers`] when it does not, others when it or
    /// the tree cannot be read.
    pub fn check(&self, journal: &dyn JournalReader) -> Result<(), TreeError> {
        let size = self.signed.as_ref().map_or(0, Checkpoint::size);
        self.check_continuation(journal, journal.size()?, size)
    }

    /// Adds what `journal` has more than the tree, at most [`GROWTH_MAX`] entries, and signs.
    ///
    /// Tiles are durable before the checkpoint that covers them gets its name. Without new entries
    /// nothing is written.
    ///
    /// # Errors
    /// [`TreeError::StoreShorter`] and [`TreeError::StoreDiffers`] when the store is no continuation
    /// of the signed tree, [`TreeError::CheckpointReplaced`] when somebody else signed: then nothing
    /// is. Other [`TreeError`]s when the disk or the store fails; the next call tries again.
    pub fn write(&mut self, journal: &dyn JournalReader) -> Result<Written, TreeError> {
        if self.checkpoint_on_disk()? != self.signed {
            return Err(TreeError::CheckpointReplaced);
        }
        let available = journal.size()?;
        let size = self.signed.as_ref().map_or(0, Checkpoint::size);
        self.check_continuation(journal, available, size)?;
        let target = available.min(size.saturating_add(GROWTH_MAX));
        let checkpoint = match &self.signed {
            Some(checkpoint) if target == size => checkpoint.clone(),
            Some(_) | None => self.grow(journal, size, target)?,
        };
        Ok(Written {
            checkpoint,
            waiting: available.saturating_sub(target),
        })
    }

    /// Keeps the checkpoint that was signed last as the one by which `from` hands the log over: its last entry
    /// names the next key.
    ///
    /// # Errors
    /// [`TreeError`] when there is none, or the file cannot be written.
    pub fn hand_over(&mut self, from: &VerifierKey) -> Result<(), TreeError> {
        let signed = self.folder.checkpoint()?.ok_or(TreeError::NoCheckpoint)?;
        self.folder.write_handover(from.id(), &signed)?;
        self.folder.sync()
    }

    /// The checkpoint that was signed last.
    pub fn checkpoint(&self) -> Option<&Checkpoint> {
        self.signed.as_ref()
    }

    fn checkpoint_on_disk(&self) -> Result<Option<Checkpoint>, TreeError> {
        let found = self.folder.checkpoint()?;
        let verified = found.map(|found| self.keys.verify(&found));
        verified.transpose().map_err(TreeError::CheckpointRefused)
    }

    /// Compares the last entries of the tree, up to 256, with the store's. Who forks a store or
    /// restores an old one changes these too: an entry carries its time.
    fn check_continuation(
        &self,
        journal: &dyn JournalReader,
        available: u64,
        size: u64,
    ) -> Result<(), TreeError> {
        if available < size {
            return Err(TreeError::StoreShorter {
                store: available,
                tree: size,
            });
        }
        let Some(last) = size.checked_sub(1) else {
            return Ok(());
        };
        let last = last / u64::from(TILE_WIDTH);
        let last = Tile::within(LEAVES, last, size).ok_or(TreeError::OtherRoot)?;
        let leaves = self.folder.hashes(last)?;
        let stored = journal.raw_entries(last.first(), leaves.len())?;
        let mut stored = stored.into_iter();
        for (leaf, index) in leaves.iter().zip(last.first()..) {
            let same = |raw: RawEntry| raw.index == index && leaf_hash(&raw.bytes) == *leaf;
            if !stored.next().is_some_and(same) {
                return Err(TreeError::StoreDiffers { index });
            }
        }
        Ok(())
    }

    fn grow(
        &mut self,
        journal: &dyn JournalReader,
        size: u64,
        target: u64,
    ) -> Result<Checkpoint, TreeError> {
        // After a failed attempt there is no edge to go on from but the one on disk.
        let mut edge = std::mem::take(&mut self.edge);
        if edge.size != size {
            edge = Edge::read(&self.folder, size)?;
        }
        while edge.size < target {
            let index = edge.size;
            let missing = CHUNK.min(usize::try_from(target - index).unwrap_or(CHUNK));
            let entries = journal.raw_entries(index, missing)?;
            if entries.is_empty() {
                return Err(StoreError::MissingEntry { index }.into());
            }
            for entry in entries {
                edge.push(entry, &mut self.folder)?;
            }
        }
        for tile in tiles_since(size, target).filter(|tile| !tile.is_full()) {
            edge.write(tile, &mut self.folder)?;
        }
        let checkpoint =
            Checkpoint::new(self.keys.signing.verifier_key(), target, self.root(target)?);
        self.publish(&checkpoint)?;
        for tile in tiles_since(size, target).filter(Tile::is_full) {
            self.folder.remove_partial(tile)?;
        }
        self.signed = Some(checkpoint.clone());
        self.edge = edge;
        Ok(checkpoint)
    }

    /// Signs `checkpoint` and puts it in the place of the last one, when all tiles are durable.
    fn publish(&mut self, checkpoint: &Checkpoint) -> Result<(), TreeError> {
        self.folder.sync()?;
        let signed = self.keys.sign(checkpoint);
        let signed = signed.map_err(TreeError::BadCheckpoint)?;
        self.folder.write_checkpoint(&signed)?;
        self.folder.sync()
    }

    /// The root over what the tiles say, as they lie on disk.
    fn root(&self, size: u64) -> Result<Hash, TreeError> {
        Ok(root(size, &mut TiledTree::new(size, &self.folder))?)
    }
}

impl Edge {
    /// Reads the edge of the tree of `size` entries.
    fn read(folder: &Folder, size: u64) -> Result<Self, TreeError> {
        let mut edge = Self {
            size,
            ..Self::default()
        };
        for level in 0..LEVELS {
            let tile = Tile::partial(Content::Hashes { level }, size);
            let hashes = tile.map(|tile| folder.hashes(tile)).transpose()?;
            edge.hashes.push(hashes.unwrap_or_default());
        }
        if let Some(tile) = Tile::partial(Content::Entries, size) {
            edge.entries = folder.entries(tile)?;
        }
        Ok(edge)
    }

    /// Adds the next entry, and writes the tiles that it fills.
    fn push(&mut self, entry: RawEntry, folder: &mut Folder) -> Result<(), TreeError> {
        let index = self.size;
        if entry.index != index {
            return Err(StoreError::MissingEntry { index }.into());
        }
        let mut hash = Some(leaf_hash(&entry.bytes));
        self.entries.push(entry.bytes);
        self.size += 1;
        if self.entries.len() == usize::from(TILE_WIDTH) {
            let tile = Tile::within(Content::Entries, index >> 8, self.size);
            self.write(tile.ok_or(TreeError::OtherRoot)?, folder)?;
            self.entries.clear();
        }
        for level in 0..LEVELS {
            let Some(next) = hash.take() else { break };
            hash = self.push_hash(level, next, folder)?;
        }
        Ok(())
    }

    /// Adds a hash to a level; returns the hash for the level above when it filled its tile.
    fn push_hash(
        &mut self,
        level: u8,
        hash: Hash,
        folder: &mut Folder,
    ) -> Result<Option<Hash>, TreeError> {
        let nth = usize::from(level);
        if self.hashes.len() <= nth {
            self.hashes.resize(nth + 1, Vec::new());
        }
        self.hashes[nth].push(hash);
        if self.hashes[nth].len() < usize::from(TILE_WIDTH) {
            return Ok(None);
        }
        let index = (self.size >> (8 * (u32::from(level) + 1))) - 1;
        let tile = Tile::within(Content::Hashes { level }, index, self.size);
        self.write(tile.ok_or(TreeError::OtherRoot)?, folder)?;
        let full = std::mem::take(&mut self.hashes[nth]);
        Ok(complete_root(&full))
    }

    /// Writes the tile of the edge that `tile` names.
    fn write(&self, tile: Tile, folder: &mut Folder) -> Result<(), TreeError> {
        let bytes = match tile.content() {
            Content::Hashes { level } => {
                let hashes = self.hashes.get(usize::from(level));
                encode_hashes(hashes.map_or(&[], Vec::as_slice))
            }
            Content::Entries => {
                let entries = self.entries.iter().map(Vec::as_slice);
                encode_entries(entries).map_err(|cause| folder.bad_tile(tile, cause))?
            }
        };
        folder.write_tile(tile, &bytes)
    }
}

const LEAVES: Content = Content::Hashes { level: 0 };

/// How many levels of tiles the largest tree has: 256^8 leaves.
pub(crate) const LEVELS: u8 = 8;
