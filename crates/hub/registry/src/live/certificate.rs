//! Certificates: what each that was issued here is worth.

use ironroot_identity::{CaNumber, CertificateSerial, Revocation};

use super::Registry;
use crate::revoked::RevokedCertificate;
use crate::row::CertificateRow;

/// What a handshake or a question about a certificate must know of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KnownCertificate {
    /// SHA-256 of its DER bytes.
    pub fingerprint: [u8; 32],
    /// The issuing CA that signed it.
    pub ca: CaNumber,
    /// End of its validity, seconds since 1970.
    pub not_after: u64,
    /// When and why it was revoked.
    pub revoked: Option<Revocation>,
}

/// What a certificate is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateStanding {
    /// Issued here and not revoked.
    Good,
    /// Issued here and revoked.
    Revoked,
    /// Not issued here, or not with these bytes.
    Unknown,
}

impl Registry {
    /// What the certificate of this serial number and fingerprint is worth.
    pub fn certificate(
        &self,
        serial: &CertificateSerial,
        fingerprint: &[u8; 32],
    ) -> CertificateStanding {
        match self.known_certificate(serial) {
            Some(known) if known.fingerprint != *fingerprint => CertificateStanding::Unknown,
            Some(known) if known.revoked.is_some() => CertificateStanding::Revoked,
            Some(_) => CertificateStanding::Good,
            None => CertificateStanding::Unknown,
        }
    }

    /// The certificate of this serial number, whoever holds it.
    pub fn known_certificate(&self, serial: &CertificateSerial) -> Option<KnownCertificate> {
        self.certificates.read().get(serial).copied()
    }

    /// When the last of these certificates ends, seconds since 1970; none when there is none.
    pub fn certificates_end(&self, serials: &[CertificateSerial]) -> Option<u64> {
        let known = self.certificates.read();
        let ends = serials.iter().filter_map(|serial| known.get(serial));
        ends.map(|known| known.not_after).max()
    }

    /// What issuing CA `ca` has revoked, from the `from`th on, in the order of taking note.
    pub fn revoked_since(&self, ca: CaNumber, from: usize) -> Vec<RevokedCertificate> {
        self.revoked.since(ca, from)
    }

    /// How many certificates issuing CA `ca` has revoked.
    pub fn revoked_count(&self, ca: CaNumber) -> usize {
        self.revoked.count(ca)
    }

    pub(super) fn put_certificate(&self, row: &CertificateRow) {
        let mut fingerprint = [0; 32];
        if hex::decode_to_slice(&row.fingerprint, &mut fingerprint).is_err() {
            // Left out, so that nobody gets in with it.
            tracing::error!(certificate.serial = %row.serial, "Certificate row without a fingerprint.");
            return;
        }
        let revoked = row.revoked.map(|revoked| Revocation {
            at_s: revoked.at / 1_000,
            reason: revoked.reason,
        });
        let known = KnownCertificate {
            fingerprint,
            ca: row.ca,
            not_after: row.not_after,
            revoked,
        };
        let before = self.certificates.write().insert(row.serial, known);
        let Some(revocation) = revoked else { return };
        if before.is_some_and(|before| before.revoked.is_some()) {
            return;
        }
        self.revoked.add(row.ca, row.serial, revocation);
        let subject = row.holder.as_ref().and_then(|holder| self.subject(holder));
        if let (Some(_), Some(subject)) = (before, subject) {
            subject.revoke(row.serial);
            self.tell(|watcher| watcher.grant_changed(&subject));
        }
    }
}
