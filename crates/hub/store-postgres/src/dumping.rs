//! The store of one moment, read out beside the writer.

use ironroot_secret::Secret;
use ironroot_store::{DumpError, Moment, Part, StoreError, Taker};
use tokio_postgres::types::Type;

use crate::DatabaseError;
use crate::error::unreadable;
use crate::reading::{Stored, raw_entries, read_head, stored_payload};
use crate::session::Session;

/// How many entries or secrets are read at a time.
const CHUNK: usize = 256;

/// How many payloads, which are larger.
const PAYLOADS: i64 = 16;

/// One moment of the database, for every question until the transaction ends.
const SNAPSHOT: &str = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";

/// Hands everything to `take` as it is when this is called.
pub(crate) fn dump(stored: Stored<'_>, from: u64, take: &mut Taker<'_>) -> Result<(), DumpError> {
    let session = stored.session;
    let mut take = |part| take(part).map_err(DumpError::Taker);
    stored.wait(session.run(SNAPSHOT))?;
    let head = stored.io.wait(read_head(session))?;
    let state = stored.state_digest()?;
    take(Part::Moment(Moment {
        from,
        head,
        state: Some(state),
    }))?;
    let mut after = None;
    while let Some((last, parts)) = stored.wait(secrets(session, after))? {
        parts.into_iter().try_for_each(&mut take)?;
        after = Some(last);
    }
    let mut after = None;
    while let Some((last, parts)) = stored.io.wait(payloads(session, after))? {
        parts.into_iter().try_for_each(&mut take)?;
        after = Some(last);
    }
    // Entries never change, so they are the same without the transaction; and without it VACUUM can
    // go on, however long the rest takes.
    stored.wait(session.run("COMMIT"))?;
    let mut next = from;
    while next < head.size {
        let entries = stored.wait(raw_entries(session, next, CHUNK))?;
        if entries.is_empty() {
            return Err(StoreError::MissingEntry { index: next }.into());
        }
        for entry in entries
            .into_iter()
            .take_while(|entry| entry.index < head.size)
        {
            if entry.index != next {
                return Err(StoreError::MissingEntry { index: next }.into());
            }
            take(Part::Entry(entry))?;
            next += 1;
        }
    }
    Ok(())
}

/// A piece of a table: the last name in it, and what was there.
type Piece = Option<(Vec<u8>, Vec<Part>)>;

async fn secrets(session: &Session, after: Option<Vec<u8>>) -> Result<Piece, DatabaseError> {
    let sql = "SELECT name, bytes FROM secrets WHERE $1::bytea IS NULL OR name > $1
        ORDER BY name LIMIT 256";
    let found = session.query(sql, &[(&after, Type::BYTEA)]).await?;
    let parts = found.into_iter().map(|row| {
        let name: Vec<u8> = row.try_get(0)?;
        let secret = Secret::new(row.try_get(1)?);
        let text = String::from_utf8(name.clone()).map_err(|_not_text| DatabaseError::Answer)?;
        Ok((name, Part::Secret { name: text, secret }))
    });
    let parts: Result<Vec<_>, DatabaseError> = parts.collect();
    Ok(piece(parts?))
}

async fn payloads(session: &Session, after: Option<Vec<u8>>) -> Result<Piece, StoreError> {
    let sql = "SELECT digest, salt, bytes FROM payloads WHERE $1::bytea IS NULL OR digest > $1
        ORDER BY digest LIMIT $2";
    let parameters = [(&after as _, Type::BYTEA), (&PAYLOADS as _, Type::INT8)];
    let found = session.query(sql, &parameters).await.map_err(unreadable)?;
    let parts = found.iter().map(|row| {
        let digest: Result<Vec<u8>, _> = row.try_get(0);
        let digest = digest.map_err(|cause| unreadable(cause.into()))?;
        let payload = stored_payload(row, 1)?;
        if payload.digest().as_bytes()[..] != digest {
            return Err(StoreError::BadPayload);
        }
        Ok((digest, Part::Payload(payload)))
    });
    Ok(piece(parts.collect::<Result<_, _>>()?))
}

fn piece(parts: Vec<(Vec<u8>, Part)>) -> Piece {
    let last = parts.last()?.0.clone();
    Some((last, parts.into_iter().map(|(_, part)| part).collect()))
}
