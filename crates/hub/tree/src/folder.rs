//! The files of the log: read by name, written so that a crash leaves the old or the new one.

use std::collections::BTreeSet;
use std::fmt;
use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ironroot_journal::checkpoint::SignedCheckpoint;
use ironroot_journal::merkle::Hash;
use ironroot_journal::note::NOTE_SIZE_MAX;
use ironroot_journal::tile::{
    BUNDLE_SIZE_MAX, BadTile, Content, TILE_WIDTH, Tile, TileSource, decode_entries, decode_hashes,
};

use crate::TreeError;

/// A place that has files of a log, under the names that C2SP tlog-tiles gives them.
pub trait LogFiles: fmt::Debug + Send + Sync {
    /// The bytes of a file. It blocks.
    ///
    /// # Errors
    /// [`io::ErrorKind::NotFound`] when there is none, [`io::ErrorKind::FileTooLarge`] when it has
    /// more than `size_max` bytes, others when it cannot be read.
    fn read(&self, name: &str, size_max: usize) -> io::Result<Vec<u8>>;

    /// What a person calls the file: its path, or its address.
    fn place(&self, name: &str) -> PathBuf;
}

/// Where a log lies: in a folder, and its old entry bundles in an archive, if there is one.
#[derive(Clone, Debug)]
pub struct LogPlace {
    folder: PathBuf,
    archive: Option<Arc<dyn LogFiles>>,
}

impl LogPlace {
    /// A log that lies in `folder` as a whole.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        let folder = folder.into();
        Self {
            folder,
            archive: None,
        }
    }

    /// The same log, whose old entry bundles may be in `archive` alone.
    #[must_use]
    pub fn with_archive(self, archive: Option<Arc<dyn LogFiles>>) -> Self {
        Self { archive, ..self }
    }

    /// The folder.
    pub fn folder(&self) -> &Path {
        &self.folder
    }

    /// The hashes of a tile; the beginning of the full one, when that has taken its place.
    ///
    /// # Errors
    /// [`TreeError`] when the tile is not there, or is none.
    pub fn hashes(&self, tile: Tile) -> Result<Vec<Hash>, TreeError> {
        Folder::of(self).hashes(tile)
    }

    /// The bytes of a file of the log, wherever it is; the caller has seen to it that `name` is one.
    ///
    /// # Errors
    /// As [`LogFiles::read`].
    pub fn read(&self, name: &str) -> io::Result<Vec<u8>> {
        let here = read_file(&self.folder.join(name), BUNDLE_SIZE_MAX);
        match (here, &self.archive) {
            (Err(cause), Some(archive)) if cause.kind() == io::ErrorKind::NotFound => {
                archive.read(name, BUNDLE_SIZE_MAX)
            }
            (here, _) => here,
        }
    }
}

/// The folder of a log, and the archive that has the entry bundles that were moved out of it.
#[derive(Debug)]
pub(crate) struct Folder {
    root: PathBuf,
    archive: Option<Arc<dyn LogFiles>>,
    /// Files written since the last [`Folder::sync`].
    written: BTreeSet<PathBuf>,
    /// Folders whose lists of names changed since then.
    renamed: BTreeSet<PathBuf>,
}

/// When a file that was written is on disk for good.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Durable {
    AtOnce,
    AfterSync,
}

impl Folder {
    pub(crate) fn new(root: &Path) -> Self {
        Self {
            root: root.to_owned(),
            archive: None,
            written: BTreeSet::new(),
            renamed: BTreeSet::new(),
        }
    }

    /// The folder of the log at `place`, and its archive.
    pub(crate) fn of(place: &LogPlace) -> Self {
        Self {
            archive: place.archive.clone(),
            ..Self::new(&place.folder)
        }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.root.join(name)
    }

    /// Where a tile is looked for last: in the archive, if it can be there and is not here.
    pub(crate) fn place(&self, tile: Tile) -> PathBuf {
        let path = self.path(&tile.to_string());
        match &self.archive {
            Some(archive) if is_movable(tile) && !path.exists() => archive.place(&tile.full_path()),
            Some(_) | None => path,
        }
    }

