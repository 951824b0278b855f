//! A Standing: all that is known about whether a device can be trusted, with reasons.

use core::fmt;

use serde::{Deserialize, Serialize};

use crate::Lifecycle;

/// The level of an Attestation Result (AR4SI trustworthiness tiers).
#[derive(
    Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// No Attestation Result.
    #[default]
    None,
    /// The Evidence agrees with the Reference Values.
    Affirming,
    /// The Evidence is in order and something wants attention.
    Warning,
    /// The Evidence contradicts the Reference Values.
    Contraindicated,
}

impl fmt::Display for Tier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::None => "none",
            Self::Affirming => "affirming",
            Self::Warning => "warning",
            Self::Contraindicated => "contraindicated",
        })
    }
}

/// Why a device is under quarantine. A device has each reason at most once.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum QuarantineReason {
    /// A person ordered it; `release` removes this reason and no other.
    Person,
    /// A Finding asks for it.
    Finding,
    /// An Attestation Result asks for it.
    AttestationResult,
    /// The device went past a limit of its profile.
    Limit,
}

impl fmt::Display for QuarantineReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Person => "person",
            Self::Finding => "finding",
            Self::AttestationResult => "attestation_result",
            Self::Limit => "limit",
        })
    }
}

/// What is known about one device, as far as its Grant follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Standing {
    /// Where it stands in its life; `Quarantined` as long as it has a reason.
    pub lifecycle: Lifecycle,
    /// The tier of its last good Attestation Result, while that is fresh.
    pub tier: Tier,
}
