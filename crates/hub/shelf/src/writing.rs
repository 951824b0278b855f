//! What each step writes, in SQL.

use ironroot_broker::shelf::{Content, Step};
use rusqlite::{Connection, TransactionBehavior, params};

const FORGET_WILL: &str = "DELETE FROM wills WHERE session = ?1";

/// Writes the steps in their order, all or none.
pub(crate) fn write(connection: &mut Connection, steps: &[Step]) -> rusqlite::Result<()> {
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    for step in steps {
        write_step(&transaction, step)?;
    }
    transaction.commit()
}

#[expect(clippy::too_many_lines, reason = "a statement or two for each step")]
fn write_step(to: &Connection, step: &Step) -> rusqlite::Result<()> {
    let run = |sql: &str, values: &[&dyn rusqlite::ToSql]| {
        to.prepare_cached(sql)?.execute(values).map(drop)
    };
    match step {
        Step::Begin {
            session,
            principal,
            client_id,
            expiry_s,
        } => run(
            "INSERT OR REPLACE INTO sessions (session, principal, client_id, expiry_s) VALUES (?1, ?2, ?3, ?4)",
            params![number(*session), principal.urn(), client_id, expiry_s],
        ),
        Step::Resume { session, expiry_s } => {
            run(FORGET_WILL, params![number(*session)])?;
            run(
                "UPDATE sessions SET expiry_s = ?2, expires_ms = NULL WHERE session = ?1",
                params![number(*session), expiry_s],
            )
        }
        Step::Park {
            session,
            expires,
            will_at,
        } => {
            match will_at {
                None => run(FORGET_WILL, params![number(*session)])?,
                Some(at) => run(
                    "UPDATE wills SET at_ms = ?2 WHERE session = ?1",
                    params![number(*session), number(at.as_ms())],
                )?,
            }
            run(
                "UPDATE sessions SET expires_ms = ?2 WHERE session = ?1",
                params![number(*session), number(expires.as_ms())],
            )
        }
        Step::Will {
            session,
            delay_s,
            content,
        } => run(
            "INSERT OR REPLACE INTO wills (session, delay_s, content) VALUES (?1, ?2, ?3)",
            params![number(*session), delay_s, bytes(content)],
        ),
        Step::Fire { session } => run(FORGET_WILL, params![number(*session)]),
        Step::End { session } => {
            for sql in [
                "DELETE FROM sessions WHERE session = ?1",
                "DELETE FROM subscriptions WHERE session = ?1",
                "DELETE FROM deliveries WHERE session = ?1",
                "DELETE FROM received WHERE session = ?1",
                FORGET_WILL,
            ] {
                run(sql, params![number(*session)])?;
            }
            Ok(())
        }
        Step::Subscribe {
            session,
            filter,
            how,
        } => run(
            "INSERT OR REPLACE INTO subscriptions (session, filter, how) VALUES (?1, ?2, ?3)",
            params![number(*session), filter, number(how.0)],
        ),
        Step::Unsubscribe { session, filter } => run(
            "DELETE FROM subscriptions WHERE session = ?1 AND filter = ?2",
            params![number(*session), filter],
        ),
        Step::Queue {
            session,
            delivery,
            content,
        } => run(
            "INSERT OR REPLACE INTO deliveries (session, delivery, content) VALUES (?1, ?2, ?3)",
            params![number(*session), number(*delivery), bytes(content)],
        ),
        Step::Retain { topic, content } => run(
            "INSERT OR REPLACE INTO retained (topic, content) VALUES (?1, ?2)",
            params![topic, bytes(content)],
        ),
        Step::Count { principal, figures } => run(
            "INSERT OR REPLACE INTO figures (principal, figures) VALUES (?1, ?2)",
            params![
                principal.urn(),
                serde_json::to_string(figures).unwrap_or_default()
            ],
        ),
        Step::Forget { principal } => run(
            "DELETE FROM figures WHERE principal = ?1",
            params![principal.urn()],
        ),
        Step::Clear { topic } => run("DELETE FROM retained WHERE topic = ?1", params![topic]),
        Step::Send {
            session,
            delivery,
            place,
        } => run(
            "UPDATE deliveries SET place = ?3 WHERE session = ?1 AND delivery = ?2",
            params![number(*session), number(*delivery), number(*place)],
        ),
        Step::Release { session, delivery } => run(
            "UPDATE deliveries SET released = 1, content = x'' WHERE session = ?1 AND delivery = ?2",
            params![number(*session), number(*delivery)],
        ),
        Step::Settle { session, delivery } => run(
            "DELETE FROM deliveries WHERE session = ?1 AND delivery = ?2",
            params![number(*session), number(*delivery)],
        ),
        Step::Receive { session, packet_id } => run(
            "INSERT OR IGNORE INTO received (session, packet_id) VALUES (?1, ?2)",
            params![number(*session), packet_id],
        ),
        Step::Free { session, packet_id } => run(
            "DELETE FROM received WHERE session = ?1 AND packet_id = ?2",
            params![number(*session), packet_id],
        ),
    }
}

/// What has no form as bytes is left empty, and found damaged; no message that came in a packet is so.
fn bytes(content: &Content) -> Vec<u8> {
    content.encode().unwrap_or_default()
}

/// SQLite's numbers are signed; ours count from 0 and stay far below.
fn number(value: u64) -> i64 {
    i64::try_from(value).unwrap_or(i64::MAX)
}
