//! How a secret lies at rest: sealed with AES-256-GCM under a key made for it alone.
//!
//! Layout: magic (8), version (1), id of the sealing key (8), length of the secret (4, big-endian),
//! salt (32), nonce (12), ciphertext, tag (16). Everything before the nonce and the caller's context
//! are associated data, so that a sealed secret can be neither altered nor put in another's place.

use core::fmt;
use core::str::FromStr;

use aws_lc_rs::aead::{AES_256_GCM, Aad, NONCE_LEN, Nonce, RandomizedNonceKey};
use aws_lc_rs::error::Unspecified;
use aws_lc_rs::{digest, hkdf, rand};
use ironroot_secret::Secret;
use zeroize::Zeroizing;

/// Whether these bytes say that they are a sealed secret; whether they open is another question.
pub fn is_sealed(bytes: &[u8]) -> bool {
    bytes.starts_with(MAGIC)
}

/// The key that secrets are sealed under.
pub struct SealKey {
    secret: Zeroizing<[u8; KEY_LENGTH]>,
    id: KeyId,
}

/// Which sealing key a secret was sealed under; tells nothing about the key.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct KeyId([u8; KEY_ID_LENGTH]);

/// Why sealed bytes were not opened.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadSeal {
    /// The first bytes are not those of a sealed secret.
    #[error("these bytes are no sealed secret; restore the file from a backup")]
    NotSealed,
    /// A later Ironroot wrote it.
    #[error(
        "it is sealed in format version {found}, and this program reads version {VERSION}; use a newer ironroot"
    )]
    Version {
        /// The version in the header.
        found: u8,
    },
    /// Another key sealed it.
    #[error(
        "it was sealed under key {sealed_under}, and the sealing key is {given}; use the one that belongs to it"
    )]
    OtherKey {
        /// The key that would open it.
        sealed_under: KeyId,
        /// The key that was tried.
        given: KeyId,
    },
    /// The end is missing, or something follows it.
    #[error(
        "it is {found} bytes long and should be {expected}: the file was cut short or appended to; restore it from a backup"
    )]
    Length {
        /// What the header asks for.
        expected: usize,
        /// What is there.
        found: usize,
    },
    /// The authentication tag does not fit.
    #[error(
        "it was altered, or belongs to another place than {context:?}; restore it from a backup"
    )]
    Altered {
        /// The context it was to be opened in.
        context: String,
    },
}

/// The system's source of randomness failed, or the secret is longer than [`SECRET_LENGTH_MAX`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "the secret could not be sealed: no randomness from the system, or longer than {SECRET_LENGTH_MAX} bytes"
)]
pub struct SealFailed;

impl SealKey {
    /// Takes 32 random bytes as a sealing key.
    pub fn from_random(secret: Zeroizing<[u8; KEY_LENGTH]>) -> Self {
        let mut hash = digest::Context::new(&digest::SHA256);
        hash.update(b"ironroot seal: id of the key");
        hash.update(&*secret);
        let mut id = [0; KEY_ID_LENGTH];
        for (to, from) in id.iter_mut().zip(hash.finish().as_ref()) {
            *to = *from;
        }
        Self {
            secret,
            id: KeyId(id),
        }
    }

    /// Which key this is.
    pub fn id(&self) -> KeyId {
        self.id
    }

    /// Seals `secret` so that it opens under this key and in `context` only.
    ///
    /// # Errors
    /// [`SealFailed`] without randomness from the system, or for a secret that is too long.
    pub fn seal(&self, context: &str, secret: &[u8]) -> Result<Vec<u8>, SealFailed> {
        let length = u32::try_from(secret.len()).map_err(|_too_long| SealFailed)?;
        if secret.len() > SECRET_LENGTH_MAX {
            return Err(SealFailed);
        }
        let mut salt = [0; SALT_LENGTH];
        rand::fill(&mut salt).map_err(|_no_randomness| SealFailed)?;
        let header = header(self.id, length, &salt);
        let mut body = Zeroizing::new(secret.to_vec());
        let (nonce, tag) = self
            .key_for(&salt)
            .and_then(|key| key.seal_in_place_separate_tag(aad(&header, context), &mut body))
            .map_err(|_no_randomness| SealFailed)?;
        Ok([&header[..], nonce.as_ref(), &body, tag.as_ref()].concat())
    }

