//! Keys: public ones whose owner proved possession, and P-256 pairs held in memory.

use core::fmt;

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_ASN1_SIGNING, ECDSA_P384_SHA384_ASN1_SIGNING, EcdsaKeyPair,
    EcdsaSigningAlgorithm, Ed25519KeyPair, KeyPair,
};
use der::asn1::ObjectIdentifier;
use der::oid::db::DB;
use rcgen::{PublicKeyData, SignatureAlgorithm, SigningKey};
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::pem;
use ironroot_secret::Secret;

/// The kinds of key that a certificate of ours may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyAlgorithm {
    /// ECDSA on the curve P-256 (secp256r1).
    P256,
    /// ECDSA on the curve P-384 (secp384r1).
    P384,
    /// Ed25519 (RFC 8410).
    Ed25519,
    /// RSA with a modulus of 2048 to 4096 bits.
    Rsa,
}

/// A public key whose private half was shown to be in its owner's hands: it came from a
/// [`Csr`](crate::csr::Csr) or from a [`SoftwareKey`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PublicKey {
    algorithm: KeyAlgorithm,
    bits: Box<[u8]>,
}

/// A P-256 key pair in memory. Dropping it wipes it.
pub struct SoftwareKey(EcdsaKeyPair);

/// A key pair that was made for somebody else: it is handed over once, and wiped when dropped.
#[derive(Debug)]
pub struct NewKey {
    public_key: PublicKey,
    pkcs8: Secret,
}

/// The cryptographic library could make no key, or the bytes are no P-256 key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no P-256 key can be had from the random source or from these bytes")]
pub struct BadKey;

impl PublicKey {
    /// Only for bytes over which possession was proved.
    pub(crate) fn proved(algorithm: KeyAlgorithm, bits: &[u8]) -> Self {
        Self {
            algorithm,
            bits: bits.into(),
        }
    }

    /// Which kind of key it is.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// The `SubjectPublicKeyInfo` in DER (RFC 5280 section 4.1.2.7).
    pub fn spki_der(&self) -> Vec<u8> {
        self.subject_public_key_info()
    }
}

impl PublicKeyData for PublicKey {
    fn der_bytes(&self) -> &[u8] {
        &self.bits
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self.algorithm {
            KeyAlgorithm::P256 => &rcgen::PKCS_ECDSA_P256_SHA256,
            KeyAlgorithm::P384 => &rcgen::PKCS_ECDSA_P384_SHA384,
            KeyAlgorithm::Ed25519 => &rcgen::PKCS_ED25519,
            KeyAlgorithm::Rsa => &rcgen::PKCS_RSA_SHA256,
        }
    }
}

impl SoftwareKey {
    /// Makes a new pair.
    ///
    /// # Errors
    /// [`BadKey`] without randomness from the system.
    pub fn generate() -> Result<Self, BadKey> {
        EcdsaKeyPair::generate(&ECDSA_P256_SHA256_ASN1_SIGNING)
            .map(Self)
            .map_err(|_no_randomness| BadKey)
    }

    /// Reads a pair from PKCS#8 (RFC 5208) in DER.
    ///
    /// # Errors
    /// [`BadKey`] when the bytes hold no P-256 key.
    pub fn from_pkcs8(der: &[u8]) -> Result<Self, BadKey> {
        EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, der)
            .map(Self)
            .map_err(|_rejected| BadKey)
    }

    /// The pair as PKCS#8 in DER.
    ///
    /// # Errors
    /// [`BadKey`] when the library refuses to write it.
    pub fn to_pkcs8(&self) -> Result<Secret, BadKey> {
        let document = self.0.to_pkcs8v1().map_err(|_refused| BadKey)?;
        Ok(Secret::new(document.as_ref().to_vec()))
    }

    /// The pair as PKCS#8 in PEM (RFC 7468 section 10), for somebody who is handed a key made here.
    ///
    /// # Errors
    /// [`BadKey`] when the library refuses to write it.
    pub fn to_pem(&self) -> Result<Secret, BadKey> {
        let pem = pem::encode("PRIVATE KEY", self.to_pkcs8()?.expose());
        Ok(Secret::new(pem.into_bytes()))
    }

    /// The public half.
    pub fn public_key(&self) -> PublicKey {
        PublicKey::proved(KeyAlgorithm::P256, self.0.public_key().as_ref())
    }
}

