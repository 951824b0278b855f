//! Sealed segments: the log copied to the archive, and a part of it proved to be there.
//!
//! The archive is a copy of the log up to the checkpoint that lies in it, under the same names (C2SP
//! tlog-tiles): whoever can read a tile log can read and check it. Nothing in it is ever changed or
//! removed but the checkpoint, which is replaced, and so it may be a place that allows nothing else.
//!
//! A segment is what one full tile of level 1 stands for. Its entries may leave the hub when each of
//! them was read back from the archive and led up to the signed root.

use std::fs;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use ironroot_journal::checkpoint::{Checkpoint, CheckpointRefused, SignedCheckpoint};
use ironroot_journal::merkle::{Hash, leaf_hash, root};
use ironroot_journal::note::{BadNote, NOTE_SIZE_MAX, VerifierKey};
use ironroot_journal::tile::{
    BUNDLE_SIZE_MAX, BadTile, Content, TILE_WIDTH, Tile, TileSource, TiledTree, complete_root,
    decode_entries, decode_hashes, tiles_since,
};
use ironroot_tree::{LogPlace, TreeError, export_proof};

use crate::Objects;

/// How many entries a segment has: 256 bundles of 256.
pub const SEGMENT_SIZE: u64 = 1 << 16;

/// The archive of one log.
#[derive(Clone, Debug)]
pub struct Archive {
    log: LogPlace,
    key: VerifierKey,
    objects: Arc<dyn Objects>,
}

