//! Who answers for one issuing CA: a delegated responder with a key of its own, and what it signs.

use std::fmt;
use std::time::Duration;

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use ironroot_identity::{CaNumber, CertificateSerial, Revocation};
use ironroot_time::UnixTime;
use rcgen::PublicKeyData;

use super::request::{CertId, HashAlgorithm};
use crate::CertificateDer;
use crate::authority::{
    CertificateProfile, Issuance, IssueRefused, IssuedCertificate, IssuingCa, PkiUrls,
};
use crate::key::{BadKey, SoftwareKey};
use crate::signed::{
    Critical, ENUMERATED, NotSigned, OBJECT_IDENTIFIER, OCTET_STRING, SEQUENCE, context, element,
    extension, generalized_time, sign,
};

/// How long a response counts.
pub const OCSP_LIFETIME: Duration = Duration::from_secs(24 * 3_600);

/// What is on record about a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum CertificateStatus {
    /// It was issued and not revoked. It may have ended.
    Good,
    /// It was revoked.
    Revoked(Revocation),
    /// It was not issued here.
    Unknown,
}

/// A response, and how long it may be kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcspResponse {
    /// The whole in DER.
    pub der: Vec<u8>,
    /// When it was signed.
    pub this_update: UnixTime,
    /// By when there is a newer one.
    pub next_update: UnixTime,
}

/// Signs responses for the certificates of one issuing CA. Its key is in memory only.
pub struct Responder {
    ca: CaNumber,
    key: SoftwareKey,
    issued: IssuedCertificate,
    name_sha1: Vec<u8>,
    name_sha256: Vec<u8>,
    key_sha1: Vec<u8>,
    key_sha256: Vec<u8>,
    /// `ResponderID` by key (RFC 6960 section 4.2.1).
    id: Vec<u8>,
    /// The archive cutoff, which stands in every single response (RFC 6960 section 4.4.4).
    archive_cutoff: Vec<u8>,
}

/// A responder whose certificate was not recorded yet, so that it signs nothing.
#[derive(Debug)]
pub struct UnrecordedResponder(Responder);