    /// Opens what [`SealKey::seal`] sealed in the same context.
    ///
    /// # Errors
    /// [`BadSeal`] says which of the ways it can be wrong.
    pub fn open(&self, context: &str, sealed: &[u8]) -> Result<Secret, BadSeal> {
        let parts = self.parts_of(sealed)?;
        let mut body = Zeroizing::new(parts.body.to_vec());
        let plain_length = self
            .key_for(parts.salt)
            .and_then(|key| {
                let aad = aad(parts.header, context);
                key.open_in_place(Nonce::assume_unique_for_key(*parts.nonce), aad, &mut body)
                    .map(|plain| plain.len())
            })
            .map_err(|_tag_differs| BadSeal::Altered {
                context: context.to_owned(),
            })?;
        body.truncate(plain_length);
        Ok(Secret::from(body))
    }

    /// Takes a sealed secret apart, as far as it can be judged without opening it.
    fn parts_of<'a>(&self, sealed: &'a [u8]) -> Result<Parts<'a>, BadSeal> {
        let parts = Parts::of(sealed)?;
        if parts.id != self.id {
            return Err(BadSeal::OtherKey {
                sealed_under: parts.id,
                given: self.id,
            });
        }
        let expected = SEAL_OVERHEAD.saturating_add(parts.length as usize);
        if sealed.len() != expected {
            return Err(BadSeal::Length {
                expected,
                found: sealed.len(),
            });
        }
        Ok(parts)
    }

    /// The key for one secret alone: HKDF-SHA256 (RFC 5869) over the sealing key and that secret's salt.
    fn key_for(&self, salt: &[u8; SALT_LENGTH]) -> Result<RandomizedNonceKey, Unspecified> {
        let mut key = Zeroizing::new([0; KEY_LENGTH]);
        hkdf::Salt::new(hkdf::HKDF_SHA256, salt)
            .extract(&*self.secret)
            .expand(&[b"ironroot seal: AES-256-GCM"], &AES_256_GCM)?
            .fill(&mut *key)?;
        RandomizedNonceKey::new(&AES_256_GCM, &*key)
    }
}

/// Which key a sealed secret was sealed under, as far as its header says.
///
/// # Errors
/// [`BadSeal`] when it has no header of a sealed secret, or one of a later version.
pub fn sealed_under(sealed: &[u8]) -> Result<KeyId, BadSeal> {
    Parts::of(sealed).map(|parts| parts.id)
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SealKey({})", self.id)
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

/// 16 hexadecimal digits, as it is printed.
impl FromStr for KeyId {
    type Err = hex::FromHexError;

    fn from_str(text: &str) -> Result<Self, hex::FromHexError> {
        let mut id = [0; KEY_ID_LENGTH];
        hex::decode_to_slice(text, &mut id)?;
        Ok(Self(id))
    }
}

impl fmt::Debug for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A sealed secret taken apart.
struct Parts<'a> {
    /// Everything before the nonce.
    header: &'a [u8],
    version: u8,
    id: KeyId,
    length: u32,
    salt: &'a [u8; SALT_LENGTH],
    nonce: &'a [u8; NONCE_LEN],
    /// Ciphertext and tag.
    body: &'a [u8],
}

impl<'a> Parts<'a> {
    /// Reads the header of a sealed secret of this version.
    fn of(sealed: &'a [u8]) -> Result<Self, BadSeal> {
        if !sealed.starts_with(MAGIC) {
            return Err(BadSeal::NotSealed);
        }
        let parts = Self::split(sealed).ok_or(BadSeal::Length {
            expected: SEAL_OVERHEAD,
            found: sealed.len(),
        })?;
        if parts.version != VERSION {
            return Err(BadSeal::Version {
                found: parts.version,
            });
        }
        Ok(parts)
    }

    fn split(sealed: &'a [u8]) -> Option<Self> {
        let (header, rest) = sealed.split_at_checked(HEADER_LENGTH)?;
        let (nonce, body) = rest.split_first_chunk()?;
        let (_magic, fields) = header.split_at_checked(MAGIC.len())?;
        let ([version], fields) = fields.split_first_chunk()?;
        let (id, fields) = fields.split_first_chunk()?;
        let (length, fields) = fields.split_first_chunk()?;
        let (salt, _end) = fields.split_first_chunk()?;
        Some(Self {
            header,
            version: *version,
            id: KeyId(*id),
            length: u32::from_be_bytes(*length),
            salt,
            nonce,
            body,
        })
    }
}

fn header(id: KeyId, length: u32, salt: &[u8; SALT_LENGTH]) -> Vec<u8> {
    [
        MAGIC,
        &[VERSION],
        &id.0[..],
        &length.to_be_bytes()[..],
        &salt[..],
    ]
    .concat()
}

