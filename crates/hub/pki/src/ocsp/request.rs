//! What a client asks: which certificates, and with which nonce.

use der::asn1::{AnyRef, ContextSpecific, IntRef, ObjectIdentifier, OctetStringRef};
use der::{Decode, Encode, Reader, Sequence, SliceReader, TagNumber};
use ironroot_identity::CertificateSerial;
use x509_cert::spki::AlgorithmIdentifierRef;

/// A request that can be answered (RFC 6960 section 4.1.1). A signature on it is not looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OcspRequest {
    /// The certificates asked about, at least one.
    pub certificates: Vec<CertId>,
    /// The nonce to be sent back, 1 to 128 bytes.
    pub nonce: Option<Vec<u8>>,
}

/// Which certificate is meant: by digests of its issuer's name and key, and by its number.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct CertId {
    /// The whole in DER, to be sent back.
    pub(super) der: Vec<u8>,
    pub(super) hash: HashAlgorithm,
    pub(super) issuer_name: Vec<u8>,
    pub(super) issuer_key: Vec<u8>,
    /// The certificate's number; none when this CA cannot have given it.
    pub(super) serial: Option<CertificateSerial>,
}

/// How the issuer was digested.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum HashAlgorithm {
    Sha1,
    Sha256,
    /// One that no CA is known by here.
    Other,
}

/// Why the bytes are no request that is answered.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadRequest {
    /// More bytes than an honest request has.
    #[error("the request has {length} bytes; at most {REQUEST_LENGTH_MAX} are read")]
    TooLong {
        /// How many there are.
        length: usize,
    },
    /// Not an `OCSPRequest` in DER.
    #[error("the request is no OCSPRequest in DER")]
    Malformed(#[from] der::Error),
    /// No certificate, or more than are answered at once.
    #[error("the request asks about {count} certificates; 1 to {CERTIFICATES_MAX} are answered")]
    Count {
        /// How many.
        count: usize,
    },
    /// A nonce of a length that RFC 9654 section 2.1 excludes.
    #[error("the nonce has {length} bytes; it must have 1 to {NONCE_LENGTH_MAX}")]
    Nonce {
        /// Its length.
        length: usize,
    },
    /// Something that must be understood and is not.
    #[error("the request has the critical extension {oid}, which is unknown here")]
    Critical {
        /// Its identifier.
        oid: ObjectIdentifier,
    },
}

#[derive(Sequence)]
struct WireCertId<'a> {
    algorithm: AlgorithmIdentifierRef<'a>,
    issuer_name: OctetStringRef<'a>,
    issuer_key: OctetStringRef<'a>,
    serial: IntRef<'a>,
}

#[derive(Sequence)]
struct WireExtension<'a> {
    oid: ObjectIdentifier,
    #[asn1(default = "Default::default")]
    critical: bool,
    value: OctetStringRef<'a>,
}

impl OcspRequest {
    /// Reads a request.
    ///
    /// # Errors
    /// [`BadRequest`] says what is wrong with it; the answer is `malformedRequest` in every case.
    pub fn parse(der: &[u8]) -> Result<Self, BadRequest> {
        if der.len() > REQUEST_LENGTH_MAX {
            return Err(BadRequest::TooLong { length: der.len() });
        }
        let mut reader = SliceReader::new(der)?;
        let read: (Vec<CertId>, Vec<WireExtension<'_>>) = reader.sequence(|request| {
            let read = request.sequence(read_tbs_request)?;
            // The optional signature.
            ContextSpecific::<AnyRef<'_>>::decode_explicit(request, TagNumber::N0)?;
            Ok(read)
        })?;
        let (certificates, extensions) = reader.finish(read)?;
        let count = certificates.len();
        if count == 0 || count > CERTIFICATES_MAX {
            return Err(BadRequest::Count { count });
        }
        Ok(Self {
            certificates,
            nonce: nonce(&extensions)?,
        })
    }
}

impl CertId {
    /// The certificate's number; none when it is not one that this hub gives.
    pub fn serial(&self) -> Option<CertificateSerial> {
        self.serial
    }

    fn read(wire: &WireCertId<'_>) -> der::Result<Self> {
        let hash = match wire.algorithm.oid {
            SHA1 => HashAlgorithm::Sha1,
            SHA256 => HashAlgorithm::Sha256,
            _ => HashAlgorithm::Other,
        };
        Ok(Self {
            der: wire.to_der()?,
            hash,
            issuer_name: wire.issuer_name.as_bytes().to_vec(),
            issuer_key: wire.issuer_key.as_bytes().to_vec(),
            serial: CertificateSerial::from_der_content(wire.serial.as_bytes()).ok(),
        })
    }
}

/// `TBSRequest`: version, requestor's name, the list, extensions.
fn read_tbs_request<'a>(
    tbs: &mut impl Reader<'a>,
) -> der::Result<(Vec<CertId>, Vec<WireExtension<'a>>)> {
    let version = ContextSpecific::<u8>::decode_explicit(tbs, TagNumber::N0)?;
    if version.is_some_and(|version| version.value != 0) {
        return Err(der::Tag::Integer.value_error());
    }
    ContextSpecific::<AnyRef<'_>>::decode_explicit(tbs, TagNumber::N1)?;
    let certificates = tbs.sequence(|list| {
        let mut certificates = Vec::new();
        while !list.is_finished() {
            certificates.push(list.sequence(|one| {
                let id = WireCertId::decode(one)?;
                ContextSpecific::<AnyRef<'_>>::decode_explicit(one, TagNumber::N0)?;
                CertId::read(&id)
            })?);
        }
        Ok(certificates)
    })?;
    let extensions =
        ContextSpecific::<Vec<WireExtension<'a>>>::decode_explicit(tbs, TagNumber::N2)?;
    let extensions = extensions.map_or_else(Vec::new, |extensions| extensions.value);
    Ok((certificates, extensions))
}

fn nonce(extensions: &[WireExtension<'_>]) -> Result<Option<Vec<u8>>, BadRequest> {
    let mut nonce = None;
    for extension in extensions {
        if extension.oid == NONCE {
            // RFC 9654 section 2.1: an OCTET STRING inside that of the extension.
            let value = OctetStringRef::from_der(extension.value.as_bytes())?;
            let length = value.as_bytes().len();
            if length == 0 || length > NONCE_LENGTH_MAX {
                return Err(BadRequest::Nonce { length });
            }
            nonce = Some(value.as_bytes().to_vec());
        } else if extension.critical {
            return Err(BadRequest::Critical { oid: extension.oid });
        }
    }
    Ok(nonce)
}

/// The longest request that is read, in bytes: sixteen certificates and the longest nonce need 2,000.
pub const REQUEST_LENGTH_MAX: usize = 4 * 1024;
/// How many certificates are answered at once.
const CERTIFICATES_MAX: usize = 16;
/// RFC 9654 section 2.1.
const NONCE_LENGTH_MAX: usize = 128;

/// id-sha1.
const SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.14.3.2.26");
/// id-sha256.
const SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.3.4.2.1");
/// id-pkix-ocsp-nonce (RFC 9654 section 2.1).
const NONCE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.7.48.1.2");