impl NewKey {
    /// Makes a pair of this kind.
    ///
    /// # Errors
    /// [`BadKey`] without randomness from the system, and for RSA: its keys take too long to make while
    /// somebody waits at a door.
    pub fn generate(algorithm: KeyAlgorithm) -> Result<Self, BadKey> {
        let ecdsa = |signing: &'static EcdsaSigningAlgorithm| {
            let key = EcdsaKeyPair::generate(signing)?;
            Ok((key.public_key().as_ref().to_vec(), key.to_pkcs8v1()?))
        };
        let ed25519 = || {
            let key = Ed25519KeyPair::generate()?;
            Ok((key.public_key().as_ref().to_vec(), key.to_pkcs8v1()?))
        };
        let made: Result<_, aws_lc_rs::error::Unspecified> = match algorithm {
            KeyAlgorithm::P256 => ecdsa(&ECDSA_P256_SHA256_ASN1_SIGNING),
            KeyAlgorithm::P384 => ecdsa(&ECDSA_P384_SHA384_ASN1_SIGNING),
            KeyAlgorithm::Ed25519 => ed25519(),
            KeyAlgorithm::Rsa => return Err(BadKey),
        };
        let (public, pkcs8) = made.map_err(|_no_randomness| BadKey)?;
        Ok(Self {
            public_key: PublicKey::proved(algorithm, &public),
            pkcs8: Secret::new(pkcs8.as_ref().to_vec()),
        })
    }

    /// The public half.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The pair as PKCS#8 in DER.
    pub fn pkcs8(&self) -> &Secret {
        &self.pkcs8
    }
}

impl PublicKeyData for SoftwareKey {
    fn der_bytes(&self) -> &[u8] {
        self.0.public_key().as_ref()
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        &rcgen::PKCS_ECDSA_P256_SHA256
    }
}

impl SigningKey for SoftwareKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        self.0
            .sign(&SystemRandom::new(), message)
            .map(|signature| signature.as_ref().to_vec())
            .map_err(|_refused| rcgen::Error::RemoteKeyError)
    }
}

impl fmt::Debug for SoftwareKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SoftwareKey")
    }
}

/// `P-256`, `P-384`, `Ed25519`, `RSA`.
impl fmt::Display for KeyAlgorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::P256 => "P-256",
            Self::P384 => "P-384",
            Self::Ed25519 => "Ed25519",
            Self::Rsa => "RSA",
        })
    }
}

/// What people call an algorithm: the curve for a key on one, else the algorithm's own name, else its number.
pub(crate) fn algorithm_name(algorithm: &AlgorithmIdentifierOwned) -> String {
    let curve = algorithm
        .parameters
        .as_ref()
        .and_then(|parameters| parameters.decode_as::<ObjectIdentifier>().ok());
    let oid = curve.unwrap_or(algorithm.oid);
    DB.by_oid(&oid)
        .map_or_else(|| oid.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_comes_back_from_pkcs8() {
        let key = SoftwareKey::generate().unwrap();
        let again = SoftwareKey::from_pkcs8(key.to_pkcs8().unwrap().expose()).unwrap();
        assert_eq!(again.public_key(), key.public_key());
        assert_eq!(format!("{key:?}"), "SoftwareKey");
    }

    #[test]
    fn refuses_bytes_that_are_no_key() {
        assert_eq!(SoftwareKey::from_pkcs8(b"no key").unwrap_err(), BadKey);
    }
}
