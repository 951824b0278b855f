//! Certification requests (PKCS#10, RFC 2986): parse strictly, and check that the key signed.

mod proof;

use der::asn1::BitStringRef;
use der::oid::AssociatedOid;
use der::{Decode, Reader, SliceReader};
use x509_cert::Certificate;
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::request::{CertReqInfo, ExtensionReq};
use x509_cert::spki::AlgorithmIdentifierOwned;

use crate::key::PublicKey;
use crate::names::{AlternativeName, Subject};

/// A certification request whose signature was checked: holding one proves that the sender has the
/// private key (RFC 2986 section 3).
///
/// It carries what the request asks for, for comparison only: an issued certificate takes nothing
/// from it but the public key.
#[derive(Clone, Debug)]
pub struct Csr {
    public_key: PublicKey,
    names: RequestedNames,
}

/// The names that a request asks for.
#[derive(Clone, Debug)]
pub struct RequestedNames {
    subject: Subject,
    alternative_names: Vec<AlternativeName>,
}

/// Why a certification request is refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadCsr {
    /// More bytes than an honest request has.
    #[error("the request has {length} bytes; at most {CSR_LENGTH_MAX} are read")]
    TooLong {
        /// How many there are.
        length: usize,
    },
    /// It is not DER, or not PKCS#10.
    #[error("the request is no PKCS#10 in DER")]
    Malformed(#[source] der::Error),
    /// The key is of a kind that is not accepted.
    #[error(
        "keys of kind {name} are not accepted; use P-256, P-384, Ed25519 or RSA of 2048 to 4096 bits"
    )]
    KeyAlgorithm {
        /// Its name, or its object identifier.
        name: String,
    },
    /// An RSA modulus out of bounds.
    #[error("the RSA key has {bits} bits; 2048 to 4096 are accepted")]
    RsaSize {
        /// Bits in the modulus.
        bits: usize,
    },
    /// An RSA exponent that is known to be weak.
    #[error("the RSA key has a public exponent below 65537 or an even one")]
    RsaExponent,
    /// A point on a curve in a form that many peers cannot read.
    #[error("the elliptic-curve key is not an uncompressed point; write it in uncompressed form")]
    PointForm,
    /// The request is signed in a way that is not accepted for this key.
    #[error("a signature of kind {name} is not accepted for this key; use SHA-256 or better")]
    SignatureAlgorithm {
        /// Its name, or its object identifier.
        name: String,
    },
    /// The signature is not by this key: the sender does not prove possession.
    #[error("the request is not signed by the key that it carries")]
    Proof,
}

impl Csr {
    /// Parses a request and checks its signature.
    ///
    /// # Errors
    /// [`BadCsr`] when the bytes are no request in DER, when its key is weak or of a kind that is not
    /// accepted, and when its signature does not prove possession of the key.
    pub fn parse(der: &[u8]) -> Result<Self, BadCsr> {
        if der.len() > CSR_LENGTH_MAX {
            return Err(BadCsr::TooLong { length: der.len() });
        }
        let signed = Signed::read(der).map_err(BadCsr::Malformed)?;
        let info = CertReqInfo::from_der(signed.info).map_err(BadCsr::Malformed)?;
        let public_key = proof::verify(&info.public_key, &signed)?;
        let names = RequestedNames::of(info).map_err(BadCsr::Malformed)?;
        Ok(Self::of(public_key, names))
    }

    /// Only for a key whose possession was proved.
    pub(crate) fn of(public_key: PublicKey, names: RequestedNames) -> Self {
        Self { public_key, names }
    }

    /// The key that the certificate is to hold.
    pub fn public_key(&self) -> &PublicKey {
        &self.public_key
    }

    /// The names that the request asks for.
    pub fn names(&self) -> &RequestedNames {
        &self.names
    }
}

impl RequestedNames {
    pub(crate) fn of(info: CertReqInfo) -> der::Result<Self> {
        Ok(Self {
            alternative_names: requested_names(&info)?,
            subject: Subject::new(info.subject),
        })
    }

    /// The subject that the request names.
    pub fn subject(&self) -> &Subject {
        &self.subject
    }

    /// The alternative names that the request asks for, sorted.
    pub fn alternative_names(&self) -> &[AlternativeName] {
        &self.alternative_names
    }
}

/// Whether a certificate is signed with the key of another (RFC 5280 section 4.1 has a request's three parts).
pub(crate) fn is_signed_by(certificate: &[u8], by: &[u8]) -> der::Result<bool> {
    let by = Certificate::from_der(by)?.tbs_certificate;
    let signed = Signed::read(certificate)?;
    Ok(proof::verify(&by.subject_public_key_info, &signed).is_ok())
}

/// A request in its three parts; the signature covers the bytes of the first as they were received.
struct Signed<'a> {
    info: &'a [u8],
    algorithm: AlgorithmIdentifierOwned,
    signature: BitStringRef<'a>,
}

impl<'a> Signed<'a> {
    /// RFC 2986 section 4.2.
    fn read(der: &'a [u8]) -> der::Result<Self> {
        let mut reader = SliceReader::new(der)?;
        let signed = reader.sequence(|parts| {
            Ok(Self {
                info: parts.tlv_bytes()?,
                algorithm: parts.decode()?,
                signature: parts.decode()?,
            })
        })?;
        reader.finish(signed)
    }
}

/// The `SubjectAltName` in the extensionRequest attributes (RFC 2985 section 5.4.2).
fn requested_names(info: &CertReqInfo) -> der::Result<Vec<AlternativeName>> {
    let mut names = Vec::new();
    for attribute in info.attributes.iter() {
        if attribute.oid != ExtensionReq::OID {
            continue;
        }
        for value in attribute.values.iter() {
            for extension in value.decode_as::<ExtensionReq>()?.0 {
                if extension.extn_id == SubjectAltName::OID {
                    let san = SubjectAltName::from_der(extension.extn_value.as_bytes())?;
                    names.extend(AlternativeName::all(&san)?);
                }
            }
        }
    }
    names.sort();
    Ok(names)
}

/// The longest request that is read, in bytes: an RSA-4096 request with many names has about 2,000.
pub const CSR_LENGTH_MAX: usize = 16 * 1024;
