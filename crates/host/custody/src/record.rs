//! What stands in the keys folder about the sealing key: which one it is, since when, and how it is had.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use ironroot_time::UnixTime;
use serde::{Deserialize, Serialize};

use crate::files::{CustodyError, write_private};
use crate::passphrase::Argon2id;
use crate::seal::KeyId;
use crate::source::{BadSource, CredentialName, PcrSelection, Source};
use crate::tpm::SealedObject;

/// The content of [`RECORD_FILE`]. No secret stands in it: all of it may be shown and backed up.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which key it is.
    pub key: KeyId,
    /// When it was made.
    pub made: UnixTime,
    pub(crate) how: How,
}

/// How the key is had: its source, with what the source needs beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum How {
    KeyFile(PathBuf),
    Credential(CredentialName),
    Passphrase(PathBuf, Argon2id),
    Tpm(Option<PcrSelection>, SealedObject),
}

/// Why a record is not taken.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadRecord {
    /// It cannot be read.
    #[error("{} cannot be read", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        cause: io::Error,
    },
    /// It is longer than this program writes, or no record.
    #[error("{} is no record of a sealing key: restore it from a backup", path.display())]
    Content {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        #[source]
        cause: Wrong,
    },
    /// It cannot be written, or a file that it names.
    #[error(transparent)]
    File(#[from] CustodyError),
}

/// What is wrong with the text of a record.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Wrong {
    /// More than `LENGTH_MAX` bytes.
    #[error("it is longer than {LENGTH_MAX} bytes")]
    TooLong,
    /// Not the fields of a record.
    #[error(transparent)]
    Fields(#[from] toml::de::Error),
    /// A later Ironroot wrote it.
    #[error("it has version {0}, and this program reads version {V}; use a newer ironroot")]
    Version(u8),
    /// The key's id is none.
    #[error("the id of the key is not 16 hexadecimal digits")]
    Id,
    /// The source is none.
    #[error(transparent)]
    Source(#[from] BadSource),
    /// The source is of one kind, and what stands beside it belongs to another.
    #[error("what belongs to the source is missing, or belongs to another")]
    Halves,
}

impl Record {
    /// Reads the record of the keys folder, if there is one.
    ///
    /// # Errors
    /// [`BadRecord`] says what is wrong with it.
    pub fn read(folder: &Path) -> Result<Option<Self>, BadRecord> {
        let path = folder.join(RECORD_FILE);
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(cause) if cause.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(cause) => return Err(BadRecord::Read { path, cause }),
        };
        match Self::parse(&text) {
            Ok(record) => Ok(Some(record)),
            Err(cause) => Err(BadRecord::Content { path, cause }),
        }
    }

    /// Puts the record in its place: from then on this is the key of the folder.
    pub(crate) fn write(&self, folder: &Path) -> Result<(), BadRecord> {
        let path = folder.join(RECORD_FILE);
        Ok(write_private(&path, self.to_string().as_bytes())?)
    }

    /// Where the key comes from.
    pub fn source(&self) -> Source {
        self.how.source()
    }

    fn parse(text: &str) -> Result<Self, Wrong> {
        if text.len() > LENGTH_MAX {
            return Err(Wrong::TooLong);
        }
        let raw: RawRecord = toml::from_str(text)?;
        if raw.v != V {
            return Err(Wrong::Version(raw.v));
        }
        let source: Source = raw.source.parse()?;
        let how = match (source, raw.argon2id, raw.tpm) {
            (Source::KeyFile(path), None, None) => How::KeyFile(path),
            (Source::Credential(name), None, None) => How::Credential(name),
            (Source::Passphrase(path), Some(argon2id), None) => How::Passphrase(path, argon2id),
            (Source::Tpm(pcrs), None, Some(object)) => How::Tpm(pcrs, object),
            _ => return Err(Wrong::Halves),
        };
        Ok(Self {
            key: raw.key.parse().map_err(|_no_hex| Wrong::Id)?,
            made: UnixTime::from_s(raw.made_s),
            how,
        })
    }
}

impl How {
    pub(crate) fn source(&self) -> Source {
        match self {
            Self::KeyFile(path) => Source::KeyFile(path.clone()),
            Self::Credential(name) => Source::Credential(name.clone()),
            Self::Passphrase(path, _) => Source::Passphrase(path.clone()),
            Self::Tpm(pcrs, _) => Source::Tpm(pcrs.clone()),
        }
    }
}

