//! The revoked certificates of each issuing CA, as lists that only grow: what CRLs are made from.

use std::collections::BTreeMap;

use ironroot_identity::{CaNumber, CertificateSerial, Revocation};
use parking_lot::RwLock;

/// A certificate that is on the CRL for good.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RevokedCertificate {
    /// Its serial number.
    pub serial: CertificateSerial,
    /// When and why.
    pub revocation: Revocation,
}

/// All of them, by issuing CA.
#[derive(Debug, Default)]
pub(crate) struct RevokedCertificates(RwLock<BTreeMap<CaNumber, Vec<RevokedCertificate>>>);

impl RevokedCertificates {
    pub(crate) fn add(&self, ca: CaNumber, serial: CertificateSerial, revocation: Revocation) {
        let revoked = RevokedCertificate { serial, revocation };
        self.0.write().entry(ca).or_default().push(revoked);
    }

    pub(crate) fn since(&self, ca: CaNumber, from: usize) -> Vec<RevokedCertificate> {
        let lists = self.0.read();
        let list = lists.get(&ca).map(Vec::as_slice).unwrap_or_default();
        list.get(from..).unwrap_or_default().to_vec()
    }

    pub(crate) fn count(&self, ca: CaNumber) -> usize {
        self.0.read().get(&ca).map_or(0, Vec::len)
    }
}
