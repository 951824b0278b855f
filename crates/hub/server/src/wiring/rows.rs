//! How the rows of the store come into memory, and are made again where another version of the fold made them.

use std::sync::Arc;

use ironroot_archive::Snapshots;
use ironroot_registry::{FoldRow, Registry, Row};
use ironroot_store::{JournalReader, KeyRange, Source, StateError, Store, StoreError};
use ironroot_tree::LogReader;

use crate::enforce::snapshots::SNAPSHOT_FOLDER;
use crate::journal::{log_with, verifier_key};
use crate::settings::Settings;

/// How many rows are read at once.
const ROWS_AT_ONCE: usize = 1_000;

/// Why the rows of the store could not be taken in.
#[derive(Debug, thiserror::Error)]
pub enum StateUnreadable {
    /// The store failed.
    #[error("the store failed")]
    Store(#[from] StoreError),
    /// The rows could not be made again.
    #[error("the rows could not be made again from the journal")]
    NotRenewed(#[from] StateError),
    /// The archive that has a part of the journal.
    #[error("the archive that has a part of the journal cannot be used")]
    Archive(#[source] Box<dyn std::error::Error + Send + Sync>),
    /// A row is damaged.
    #[error("a row is damaged")]
    Row(#[from] serde_json::Error),
}

/// Makes the rows again from the first entry if another version of the fold made them: an upgrade needs no hand.
/// Snapshots of the other rows are of no use any more.
pub(super) async fn renew(store: &dyn Store, settings: &Settings) -> Result<(), StateUnreadable> {
    if store.head().size == 0 || made_by(store).await? == Some(FoldRow::PRESENT) {
        return Ok(());
    }
    tracing::info!(
        entries = store.head().size,
        "Another version of the program made the state; it is made again from the journal."
    );
    let archive = if store.floor()? > 0 {
        Some(archive(settings).map_err(|cause| StateUnreadable::Archive(cause.into()))?)
    } else {
        None
    };
    let base = None;
    store.rebuild(Source { base, archive }).await?;
    if let Err(cause) = Snapshots::new(&settings.data.join(SNAPSHOT_FOLDER)).keep(0) {
        tracing::warn!(error = %cause, "Snapshots of the state as it was cannot be removed.");
    }
    Ok(())
}

async fn made_by(store: &dyn Store) -> Result<Option<FoldRow>, StateUnreadable> {
    let row = store.row(FoldRow::TABLE, FoldRow::KEY).await?;
    Ok(row.map(|row| serde_json::from_slice(&row)).transpose()?)
}

/// Who has the entries that the store has dropped.
fn archive(settings: &Settings) -> anyhow::Result<Arc<dyn JournalReader>> {
    let log = log_with(&settings.data, &settings.file.archive)?;
    let reader = LogReader::new(&log, verifier_key(&settings.data)?);
    Ok(Arc::new(reader))
}

/// Takes every row into the registry in memory.
pub(super) async fn take_in(store: &dyn Store, registry: &Registry) -> Result<(), StateUnreadable> {
    for table in Registry::TABLES {
        let mut range = KeyRange::all();
        loop {
            let rows = store.rows(table, range.clone(), ROWS_AT_ONCE).await?;
            for row in &rows {
                registry.load(table, &row.value)?;
            }
            match rows.last() {
                Some(last) if rows.len() == ROWS_AT_ONCE => range = range.after(&last.key),
                Some(_) | None => break,
            }
        }
    }
    Ok(())
}
