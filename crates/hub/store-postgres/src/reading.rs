//! The questions to a store, in SQL; and the journal of a store that somebody else writes.

use std::future::Future;
use std::sync::Arc;

use ironroot_journal::{Entry, SALT_SIZE, SaltedDigest};
use ironroot_secret::Secret;
use ironroot_store::{
    Dump, DumpError, Head, JournalReader, KeyRange, Payload, Projection, RawEntry, Row, RowReader,
    Source, StateDigest, StateError, StateHasher, StateRow, StoreError, StoreReader, Table, Taker,
};
use tokio_postgres::types::Type;

use crate::error::unreadable;
use crate::io::Io;
use crate::readers::Readers;
use crate::session::{Parameter, Session};
use crate::{DatabaseError, OpenError, Settings, dumping, replaying, schema};

/// The index after the last entry.
pub(crate) async fn journal_size(session: &Session) -> Result<u64, DatabaseError> {
    let last = session
        .query_opt("SELECT max(idx) FROM entries", &[])
        .await?;
    let last: Option<i64> = last.ok_or(DatabaseError::Answer)?.try_get(0)?;
    Ok(last.map_or(0, |last| from_sql(last) + 1))
}

/// At most `max` entries from index `from` on.
pub(crate) async fn raw_entries(
    session: &Session,
    from: u64,
    max: usize,
) -> Result<Vec<RawEntry>, DatabaseError> {
    let sql = "SELECT idx, bytes FROM entries WHERE idx >= $1 ORDER BY idx LIMIT $2";
    let (from, max) = (to_sql(from), limit(max));
    let found = session
        .query(sql, &[(&from, Type::INT8), (&max, Type::INT8)])
        .await?;
    found
        .iter()
        .map(|row| {
            Ok(RawEntry {
                index: from_sql(row.try_get(0)?),
                bytes: row.try_get(1)?,
            })
        })
        .collect()
}

/// Where the journal ends.
pub(crate) async fn read_head(session: &Session) -> Result<Head, StoreError> {
    let size = journal_size(session).await.map_err(unreadable)?;
    let Some(index) = size.checked_sub(1) else {
        return Ok(Head::default());
    };
    let last = raw_entries(session, index, 1).await.map_err(unreadable)?;
    let last = last.first().ok_or(StoreError::MissingEntry { index })?;
    let last = Entry::parse(&last.bytes).map_err(|cause| StoreError::BadEntry { index, cause })?;
    Ok(Head {
        size,
        at: last.at(),
    })
}

/// The secret of this name.
pub(crate) async fn secret(session: &Session, name: &str) -> Result<Option<Secret>, DatabaseError> {
    let sql = "SELECT bytes FROM secrets WHERE name = $1";
    let found = session
        .query_opt(sql, &[(&name.as_bytes(), Type::BYTEA)])
        .await?;
    let bytes = found.map(|row| row.try_get(0)).transpose()?;
    Ok(bytes.map(Secret::new))
}

/// The payload with this digest.
pub(crate) async fn payload(
    session: &Session,
    digest: &SaltedDigest,
) -> Result<Option<Payload>, StoreError> {
    let sql = "SELECT salt, bytes FROM payloads WHERE digest = $1";
    let parameters = [(&digest.as_bytes().as_slice() as _, Type::BYTEA)];
    let found = session.query_opt(sql, &parameters).await;
    let Some(found) = found.map_err(unreadable)? else {
        return Ok(None);
    };
    let payload = stored_payload(&found, 0)?;
    let whole = payload.digest() == digest;
    whole.then_some(Some(payload)).ok_or(StoreError::BadPayload)
}

/// The payload whose salt and bytes stand in `row` from column `column` on.
pub(crate) fn stored_payload(
    row: &tokio_postgres::Row,
    column: usize,
) -> Result<Payload, StoreError> {
    let bytes = |column| {
        let bytes: Result<Vec<u8>, _> = row.try_get(column);
        bytes.map_err(|cause| unreadable(cause.into()))
    };
    let salt: Result<[u8; SALT_SIZE], _> = bytes(column)?.try_into();
    let salt = salt.map_err(|_other_size| StoreError::BadPayload)?;
    Ok(Payload::new(salt, bytes(column + 1)?))
}

