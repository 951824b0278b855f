//! Keeps revoked certificates out of every handshake, from memory.

use std::sync::Arc;

use ironroot_pki::peer::{PeerCertificate, PeerIdentity};
use ironroot_pki::tls::{CertificateStatus, RevocationStatus};
use ironroot_registry::{CertificateStanding, Registry};

/// Asks the registry.
#[derive(Debug)]
pub struct RegistryStatus(pub Arc<Registry>);

impl RevocationStatus for RegistryStatus {
    fn status(&self, peer: &PeerCertificate) -> CertificateStatus {
        match peer.identity() {
            // An IDevID is the maker's to revoke; here it opens nothing but the enrolment of a claimed serial.
            PeerIdentity::Manufacturer { .. } => CertificateStatus::Good,
            PeerIdentity::Ours { serial, .. } => {
                match self.0.certificate(serial, &peer.fingerprint().0) {
                    CertificateStanding::Good => CertificateStatus::Good,
                    CertificateStanding::Revoked => CertificateStatus::Revoked,
                    CertificateStanding::Unknown => CertificateStatus::Unknown,
                }
            }
        }
    }
}
