//! Bytes that must not stay behind: keys, seeds, token digests.
//!
//! Stage: all three; whoever holds a secret holds it in this type.
//! Never: prints what it holds, compares it, or copies it without being asked.
//! To add a kind of secret: nothing here; the crate that gives it a meaning wraps it.
#![no_std]
#![warn(
    clippy::indexing_slicing,
    clippy::arithmetic_side_effects,
    clippy::wildcard_enum_match_arm
)]

extern crate alloc;

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

/// Bytes that are wiped from memory when dropped and that print as nothing.
///
/// There is no `==`: secrets are compared in constant time, where they are compared.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes the bytes into its care.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for the moment of their use.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl From<Zeroizing<Vec<u8>>> for Secret {
    fn from(bytes: Zeroizing<Vec<u8>>) -> Self {
        Self(bytes)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn debug_output_shows_nothing() {
        assert_eq!(
            format!("{:?}", Secret::new(b"hunter2".to_vec())),
            "Secret(..)"
        );
    }
}
