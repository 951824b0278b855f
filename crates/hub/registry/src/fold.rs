//! The one fold from journal entries to state rows, run when an entry is committed and when the state is rebuilt.
//!
//! It is also the last check before an entry becomes history: an entry that does not fit the state of that
//! moment is refused, and the change that brought it leaves no trace. What each kind of fact does stands with the
//! kind; here is what they do it with.

mod certificates;
mod devices;
mod refused;

use ironroot_journal::Entry;
use ironroot_store::{ApplyError, Projection, Rows};

pub(crate) use self::devices::{next, unknown};
pub use self::refused::Refused;
use crate::fact::Fact;
use crate::row::{Row, TIMELINE, timeline_key};

/// The fold of this hub's facts.
#[derive(Clone, Copy, Debug, Default)]
pub struct Fold;

impl Projection for Fold {
    fn apply(&self, index: u64, entry: &Entry, rows: &mut dyn Rows) -> Result<(), ApplyError> {
        let fact = Fact::read(entry).map_err(|cause| refuse(cause.into()))?;
        let mut step = Step {
            rows,
            index,
            at: entry.at().as_ms(),
        };
        fact.fold(&mut step)?;
        if let Some(device) = fact.device() {
            step.rows
                .put(TIMELINE, &timeline_key(device, index), Vec::new());
        }
        Ok(())
    }
}

/// The refusal of the change that brought an entry.
pub(crate) fn refuse(cause: Refused) -> ApplyError {
    ApplyError::refuse(cause)
}

/// One entry being folded.
pub(crate) struct Step<'a> {
    rows: &'a mut dyn Rows,
    /// Its index.
    pub(crate) index: u64,
    /// Its time, milliseconds since 1970.
    pub(crate) at: u64,
}

impl Step<'_> {
    /// Reads a row.
    pub(crate) fn get<R: Row>(&mut self, key: &str) -> Result<Option<R>, ApplyError> {
        let Some(bytes) = self.rows.row(R::TABLE, key)? else {
            return Ok(None);
        };
        serde_json::from_slice(&bytes)
            .map(Some)
            .map_err(|cause| refuse(Refused::DamagedRow(cause)))
    }

    /// Writes a row.
    pub(crate) fn put<R: Row>(&mut self, key: &str, row: &R) -> Result<(), ApplyError> {
        let bytes = serde_json::to_vec(row).map_err(|cause| refuse(Refused::DamagedRow(cause)))?;
        self.rows.put(R::TABLE, key, bytes);
        Ok(())
    }

    /// Deletes a row that must be there.
    pub(crate) fn remove<R: Row>(
        &mut self,
        key: &str,
        unknown: impl FnOnce() -> Refused,
    ) -> Result<(), ApplyError> {
        if self.get::<R>(key)?.is_none() {
            return Err(refuse(unknown()));
        }
        self.rows.delete(R::TABLE, key);
        Ok(())
    }
}
