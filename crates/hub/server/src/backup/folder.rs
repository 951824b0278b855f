//! Which files of a data folder go into a backup, and which never do.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ironroot_backup::CarriedFile;
use ironroot_custody::RECORD_FILE;
use ironroot_custody::seal::is_sealed;
use zeroize::Zeroizing;

use crate::journal::VERIFIER_KEY_FILE;
use crate::keys::KEYS_FOLDER;

/// The files of the data folder itself. `admin.token` is not among them: the keyring has its digest, and a
/// hub that does not find the file issues a new token. Nor is `addresses.json`, which each start writes.
const FILES: [&str; 3] = ["ironroot.toml", "ca.pem", VERIFIER_KEY_FILE];

/// The folders whose files are carried. Of the log's folder only what proves its changes of key: the tiles are
/// made again from the entries.
const FOLDERS: [&str; 3] = [KEYS_FOLDER, "profiles", "journal/handover"];

/// The largest file that is carried, in bytes; everything in these folders is far smaller.
const FILE_SIZE_MAX: u64 = 4 << 20;

/// The most files that are carried.
const FILES_MAX: usize = 10_000;

/// Why the data folder cannot be carried.
#[derive(Debug, thiserror::Error)]
pub enum NotCarried {
    /// A file or folder cannot be read.
    #[error("{}", path.display())]
    Io {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// A file is too large to be one of the hub's.
    #[error("{} is larger than {FILE_SIZE_MAX} bytes: no file of a hub's is; move it away", .0.display())]
    TooLarge(PathBuf),
    /// There are too many files.
    #[error("{} holds more than {FILES_MAX} files: move away what is not the hub's", .0.display())]
    TooMany(PathBuf),
}

/// Reads what goes into a backup of the hub in `data`.
pub(super) fn gather(data: &Path) -> Result<Vec<CarriedFile>, NotCarried> {
    let mut carried = Vec::new();
    for name in FILES {
        carried.extend(read(data, Path::new(name))?);
    }
    for name in FOLDERS {
        let folder = data.join(name);
        let failed = |cause| io_error(&folder, cause);
        let found = match fs::read_dir(&folder) {
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => continue,
            found => found.map_err(failed)?,
        };
        let mut names = Vec::new();
        for file in found {
            names.push(Path::new(name).join(file.map_err(failed)?.file_name()));
        }
        names.sort();
        if names.len() > FILES_MAX {
            return Err(NotCarried::TooMany(folder));
        }
        for name in names {
            carried.extend(read(data, &name)?);
        }
    }
    Ok(carried)
}

/// Reads the file `name` of `data`, if it is one that is carried.
fn read(data: &Path, name: &Path) -> Result<Option<CarriedFile>, NotCarried> {
    let path = data.join(name);
    let metadata = match fs::symlink_metadata(&path) {
        Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
        found => found.map_err(|cause| io_error(&path, cause))?,
    };
    let Some(text) = name.to_str().filter(|_| metadata.is_file()) else {
        return Ok(None);
    };
    if metadata.len() > FILE_SIZE_MAX {
        return Err(NotCarried::TooLarge(path));
    }
    let bytes = Zeroizing::new(fs::read(&path).map_err(|cause| io_error(&path, cause))?);
    let carried = !name.starts_with(KEYS_FOLDER) || may_be_shown(name, &bytes);
    Ok(carried.then(|| CarriedFile {
        path: text.to_owned(),
        bytes: bytes.to_vec(),
    }))
}

/// Whether a file of the keys folder is of no use to whoever has only the backup. A sealing key in clear or
/// a passphrase may lie there too, under any name: what is not known to be sealed or public stays behind.
fn may_be_shown(name: &Path, bytes: &[u8]) -> bool {
    is_sealed(bytes)
        || name.file_name().is_some_and(|name| name == RECORD_FILE)
        || bytes.starts_with(b"-----BEGIN CERTIFICATE-----")
}

fn io_error(path: &Path, cause: io::Error) -> NotCarried {
    NotCarried::Io {
        path: path.to_owned(),
        cause,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use ironroot_custody::seal::SealKey;

    #[test]
    fn nothing_that_opens_the_keys_is_carried_whatever_it_is_called() {
        let folder = tempfile::tempdir().unwrap();
        let keys = folder.path().join("keys");
        fs::create_dir(&keys).unwrap();
        for name in ["seal.key", "seal.key.old", "spare"] {
            SealKey::generate(&keys.join(name)).unwrap();
        }
        fs::write(keys.join("passphrase"), "correct horse battery staple").unwrap();
        let seal = SealKey::load(&keys.join("seal.key")).unwrap();
        fs::write(keys.join("issuing.sealed"), seal.seal("x", b"x").unwrap()).unwrap();
        fs::write(keys.join(RECORD_FILE), "v = 1").unwrap();
        fs::write(keys.join("issuing.sealed.new"), b"IRON").unwrap();
        fs::write(folder.path().join("admin.token"), "0123").unwrap();
        fs::write(folder.path().join("ca.pem"), "-----").unwrap();
        let record = format!("keys/{RECORD_FILE}");
        let mut wanted = vec!["ca.pem", "keys/issuing.sealed", &record];
        wanted.sort_unstable();
        let carried = gather(folder.path()).unwrap();
        let names: Vec<_> = carried.iter().map(|file| &*file.path).collect();
        assert_eq!(names, wanted);
    }

    #[test]
    fn refuses_a_file_that_cannot_be_the_hubs() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("profiles")).unwrap();
        let file = fs::File::create(folder.path().join("profiles/film.mp4")).unwrap();
        file.set_len(FILE_SIZE_MAX + 1).unwrap();
        let refused = gather(folder.path()).unwrap_err();
        assert!(matches!(refused, NotCarried::TooLarge(_)), "{refused}");
    }

    #[test]
    fn a_link_is_not_followed() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("profiles")).unwrap();
        let link = folder.path().join("profiles/passwd.toml");
        std::os::unix::fs::symlink("/etc/passwd", link).unwrap();
        assert!(gather(folder.path()).unwrap().is_empty());
    }
}
