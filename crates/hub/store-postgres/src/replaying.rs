//! The journal replayed over one snapshot of the database: in the place of the rows, or beside them.

use ironroot_store::{
    Comparison, Overlay, Projection, RowTaker, RowWrite, Source, StateDigest, StateError, StateRow,
    StoreError, replay,
};

use crate::DatabaseError;
use crate::reading::{Stored, floor, journal_size, raw_entries};
use crate::session::Session;
use crate::writing::{load_rows, write_rows};

/// How many entries are read, and their rows written, at a time.
const CHUNK: usize = 2_000;

/// How many rows of a snapshot are written at a time.
const ROWS: usize = 1_000;

/// A table for the rows of a replay, in one moment of the database that lasts until it is over.
const BESIDE: &str = "
    BEGIN ISOLATION LEVEL REPEATABLE READ;
    CREATE TEMPORARY TABLE replayed (LIKE state INCLUDING INDEXES) ON COMMIT DROP;
";

/// Replays the journal in a table of its own and compares with the rows, which go to `take`; returns
/// the digest that both have, and how many entries it is of.
pub(crate) fn verify(
    stored: Stored<'_>,
    projection: &dyn Projection,
    source: Source,
    take: &mut RowTaker<'_>,
) -> Result<(StateDigest, u64), StateError> {
    stored.wait(stored.session.run(BESIDE))?;
    let replayed = Stored {
        rows: "replayed",
        ..stored
    };
    let size = make(replayed, projection, source)?;
    let mut comparison = Comparison::new(replayed.every_row());
    for row in stored.every_row() {
        let row = row?;
        comparison.row(&row.table, &row.key, &row.value)?;
        take(&row.table, &row.key, &row.value).map_err(StateError::Taker)?;
    }
    let digest = comparison.finish()?;
    stored.wait(stored.session.run("COMMIT"))?;
    Ok((digest, size))
}

/// Drops all rows and makes them again, within a transaction of the caller's.
pub(crate) fn rebuild(
    stored: Stored<'_>,
    projection: &dyn Projection,
    source: Source,
) -> Result<StateDigest, StateError> {
    while stored.wait(delete_some_rows(stored.session))? > 0 {}
    make(stored, projection, source)?;
    Ok(stored.state_digest()?)
}

/// Deletes rows, as many as are done in a moment; returns how many.
async fn delete_some_rows(session: &Session) -> Result<i64, DatabaseError> {
    let sql = "WITH gone AS (
            DELETE FROM state WHERE ctid = ANY (ARRAY(SELECT ctid FROM state LIMIT 10000)) RETURNING 1
        ) SELECT count(*) FROM gone";
    let gone = session.query_opt(sql, &[]).await?;
    Ok(gone.ok_or(DatabaseError::Answer)?.try_get(0)?)
}

/// Makes the rows of an empty table from entries and payloads; returns how many entries there are.
fn make(
    stored: Stored<'_>,
    projection: &dyn Projection,
    mut source: Source,
) -> Result<u64, StateError> {
    let session = stored.session;
    let size = stored.wait(journal_size(session))?;
    let mut loading = Vec::new();
    let mut next = source.load_base(size, |row| {
        loading.push(row.clone());
        if loading.len() < ROWS {
            return Ok(());
        }
        load(stored, &std::mem::take(&mut loading))
    })?;
    load(stored, &loading)?;
    let floor = stored.wait(floor(session))?;
    loop {
        let own = |from, max| stored.wait(raw_entries(session, from, max));
        let entries = source.entries(next, floor, CHUNK, own)?;
        if entries.is_empty() {
            return Ok(next);
        }
        let mut overlay = Overlay::new(stored);
        next = replay(&entries, next, projection, &mut overlay)?;
        let rows: Vec<RowWrite> = overlay.into_parts().1.collect();
        stored.wait(write_rows(session, stored.rows, &rows))?;
    }
}

fn load(stored: Stored<'_>, rows: &[StateRow]) -> Result<(), StoreError> {
    stored.wait(load_rows(stored.session, stored.rows, rows))
}
