//! One certificate of the hub, whoever holds it, and its revocation.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::order::why_too_long;
use crate::{Certificate, FieldFault, problem::outcome, words::words};

words! {
    /// Who holds a certificate.
    pub enum HolderKind {
        /// A device.
        Device = "device",
        /// A backend application.
        Service = "service",
        /// The hub itself: its doors and its OCSP responders.
        Hub = "hub",
    }
}

words! {
    /// Why a certificate is revoked (RFC 5280 section 5.3.1).
    pub enum RevocationReason {
        /// Somebody else has its key, or may have it.
        KeyCompromise = "key_compromise",
        /// Its holder belongs to somebody else now.
        AffiliationChanged = "affiliation_changed",
        /// Its holder has a newer one.
        Superseded = "superseded",
        /// Its holder's life here has ended.
        CessationOfOperation = "cessation_of_operation",
        /// Its holder may no longer do what it stands for.
        PrivilegeWithdrawn = "privilege_withdrawn",
    }
}

/// A certificate in the list of all of them.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateItem {
    /// Who holds it.
    pub holder_kind: HolderKind,
    /// The holder's id; empty for the hub itself.
    pub holder: String,
    /// Which of the hub's issuing CAs signed it.
    pub ca: String,
    /// Why it was revoked, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<RevocationReason>,
    /// The certificate.
    #[serde(flatten)]
    pub certificate: Certificate,
}

/// An order to revoke the certificate in the path, for good.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewRevocation {
    /// Why, as CRLs and OCSP responses tell it.
    pub reason: RevocationReason,
    /// Why, for whoever reads the journal; at most 1,000 bytes.
    #[schema(max_length = 1000)]
    pub why: String,
}

impl NewRevocation {
    /// Checks the form.
    ///
    /// # Errors
    /// `why` when it is too long or missing.
    pub fn check(&self) -> Result<(), Vec<FieldFault>> {
        let mut faults = Vec::new();
        if self.why.trim().is_empty() {
            let missing = "a revocation needs a reason in words: it stands in the journal";
            faults.push(FieldFault::new("why", missing.to_owned()));
        }
        faults.extend(why_too_long(&self.why));
        outcome(faults)
    }
}

/// A certificate that was revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CertificateRevoked {
    /// Its serial number.
    pub serial: String,
    /// The journal entry that revokes it.
    pub entry: u64,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_revocation_needs_words_and_not_too_many() {
        let revocation = |why: String| NewRevocation {
            reason: RevocationReason::KeyCompromise,
            why,
        };
        assert_eq!(revocation("stolen".to_owned()).check(), Ok(()));
        for why in [" ".to_owned(), "x".repeat(1_001)] {
            assert_eq!(revocation(why).check().unwrap_err()[0].field, "why");
        }
    }
}
