//! Moves the journal's old segments to the archive: copied, read back, recorded, signed, and only then dropped.
//!
//! Whatever step the hub is stopped at, the next start goes on from there: the store's floor says what is
//! dropped, a row of the segment what is recorded, the archive's own checkpoint what is copied.

use std::sync::Arc;
use std::time::Duration;

use ironroot_archive::{
    Archive, ArchiveError, BucketSettings, NoBucket, Objects, Place, SEGMENT_SIZE,
};
use ironroot_registry::{Fact, Row, SegmentArchived, SegmentRow};
use ironroot_store::{CommitError, StoreError};
use ironroot_time::Clock;
use ironroot_views::TileLog;
use serde::Deserialize;
use tokio::sync::Mutex;
use tokio::task::{JoinError, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval};

use crate::drain::Drain;
use crate::fault::{Blame, Fault, chain};
use crate::ledger::{Ledger, NotRecorded};
use crate::upkeep::{Chore, Upkeep};

/// How often it is looked whether a segment may go, and how long until a failed step is tried again.
const INTERVAL: Duration = Duration::from_secs(5);

/// The archive of the journal's old entries.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct ArchiveSettings {
    /// Where it is: `file:///FOLDER` or `s3://BUCKET/PREFIX`; no archive when absent.
    pub url: Option<String>,
    /// How many of the newest entries stay in the database at least.
    pub keep_entries: u64,
    /// How a bucket is reached.
    pub s3: BucketSettings,
}

impl Default for ArchiveSettings {
    fn default() -> Self {
        Self {
            url: None,
            keep_entries: 1_000_000,
            s3: BucketSettings::default(),
        }
    }
}

/// An archive that was named in the settings, and how to reach it.
#[derive(Clone, Debug)]
pub struct OpenArchive {
    /// Where it is.
    pub place: Place,
    /// Its files.
    pub objects: Arc<dyn Objects>,
}

impl ArchiveSettings {
    /// Opens the archive, if one is named. Nothing is sent yet.
    ///
    /// # Errors
    /// [`BadArchive`] when the settings do not say where or how.
    pub fn open(&self) -> Result<Option<OpenArchive>, BadArchive> {
        let Some(url) = &self.url else {
            return Ok(None);
        };
        let place: Place = url.parse().map_err(|cause| BadArchive::Url {
            url: url.clone(),
            cause,
        })?;
        let objects = place.open(&self.s3)?;
        Ok(Some(OpenArchive { place, objects }))
    }
}

/// Why the archive of the settings cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum BadArchive {
    /// Its URL names no place.
    #[error("archive.url: {url}")]
    Url {
        /// The URL.
        url: String,
        /// What one looks like.
        #[source]
        cause: ironroot_archive::BadPlace,
    },
    /// The bucket cannot be reached with these settings.
    #[error(transparent)]
    Bucket(#[from] NoBucket),
}

/// The one who moves segments, one at a time.
#[derive(Debug)]
pub struct Archivist {
    ledger: Ledger,
    log: Arc<TileLog>,
    archive: Option<(Place, Archive)>,
    keep_entries: u64,
    upkeep: Arc<Upkeep>,
    clock: Arc<dyn Clock>,
    /// The segment that was read back from the archive last; held while one is moved.
    checked: Mutex<Option<u64>>,
}

/// How far the journal is archived.
#[derive(Clone, Debug)]
pub struct Moved {
    /// Where to.
    pub place: String,
    /// The index of the first entry that the database has still.
    pub floor: u64,
    /// How many entries the archive has.
    pub archived: u64,
}

