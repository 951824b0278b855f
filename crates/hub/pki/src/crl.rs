//! Certificate revocation lists of one issuing CA (RFC 5280 section 5): a full one, and a delta for those who
//! have an older full one.
//!
//! A list covers every certificate of its CA, so it has no `issuingDistributionPoint`. Certificates stay on it
//! after they have ended (`expiredCertsOnCRL`, X.509 section 9.5.2.8).

use std::collections::VecDeque;
use std::time::Duration;

use ironroot_identity::{CertificateSerial, Revocation};
use ironroot_time::UnixTime;

use crate::authority::{IssuingCa, PkiUrls};
use crate::signed::{
    Critical, ENUMERATED, INTEGER, NotSigned, SEQUENCE, algorithm, context, element, extension,
    generalized_time, sign, time,
};

/// How long a list counts.
pub const CRL_LIFETIME: Duration = Duration::from_secs(24 * 3_600);

/// The revoked certificates of one issuing CA, as they stand in its lists.
///
/// Each is written once, when it is revoked: a list of 300,000 is made by copying and signing.
#[derive(Debug, Default)]
pub struct RevocationList {
    /// The content of `revokedCertificates`.
    entries: Vec<u8>,
    count: usize,
    number: u64,
    /// Full lists that still count, oldest first; the first is the base of the delta.
    bases: VecDeque<Base>,
}

/// A full list that somebody may have.
#[derive(Clone, Copy, Debug)]
struct Base {
    number: u64,
    at: UnixTime,
    /// How many bytes of the entries were on it.
    length: usize,
}

/// Both lists of one moment, in DER. They have the same number (RFC 5280 section 5.2.4).
#[derive(Clone, Debug)]
pub struct SignedLists {
    /// Everything revoked.
    pub full: Vec<u8>,
    /// What was revoked since the base.
    pub delta: Vec<u8>,
    /// Their number.
    pub number: u64,
    /// When they were made.
    pub this_update: UnixTime,
    /// By when there are newer ones.
    pub next_update: UnixTime,
}

impl RevocationList {
    /// How many certificates are on it.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Puts a certificate on it for good.
    ///
    /// # Errors
    /// [`NotSigned::Part`] when the moment lies beyond the year 9999.
    pub fn add(
        &mut self,
        serial: &CertificateSerial,
        revocation: Revocation,
    ) -> Result<(), NotSigned> {
        let reason = element(ENUMERATED, &[&[revocation.reason.code()]]);
        let reason = extension(REASON_CODE, Critical::No, &reason);
        self.entries.extend(element(
            SEQUENCE,
            &[
                &element(INTEGER, &[serial.as_bytes()]),
                &time(UnixTime::from_s(revocation.at_s))?,
                &element(SEQUENCE, &[&reason]),
            ],
        ));
        self.count = self.count.saturating_add(1);
        Ok(())
    }

    /// Signs both lists as they stand.
    ///
    /// Their number is the moment in milliseconds, so that it rises across restarts too.
    ///
    /// # Errors
    /// [`NotSigned`] when the CA's key refuses.
    pub fn sign(
        &mut self,
        ca: &IssuingCa,
        urls: &PkiUrls,
        now: UnixTime,
    ) -> Result<SignedLists, NotSigned> {
        let number = now.as_ms().max(self.number.saturating_add(1));
        self.number = number;
        self.note_base(number, now);
        let base = self.bases.front().copied().unwrap_or(Base {
            number,
            at: now,
            length: self.entries.len(),
        });
        let next_update = now.plus(CRL_LIFETIME);
        let common = [
            extension(AUTHORITY_KEY_ID, Critical::No, &authority_key_id(ca)),
            extension(CRL_NUMBER, Critical::No, &integer(number)),
            extension(
                EXPIRED_CERTS_ON_CRL,
                Critical::No,
                &generalized_time(ca.not_before())?,
            ),
        ]
        .concat();
        let freshest = urls
            .freshest_crl(ca.number())
            .map_or_else(Vec::new, |at| extension(FRESHEST_CRL, Critical::No, &at));
        let indicator = extension(DELTA_CRL_INDICATOR, Critical::Yes, &integer(base.number));
        let new = self.entries.get(base.length..).unwrap_or_default();
        let list = |entries: &[u8], more: &[u8]| {
            let moments = [time(now)?, time(next_update)?].concat();
            let key = ca.key();
            // RFC 5280 section 5.1.2.6: absent when there are none.
            let revoked = if entries.is_empty() {
                Vec::new()
            } else {
                element(SEQUENCE, &[entries])
            };
            let extensions = element(SEQUENCE, &[&common, more]);
            let to_be_signed = element(
                SEQUENCE,
                &[
                    VERSION_2,
                    algorithm(key)?,
                    ca.name(),
                    &moments,
                    &revoked,
                    &element(context(0), &[&extensions]),
                ],
            );
            sign(key, &to_be_signed, &[])
        };
        Ok(SignedLists {
            full: list(&self.entries, &freshest)?,
            delta: list(new, &indicator)?,
            number,
            this_update: now,
            next_update,
        })
    }

