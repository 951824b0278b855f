//! A certificate as people and programs see it: which one, how long, whether it still counts.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::words::words;

/// A certificate that the hub's issuing CA made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Certificate {
    /// Serial number, 32 hexadecimal digits.
    pub serial: String,
    /// SHA-256 of the certificate's DER bytes, in hexadecimal.
    pub fingerprint: String,
    /// Start of validity.
    #[schema(format = DateTime)]
    pub not_before: String,
    /// End of validity.
    #[schema(format = DateTime)]
    pub not_after: String,
    /// Whether a door takes it.
    pub status: CertificateStatus,
    /// When it was revoked, if it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub revoked_at: Option<String>,
}

words! {
    /// Whether a door takes a certificate.
    pub enum CertificateStatus {
        /// It is taken.
        Valid = "valid",
        /// Its validity has ended; it serves to come back and nothing else.
        Expired = "expired",
        /// It was revoked and is on the CRL for good.
        Revoked = "revoked",
    }
}
