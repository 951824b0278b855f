//! The private key of a CA: the one type that signs with one, wherever it lies.

use rcgen::{PublicKeyData, SignatureAlgorithm, SigningKey};

use crate::key::{BadKey, SoftwareKey};
use ironroot_secret::Secret;

/// A CA's private key. Certificates, CRLs and requests are signed through it and in no other way.
#[derive(Debug)]
pub enum CaKey {
    /// A P-256 pair in memory, kept as PKCS#8 under a seal.
    Software(SoftwareKey),
}

impl CaKey {
    /// Makes a new key in memory.
    ///
    /// # Errors
    /// [`BadKey`] without randomness from the system.
    pub fn generate() -> Result<Self, BadKey> {
        SoftwareKey::generate().map(Self::Software)
    }

    /// Reads what [`CaKey::to_kept`] wrote.
    ///
    /// # Errors
    /// [`BadKey`] when the bytes name no key.
    pub fn from_kept(kept: &[u8]) -> Result<Self, BadKey> {
        SoftwareKey::from_pkcs8(kept).map(Self::Software)
    }

    /// What a sealed file keeps of it: a key in memory as PKCS#8 in DER.
    ///
    /// # Errors
    /// [`BadKey`] when the library refuses to write it.
    pub fn to_kept(&self) -> Result<Secret, BadKey> {
        match self {
            Self::Software(key) => key.to_pkcs8(),
        }
    }
}

impl PublicKeyData for CaKey {
    fn der_bytes(&self) -> &[u8] {
        match self {
            Self::Software(key) => key.der_bytes(),
        }
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self {
            Self::Software(key) => key.algorithm(),
        }
    }
}

impl SigningKey for CaKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        match self {
            Self::Software(key) => key.sign(message),
        }
    }
}
