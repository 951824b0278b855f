//! Bytes of the keyring: device keys, token hashes, sealed keys.

use std::fmt;

use zeroize::Zeroizing;

/// The largest secret, in bytes.
pub const SECRET_SIZE_MAX: usize = 64 << 10;

/// Bytes that are wiped from memory when dropped and that print as nothing.
#[derive(Clone)]
pub struct Secret(Zeroizing<Vec<u8>>);

impl Secret {
    /// Takes `bytes` into the keyring's care.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes, for the moment of their use.
    pub fn expose(&self) -> &[u8] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn debug_output_shows_nothing() {
        assert_eq!(format!("{:?}", Secret::new(b"hunter2".to_vec())), "Secret");
    }
}
