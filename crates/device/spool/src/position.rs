//! Up to where the hub has everything: a small file that is replaced whole.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use serde::{Deserialize, Serialize};

/// What stands in the file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Position {
    /// Which spool this is, so that the numbers of two are told apart.
    pub(crate) spool: String,
    /// The last number that the hub has, or knows to be lost.
    pub(crate) settled: u64,
}

impl Position {
    /// What stands in `folder`; nothing when there is none, or none that can be read.
    pub(crate) fn read(folder: &Path) -> io::Result<Option<Self>> {
        match fs::read(folder.join(NAME)) {
            Ok(bytes) => Ok(serde_json::from_slice(&bytes).ok()),
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(cause) => Err(cause),
        }
    }

    /// Puts it in place of what stands in `folder`: after a power cut one of the two is there, whole.
    pub(crate) fn write(&self, folder: &Path) -> io::Result<()> {
        let beside = folder.join("position.new");
        let mut file = File::create(&beside)?;
        file.write_all(&serde_json::to_vec(self)?)?;
        file.sync_all()?;
        fs::rename(&beside, folder.join(NAME))?;
        File::open(folder)?.sync_all()
    }
}

const NAME: &str = "position";
