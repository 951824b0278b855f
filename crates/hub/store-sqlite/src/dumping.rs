//! The store of one moment, read out beside the writer.

use ironroot_journal::SaltedDigest;
use ironroot_secret::Secret;
use ironroot_store::{DumpError, Moment, Part, Payload, RawEntry, StoreError, Taker};
use rusqlite::{Connection, Transaction};

use crate::error::unreadable;
use crate::open::read_head;
use crate::reading::{raw_entries, state_digest};

/// How many entries are read at a time.
const CHUNK: usize = 256;

/// Hands everything to `take` as it is when this is called.
pub(crate) fn dump(
    connection: &mut Connection,
    from: u64,
    take: &mut Taker<'_>,
) -> Result<(), DumpError> {
    let snapshot = connection.transaction().map_err(unreadable)?;
    let head = read_head(&snapshot)?;
    let state = state_digest(&snapshot).map_err(unreadable)?;
    take_in(
        take,
        Part::Moment(Moment {
            from,
            head,
            state: Some(state),
        }),
    )?;
    dump_secrets(&snapshot, take)?;
    dump_payloads(&snapshot, take)?;
    // Entries never change, so they are the same without the transaction; and without it the
    // writer can cut its write-ahead log again, however long the rest takes.
    drop(snapshot);
    let mut next = from;
    while next < head.size {
        let entries = raw_entries(connection, next, CHUNK).map_err(unreadable)?;
        if entries.is_empty() {
            return Err(StoreError::MissingEntry { index: next }.into());
        }
        for entry in entries
            .into_iter()
            .take_while(|entry| entry.index < head.size)
        {
            next = dump_entry(entry, next, take)?;
        }
    }
    Ok(())
}

fn dump_entry(entry: RawEntry, index: u64, take: &mut Taker<'_>) -> Result<u64, DumpError> {
    if entry.index != index {
        return Err(StoreError::MissingEntry { index }.into());
    }
    take_in(take, Part::Entry(entry))?;
    Ok(index + 1)
}

fn dump_secrets(snapshot: &Transaction<'_>, take: &mut Taker<'_>) -> Result<(), DumpError> {
    let sql = "SELECT name, bytes FROM secrets ORDER BY name";
    let mut query = snapshot.prepare(sql).map_err(unreadable)?;
    let mut found = query.query([]).map_err(unreadable)?;
    while let Some(row) = found.next().map_err(unreadable)? {
        let name = row.get(0).map_err(unreadable)?;
        let secret = Secret::new(row.get(1).map_err(unreadable)?);
        take_in(take, Part::Secret { name, secret })?;
    }
    Ok(())
}

fn dump_payloads(snapshot: &Transaction<'_>, take: &mut Taker<'_>) -> Result<(), DumpError> {
    let sql = "SELECT digest, salt, bytes FROM payloads ORDER BY digest";
    let mut query = snapshot.prepare(sql).map_err(unreadable)?;
    let mut found = query.query([]).map_err(unreadable)?;
    while let Some(row) = found.next().map_err(unreadable)? {
        let name: [u8; 32] = row.get(0).map_err(unreadable)?;
        let salt = row.get(1).map_err(unreadable)?;
        let payload = Payload::new(salt, row.get(2).map_err(unreadable)?);
        if *payload.digest() != SaltedDigest::from(name) {
            return Err(StoreError::BadPayload.into());
        }
        take_in(take, Part::Payload(payload))?;
    }
    Ok(())
}

fn take_in(take: &mut Taker<'_>, part: Part) -> Result<(), DumpError> {
    take(part).map_err(DumpError::Taker)
}
