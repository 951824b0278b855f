//! What leaves the hub: the proof of one entry, and entries as lines of JSON.

use std::io::{self, Write};
use std::ops::Range;

use ironroot_journal::checkpoint::Checkpoint;
use ironroot_journal::merkle::{Hash, consistency_proof, inclusion_proof};
use ironroot_journal::note::VerifierKey;
use ironroot_journal::proof::{BadProofFile, Proof, ProofRefused};
use ironroot_journal::tile::{Content, TILE_WIDTH, Tile, TiledTree};
use ironroot_store::{JournalReader, StoreError};

use crate::TreeError;
use crate::folder::{Folder, LogPlace};

/// How many entries are read from the store at a time.
const CHUNK: usize = 1_024;

/// Makes the `.tlog-proof` of entry `index` from `log`; the entry goes along in its
/// line of extra data, so that the one file says what is proved.
///
/// # Errors
/// [`TreeError`] when the entry is not under the checkpoint yet, or when the log does not bear the
/// proof out: what is returned verifies.
pub fn export_proof(log: &LogPlace, key: &VerifierKey, index: u64) -> Result<Proof, TreeError> {
    let folder = Folder::of(log);
    let signed = folder.checkpoint()?.ok_or(TreeError::NoCheckpoint)?;
    let checkpoint = signed.verify(key).map_err(TreeError::CheckpointRefused)?;
    let size = checkpoint.size();
    if index >= size {
        return Err(TreeError::NotCovered { index, size });
    }
    let width = u64::from(TILE_WIDTH);
    let bundle = Tile::within(Content::Entries, index / width, size);
    let bundle = bundle.ok_or(TreeError::NotCovered { index, size })?;
    let place = usize::try_from(index % width).unwrap_or(usize::MAX);
    let entry = folder.entries(bundle)?.into_iter().nth(place);
    let entry = entry.ok_or(TreeError::NotCovered { index, size })?;
    let path = inclusion_proof(index, size, &mut TiledTree::new(size, &folder))?;
    let proof = Proof {
        extra: Some(entry.clone()),
        index,
        path,
        checkpoint: signed,
    };
    match proof.verify(&entry, key) {
        Ok(_checkpoint) => Ok(proof),
        Err(_refused) => Err(TreeError::OtherRoot),
    }
}

/// The hashes that show the tree of the log's first `from` entries within that of its first `size`.
///
/// # Errors
/// [`TreeError`] when a tile cannot be read.
pub fn prove_growth(log: &LogPlace, from: u64, size: u64) -> Result<Vec<Hash>, TreeError> {
    let folder = Folder::of(log);
    let mut tree = TiledTree::new(size, &folder);
    Ok(consistency_proof(from, size, &mut tree)?)
}

/// An entry that a proof vouches for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct VerifiedEntry {
    /// The index in the journal.
    pub index: u64,
    /// The entry's bytes.
    pub entry: Vec<u8>,
    /// The checkpoint that covers it.
    pub checkpoint: Checkpoint,
}

/// Why a proof file proves nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ProofFileRefused {
    /// The file is no proof.
    #[error("the file is no proof")]
    BadFile(#[source] BadProofFile),
    /// The file does not carry the entry, and none was given.
    #[error("the file does not carry the entry that it is about")]
    NoEntry,
    /// The file carries another entry than the one that was given.
    #[error("the file is about another entry")]
    OtherEntry,
    /// The proof does not hold.
    #[error("the proof does not hold")]
    Refused(#[source] ProofRefused),
}

/// Verifies a `.tlog-proof` with nothing but the log's public key.
///
/// The entry is the one in the file's extra data, or `entry`; where there are both, they must be
/// the same.
///
/// # Errors
/// [`ProofFileRefused`] when the file proves nothing about the entry.
pub fn verify_proof(
    file: &[u8],
    entry: Option<&[u8]>,
    key: &VerifierKey,
) -> Result<VerifiedEntry, ProofFileRefused> {
    let proof = Proof::parse(file).map_err(ProofFileRefused::BadFile)?;
    let carried = proof.extra.as_deref();
    if let (Some(given), Some(carried)) = (entry, carried)
        && given != carried
    {
        return Err(ProofFileRefused::OtherEntry);
    }
    let entry = entry.or(carried).ok_or(ProofFileRefused::NoEntry)?;
    let checkpoint = proof
        .verify(entry, key)
        .map_err(ProofFileRefused::Refused)?;
    Ok(VerifiedEntry {
        index: proof.index,
        entry: entry.to_vec(),
        checkpoint,
    })
}

/// Writes the entries of `range` to `out`, one canonical JSON text per line; returns how many.
///
/// The journal may be shorter than the range. A line is exactly the bytes that its leaf hash covers.
///
/// # Errors
/// [`io::Error`] when `out` fails, and with a [`StoreError`] inside when the store does.
pub fn export_entries(
    journal: &dyn JournalReader,
    range: Range<u64>,
    out: &mut dyn Write,
) -> io::Result<u64> {
    let mut next = range.start;
    while next < range.end {
        let max = CHUNK.min(usize::try_from(range.end - next).unwrap_or(CHUNK));
        let entries = journal.raw_entries(next, max).map_err(io::Error::other)?;
        if entries.is_empty() {
            break;
        }
        for entry in entries {
            if entry.index != next {
                return Err(io::Error::other(StoreError::MissingEntry { index: next }));
            }
            out.write_all(&entry.bytes)?;
            out.write_all(b"\n")?;
            next += 1;
        }
    }
    out.flush()?;
    Ok(next.saturating_sub(range.start))
}
