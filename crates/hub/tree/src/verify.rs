//! The whole log checked against its signed root, and the store against the log; each fault named.
//!
//! Trust runs down from the signature: the checkpoint vouches for the tiles on the right edge, each
//! tile for the ones below it, a tile of leaf hashes for its entries, and the entries for the store.
//! A tile that its parent does not vouch for is named, and made again from what lies below it, so
//! that one bad tile does not make its children look bad.

use ironroot_journal::checkpoint::{Checkpoint, SignedCheckpoint};
use ironroot_journal::merkle::{Hash, leaf_hash, root};
use ironroot_journal::note::VerifierKey;
use ironroot_journal::tile::{Content, Tile, TileSource, TiledTree, complete_root};
use ironroot_store::{JournalReader, RawEntry};

use crate::chain::follow;
use crate::folder::{CHECKPOINT, Folder, LogPlace};
use crate::writer::LEVELS;
use crate::{Fault, Report, TreeError};

/// Checks every tile and entry of `log` against the root that `key` signed, or a successor of it,
/// and every entry of `journal` against the log.
///
/// Entry bundles that are not in the folder are read from the archive, if there is one, and entries
/// that the store has dropped are not missed in it: every entry is still proved.
///
/// `progress` is told now and then how many entries of how many are done. Works beside a hub that
/// writes on: what came after the checkpoint is counted as waiting.
///
/// # Errors
/// [`TreeError::Store`] when the store cannot be read; whatever is wrong with the log is in the
/// [`Report`].
pub fn verify_tree(
    log: &LogPlace,
    key: &VerifierKey,
    journal: Option<&dyn JournalReader>,
    progress: &mut dyn FnMut(u64, u64),
) -> Result<Report, TreeError> {
    let mut report = Report::default();
    let folder = Folder::of(log);
    let Some(checkpoint) = verified_checkpoint(&folder, key, &mut report) else {
        return Ok(report);
    };
    let mut tiles = Tiles::read(&folder, checkpoint.size(), &mut report);
    tiles.check_edge(checkpoint.root(), &mut report);
    tiles.check_levels(&mut report);
    let stored = match journal {
        Some(journal) => Some(Stored {
            size: journal.size()?,
            floor: journal.floor()?,
            journal,
        }),
        None => None,
    };
    let size = checkpoint.size();
    for (tile, bundle) in tiles_of(LEAVES, size).zip(tiles_of(Content::Entries, size)) {
        let stored = stored.as_ref().map(|stored| stored.leaves(tile));
        let stored = stored.transpose()?.flatten();
        if tiles.check_leaves(tile, bundle, stored.as_deref(), &mut report) {
            report.verified += u64::from(tile.width());
        }
        progress(tile.first() + u64::from(tile.width()), size);
    }
    if let Some(stored) = stored {
        report.waiting = stored.size.saturating_sub(size);
        if stored.size < size {
            report.fault(Fault::StoreShorter {
                store: stored.size,
                tree: size,
            });
        }
    }
    report.checkpoint = Some(checkpoint);
    Ok(report)
}

fn verified_checkpoint(
    folder: &Folder,
    key: &VerifierKey,
    report: &mut Report,
) -> Option<Checkpoint> {
    let fault = match folder.checkpoint() {
        Ok(Some(signed)) => match verified_by_successor(folder, key, &signed, report) {
            Ok(checkpoint) => return Some(checkpoint),
            Err(fault) => fault,
        },
        Ok(None) => Fault::NoCheckpoint,
        Err(TreeError::BadCheckpoint(cause)) => Fault::BadCheckpoint(cause),
        Err(cause) => Fault::File {
            path: folder.path(CHECKPOINT),
            cause: Box::new(cause),
        },
    };
    report.fault(fault);
    None
}

/// What the checkpoint says, if `key` signed it or a key that the log proves to be its successor.
fn verified_by_successor(
    folder: &Folder,
    key: &VerifierKey,
    signed: &SignedCheckpoint,
    report: &mut Report,
) -> Result<Checkpoint, Fault> {
    let (key, handovers) = follow(folder, key, signed)?;
    let checkpoint = signed.verify(&key).map_err(Fault::CheckpointRefused)?;
    report.key = Some(key);
    report.handovers = handovers;
    Ok(checkpoint)
}

/// The tiles of a log, with what was wrong put right as far as the rest of them allows.
struct Tiles<'f> {
    folder: &'f Folder,
    size: u64,
    /// The hashes by level, without the leaves: of those only the edge, in `leaves`.
    levels: Vec<Vec<Hash>>,
    leaves: Vec<Hash>,
}