    /// The checkpoint, if there is one.
    pub(crate) fn checkpoint(&self) -> Result<Option<SignedCheckpoint>, TreeError> {
        match self.read(CHECKPOINT, NOTE_SIZE_MAX) {
            Ok(bytes) => SignedCheckpoint::parse(&bytes)
                .map(Some)
                .map_err(TreeError::BadCheckpoint),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(self.failed(CHECKPOINT, cause)),
        }
    }

    /// The entries of a bundle.
    pub(crate) fn entries(&self, tile: Tile) -> Result<Vec<Vec<u8>>, TreeError> {
        let (tile, bytes, width) = self.tile_bytes(tile, BUNDLE_SIZE_MAX)?;
        let entries = decode_entries(&bytes, tile.width());
        let entries = entries.map_err(|cause| self.bad_tile(tile, cause))?;
        Ok(entries
            .into_iter()
            .take(width)
            .map(<[u8]>::to_vec)
            .collect())
    }

    /// The hashes of a tile.
    pub(crate) fn hashes(&self, tile: Tile) -> Result<Vec<Hash>, TreeError> {
        let (tile, bytes, width) = self.tile_bytes(tile, HASHES_SIZE_MAX)?;
        let hashes = decode_hashes(&bytes, tile.width());
        let mut hashes = hashes.map_err(|cause| self.bad_tile(tile, cause))?;
        hashes.truncate(width);
        Ok(hashes)
    }

    pub(crate) fn bad_tile(&self, tile: Tile, cause: BadTile) -> TreeError {
        let path = self.place(tile);
        TreeError::Tile { path, cause }
    }

    /// The bytes of `tile`, or of the full tile that has taken its place and starts with the same;
    /// with them the tile that was read, and how wide the wanted one is.
    fn tile_bytes(&self, tile: Tile, size_max: usize) -> Result<(Tile, Vec<u8>, usize), TreeError> {
        let width = usize::from(tile.width());
        let name = tile.to_string();
        let failed = match self.read(&name, size_max) {
            Ok(bytes) => return Ok((tile, bytes, width)),
            Err(cause) => self.failed(&name, cause),
        };
        let Ok(full) = Tile::new(tile.content(), tile.index(), TILE_WIDTH) else {
            return Err(failed);
        };
        if let Ok(bytes) = self.read(&full.to_string(), size_max) {
            return Ok((full, bytes, width));
        }
        match &self.archive {
            Some(archive) if is_movable(tile) => {
                let name = full.to_string();
                let read = archive.read(&name, size_max);
                let path = || archive.place(&name);
                let bytes = read.map_err(|cause| TreeError::File {
                    path: path(),
                    cause,
                })?;
                Ok((full, bytes, width))
            }
            Some(_) | None => Err(failed),
        }
    }

    /// Writes a tile, which is durable after the next [`Folder::sync`]: no checkpoint needs it yet.
    pub(crate) fn write_tile(&mut self, tile: Tile, bytes: &[u8]) -> Result<(), TreeError> {
        let name = tile.to_string();
        let written = self.replace(&name, bytes, Durable::AfterSync);
        written.map_err(|cause| self.failed(&name, cause))
    }

    /// Writes the checkpoint: after a crash the old or the new one is there, whole.
    pub(crate) fn write_checkpoint(
        &mut self,
        checkpoint: &SignedCheckpoint,
    ) -> Result<(), TreeError> {
        let bytes = checkpoint.to_string().into_bytes();
        let written = self.replace(CHECKPOINT, &bytes, Durable::AtOnce);
        written.map_err(|cause| self.failed(CHECKPOINT, cause))
    }

    /// Writes the checkpoint by which the key of this ID handed the log over.
    pub(crate) fn write_handover(
        &mut self,
        id: u32,
        checkpoint: &SignedCheckpoint,
    ) -> Result<(), TreeError> {
        let name = format!("{HANDOVERS}/{id:08x}");
        let bytes = checkpoint.to_string().into_bytes();
        let written = self.replace(&name, &bytes, Durable::AtOnce);
        written.map_err(|cause| self.failed(&name, cause))
    }

