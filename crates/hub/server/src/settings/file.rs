//! The settings file: each section's struct sits with what it sets; the small ones are here.

use std::path::Path;

use ironroot_backup::Pace;
use ironroot_broker::BrokerSettings;
use serde::Deserialize;

use crate::clock::ClockSettings;
use crate::collect::doors::http::HttpSettings;
use crate::collect::doors::mqtt::MqttSettings;
use crate::enforce::archive::ArchiveSettings;
use crate::enforce::snapshots::SnapshotSettings;

/// The settings file. Every section and field may be left out.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FileSettings {
    /// How the hub is called.
    pub hub: HubSection,
    /// Where keys lie.
    pub keys: KeysSection,
    /// The database.
    pub store: StoreSection,
    /// The archive of the journal's old entries.
    pub archive: ArchiveSettings,
    /// Snapshots of the state.
    pub snapshots: SnapshotSettings,
    /// Backups of the running hub.
    pub backup: BackupSection,
    /// The MQTT door.
    pub mqtt: MqttSettings,
    /// Sessions and messages behind the MQTT door.
    pub broker: BrokerSettings,
    /// The device door (EST).
    pub device: HttpSettings,
    /// Console and API.
    pub console: HttpSettings,
    /// The door of the CA's certificates.
    pub pki: HttpSettings,
    /// How far the machine's clock is trusted.
    pub clock: ClockSettings,
}

/// How the hub is called.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct HubSection {
    /// Host names and addresses that devices reach it by, beside `localhost`; the first stands in
    /// certificates as the address of the CA's certificates, and names the journal.
    pub names: Vec<String>,
}

/// Where keys lie, as on the command line, which comes first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct KeysSection {
    /// Where the sealing key comes from, at the first start.
    pub seal_key: Option<String>,
    /// The token that makes and keeps the issuing CA's key, at the first start.
    pub ca_key: Option<String>,
}

/// The database.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct StoreSection {
    /// The most bytes that the store may take; past it the journal stops, and Grants only shrink.
    /// No bound but the disk's when absent. For SQLite alone.
    pub size_max_bytes: Option<u64>,
}

/// Backups of the running hub.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct BackupSection {
    /// How many bytes of the store are read per second at most, so that devices notice nothing.
    pub bytes_per_s_max: u64,
}

impl Default for BackupSection {
    fn default() -> Self {
        Self {
            bytes_per_s_max: 16 << 20,
        }
    }
}

impl BackupSection {
    /// How fast a backup goes.
    pub fn pace(self) -> Pace {
        Pace {
            bytes_per_s: Some(self.bytes_per_s_max),
        }
    }
}

impl FileSettings {
    /// The settings file that is named, or the one of the data folder, if there is one.
    ///
    /// # Errors
    /// The file and what is wrong with it.
    pub fn read(data: &Path, named: Option<&Path>) -> Result<Self, String> {
        let path = named.map_or_else(|| data.join("ironroot.toml"), Path::to_owned);
        let text = match std::fs::read_to_string(&path) {
            Ok(text) => text,
            Err(cause) if named.is_none() && cause.kind() == std::io::ErrorKind::NotFound => {
                String::new()
            }
            Err(cause) => return Err(format!("{}: {cause}", path.display())),
        };
        parse(&text).map_err(|fault| format!("{}: {fault}", path.display()))
    }
}

pub(super) fn parse(text: &str) -> Result<FileSettings, String> {
    let document = toml::Deserializer::parse(text).map_err(|cause| cause.to_string())?;
    serde_path_to_error::deserialize(document)
        .map_err(|cause| format!("{}: {}", cause.path(), cause.inner().message()))
}
