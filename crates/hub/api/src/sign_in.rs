//! Ways into the console: a link that works once, a password, and the sessions that follow.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;

/// A link that signs one person in to the console, once.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct SignInLink {
    /// The link; whoever opens it first is signed in.
    pub url: Secret,
    /// When it ends unused.
    #[schema(format = DateTime)]
    pub expires: String,
}

/// A password to be set.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The password: at least 15 characters, at most 256 bytes, of any kind.
    pub password: Secret,
    /// The present one; wanted from a session of the console that was begun with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub current: Option<Secret>,
}

/// The password was set.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct PasswordSet {
    /// The journal entry that records it.
    pub entry: u64,
    /// How many sessions of the console were ended by it.
    pub sessions_ended: u32,
}

/// Somebody who is signed in to the console.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionItem {
    /// Who.
    pub name: String,
    /// By `link` or by `password`.
    pub by: String,
    /// Since when.
    #[schema(format = DateTime)]
    pub begun: String,
    /// When the session ends by itself.
    #[schema(format = DateTime)]
    pub ends: String,
}

/// Every session of the console was ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionsEnded {
    /// How many there were.
    pub sessions_ended: u32,
    /// The journal entry that records it.
    pub entry: u64,
}
