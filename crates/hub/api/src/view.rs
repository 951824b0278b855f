//! Saved views: questions about the devices that have a name.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The largest number of saved views.
pub const VIEWS_MAX: usize = 32;

/// The largest number of bytes in the query of a saved view.
pub const VIEW_QUERY_LENGTH_MAX: usize = 512;

/// A view to be saved; it takes the place of one with the same name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewView {
    /// What to call it; `[A-Za-z0-9._-]`, 1 to 64 characters.
    #[schema(
        min_length = 1,
        max_length = 64,
        pattern = "^[A-Za-z0-9._-]+$",
        example = "cameras-shut-out"
    )]
    pub name: String,
    /// Which devices, in which order: a query of `/devices` without `limit`, `cursor` and `count`.
    #[schema(max_length = 512, example = "profile=camera&lifecycle=quarantined")]
    pub query: String,
}

/// A saved view.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SavedView {
    /// What it is called.
    pub name: String,
    /// The query of `/devices`.
    pub query: String,
    /// The journal entry that saved it.
    pub entry: u64,
}

/// A saved view that is gone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ViewRemoved {
    /// What it was called.
    pub name: String,
    /// The journal entry that records it.
    pub entry: u64,
}
