//! Tokens of the API: who may ask it.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;

/// A new token of the hub's owner; the one before it is void.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// What to send as `Authorization: Bearer`.
    pub token: Secret,
}

/// A token for a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNamedToken {
    /// Whose it is; the journal names what is done with it so.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9._-]+$",
        example = "grafana"
    )]
    pub name: String,
}

/// A token that was made for a program.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct TokenMade {
    /// Whose it is.
    pub name: String,
    /// What to send as `Authorization: Bearer`; shown only here.
    pub token: Secret,
    /// The journal entry that records it.
    pub entry: u64,
}

/// A token as lists show it: the hub keeps its digest alone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenItem {
    /// Whose it is.
    pub name: String,
    /// When it was made.
    #[schema(format = DateTime)]
    pub made: String,
    /// The journal entry that records it.
    pub entry: u64,
}

/// A token that was revoked.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct TokenRevoked {
    /// Whose it was.
    pub name: String,
    /// The journal entry that records it.
    pub entry: u64,
}
