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
    /// The hub's key as its sign-in page shows it, to know it by: the first eight bytes of the SHA-256 of its root
    /// CA's certificate.
    #[serde(default)]
    pub key: String,
    /// How the key is had that the hub's secrets are sealed with.
    pub sealing: String,
    /// Where the issuing CA's key is.
    pub ca_key: String,
    /// The journal's verifier key (C2SP signed-note).
    pub log: String,
    /// The archive's URL; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub archive: Option<String>,
    /// When the last backup was made; absent when none is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schema(format = DateTime)]
    pub last_backup: Option<String>,
    /// The newest snapshot of the state, from which it is made again; absent when there is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub snapshot: Option<SnapshotKept>,
    /// After how many entries a snapshot is taken; 0 when only a person asks for one.
    #[serde(default)]
    pub snapshot_every_entries: u64,
    /// Whether the machine's clock has jumped and waits for a person.
    pub clock_stepped: bool,
    /// Whether a password for the console is set.
    pub has_password: bool,
    /// Where the doors are.
    pub doors: DoorAddresses,
}

/// A snapshot of the state that the journal has recorded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SnapshotKept {
    /// How many entries are folded into it.
    pub entries: u64,
    /// When it was taken.
    #[schema(format = DateTime)]
    pub at: String,
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
