//! Device profiles: what a class of devices is allowed and must prove.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::{GrantSummary, Lifecycle, Tier};

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

/// A profile's text, to be looked at before it is applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewProfile {
    /// The TOML file; its `name` says which profile it is.
    pub toml: String,
    /// The digest of the text that it was made from: when another one is in force meanwhile, nothing is applied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// What a profile's text would change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProfileCheck {
    /// The profile's name.
    pub name: String,
    /// Whether there is no profile of this name yet.
    pub new: bool,
    /// The digest of the text that is in force; absent for a new one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// How many devices have it.
    pub devices: u64,
    /// Devices whose Grant would be another, by their Standing, gravest first.
    pub grants: Vec<GrantChange>,
    /// How many of them have a session now and may not connect any more.
    pub cut: u64,
    /// What else would be another, for certificates to come.
    pub others: Vec<SettingChange>,
}

/// Devices of one Standing, whose Grant would be another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct GrantChange {
    /// Where they stand in their life.
    pub lifecycle: Lifecycle,
    /// Their tier.
    pub tier: Tier,
    /// How many there are.
    pub devices: u64,
    /// What they may do now; `{device}` stands for each one's id.
    pub before: GrantSummary,
    /// What they may do then.
    pub after: GrantSummary,
}

/// A setting of a profile that is no part of a Grant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SettingChange {
    /// The setting's path in the file.
    pub path: String,
    /// What it is.
    pub before: String,
    /// What it will be.
    pub after: String,
}

/// A profile that was applied.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ProfileApplied {
    /// The profile's name.
    pub name: String,
    /// The journal entry that records it; absent when it was in force already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub entry: Option<u64>,
}