fn aad(header: &[u8], context: &str) -> Aad<Vec<u8>> {
    Aad::from([header, context.as_bytes()].concat())
}

/// The largest secret that is sealed, in bytes.
pub const SECRET_LENGTH_MAX: usize = 1 << 20;
/// Bytes in a sealing key.
pub const KEY_LENGTH: usize = 32;
/// Bytes that sealing adds to a secret.
pub const SEAL_OVERHEAD: usize = HEADER_LENGTH + NONCE_LEN + TAG_LENGTH;

const MAGIC: &[u8] = b"IRONSEAL";
const VERSION: u8 = 1;
const KEY_ID_LENGTH: usize = 8;
const SALT_LENGTH: usize = 32;
const HEADER_LENGTH: usize = MAGIC.len() + 1 + KEY_ID_LENGTH + 4 + SALT_LENGTH;
const TAG_LENGTH: usize = 16;

#[cfg(test)]
mod tests {
    use super::*;

    fn key(byte: u8) -> SealKey {
        SealKey::from_random(Zeroizing::new([byte; KEY_LENGTH]))
    }

    #[test]
    fn what_was_sealed_opens_in_its_context() {
        let sealed = key(1).seal("issuing-ca", b"secret").unwrap();
        assert_eq!(sealed.len(), 6 + SEAL_OVERHEAD);
        assert!(!sealed.windows(6).any(|bytes| bytes == b"secret"));
        let opened = key(1).open("issuing-ca", &sealed).unwrap();
        assert_eq!(opened.expose(), b"secret");
    }

    #[test]
    fn the_same_secret_never_looks_the_same() {
        assert_ne!(
            key(1).seal("c", b"s").unwrap(),
            key(1).seal("c", b"s").unwrap()
        );
    }

    #[test]
    fn refuses_a_secret_put_in_anothers_place() {
        let sealed = key(1).seal("keyring:cam-1", b"secret").unwrap();
        assert!(matches!(
            key(1).open("keyring:cam-2", &sealed),
            Err(BadSeal::Altered { context }) if context == "keyring:cam-2"
        ));
    }

    #[test]
    fn refuses_another_key_and_names_both() {
        let sealed = key(1).seal("c", b"secret").unwrap();
        let refused = BadSeal::OtherKey {
            sealed_under: key(1).id(),
            given: key(2).id(),
        };
        assert_eq!(key(2).open("c", &sealed).unwrap_err(), refused);
    }

    #[test]
    fn refuses_every_flipped_bit_and_says_which_part_it_is_in() {
        let sealed = key(1).seal("c", b"secret").unwrap();
        for at in 0..sealed.len() {
            let mut flipped = sealed.clone();
            flipped[at] ^= 1;
            let refused = key(1).open("c", &flipped).unwrap_err();
            match at {
                0..8 => assert_eq!(refused, BadSeal::NotSealed),
                8 => assert_eq!(refused, BadSeal::Version { found: 0 }),
                9..17 => assert!(matches!(refused, BadSeal::OtherKey { .. })),
                17..21 => assert!(matches!(refused, BadSeal::Length { .. })),
                _ => assert!(matches!(refused, BadSeal::Altered { .. })),
            }
        }
    }

    #[test]
    fn refuses_every_truncation_and_one_byte_more() {
        let sealed = key(1).seal("c", b"secret").unwrap();
        for length in 0..sealed.len() {
            let refused = key(1).open("c", &sealed[..length]).unwrap_err();
            match length {
                0..8 => assert_eq!(refused, BadSeal::NotSealed),
                _ => assert!(matches!(refused, BadSeal::Length { found, .. } if found == length)),
            }
        }
        let longer = [&sealed[..], &[0]].concat();
        assert_eq!(
            key(1).open("c", &longer).unwrap_err(),
            BadSeal::Length {
                expected: sealed.len(),
                found: sealed.len() + 1
            }
        );
    }

    #[test]
    fn ends_at_the_longest_secret() {
        let longest = vec![7; SECRET_LENGTH_MAX];
        assert!(key(1).seal("c", &longest).is_ok());
        assert_eq!(
            key(1).seal("c", &[longest, vec![7]].concat()),
            Err(SealFailed)
        );
    }

    #[test]
    fn neither_a_secret_nor_a_key_is_printed() {
        let (secret, key) = (Secret::new(b"secret".to_vec()), key(1));
        assert_eq!(format!("{secret:?}"), "Secret(..)");
        assert_eq!(format!("{key:?}"), format!("SealKey({})", key.id()));
        assert!(!format!("{key:?}").contains("0101"));
    }
}