/// Why there is no responder.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoResponder {
    /// There is no key.
    #[error("the responder's key")]
    Key(#[from] BadKey),
    /// The CA refuses.
    #[error("the responder's certificate")]
    Issue(#[from] IssueRefused),
    /// A moment cannot be written.
    #[error("the CA's beginning cannot be written")]
    Moment(#[from] der::Error),
}

impl UnrecordedResponder {
    /// Makes a key and has `ca` certify it until `not_after`.
    ///
    /// # Errors
    /// [`NoResponder`] when the CA refuses, for instance because it has ended.
    pub fn make(
        ca: &IssuingCa,
        serial: CertificateSerial,
        now: UnixTime,
        not_after: UnixTime,
    ) -> Result<Self, NoResponder> {
        let key = SoftwareKey::generate()?;
        let issued = ca.issue(&Issuance {
            profile: &CertificateProfile::OcspResponder,
            public_key: &key.public_key(),
            serial,
            now,
            not_after,
            urls: &PkiUrls::default(),
        })?;
        let hash = |algorithm, bytes| digest(algorithm, bytes).as_ref().to_vec();
        let own_key = hash(&SHA1_FOR_LEGACY_USE_ONLY, key.der_bytes());
        let cutoff = generalized_time(ca.not_before())?;
        let cutoff = extension(ARCHIVE_CUTOFF, Critical::No, &cutoff);
        let by_name = |algorithm: &'static Algorithm| hash(algorithm, ca.name());
        let by_key = |algorithm: &'static Algorithm| hash(algorithm, ca.key().der_bytes());
        Ok(Self(Responder {
            ca: ca.number(),
            name_sha1: by_name(&SHA1_FOR_LEGACY_USE_ONLY),
            name_sha256: by_name(&SHA256),
            key_sha1: by_key(&SHA1_FOR_LEGACY_USE_ONLY),
            key_sha256: by_key(&SHA256),
            id: element(context(2), &[&element(OCTET_STRING, &[&own_key])]),
            archive_cutoff: element(context(1), &[&element(SEQUENCE, &[&cutoff])]),
            key,
            issued,
        }))
    }

    /// Its certificate, to be recorded.
    pub fn issued(&self) -> &IssuedCertificate {
        &self.0.issued
    }

    /// The responder, now that its certificate is recorded.
    pub fn recorded(self) -> Responder {
        self.0
    }
}

impl Responder {
    /// The issuing CA that it speaks for.
    pub fn ca(&self) -> CaNumber {
        self.ca
    }

    /// When its certificate ends.
    pub fn not_after(&self) -> UnixTime {
        self.issued.not_after
    }

    /// Its certificate.
    pub fn certificate(&self) -> &CertificateDer<'static> {
        &self.issued.der
    }

    /// Whether a certificate is said to be of the CA that it speaks for.
    pub fn speaks_for(&self, id: &CertId) -> bool {
        let (name, key) = match id.hash {
            HashAlgorithm::Sha1 => (&self.name_sha1, &self.key_sha1),
            HashAlgorithm::Sha256 => (&self.name_sha256, &self.key_sha256),
            HashAlgorithm::Other => return false,
        };
        id.issuer_name == *name && id.issuer_key == *key
    }

    /// How a client of today names the certificate with this number of its CA, by SHA-1.
    pub fn cert_id(&self, serial: CertificateSerial) -> CertId {
        let part = |tag, bytes: &[u8]| element(tag, &[bytes]);
        let der = element(
            SEQUENCE,
            &[
                SHA1_IDENTIFIER,
                &part(OCTET_STRING, &self.name_sha1),
                &part(OCTET_STRING, &self.key_sha1),
                &part(crate::signed::INTEGER, serial.as_bytes()),
            ],
        );
        CertId {
            der,
            hash: HashAlgorithm::Sha1,
            issuer_name: self.name_sha1.clone(),
            issuer_key: self.key_sha1.clone(),
            serial: Some(serial),
        }
    }

    /// Signs what is on record about these certificates at `now`; those of another CA are unknown to it.
    ///
    /// # Errors
    /// [`NotSigned`] when the responder's key refuses.
    pub fn respond(
        &self,
        certificates: &[CertId],
        nonce: Option<&[u8]>,
        now: UnixTime,
        status: impl Fn(CertificateSerial) -> CertificateStatus,
    ) -> Result<OcspResponse, NotSigned> {
        let next_update = now.plus(OCSP_LIFETIME).min(self.not_after());
        let this = generalized_time(now)?;
        let next = element(context(0), &[&generalized_time(next_update)?]);
        let mut singles = Vec::new();
        for id in certificates {
            let status = match id.serial {
                Some(serial) if self.speaks_for(id) => status(serial),
                Some(_) | None => CertificateStatus::Unknown,
            };
            let status = certificate_status(status)?;
            singles.extend(element(
                SEQUENCE,
                &[&id.der, &status, &this, &next, &self.archive_cutoff],
            ));
        }
        let nonce = nonce.map_or_else(Vec::new, |nonce| {
            let nonce = element(OCTET_STRING, &[nonce]);
            let nonce = extension(NONCE, Critical::No, &nonce);
            element(context(1), &[&element(SEQUENCE, &[&nonce])])
        });
        let singles = element(SEQUENCE, &[&singles]);
        let data = element(SEQUENCE, &[&self.id, &this, &singles, &nonce]);
        let chain = element(context(0), &[&element(SEQUENCE, &[self.certificate()])]);
        Ok(OcspResponse {
            der: successful(&sign(&self.key, &data, &chain)?),
            this_update: now,
            next_update,
        })
    }
}

/// `CertStatus` (RFC 6960 section 4.2.1).
fn certificate_status(status: CertificateStatus) -> Result<Vec<u8>, der::Error> {
    Ok(match status {
        CertificateStatus::Good => vec![0x80, 0],
        CertificateStatus::Revoked(revocation) => {
            let reason = element(ENUMERATED, &[&[revocation.reason.code()]]);
            let at = generalized_time(UnixTime::from_s(revocation.at_s))?;
            element(context(1), &[&at, &element(context(0), &[&reason])])
        }
        CertificateStatus::Unknown => vec![0x82, 0],
    })
}

/// `OCSPResponse` around a `BasicOCSPResponse`.
fn successful(basic: &[u8]) -> Vec<u8> {
    let bytes = element(
        SEQUENCE,
        &[
            &element(OBJECT_IDENTIFIER, &[BASIC]),
            &element(OCTET_STRING, &[basic]),
        ],
    );
    let successful = element(ENUMERATED, &[&[0]]);
    element(SEQUENCE, &[&successful, &element(context(0), &[&bytes])])
}

impl fmt::Debug for Responder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Responder(CA {}, {})", self.ca, self.issued.serial)
    }
}

/// id-pkix-ocsp-basic (RFC 6960 section 4.2.1).
const BASIC: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 1];
/// id-pkix-ocsp-nonce (RFC 9654 section 2.1).
const NONCE: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2];
/// id-pkix-ocsp-archive-cutoff (RFC 6960 section 4.4.4).
const ARCHIVE_CUTOFF: &[u8] = &[0x2b, 6, 1, 5, 5, 7, 0x30, 1, 6];
/// `AlgorithmIdentifier` of id-sha1, its parameters NULL.
const SHA1_IDENTIFIER: &[u8] = &[0x30, 9, 6, 5, 0x2b, 0x0e, 3, 2, 0x1a, 5, 0];
