//! The questions to a store, in SQL; and the journal of a store that somebody else writes.

use std::path::Path;
use std::sync::Arc;

use ironroot_journal::{SALT_SIZE, SaltedDigest};
use ironroot_secret::Secret;
use ironroot_store::{
    Dump, DumpError, JournalReader, KeyRange, Payload, Projection, RawEntry, Row, RowReader,
    Source, StateDigest, StateError, StateHasher, StoreError, StoreReader, Table, Taker,
};
use rusqlite::{Connection, OptionalExtension, params};

use crate::error::unreadable;
use crate::readers::Readers;
use crate::{OpenError, dumping, replaying, schema};

/// The index after the last entry.
pub(crate) fn journal_size(connection: &Connection) -> rusqlite::Result<u64> {
    let mut query = connection.prepare_cached("SELECT max(idx) FROM entries")?;
    let last: Option<i64> = query.query_row([], |row| row.get(0))?;
    Ok(last.map_or(0, |last| from_sql(last) + 1))
}

/// The index of the first entry that is still there.
pub(crate) fn floor(connection: &Connection) -> rusqlite::Result<u64> {
    let mut query = connection.prepare_cached("SELECT value FROM meta WHERE name = 'floor'")?;
    let floor: Option<i64> = query.query_row([], |row| row.get(0)).optional()?;
    Ok(floor.map_or(0, from_sql))
}

/// At most `max` entries from index `from` on.
pub(crate) fn raw_entries(
    connection: &Connection,
    from: u64,
    max: usize,
) -> rusqlite::Result<Vec<RawEntry>> {
    let sql = "SELECT idx, bytes FROM entries WHERE idx >= ?1 ORDER BY idx LIMIT ?2";
    let mut query = connection.prepare_cached(sql)?;
    let max = i64::try_from(max).unwrap_or(i64::MAX);
    let entries = query.query_map(params![to_sql(from), max], |row| {
        Ok(RawEntry {
            index: from_sql(row.get(0)?),
            bytes: row.get(1)?,
        })
    })?;
    entries.collect()
}

/// The secret of this name.
pub(crate) fn secret(connection: &Connection, name: &str) -> rusqlite::Result<Option<Secret>> {
    let mut query = connection.prepare_cached("SELECT bytes FROM secrets WHERE name = ?1")?;
    let bytes = query.query_row([name], |row| row.get(0)).optional()?;
    Ok(bytes.map(Secret::new))
}

/// The digest over all rows.
pub(crate) fn state_digest(connection: &Connection) -> rusqlite::Result<StateDigest> {
    let mut hasher = StateHasher::default();
    let mut query = connection.prepare_cached(ALL_ROWS)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (table, key, value) = stored_row(row)?;
        hasher.row(table, key, value);
    }
    Ok(hasher.finish())
}

pub(crate) fn stored_row<'r>(
    row: &'r rusqlite::Row<'_>,
) -> rusqlite::Result<(&'r str, &'r str, &'r [u8])> {
    Ok((
        row.get_ref(0)?.as_str()?,
        row.get_ref(1)?.as_str()?,
        row.get_ref(2)?.as_blob()?,
    ))
}

/// Every row in the order of the digest: bytes of the names, tables first.
pub(crate) const ALL_ROWS: &str = "SELECT tbl, key, value FROM state ORDER BY tbl, key";

/// Rows and payloads as one connection sees them.
#[derive(Debug)]
pub(crate) struct Stored<'c>(pub(crate) &'c Connection);

