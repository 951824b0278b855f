//! What several kinds of facts do to certificates and to the CAs that sign them.

use ironroot_identity::{CaNumber, CertificateSerial, Principal, RevocationReason};
use ironroot_store::ApplyError;

use super::{Refused, Step, refuse};
use crate::fact::IssuedCertificate;
use crate::row::{CertificateRow, IssuingCaRow, RevokedRow};

impl Step<'_> {
    pub(crate) fn install_ca(
        &mut self,
        number: CaNumber,
        fingerprint: &str,
    ) -> Result<(), ApplyError> {
        let key = number.to_string();
        if self.get::<IssuingCaRow>(&key)?.is_some() {
            return Err(refuse(Refused::CaTaken(number)));
        }
        let row = IssuingCaRow {
            number,
            fingerprint: fingerprint.to_owned(),
            at: self.at,
            entry: self.index,
        };
        self.put(&key, &row)
    }

    pub(crate) fn issue(
        &mut self,
        holder: Option<Principal>,
        issued: &IssuedCertificate,
    ) -> Result<(), ApplyError> {
        let key = issued.serial.to_string();
        if self.get::<CertificateRow>(&key)?.is_some() {
            return Err(refuse(Refused::SerialTaken(issued.serial)));
        }
        let row = CertificateRow {
            serial: issued.serial,
            holder,
            ca: issued.ca,
            fingerprint: issued.fingerprint.clone(),
            not_before: issued.not_before,
            not_after: issued.not_after,
            revoked: None,
        };
        self.put(&key, &row)
    }

    pub(crate) fn revoke(
        &mut self,
        serials: &[CertificateSerial],
        reason: RevocationReason,
    ) -> Result<(), ApplyError> {
        for serial in serials {
            let key = serial.to_string();
            if let Some(mut row) = self.get::<CertificateRow>(&key)? {
                row.revoked = Some(RevokedRow {
                    at: self.at,
                    reason,
                    entry: self.index,
                });
                self.put(&key, &row)?;
            }
        }
        Ok(())
    }
}