    /// Keeps the delta's base the oldest full list that still counts, give or take [`BASE_INTERVAL`].
    fn note_base(&mut self, number: u64, now: UnixTime) {
        while self
            .bases
            .get(1)
            .is_some_and(|next| now.since(next.at) >= CRL_LIFETIME)
        {
            self.bases.pop_front();
        }
        let due = |last: &Base| now.since(last.at) >= BASE_INTERVAL;
        if self.bases.back().is_none_or(due) {
            self.bases.push_back(Base {
                number,
                at: now,
                length: self.entries.len(),
            });
        }
    }
}

/// The key identifier alone (RFC 5280 section 5.2.1).
fn authority_key_id(ca: &IssuingCa) -> Vec<u8> {
    element(SEQUENCE, &[&element(0x80, &[ca.key_id()])])
}

/// A positive INTEGER.
fn integer(number: u64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let zeros = bytes.iter().take_while(|byte| **byte == 0).count();
    let significant = bytes.get(zeros..).unwrap_or_default();
    // A leading byte of 0x80 or more would make it negative.
    match significant.first() {
        None | Some(0x80..) => element(INTEGER, &[&[0], significant]),
        Some(_) => element(INTEGER, &[significant]),
    }
}

/// How often a full list is kept in mind as a base.
const BASE_INTERVAL: Duration = Duration::from_secs(3_600);

/// v2 (RFC 5280 section 5.1.2.1).
const VERSION_2: &[u8] = &[INTEGER, 1, 1];
/// id-ce-cRLReasons (RFC 5280 section 5.3.1).
const REASON_CODE: &[u8] = &[0x55, 0x1d, 0x15];
/// id-ce-cRLNumber (RFC 5280 section 5.2.3).
const CRL_NUMBER: &[u8] = &[0x55, 0x1d, 0x14];
/// id-ce-deltaCRLIndicator (RFC 5280 section 5.2.4).
const DELTA_CRL_INDICATOR: &[u8] = &[0x55, 0x1d, 0x1b];
/// id-ce-authorityKeyIdentifier (RFC 5280 section 5.2.1).
const AUTHORITY_KEY_ID: &[u8] = &[0x55, 0x1d, 0x23];
/// id-ce-freshestCRL (RFC 5280 section 5.2.6).
const FRESHEST_CRL: &[u8] = &[0x55, 0x1d, 0x2e];
/// id-ce-expiredCertsOnCRL (X.509 section 9.5.2.8).
const EXPIRED_CERTS_ON_CRL: &[u8] = &[0x55, 0x1d, 0x3c];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_stay_positive() {
        assert_eq!(integer(0), [2, 1, 0]);
        assert_eq!(integer(0x7f), [2, 1, 0x7f]);
        assert_eq!(integer(0x80), [2, 2, 0, 0x80]);
        assert_eq!(integer(0x0100), [2, 2, 1, 0]);
        assert_eq!(integer(u64::MAX), [&[2, 9, 0][..], &[0xff; 8]].concat());
    }
}
