//! How the file is opened, and its tables.

use std::fs::OpenOptions;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::OpenError;

/// The newest schema; a change gets a number of its own, and a step from the one before.
const SCHEMA: i64 = 2;

const TABLES: &str = "
CREATE TABLE sessions (
    session INTEGER PRIMARY KEY,
    principal TEXT NOT NULL,
    client_id TEXT NOT NULL,
    expiry_s INTEGER NOT NULL,
    expires_ms INTEGER
) STRICT;
CREATE TABLE subscriptions (
    session INTEGER NOT NULL,
    filter TEXT NOT NULL,
    how INTEGER NOT NULL,
    PRIMARY KEY (session, filter)
) STRICT, WITHOUT ROWID;
CREATE TABLE deliveries (
    session INTEGER NOT NULL,
    delivery INTEGER NOT NULL,
    place INTEGER,
    released INTEGER NOT NULL DEFAULT 0,
    content BLOB NOT NULL,
    PRIMARY KEY (session, delivery)
) STRICT, WITHOUT ROWID;
CREATE TABLE retained (
    topic TEXT PRIMARY KEY,
    content BLOB NOT NULL
) STRICT, WITHOUT ROWID;
CREATE TABLE received (
    session INTEGER NOT NULL,
    packet_id INTEGER NOT NULL,
    PRIMARY KEY (session, packet_id)
) STRICT, WITHOUT ROWID;
";

/// What schema 2 has beside schema 1.
const TABLES_2: &str = "
CREATE TABLE wills (
    session INTEGER PRIMARY KEY,
    delay_s INTEGER NOT NULL,
    at_ms INTEGER,
    content BLOB NOT NULL
) STRICT;
CREATE TABLE figures (
    principal TEXT PRIMARY KEY,
    figures TEXT NOT NULL
) STRICT, WITHOUT ROWID;
";

/// How long a statement waits for a lock: nobody else writes.
const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// After how many pages of write-ahead log they are folded into the file.
const CHECKPOINT_PAGES: i64 = 4_000;

/// Opens the file, or makes it; it is for its owner alone, since messages lie in it.
pub(crate) fn open(path: &Path) -> Result<Connection, OpenError> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    options.mode(0o600).open(path).map_err(OpenError::File)?;
    let access = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, access)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.set_prepared_statement_cache_capacity(32);
    prepare(&mut connection)?;
    Ok(connection)
}

fn prepare(connection: &mut Connection) -> Result<(), OpenError> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = transaction.pragma_query_value(None, "user_version", |row| row.get(0))?;
    match found {
        0 => {
            transaction.execute_batch(TABLES)?;
            transaction.execute_batch(TABLES_2)?;
        }
        1 => transaction.execute_batch(TABLES_2)?,
        SCHEMA => {}
        found => {
            return Err(OpenError::NewerSchema {
                found,
                known: SCHEMA,
            });
        }
    }
    transaction.pragma_update(None, "user_version", SCHEMA)?;
    Ok(transaction.commit()?)
}
