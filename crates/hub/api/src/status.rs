//! How the hub is: what works, what does not, and what to do about it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The hub's state at one moment.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Status {
    /// The program's version.
    pub version: String,
    /// When the program started.
    #[schema(format = DateTime)]
    pub started_at: String,
    /// Whether it is the demonstration's hub, whose devices are all simulated.
    #[serde(default)]
    pub demonstration: bool,
    /// Known devices.
    pub devices: u64,
    /// Live MQTT sessions of devices and services.
    pub sessions: u64,
    /// The database.
    pub store: StoreStatus,
    /// The journal.
    pub journal: JournalStatus,
    /// What does not work, gravest first; empty when all is well.
    pub degraded: Vec<Degraded>,
}

/// Whether the database takes writes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct StoreStatus {
    /// Whether it does.
    pub ok: bool,
    /// Why it does not; absent when it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
}

/// How far the journal is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct JournalStatus {
    /// Committed entries.
    pub entries: u64,
    /// How many of them, from the first on, are in the archive alone.
    #[serde(default)]
    pub archived: u64,
    /// The newest signed checkpoint; null before the first.
    #[schema(required = true)]
    pub checkpoint: Option<CheckpointStatus>,
}

/// The newest signed checkpoint.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CheckpointStatus {
    /// Entries it covers.
    pub size: u64,
    /// Its age in seconds.
    pub age_s: u64,
}

/// One thing that does not work.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Degraded {
    /// What is wrong and what the hub refuses because of it.
    pub what: String,
    /// What a person can do.
    pub remedy: String,
    /// Since when.
    #[schema(format = DateTime)]
    pub since: String,
}