/// The index of the first entry that is still there.
pub(crate) async fn floor(session: &Session) -> Result<u64, DatabaseError> {
    let sql = "SELECT value FROM meta WHERE name = 'floor'";
    let found = session.query_opt(sql, &[]).await?;
    let floor = found.map(|row| row.try_get(0)).transpose()?;
    Ok(floor.map_or(0, from_sql))
}

/// Rows and payloads as one session sees them, for whoever blocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stored<'s> {
    pub(crate) io: &'s Io,
    pub(crate) session: &'s Session,
    /// The table that the rows are in: [`STATE`], or another of that shape.
    pub(crate) rows: &'static str,
}

/// The table of the rows.
pub(crate) const STATE: &str = "state";

impl<'s> Stored<'s> {
    pub(crate) fn new(io: &'s Io, session: &'s Session) -> Self {
        Self {
            io,
            session,
            rows: STATE,
        }
    }

    pub(crate) fn wait<T: Send>(
        &self,
        question: impl Future<Output = Result<T, DatabaseError>> + Send,
    ) -> Result<T, StoreError> {
        self.io.wait(question).map_err(unreadable)
    }

    /// Every row, in the order of the digest: bytes of the names, tables first.
    pub(crate) fn every_row(self) -> EveryRow<'s> {
        EveryRow {
            stored: self,
            last: (String::new(), Vec::new()),
            page: Vec::new().into_iter(),
        }
    }

    /// The digest over all rows.
    pub(crate) fn state_digest(&self) -> Result<StateDigest, StoreError> {
        let mut hasher = StateHasher::default();
        for row in self.every_row() {
            let row = row?;
            hasher.row(&row.table, &row.key, &row.value);
        }
        Ok(hasher.finish())
    }

    async fn query(
        &self,
        sql: &str,
        parameters: &[Parameter<'_>],
    ) -> Result<Vec<tokio_postgres::Row>, DatabaseError> {
        let sql = sql.replace("FROM state", &format!("FROM {}", self.rows));
        self.session.query(&sql, parameters).await
    }

    async fn row_found(&self, table: Table, key: &str) -> Result<Document, DatabaseError> {
        let sql = "SELECT value FROM state WHERE tbl = $1 AND key = $2";
        let (table, key) = (table.name(), key.as_bytes());
        let found = self
            .query(sql, &[(&table, Type::TEXT), (&key, Type::BYTEA)])
            .await?;
        let value = found.first().map(|row| row.try_get::<_, &[u8]>(0));
        Ok(value.transpose()?.map(Arc::from))
    }

    async fn rows_found(
        &self,
        table: Table,
        range: &KeyRange,
        max: usize,
    ) -> Result<Vec<Row>, DatabaseError> {
        let sql = "SELECT key, value FROM state WHERE tbl = $1 AND key >= $2 ORDER BY key LIMIT $3";
        let (table, first, max) = (table.name(), range.first().as_bytes(), limit(max));
        let parameters = [
            (&table as _, Type::TEXT),
            (&first as _, Type::BYTEA),
            (&max as _, Type::INT8),
        ];
        let mut rows = Vec::new();
        for found in self.query(sql, &parameters).await? {
            let key = text(found.try_get(0)?)?;
            if !range.reaches(key) {
                break;
            }
            rows.push(Row {
                key: key.into(),
                value: found.try_get::<_, &[u8]>(1)?.into(),
            });
        }
        Ok(rows)
    }

    /// The rows after `last`, as many as are read at once.
    async fn page(&self, last: &(String, Vec<u8>)) -> Result<Vec<StateRow>, DatabaseError> {
        let sql = "SELECT tbl, key, value FROM state WHERE (tbl, key) > ($1, $2)
            ORDER BY tbl, key LIMIT 1000";
        let parameters = [(&last.0 as _, Type::TEXT), (&last.1 as _, Type::BYTEA)];
        let found = self.query(sql, &parameters).await?;
        let rows = found.iter().map(|row| {
            Ok(StateRow {
                table: row.try_get::<_, &str>(0)?.into(),
                key: text(row.try_get(1)?)?.into(),
                value: row.try_get::<_, &[u8]>(2)?.into(),
            })
        });
        rows.collect()
    }
}

