//! A way into the console without a password: a link that works once.

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
