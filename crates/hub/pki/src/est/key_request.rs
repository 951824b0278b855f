//! A request for a key made by the hub (RFC 7030 section 4.4.1): which kind of key, and how it is to travel.

use der::asn1::{Any, ObjectIdentifier, OctetStringRef};
use der::{Decode, Sequence};
use x509_cert::request::CertReq;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::csr::{BadCsr, CSR_LENGTH_MAX, Csr, RequestedNames};
use crate::key::{KeyAlgorithm, NewKey, algorithm_name};

/// A CSR whose key and signature say nothing: RFC 7030 section 4.4.1 has both ignored, but for the kind of
/// key, which is the kind that is wanted.
#[derive(Clone, Debug)]
pub struct KeyRequest {
    names: RequestedNames,
    algorithm: KeyAlgorithm,
    protection: Protection,
}

/// How the private key is to travel, beside the TLS around it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Protection {
    /// By TLS alone.
    Tls,
    /// Encrypted besides, to the key of this identifier (RFC 7030 section 4.4.1.2).
    Enveloped {
        /// The identifier of a key that the client holds.
        recipient: Vec<u8>,
        /// How to encrypt the content.
        cipher: ContentCipher,
    },
}

/// A cipher for content (RFC 3565).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ContentCipher {
    /// AES-256 in CBC mode.
    Aes256,
    /// AES-128 in CBC mode.
    Aes128,
}

/// Why a request for a key is refused. Encryption that was asked for is never left out.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadKeyRequest {
    /// It is no CSR.
    #[error("the request is refused")]
    Csr(#[from] BadCsr),
    /// An attribute that says how the key is to be encrypted cannot be read.
    #[error("the attribute {name} is malformed, or stands there twice")]
    Attribute {
        /// Its name.
        name: &'static str,
    },
    /// The client wants the key encrypted with a key that both sides share.
    #[error(
        "it asks for encryption by a shared symmetric key (DecryptKeyIdentifier), and this hub shares none with devices; name the key of the client's certificate by AsymmetricDecryptKeyIdentifier"
    )]
    SharedKey,
    /// The client names ciphers and no key to encrypt to.
    #[error("it names ciphers (SMIMECapabilities) and no key to encrypt to")]
    NoRecipient,
    /// None of the client's ciphers is there.
    #[error("none of the ciphers that it names is there; name aes256-CBC or aes128-CBC")]
    NoCipher,
}

impl KeyRequest {
    /// Parses a request; its signature is not looked at.
    ///
    /// # Errors
    /// [`BadKeyRequest`] when it is no CSR, or asks for an encryption that is not there.
    pub fn parse(der: &[u8]) -> Result<Self, BadKeyRequest> {
        if der.len() > CSR_LENGTH_MAX {
            return Err(BadCsr::TooLong { length: der.len() }.into());
        }
        let request = CertReq::from_der(der).map_err(BadCsr::Malformed)?;
        let asked = Asked::read(&request)?;
        Ok(Self {
            algorithm: algorithm(&request.info.public_key)?,
            names: RequestedNames::of(request.info).map_err(BadCsr::Malformed)?,
            protection: asked.protection()?,
        })
    }

    /// The names that the certificate is to hold.
    pub fn names(&self) -> &RequestedNames {
        &self.names
    }

    /// The kind of key that is wanted.
    pub fn algorithm(&self) -> KeyAlgorithm {
        self.algorithm
    }

    /// How the private key is to travel.
    pub fn protection(&self) -> &Protection {
        &self.protection
    }

    /// The same request, for the key that was made: whoever has both halves has proved possession.
    pub fn with_key(&self, key: &NewKey) -> Csr {
        Csr::of(key.public_key().clone(), self.names.clone())
    }
}

fn algorithm(spki: &SubjectPublicKeyInfoOwned) -> Result<KeyAlgorithm, BadCsr> {
    let curve = spki
        .algorithm
        .parameters
        .as_ref()
        .and_then(|parameters| parameters.decode_as::<ObjectIdentifier>().ok());
    match (spki.algorithm.oid, curve) {
        (EC_PUBLIC_KEY, Some(P256)) => Ok(KeyAlgorithm::P256),
        (EC_PUBLIC_KEY, Some(P384)) => Ok(KeyAlgorithm::P384),
        (ED25519, None) => Ok(KeyAlgorithm::Ed25519),
        (RSA_ENCRYPTION, _) => Ok(KeyAlgorithm::Rsa),
        _ => Err(BadCsr::KeyAlgorithm {
            name: algorithm_name(&spki.algorithm),
        }),
    }
}