/// Why the archive does not have what it should. Nothing may be dropped then.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ArchiveError {
    /// A file cannot be read or written.
    #[error("{} cannot be read or written", place.display())]
    File {
        /// The file, here or in the archive.
        place: PathBuf,
        /// What the system or the store said.
        #[source]
        cause: io::Error,
    },
    /// The log here cannot be read.
    #[error("the log cannot be read")]
    Log(#[from] TreeError),
    /// The log here has no checkpoint yet.
    #[error("the log has no checkpoint yet")]
    NoCheckpoint,
    /// The archive's checkpoint is no signed note.
    #[error("the archive's checkpoint is no signed note")]
    BadCheckpoint(#[source] BadNote),
    /// Another log lies in the archive.
    #[error("the archive has the log {0}: give each hub a place of its own")]
    OtherLog(String),
    /// The log's key did not sign its checkpoint.
    #[error("the log's checkpoint is refused")]
    Refused(#[source] CheckpointRefused),
    /// The archive has more entries than the log: the hub was put back to an older state.
    #[error("the archive has {archive} entries, the log {log}: the log is an older one")]
    Ahead {
        /// How many the archive's checkpoint covers.
        archive: u64,
        /// How many the log's checkpoint covers.
        log: u64,
    },
    /// The archive's checkpoint is of another history of the same log.
    #[error("the archive's checkpoint is of another history of this log")]
    Forked,
    /// A file of the archive is not what was signed; it is not replaced.
    #[error("{} is not what was signed", place.display())]
    Differs {
        /// The file.
        place: PathBuf,
    },
    /// A file of the archive is no tile.
    #[error("{} is no tile", place.display())]
    Tile {
        /// The file.
        place: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: BadTile,
    },
    /// The segment is not under a checkpoint as a whole.
    #[error("segment {0} is not complete yet")]
    NotComplete(u64),
}

impl Archive {
    /// The archive in `objects` of the log at `log`, which `key` signs.
    pub fn new(log: LogPlace, key: VerifierKey, objects: Arc<dyn Objects>) -> Self {
        Self { log, key, objects }
    }

    /// How many entries the archive's checkpoint covers; 0 when the archive is empty.
    ///
    /// # Errors
    /// [`ArchiveError`] when it cannot be read, or is of another log.
    pub fn size(&self) -> Result<u64, ArchiveError> {
        Ok(self.checkpoint()?.map_or(0, |there| there.size()))
    }

    /// Copies what the log has more than the archive, and reads each file back; last the checkpoint.
    /// Returns how many entries it covers. It blocks, for as long as that takes.
    ///
    /// # Errors
    /// [`ArchiveError`]; the archive is then what it was, with some files more.
    pub fn mirror(&self) -> Result<u64, ArchiveError> {
        let signed = self.signed()?;
        let here = signed.verify(&self.key).map_err(ArchiveError::Refused)?;
        let size = here.size();
        let copied = self.copied(&here)?;
        // Partial tiles first: they go when the log grows.
        let mut tiles: Vec<Tile> = tiles_since(copied, size).collect();
        tiles.sort_by_key(Tile::is_full);
        for tile in tiles {
            let name = tile.to_string();
            let bytes = self.log.read(&name).map_err(|cause| ArchiveError::File {
                place: self.log.folder().join(&name),
                cause,
            })?;
            self.put(&name, &bytes)?;
        }
        let note = signed.to_string();
        self.write(CHECKPOINT, note.as_bytes())?;
        Ok(size)
    }

    /// Reads a segment back from the archive, and follows each of its entries up to the root that the
    /// log's checkpoint signs; returns the root of the segment.
    ///
    /// # Errors
    /// [`ArchiveError`] names the first file that is missing or not what was signed.
    pub fn check(&self, segment: u64) -> Result<Hash, ArchiveError> {
        let end = (segment + 1) * SEGMENT_SIZE;
        if self.size()? < end {
            return Err(ArchiveError::NotComplete(segment));
        }
        let tile = |content, index| {
            Tile::within(content, index, end).ok_or(ArchiveError::NotComplete(segment))
        };
        // The proof of one leaf rests on every hash of the tile of level 1 above it.
        let whole = self.log.clone().with_archive(Some(self.objects.clone()));
        export_proof(&whole, &self.key, segment * SEGMENT_SIZE)?;
        let top = tile(Content::Hashes { level: 1 }, segment)?;
        let tops = self.hashes(top)?;
        let here = LocalTiles(&self.log).tile(top)?;
        if tops != here {
            return Err(self.differs(top));
        }
        let width = u64::from(TILE_WIDTH);
        for (top, index) in tops.iter().zip(segment * width..) {
            let leaves = tile(Content::Hashes { level: 0 }, index)?;
            let bundle = tile(Content::Entries, index)?;
            let hashes = self.hashes(leaves)?;
            if complete_root(&hashes) != Some(*top) {
                return Err(self.differs(leaves));
            }
            let bytes = self.read(bundle)?;
            let entries = decode_entries(&bytes, TILE_WIDTH);
            let entries = entries.map_err(|cause| self.bad_tile(bundle, cause))?;
            if !entries.iter().map(|entry| leaf_hash(entry)).eq(hashes) {
                return Err(self.differs(bundle));
            }
        }
        complete_root(&tops).ok_or(ArchiveError::NotComplete(segment))
    }

    /// Removes the entry bundles of a segment from the log's folder: it was checked, and dropped from the
    /// store. Those that are gone already are not missed.
    ///
    /// # Errors
    /// [`ArchiveError::File`] when one cannot be removed.
    pub fn remove_here(&self, segment: u64) -> Result<(), ArchiveError> {
        let width = u64::from(TILE_WIDTH);
        for index in segment * width..(segment + 1) * width {
            let bundle = Tile::new(Content::Entries, index, TILE_WIDTH);
            let bundle = bundle.map_err(|_out_of_range| ArchiveError::NotComplete(segment))?;
            let place = self.log.folder().join(bundle.to_string());
            match fs::remove_file(&place) {
                Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
                    return Err(ArchiveError::File { place, cause });
                }
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }

    fn signed(&self) -> Result<SignedCheckpoint, ArchiveError> {
        let read = self.log.read(CHECKPOINT);
        let bytes = read.map_err(|_absent| ArchiveError::NoCheckpoint)?;
        SignedCheckpoint::parse(&bytes).map_err(ArchiveError::BadCheckpoint)
    }

    /// What the archive's checkpoint says, if there is one; its signature is not looked at.
    fn checkpoint(&self) -> Result<Option<Checkpoint>, ArchiveError> {
        let bytes = match self.objects.read(CHECKPOINT, NOTE_SIZE_MAX) {
            Ok(bytes) => bytes,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(self.failed(CHECKPOINT, cause)),
        };
        let signed = SignedCheckpoint::parse(&bytes).map_err(ArchiveError::BadCheckpoint)?;
        let checkpoint = signed.unverified();
        checkpoint.map(Some).ok_or(ArchiveError::Forked)
    }

    /// How many entries the archive has of the log whose checkpoint is `here`.
    ///
    /// Whoever signed its checkpoint, perhaps with a key that has been changed since: it must have the
    /// root that the log has at that size.
    fn copied(&self, here: &Checkpoint) -> Result<u64, ArchiveError> {
        let Some(older) = self.checkpoint()? else {
            return Ok(0);
        };
        let (archive, log) = (older.size(), here.size());
        if older.origin() != here.origin() {
            return Err(ArchiveError::OtherLog(older.origin().to_owned()));
        }
        if archive > log {
            return Err(ArchiveError::Ahead { archive, log });
        }
        if self.root(archive)? != *older.root() {
            return Err(ArchiveError::Forked);
        }
        Ok(archive)
    }

    fn root(&self, size: u64) -> Result<Hash, ArchiveError> {
        let tiles = LocalTiles(&self.log);
        let root = root(size, &mut TiledTree::new(size, tiles));
        root.map_err(|_no_such_tree| ArchiveError::Forked)
    }

    /// Puts a file where there is none, and reads it back. One that is there already must be the same.
    fn put(&self, name: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        match self.objects.read(name, BUNDLE_SIZE_MAX) {
            Ok(there) if there == bytes => Ok(()),
            Ok(_other) => Err(ArchiveError::Differs {
                place: self.objects.place(name),
            }),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => self.write(name, bytes),
            Err(cause) => Err(self.failed(name, cause)),
        }
    }

    fn write(&self, name: &str, bytes: &[u8]) -> Result<(), ArchiveError> {
        let written = self.objects.write(name, bytes);
        let read = written.and_then(|()| self.objects.read(name, BUNDLE_SIZE_MAX));
        let there = read.map_err(|cause| self.failed(name, cause))?;
        let place = self.objects.place(name);
        let same = there == bytes;
        same.then_some(()).ok_or(ArchiveError::Differs { place })
    }

    fn read(&self, tile: Tile) -> Result<Vec<u8>, ArchiveError> {
        let name = tile.to_string();
        let read = self.objects.read(&name, BUNDLE_SIZE_MAX);
        read.map_err(|cause| self.failed(&name, cause))
    }

    fn hashes(&self, tile: Tile) -> Result<Vec<Hash>, ArchiveError> {
        let decoded = decode_hashes(&self.read(tile)?, tile.width());
        decoded.map_err(|cause| self.bad_tile(tile, cause))
    }

    fn bad_tile(&self, tile: Tile, cause: BadTile) -> ArchiveError {
        let place = self.objects.place(&tile.to_string());
        ArchiveError::Tile { place, cause }
    }

    fn differs(&self, tile: Tile) -> ArchiveError {
        let place = self.objects.place(&tile.to_string());
        ArchiveError::Differs { place }
    }

    fn failed(&self, name: &str, cause: io::Error) -> ArchiveError {
        let place = self.objects.place(name);
        ArchiveError::File { place, cause }
    }
}

/// The hashes of the log here. A partial tile of an older tree is the beginning of the one there is now.
struct LocalTiles<'a>(&'a LogPlace);

impl TileSource for LocalTiles<'_> {
    type Error = ArchiveError;

    fn tile(&mut self, tile: Tile) -> Result<Vec<Hash>, ArchiveError> {
        Ok(self.0.hashes(tile)?)
    }
}

const CHECKPOINT: &str = "checkpoint";
