//! A person's order to revoke one certificate: recorded first, obeyed by whoever follows the journal.

use ironroot_identity::{CertificateSerial, RevocationReason};
use ironroot_registry::{Actor, CertificateRevoked, Fact};

use crate::ledger::{Ledger, NotRecorded};

/// Revokes one certificate for good; sessions that live by it are cut before this returns. Gives the entry.
///
/// # Errors
/// [`NotRecorded`] when the hub issued no such certificate, it was revoked before, or the journal cannot append.
pub async fn revoke(
    ledger: &Ledger,
    serial: CertificateSerial,
    reason: RevocationReason,
    why: &str,
    by: Actor,
) -> Result<u64, NotRecorded> {
    let why = ledger.words(why);
    let fact = Fact::from(CertificateRevoked {
        serial,
        reason,
        by,
        why: why.digest().to_string(),
    });
    let recorded = ledger.record_with(&fact, |change| change.with_payload(why));
    Ok(recorded.await?.indices.start)
}
