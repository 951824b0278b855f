//! Certificates: what the rows say of them, and whether a door takes them.

use std::collections::BTreeSet;

use ironroot_api::{
    Certificate, CertificateItem, CertificateStatus, HolderKind, Page, PageQuery, limit,
};
use ironroot_identity::{CertificateSerial, Principal};
use ironroot_registry::{CertificateRow, Row};
use ironroot_store::KeyRange;
use ironroot_time::UnixTime;

use crate::{NotShown, Views, words};

impl Views {
    /// All certificates that the hub issued, in the order of their serial numbers.
    ///
    /// # Errors
    /// [`NotShown`] when the store cannot be read.
    pub async fn all_certificates(
        &self,
        query: &PageQuery,
    ) -> Result<Page<CertificateItem>, NotShown> {
        let limit = limit(query.limit);
        let range = match &query.cursor {
            Some(cursor) => KeyRange::all().after(cursor),
            None => KeyRange::all(),
        };
        let rows = self.store.rows(CertificateRow::TABLE, range, limit).await?;
        let next = rows.last().filter(|_| rows.len() == limit);
        let next = next.map(|last| last.key.to_string());
        let now = self.clock.now();
        let items = rows.iter().map(|row| {
            let row: CertificateRow = serde_json::from_slice(&row.value)?;
            Ok(item(&row, now))
        });
        Ok(Page {
            items: items.collect::<Result<_, NotShown>>()?,
            next,
        })
    }

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

fn item(row: &CertificateRow, now: UnixTime) -> CertificateItem {
    let (holder_kind, holder) = match &row.holder {
        Some(Principal::Device(id)) => (HolderKind::Device, id.to_string()),
        Some(Principal::Service(name)) => (HolderKind::Service, name.to_string()),
        None => (HolderKind::Hub, String::new()),
    };
    CertificateItem {
        holder_kind,
        holder,
        ca: row.ca.to_string(),
        reason: row.revoked.map(|revoked| words::revocation(revoked.reason)),
        certificate: certificate(row, now),
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
