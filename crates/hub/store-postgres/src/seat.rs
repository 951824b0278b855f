//! Who holds the pen: taken at the start, taken back after a lost connection, given up at the end.
//!
//! Decision 0005. The holder's session holds an advisory lock, which PostgreSQL drops with the
//! session; the row in `pen` names the holder and its epoch, which each write checks; a lease by the
//! database's clock ends the place of a holder that lives and says nothing.

use std::time::Duration;

use tokio_postgres::types::Type;

use crate::session::Session;
use crate::{DatabaseError, OpenError};

/// A place at the pen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seat {
    /// Which holder this is: the epoch at which it first took the pen.
    pub(crate) holder: i64,
    /// Rises whenever the pen is taken; whoever has an older one writes no more.
    pub(crate) epoch: i64,
    /// The number of the last batch that was kept.
    pub(crate) batch: i64,
}

/// Takes the pen, unless another program has it.
pub(crate) async fn take(session: &Session, lease: Duration) -> Result<Seat, OpenError> {
    if !try_lock(session).await? {
        let sql = "SELECT held_by, lease_until < clock_timestamp() FROM pen";
        let found = session.query_opt(sql, &[]).await?;
        let found = found.ok_or(DatabaseError::Answer)?;
        let held_by: String = found.try_get(0)?;
        if !found.try_get::<_, bool>(1)? {
            return Err(OpenError::InUse(held_by));
        }
        tracing::warn!(
            held_by,
            "A hub that no longer says anything loses its place."
        );
        if !oust(session).await? {
            return Err(OpenError::InUse(held_by));
        }
    }
    let sql = "UPDATE pen SET epoch = epoch + 1, holder = epoch + 1,
            held_by = format('process %s at %s, backend %s', $1::int8,
                coalesce(host(inet_client_addr()), 'the same machine'), pg_backend_pid()),
            lease_until = clock_timestamp() + $2::float8 * interval '1 second'
        RETURNING epoch, batch";
    let process = i64::from(std::process::id());
    let parameters = [
        (&process as _, Type::INT8),
        (&lease.as_secs_f64() as _, Type::FLOAT8),
    ];
    let taken = session.query_opt(sql, &parameters).await?;
    let taken = taken.ok_or(DatabaseError::Answer)?;
    let epoch = taken.try_get(0)?;
    Ok(Seat {
        holder: epoch,
        epoch,
        batch: taken.try_get(1)?,
    })
}

/// Takes the pen again under a new connection; `None` when somebody else has it now.
///
/// The epoch rises, so that whatever is still under way on the old connection comes to nothing; the
/// batch that is returned says whether it came to something before.
pub(crate) async fn retake(
    session: &Session,
    seat: Seat,
    lease: Duration,
) -> Result<Option<Seat>, DatabaseError> {
    let free = try_lock(session).await?;
    if !is_holder(session, seat).await? {
        return Ok(None);
    }
    if !free && !oust(session).await? {
        return Err(DatabaseError::NoAnswer);
    }
    let sql = "UPDATE pen SET epoch = epoch + 1,
            lease_until = clock_timestamp() + $2::float8 * interval '1 second'
        WHERE holder = $1 RETURNING epoch, batch";
    let parameters = [
        (&seat.holder as _, Type::INT8),
        (&lease.as_secs_f64() as _, Type::FLOAT8),
    ];
    let taken = session.query_opt(sql, &parameters).await?;
    let seat = taken.map(|taken| {
        Ok::<_, tokio_postgres::Error>(Seat {
            holder: seat.holder,
            epoch: taken.try_get(0)?,
            batch: taken.try_get(1)?,
        })
    });
    Ok(seat.transpose()?)
}

/// Says that the holder lives; `false` when it is no longer the holder.
pub(crate) async fn renew(
    session: &Session,
    seat: Seat,
    lease: Duration,
) -> Result<bool, DatabaseError> {
    let sql = "UPDATE pen SET lease_until = clock_timestamp() + $2::float8 * interval '1 second'
        WHERE epoch = $1 RETURNING epoch";
    let parameters = [
        (&seat.epoch as _, Type::INT8),
        (&lease.as_secs_f64() as _, Type::FLOAT8),
    ];
    Ok(session.query_opt(sql, &parameters).await?.is_some())
}

/// Gives the pen up, so that the next program need not wait until this session is gone.
pub(crate) async fn release(session: &Session, seat: Seat) -> Result<(), DatabaseError> {
    let sql = "UPDATE pen SET held_by = 'nobody', lease_until = '-infinity'
        WHERE epoch = $1 RETURNING epoch";
    session.query_opt(sql, &[(&seat.epoch, Type::INT8)]).await?;
    session.run("SELECT pg_advisory_unlock_all()").await
}

async fn is_holder(session: &Session, seat: Seat) -> Result<bool, DatabaseError> {
    let sql = "SELECT holder FROM pen WHERE holder = $1";
    let found = session
        .query_opt(sql, &[(&seat.holder, Type::INT8)])
        .await?;
    Ok(found.is_some())
}

/// Takes the lock that says that its holder's session lives, if it is free.
async fn try_lock(session: &Session) -> Result<bool, DatabaseError> {
    let sql = format!("SELECT pg_try_advisory_lock({LOCK})");
    let found = session.query_opt(&sql, &[]).await?;
    Ok(found.ok_or(DatabaseError::Answer)?.try_get(0)?)
}

/// Ends the session that holds the lock, and takes the lock; `false` when that does not work.
async fn oust(session: &Session) -> Result<bool, DatabaseError> {
    let sql = "SELECT pg_terminate_backend(pid, 1000) FROM pg_locks
        WHERE locktype = 'advisory' AND granted AND pid <> pg_backend_pid()
            AND database = (SELECT oid FROM pg_database WHERE datname = current_database())
            AND classid = 1232236114 AND objid = 'pen'::regclass::oid";
    session.run(sql).await?;
    try_lock(session).await
}

/// The lock of this store in this database: `IrnR`, and the table that it is about.
const LOCK: &str = "1232236114, 'pen'::regclass::oid::int4";
