//! What a batch writes, in SQL, and how erased bytes are removed from the write-ahead log.

use std::time::Duration;

use ironroot_store::{Attachment, Batch, RowWrite, SecretWrite};
use rusqlite::{Connection, Transaction, params};

use crate::open::BUSY_TIMEOUT;
use crate::reading::to_sql;

/// Whether bytes were there before that must not be found afterwards.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Destroyed {
    Nothing,
    Something,
}

/// Writes the entries of `batch`, the rows that follow from them, payloads and secrets.
pub(crate) fn write(
    transaction: &Transaction<'_>,
    batch: &Batch,
    rows: impl Iterator<Item = RowWrite>,
) -> rusqlite::Result<Destroyed> {
    let mut append =
        transaction.prepare_cached("INSERT INTO entries (idx, bytes) VALUES (?1, ?2)")?;
    for committed in &batch.committed {
        append.execute(params![to_sql(committed.index), committed.entry.bytes()])?;
    }
    for row in rows {
        write_row(transaction, &row)?;
    }
    let mut destroyed = 0;
    for attachment in &batch.attachments {
        destroyed += write_attachment(transaction, attachment)?;
    }
    Ok(match destroyed {
        0 => Destroyed::Nothing,
        _ => Destroyed::Something,
    })
}

/// Writes or deletes one row.
pub(crate) fn write_row(connection: &Connection, row: &RowWrite) -> rusqlite::Result<()> {
    let (table, key) = (row.table.name(), &*row.key);
    match &row.value {
        Some(value) => connection
            .prepare_cached(
                "INSERT INTO state (tbl, key, value) VALUES (?1, ?2, ?3)
                 ON CONFLICT DO UPDATE SET value = excluded.value",
            )?
            .execute(params![table, key, value])?,
        None => connection
            .prepare_cached("DELETE FROM state WHERE tbl = ?1 AND key = ?2")?
            .execute(params![table, key])?,
    };
    Ok(())
}

/// Forgets the entries below `floor`, which is the new lowest index.
pub(crate) fn drop_entries(transaction: &Transaction<'_>, floor: u64) -> rusqlite::Result<()> {
    let floor = to_sql(floor);
    transaction
        .prepare_cached("DELETE FROM entries WHERE idx < ?1")?
        .execute([floor])?;
    transaction
        .prepare_cached(
            "INSERT INTO meta (name, value) VALUES ('floor', ?1)
             ON CONFLICT DO UPDATE SET value = excluded.value",
        )?
        .execute([floor])?;
    Ok(())
}

/// Returns how many payloads and secrets are gone; one that is replaced is gone too.
fn write_attachment(
    transaction: &Transaction<'_>,
    attachment: &Attachment,
) -> rusqlite::Result<usize> {
    let mut gone = 0;
    for payload in &attachment.payloads {
        let sql = "INSERT OR IGNORE INTO payloads (digest, salt, bytes) VALUES (?1, ?2, ?3)";
        let (digest, salt) = (payload.digest().as_bytes(), payload.salt());
        let mut keep = transaction.prepare_cached(sql)?;
        keep.execute(params![digest, salt, payload.bytes()])?;
    }
    for digest in &attachment.erased {
        let mut erase = transaction.prepare_cached("DELETE FROM payloads WHERE digest = ?1")?;
        gone += erase.execute([digest.as_bytes()])?;
    }
    for write in &attachment.secrets {
        let (SecretWrite::Keep { name, .. } | SecretWrite::Shred { name }) = write;
        let mut shred = transaction.prepare_cached("DELETE FROM secrets WHERE name = ?1")?;
        gone += shred.execute([name])?;
        if let SecretWrite::Keep { secret, .. } = write {
            let sql = "INSERT INTO secrets (name, bytes) VALUES (?1, ?2)";
            let mut keep = transaction.prepare_cached(sql)?;
            keep.execute(params![name, secret.expose()])?;
        }
    }
    Ok(gone)
}

/// Folds the write-ahead log into the file and cuts it to nothing; returns whether no reader was in
/// the way.
pub(crate) fn cut_write_ahead_log(connection: &Connection) -> rusqlite::Result<bool> {
    connection.busy_timeout(Duration::ZERO)?;
    let busy = connection.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| {
        row.get::<_, bool>(0)
    });
    connection.busy_timeout(BUSY_TIMEOUT)?;
    Ok(!busy?)
}
