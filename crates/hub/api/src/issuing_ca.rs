//! The hub's own issuing CAs: a request for the next one, and its way into service.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A wish for the next issuing CA.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(default, deny_unknown_fields)]
pub struct NewCaRequest {
    /// Where its key is made: `sealed`, or a PKCS#11 URI. Absent, as the current one's, and on the same token under
    /// a new name.
    pub ca_key: Option<String>,
}

/// A request for the certificate of the next issuing CA.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CaRequest {
    /// PKCS#10 in PEM, for whoever keeps the root.
    pub csr: String,
}

/// A new issuing CA, to be put into service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewIssuingCa {
    /// Its certificate and then its root's, in PEM.
    pub pem: String,
}

/// An issuing CA that issues from now on.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct IssuingCaInstalled {
    /// Its number.
    pub number: String,
    /// SHA-256 of its certificate, in hexadecimal.
    pub fingerprint: String,
    /// When it ends.
    #[schema(format = DateTime)]
    pub not_after: String,
    /// The journal entry that records it.
    pub entry: u64,
}
