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

/// A file that is written beside its place, and has its name only when it is whole.
#[derive(Debug)]
pub struct Beside {
    /// What is written to.
    pub file: File,
    for_now: PathBuf,
    path: PathBuf,
    finished: bool,
}

impl Beside {
    /// Begins to write what will be at `path`.
    ///
    /// # Errors
    /// [`NotWritten`] names the file.
    pub fn begin(path: &Path, mode: Mode) -> Result<Self, NotWritten> {
        let mut beside = path.as_os_str().to_owned();
        beside.push(".unfinished");
        let beside = PathBuf::from(beside);
        let _left_over = fs::remove_file(&beside);
        let mut options = OpenOptions::new();
        let options = options.read(true).write(true).create_new(true);
        match options.mode(mode.bits()).open(&beside) {
            Ok(file) => Ok(Self {
                file,
                for_now: beside,
                path: path.to_owned(),
                finished: false,
            }),
            Err(cause) => Err(NotWritten {
                path: beside,
                cause,
            }),
        }
    }

    /// Where it lies for now.
    pub fn for_now(&self) -> &Path {
        &self.for_now
    }

    /// Makes it durable and gives it its name.
    ///
    /// # Errors
    /// [`NotWritten`] names the file.
    pub fn finish(mut self) -> Result<(), NotWritten> {
        let folder = self.path.parent().filter(|path| *path != Path::new(""));
        let finished = || {
            self.file.sync_all()?;
            fs::rename(&self.for_now, &self.path)?;
            File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
        };
        let finished = finished().map_err(|cause| NotWritten {
            path: self.path.clone(),
            cause,
        });
        self.finished = finished.is_ok();
        finished
    }
}

impl Drop for Beside {
    fn drop(&mut self) {
        if !self.finished {
            let _not_missed = fs::remove_file(&self.for_now);
        }
    }
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
