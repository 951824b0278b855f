//! The tables of a store, and which version of them a database has.

use crate::session::Session;
use crate::{DatabaseError, OpenError};

/// The newest schema that this program knows.
///
/// A new version is a step in [`prepare`] from the version before; old steps stay.
pub(crate) const SCHEMA: i64 = 1;

/// Keys and names are bytes: their order is the same under every collation, and any text is one.
const TABLES: &str = "
    CREATE TABLE meta (
        name text COLLATE \"C\" PRIMARY KEY,
        value bigint NOT NULL
    );
    -- One row: who may write. Written with every batch, in place if there is room beside it.
    CREATE TABLE pen (
        one boolean PRIMARY KEY DEFAULT true CHECK (one),
        epoch bigint NOT NULL,
        batch bigint NOT NULL,
        holder bigint NOT NULL,
        held_by text NOT NULL,
        lease_until timestamptz NOT NULL
    ) WITH (fillfactor = 10);
    CREATE TABLE entries (
        idx bigint PRIMARY KEY,
        bytes bytea NOT NULL
    );
    CREATE TABLE state (
        tbl text COLLATE \"C\" NOT NULL,
        key bytea NOT NULL,
        value bytea NOT NULL,
        PRIMARY KEY (tbl, key)
    ) WITH (fillfactor = 80);
    CREATE TABLE payloads (
        digest bytea PRIMARY KEY,
        salt bytea NOT NULL,
        bytes bytea NOT NULL
    );
    CREATE TABLE secrets (
        name bytea PRIMARY KEY,
        bytes bytea NOT NULL
    );
    INSERT INTO meta (name, value) VALUES ('application', 1232236114), ('schema', 1);
    INSERT INTO pen (epoch, batch, holder, held_by, lease_until)
        VALUES (0, 0, 0, 'nobody', '-infinity');
";

/// The mark of our own tables, `IrnR`: the same as in SQLite's header.
pub(crate) const APPLICATION_ID: i64 = 0x4972_6e52;

/// Makes the tables of an empty database, and refuses one that is not ours or too new.
pub(crate) async fn prepare(session: &Session) -> Result<(), OpenError> {
    // One at a time: two programs that start on an empty database must not both make the tables.
    session
        .run("BEGIN; SELECT pg_advisory_xact_lock(1232236114, 0)")
        .await?;
    if tables(session).await? == 0 {
        session.run(TABLES).await?;
    }
    session.run("COMMIT").await?;
    check(session).await
}

/// Refuses a database that holds no whole store that this program can read.
pub(crate) async fn check_whole(session: &Session) -> Result<(), OpenError> {
    if tables(session).await? == 0 {
        return Err(OpenError::Absent);
    }
    check(session).await?;
    match meta(session, "loading").await? {
        Some(_) => Err(OpenError::Unfinished),
        None => Ok(()),
    }
}

/// Marks an empty store as one that is being filled; what an earlier attempt left is removed.
pub(crate) async fn begin_loading(session: &Session) -> Result<(), OpenError> {
    if meta(session, "loading").await?.is_some() {
        session
            .run("TRUNCATE entries, state, payloads, secrets")
            .await?;
        return Ok(());
    }
    let anything = "SELECT EXISTS (SELECT FROM entries) OR EXISTS (SELECT FROM state)
        OR EXISTS (SELECT FROM payloads) OR EXISTS (SELECT FROM secrets)";
    let found = session.query_opt(anything, &[]).await?;
    let found = found.ok_or(DatabaseError::Answer)?;
    if found.try_get(0).map_err(DatabaseError::from)? {
        return Err(OpenError::NotEmpty);
    }
    session
        .run("INSERT INTO meta (name, value) VALUES ('loading', 1)")
        .await?;
    Ok(())
}

/// Says that the store is whole.
pub(crate) const END_LOADING: &str = "DELETE FROM meta WHERE name = 'loading'";

/// How many tables there are where ours would be.
async fn tables(session: &Session) -> Result<i64, OpenError> {
    let sql = "SELECT count(*) FROM pg_catalog.pg_class
        WHERE relnamespace = current_schema()::regnamespace AND relkind IN ('r', 'p', 'v', 'm')";
    let found = session.query_opt(sql, &[]).await?;
    Ok(found.ok_or(DatabaseError::Answer)?.try_get(0)?)
}

/// Refuses a database that is not ours or too new.
async fn check(session: &Session) -> Result<(), OpenError> {
    let sql = "SELECT to_regclass('meta') IS NOT NULL AND to_regclass('pen') IS NOT NULL";
    let ours = session.query_opt(sql, &[]).await?;
    if !ours.ok_or(DatabaseError::Answer)?.try_get::<_, bool>(0)?
        || meta(session, "application").await? != Some(APPLICATION_ID)
    {
        return Err(OpenError::NotAStore);
    }
    match meta(session, "schema").await? {
        Some(SCHEMA) => Ok(()),
        Some(found) if found > SCHEMA => Err(OpenError::NewerSchema {
            found,
            known: SCHEMA,
        }),
        Some(_) | None => Err(OpenError::NotAStore),
    }
}

async fn meta(session: &Session, name: &str) -> Result<Option<i64>, OpenError> {
    let sql = "SELECT value FROM meta WHERE name = $1";
    let found = session
        .query_opt(sql, &[(&name, tokio_postgres::types::Type::TEXT)])
        .await?;
    Ok(found.map(|row| row.try_get(0)).transpose()?)
}
