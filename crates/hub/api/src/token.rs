//! The API's own token.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::Secret;

/// A new API token; the one before it is void.
#[derive(Clone, Debug, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    /// What to send as `Authorization: Bearer`.
    pub token: Secret,
}
