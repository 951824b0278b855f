//! The journal replayed: in the place of the rows, or in a scratch database beside them.

use std::sync::Arc;

use ironroot_journal::SaltedDigest;
use ironroot_store::{
    Comparison, KeyRange, Overlay, Payload, Projection, Row, RowReader, RowTaker, Source,
    StateDigest, StateError, StateRow, StoreError, Table, replay,
};
use rusqlite::{Connection, Transaction, params};

use crate::error::unreadable;
use crate::reading::{
    ALL_ROWS, Stored, floor, journal_size, raw_entries, state_digest, stored_row,
};
use crate::schema::STATE;
use crate::writing::write_row;

/// How many entries are read, and their rows written, at a time.
const CHUNK: usize = 10_000;

/// How much of the scratch database is held in memory, in KiB; SQLite takes a negative number for that.
const SCRATCH_CACHE: i64 = -(64 << 10);

/// Replays the journal in a scratch database and compares with the rows, which go to `take`; returns
/// the digest that both have, and how many entries it is of.
pub(crate) fn verify(
    connection: &mut Connection,
    projection: &dyn Projection,
    source: Source,
    take: &mut RowTaker<'_>,
) -> Result<(StateDigest, u64), StateError> {
    let snapshot = connection.transaction().map_err(unreadable)?;
    let scratch = scratch().map_err(unreadable)?;
    let size = make(&scratch, &snapshot, projection, source)?;
    Ok((compare(&scratch, &snapshot, take)?, size))
}

/// Drops all rows and makes them again, within `transaction`.
pub(crate) fn rebuild(
    transaction: &Transaction<'_>,
    projection: &dyn Projection,
    source: Source,
) -> Result<StateDigest, StateError> {
    let dropped = transaction.execute("DELETE FROM state", []);
    dropped.map_err(unreadable)?;
    make(transaction, transaction, projection, source)?;
    Ok(state_digest(transaction).map_err(unreadable)?)
}

/// A database that is gone when it is closed; what does not fit in its cache lies in an unnamed file.
fn scratch() -> rusqlite::Result<Connection> {
    let scratch = Connection::open("")?;
    scratch.pragma_update(None, "journal_mode", "OFF")?;
    scratch.pragma_update(None, "synchronous", "OFF")?;
    scratch.pragma_update(None, "cache_size", SCRATCH_CACHE)?;
    scratch.set_prepared_statement_cache_capacity(16);
    scratch.execute_batch(STATE)?;
    scratch.execute_batch("BEGIN")?;
    Ok(scratch)
}

/// Makes the rows of `rows` from the entries and payloads of `store`; returns how many entries there are.
fn make(
    rows: &Connection,
    store: &Connection,
    projection: &dyn Projection,
    mut source: Source,
) -> Result<u64, StateError> {
    let size = journal_size(store).map_err(unreadable)?;
    let mut next = source.load_base(size, |row| load_row(rows, row).map_err(unreadable))?;
    let floor = floor(store).map_err(unreadable)?;
    loop {
        let own = |from, max| raw_entries(store, from, max).map_err(unreadable);
        let entries = source.entries(next, floor, CHUNK, own)?;
        if entries.is_empty() {
            return Ok(next);
        }
        let mut overlay = Overlay::new(RowsBeside { rows, store });
        next = replay(&entries, next, projection, &mut overlay)?;
        for write in overlay.into_parts().1 {
            write_row(rows, &write).map_err(unreadable)?;
        }
    }
}

fn load_row(rows: &Connection, row: &StateRow) -> rusqlite::Result<()> {
    let sql = "INSERT INTO state (tbl, key, value) VALUES (?1, ?2, ?3)";
    let mut insert = rows.prepare_cached(sql)?;
    insert.execute(params![row.table, row.key, row.value])?;
    Ok(())
}

fn compare(
    replayed: &Connection,
    stored: &Connection,
    take: &mut RowTaker<'_>,
) -> Result<StateDigest, StateError> {
    let mut replayed = replayed.prepare(ALL_ROWS).map_err(unreadable)?;
    let replayed = replayed.query_map([], |row| {
        let (table, key, value) = stored_row(row)?;
        let (table, key, value) = (table.into(), key.into(), value.into());
        Ok(StateRow { table, key, value })
    });
    let replayed = replayed.map_err(unreadable)?;
    let mut comparison = Comparison::new(replayed.map(|row| row.map_err(unreadable)));
    let mut query = stored.prepare_cached(ALL_ROWS).map_err(unreadable)?;
    let mut rows = query.query([]).map_err(unreadable)?;
    while let Some(row) = rows.next().map_err(unreadable)? {
        let (table, key, value) = stored_row(row).map_err(unreadable)?;
        comparison.row(table, key, value)?;
        take(table, key, value).map_err(StateError::Taker)?;
    }
    comparison.finish()
}

/// Rows of one database and payloads of another, or of the same.
struct RowsBeside<'c> {
    rows: &'c Connection,
    store: &'c Connection,
}

impl RowReader for RowsBeside<'_> {
    fn row(&mut self, table: Table, key: &str) -> Result<Option<Arc<[u8]>>, StoreError> {
        Stored(self.rows).row(table, key)
    }

    fn rows(&mut self, table: Table, range: &KeyRange, max: usize) -> Result<Vec<Row>, StoreError> {
        Stored(self.rows).rows(table, range, max)
    }

    fn payload(&mut self, digest: &SaltedDigest) -> Result<Option<Payload>, StoreError> {
        Stored(self.store).payload(digest)
    }
}
