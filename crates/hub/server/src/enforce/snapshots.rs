//! Takes snapshots of the state: every so many entries, and when a person asks.

use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use ironroot_archive::{NotTaken, Snapshot, Snapshots, from_newest};
use ironroot_journal::Entry;
use ironroot_registry::{Fact, SnapshotTaken};
use ironroot_store::{JournalReader, StateError};
use ironroot_time::{Clock, UnixTime};
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::task::spawn_blocking;
use tokio::time::{MissedTickBehavior, interval};

use crate::drain::Drain;
use crate::fault::{Fault, chain};
use crate::ledger::{Ledger, NotRecorded};
use crate::upkeep::{Chore, Upkeep};

/// The folder of the snapshots below the data folder.
pub const SNAPSHOT_FOLDER: &str = "snapshots";

/// How often it is looked whether a snapshot is due, and how long until a failed one is tried again.
const INTERVAL: Duration = Duration::from_secs(10);

/// Snapshots of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct SnapshotSettings {
    /// After how many entries the next one is taken; 0: only when a person asks.
    pub every_entries: u64,
    /// How many are kept, at least 1; the oldest beyond are removed.
    pub keep: usize,
}

impl Default for SnapshotSettings {
    fn default() -> Self {
        Self {
            every_entries: 100_000,
            keep: 3,
        }
    }
}

/// The one who takes them, one at a time.
pub struct Snapshotter {
    ledger: Ledger,
    snapshots: Snapshots,
    settings: SnapshotSettings,
    upkeep: Arc<Upkeep>,
    clock: Arc<dyn Clock>,
    /// Who has the entries that the store has dropped.
    archive: Arc<dyn JournalReader>,
    /// Held while one is taken or looked for.
    turn: Mutex<()>,
    newest: parking_lot::Mutex<Option<Newest>>,
}

/// The newest snapshot that the journal has recorded.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Newest {
    /// How many entries are folded into its rows.
    pub entries: u64,
    /// When it was recorded.
    pub at: UnixTime,
}

/// A snapshot that the journal has recorded.
#[derive(Clone, Debug)]
pub struct Recorded {
    /// Its file.
    pub path: PathBuf,
    /// How many entries are folded into its rows.
    pub entries: u64,
    /// The digest of its rows.
    pub state: String,
    /// The entry that records it.
    pub entry: u64,
}

/// Why there is no new snapshot.
#[derive(Debug, thiserror::Error)]
pub enum SnapshotRefused {
    /// The file was not written.
    #[error("no snapshot was taken")]
    NotTaken(#[from] NotTaken),
    /// It was written, and nobody may use it, because the journal does not know it.
    #[error("the snapshot could not be recorded")]
    NotRecorded(#[from] NotRecorded),
    /// The hub is shutting down.
    #[error("the hub is shutting down")]
    Interrupted(#[source] tokio::task::JoinError),
}

impl SnapshotRefused {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NotTaken(NotTaken::Rows(StateError::Store(_))) | Self::Interrupted(_) => {
                Fault::Later
            }
            Self::NotTaken(_) => Fault::Ours,
            Self::NotRecorded(cause) => cause.fault(),
        }
    }
}

impl Snapshotter {
    /// Takes snapshots below `data`; entries that the store has dropped are read from `archive`.
    pub fn new(
        (ledger, archive): (Ledger, Arc<dyn JournalReader>),
        data: &Path,
        settings: SnapshotSettings,
        upkeep: Arc<Upkeep>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            ledger,
            snapshots: Snapshots::new(&data.join(SNAPSHOT_FOLDER)),
            settings,
            upkeep,
            clock,
            archive,
            turn: Mutex::default(),
            newest: parking_lot::Mutex::default(),
        }
    }

