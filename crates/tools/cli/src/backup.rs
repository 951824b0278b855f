//! A backup fetched from a running hub, for `ironroot backup create`.

use std::io::Write;
use std::path::Path;

use anyhow::anyhow;

use crate::connection::HubArgs;
use crate::failure::Failure;
use crate::hub::Hub;

/// What came of asking a hub for a backup.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Copied {
    /// It sent one, to its end.
    Whole,
    /// No hub runs on this data directory.
    NoHub,
}

impl HubArgs {
    /// The data directory.
    pub fn data(&self) -> &Path {
        &self.data
    }

    /// Whether the answer is wanted as JSON.
    pub fn json(&self) -> bool {
        self.json
    }

    /// Writes a backup of the running hub to `out`.
    ///
    /// # Errors
    /// What the hub refused, or what stood in the way; what was written is then of no use.
    pub fn copy_backup(&self, out: &mut dyn Write) -> anyhow::Result<Copied> {
        let local = self.hub.is_none();
        if local && !self.data.join("addresses.json").exists() {
            return Ok(Copied::NoHub);
        }
        let hub = Hub::new(self.find()?)?;
        let found = hub
            .download("/backup", out)
            .map_err(|failure| match failure {
                Failure::Other(cause) => cause,
                refused => anyhow!("{refused}"),
            })?;
        match (found, local) {
            (Some(()), _) => Ok(Copied::Whole),
            (None, true) => Ok(Copied::NoHub),
            (None, false) => Err(anyhow!("no hub answers there")),
        }
    }
}
