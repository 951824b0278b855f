//! What an earlier life of the hub has left.

use std::collections::BTreeMap;

use ironroot_broker::shelf::{Figures, Found, Kept, KeptDelivery, KeptWill, PackedOptions};
use ironroot_identity::Principal;
use ironroot_time::UnixTime;
use rusqlite::Connection;

/// Everything in the file.
pub(crate) fn read(from: &Connection) -> rusqlite::Result<Found> {
    let mut query = from.prepare("SELECT content FROM retained")?;
    let retained = query.query_map([], |row| row.get(0))?;
    Ok(Found {
        sessions: sessions(from)?,
        retained: retained.collect::<Result<_, _>>()?,
        figures: figures(from)?,
    })
}

/// Every session, in the order of their numbers.
fn sessions(from: &Connection) -> rusqlite::Result<Vec<Kept>> {
    let mut sessions = BTreeMap::new();
    let mut query =
        from.prepare("SELECT session, principal, client_id, expiry_s, expires_ms FROM sessions")?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        let (session, urn): (i64, String) = (row.get(0)?, row.get(1)?);
        let Ok(principal) = Principal::parse_urn(&urn) else {
            tracing::error!(
                principal = urn,
                "A kept session is nobody's and is left out."
            );
            continue;
        };
        let expires: Option<i64> = row.get(4)?;
        let kept = Kept {
            session: number(session),
            principal,
            client_id: row.get::<_, String>(2)?.into(),
            expiry_s: row.get(3)?,
            expires: expires.map(|ms| UnixTime::from_ms(number(ms))),
            subscriptions: Vec::new(),
            deliveries: Vec::new(),
            received: Vec::new(),
            will: None,
        };
        sessions.insert(session, kept);
    }
    each(
        from,
        "SELECT session, filter, how FROM subscriptions",
        &mut sessions,
        |kept, row| {
            let how = PackedOptions(number(row.get(2)?));
            kept.subscriptions
                .push((row.get::<_, String>(1)?.into(), how));
            Ok(())
        },
    )?;
    let sql = "SELECT session, delivery, place, released, content FROM deliveries ORDER BY session, delivery";
    each(from, sql, &mut sessions, |kept, row| {
        kept.deliveries.push(KeptDelivery {
            number: number(row.get(1)?),
            place: row.get::<_, Option<i64>>(2)?.map(number),
            released: row.get(3)?,
            content: row.get(4)?,
        });
        Ok(())
    })?;
    each(
        from,
        "SELECT session, packet_id FROM received",
        &mut sessions,
        |kept, row| {
            kept.received.push(row.get(1)?);
            Ok(())
        },
    )?;
    let sql = "SELECT session, delay_s, at_ms, content FROM wills";
    each(from, sql, &mut sessions, |kept, row| {
        let at: Option<i64> = row.get(2)?;
        kept.will = Some(KeptWill {
            delay_s: row.get(1)?,
            at: at.map(|ms| UnixTime::from_ms(number(ms))),
            content: row.get(3)?,
        });
        Ok(())
    })?;
    Ok(sessions.into_values().collect())
}

/// Every principal's counters; those that cannot be read begin anew.
fn figures(from: &Connection) -> rusqlite::Result<Vec<(Principal, Figures)>> {
    let mut query = from.prepare("SELECT principal, figures FROM figures")?;
    let mut rows = query.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        let (urn, text): (String, String) = (row.get(0)?, row.get(1)?);
        let read = (Principal::parse_urn(&urn), serde_json::from_str(&text));
        if let (Ok(principal), Ok(figures)) = read {
            found.push((principal, figures));
        } else {
            tracing::warn!(principal = urn, "Kept counters are damaged and begin anew.");
        }
    }
    Ok(found)
}

/// Hands each row to the session that its first column names.
fn each(
    from: &Connection,
    sql: &str,
    sessions: &mut BTreeMap<i64, Kept>,
    mut take: impl FnMut(&mut Kept, &rusqlite::Row<'_>) -> rusqlite::Result<()>,
) -> rusqlite::Result<()> {
    let mut query = from.prepare(sql)?;
    let mut rows = query.query([])?;
    while let Some(row) = rows.next()? {
        if let Some(kept) = sessions.get_mut(&row.get(0)?) {
            take(kept, row)?;
        }
    }
    Ok(())
}

/// What was written as a number of ours is never negative.
fn number(value: i64) -> u64 {
    u64::try_from(value).unwrap_or(0)
}
