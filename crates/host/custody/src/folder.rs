//! The keys folder: held by one program at a time, and opened by the sealing key that its record names.

use std::fs::{self, File, TryLockError};
use std::io;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf, absolute};

use aws_lc_rs::rand;
use ironroot_time::UnixTime;
use zeroize::Zeroizing;

use crate::files::CustodyError;
use crate::passphrase::{Argon2id, BadPassphrase};
use crate::record::{BadRecord, How, Record};
use crate::seal::{KEY_LENGTH, KeyId, SealFailed, SealKey};
use crate::source::Source;
use crate::tpm::{SealedObject, TpmRefused};

/// The folder of the sealed files, which nobody else changes as long as this is held.
#[derive(Debug)]
pub struct KeysFolder {
    path: PathBuf,
    /// `flock` on the folder itself; the system drops it with the process.
    _held: File,
}

/// Where to look for the sealing key.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sources<'a> {
    /// What the operator named; the record's own source when nothing.
    pub named: Option<&'a Source>,
    /// `$CREDENTIALS_DIRECTORY`.
    pub credentials: Option<&'a Path>,
}

/// Why there is no sealing key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NoSealKey {
    /// The folder cannot be made or held.
    #[error("{}", path.display())]
    Folder {
        /// Which.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// Another program holds it.
    #[error("{} is in use by another program or command: stop that first", .0.display())]
    InUse(PathBuf),
    /// The record.
    #[error("the record of the sealing key")]
    Record(#[from] BadRecord),
    /// The key file is not there.
    #[error("{} is missing, and without it the keys in {} cannot be opened: put it back, or name it by --seal-key or seal_key", seal_key.display(), folder.display())]
    Missing {
        /// The key file.
        seal_key: PathBuf,
        /// The folder of the sealed keys.
        folder: PathBuf,
    },
    /// The key file.
    #[error(transparent)]
    File(#[from] CustodyError),
    /// The passphrase.
    #[error(transparent)]
    Passphrase(#[from] BadPassphrase),
    /// Another passphrase than the one that the folder was sealed with.
    #[error("the passphrase in {} is wrong: it does not give sealing key {key}", path.display())]
    WrongPassphrase {
        /// Its file.
        path: PathBuf,
        /// The key it should give.
        key: KeyId,
    },
    /// Another key than the one that the folder was sealed with.
    #[error(
        "{from} gives sealing key {given}, and the folder is sealed under key {recorded}: put that one back"
    )]
    WrongKey {
        /// Where it came from.
        from: Source,
        /// Which key that is.
        given: KeyId,
        /// Which it should be.
        recorded: KeyId,
    },
    /// The TPM.
    #[error(transparent)]
    Tpm(#[from] TpmRefused),
    /// systemd handed nothing over.
    #[error(
        "{from} is asked for, and $CREDENTIALS_DIRECTORY is not set: start it as a systemd service with LoadCredential= or LoadCredentialEncrypted="
    )]
    NoCredentials {
        /// The source.
        from: Source,
    },
    /// The folder is sealed by one kind of source, and another was named.
    #[error(
        "the folder is sealed by {recorded}, and --seal-key or seal_key names {named}: leave that out, or change the source with: ironroot keys seal --to {named} (on a device: ironroot-agent seal --to {named})"
    )]
    OtherSource {
        /// What the record says.
        recorded: Source,
        /// What was named.
        named: Source,
    },
    /// No randomness from the system.
    #[error(transparent)]
    NoRandomness(#[from] SealFailed),
}

