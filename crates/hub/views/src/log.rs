//! The journal as a C2SP tile log on disk, as far as answers tell of it.

use std::io;
use std::path::PathBuf;

use ironroot_api::Checkpoint;
use ironroot_journal::checkpoint::SignedCheckpoint;
use ironroot_journal::note::VerifierKey;
use ironroot_journal::tile::Tile;
use ironroot_time::UnixTime;
use ironroot_tree::{TreeError, Written, export_proof};
use parking_lot::Mutex;

use crate::NotShown;

/// The file of the newest signed checkpoint.
const CHECKPOINT: &str = "checkpoint";

/// The log in a folder that a `TreeWriter` writes.
#[derive(Debug)]
pub struct TileLog {
    folder: PathBuf,
    key: VerifierKey,
    growth: Mutex<Option<Growth>>,
}

/// How far the log was when it was last written.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Growth {
    /// Entries under the newest checkpoint.
    pub(crate) size: u64,
    /// When that checkpoint was first seen.
    pub(crate) signed: UnixTime,
    /// When the writer last found all entries signed, or signed some.
    pub(crate) written: UnixTime,
}

impl TileLog {
    /// The log in `folder`, signed with `key`.
    pub fn new(folder: PathBuf, key: VerifierKey) -> Self {
        Self {
            folder,
            key,
            growth: Mutex::default(),
        }
    }

    /// Takes note of what the writer did; to be called after each of its rounds.
    pub fn wrote(&self, done: &Written, now: UnixTime) {
        let size = done.checkpoint.size();
        let mut growth = self.growth.lock();
        let signed = match *growth {
            Some(before) if before.size == size => before.signed,
            _ => now,
        };
        *growth = Some(Growth {
            size,
            signed,
            written: now,
        });
    }

    pub(crate) fn growth(&self) -> Option<Growth> {
        *self.growth.lock()
    }

    /// The newest checkpoint; none before the first.
    pub(crate) async fn checkpoint(&self) -> Result<Option<Checkpoint>, NotShown> {
        let Some(bytes) = self.file(CHECKPOINT).await? else {
            return Ok(None);
        };
        let signed = SignedCheckpoint::parse(&bytes).map_err(TreeError::BadCheckpoint)?;
        let verified = signed.verify(&self.key);
        let newest = verified.map_err(TreeError::CheckpointRefused)?;
        Ok(Some(Checkpoint {
            origin: newest.origin().to_owned(),
            size: newest.size(),
            root: hex::encode(newest.root().0),
            note: signed.to_string(),
            verifier_key: self.key.to_string(),
        }))
    }

    /// The proof that an entry is under the newest checkpoint, as a `.tlog-proof` file.
    pub(crate) async fn prove(&self, index: u64) -> Result<String, NotShown> {
        let (folder, key) = (self.folder.clone(), self.key.clone());
        let proved = tokio::task::spawn_blocking(move || export_proof(&folder, &key, index)).await;
        match proved.map_err(NotShown::Interrupted)? {
            Ok(proof) => Ok(proof.to_string()),
            Err(TreeError::NotCovered { .. } | TreeError::NoCheckpoint) => {
                Err(NotShown::NotSigned { index })
            }
            Err(cause) => Err(cause.into()),
        }
    }

    /// A file of the log. Only the names that the form knows lead to one, so no path leads out of it.
    pub(crate) async fn file(&self, name: &str) -> Result<Option<Vec<u8>>, NotShown> {
        let known = name == CHECKPOINT || name.parse::<Tile>().is_ok();
        if !known {
            return Ok(None);
        }
        let path = self.folder.join(name);
        match tokio::fs::read(&path).await {
            Ok(bytes) => Ok(Some(bytes)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(TreeError::File { path, cause }.into()),
        }
    }
}
