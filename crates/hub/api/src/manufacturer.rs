//! The CAs of device makers, whose IDevID certificates the hub takes at enrolment.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A maker's CA to be trusted for IDevID certificates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewManufacturerCa {
    /// What to call it; `[A-Za-z0-9._-]`, 1 to 64 characters.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9._-]+$",
        example = "acme"
    )]
    pub name: String,
    /// The CA certificate, PEM, exactly one.
    pub pem: String,
    /// Set before the serials of this maker, since serials of two makers may collide.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(example = "acme-")]
    pub serial_prefix: Option<String>,
}

/// A maker's CA that the hub trusts for IDevID certificates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ManufacturerCa {
    /// What it is called here.
    pub name: String,
    /// The certificate's subject, RFC 4514.
    pub subject: String,
    /// SHA-256 of the certificate's DER bytes, in hexadecimal.
    pub fingerprint: String,
    /// End of the certificate's validity.
    #[schema(format = DateTime)]
    pub not_after: String,
    /// Set before the serials of this maker.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub serial_prefix: Option<String>,
    /// The journal entry that records its adding.
    pub entry: u64,
}

/// A maker's CA that is trusted no more; devices that enrolled through it stay.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ManufacturerCaRemoved {
    /// What it was called.
    pub name: String,
    /// The journal entry that records it.
    pub entry: u64,
}
