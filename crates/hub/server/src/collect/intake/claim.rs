//! Claims: a person says that a serial is theirs and gets the token that lets the device enrol once.

use std::time::Duration;

use ironroot_identity::{DeviceId, ProfileName};
use ironroot_registry::{Actor, DeviceClaimWithdrawn, DeviceClaimed, Fact, Registry};
use ironroot_standing::{Event, NotAllowed, transition};
use ironroot_time::{Clock, Rng, UnixTime};
use zeroize::Zeroizing;

use super::secrets::{claim_secret, new_token, token_digest};
use crate::ledger::{Ledger, NotRecorded};

/// A claim that a person asks for.
#[derive(Clone, Debug)]
pub struct AskedClaim {
    /// The serial.
    pub device: DeviceId,
    /// The class it belongs to.
    pub profile: ProfileName,
    /// How long the claim waits for its device.
    pub lifetime: Duration,
}

/// A claim that was recorded.
#[derive(Debug)]
pub struct Claimed {
    /// The token, which exists nowhere else.
    pub token: Zeroizing<String>,
    /// When the claim ends unless it is used.
    pub expires: UnixTime,
}

/// Why a serial cannot be claimed at present.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub enum NotClaimable {
    /// The hub has no such profile.
    #[error("there is no profile {0}")]
    UnknownProfile(ProfileName),
    /// The device is in use, or retired.
    #[error("{device}: {cause}")]
    InUse {
        /// The device.
        device: DeviceId,
        /// What the lifecycle table says. Part of the sentence above, so no source.
        cause: NotAllowed,
    },
}

/// Whether a serial could be claimed now.
///
/// # Errors
/// [`NotClaimable`] says why not.
pub fn check(registry: &Registry, asked: &AskedClaim) -> Result<(), NotClaimable> {
    if registry.profile(asked.profile.as_str()).is_none() {
        return Err(NotClaimable::UnknownProfile(asked.profile.clone()));
    }
    let known = registry.device(asked.device.as_str());
    let lifecycle = known.map(|device| device.lifecycle());
    transition(lifecycle, Event::Claim)
        .map(drop)
        .map_err(|cause| NotClaimable::InUse {
            device: asked.device.clone(),
            cause,
        })
}

/// Records claims by `by`, all of them or none; a claim before that was not used is void.
///
/// # Errors
/// [`NotRecorded`] when a device is in use already, or a profile is unknown.
pub async fn claim(
    ledger: &Ledger,
    (clock, rng): (&dyn Clock, &dyn Rng),
    asked: Vec<AskedClaim>,
    by: &Actor,
) -> Result<Vec<Claimed>, NotRecorded> {
    let now = clock.now();
    let (mut facts, mut claimed, mut secrets) = (Vec::new(), Vec::new(), Vec::new());
    for AskedClaim {
        device,
        profile,
        lifetime,
    } in asked
    {
        let (token, expires) = (new_token(rng), now.plus(lifetime));
        secrets.push((claim_secret(&device), token_digest(&token)));
        facts.push(Fact::from(DeviceClaimed {
            device,
            profile,
            expires: expires.as_ms(),
            by: by.clone(),
        }));
        claimed.push(Claimed { token, expires });
    }
    let keeping = |change| {
        secrets
            .into_iter()
            .fold(change, |change: ironroot_store::Change, (name, digest)| {
                change.keeping(name, digest)
            })
    };
    ledger.record_all(&facts, keeping).await?;
    Ok(claimed)
}

/// Takes a claim back that its device has not used; returns the entry.
///
/// # Errors
/// [`NotRecorded`] when no claim of the device waits.
pub async fn withdraw(ledger: &Ledger, device: DeviceId, by: Actor) -> Result<u64, NotRecorded> {
    let secret = claim_secret(&device);
    let fact = Fact::from(DeviceClaimWithdrawn { device, by });
    let receipt = ledger
        .record_with(&fact, |change| change.shredding(secret))
        .await?;
    Ok(receipt.indices.start)
}