/// Why a segment was not moved. Nothing was dropped that is not in the archive.
#[derive(Debug, thiserror::Error)]
pub enum NotMoved {
    /// No archive is named.
    #[error("the settings name no archive: [archive] url = \"file:///FOLDER\"")]
    NoArchive,
    /// The archive does not have what it should.
    #[error(transparent)]
    Archive(#[from] ArchiveError),
    /// The segment could not be recorded.
    #[error("the segment could not be recorded")]
    NotRecorded(#[from] NotRecorded),
    /// The store failed.
    #[error("the store cannot be read")]
    Store(#[from] StoreError),
    /// A row is damaged.
    #[error("a row is damaged")]
    Row(#[from] serde_json::Error),
    /// The store did not let go of the entries.
    #[error("the entries could not be dropped")]
    NotDropped(#[from] CommitError),
    /// The hub is shutting down.
    #[error("the hub is shutting down")]
    Interrupted(#[from] JoinError),
}

impl NotMoved {
    /// Whose fault it is.
    pub fn fault(&self) -> Fault {
        match self {
            Self::NoArchive => Fault::Sender(Blame::State),
            Self::NotRecorded(cause) => cause.fault(),
            Self::Archive(ArchiveError::File { .. })
            | Self::Store(_)
            | Self::NotDropped(_)
            | Self::Interrupted(_) => Fault::Later,
            Self::Archive(_) | Self::Row(_) => Fault::Ours,
        }
    }
}

/// What one step came to.
enum Step {
    /// A segment was moved; there may be another.
    Moved,
    /// Nothing can be moved at present.
    Rest,
}

impl Archivist {
    /// Moves segments of the journal to `archive`, of which `keep_entries` stay.
    pub fn new(
        (ledger, log): (Ledger, Arc<TileLog>),
        archive: Option<(Place, Archive)>,
        keep_entries: u64,
        upkeep: Arc<Upkeep>,
        clock: Arc<dyn Clock>,
    ) -> Self {
        Self {
            ledger,
            log,
            archive,
            keep_entries,
            upkeep,
            clock,
            checked: Mutex::default(),
        }
    }

    /// Copies what the log has more than the archive, and moves every segment that may go.
    ///
    /// # Errors
    /// [`NotMoved`]; what was moved before stays moved.
    pub async fn seal(&self) -> Result<Moved, NotMoved> {
        let mut checked = self.checked.lock().await;
        let outcome = self.seal_in_turn(&mut checked).await;
        self.tell(outcome.as_ref().err());
        outcome
    }

    async fn seal_in_turn(&self, checked: &mut Option<u64>) -> Result<Moved, NotMoved> {
        let (place, archive) = self.archive.clone().ok_or(NotMoved::NoArchive)?;
        let copying = archive.clone();
        let archived = spawn_blocking(move || copying.mirror()).await??;
        while matches!(self.step(&place, &archive, checked).await?, Step::Moved) {}
        Ok(Moved {
            place: place.to_string(),
            floor: self.floor().await?,
            archived,
        })
    }

    /// Moves segments whenever they may go, until `stop`.
    pub async fn keep_moving(self: Arc<Self>, mut stop: Drain) {
        let floor = self.floor().await.unwrap_or_default();
        self.log.moved(floor);
        let Some((place, archive)) = self.archive.clone() else {
            return;
        };
        if let Some(last) = (floor / SEGMENT_SIZE).checked_sub(1) {
            // The hub may have been stopped between letting go of entries in the store and in the log.
            let removing = archive.clone();
            drop(spawn_blocking(move || removing.remove_here(last)).await);
        }
        let mut ticks = interval(INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            tokio::select! {
                _tick = ticks.tick() => {}
                () = stop.begun() => return,
            }
            let mut checked = self.checked.lock().await;
            let outcome = tokio::select! {
                outcome = self.step(&place, &archive, &mut checked) => outcome,
                () = stop.begun() => return,
            };
            self.tell(outcome.err().as_ref());
        }
    }

    fn tell(&self, failed: Option<&NotMoved>) {
        match failed {
            None => self.upkeep.works(Chore::Archive),
            // It is the one who asked that has forgotten something.
            Some(NotMoved::NoArchive) => {}
            Some(cause) => {
                let now = self.clock.now();
                self.upkeep.fails(Chore::Archive, &chain(cause), now);
            }
        }
    }

    /// Brings the lowest segment as far as it can go at present.
    async fn step(
        &self,
        place: &Place,
        archive: &Archive,
        checked: &mut Option<u64>,
    ) -> Result<Step, NotMoved> {
        let segment = self.floor().await? / SEGMENT_SIZE;
        let (first, end) = (segment * SEGMENT_SIZE, (segment + 1) * SEGMENT_SIZE);
        let size = self.ledger.store().head().size;
        if size < end.saturating_add(self.keep_entries) || self.log.signed_size() < end {
            return Ok(Step::Rest);
        }
        let recorded = self.recorded(first).await?;
        if *checked != Some(segment) || recorded.is_none() {
            let proving = archive.clone();
            let proved = spawn_blocking(move || {
                if proving.size()? < end {
                    proving.mirror()?;
                }
                proving.check(segment)
            });
            let root = proved.await??;
            *checked = Some(segment);
            if recorded.is_none() {
                self.record(first, hex::encode(root.0), place).await?;
            }
        }
        // A floor that is signed for cannot be told from entries that somebody took away.
        let recorded = recorded.or(self.recorded(first).await?);
        if recorded.is_none_or(|row| row.entry >= self.log.signed_size()) {
            return Ok(Step::Rest);
        }
        while self.ledger.store().drop_entries(end).await? < end {}
        self.log.moved(end);
        let removing = archive.clone();
        spawn_blocking(move || removing.remove_here(segment)).await??;
        tracing::info!(first, end, place = %place, "A segment was moved to the archive.");
        Ok(Step::Moved)
    }

    async fn record(&self, first: u64, root: String, place: &Place) -> Result<(), NotMoved> {
        let fact = Fact::from(SegmentArchived {
            first,
            entries: SEGMENT_SIZE,
            root,
            place: place.to_string(),
        });
        self.ledger.record(&fact).await?;
        Ok(())
    }

    async fn recorded(&self, first: u64) -> Result<Option<SegmentRow>, NotMoved> {
        let key = SegmentRow::key(first);
        let row = self.ledger.store().row(SegmentRow::TABLE, &key).await?;
        Ok(row.map(|row| serde_json::from_slice(&row)).transpose()?)
    }

    async fn floor(&self) -> Result<u64, NotMoved> {
        let store = self.ledger.store().clone();
        Ok(spawn_blocking(move || store.floor()).await??)
    }
}
