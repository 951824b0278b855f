//! Why and when a certificate was revoked.

use core::fmt;

use serde::{Deserialize, Serialize};

/// Why a certificate was revoked (RFC 5280 section 5.3.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RevocationReason {
    /// Somebody else has its key, or may have it.
    KeyCompromise,
    /// Its holder belongs to somebody else now.
    AffiliationChanged,
    /// Its holder has a newer one.
    Superseded,
    /// Its holder's life here has ended.
    CessationOfOperation,
    /// Its holder may no longer do what it stands for.
    PrivilegeWithdrawn,
}

/// A certificate's revocation, as CRLs and OCSP responses tell it. It is for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Revocation {
    /// When, seconds since 1970.
    pub at_s: u64,
    /// Why.
    pub reason: RevocationReason,
}

impl RevocationReason {
    /// Its number as a `CRLReason` (RFC 5280 section 5.3.1).
    pub fn code(self) -> u8 {
        match self {
            Self::KeyCompromise => 1,
            Self::AffiliationChanged => 3,
            Self::Superseded => 4,
            Self::CessationOfOperation => 5,
            Self::PrivilegeWithdrawn => 9,
        }
    }
}

impl fmt::Display for RevocationReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::KeyCompromise => "key compromise",
            Self::AffiliationChanged => "affiliation changed",
            Self::Superseded => "superseded",
            Self::CessationOfOperation => "cessation of operation",
            Self::PrivilegeWithdrawn => "privilege withdrawn",
        })
    }
}
