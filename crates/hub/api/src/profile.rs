//! Device profiles: what a class of devices is allowed and must prove.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// A profile as lists show it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProfileItem {
    /// Its name.
    pub name: String,
    /// One line about the class of devices, empty when the file has none.
    pub summary: String,
    /// The kind of Evidence its devices must give, or `none`.
    pub evidence: String,
    /// How many devices have it.
    pub devices: u64,
    /// SHA-256 of the file, in hexadecimal: two hubs with the same digest have the same profile.
    pub digest: String,
}

/// One profile, whole.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProfileDetail {
    /// What lists show of it.
    #[serde(flatten)]
    pub item: ProfileItem,
    /// The TOML file, as it is in force.
    pub toml: String,
}
