//! Where a replay starts: at the newest snapshot that is good, else at the first entry.

use std::error::Error;
use std::path::Path;
use std::sync::Arc;

use ironroot_store::{Base, JournalReader, Source, StateError};

use crate::snapshot::{Snapshot, Snapshots};

/// Calls `attempt` with the newest snapshot that `journal` has recorded, and with older ones as long as
/// one turns out bad; last without any. Returns the snapshot that was good, and what came of it.
///
/// `refused` is told of each that was not used, and why.
///
/// # Errors
/// What `attempt` refuses for another reason than the snapshot.
pub fn from_newest<T>(
    snapshots: &Snapshots,
    journal: &dyn JournalReader,
    archive: Option<&Arc<dyn JournalReader>>,
    refused: &mut dyn FnMut(&Path, &dyn Error),
    mut attempt: impl FnMut(Source) -> Result<T, StateError>,
) -> Result<(Option<Snapshot>, T), StateError> {
    let listed = snapshots.list().unwrap_or_else(|cause| {
        refused(snapshots.folder(), &cause);
        Vec::new()
    });
    let mut with = |base| {
        attempt(Source {
            base,
            archive: archive.cloned(),
        })
    };
    for snapshot in listed {
        let cause = match base(&snapshot, journal) {
            Ok(base) => match with(Some(base)) {
                Err(StateError::BadBase(cause)) => cause,
                other => return other.map(|done| (Some(snapshot), done)),
            },
            Err(cause) => cause,
        };
        refused(&snapshot.path, &*cause);
    }
    with(None).map(|done| (None, done))
}

fn base(
    snapshot: &Snapshot,
    journal: &dyn JournalReader,
) -> Result<Box<dyn Base>, Box<dyn Error + Send + Sync>> {
    if snapshot.recorded_in(journal)?.is_none() {
        return Err("this journal has not recorded it".into());
    }
    Ok(snapshot.open()?)
}
