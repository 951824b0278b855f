//! The journal as a C2SP tile log on disk, as far as answers tell of it.

use std::io;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU64, Ordering};

use ironroot_api::Checkpoint;
use ironroot_journal::Entry;
use ironroot_journal::checkpoint::SignedCheckpoint;
use ironroot_journal::merkle::Hash;
use ironroot_journal::note::VerifierKey;
use ironroot_journal::tile::Tile;
use ironroot_store::{IndexedEntry, JournalReader, StoreError};
use ironroot_time::UnixTime;
use ironroot_tree::{LogPlace, LogReader, TreeError, Written, export_proof, prove_growth};
use parking_lot::Mutex;

use crate::NotShown;

/// The file of the newest signed checkpoint.
const CHECKPOINT: &str = "checkpoint";

/// The log in a folder that a `TreeWriter` writes, and its archive.
#[derive(Debug)]
pub struct TileLog {
    place: LogPlace,
    key: VerifierKey,
    /// The index of the first entry that is in the store still.
    floor: AtomicU64,
    growth: Mutex<Option<Growth>>,
    /// The tree that was there when the hub started: its size and its root.
    first: OnceLock<(u64, Hash)>,
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
    /// The log at `place`, signed with `key`.
    pub fn new(place: LogPlace, key: VerifierKey) -> Self {
        Self {
            place,
            key,
            floor: AtomicU64::new(0),
            growth: Mutex::default(),
            first: OnceLock::new(),
        }
    }

    /// Takes note of what the writer did; to be called after each of its rounds.
    pub fn wrote(&self, done: &Written, now: UnixTime) {
        let size = done.checkpoint.size();
        let _first = self.first.get_or_init(|| (size, *done.checkpoint.root()));
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

    /// Takes note that the entries below `floor` are in the archive alone.
    pub fn moved(&self, floor: u64) {
        self.floor.store(floor, Ordering::Relaxed);
    }

    /// The index of the first entry that is in the store still, as far as [`TileLog::moved`] was told.
    pub(crate) fn floor(&self) -> u64 {
        self.floor.load(Ordering::Relaxed)
    }

    /// Whether an entry is in the archive alone, so that reading it may take a while.
    pub(crate) fn is_archived(&self, index: u64) -> bool {
        index < self.floor()
    }

    /// How many entries the newest checkpoint covers, from memory.
    pub fn signed_size(&self) -> u64 {
        self.growth().map_or(0, |growth| growth.size)
    }

    /// The key that signs the log.
    pub(crate) fn key(&self) -> &VerifierKey {
        &self.key
    }

    /// The tree that was there when the hub started, or the first one after that.
    pub(crate) fn first(&self) -> Option<(u64, Hash)> {
        self.first.get().copied()
    }

    /// The hashes that show the tree of `from` entries within that of `size`.
    pub(crate) async fn consistency(&self, from: u64, size: u64) -> Result<Vec<Hash>, NotShown> {
        let place = self.place.clone();
        let proved = tokio::task::spawn_blocking(move || prove_growth(&place, from, size)).await;
        Ok(proved.map_err(NotShown::Interrupted)??)
    }

    pub(crate) fn growth(&self) -> Option<Growth> {
        *self.growth.lock()
    }

    /// At most `max` entries from index `from` on, out of the log; perhaps fewer.
    pub(crate) async fn entries(
        &self,
        from: u64,
        max: usize,
    ) -> Result<Vec<IndexedEntry>, NotShown> {
        let reader = LogReader::new(&self.place, self.key.clone());
        let read = tokio::task::spawn_blocking(move || reader.raw_entries(from, max)).await;
        let raw = read.map_err(NotShown::Interrupted)??;
        let parsed = raw.into_iter().map(|raw| {
            let index = raw.index;
            let entry = Entry::parse(&raw.bytes);
            let entry = entry.map_err(|cause| StoreError::BadEntry { index, cause })?;
            Ok(IndexedEntry { index, entry })
        });
        parsed.collect()
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
        let (place, key) = (self.place.clone(), self.key.clone());
        let proved = tokio::task::spawn_blocking(move || export_proof(&place, &key, index)).await;
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
        let (place, file) = (self.place.clone(), name.to_owned());
        let read = tokio::task::spawn_blocking(move || place.read(&file)).await;
        match read.map_err(NotShown::Interrupted)? {
            Ok(bytes) => Ok(Some(bytes)),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => {
                let path = self.place.folder().join(name);
                Err(TreeError::File { path, cause }.into())
            }
        }
    }
}
