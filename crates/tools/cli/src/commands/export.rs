//! `ironroot journal export`: the log as a folder of tiles (C2SP tlog-tiles), checked on arrival.

use std::fs;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result as Outcome, anyhow, ensure};
use clap::Args;
use ironroot_api::Checkpoint as ApiCheckpoint;
use ironroot_journal::checkpoint::{Checkpoint, SignedCheckpoint};
use ironroot_journal::merkle::{self, Hash, leaf_hash};
use ironroot_journal::note::VerifierKey;
use ironroot_journal::tile::{
    Content, TILE_WIDTH, Tile, TileSource, TiledTree, complete_root, decode_entries, decode_hashes,
    encode_entries, encode_hashes, tiles_since,
};

use crate::Remote;
use crate::failure::Failure;
use crate::hub::Hub;
use crate::terminal::Terminal;

/// Arguments of `journal export`.
#[derive(Debug, Args)]
pub struct Export {
    /// Folder for the log; an earlier export there is brought up to date
    #[arg(long, value_name = "DIR")]
    to: PathBuf,
    /// The key that must have signed the log, if you kept it; else the hub is believed about it
    #[arg(long, value_name = "VERIFIER-KEY")]
    key: Option<VerifierKey>,
}

impl Remote for Export {
    fn run(self, hub: &Hub, terminal: &mut Terminal<'_>) -> Result<(), Failure> {
        let answer = hub.get::<ApiCheckpoint>("/journal/checkpoint")?;
        let signed = SignedCheckpoint::parse(answer.body.note.as_bytes())
            .context("the hub's checkpoint is no signed note")?;
        let key = match self.key {
            Some(key) => key,
            None => answer
                .body
                .verifier_key
                .parse()
                .context("the hub's verifier key")?,
        };
        let checkpoint = signed
            .verify(&key)
            .context("the hub's checkpoint does not verify")?;
        let folder = Folder(self.to);
        for tile in tiles_since(0, checkpoint.size()) {
            folder.bring(tile, hub)?;
        }
        folder.check(&checkpoint)?;
        // Last, so that a folder with a checkpoint holds all that it covers.
        folder.write("checkpoint", signed.note().to_string().as_bytes())?;
        let size = checkpoint.size();
        terminal.answer(answer, |terminal, _| {
            let to = folder.0.display();
            terminal.line(&format!(
                "{size} entries are in {to}, and their root is the one signed"
            ))?;
            terminal.line(&format!("verifier key {key}"))
        })
    }
}

/// A folder that holds a log, or a part of one.
struct Folder(PathBuf);

impl Folder {
    /// Fetches a tile that is not here yet.
    fn bring(&self, tile: Tile, hub: &Hub) -> Result<(), Failure> {
        let path = tile.to_string();
        if self.0.join(&path).exists() {
            return Ok(());
        }
        let bytes = match hub.log_file(&path)? {
            Some(bytes) => bytes,
            // A partial tile may be gone as soon as the full one is there (C2SP tlog-tiles).
            None => match hub.log_file(&tile.full_path())? {
                Some(full) => cut(&full, tile)?,
                None => return Err(anyhow!("the hub's log has no {path}, which it signed").into()),
            },
        };
        Ok(self.write(&path, &bytes)?)
    }

    /// Writes a file so that it is there whole or not at all.
    fn write(&self, path: &str, bytes: &[u8]) -> Outcome<()> {
        let path = self.0.join(path);
        let draft = path.with_extension("draft");
        let name = || path.display().to_string();
        fs::create_dir_all(path.parent().unwrap_or(&self.0)).with_context(name)?;
        fs::write(&draft, bytes).with_context(name)?;
        fs::rename(&draft, &path).with_context(name)
    }

    /// Checks every entry against its hash, every hash against those below it, and the root.
    fn check(&self, checkpoint: &Checkpoint) -> Outcome<()> {
        let size = checkpoint.size();
        for tile in tiles_since(0, size) {
            let fits = match tile.content() {
                Content::Entries => self.entries_fit(tile, size)?,
                Content::Hashes { level: 0 } => true,
                Content::Hashes { level } => self.hashes_fit(tile, level)?,
            };
            let path = self.0.join(tile.to_string());
            ensure!(
                fits,
                "{} does not fit the tree: the log was tampered with",
                path.display()
            );
        }
        let mut tree = TiledTree::new(size, self);
        let root = merkle::root(size, &mut tree).context("the root cannot be computed")?;
        ensure!(
            root == *checkpoint.root(),
            "the root is not the one signed: the log was tampered with"
        );
        Ok(())
    }

    /// Whether a bundle's entries are the ones that the leaves were made of.
    fn entries_fit(&self, bundle: Tile, size: u64) -> Outcome<bool> {
        let leaves = Tile::within(Content::Hashes { level: 0 }, bundle.index(), size);
        let leaves = self.hashes(leaves.context("a bundle without leaves")?)?;
        let bytes = self.read(bundle)?;
        let entries = decode_entries(&bytes, bundle.width())?;
        Ok(entries.into_iter().map(leaf_hash).eq(leaves))
    }

    /// Whether each hash is the root of the full tile below it.
    fn hashes_fit(&self, tile: Tile, level: u8) -> Outcome<bool> {
        let below = Content::Hashes {
            level: level.saturating_sub(1),
        };
        for (index, hash) in (tile.first()..).zip(self.hashes(tile)?) {
            let below = self.hashes(Tile::new(below, index, TILE_WIDTH)?)?;
            if complete_root(&below) != Some(hash) {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn hashes(&self, tile: Tile) -> Result<Vec<Hash>, Error> {
        decode_hashes(&self.read(tile)?, tile.width())
            .map_err(|cause| Error::new(ErrorKind::InvalidData, cause))
    }

    fn read(&self, tile: Tile) -> Result<Vec<u8>, Error> {
        let path = self.0.join(tile.to_string());
        read_named(&path)
    }
}

impl TileSource for &Folder {
    type Error = Error;

    fn tile(&mut self, tile: Tile) -> Result<Vec<Hash>, Error> {
        self.hashes(tile)
    }
}

/// The first part of a full tile, as wide as `tile`.
fn cut(full: &[u8], tile: Tile) -> Outcome<Vec<u8>> {
    let width = usize::from(tile.width());
    Ok(match tile.content() {
        Content::Hashes { .. } => {
            let hashes = decode_hashes(full, TILE_WIDTH)?;
            encode_hashes(
                hashes
                    .get(..width)
                    .context("a tile wider than a full one")?,
            )
        }
        Content::Entries => {
            let entries = decode_entries(full, TILE_WIDTH)?;
            encode_entries(entries.into_iter().take(width))?
        }
    })
}

/// Reads a file; the error names it.
fn read_named(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).map_err(|cause| Error::new(cause.kind(), format!("{}: {cause}", path.display())))
}
