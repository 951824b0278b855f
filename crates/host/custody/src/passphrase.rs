//! A sealing key stretched from a passphrase: Argon2id (RFC 9106), whose cost every guess has to pay again.

use argon2::{Algorithm, Argon2, Block, Params, Version};
use aws_lc_rs::rand;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use zeroize::{Zeroize, Zeroizing};

use crate::files::{CustodyError, Readers, read_private};
use crate::seal::{KEY_LENGTH, SealFailed, SealKey};

/// How a passphrase becomes a key. None of it is secret, and all of it is needed to get the key again.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Argon2id {
    /// How much memory one try takes, in KiB.
    memory_kib: u32,
    /// How often it is gone through.
    passes: u32,
    /// How many parts of it are filled independently.
    lanes: u32,
    /// 16 random bytes, in hexadecimal digits.
    #[serde(with = "hex::serde")]
    salt: [u8; SALT_LENGTH],
}

/// Why a passphrase gives no key.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum BadPassphrase {
    /// The file cannot be read, or others may read it.
    #[error(transparent)]
    File(#[from] CustodyError),
    /// It can be guessed.
    #[error("the passphrase in {} has {found} bytes, and at least {LENGTH_MIN} are asked for: several random words, for example", path.display())]
    TooShort {
        /// Its file.
        path: PathBuf,
        /// Its length.
        found: usize,
    },
    /// The record asks for more than this program spends.
    #[error(
        "the record asks for {memory_kib} KiB and {passes} passes to stretch the passphrase, which this program never wrote: restore the record from a backup"
    )]
    Cost {
        /// The memory asked for.
        memory_kib: u32,
        /// The passes asked for.
        passes: u32,
    },
    /// No randomness for the salt.
    #[error(transparent)]
    NoSalt(#[from] SealFailed),
}

impl Argon2id {
    /// Today's cost, with a fresh salt.
    pub(crate) fn fresh() -> Result<Self, SealFailed> {
        let mut salt = [0; SALT_LENGTH];
        rand::fill(&mut salt).map_err(|_no_randomness| SealFailed)?;
        Ok(Self {
            memory_kib: MEMORY_KIB,
            passes: PASSES,
            lanes: 1,
            salt,
        })
    }

    /// The key that the passphrase in the file at `path` gives; whether it is the right one, the caller sees
    /// from its id.
    pub(crate) fn key(&self, path: &Path) -> Result<SealKey, BadPassphrase> {
        let text = read_private(path, LENGTH_MAX, Readers::OwnerAlone)?;
        let passphrase = text.strip_suffix(b"\n").unwrap_or(&text);
        if passphrase.len() < LENGTH_MIN {
            return Err(BadPassphrase::TooShort {
                path: path.to_owned(),
                found: passphrase.len(),
            });
        }
        let too_costly = || BadPassphrase::Cost {
            memory_kib: self.memory_kib,
            passes: self.passes,
        };
        if self.memory_kib > MEMORY_KIB_MAX || self.passes > PASSES_MAX || self.lanes > LANES_MAX {
            return Err(too_costly());
        }
        let params = Params::new(self.memory_kib, self.passes, self.lanes, Some(KEY_LENGTH))
            .map_err(|_out_of_range| too_costly())?;
        let mut memory = vec![Block::default(); params.block_count()];
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        let stretched = Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
            .hash_password_into_with_memory(passphrase, &self.salt, &mut *key, &mut memory);
        memory.zeroize();
        stretched.map_err(|_out_of_range| too_costly())?;
        Ok(SealKey::from_random(key))
    }
}

/// NIST SP 800-63B-4 section 3.1.1.2 asks for 15 characters where a passphrase stands alone.
const LENGTH_MIN: usize = 15;
const LENGTH_MAX: usize = 1 << 10;
const SALT_LENGTH: usize = 16;
/// RFC 9106 section 4, second choice: 64 MiB and 3 passes.
const MEMORY_KIB: u32 = 64 << 10;
const PASSES: u32 = 3;
/// What a record may ask for: room for dearer choices of later versions.
const MEMORY_KIB_MAX: u32 = 1 << 20;
const PASSES_MAX: u32 = 16;
const LANES_MAX: u32 = 16;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::write_private;

    fn file(folder: &Path, passphrase: &str) -> PathBuf {
        let path = folder.join("passphrase");
        write_private(&path, passphrase.as_bytes()).unwrap();
        path
    }

    #[test]
    fn the_same_passphrase_gives_the_same_key_and_another_salt_another() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "correct horse battery staple\n");
        let (first, second) = (Argon2id::fresh().unwrap(), Argon2id::fresh().unwrap());
        let id = first.key(&path).unwrap().id();
        file(folder.path(), "correct horse battery staple");
        assert_eq!(first.key(&path).unwrap().id(), id);
        assert_ne!(second.key(&path).unwrap().id(), id);
        file(folder.path(), "correct horse battery stable");
        assert_ne!(first.key(&path).unwrap().id(), id);
    }

    #[test]
    fn it_is_the_argon2id_of_everybody_else() {
        // `echo -n "correct horse battery staple" | argon2 somesaltsomesalt -id -k 65536 -t 3 -p 1 -l 32 -r`
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "correct horse battery staple");
        let argon2id = Argon2id {
            salt: *b"somesaltsomesalt",
            ..Argon2id::fresh().unwrap()
        };
        let theirs = include_str!("../testdata/argon2id.hex").trim();
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        hex::decode_to_slice(theirs, &mut *key).unwrap();
        assert_eq!(
            argon2id.key(&path).unwrap().id(),
            SealKey::from_random(key).id()
        );
    }

    #[test]
    fn refuses_a_passphrase_of_14_bytes_and_takes_15() {
        let folder = tempfile::tempdir().unwrap();
        let argon2id = Argon2id::fresh().unwrap();
        let path = file(folder.path(), "fourteen bytes\n");
        assert!(matches!(
            argon2id.key(&path),
            Err(BadPassphrase::TooShort { found: 14, .. })
        ));
        file(folder.path(), "fifteen bytes !\n");
        assert!(argon2id.key(&path).is_ok());
    }

    #[test]
    fn refuses_a_passphrase_file_longer_than_a_kibibyte() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), &"x".repeat(LENGTH_MAX + 1));
        assert!(matches!(
            Argon2id::fresh().unwrap().key(&path),
            Err(BadPassphrase::File(CustodyError::TooLong { .. }))
        ));
    }

    #[test]
    fn refuses_a_record_that_would_eat_the_machine() {
        let folder = tempfile::tempdir().unwrap();
        let path = file(folder.path(), "correct horse battery staple");
        let fresh = Argon2id::fresh().unwrap();
        let of = |memory_kib, passes, lanes| Argon2id {
            memory_kib,
            passes,
            lanes,
            ..fresh.clone()
        };
        for costly in [
            of(MEMORY_KIB_MAX + 1, PASSES, 1),
            of(MEMORY_KIB, PASSES_MAX + 1, 1),
            of(MEMORY_KIB, PASSES, LANES_MAX + 1),
            of(0, 0, 0),
        ] {
            let refused = costly.key(&path);
            assert!(
                matches!(refused, Err(BadPassphrase::Cost { .. })),
                "{refused:?}"
            );
        }
    }
}
