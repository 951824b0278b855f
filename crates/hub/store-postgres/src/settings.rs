//! Which database, and how long to wait for it.

use std::time::Duration;

use crate::PostgresUrl;

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
            url,
            patience: Duration::from_secs(5),
            lease: Duration::from_secs(15),
        }
    }
}
