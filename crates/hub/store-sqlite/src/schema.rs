//! The tables of a store, and which version of them a file has.

use rusqlite::{Connection, OptionalExtension, Transaction};

use crate::OpenError;

/// The newest schema that this program knows.
///
/// A new version is a step in [`prepare`] from the version before; old steps stay.
pub(crate) const SCHEMA: i64 = 1;

/// The file's mark in its header, `IrnR`.
const APPLICATION_ID: i64 = 0x4972_6e52;

const TABLES: &str = "
    CREATE TABLE meta (
        name TEXT PRIMARY KEY,
        value INTEGER NOT NULL
    ) STRICT, WITHOUT ROWID;
    CREATE TABLE entries (
        idx INTEGER PRIMARY KEY,
        bytes BLOB NOT NULL
    ) STRICT;
    CREATE TABLE payloads (
        digest BLOB PRIMARY KEY,
        salt BLOB NOT NULL,
        bytes BLOB NOT NULL
    ) STRICT;
    CREATE TABLE secrets (
        name TEXT PRIMARY KEY,
        bytes BLOB NOT NULL
    ) STRICT;
    INSERT INTO meta (name, value) VALUES ('schema', 1), ('fence', 0);
";

/// The rows; a replay makes the same table in a scratch database.
pub(crate) const STATE: &str = "
    CREATE TABLE state (
        tbl TEXT NOT NULL,
        key TEXT NOT NULL,
        value BLOB NOT NULL,
        PRIMARY KEY (tbl, key)
    ) STRICT, WITHOUT ROWID;
";

/// Makes the tables of an empty file, and refuses a file that is not ours or too new.
pub(crate) fn prepare(transaction: &Transaction<'_>) -> Result<(), OpenError> {
    let tables: i64 =
        transaction.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
    if tables == 0 {
        transaction.execute_batch(TABLES)?;
        transaction.execute_batch(STATE)?;
        transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
        return Ok(());
    }
    check(transaction)
}

/// Refuses a file that is not ours, too new, or not filled to its end.
pub(crate) fn check_whole(connection: &Connection) -> Result<(), OpenError> {
    check(connection)?;
    if is_loading(connection)? {
        return Err(OpenError::Unfinished);
    }
    Ok(())
}

/// Marks an empty store as one that is being filled; what an earlier attempt left is removed.
pub(crate) fn begin_loading(connection: &Connection) -> Result<(), OpenError> {
    if is_loading(connection)? {
        let tables = "DELETE FROM entries; DELETE FROM payloads; DELETE FROM secrets";
        return Ok(connection.execute_batch(tables)?);
    }
    let anything = "SELECT EXISTS (SELECT 1 FROM entries) OR EXISTS (SELECT 1 FROM state)
        OR EXISTS (SELECT 1 FROM payloads) OR EXISTS (SELECT 1 FROM secrets)";
    if connection.query_row(anything, [], |row| row.get(0))? {
        return Err(OpenError::NotEmpty);
    }
    connection.execute("INSERT INTO meta (name, value) VALUES ('loading', 1)", [])?;
    Ok(())
}

/// Says that the store is whole.
pub(crate) fn end_loading(connection: &Connection) -> rusqlite::Result<()> {
    let sql = "DELETE FROM meta WHERE name = 'loading'";
    connection.execute(sql, []).map(drop)
}

fn is_loading(connection: &Connection) -> rusqlite::Result<bool> {
    let sql = "SELECT EXISTS (SELECT 1 FROM meta WHERE name = 'loading')";
    connection.query_row(sql, [], |row| row.get(0))
}

/// Refuses a file that is not ours or too new.
fn check(connection: &Connection) -> Result<(), OpenError> {
    let id: i64 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    if id != APPLICATION_ID {
        return Err(OpenError::NotAStore);
    }
    let found: Option<i64> = connection
        .query_row("SELECT value FROM meta WHERE name = 'schema'", [], |row| {
            row.get(0)
        })
        .optional()?;
    match found {
        Some(SCHEMA) => Ok(()),
        Some(found) if found > SCHEMA => Err(OpenError::NewerSchema {
            found,
            known: SCHEMA,
        }),
        Some(_) | None => Err(OpenError::NotAStore),
    }
}

/// Takes the pen: raises the fence counter, so that whoever had it before can write no more.
pub(crate) fn raise_fence(transaction: &Transaction<'_>) -> Result<i64, OpenError> {
    let sql = "UPDATE meta SET value = value + 1 WHERE name = 'fence' RETURNING value";
    Ok(transaction.query_row(sql, [], |row| row.get(0))?)
}