impl<'f> Tiles<'f> {
    fn read(folder: &'f Folder, size: u64, report: &mut Report) -> Self {
        let mut tiles = Self {
            folder,
            size,
            levels: vec![Vec::new()],
            leaves: Vec::new(),
        };
        for level in 1..LEVELS {
            tiles.levels.push(Vec::new());
            for tile in tiles_of(Content::Hashes { level }, size) {
                let hashes = tiles.read_or_remake(tile, report);
                tiles.levels[usize::from(level)].extend(hashes);
            }
        }
        if let Some(edge) = Tile::partial(LEAVES, size) {
            tiles.leaves = tiles.read_or_remake(edge, report);
        }
        tiles
    }

    fn read_or_remake(&self, tile: Tile, report: &mut Report) -> Vec<Hash> {
        match self.folder.hashes(tile) {
            Ok(hashes) => hashes,
            Err(cause) => {
                report.fault(file_fault(self.folder, tile, cause));
                self.remade(tile)
            }
        }
    }

    /// The hashes that `tile` ought to have, going by what lies below it.
    fn remade(&self, tile: Tile) -> Vec<Hash> {
        let nodes = tile.first()..tile.first() + u64::from(tile.width());
        match tile.content() {
            Content::Hashes { level: 0 } | Content::Entries => {
                let bundle = Tile::within(Content::Entries, tile.index(), self.size);
                let entries = bundle.map(|bundle| self.folder.entries(bundle));
                let entries = entries.and_then(Result::ok).unwrap_or_default();
                entries.iter().map(|entry| leaf_hash(entry)).collect()
            }
            Content::Hashes { level: 1 } => nodes
                .filter_map(|index| Tile::within(LEAVES, index, self.size))
                .map(|below| self.folder.hashes(below).unwrap_or_default())
                .map(|below| root_or_nothing(&below))
                .collect(),
            Content::Hashes { level } => nodes
                .filter_map(|index| {
                    Tile::within(Content::Hashes { level: level - 1 }, index, self.size)
                })
                .map(|below| root_or_nothing(self.held(below)))
                .collect(),
        }
    }

    /// The hashes of a tile that is held in memory.
    fn held(&self, tile: Tile) -> &[Hash] {
        let (hashes, first) = match tile.content() {
            Content::Hashes { level: 0 } | Content::Entries => (&self.leaves, 0),
            Content::Hashes { level } => (&self.levels[usize::from(level)], tile.first()),
        };
        let from = usize::try_from(first)
            .ok()
            .and_then(|first| hashes.get(first..));
        let held = from.and_then(|from| from.get(..usize::from(tile.width())));
        held.unwrap_or_default()
    }

    fn replace(&mut self, tile: Tile, with: Vec<Hash>) -> Vec<Hash> {
        let (hashes, first) = match tile.content() {
            Content::Hashes { level: 0 } | Content::Entries => (&mut self.leaves, 0),
            Content::Hashes { level } => (&mut self.levels[usize::from(level)], tile.first()),
        };
        let first = usize::try_from(first)
            .unwrap_or(usize::MAX)
            .min(hashes.len());
        let end = first
            .saturating_add(usize::from(tile.width()))
            .min(hashes.len());
        hashes.splice(first..end, with).collect()
    }

    fn gives(&self, signed: &Hash) -> bool {
        let tree = root(self.size, &mut TiledTree::new(self.size, self));
        tree.is_ok_and(|root| root == *signed)
    }

    /// Checks the tiles on the right edge against the signed root. One that makes the root right
    /// when it is made again from below is the bad one.
    fn check_edge(&mut self, signed: &Hash, report: &mut Report) {
        if self.gives(signed) {
            return;
        }
        let edge =
            (0..LEVELS).filter_map(|level| Tile::partial(Content::Hashes { level }, self.size));
        let suspects: Vec<_> = edge
            .map(|tile| (tile, self.remade(tile)))
            .filter(|(tile, remade)| remade != self.held(*tile))
            .collect();
        for (tile, remade) in &suspects {
            let before = self.replace(*tile, remade.clone());
            if self.gives(signed) {
                report.fault(tile_fault(self.folder, *tile));
                return;
            }
            self.replace(*tile, before);
        }
        report.fault(Fault::Root);
        for (tile, _) in suspects {
            report.fault(tile_fault(self.folder, tile));
        }
    }

    /// Checks each full tile above the leaves against the hash that stands for it one level up.
    fn check_levels(&mut self, report: &mut Report) {
        for level in (1..LEVELS).rev() {
            let full = tiles_of(Content::Hashes { level }, self.size).filter(Tile::is_full);
            for tile in full.collect::<Vec<_>>() {
                if !self.vouched_for(tile, self.held(tile)) {
                    report.fault(tile_fault(self.folder, tile));
                    let remade = self.remade(tile);
                    self.replace(tile, remade);
                }
            }
        }
    }