    /// Takes one, records it, and removes those that are too many.
    ///
    /// # Errors
    /// [`SnapshotRefused`]; those that there are stay.
    pub async fn take(&self) -> Result<Recorded, SnapshotRefused> {
        let _turn = self.turn.lock().await;
        let outcome = self.take_in_turn().await;
        let now = self.clock.now();
        match &outcome {
            Ok(recorded) => {
                *self.newest.lock() = Some(Newest {
                    entries: recorded.entries,
                    at: now,
                });
                self.upkeep.works(Chore::Snapshots);
            }
            Err(cause) => self.upkeep.fails(Chore::Snapshots, &chain(cause), now),
        }
        outcome
    }

    /// The newest one; none before the first, or before the hub has looked.
    pub fn newest(&self) -> Option<Newest> {
        *self.newest.lock()
    }

    /// After how many entries the next one is taken; 0: only when a person asks.
    pub fn every_entries(&self) -> u64 {
        self.settings.every_entries
    }

    async fn take_in_turn(&self) -> Result<Recorded, SnapshotRefused> {
        let (store, snapshots) = (self.ledger.store().clone(), self.snapshots.clone());
        let archive = self.archive.clone();
        let taken = spawn_blocking(move || {
            // Its rows are checked against a replay, which starts with the snapshot before.
            let taken = from_newest(
                &snapshots,
                &*store,
                Some(&archive),
                &mut log_refused,
                |source| match snapshots.take(&*store, source) {
                    Err(NotTaken::Rows(cause @ StateError::BadBase(_))) => Err(cause),
                    other => Ok(other),
                },
            );
            taken.map_err(NotTaken::Rows)?.1
        });
        let taken = taken.await.map_err(SnapshotRefused::Interrupted)??;
        let (entries, state) = (taken.entries, taken.state.to_string());
        let fact = Fact::from(SnapshotTaken {
            entries,
            state: state.clone(),
        });
        let recorded = self.ledger.record(&fact).await;
        let receipt = recorded.inspect_err(|_refused| drop(std::fs::remove_file(&taken.path)))?;
        if let Err(cause) = self.snapshots.keep(self.settings.keep.max(1)) {
            tracing::warn!(error = %cause, "Old snapshots cannot be removed.");
        }
        Ok(Recorded {
            path: taken.path,
            entries,
            state,
            entry: receipt.indices.start,
        })
    }

    /// Takes one whenever it is due, until `stop`.
    pub async fn keep_taking(self: Arc<Self>, mut stop: Drain) {
        self.look().await;
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _tick = ticks.tick() => {}
                () = stop.begun() => return,
            }
            if self.is_due().await && self.take().await.is_ok() {
                tracing::info!("A snapshot of the state was taken.");
            }
        }
    }

    /// Finds the newest snapshot that was recorded before the hub started.
    async fn look(&self) {
        let _turn = self.turn.lock().await;
        let (store, snapshots) = (self.ledger.store().clone(), self.snapshots.clone());
        let found = spawn_blocking(move || {
            let listed = snapshots.list().unwrap_or_default();
            listed
                .into_iter()
                .find_map(|known| Newest::recorded(&known, &*store))
        });
        if let Ok(known) = found.await {
            *self.newest.lock() = known;
        }
    }

    async fn is_due(&self) -> bool {
        let every = self.settings.every_entries;
        let _turn = self.turn.lock().await;
        let size = self.ledger.store().head().size;
        let newest = self.newest().map_or(0, |newest| newest.entries);
        every > 0 && size.saturating_sub(newest) >= every
    }
}

impl Newest {
    /// A snapshot as the journal has recorded it; none when it has not.
    fn recorded(snapshot: &Snapshot, journal: &dyn JournalReader) -> Option<Self> {
        let index = snapshot.recorded_in(journal).ok()??;
        let record = journal.raw_entries(index, 1).ok()?;
        let entry = Entry::parse(&record.first()?.bytes).ok()?;
        Some(Self {
            entries: snapshot.entries,
            at: entry.at(),
        })
    }
}

impl std::fmt::Debug for Snapshotter {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Snapshotter")
            .field("snapshots", &self.snapshots)
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}

fn log_refused(path: &Path, cause: &dyn Error) {
    tracing::warn!(path = %path.display(), error = %chain(cause), "A snapshot cannot be used.");
}
