//! How an entry names bytes that may have to be forgotten: by a digest over a salt and the bytes.

use std::fmt;
use std::str::FromStr;

use sha2::{Digest, Sha256};

/// The bytes of a salt.
pub const SALT_SIZE: usize = 16;

/// SHA-256 over a random salt and the payload's bytes.
///
/// Without the salt nobody can test a guess of the payload against the digest, so the digest may
/// stay in the journal when salt and payload are erased.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SaltedDigest([u8; 32]);

/// A text that is no digest.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a digest is 64 lower-case hexadecimal digits")]
pub struct BadDigest;

impl SaltedDigest {
    /// The digest of `bytes` under `salt`.
    pub fn of(salt: &[u8; SALT_SIZE], bytes: &[u8]) -> Self {
        let digest = Sha256::new_with_prefix(salt).chain_update(bytes);
        Self(digest.finalize().into())
    }

    /// The digest as 32 bytes.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl From<[u8; 32]> for SaltedDigest {
    fn from(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }
}

impl FromStr for SaltedDigest {
    type Err = BadDigest;

    fn from_str(text: &str) -> Result<Self, BadDigest> {
        if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            return Err(BadDigest);
        }
        let mut bytes = [0; 32];
        hex::decode_to_slice(text, &mut bytes).map_err(|_no_hex| BadDigest)?;
        Ok(Self(bytes))
    }
}

impl fmt::Display for SaltedDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl fmt::Debug for SaltedDigest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_digest_covers_salt_and_bytes() {
        let digest = SaltedDigest::of(&[1; SALT_SIZE], b"alice@example.com");
        assert_ne!(
            digest,
            SaltedDigest::of(&[2; SALT_SIZE], b"alice@example.com")
        );
        assert_ne!(
            digest,
            SaltedDigest::of(&[1; SALT_SIZE], b"bob@example.com")
        );
        assert_eq!(digest.to_string().parse(), Ok(digest));
    }

    #[test]
    fn refuses_a_text_that_is_no_digest() {
        for text in ["", "00", &"g".repeat(64), &"A".repeat(64), &"0".repeat(66)] {
            assert_eq!(text.parse::<SaltedDigest>(), Err(BadDigest), "{text}");
        }
    }
}
