//! Which database, and how long to wait for it.

use std::time::Duration;

use crate::PostgresUrl;

/// For how long a hub holds the pen after its last word, where its URL does not say.
const LEASE: Duration = Duration::from_secs(15);

/// How to open a store.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The database.
    pub url: PostgresUrl,
    /// How long the database may take over one step before its connection counts as lost.
    pub patience: Duration,
    /// For how long a hub holds the pen after its last word, by the database's clock.
    pub lease: Duration,
}

impl Settings {
    /// The store in the database at `url`.
    pub fn new(url: PostgresUrl) -> Self {
        Self {
            patience: Duration::from_secs(5),
            lease: url.0.lease.unwrap_or(LEASE),
            url,
        }
    }
}
