//! What a batch writes: one statement, so one round trip, one transaction, and one check of the epoch.

use std::collections::BTreeMap;
use std::time::Duration;

use ironroot_journal::SaltedDigest;
use ironroot_store::{Attachment, Batch, Payload, RowWrite, SecretWrite, StateRow};
use tokio_postgres::Statement;
use tokio_postgres::types::{ToSql, Type};

use crate::DatabaseError;
use crate::reading::to_sql;
use crate::seat::Seat;
use crate::session::Session;

/// Everything joins `held`: a writer whose epoch is over, or whose batch is there already, writes nothing.
const WRITE: &str = "
    WITH held AS (
        UPDATE pen SET batch = batch + 1,
            lease_until = clock_timestamp() + $3 * interval '1 second'
        WHERE epoch = $1 AND batch = $2 RETURNING true
    ), appended AS (
        INSERT INTO entries (idx, bytes)
        SELECT $4 + place - 1, bytes FROM held, unnest($5) WITH ORDINALITY AS new (bytes, place)
    ), put AS (
        INSERT INTO state (tbl, key, value)
        SELECT tbl, key, value FROM held, unnest($6, $7, $8) AS new (tbl, key, value)
        ON CONFLICT (tbl, key) DO UPDATE SET value = excluded.value
    ), deleted AS (
        DELETE FROM state USING held, unnest($9, $10) AS gone (tbl, key)
        WHERE state.tbl = gone.tbl AND state.key = gone.key
    ), kept AS (
        INSERT INTO payloads (digest, salt, bytes)
        SELECT digest, salt, bytes FROM held, unnest($11, $12, $13) AS new (digest, salt, bytes)
        ON CONFLICT DO NOTHING
    ), erased AS (
        DELETE FROM payloads USING held, unnest($14) AS gone (digest)
        WHERE payloads.digest = gone.digest
    ), stored AS (
        INSERT INTO secrets (name, bytes)
        SELECT name, bytes FROM held, unnest($15, $16) AS new (name, bytes)
        ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes
    ), shredded AS (
        DELETE FROM secrets USING held, unnest($17) AS gone (name)
        WHERE secrets.name = gone.name
    )
    SELECT count(*) FROM held";

/// How many parameters that has.
const WRITE_PARAMETERS: usize = 17;

/// Rows are found by their keys, however the tables looked when this was planned.
const PLANNING: &str = "
    SET plan_cache_mode = force_generic_plan;
    SET enable_seqscan = off;
    SET enable_hashjoin = off;
    SET enable_mergejoin = off;
";

/// Makes `session` ready to write.
pub(crate) async fn prepare(session: &Session) -> Result<Statement, DatabaseError> {
    session.run(PLANNING).await?;
    let (texts, bytes) = (Type::TEXT_ARRAY, Type::BYTEA_ARRAY);
    let mut types = vec![Type::INT8, Type::INT8, Type::FLOAT8, Type::INT8];
    types.extend([bytes.clone()]);
    types.extend([texts.clone(), bytes.clone(), bytes.clone()]);
    types.extend([texts, bytes.clone()]);
    types.resize(WRITE_PARAMETERS, bytes);
    session.prepare(WRITE, &types).await
}

/// Whether a batch was written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Written {
    Kept,
    /// The epoch is over.
    Fenced,
}

/// Writes the entries of `batch`, the `rows` that follow from them, payloads and secrets.
pub(crate) async fn write(
    session: &Session,
    statement: &Statement,
    (seat, lease): (Seat, Duration),
    batch: &Batch,
    rows: &[RowWrite],
) -> Result<Written, DatabaseError> {
    let count = i64::try_from(batch.committed.len()).unwrap_or(i64::MAX);
    let first = to_sql(batch.head.size) - count;
    let lease_s = lease.as_secs_f64();
    let entries: Vec<&[u8]> = batch
        .committed
        .iter()
        .map(|one| one.entry.bytes())
        .collect();
    let (put, gone) = (Put::of(rows), Gone::of(rows));
    let last = Last::of(&batch.attachments);
    let payloads = last.payloads.values().filter_map(|payload| *payload);
    let payloads: [Vec<&[u8]>; 3] = [
        payloads
            .clone()
            .map(|kept| &kept.digest().as_bytes()[..])
            .collect(),
        payloads.clone().map(|kept| &kept.salt()[..]).collect(),
        payloads.map(Payload::bytes).collect(),
    ];
    let erased = absent(
        last.payloads
            .iter()
            .map(|(digest, now)| (&digest.as_bytes()[..], now)),
    );
    let secrets = last.secrets.iter();
    let secrets: (Vec<&[u8]>, Vec<&[u8]>) = secrets
        .filter_map(|(name, now)| now.map(|bytes| (name.as_bytes(), bytes)))
        .unzip();
    let shredded = absent(
        last.secrets
            .iter()
            .map(|(name, now)| (name.as_bytes(), now)),
    );
    let parameters: [&(dyn ToSql + Sync); WRITE_PARAMETERS] = [
        &seat.epoch,
        &seat.batch,
        &lease_s,
        &first,
        &entries,
        &put.tables,
        &put.keys,
        &put.values,
        &gone.tables,
        &gone.keys,
        &payloads[0],
        &payloads[1],
        &payloads[2],
        &erased,
        &secrets.0,
        &secrets.1,
        &shredded,
    ];
    let held: i64 = session.execute(statement, &parameters).await?.try_get(0)?;
    Ok(if held == 1 {
        Written::Kept
    } else {
        Written::Fenced
    })
}

