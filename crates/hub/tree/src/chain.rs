//! From a key that somebody kept to the key that signs today: by the log's own entries.
//!
//! Each change of key is the last entry under a checkpoint that the old key signed and that was kept. Who has
//! the old key believes that checkpoint, so the entry under it, so the key in the entry.

use ironroot_journal::Entry;
use ironroot_journal::checkpoint::{Checkpoint, SignedCheckpoint};
use ironroot_journal::merkle::{leaf_hash, root};
use ironroot_journal::note::VerifierKey;
use ironroot_journal::succession::Succession;
use ironroot_journal::tile::{Content, Tile, TiledTree};

use crate::folder::Folder;
use crate::{Fault, TreeError};

/// A change of the log's key that the log proves.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Handover {
    /// The entry that names the new key.
    pub index: u64,
    /// Both keys, and whether the old one was lost.
    pub succession: Succession,
}

/// A handover with the checkpoint that it stands under.
struct Kept {
    handover: Handover,
    signed: SignedCheckpoint,
}

/// The key that signed `newest`, reached from `key`, and every change of key that the log tells of.
pub(crate) fn follow(
    folder: &Folder,
    key: &VerifierKey,
    newest: &SignedCheckpoint,
) -> Result<(VerifierKey, Vec<Handover>), Fault> {
    let kept = kept_handovers(folder)?;
    let mut key = key.clone();
    let from = |key: &VerifierKey| {
        kept.iter()
            .find(|kept| kept.handover.succession.from == *key)
    };
    // No key comes twice, so there are no more steps than handovers.
    for _ in &kept {
        let Some(Kept { handover, signed }) = from(&key) else {
            break;
        };
        if handover.succession.lost {
            break;
        }
        signed.verify(&key).map_err(Fault::CheckpointRefused)?;
        key = handover.succession.to.clone();
    }
    match (newest.verify(&key), from(&key)) {
        (Ok(_), _) => Ok((key, kept.into_iter().map(|kept| kept.handover).collect())),
        (Err(_), Some(Kept { handover, .. })) if handover.succession.lost => Err(Fault::KeyLost {
            index: handover.index,
            to: Box::new(handover.succession.to.clone()),
        }),
        (Err(unsigned), _) => Err(Fault::CheckpointRefused(unsigned)),
    }
}

/// The handovers in the log's folder, in the order of their entries.
fn kept_handovers(folder: &Folder) -> Result<Vec<Kept>, Fault> {
    let unreadable = |_| Fault::Handover;
    let mut kept = Vec::new();
    for signed in folder.handovers().map_err(unreadable)? {
        let checkpoint = signed.unverified().ok_or(Fault::Handover)?;
        let handover = last_entry(folder, &checkpoint)
            .map_err(unreadable)?
            .ok_or(Fault::Handover)?;
        // Nothing of it is believed that the new key does not say as well.
        signed
            .verify(&handover.succession.to)
            .map_err(Fault::CheckpointRefused)?;
        kept.push(Kept { handover, signed });
    }
    kept.sort_by_key(|kept| kept.handover.index);
    Ok(kept)
}

/// The change of key in the last entry under `checkpoint`, if the log's tiles hold that checkpoint's tree.
fn last_entry(folder: &Folder, checkpoint: &Checkpoint) -> Result<Option<Handover>, TreeError> {
    let size = checkpoint.size();
    let Some(index) = size.checked_sub(1) else {
        return Ok(None);
    };
    let nth = index / u64::from(ironroot_journal::tile::TILE_WIDTH);
    let within = |content| Tile::within(content, nth, size).ok_or(TreeError::OtherRoot);
    let entries = folder.entries(within(Content::Entries)?)?;
    let leaves = folder.hashes(within(Content::Hashes { level: 0 })?)?;
    let (Some(bytes), Some(leaf)) = (entries.last(), leaves.last()) else {
        return Ok(None);
    };
    let same_tree = root(size, &mut TiledTree::new(size, folder))? == *checkpoint.root();
    let entry = Entry::parse(bytes).ok();
    let succession = entry.as_ref().and_then(Succession::read);
    Ok(succession
        .filter(|_| same_tree && leaf_hash(bytes) == *leaf)
        .map(|succession| Handover { index, succession }))
}
