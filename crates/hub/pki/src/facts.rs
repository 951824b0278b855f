//! What a certificate says, for people and for the API.

use der::Decode;
use ironroot_identity::Fingerprint;
use ironroot_time::UnixTime;
use x509_cert::Certificate;
use x509_cert::ext::pkix::BasicConstraints;

use crate::authority::fingerprint;
use crate::key::algorithm_name;
use crate::names::{AlternativeName, Subject};

/// A certificate's content in words; nothing about it has been verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFacts {
    /// The subject, as in RFC 4514.
    pub subject: String,
    /// The issuer, as in RFC 4514.
    pub issuer: String,
    /// The serial number in lower-case hexadecimal digits.
    pub serial: String,
    /// The alternative names, sorted.
    pub alternative_names: Vec<AlternativeName>,
    /// The kind of key: its curve or its algorithm.
    pub key: String,
    /// Whether it may issue others.
    pub is_ca: bool,
    /// When it begins.
    pub not_before: UnixTime,
    /// When it ends.
    pub not_after: UnixTime,
    /// SHA-256 of it.
    pub fingerprint: Fingerprint,
}

impl CertificateFacts {
    /// Reads them from a certificate in DER.
    ///
    /// # Errors
    /// [`der::Error`] when it is no X.509 certificate.
    pub fn read(certificate: &[u8]) -> Result<Self, der::Error> {
        let tbs = Certificate::from_der(certificate)?.tbs_certificate;
        let constraints = tbs.get::<BasicConstraints>()?;
        let key = &tbs.subject_public_key_info.algorithm;
        let validity = tbs.validity;
        Ok(Self {
            serial: hex::encode(tbs.serial_number.as_bytes()),
            alternative_names: AlternativeName::of_certificate(&tbs)?,
            key: algorithm_name(key),
            is_ca: constraints.is_some_and(|(_critical, constraints)| constraints.ca),
            not_before: UnixTime::from_s(validity.not_before.to_unix_duration().as_secs()),
            not_after: UnixTime::from_s(validity.not_after.to_unix_duration().as_secs()),
            fingerprint: fingerprint(certificate),
            subject: Subject::new(tbs.subject).to_string(),
            issuer: Subject::new(tbs.issuer).to_string(),
        })
    }
}