/// The whole file.
impl std::fmt::Display for Record {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (argon2id, tpm) = match &self.how {
            How::KeyFile(_) | How::Credential(_) => (None, None),
            How::Passphrase(_, argon2id) => (Some(argon2id.clone()), None),
            How::Tpm(_, object) => (None, Some(object.clone())),
        };
        let raw = RawRecord {
            v: V,
            key: self.key.to_string(),
            made_s: self.made.as_s(),
            source: self.source().to_string(),
            argon2id,
            tpm,
        };
        let text = toml::to_string(&raw).map_err(|_never| std::fmt::Error)?;
        write!(f, "{HEADING}{text}")
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRecord {
    v: u8,
    key: String,
    made_s: u64,
    source: String,
    argon2id: Option<Argon2id>,
    tpm: Option<SealedObject>,
}

/// The name of the file in the keys folder.
pub const RECORD_FILE: &str = "seal.toml";

const HEADING: &str = "# How the key is had that opens the sealed files of this folder. No secret stands here.\n# It belongs to them: back it up with them, and change it by `ironroot keys seal` (`ironroot-agent seal`) alone.\n";
const V: u8 = 1;
const LENGTH_MAX: usize = 16 << 10;

#[cfg(test)]
mod tests {
    use super::*;

    fn record(how: How) -> Record {
        Record {
            key: "0123456789abcdef".parse().unwrap(),
            made: UnixTime::from_s(1_780_272_000),
            how,
        }
    }

    fn object() -> SealedObject {
        toml::from_str("public = '00ff'\nprivate = 'ff00'").unwrap()
    }

    fn every_kind() -> [Record; 4] {
        [
            How::KeyFile("seal.key".into()),
            How::Credential("ironroot".parse().unwrap()),
            How::Passphrase(
                "/etc/ironroot/passphrase".into(),
                Argon2id::fresh().unwrap(),
            ),
            How::Tpm(Some("sha256:7".parse().unwrap()), object()),
        ]
        .map(record)
    }

    #[test]
    fn every_kind_of_record_comes_back() {
        for record in every_kind() {
            assert_eq!(Record::parse(&record.to_string()).unwrap(), record);
        }
    }

    #[test]
    fn refuses_a_record_of_a_later_version_by_its_number() {
        let later = every_kind()[0].to_string().replace("v = 1", "v = 2");
        assert!(matches!(Record::parse(&later), Err(Wrong::Version(2))));
    }

    #[test]
    fn refuses_a_source_with_what_belongs_to_another() {
        let [file, _, passphrase, tpm] = every_kind().map(|record| record.to_string());
        let with_source = |text: &str, source| {
            let line = text.lines().find(|line| line.starts_with("source"));
            text.replace(line.unwrap(), &format!("source = '{source}'"))
        };
        for (text, source) in [
            (&file, "tpm"),
            (&file, "passphrase:/x"),
            (&passphrase, "file:/x"),
            (&passphrase, "tpm"),
            (&tpm, "passphrase:/x"),
        ] {
            let halves = Record::parse(&with_source(text, source));
            assert!(matches!(halves, Err(Wrong::Halves)), "{source}: {halves:?}");
        }
    }

    #[test]
    fn refuses_a_record_that_is_too_long() {
        let long = format!("#{}\n{}", "x".repeat(LENGTH_MAX), every_kind()[0]);
        assert!(matches!(Record::parse(&long), Err(Wrong::TooLong)));
    }

    #[test]
    fn no_change_to_a_record_makes_the_parser_panic() {
        let texts = every_kind().map(|record| record.to_string());
        bolero::check!()
            .with_type::<(u8, u16, u8, Vec<u8>)>()
            .for_each(|(kind, at, taken, noise)| {
                let mut text = texts[usize::from(*kind) % texts.len()].clone().into_bytes();
                let at = usize::from(*at) % text.len();
                let end = (at + usize::from(*taken)).min(text.len());
                text.splice(at..end, noise.iter().copied());
                if let Ok(record) = Record::parse(&String::from_utf8_lossy(&text)) {
                    assert_eq!(Record::parse(&record.to_string()).unwrap(), record);
                }
            });
    }
}