impl KeysFolder {
    /// Takes the folder for this program alone, and makes it when it is not there.
    ///
    /// # Errors
    /// [`NoSealKey::InUse`] when somebody else has it, [`NoSealKey::Folder`] when it cannot be had.
    pub fn hold(path: &Path) -> Result<Self, NoSealKey> {
        let failed = |cause| NoSealKey::Folder {
            path: path.to_owned(),
            cause,
        };
        fs::DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(path)
            .map_err(failed)?;
        let folder = File::open(path).map_err(failed)?;
        match folder.try_lock() {
            Ok(()) => Ok(Self {
                path: path.to_owned(),
                _held: folder,
            }),
            Err(TryLockError::WouldBlock) => Err(NoSealKey::InUse(path.to_owned())),
            Err(TryLockError::Error(cause)) => Err(failed(cause)),
        }
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Opens the sealing key of a folder that has sealed files, after finishing or undoing a change of the
    /// key that was cut short.
    ///
    /// # Errors
    /// [`NoSealKey`] says what is wrong and what to do.
    pub fn open_key(&self, sources: Sources<'_>) -> Result<SealKey, NoSealKey> {
        let record = self.settle()?;
        open(&self.path, record.as_ref(), sources)
    }

    /// Makes the sealing key of a folder without sealed files, and the record of it. A key that a first start
    /// left, which was cut short, or that the operator put there, is taken.
    ///
    /// # Errors
    /// [`NoSealKey`] says what is wrong and what to do.
    pub fn make_key(&self, sources: Sources<'_>, now: UnixTime) -> Result<SealKey, NoSealKey> {
        if Record::read(&self.path)?.is_some() {
            return self.open_key(sources);
        }
        let default = Source::KeyFile(self.path.join(KEY_FILE));
        let source = sources.named.unwrap_or(&default);
        let (record, key) = self.make(source, sources.credentials, now)?;
        record.write(&self.path)?;
        Ok(key)
    }

    /// Makes a key from `source`, and the record that would belong to it.
    pub(crate) fn make(
        &self,
        source: &Source,
        credentials: Option<&Path>,
        now: UnixTime,
    ) -> Result<(Record, SealKey), NoSealKey> {
        let (how, key) = match source {
            Source::KeyFile(path) => {
                let key = match SealKey::load(path) {
                    Err(CustodyError::Io { cause, .. })
                        if cause.kind() == io::ErrorKind::NotFound =>
                    {
                        SealKey::generate(path)?
                    }
                    loaded => loaded?,
                };
                (How::KeyFile(self.recorded(path)?), key)
            }
            Source::Credential(name) => {
                let how = How::Credential(name.clone());
                let key = how.key(credentials)?;
                (how, key)
            }
            Source::Passphrase(path) => {
                let argon2id = Argon2id::fresh()?;
                let key = argon2id.key(path)?;
                (How::Passphrase(self.recorded(path)?, argon2id), key)
            }
            Source::Tpm(pcrs) => {
                let mut secret = Zeroizing::new([0; KEY_LENGTH]);
                rand::fill(&mut *secret).map_err(|_no_randomness| SealFailed)?;
                let object = SealedObject::seal(&secret, pcrs.as_ref())?;
                (How::Tpm(pcrs.clone(), object), SealKey::from_random(secret))
            }
        };
        let record = Record {
            key: key.id(),
            made: now,
            how,
        };
        Ok((record, key))
    }

    /// A path as the record keeps it: relative to the folder when it lies there, so that the folder can move.
    fn recorded(&self, path: &Path) -> Result<PathBuf, NoSealKey> {
        let failed = |cause| NoSealKey::Folder {
            path: path.to_owned(),
            cause,
        };
        let path = absolute(path).map_err(failed)?;
        let folder = absolute(&self.path).map_err(failed)?;
        Ok(path
            .strip_prefix(folder)
            .map_or_else(|_elsewhere| path.clone(), Path::to_owned))
    }
}

/// The sealing key of `folder`, by its record; without one, by the key file that older hubs had.
///
/// # Errors
/// [`NoSealKey`] says what is wrong and what to do.
pub fn open(
    folder: &Path,
    record: Option<&Record>,
    sources: Sources<'_>,
) -> Result<SealKey, NoSealKey> {
    let recorded = record.map_or(How::KeyFile(KEY_FILE.into()), |record| record.how.clone());
    let how = recorded.found_at(folder, sources.named)?;
    if let How::KeyFile(path) = &how
        && !path.exists()
    {
        return Err(NoSealKey::Missing {
            seal_key: path.clone(),
            folder: folder.to_owned(),
        });
    }
    let key = how.key(sources.credentials)?;
    match (record, how) {
        (Some(record), How::Passphrase(path, _)) if record.key != key.id() => {
            Err(NoSealKey::WrongPassphrase {
                path,
                key: record.key,
            })
        }
        (Some(record), how) if record.key != key.id() => Err(NoSealKey::WrongKey {
            from: how.source(),
            given: key.id(),
            recorded: record.key,
        }),
        _ => Ok(key),
    }
}

impl How {
    /// The same with its place: the one that was named, else the record's own, which may lie in `folder`.
    fn found_at(self, folder: &Path, named: Option<&Source>) -> Result<Self, NoSealKey> {
        Ok(match (self, named) {
            (Self::KeyFile(_), Some(Source::KeyFile(path))) => Self::KeyFile(path.clone()),
            (Self::KeyFile(path), None) => Self::KeyFile(folder.join(path)),
            (Self::Credential(_), Some(Source::Credential(name))) => Self::Credential(name.clone()),
            (Self::Passphrase(_, argon2id), Some(Source::Passphrase(path))) => {
                Self::Passphrase(path.clone(), argon2id)
            }
            (Self::Passphrase(path, argon2id), None) => {
                Self::Passphrase(folder.join(path), argon2id)
            }
            // Which registers it is bound to is settled when it is sealed.
            (tpm @ Self::Tpm(..), Some(Source::Tpm(_)) | None) => tpm,
            (credential @ Self::Credential(_), None) => credential,
            (recorded, Some(named)) => {
                return Err(NoSealKey::OtherSource {
                    recorded: recorded.source(),
                    named: named.clone(),
                });
            }
        })
    }

    fn key(&self, credentials: Option<&Path>) -> Result<SealKey, NoSealKey> {
        match self {
            Self::KeyFile(path) => Ok(SealKey::load(path)?),
            Self::Credential(name) => {
                let directory = credentials.ok_or_else(|| NoSealKey::NoCredentials {
                    from: self.source(),
                })?;
                Ok(SealKey::load_credential(&name.path(directory))?)
            }
            Self::Passphrase(path, argon2id) => Ok(argon2id.key(path)?),
            Self::Tpm(pcrs, object) => Ok(SealKey::from_random(object.unseal(pcrs.as_ref())?)),
        }
    }
}

/// The name of the key file in the keys folder, where no other source is named.
pub const KEY_FILE: &str = "seal.key";
