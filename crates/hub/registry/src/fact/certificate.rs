//! Certificates: as the journal keeps them, those of the hub itself, and what a person does about one.

use std::fmt::{self, Formatter};

use ironroot_identity::{CaNumber, CertificateSerial, Principal, RevocationReason};
use ironroot_store::ApplyError;
use serde::{Deserialize, Serialize};

use super::{Actor, Kind};
use crate::fold::{Refused, Step, refuse};
use crate::row::{CertificateRow, DeviceRow, ServiceRow};

/// A certificate as the journal keeps it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuedCertificate {
    /// Its serial number.
    pub serial: CertificateSerial,
    /// The issuing CA that signed it; the first one is not written.
    #[serde(default, skip_serializing_if = "CaNumber::is_first")]
    pub ca: CaNumber,
    /// SHA-256 of its DER bytes, in hexadecimal digits.
    pub fingerprint: String,
    /// Start of its validity, seconds since 1970.
    pub not_before: u64,
    /// End of its validity, seconds since 1970.
    pub not_after: u64,
    /// Who made its key.
    #[serde(default, skip_serializing_if = "KeyMaker::is_holder")]
    pub key: KeyMaker,
}

/// Who made the key of a certificate.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum KeyMaker {
    /// Whoever holds the certificate: nobody else ever had the key.
    #[default]
    Holder,
    /// The hub, which handed the key out and kept nothing of it.
    Hub,
}

impl KeyMaker {
    #[expect(clippy::trivially_copy_pass_by_ref, reason = "serde hands it in so")]
    fn is_holder(&self) -> bool {
        *self == Self::Holder
    }
}

/// As it reads in a sentence: its number, and whose key it is if it is not its holder's own.
impl fmt::Display for IssuedCertificate {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.serial)?;
        match self.key {
            KeyMaker::Holder => Ok(()),
            KeyMaker::Hub => f.write_str(" with a key that the hub made"),
        }
    }
}

/// The hub's own doors were given a certificate; its key is in memory only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ServerIssued {
    /// The names that clients reach it by.
    pub names: Vec<String>,
    /// The certificate.
    pub certificate: IssuedCertificate,
}

impl Kind for ServerIssued {
    const KIND: &'static str = "server.issued";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "The hub's doors were given certificate {} for {}.",
            self.certificate.serial,
            self.names.join(", ")
        )
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        step.issue(None, &self.certificate)
    }
}

/// An OCSP responder was given a certificate; its key is in memory only.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResponderIssued {
    /// The certificate; the responder speaks for the CA that signed it.
    pub certificate: IssuedCertificate,
}

impl Kind for ResponderIssued {
    const KIND: &'static str = "responder.issued";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let IssuedCertificate { ca, serial, .. } = &self.certificate;
        write!(
            f,
            "The OCSP responder of issuing CA {ca} was given certificate {serial}."
        )
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        step.issue(None, &self.certificate)
    }
}

/// A new issuing CA came into service; the one before stays trusted and issues nothing any more.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CaInstalled {
    /// Its number.
    pub number: CaNumber,
    /// SHA-256 of its certificate, in hexadecimal digits.
    pub fingerprint: String,
    /// Its certificate, PEM.
    pub pem: String,
    /// Who put it into service.
    pub by: Actor,
}

impl Kind for CaInstalled {
    const KIND: &'static str = "ca.installed";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { number, by, .. } = self;
        write!(f, "Issuing CA {number} was put into service by {by}.")
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        step.install_ca(self.number, &self.fingerprint)
    }
}

/// A person had one certificate revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CertificateRevoked {
    /// Its serial number.
    pub serial: CertificateSerial,
    /// Why, as CRLs and OCSP responses tell it.
    pub reason: RevocationReason,
    /// Who ordered it.
    pub by: Actor,
    /// Why, in their words: the digest of a payload.
    pub why: String,
}

impl Kind for CertificateRevoked {
    const KIND: &'static str = "certificate.revoked";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            serial, reason, by, ..
        } = self;
        write!(f, "Certificate {serial} was revoked by {by} ({reason}).")
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        let (serial, reason) = (self.serial, self.reason);
        let row = step
            .get::<CertificateRow>(&serial.to_string())?
            .ok_or_else(|| refuse(Refused::UnknownCertificate(serial)))?;
        if row.revoked.is_some() {
            return Err(refuse(Refused::RevokedBefore(serial)));
        }
        if let Some(holder) = &row.holder {
            take_from(step, holder, serial)?;
        }
        step.revoke(&[serial], reason)
    }

    fn why(&self) -> Option<&str> {
        Some(&self.why)
    }
}

/// Takes a certificate, ended or not, from its holder's good ones.
fn take_from(
    step: &mut Step<'_>,
    holder: &Principal,
    serial: CertificateSerial,
) -> Result<(), ApplyError> {
    match holder {
        Principal::Device(id) => {
            if let Some(mut device) = step.get::<DeviceRow>(id.as_str())? {
                device.certificates.retain(|held| *held != serial);
                step.put_device(device)?;
            }
        }
        Principal::Service(name) => {
            if let Some(mut service) = step.get::<ServiceRow>(name.as_str())?
                && service.certificate == Some(serial)
            {
                service.certificate = None;
                service.changed = step.at;
                step.put(name.as_str(), &service)?;
            }
        }
    }
    Ok(())
}
