//! Builds what keeps the journal: its log, the archive of its old segments, snapshots of its state.

use std::sync::Arc;

use ironroot_archive::Archive;
use ironroot_journal::note::VerifierKey;
use ironroot_tree::{LogFiles, LogPlace, LogReader};
use ironroot_views::TileLog;
use tokio::task::JoinSet;

use super::{NotStarted, Outside};
use crate::drain::Drain;
use crate::enforce::archive::Archivist;
use crate::enforce::snapshots::Snapshotter;
use crate::journal::LOG_FOLDER;
use crate::ledger::Ledger;
use crate::settings::Settings;
use crate::upkeep::Upkeep;

/// What the keeping of the journal is built on.
pub(super) struct KeepingParts<'a> {
    pub(super) settings: &'a Settings,
    pub(super) outside: &'a Outside,
    pub(super) ledger: &'a Ledger,
    pub(super) upkeep: &'a Arc<Upkeep>,
    pub(super) log_key: &'a VerifierKey,
}

/// What keeps the journal.
pub(super) struct Keeping {
    pub(super) log: Arc<TileLog>,
    pub(super) place: LogPlace,
    pub(super) archivist: Arc<Archivist>,
    pub(super) snapshotter: Arc<Snapshotter>,
}

impl KeepingParts<'_> {
    /// Opens the archive that the settings name, and has workers take snapshots and move segments.
    pub(super) fn start(
        self,
        workers: &mut JoinSet<()>,
        drain: &Drain,
    ) -> Result<Keeping, NotStarted> {
        let (settings, key) = (&self.settings.file, self.log_key);
        let archive = settings.archive.open()?;
        let files = archive.as_ref().map(|archive| archive.objects.clone());
        let tiles = LogPlace::new(self.settings.data.join(LOG_FOLDER));
        let place = tiles
            .clone()
            .with_archive(files.map(|files| files as Arc<dyn LogFiles>));
        let archived = Arc::new(LogReader::new(&place, key.clone()));
        let log = Arc::new(TileLog::new(place.clone(), key.clone()));
        let archivist = Archivist::new(
            (self.ledger.clone(), log.clone()),
            archive.map(|archive| {
                let copy = Archive::new(tiles, key.clone(), archive.objects);
                (archive.place, copy)
            }),
            settings.archive.keep_entries,
            self.upkeep.clone(),
            self.outside.clock.clone(),
        );
        let archivist = Arc::new(archivist);
        workers.spawn(archivist.clone().keep_moving(drain.clone()));
        let snapshotter = Snapshotter::new(
            (self.ledger.clone(), archived),
            &self.settings.data,
            settings.snapshots,
            self.upkeep.clone(),
            self.outside.clock.clone(),
        );
        let snapshotter = Arc::new(snapshotter);
        workers.spawn(snapshotter.clone().keep_taking(drain.clone()));
        Ok(Keeping {
            log,
            place,
            archivist,
            snapshotter,
        })
    }
}
