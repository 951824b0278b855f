//! How connections are opened, for writing and for reading.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use ironroot_journal::Entry;
use ironroot_store::{Head, Projection, StoreError};
use ironroot_time::Clock;
use rusqlite::{Connection, OpenFlags, TransactionBehavior};

use crate::error::unreadable;
use crate::lock::{Lock, private_file};
use crate::pen::Pen;
use crate::reading::{journal_size, raw_entries};
use crate::{OpenError, Settings, schema};

/// How long a statement waits for a lock: readers hold none for long.
pub(crate) const BUSY_TIMEOUT: Duration = Duration::from_secs(1);

/// After how many pages of write-ahead log they are folded into the database file.
const CHECKPOINT_PAGES: i64 = 4_000;

/// To what size an idle write-ahead log is cut, in bytes.
const WAL_SIZE_KEPT: i64 = 64 << 20;

/// Opens the store for writing, under `lock`.
pub(crate) fn take_pen(
    settings: &Settings,
    lock: Lock,
    clock: Arc<dyn Clock>,
    projection: Arc<dyn Projection>,
) -> Result<Pen, OpenError> {
    let (connection, fence) = prepare(settings, schema::check_whole)?;
    let head = read_head(&connection).map_err(OpenError::Head)?;
    Ok(Pen {
        connection,
        fence,
        head,
        clock,
        projection,
        // A program that was killed may have left erased bytes behind.
        scrub_due: true,
        _lock: lock,
    })
}

/// Opens an empty store to be filled; the caller holds the lock.
pub(crate) fn take_empty(settings: &Settings) -> Result<Connection, OpenError> {
    let (connection, _fence) = prepare(settings, schema::begin_loading)?;
    // What is lost by a crash is loaded again; the last commit is made durable with all before it.
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    Ok(connection)
}

/// Opens or makes the file, and raises the fence in the transaction in which `admit` looks at it.
fn prepare(
    settings: &Settings,
    admit: impl FnOnce(&Connection) -> Result<(), OpenError>,
) -> Result<(Connection, i64), OpenError> {
    let path = &settings.path;
    let failed = |cause| OpenError::File {
        path: path.clone(),
        cause,
    };
    private_file(path).map_err(failed)?;
    let mut connection = connect(path, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    let mode: String =
        connection.pragma_update_and_check(None, "journal_mode", "WAL", |row| row.get(0))?;
    if mode != "wal" {
        return Err(OpenError::NoWriteAheadLog);
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "secure_delete", "ON")?;
    connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
    connection.pragma_update(None, "journal_size_limit", WAL_SIZE_KEPT)?;
    limit_size(&connection, settings.size_max)?;

    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    schema::prepare(&transaction)?;
    admit(&transaction)?;
    let fence = schema::raise_fence(&transaction)?;
    transaction.commit()?;
    // A crash must not lose the names of the new files either.
    let folder = path.parent().filter(|folder| *folder != Path::new(""));
    let folder = File::open(folder.unwrap_or(Path::new("."))).map_err(failed)?;
    folder.sync_all().map_err(failed)?;
    Ok((connection, fence))
}

/// Opens a connection that only reads.
pub(crate) fn connect_reader(path: &Path) -> rusqlite::Result<Connection> {
    let connection = connect(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
    connection.pragma_update(None, "query_only", true)?;
    Ok(connection)
}

fn connect(path: &Path, access: OpenFlags) -> rusqlite::Result<Connection> {
    let connection = Connection::open_with_flags(path, access | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
    connection.busy_timeout(BUSY_TIMEOUT)?;
    connection.pragma_update(None, "trusted_schema", false)?;
    connection.pragma_update(None, "cell_size_check", true)?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(connection)
}

fn limit_size(connection: &Connection, size_max: Option<u64>) -> rusqlite::Result<()> {
    let Some(size_max) = size_max else {
        return Ok(());
    };
    let page_size: i64 = connection.pragma_query_value(None, "page_size", |row| row.get(0))?;
    let size_max = i64::try_from(size_max).unwrap_or(i64::MAX);
    // SQLite answers with the number it took: at least the pages that are there already.
    let pages = (size_max / page_size.max(1)).clamp(1, i64::from(u32::MAX - 1));
    connection.pragma_update_and_check(None, "max_page_count", pages, |_taken| Ok(()))
}

/// Where the journal ends.
pub(crate) fn read_head(connection: &Connection) -> Result<Head, StoreError> {
    let size = journal_size(connection).map_err(unreadable)?;
    let Some(index) = size.checked_sub(1) else {
        return Ok(Head::default());
    };
    let last = raw_entries(connection, index, 1).map_err(unreadable)?;
    let last = last.first().ok_or(StoreError::MissingEntry { index })?;
    let last = Entry::parse(&last.bytes).map_err(|cause| StoreError::BadEntry { index, cause })?;
    Ok(Head {
        size,
        at: last.at(),
    })
}
