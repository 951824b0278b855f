//! The files of the data folder that others read: addresses, CA certificates, the administrator's token.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use crate::settings::Listen;

/// Where the hub can be reached: the content of `addresses.json`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Addresses {
    /// Console and API.
    pub console: String,
    /// MQTT over TLS.
    pub mqtt: String,
    /// EST over HTTPS.
    pub device: String,
    /// The CA's certificates.
    pub pki: String,
}

impl Addresses {
    /// The URLs of doors that listen there.
    pub fn new(listen: Listen) -> Self {
        let url = |scheme, address: SocketAddr| format!("{scheme}://localhost:{}", address.port());
        Self {
            console: url("http", listen.console),
            mqtt: url("mqtts", listen.mqtt),
            device: url("https", listen.device),
            pki: url("http", listen.pki),
        }
    }

    /// The content of `addresses.json`.
    pub fn to_json(&self) -> String {
        let Self {
            console,
            mqtt,
            device,
            pki,
        } = self;
        let object =
            serde_json::json!({"console": console, "mqtt": mqtt, "device": device, "pki": pki});
        format!("{object:#}\n")
    }
}

/// A file of the data folder that cannot be written.
#[derive(Debug, thiserror::Error)]
#[error("{}", path.display())]
pub struct NotWritten {
    /// Which.
    pub path: PathBuf,
    /// Why.
    #[source]
    pub cause: io::Error,
}

/// Makes the data folder, for its owner alone.
///
/// # Errors
/// [`NotWritten`] names the folder.
pub fn make_folder(folder: &Path) -> Result<(), NotWritten> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(|cause| NotWritten {
            path: folder.to_owned(),
            cause,
        })
}

/// Writes `content` so that a reader sees the old file or the whole new one.
///
/// # Errors
/// [`NotWritten`] names the file.
pub fn write(path: &Path, content: &[u8], mode: Mode) -> Result<(), NotWritten> {
    let written = || {
        let beside = path.with_extension("new");
        let _left_over = fs::remove_file(&beside);
        let mut options = OpenOptions::new();
        let mut file: File = options
            .write(true)
            .create_new(true)
            .mode(mode.bits())
            .open(&beside)?;
        file.write_all(content)?;
        file.sync_all()?;
        fs::rename(&beside, path)
    };
    written().map_err(|cause| NotWritten {
        path: path.to_owned(),
        cause,
    })
}

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Its owner.
    Private,
    /// Everybody.
    Public,
}

impl Mode {
    fn bits(self) -> u32 {
        match self {
            Self::Private => 0o600,
            Self::Public => 0o644,
        }
    }
}