/// What a row holds, if it is there.
type Document = Option<Arc<[u8]>>;

impl RowReader for Stored<'_> {
    fn row(&mut self, table: Table, key: &str) -> Result<Document, StoreError> {
        self.wait(self.row_found(table, key))
    }

    fn rows(&mut self, table: Table, range: &KeyRange, max: usize) -> Result<Vec<Row>, StoreError> {
        self.wait(self.rows_found(table, range, max))
    }

    fn payload(&mut self, digest: &SaltedDigest) -> Result<Option<Payload>, StoreError> {
        self.io.wait(payload(self.session, digest))
    }
}

/// All rows, read page by page.
pub(crate) struct EveryRow<'s> {
    stored: Stored<'s>,
    last: (String, Vec<u8>),
    page: std::vec::IntoIter<StateRow>,
}

impl Iterator for EveryRow<'_> {
    type Item = Result<StateRow, StoreError>;

    fn next(&mut self) -> Option<Result<StateRow, StoreError>> {
        if let Some(row) = self.page.next() {
            return Some(Ok(row));
        }
        let page = match self.stored.wait(self.stored.page(&self.last)) {
            Ok(page) => page,
            Err(cause) => return Some(Err(cause)),
        };
        if let Some(last) = page.last() {
            self.last = (last.table.to_string(), last.key.as_bytes().to_vec());
        }
        self.page = page.into_iter();
        self.page.next().map(Ok)
    }
}

/// Indices stand in signed integers; none of ours ever reaches their end.
pub(crate) fn to_sql(index: u64) -> i64 {
    i64::try_from(index).unwrap_or(i64::MAX)
}

pub(crate) fn from_sql(index: i64) -> u64 {
    u64::try_from(index).unwrap_or(0)
}

fn limit(max: usize) -> i64 {
    i64::try_from(max).unwrap_or(i64::MAX)
}

fn text(key: &[u8]) -> Result<&str, DatabaseError> {
    str::from_utf8(key).map_err(|_not_text| DatabaseError::Answer)
}

/// The journal of a store, opened for reading alone: beside a running hub, or with none.
#[derive(Debug)]
pub struct PostgresJournal {
    readers: Readers,
    io: Io,
}

impl PostgresJournal {
    /// Opens the store for reading. It blocks, wherever it is called.
    ///
    /// # Errors
    /// [`OpenError`] when there is none, or it is of another program or a newer one.
    pub fn open(settings: &Settings) -> Result<Self, OpenError> {
        let io = Io::start().map_err(OpenError::Thread)?;
        let readers = Readers::new(settings.clone());
        io.wait(async {
            let session = readers.connect().await?;
            schema::check_whole(&session).await
        })?;
        Ok(Self { readers, io })
    }
}

impl JournalReader for PostgresJournal {
    fn size(&self) -> Result<u64, StoreError> {
        self.readers
            .with(&self.io, |stored| stored.wait(journal_size(stored.session)))
    }

    fn floor(&self) -> Result<u64, StoreError> {
        self.readers
            .with(&self.io, |stored| stored.wait(floor(stored.session)))
    }

    fn raw_entries(&self, from: u64, max: usize) -> Result<Vec<RawEntry>, StoreError> {
        self.readers.with(&self.io, |stored| {
            stored.wait(raw_entries(stored.session, from, max))
        })
    }
}

impl StoreReader for PostgresJournal {
    fn verify_state(
        &self,
        projection: &dyn Projection,
        source: Source,
    ) -> Result<StateDigest, StateError> {
        self.readers.with(&self.io, |stored| {
            let (digest, _size) =
                replaying::verify(stored, projection, source, &mut |_, _, _| Ok(()))?;
            Ok(digest)
        })
    }
}

impl Dump for PostgresJournal {
    fn dump(&self, from: u64, take: &mut Taker<'_>) -> Result<(), DumpError> {
        self.readers
            .with(&self.io, |stored| dumping::dump(stored, from, take))
    }
}
