//! Claims: a person says that a serial is theirs and gets the token that lets the device enrol once.

use std::time::Duration;

use ironroot_identity::{DeviceId, ProfileName};
use ironroot_registry::{Actor, Fact};
use ironroot_time::{Clock, Rng, UnixTime};
use zeroize::Zeroizing;

use super::secrets::{claim_secret, new_token, token_digest};
use crate::ledger::{Ledger, NotRecorded};

/// A claim that was recorded.
#[derive(Debug)]
pub struct Claimed {
    /// The token, which exists nowhere else.
    pub token: Zeroizing<String>,
    /// When the claim ends unless it is used.
    pub expires: UnixTime,
}

/// Records the claim of `device` by `by`; a claim before it that was not used is void.
///
/// # Errors
/// [`NotRecorded`] when the device is in use already, or the profile is unknown.
pub async fn claim(
    ledger: &Ledger,
    (clock, rng): (&dyn Clock, &dyn Rng),
    device: DeviceId,
    profile: ProfileName,
    lifetime: Duration,
    by: Actor,
) -> Result<Claimed, NotRecorded> {
    let token = new_token(rng);
    let expires = clock.now().plus(lifetime);
    let secret = claim_secret(&device);
    let fact = Fact::DeviceClaimed {
        device,
        profile,
        expires: expires.as_ms(),
        by,
    };
    ledger
        .record_with(&fact, |change| change.keeping(secret, token_digest(&token)))
        .await?;
    Ok(Claimed { token, expires })
}
