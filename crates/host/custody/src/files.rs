//! Where secrets lie on disk: the key file, and sealed files beside it. The one module that touches files.
//!
//! Files are made with mode 0600 and appear whole or not at all: written beside their place, synced,
//! renamed, and the folder synced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use aws_lc_rs::rand;
use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use zeroize::Zeroizing;

use ironroot_secret::Secret;

use crate::seal::{BadSeal, KEY_LENGTH, SEAL_OVERHEAD, SECRET_LENGTH_MAX, SealFailed, SealKey};

/// Why a key file or a sealed file could not be read or written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CustodyError {
    /// The operating system refused.
    #[error("{} cannot be {tried}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried: "read", "written", ...
        tried: &'static str,
        /// What the system said.
        #[source]
        cause: io::Error,
    },
    /// Others than the owner may touch it.
    #[error("{} has mode {mode:04o}, so others may touch it; run: chmod 600 {}", path.display(), path.display())]
    Mode {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// It is there already, and would be lost.
    #[error("{} is there already and is never overwritten; move it away first", path.display())]
    Exists {
        /// The file.
        path: PathBuf,
    },
    /// It is no key file.
    #[error("{} is no key file: it must hold one line, 32 bytes in base64; restore it from a backup", path.display())]
    NotAKey {
        /// The file.
        path: PathBuf,
    },
    /// It is longer than anything this program writes.
    #[error("{} is longer than {limit} bytes, so this program did not write it", path.display())]
    TooLong {
        /// The file.
        path: PathBuf,
        /// The bound.
        limit: usize,
    },
    /// It does not open.
    #[error("{} does not open", path.display())]
    Seal {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: BadSeal,
    },
    /// Sealing failed.
    #[error(transparent)]
    SealFailed(#[from] SealFailed),
}

impl SealKey {
    /// Makes a sealing key and keeps it in a new key file at `path`.
    ///
    /// # Errors
    /// [`CustodyError`], above all when the file is there already.
    pub fn generate(path: &Path) -> Result<Self, CustodyError> {
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        rand::fill(&mut *key).map_err(|_no_randomness| SealFailed)?;
        let mut line = Zeroizing::new(BASE64_STANDARD.encode(*key));
        line.push('\n');
        refuse_existing(path)?;
        write_private(path, line.as_bytes())?;
        Ok(Self::from_random(key))
    }

    /// Reads the sealing key from the key file at `path`.
    ///
    /// # Errors
    /// [`CustodyError`], above all when others may read the file.
    pub fn load(path: &Path) -> Result<Self, CustodyError> {
        Self::read(path, Readers::OwnerAlone)
    }

    /// Reads it from a key file that a service manager handed over, where the group may read it, too:
    /// systemd lets the hub's user in by an access control list, whose mask shows in those bits.
    pub(crate) fn load_credential(path: &Path) -> Result<Self, CustodyError> {
        Self::read(path, Readers::OwnerAndGroup)
    }

    fn read(path: &Path, readers: Readers) -> Result<Self, CustodyError> {
        let text = read_private(path, KEY_FILE_LENGTH_MAX, readers)?;
        let not_a_key = || CustodyError::NotAKey {
            path: path.to_owned(),
        };
        let line = text.strip_suffix(b"\n").unwrap_or(&text);
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        let length = BASE64_STANDARD
            .decode_slice(line, &mut *key)
            .map_err(|_not_base64| not_a_key())?;
        if length != KEY_LENGTH {
            return Err(not_a_key());
        }
        Ok(Self::from_random(key))
    }
}

/// Seals `secret` for `context` and keeps it at `path`, in place of what was there.
///
/// # Errors
/// [`CustodyError`] when sealing or writing fails; what was there is then untouched.
pub fn write_sealed(
    path: &Path,
    key: &SealKey,
    context: &str,
    secret: &Secret,
) -> Result<(), CustodyError> {
    write_private(path, &key.seal(context, secret.expose())?)
}

/// Reads and opens the sealed file at `path`.
///
/// # Errors
/// [`CustodyError`] says what is wrong with it and what to do.
pub fn read_sealed(path: &Path, key: &SealKey, context: &str) -> Result<Secret, CustodyError> {
    let sealed = read_private(path, SECRET_LENGTH_MAX + SEAL_OVERHEAD, Readers::OwnerAlone)?;
    key.open(context, &sealed)
        .map_err(|cause| CustodyError::Seal {
            path: path.to_owned(),
            cause,
        })
}

/// Removes a file, if it is there.
///
/// # Errors
/// [`CustodyError::Io`] when the system refuses.
pub fn remove(path: &Path) -> Result<(), CustodyError> {
    match fs::remove_file(path) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            Err(io_error(path, "removed")(cause))
        }
        Ok(()) | Err(_) => Ok(()),
    }
}

