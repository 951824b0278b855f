//! Certificates: what the rows say of them, and whether a door takes them.

use std::collections::BTreeSet;

use ironroot_api::{Certificate, CertificateStatus};
use ironroot_identity::CertificateSerial;
use ironroot_registry::CertificateRow;
use ironroot_time::UnixTime;

use crate::{NotShown, Views, words};

impl Views {
    /// The certificates of these serial numbers, newest first.
    pub(crate) async fn certificates(
        &self,
        serials: BTreeSet<CertificateSerial>,
    ) -> Result<Vec<Certificate>, NotShown> {
        let mut rows = Vec::with_capacity(serials.len());
        for serial in serials {
            rows.extend(self.row::<CertificateRow>(&serial.to_string()).await?);
        }
        rows.sort_by_key(|row| std::cmp::Reverse((row.not_before, row.not_after)));
        let now = self.clock.now();
        Ok(rows.iter().map(|row| certificate(row, now)).collect())
    }
}

fn certificate(row: &CertificateRow, now: UnixTime) -> Certificate {
    let status = match row.revoked {
        Some(_) => CertificateStatus::Revoked,
        None if row.not_after <= now.as_s() => CertificateStatus::Expired,
        None => CertificateStatus::Valid,
    };
    Certificate {
        serial: row.serial.to_string(),
        fingerprint: row.fingerprint.clone(),
        not_before: UnixTime::from_s(row.not_before).to_string(),
        not_after: UnixTime::from_s(row.not_after).to_string(),
        status,
        revoked_at: row.revoked.map(|revoked| words::moment(revoked.at)),
    }
}
