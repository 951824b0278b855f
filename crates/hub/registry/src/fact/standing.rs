//! What lowers and raises a device's Standing, what ends it, and what a person should look at.

use std::fmt::{self, Formatter};

use ironroot_identity::{CertificateSerial, DeviceId, RevocationReason};
use ironroot_standing::{Event, NotReleased, QuarantineReason, release};
use ironroot_store::ApplyError;
use serde::{Deserialize, Serialize};

use super::{Actor, Kind};
use crate::fold::{Refused, Step, refuse, unknown};
use crate::row::{DeviceRow, InTwoPlacesRow, ReasonRow};

/// A device's certificate was used from more places at one time than its profile allows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceInTwoPlaces {
    /// The device.
    pub device: DeviceId,
    /// The certificate.
    pub certificate: CertificateSerial,
    /// Where it was used.
    pub door: String,
    /// From which addresses, and how that showed: the digest of a payload.
    pub why: String,
}

impl Kind for DeviceInTwoPlaces {
    const KIND: &'static str = "device.in_two_places";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            device,
            certificate,
            door,
            ..
        } = self;
        write!(
            f,
            "Certificate {certificate} of {device} was used in two places at once, at the {door} door."
        )
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        let row = step.get::<DeviceRow>(self.device.as_str())?;
        let mut row = row.ok_or_else(|| unknown(&self.device))?;
        row.in_two_places = Some(InTwoPlacesRow {
            certificate: self.certificate,
            why: self.why.clone(),
            at: step.at,
            entry: step.index,
        });
        // Not `put_device`: its Standing stays as it is.
        step.put(self.device.as_str(), &row)
    }

    fn device(&self) -> Option<&DeviceId> {
        Some(&self.device)
    }

    fn why(&self) -> Option<&str> {
        Some(&self.why)
    }
}

/// A reason for quarantine came up.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceQuarantined {
    /// The device.
    pub device: DeviceId,
    /// The kind of the reason.
    pub reason: QuarantineReason,
    /// Who asked for it.
    pub by: Actor,
    /// Why, in their words: the digest of a payload.
    pub why: String,
}

impl Kind for DeviceQuarantined {
    const KIND: &'static str = "device.quarantined";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            device, by, reason, ..
        } = self;
        write!(f, "{device} was quarantined by {by} ({reason}).")
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        let reason = ReasonRow {
            kind: self.reason,
            by: self.by.clone(),
            why: self.why.clone(),
            at: step.at,
            entry: step.index,
        };
        step.change(&self.device, Event::Quarantine, |row| {
            row.reasons.retain(|known| known.kind != reason.kind);
            row.reasons.push(reason);
            Ok(())
        })
    }

    fn device(&self) -> Option<&DeviceId> {
        Some(&self.device)
    }

    fn why(&self) -> Option<&str> {
        Some(&self.why)
    }
}

/// A reason for quarantine was taken away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceReleased {
    /// The device.
    pub device: DeviceId,
    /// The kind of the reason.
    pub reason: QuarantineReason,
    /// Who took it away.
    pub by: Actor,
    /// Why, in their words: the digest of a payload.
    pub why: String,
}

impl Kind for DeviceReleased {
    const KIND: &'static str = "device.released";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            device, by, reason, ..
        } = self;
        write!(
            f,
            "The quarantine of {device} ({reason}) was lifted by {by}."
        )
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        let mut row = step.device(&self.device, Event::Release)?;
        let device = self.device.clone();
        // The device is released with the last of its reasons.
        row.lifecycle = release(row.lifecycle, &row.reason_kinds(), self.reason).map_err(
            |cause| match cause {
                NotReleased::NotAllowed(cause) => refuse(Refused::Lifecycle { device, cause }),
                NotReleased::NoSuchReason(reason) => {
                    refuse(Refused::NoSuchReason { device, reason })
                }
            },
        )?;
        row.reasons.retain(|known| known.kind != self.reason);
        step.put_device(row)
    }

    fn device(&self) -> Option<&DeviceId> {
        Some(&self.device)
    }

    fn why(&self) -> Option<&str> {
        Some(&self.why)
    }
}

/// The owner gave the device up; its certificates are revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceTransferred {
    /// The device.
    pub device: DeviceId,
    /// Who ordered it.
    pub by: Actor,
    /// Why, in their words: the digest of a payload.
    pub why: String,
}

impl Kind for DeviceTransferred {
    const KIND: &'static str = "device.transferred";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { device, by, .. } = self;
        write!(
            f,
            "{device} was given up by {by}; its certificates are revoked."
        )
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        let revoked = RevocationReason::AffiliationChanged;
        give_up(step, &self.device, Event::Transfer, revoked)
    }

    fn device(&self) -> Option<&DeviceId> {
        Some(&self.device)
    }

    fn why(&self) -> Option<&str> {
        Some(&self.why)
    }
}

/// The device's life here ended; its certificates are revoked and its secrets shredded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceRetired {
    /// The device.
    pub device: DeviceId,
    /// Who ordered it.
    pub by: Actor,
    /// Why, in their words: the digest of a payload.
    pub why: String,
}

impl Kind for DeviceRetired {
    const KIND: &'static str = "device.retired";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { device, by, .. } = self;
        write!(
            f,
            "{device} was retired by {by}; its certificates are revoked."
        )
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        let revoked = RevocationReason::CessationOfOperation;
        give_up(step, &self.device, Event::Retire, revoked)
    }

    fn device(&self) -> Option<&DeviceId> {
        Some(&self.device)
    }

    fn why(&self) -> Option<&str> {
        Some(&self.why)
    }
}

fn give_up(
    step: &mut Step<'_>,
    device: &DeviceId,
    event: Event,
    reason: RevocationReason,
) -> Result<(), ApplyError> {
    let mut revoked = Vec::new();
    step.change(device, event, |row| {
        row.reasons.clear();
        revoked = std::mem::take(&mut row.certificates);
        Ok(())
    })?;
    step.revoke(&revoked, reason)
}
