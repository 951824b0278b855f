//! How the hub keeps what it keeps: what does not change while it runs, and how full it is.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// Where the hub keeps what, and with what keys. No secret stands in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct HubSettings {
    /// The database's URL, without a password.
    pub store: String,
    /// How large its files are; absent for a database server.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub store_bytes: Option<u64>,
    /// How much room the disk of the data folder has; absent when the system does not say.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub free_bytes: Option<u64>,
    /// The data folder.
    pub data: String,
    /// How the key is had that the hub's secrets are sealed with.
    pub sealing: String,
    /// Where the issuing CA's key is.
    pub ca_key: String,
    /// The journal's verifier key (C2SP signed-note).
    pub log: String,
    /// The archive's URL; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<String>,
    /// When the last backup was made since the hub started; absent when none was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub last_backup: Option<String>,
    /// Whether the machine's clock has jumped and waits for a person.
    pub clock_stepped: bool,
    /// Whether a password for the console is set.
    pub has_password: bool,
    /// Where the doors are.
    pub doors: DoorAddresses,
}

/// Where the doors are, as URLs.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DoorAddresses {
    /// Pages and API.
    pub console: String,
    /// MQTT.
    pub mqtt: String,
    /// Enrolment.
    pub device: String,
    /// Revocation lists, OCSP and CA certificates.
    pub pki: String,
}