impl RowReader for Stored<'_> {
    fn row(&mut self, table: Table, key: &str) -> Result<Option<Arc<[u8]>>, StoreError> {
        row(self.0, table, key).map_err(unreadable)
    }

    fn rows(&mut self, table: Table, range: &KeyRange, max: usize) -> Result<Vec<Row>, StoreError> {
        rows(self.0, table, range, max).map_err(unreadable)
    }

    fn payload(&mut self, digest: &SaltedDigest) -> Result<Option<Payload>, StoreError> {
        let stored = stored_payload(self.0, digest).map_err(unreadable)?;
        let Some((salt, bytes)) = stored else {
            return Ok(None);
        };
        let payload = Payload::new(salt, bytes);
        let whole = payload.digest() == digest;
        whole.then_some(Some(payload)).ok_or(StoreError::BadPayload)
    }
}

fn row(connection: &Connection, table: Table, key: &str) -> rusqlite::Result<Option<Arc<[u8]>>> {
    let sql = "SELECT value FROM state WHERE tbl = ?1 AND key = ?2";
    let mut query = connection.prepare_cached(sql)?;
    query
        .query_row(params![table.name(), key], |row| {
            Ok(row.get_ref(0)?.as_blob()?.into())
        })
        .optional()
}

fn rows(
    connection: &Connection,
    table: Table,
    range: &KeyRange,
    max: usize,
) -> rusqlite::Result<Vec<Row>> {
    let sql = "SELECT key, value FROM state WHERE tbl = ?1 AND key >= ?2 ORDER BY key";
    let mut query = connection.prepare_cached(sql)?;
    let mut found = query.query(params![table.name(), range.first()])?;
    let mut rows = Vec::new();
    while rows.len() < max
        && let Some(row) = found.next()?
    {
        let key = row.get_ref(0)?.as_str()?;
        if !range.reaches(key) {
            break;
        }
        rows.push(Row {
            key: key.into(),
            value: row.get_ref(1)?.as_blob()?.into(),
        });
    }
    Ok(rows)
}

type SaltAndBytes = ([u8; SALT_SIZE], Vec<u8>);

fn stored_payload(
    connection: &Connection,
    digest: &SaltedDigest,
) -> rusqlite::Result<Option<SaltAndBytes>> {
    let sql = "SELECT salt, bytes FROM payloads WHERE digest = ?1";
    let mut query = connection.prepare_cached(sql)?;
    query
        .query_row([digest.as_bytes()], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()
}

/// Indices stand in SQLite's signed integers; none of ours ever reaches their end.
pub(crate) fn to_sql(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

fn from_sql(index: i64) -> u64 {
    u64::try_from(index).unwrap_or(0)
}

/// The journal of a store, opened for reading alone: beside a running hub, or with none.
#[derive(Debug)]
pub struct SqliteJournal {
    readers: Readers,
}

impl SqliteJournal {
    /// Opens the store at `path` for reading.
    ///
    /// # Errors
    /// [`OpenError`] when there is none, or it is of another program or a newer one.
    pub fn open(path: &Path) -> Result<Self, OpenError> {
        let readers = Readers::new(path);
        schema::check_whole(&readers.connect()?)?;
        Ok(Self { readers })
    }
}

impl StoreReader for SqliteJournal {
    fn verify_state(
        &self,
        projection: &dyn Projection,
        source: Source,
    ) -> Result<StateDigest, StateError> {
        let mut connection = self.readers.connect().map_err(unreadable)?;
        let (digest, _size) =
            replaying::verify(&mut connection, projection, source, &mut |_, _, _| Ok(()))?;
        Ok(digest)
    }
}

impl JournalReader for SqliteJournal {
    fn size(&self) -> Result<u64, StoreError> {
        self.readers.read(journal_size)
    }

    fn floor(&self) -> Result<u64, StoreError> {
        self.readers.read(floor)
    }

    fn raw_entries(&self, from: u64, max: usize) -> Result<Vec<RawEntry>, StoreError> {
        self.readers
            .read(|connection| raw_entries(connection, from, max))
    }
}

impl Dump for SqliteJournal {
    fn dump(&self, from: u64, take: &mut Taker<'_>) -> Result<(), DumpError> {
        self.readers
            .with(|connection| dumping::dump(connection, from, take))
    }
}
