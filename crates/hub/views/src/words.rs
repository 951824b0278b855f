//! From the hub's own types to the words of the API.

use ironroot_api::{Lifecycle, RevocationReason, Tier};
use ironroot_identity as identity;
use ironroot_registry::{Actor, DeviceRow};
use ironroot_standing::{self as standing, QuarantineReason};
use ironroot_time::UnixTime;

pub(crate) fn lifecycle(state: standing::Lifecycle) -> Lifecycle {
    match state {
        standing::Lifecycle::Claimed => Lifecycle::Claimed,
        standing::Lifecycle::Enrolled => Lifecycle::Enrolled,
        standing::Lifecycle::Active => Lifecycle::Active,
        standing::Lifecycle::Quarantined => Lifecycle::Quarantined,
        standing::Lifecycle::Transferred => Lifecycle::Transferred,
        standing::Lifecycle::Retired => Lifecycle::Retired,
    }
}

/// Where the device of a row is in its life when its Standing is in `state`.
pub(crate) fn life(row: &DeviceRow, state: standing::Lifecycle) -> Lifecycle {
    match lifecycle(state) {
        Lifecycle::Claimed if row.claim_withdrawn() => Lifecycle::Withdrawn,
        state => state,
    }
}

pub(crate) fn tier(tier: standing::Tier) -> Tier {
    match tier {
        standing::Tier::None => Tier::None,
        standing::Tier::Affirming => Tier::Affirming,
        standing::Tier::Warning => Tier::Warning,
        standing::Tier::Contraindicated => Tier::Contraindicated,
    }
}

pub(crate) fn reason(kind: QuarantineReason) -> &'static str {
    match kind {
        QuarantineReason::Person => "person",
        QuarantineReason::Finding => "finding",
        QuarantineReason::AttestationResult => "attestation",
        QuarantineReason::Limit => "limit",
    }
}

pub(crate) fn revocation(reason: identity::RevocationReason) -> RevocationReason {
    match reason {
        identity::RevocationReason::KeyCompromise => RevocationReason::KeyCompromise,
        identity::RevocationReason::AffiliationChanged => RevocationReason::AffiliationChanged,
        identity::RevocationReason::Superseded => RevocationReason::Superseded,
        identity::RevocationReason::CessationOfOperation => RevocationReason::CessationOfOperation,
        identity::RevocationReason::PrivilegeWithdrawn => RevocationReason::PrivilegeWithdrawn,
    }
}

/// The person behind an act, if it was one.
pub(crate) fn person(actor: &Actor) -> Option<String> {
    match actor {
        Actor::Token(name) => Some(name.clone()),
        Actor::Hub => None,
    }
}

/// Milliseconds since 1970 as the API writes moments.
pub(crate) fn moment(ms: u64) -> String {
    UnixTime::from_ms(ms).to_string()
}

/// A moment inside a sentence: `2026-11-22 14:07:31 UTC`.
pub(crate) fn spoken(ms: u64) -> String {
    let text = moment(ms);
    let (day, rest) = text.split_once('T').unwrap_or((&text, ""));
    let time = rest.split('.').next().unwrap_or(rest);
    format!("{day} {time} UTC")
}

/// `1 device`, `2 devices`.
pub(crate) fn counted(count: u64, one: &str, more: &str) -> String {
    if count == 1 {
        format!("1 {one}")
    } else {
        format!("{count} {more}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_spoken_moment_has_seconds_and_its_zone() {
        assert_eq!(spoken(1_795_323_961_042), "2026-11-22 05:06:01 UTC");
    }

    #[test]
    fn one_is_singular() {
        assert_eq!(counted(1, "order", "orders"), "1 order");
        assert_eq!(counted(0, "order", "orders"), "0 orders");
    }
}