/// Whether there is a file, as far as can be seen.
pub fn is_there(path: &Path) -> bool {
    path.exists()
}

/// Refuses to go on where a file is already.
///
/// # Errors
/// [`CustodyError::Exists`], or [`CustodyError::Io`] when it cannot be seen.
pub fn refuse_existing(path: &Path) -> Result<(), CustodyError> {
    if fs::exists(path).map_err(io_error(path, "looked for"))? {
        return Err(CustodyError::Exists {
            path: path.to_owned(),
        });
    }
    Ok(())
}

/// Reads a secret of at most `length_max` bytes that an operator keeps in a file. The group may read it, too:
/// so it looks where systemd lets the hub's user in.
///
/// # Errors
/// [`CustodyError`] when it cannot be read, others may touch it, or it is longer.
pub fn read_secret(path: &Path, length_max: usize) -> Result<Secret, CustodyError> {
    read_private(path, length_max, Readers::OwnerAndGroup).map(Secret::from)
}

/// Who may read a file that holds a secret.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Readers {
    OwnerAlone,
    OwnerAndGroup,
}

/// Reads a file of at most `length_max` bytes that nobody but `readers` may touch.
pub(crate) fn read_private(
    path: &Path,
    length_max: usize,
    readers: Readers,
) -> Result<Zeroizing<Vec<u8>>, CustodyError> {
    let file = File::open(path).map_err(io_error(path, "opened"))?;
    let metadata = file.metadata().map_err(io_error(path, "examined"))?;
    let mode = metadata.permissions().mode() & 0o7777;
    let others = match readers {
        Readers::OwnerAlone => 0o077,
        Readers::OwnerAndGroup => 0o037,
    };
    if mode & others != 0 {
        return Err(CustodyError::Mode {
            path: path.to_owned(),
            mode,
        });
    }
    // One byte more than allowed tells a file that is too long; the capacity keeps secrets from being copied about.
    let mut bytes = Zeroizing::new(Vec::with_capacity(length_max + 1));
    file.take(length_max as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(io_error(path, "read"))?;
    if bytes.len() > length_max {
        return Err(CustodyError::TooLong {
            path: path.to_owned(),
            limit: length_max,
        });
    }
    Ok(bytes)
}

/// Writes a file for its owner alone: it appears whole or not at all.
///
/// # Errors
/// [`CustodyError::Io`] when the system refuses; what was there is then untouched.
pub fn write_private(path: &Path, bytes: &[u8]) -> Result<(), CustodyError> {
    let mut beside = path.as_os_str().to_owned();
    beside.push(".new");
    let beside = PathBuf::from(beside);
    match fs::remove_file(&beside) {
        Err(cause) if cause.kind() != io::ErrorKind::NotFound => {
            return Err(io_error(&beside, "cleared away")(cause));
        }
        Ok(()) | Err(_) => {}
    }
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&beside)
        .map_err(io_error(&beside, "made"))?;
    file.write_all(bytes)
        .and_then(|()| file.sync_all())
        .map_err(io_error(&beside, "written"))?;
    put_in_place(&beside, path)
}

/// Gives the file at `beside` the name `path`, for good: once this returns, a power cut does not undo it.
pub(crate) fn put_in_place(beside: &Path, path: &Path) -> Result<(), CustodyError> {
    fs::rename(beside, path).map_err(io_error(path, "put in place"))?;
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        Some(_) | None => Path::new("."),
    };
    File::open(folder)
        .and_then(|folder| folder.sync_all())
        .map_err(io_error(folder, "synced"))
}