    /// The checkpoints by which keys handed the log over, as many as [`HANDOVERS_MAX`].
    pub(crate) fn handovers(&self) -> Result<Vec<SignedCheckpoint>, TreeError> {
        let names = match fs::read_dir(self.path(HANDOVERS)) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            listed => listed.and_then(Iterator::collect::<io::Result<Vec<_>>>),
        };
        let names = names.map_err(|cause| self.failed(HANDOVERS, cause))?;
        let read = names.iter().take(HANDOVERS_MAX).map(|name| {
            let name = format!("{HANDOVERS}/{}", name.file_name().to_string_lossy());
            let bytes = self.read(&name, NOTE_SIZE_MAX);
            let bytes = bytes.map_err(|cause| self.failed(&name, cause))?;
            SignedCheckpoint::parse(&bytes).map_err(TreeError::BadCheckpoint)
        });
        read.collect()
    }

    /// Makes all files written so far and their names durable. Many files that are synced one after
    /// another share most of the work, so tiles wait for this.
    pub(crate) fn sync(&mut self) -> Result<(), TreeError> {
        let files = std::mem::take(&mut self.written);
        // Names last, and a folder's own name after the names in it.
        let folders = std::mem::take(&mut self.renamed).into_iter().rev();
        for path in files.into_iter().chain(folders) {
            let synced = File::open(&path).and_then(|file| file.sync_all());
            synced.map_err(|cause| TreeError::File { path, cause })?;
        }
        Ok(())
    }

    /// Removes the partial tiles in whose place there is a full one now.
    pub(crate) fn remove_partial(&self, full: Tile) -> Result<(), TreeError> {
        let name = format!("{}.p", full.full_path());
        match fs::remove_dir_all(self.path(&name)) {
            Err(cause) if cause.kind() != io::ErrorKind::NotFound => Err(self.failed(&name, cause)),
            Ok(()) | Err(_) => Ok(()),
        }
    }

    fn read(&self, name: &str, size_max: usize) -> io::Result<Vec<u8>> {
        read_file(&self.path(name), size_max)
    }

    fn replace(&mut self, name: &str, bytes: &[u8], durable: Durable) -> io::Result<()> {
        let path = self.path(name);
        let folder = path.parent().unwrap_or(&self.root);
        fs::create_dir_all(folder)?;
        let unfinished = self.path(UNFINISHED);
        let mut file = File::create(&unfinished)?;
        file.write_all(bytes)?;
        if durable == Durable::AtOnce {
            file.sync_all()?;
        }
        fs::rename(&unfinished, &path)?;
        let within = folder
            .ancestors()
            .take_while(|above| above.starts_with(&self.root));
        self.renamed.extend(within.map(Path::to_owned));
        if durable == Durable::AfterSync {
            self.written.insert(path);
        }
        Ok(())
    }

    fn failed(&self, name: &str, cause: io::Error) -> TreeError {
        let path = self.path(name);
        TreeError::File { path, cause }
    }
}

impl TileSource for &Folder {
    type Error = TreeError;

    fn tile(&mut self, tile: Tile) -> Result<Vec<Hash>, TreeError> {
        self.hashes(tile)
    }
}

/// The bytes of a file, if there are at most `size_max` of them.
///
/// # Errors
/// [`io::ErrorKind::FileTooLarge`] when there are more, others when it cannot be read.
pub fn read_file(path: &Path, size_max: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let limit = u64::try_from(size_max)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    File::open(path)?.take(limit).read_to_end(&mut bytes)?;
    if bytes.len() > size_max {
        return Err(io::ErrorKind::FileTooLarge.into());
    }
    Ok(bytes)
}

/// Whether a tile may be in the archive alone: entries may, hashes stay here.
fn is_movable(tile: Tile) -> bool {
    tile.content() == Content::Entries
}

/// The name of the checkpoint's file.
pub(crate) const CHECKPOINT: &str = "checkpoint";

/// The folder of the checkpoints by which keys handed the log over, each named by the old key's ID.
const HANDOVERS: &str = "handover";

/// The most changes of key that are followed.
const HANDOVERS_MAX: usize = 64;

/// Where a file is written before it gets its name.
const UNFINISHED: &str = ".unfinished";

const HASHES_SIZE_MAX: usize = 32 * 256;
