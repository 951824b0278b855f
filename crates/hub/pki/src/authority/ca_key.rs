//! The private key of a CA: the one type that signs with one, wherever it lies.

use std::str::FromStr;

use ironroot_pkcs11::uri::{BadUri, KeyUri};
use ironroot_pkcs11::{TokenKey, TokenRefused};
use rcgen::{PublicKeyData, SignatureAlgorithm, SigningKey};

use super::AuthorityError;
use crate::key::{BadKey, SoftwareKey};
use ironroot_secret::Secret;

/// A CA's private key. Certificates, CRLs and requests are signed through it and in no other way.
#[derive(Debug)]
pub enum CaKey {
    /// A P-256 pair in memory, kept as PKCS#8 under a seal.
    Software(SoftwareKey),
    /// A P-256 key that a PKCS#11 token keeps; of it the seal keeps where it is.
    Token(TokenKey),
}

/// Where a CA's private key is made and kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum KeyPlace {
    /// In a file under the seal: `sealed`.
    Sealed,
    /// On a token, under this name: a PKCS#11 URI.
    Token(KeyUri),
}

impl FromStr for KeyPlace {
    type Err = BadUri;

    fn from_str(text: &str) -> Result<Self, BadUri> {
        match text {
            "sealed" => Ok(Self::Sealed),
            uri => uri.parse().map(Self::Token),
        }
    }
}

impl KeyPlace {
    /// Makes a new key there.
    ///
    /// # Errors
    /// [`AuthorityError`] without randomness from the system, and when the token is away or has a key of this
    /// name.
    pub fn make(&self) -> Result<CaKey, AuthorityError> {
        Ok(match self {
            Self::Sealed => CaKey::generate()?,
            Self::Token(uri) => CaKey::generate_on(uri.clone())?,
        })
    }
}

impl CaKey {
    /// Makes a new key in memory.
    ///
    /// # Errors
    /// [`BadKey`] without randomness from the system.
    pub fn generate() -> Result<Self, BadKey> {
        SoftwareKey::generate().map(Self::Software)
    }

    /// Has a token make a new key that never leaves it.
    ///
    /// # Errors
    /// [`TokenRefused`] when the token is away, or has a key of this name.
    pub fn generate_on(token: KeyUri) -> Result<Self, TokenRefused> {
        TokenKey::generate(token).map(Self::Token)
    }

    /// Where the key is, when that is a token.
    pub fn token(&self) -> Option<&TokenKey> {
        match self {
            Self::Software(_) => None,
            Self::Token(key) => Some(key),
        }
    }

    /// Where the key is.
    pub fn place(&self) -> KeyPlace {
        self.token()
            .map_or(KeyPlace::Sealed, |key| KeyPlace::Token(key.uri().clone()))
    }

    /// Reads what [`CaKey::to_kept`] wrote.
    ///
    /// # Errors
    /// [`BadKey`] when the bytes name no key.
    pub fn from_kept(kept: &[u8]) -> Result<Self, BadKey> {
        match kept.strip_prefix(TOKEN) {
            None => SoftwareKey::from_pkcs8(kept).map(Self::Software),
            Some(token) => {
                let text = str::from_utf8(token).map_err(|_no_text| BadKey)?;
                let (point, uri) = text.split_once(' ').ok_or(BadKey)?;
                let point = hex::decode(point).map_err(|_no_hex| BadKey)?;
                let uri = uri.parse().map_err(|_no_uri| BadKey)?;
                Ok(Self::Token(TokenKey::open(uri, point)))
            }
        }
    }

    /// What a sealed file keeps of it: a key in memory as PKCS#8 in DER, a token's as its public point and
    /// its URI.
    ///
    /// # Errors
    /// [`BadKey`] when the library refuses to write it.
    pub fn to_kept(&self) -> Result<Secret, BadKey> {
        match self {
            Self::Software(key) => key.to_pkcs8(),
            Self::Token(key) => {
                let text = format!("{} {}", hex::encode(key.point()), key.uri());
                Ok(Secret::new([TOKEN, text.as_bytes()].concat()))
            }
        }
    }
}

impl PublicKeyData for CaKey {
    fn der_bytes(&self) -> &[u8] {
        match self {
            Self::Software(key) => key.der_bytes(),
            Self::Token(key) => key.point(),
        }
    }

    fn algorithm(&self) -> &'static SignatureAlgorithm {
        match self {
            Self::Software(key) => key.algorithm(),
            Self::Token(_) => &rcgen::PKCS_ECDSA_P256_SHA256,
        }
    }
}

impl SigningKey for CaKey {
    fn sign(&self, message: &[u8]) -> Result<Vec<u8>, rcgen::Error> {
        match self {
            Self::Software(key) => key.sign(message),
            Self::Token(key) => key
                .sign(message)
                .map_err(|_kept_by_the_key| rcgen::Error::RemoteKeyError),
        }
    }
}

/// What is kept of a token's key begins so; PKCS#8 in DER begins with 0x30.
const TOKEN: &[u8] = b"token ";