/// The attributes that ask for encryption.
#[derive(Default)]
struct Asked {
    shared: Option<Any>,
    recipient: Option<Any>,
    capabilities: Option<Any>,
}

impl Asked {
    fn read(request: &CertReq) -> Result<Self, BadKeyRequest> {
        let mut asked = Self::default();
        for attribute in request.info.attributes.iter() {
            let (place, name) = match attribute.oid {
                DECRYPT_KEY_ID => (&mut asked.shared, "DecryptKeyIdentifier"),
                ASYMMETRIC_DECRYPT_KEY_ID => {
                    (&mut asked.recipient, "AsymmetricDecryptKeyIdentifier")
                }
                SMIME_CAPABILITIES => (&mut asked.capabilities, "SMIMECapabilities"),
                _ => continue,
            };
            match (attribute.values.as_slice(), &place) {
                ([only], None) => *place = Some(only.clone()),
                _ => return Err(BadKeyRequest::Attribute { name }),
            }
        }
        Ok(asked)
    }

    fn protection(self) -> Result<Protection, BadKeyRequest> {
        let recipient = match self {
            Self {
                shared: Some(_), ..
            } => return Err(BadKeyRequest::SharedKey),
            Self {
                recipient: None,
                capabilities: None,
                ..
            } => return Ok(Protection::Tls),
            Self {
                recipient: None, ..
            } => return Err(BadKeyRequest::NoRecipient),
            Self {
                recipient: Some(recipient),
                ..
            } => recipient,
        };
        let recipient = recipient.decode_as::<OctetStringRef<'_>>();
        let recipient = recipient.map_err(|_other_type| BadKeyRequest::Attribute {
            name: "AsymmetricDecryptKeyIdentifier",
        })?;
        Ok(Protection::Enveloped {
            recipient: recipient.as_bytes().to_vec(),
            cipher: match self.capabilities {
                None => ContentCipher::Aes256,
                Some(named) => cipher(&named)?,
            },
        })
    }
}

/// One of `SMIMECapabilities` (RFC 8551 section 2.5.2), in the client's order of preference.
#[derive(Sequence)]
struct Capability {
    oid: ObjectIdentifier,
    #[asn1(optional = "true")]
    parameters: Option<Any>,
}

fn cipher(named: &Any) -> Result<ContentCipher, BadKeyRequest> {
    let named = named.decode_as::<Vec<Capability>>();
    let named = named.map_err(|_malformed| BadKeyRequest::Attribute {
        name: "SMIMECapabilities",
    })?;
    named
        .iter()
        .find_map(|capability| {
            [ContentCipher::Aes256, ContentCipher::Aes128]
                .into_iter()
                .find(|cipher| cipher.oid() == capability.oid)
        })
        .ok_or(BadKeyRequest::NoCipher)
}

impl ContentCipher {
    /// Its object identifier (RFC 3565 section 4.1).
    pub(super) const fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Aes256 => ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.42"),
            Self::Aes128 => ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.1.2"),
        }
    }
}

const EC_PUBLIC_KEY: ObjectIdentifier = der::oid::db::rfc5912::ID_EC_PUBLIC_KEY;
const P256: ObjectIdentifier = der::oid::db::rfc5912::SECP_256_R_1;
const P384: ObjectIdentifier = der::oid::db::rfc5912::SECP_384_R_1;
const RSA_ENCRYPTION: ObjectIdentifier = der::oid::db::rfc5912::RSA_ENCRYPTION;
const ED25519: ObjectIdentifier = der::oid::db::rfc8410::ID_ED_25519;
/// id-aa-decryptKeyID (RFC 4108).
const DECRYPT_KEY_ID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.37");
/// id-aa-asymmDecryptKeyID (RFC 7030 section 4.4.1.2).
const ASYMMETRIC_DECRYPT_KEY_ID: ObjectIdentifier =
    ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.16.2.54");
/// smimeCapabilities (RFC 8551 section 2.5.2).
const SMIME_CAPABILITIES: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.15");