pub(crate) fn io_error<'a>(
    path: &'a Path,
    tried: &'static str,
) -> impl Fn(io::Error) -> CustodyError + 'a {
    move |cause| CustodyError::Io {
        path: path.to_owned(),
        tried,
        cause,
    }
}

/// A line of base64 over 32 bytes has 44 characters; editors may add a little.
const KEY_FILE_LENGTH_MAX: usize = 64;

#[cfg(test)]
mod tests {
    use super::*;

    fn mode(path: &Path) -> u32 {
        fs::metadata(path).unwrap().permissions().mode() & 0o7777
    }

    #[test]
    fn a_key_file_is_private_and_comes_back_as_the_same_key() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seal.key");
        let made = SealKey::generate(&path).unwrap();
        assert_eq!(mode(&path), 0o600);
        assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
        assert_eq!(SealKey::load(&path).unwrap().id(), made.id());
    }

    #[test]
    fn refuses_to_overwrite_a_key_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seal.key");
        let first = SealKey::generate(&path).unwrap();
        assert!(matches!(
            SealKey::generate(&path),
            Err(CustodyError::Exists { .. })
        ));
        assert_eq!(SealKey::load(&path).unwrap().id(), first.id());
    }

    #[test]
    fn refuses_a_key_file_that_others_may_read_and_says_what_to_do() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seal.key");
        SealKey::generate(&path).unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let refused = SealKey::load(&path).unwrap_err();
        assert!(matches!(refused, CustodyError::Mode { mode: 0o640, .. }));
        assert!(refused.to_string().contains("chmod 600"));
    }

    #[test]
    fn refuses_a_key_file_that_is_cut_short_or_is_something_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seal.key");
        SealKey::generate(&path).unwrap();
        let whole = fs::read(&path).unwrap();
        for wrong in [&whole[..20], b"", b"not base64 at all", b"c2hvcnQ=\n"] {
            write_private(&path, wrong).unwrap();
            assert!(matches!(
                SealKey::load(&path),
                Err(CustodyError::NotAKey { .. })
            ));
        }
        write_private(&path, &[b'A'; 65]).unwrap();
        assert!(matches!(
            SealKey::load(&path),
            Err(CustodyError::TooLong { limit: 64, .. })
        ));
    }

    #[test]
    fn a_sealed_file_is_private_and_replaced_whole() {
        let folder = tempfile::tempdir().unwrap();
        let key = SealKey::generate(&folder.path().join("seal.key")).unwrap();
        let path = folder.path().join("token.sealed");
        for secret in ["first", "second"] {
            let secret = Secret::new(secret.into());
            write_sealed(&path, &key, "token", &secret).unwrap();
            assert_eq!(mode(&path), 0o600);
            let kept = read_sealed(&path, &key, "token").unwrap();
            assert_eq!(kept.expose(), secret.expose());
        }
        let files = fs::read_dir(folder.path()).unwrap().count();
        assert_eq!(files, 2, "nothing is left beside the two files");
    }

    #[test]
    fn what_a_crash_left_beside_a_file_is_no_hindrance() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("seal.key");
        fs::write(folder.path().join("seal.key.new"), "half a ke").unwrap();
        SealKey::generate(&path).unwrap();
        assert!(SealKey::load(&path).is_ok());
    }

    #[test]
    fn a_missing_file_and_a_broken_seal_name_the_file() {
        let folder = tempfile::tempdir().unwrap();
        let key = SealKey::generate(&folder.path().join("seal.key")).unwrap();
        let path = folder.path().join("token.sealed");
        assert!(matches!(
            read_sealed(&path, &key, "token"),
            Err(CustodyError::Io {
                tried: "opened",
                ..
            })
        ));
        write_sealed(&path, &key, "token", &Secret::new(b"secret".to_vec())).unwrap();
        let refused = read_sealed(&path, &key, "another place").unwrap_err();
        assert!(refused.to_string().contains("token.sealed"));
        assert!(matches!(
            refused,
            CustodyError::Seal {
                cause: BadSeal::Altered { .. },
                ..
            }
        ));
    }
}