/// Writes and deletes `rows` of `table` alone, within a transaction of the caller's.
pub(crate) async fn write_rows(
    session: &Session,
    table: &str,
    rows: &[RowWrite],
) -> Result<(), DatabaseError> {
    put_rows(session, table, &Put::of(rows)).await?;
    let gone = Gone::of(rows);
    let sql = format!(
        "DELETE FROM {table} AS state USING unnest($1, $2) AS gone (tbl, key)
        WHERE state.tbl = gone.tbl AND state.key = gone.key"
    );
    let parameters = [
        (&gone.tables as _, Type::TEXT_ARRAY),
        (&gone.keys as _, Type::BYTEA_ARRAY),
    ];
    session.query(&sql, &parameters).await.map(drop)
}

/// Writes the rows of a snapshot to `table`, within a transaction of the caller's.
pub(crate) async fn load_rows(
    session: &Session,
    table: &str,
    rows: &[StateRow],
) -> Result<(), DatabaseError> {
    let put = Put {
        tables: rows.iter().map(|row| &*row.table).collect(),
        keys: rows.iter().map(|row| row.key.as_bytes()).collect(),
        values: rows.iter().map(|row| &*row.value).collect(),
    };
    put_rows(session, table, &put).await
}

async fn put_rows(session: &Session, table: &str, put: &Put<'_>) -> Result<(), DatabaseError> {
    let sql = format!(
        "INSERT INTO {table} (tbl, key, value) SELECT * FROM unnest($1, $2, $3)
        ON CONFLICT (tbl, key) DO UPDATE SET value = excluded.value"
    );
    let parameters = [
        (&put.tables as _, Type::TEXT_ARRAY),
        (&put.keys as _, Type::BYTEA_ARRAY),
        (&put.values as _, Type::BYTEA_ARRAY),
    ];
    session.query(&sql, &parameters).await.map(drop)
}

/// Forgets the entries below `floor`, which is the new lowest index.
pub(crate) async fn drop_entries(
    session: &Session,
    seat: Seat,
    floor: u64,
) -> Result<Written, DatabaseError> {
    let sql = "WITH held AS (
            SELECT true FROM pen WHERE epoch = $1 FOR UPDATE
        ), gone AS (
            DELETE FROM entries USING held WHERE idx < $2
        )
        INSERT INTO meta (name, value) SELECT 'floor', $2 FROM held
        ON CONFLICT (name) DO UPDATE SET value = excluded.value RETURNING value";
    let floor = to_sql(floor);
    let parameters = [(&seat.epoch as _, Type::INT8), (&floor as _, Type::INT8)];
    Ok(match session.query_opt(sql, &parameters).await? {
        Some(_) => Written::Kept,
        None => Written::Fenced,
    })
}

/// Rows that are there, column by column.
#[derive(Default)]
struct Put<'b> {
    tables: Vec<&'b str>,
    keys: Vec<&'b [u8]>,
    values: Vec<&'b [u8]>,
}

impl<'b> Put<'b> {
    fn of(rows: &'b [RowWrite]) -> Self {
        let mut columns = Self::default();
        for row in rows {
            if let Some(value) = &row.value {
                columns.tables.push(row.table.name());
                columns.keys.push(row.key.as_bytes());
                columns.values.push(value);
            }
        }
        columns
    }
}

/// Rows that are gone, column by column.
#[derive(Default)]
struct Gone<'b> {
    tables: Vec<&'b str>,
    keys: Vec<&'b [u8]>,
}

impl<'b> Gone<'b> {
    fn of(rows: &'b [RowWrite]) -> Self {
        let mut columns = Self::default();
        for row in rows.iter().filter(|row| row.value.is_none()) {
            columns.tables.push(row.table.name());
            columns.keys.push(row.key.as_bytes());
        }
        columns
    }
}

/// What a batch leaves of each payload and secret that it touches: one statement says it once.
#[derive(Default)]
struct Last<'b> {
    payloads: BTreeMap<SaltedDigest, Option<&'b Payload>>,
    secrets: BTreeMap<&'b str, Option<&'b [u8]>>,
}

impl<'b> Last<'b> {
    fn of(attachments: &'b [Attachment]) -> Self {
        let mut last = Self::default();
        for attachment in attachments {
            for payload in &attachment.payloads {
                last.payloads.insert(*payload.digest(), Some(payload));
            }
            for digest in &attachment.erased {
                last.payloads.insert(*digest, None);
            }
            for write in &attachment.secrets {
                match write {
                    SecretWrite::Keep { name, secret } => {
                        last.secrets.insert(name, Some(secret.expose()))
                    }
                    SecretWrite::Shred { name } => last.secrets.insert(name, None),
                };
            }
        }
        last
    }
}

/// The names whose value is none.
fn absent<'n, T: 'n>(values: impl Iterator<Item = (&'n [u8], &'n Option<T>)>) -> Vec<&'n [u8]> {
    values
        .filter(|(_, now)| now.is_none())
        .map(|(name, _)| name)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironroot_journal::SALT_SIZE;
    use ironroot_secret::Secret;
    use ironroot_store::Change;

    #[test]
    fn of_what_a_batch_does_to_one_name_the_last_counts() {
        let payload = Payload::new([0; SALT_SIZE], b"p".to_vec());
        let digest = *payload.digest();
        let changes = [
            Change::default()
                .with_payload(payload.clone())
                .keeping("k", Secret::new(vec![1])),
            Change::default().erasing(digest).shredding("k"),
            Change::default().with_payload(payload),
        ];
        let attachments = changes.map(|change| Attachment {
            payloads: change.payloads,
            erased: change.erased,
            secrets: change.secrets,
        });
        let last = Last::of(&attachments);
        assert!(last.payloads[&digest].is_some());
        assert_eq!(last.secrets["k"], None);
    }
}
