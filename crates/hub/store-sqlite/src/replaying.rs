//! The journal replayed over one snapshot of the database: beside its rows, or in their place.

use std::sync::Arc;

use ironroot_journal::SaltedDigest;
use ironroot_store::{
    Comparison, KeyRange, Overlay, Payload, Projection, Row, RowReader, StateDigest, StateError,
    StoreError, Table, replay,
};
use rusqlite::{Connection, Transaction};

use crate::error::unreadable;
use crate::reading::{ALL_ROWS, Stored, raw_entries, state_digest};
use crate::writing::write_row;

/// How many entries are read at a time.
const CHUNK: usize = 1_000;

/// Replays the journal in memory and compares with the rows; returns the digest that both have.
pub(crate) fn verify(
    connection: &mut Connection,
    projection: &dyn Projection,
) -> Result<StateDigest, StateError> {
    let snapshot = connection.transaction().map_err(unreadable)?;
    let mut overlay = Overlay::new(PayloadsOnly(Stored(&snapshot)));
    let mut next = 0;
    loop {
        let entries = raw_entries(&snapshot, next, CHUNK).map_err(unreadable)?;
        if entries.is_empty() {
            break;
        }
        next = replay(&entries, next, projection, &mut overlay)?;
    }
    let mut comparison = Comparison::new(overlay.into_parts().1);
    let mut query = snapshot.prepare_cached(ALL_ROWS).map_err(unreadable)?;
    let mut rows = query.query([]).map_err(unreadable)?;
    while let Some(row) = rows.next().map_err(unreadable)? {
        let (table, key, value) = stored_row(row).map_err(unreadable)?;
        comparison.row(table, key, value)?;
    }
    comparison.finish()
}

fn stored_row<'r>(row: &'r rusqlite::Row<'_>) -> rusqlite::Result<(&'r str, &'r str, &'r [u8])> {
    Ok((
        row.get_ref(0)?.as_str()?,
        row.get_ref(1)?.as_str()?,
        row.get_ref(2)?.as_blob()?,
    ))
}

/// Drops all rows and makes them again, within `transaction`.
pub(crate) fn rebuild(
    transaction: &Transaction<'_>,
    projection: &dyn Projection,
) -> Result<StateDigest, StateError> {
    transaction
        .execute("DELETE FROM state", [])
        .map_err(unreadable)?;
    let mut next = 0;
    loop {
        let entries = raw_entries(transaction, next, CHUNK).map_err(unreadable)?;
        if entries.is_empty() {
            break;
        }
        let mut overlay = Overlay::new(Stored(transaction));
        next = replay(&entries, next, projection, &mut overlay)?;
        for write in overlay.into_parts().1 {
            write_row(transaction, &write).map_err(unreadable)?;
        }
    }
    Ok(state_digest(transaction).map_err(unreadable)?)
}

/// The payloads of the store, and none of its rows.
struct PayloadsOnly<'c>(Stored<'c>);

impl RowReader for PayloadsOnly<'_> {
    fn row(&mut self, _: Table, _: &str) -> Result<Option<Arc<[u8]>>, StoreError> {
        Ok(None)
    }

    fn rows(&mut self, _: Table, _: &KeyRange, _: usize) -> Result<Vec<Row>, StoreError> {
        Ok(Vec::new())
    }

    fn payload(&mut self, digest: &SaltedDigest) -> Result<Option<Payload>, StoreError> {
        self.0.payload(digest)
    }
}
