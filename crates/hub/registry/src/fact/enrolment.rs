//! Enrolment: a claimed device is given its certificate, a further one, and comes with it for the first time.

use std::fmt::{self, Formatter};

use ironroot_identity::{CertificateSerial, DeviceId, Principal, ProfileName, RevocationReason};
use ironroot_standing::{Event, Lifecycle};
use ironroot_store::ApplyError;
use serde::{Deserialize, Serialize};

use super::{IssuedCertificate, Kind};
use crate::fold::{Refused, Step, next, refuse};
use crate::row::DeviceRow;

/// The number of certificates of one device that are good at the same time; a further one revokes the oldest.
const CERTIFICATES_MAX: usize = 4;

/// How a device proved at its first enrolment that it is the claimed one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Credential {
    /// By the claim's token.
    Token,
    /// By an IDevID of this manufacturer.
    Idevid(ProfileName),
}

/// As it reads in a sentence: "enrolled with its claim token".
impl fmt::Display for Credential {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Token => f.write_str("its claim token"),
            Self::Idevid(manufacturer) => write!(f, "its IDevID of {manufacturer}"),
        }
    }
}

/// A claimed device was given its first certificate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceEnrolled {
    /// The device.
    pub device: DeviceId,
    /// The entry of the claim that it used.
    pub claim: u64,
    /// How it proved itself.
    pub credential: Credential,
    /// SHA-256 of the `SubjectPublicKeyInfo` that the device brought, in hexadecimal digits: whoever
    /// shows the same token and the same key again has lost the answer. Absent for a key of the hub's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub spki: Option<String>,
    /// The certificate.
    pub certificate: IssuedCertificate,
}

impl Kind for DeviceEnrolled {
    const KIND: &'static str = "device.enrolled";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            device,
            credential,
            certificate,
            ..
        } = self;
        write!(
            f,
            "{device} enrolled with {credential} and holds certificate {certificate}."
        )
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        let at = step.at;
        step.change(&self.device, Event::Enrol, |row| {
            check_claim(row, self.claim, at)?;
            row.enrolled_spki.clone_from(&self.spki);
            row.certificates = vec![self.certificate.serial];
            Ok(())
        })?;
        step.issue(
            Some(Principal::Device(self.device.clone())),
            &self.certificate,
        )
    }

    fn device(&self) -> Option<&DeviceId> {
        Some(&self.device)
    }
}

/// A device that has lost the answer to its enrolment was given another certificate for the same key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceEnrolmentRepeated {
    /// The device.
    pub device: DeviceId,
    /// The entry of the claim that it used.
    pub claim: u64,
    /// SHA-256 of its key's `SubjectPublicKeyInfo`, in hexadecimal digits.
    pub spki: String,
    /// The new certificate.
    pub certificate: IssuedCertificate,
}

impl Kind for DeviceEnrolmentRepeated {
    const KIND: &'static str = "device.enrolment_repeated";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            device,
            certificate,
            ..
        } = self;
        write!(
            f,
            "{device} repeated its enrolment with the same key and holds certificate {certificate}."
        )
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        let (at, mut superseded) = (step.at, Vec::new());
        step.change(&self.device, Event::Reenrol, |row| {
            check_claim(row, self.claim, at)?;
            let same = row.enrolled_spki.as_ref() == Some(&self.spki);
            if row.lifecycle != Lifecycle::Enrolled || !same {
                return Err(Refused::NotTheSameEnrolment {
                    device: self.device.clone(),
                });
            }
            superseded = std::mem::replace(&mut row.certificates, vec![self.certificate.serial]);
            Ok(())
        })?;
        // The certificate that never arrived: nobody has it, or somebody who should not.
        step.revoke(&superseded, RevocationReason::Superseded)?;
        step.issue(
            Some(Principal::Device(self.device.clone())),
            &self.certificate,
        )
    }

    fn device(&self) -> Option<&DeviceId> {
        Some(&self.device)
    }
}

/// A device was given a further certificate; the one before stays valid to its end.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceReenrolled {
    /// The device.
    pub device: DeviceId,
    /// The registration authority that asked in its place, if one did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub via: Option<DeviceId>,
    /// The certificate that whoever asked proved itself with.
    pub with: CertificateSerial,
    /// The new certificate.
    pub certificate: IssuedCertificate,
}

impl Kind for DeviceReenrolled {
    const KIND: &'static str = "device.reenrolled";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(f, "{} enrolled again", self.device)?;
        if let Some(via) = &self.via {
            write!(f, " through {via}")?;
        }
        write!(f, " and holds certificate {}.", self.certificate)
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        let asking = self.via.as_ref().unwrap_or(&self.device);
        let asks = step.device(asking, Event::Reenrol)?;
        next(asking, Some(asks.lifecycle), Event::Reenrol)?;
        if !asks.certificates.contains(&self.with) {
            return Err(refuse(Refused::NotItsCertificate {
                device: asking.clone(),
                serial: self.with,
            }));
        }
        let mut superseded = Vec::new();
        step.change(&self.device, Event::Reenrol, |row| {
            row.certificates.push(self.certificate.serial);
            let excess = row.certificates.len().saturating_sub(CERTIFICATES_MAX);
            superseded = row.certificates.drain(..excess).collect();
            Ok(())
        })?;
        step.revoke(&superseded, RevocationReason::Superseded)?;
        step.issue(
            Some(Principal::Device(self.device.clone())),
            &self.certificate,
        )
    }

    fn device(&self) -> Option<&DeviceId> {
        Some(&self.device)
    }
}

/// A device used its certificate for the first time.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceActivated {
    /// The device.
    pub device: DeviceId,
    /// Where it was seen.
    pub door: String,
}

impl Kind for DeviceActivated {
    const KIND: &'static str = "device.activated";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { device, door } = self;
        write!(
            f,
            "{device} used its certificate for the first time, at the {door} door."
        )
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        step.change(&self.device, Event::Activate, |_row| Ok(()))
    }

    fn device(&self) -> Option<&DeviceId> {
        Some(&self.device)
    }
}

/// The claim must be the latest, and its time must not be over.
fn check_claim(row: &DeviceRow, claim: u64, at: u64) -> Result<(), Refused> {
    let device = || row.id.clone();
    if row.claim != claim {
        return Err(Refused::ClaimReplaced { device: device() });
    }
    if row.claim_expires <= at {
        return Err(Refused::ClaimExpired { device: device() });
    }
    Ok(())
}