    /// Whether the hash one level up stands for these hashes of a full tile.
    fn vouched_for(&self, tile: Tile, hashes: &[Hash]) -> bool {
        let Content::Hashes { level } = tile.content() else {
            return false;
        };
        let above = self.levels.get(usize::from(level) + 1);
        let index = usize::try_from(tile.index()).unwrap_or(usize::MAX);
        above.and_then(|above| above.get(index)) == Some(&root_or_nothing(hashes))
    }

    /// Checks a tile of leaf hashes, its entries and the same entries of the store against the copy
    /// among the three that the tree vouches for; returns whether there is one.
    fn check_leaves(
        &self,
        tile: Tile,
        bundle: Tile,
        stored: Option<&[Option<Hash>]>,
        report: &mut Report,
    ) -> bool {
        let hashes = self.readable(tile, self.folder.hashes(tile), report);
        let entries = self.readable(bundle, self.folder.entries(bundle), report);
        let entries: Option<Vec<_>> =
            entries.map(|entries| entries.iter().map(|entry| leaf_hash(entry)).collect());
        let whole: Option<Vec<_>> = stored.and_then(|stored| stored.iter().copied().collect());

        let copies = [&hashes, &entries, &whole];
        let vouched = if tile.is_full() {
            let mut copies = copies.into_iter().flatten();
            copies.find(|copy| self.vouched_for(tile, copy))
        } else {
            // Judged by `check_edge` already, and made again if it was bad.
            Some(&self.leaves)
        };
        if tile.is_full()
            && hashes
                .as_ref()
                .is_some_and(|hashes| vouched != Some(hashes))
        {
            report.fault(tile_fault(self.folder, tile));
        }
        let Some(leaves) = vouched.or(hashes.as_ref()) else {
            return false;
        };
        for ((leaf, entry), index) in leaves
            .iter()
            .zip(entries.iter().flatten())
            .zip(tile.first()..)
        {
            if leaf != entry {
                let path = self.folder.place(bundle);
                report.fault(Fault::Entry { index, path });
            }
        }
        for ((leaf, entry), index) in leaves
            .iter()
            .zip(stored.into_iter().flatten())
            .zip(tile.first()..)
        {
            match entry {
                Some(entry) if entry == leaf => {}
                Some(_) => report.fault(Fault::StoreEntry { index }),
                None => report.fault(Fault::StoreMissing { index }),
            }
        }
        vouched.is_some()
    }

    fn readable<T>(
        &self,
        tile: Tile,
        read: Result<T, TreeError>,
        report: &mut Report,
    ) -> Option<T> {
        match read {
            Ok(content) => Some(content),
            Err(cause) => {
                // The edge's tile was named when it was read for the first time.
                if tile.is_full() || tile.content() == Content::Entries {
                    report.fault(file_fault(self.folder, tile, cause));
                }
                None
            }
        }
    }
}

/// The tiles in memory, as far as a root needs them.
impl TileSource for &Tiles<'_> {
    type Error = std::convert::Infallible;

    fn tile(&mut self, tile: Tile) -> Result<Vec<Hash>, Self::Error> {
        Ok(self.held(tile).to_vec())
    }
}

/// The store beside the log.
struct Stored<'j> {
    size: u64,
    floor: u64,
    journal: &'j dyn JournalReader,
}

impl Stored<'_> {
    /// The leaf hashes of the store's entries where `tile` has its own, up to the end of the store;
    /// `None` for an entry that is missing in the middle, and for all where they were dropped.
    fn leaves(&self, tile: Tile) -> Result<Option<Vec<Option<Hash>>>, TreeError> {
        if tile.first() < self.floor {
            return Ok(None);
        }
        let width = usize::from(tile.width());
        let entries = self.journal.raw_entries(tile.first(), width)?;
        let mut entries = entries.into_iter().peekable();
        let end = self.size.min(tile.first() + u64::from(tile.width()));
        let leaf = |index| entries.next_if(|raw: &RawEntry| raw.index == index);
        let found = (tile.first()..end).map(leaf);
        let leaves = found.map(|raw| raw.map(|raw| leaf_hash(&raw.bytes)));
        Ok(Some(leaves.collect()))
    }
}

fn tiles_of(content: Content, size: u64) -> impl Iterator<Item = Tile> {
    (0..).map_while(move |index| Tile::within(content, index, size))
}

/// The root of a full tile; a hash that nothing has when there is none.
fn root_or_nothing(hashes: &[Hash]) -> Hash {
    complete_root(hashes).unwrap_or(Hash([0; 32]))
}

fn tile_fault(folder: &Folder, tile: Tile) -> Fault {
    let path = folder.path(&tile.to_string());
    Fault::Tile { path }
}

fn file_fault(folder: &Folder, tile: Tile, cause: TreeError) -> Fault {
    Fault::File {
        path: folder.place(tile),
        cause: Box::new(cause),
    }
}

const LEAVES: Content = Content::Hashes { level: 0 };
