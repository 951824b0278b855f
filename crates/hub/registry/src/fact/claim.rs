//! Claims: a person says that a serial is theirs, or takes that back.

use std::fmt::{self, Formatter};

use ironroot_identity::{DeviceId, ProfileName};
use ironroot_standing::{Event, Lifecycle};
use ironroot_store::ApplyError;
use serde::{Deserialize, Serialize};

use super::{Actor, Kind};
use crate::fold::{Refused, Step, next, refuse};
use crate::row::{DeviceRow, ProfileRow};

/// A person claimed a serial; a token was made for its enrolment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceClaimed {
    /// The serial.
    pub device: DeviceId,
    /// The class it belongs to.
    pub profile: ProfileName,
    /// When the claim ends unless it is used.
    pub expires: u64,
    /// Who claimed it.
    pub by: Actor,
}

impl Kind for DeviceClaimed {
    const KIND: &'static str = "device.claimed";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self {
            device,
            profile,
            by,
            ..
        } = self;
        write!(f, "{device} was claimed by {by} as {profile}.")
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        let Self {
            device, profile, ..
        } = self;
        if step.get::<ProfileRow>(profile.as_str())?.is_none() {
            return Err(refuse(Refused::UnknownProfile(profile.clone())));
        }
        let before = step.get::<DeviceRow>(device.as_str())?;
        let lifecycle = next(device, before.map(|row| row.lifecycle), Event::Claim)?;
        let row = DeviceRow {
            id: device.clone(),
            profile: profile.clone(),
            lifecycle,
            reasons: Vec::new(),
            claim: step.index,
            claim_expires: self.expires,
            in_two_places: None,
            enrolled_spki: None,
            certificates: Vec::new(),
            changed: step.at,
            changed_entry: step.index,
        };
        step.put_device(row)
    }

    fn device(&self) -> Option<&DeviceId> {
        Some(&self.device)
    }
}

/// A person took a claim back before its device came.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceClaimWithdrawn {
    /// The serial.
    pub device: DeviceId,
    /// Who took it back.
    pub by: Actor,
}

impl Kind for DeviceClaimWithdrawn {
    const KIND: &'static str = "device.claim_withdrawn";

    fn sentence(&self, f: &mut Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "The claim of {} was withdrawn by {}.",
            self.device, self.by
        )
    }

    fn fold(&self, step: &mut Step<'_>) -> Result<(), ApplyError> {
        let row = step.get::<DeviceRow>(self.device.as_str())?;
        let waiting =
            row.filter(|row| row.lifecycle == Lifecycle::Claimed && !row.claim_withdrawn());
        let mut row = waiting.ok_or_else(|| {
            refuse(Refused::NoClaim {
                device: self.device.clone(),
            })
        })?;
        row.claim_expires = DeviceRow::CLAIM_WITHDRAWN;
        step.put_device(row)
    }

    fn device(&self) -> Option<&DeviceId> {
        Some(&self.device)
    }
}
