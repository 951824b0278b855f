//! Bytes that entries name by digest and that can be erased.

use std::fmt;

use ironroot_journal::{SALT_SIZE, SaltedDigest};

/// The largest payload, in bytes.
pub const PAYLOAD_SIZE_MAX: usize = 1 << 20;

/// Bytes, the salt that blinds their digest, and the digest that names both.
#[derive(Clone, PartialEq, Eq)]
pub struct Payload {
    digest: SaltedDigest,
    salt: [u8; SALT_SIZE],
    bytes: Vec<u8>,
}

impl Payload {
    /// Makes a payload of `bytes` under a random `salt`.
    pub fn new(salt: [u8; SALT_SIZE], bytes: Vec<u8>) -> Self {
        Self {
            digest: SaltedDigest::of(&salt, &bytes),
            salt,
            bytes,
        }
    }

    /// The name of this payload in entries.
    pub fn digest(&self) -> &SaltedDigest {
        &self.digest
    }

    /// The salt.
    pub fn salt(&self) -> &[u8; SALT_SIZE] {
        &self.salt
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }
}

/// Prints the digest and the size alone: a payload may hold personal data.
impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload")
            .field("digest", &self.digest)
            .field("size", &self.bytes.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_neither_salt_nor_bytes() {
        let payload = Payload::new([7; SALT_SIZE], b"alice@example.com".to_vec());
        let printed = format!("{payload:?}");
        assert!(printed.contains(&payload.digest().to_string()));
        assert!(
            !printed.contains("alice") && !printed.contains("97, 108") && !printed.contains("7, 7")
        );
    }
}
