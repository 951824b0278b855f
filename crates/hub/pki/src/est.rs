//! Bodies of EST (RFC 7030, clarified by RFC 8951): what clients send, what they are sent.

mod key_package;
mod key_request;
mod reenrolment;

use base64::Engine;
use base64::alphabet;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};
use cms::cert::CertificateChoices;
use cms::content_info::{CmsVersion, ContentInfo};
use cms::signed_data::{CertificateSet, EncapsulatedContentInfo, SignedData, SignerInfos};
use der::asn1::SetOfVec;
use der::oid::db::rfc5911::{ID_DATA, ID_SIGNED_DATA};
use der::{Any, Decode, Encode};
use ironroot_secret::Secret;
use rustls::pki_types::CertificateDer;
use x509_cert::Certificate;
use zeroize::Zeroizing;

pub use key_package::{NotEnveloped, Recipient, envelope_key};
pub use key_request::{BadKeyRequest, ContentCipher, KeyRequest, Protection};
pub use reenrolment::{NamesDiffer, NotNamed, check_reenrolment, named_device};

use crate::pem::fold;

/// Why a request's body holds nothing that could be a CSR.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BadBody {
    /// Larger than any honest request.
    #[error("the body has {length} bytes; at most {BODY_LENGTH_MAX} are read")]
    TooLong {
        /// How many there are.
        length: usize,
    },
    /// Nothing in it.
    #[error("the body is empty; send the CSR in base64")]
    Empty,
    /// A PEM block that does not end, or holds no CSR.
    #[error("the body is PEM, but no whole CERTIFICATE REQUEST block")]
    Pem,
    /// Not base64.
    #[error("the body is not base64")]
    Base64(#[source] base64::DecodeError),
}

/// Takes the DER out of the body of a simpleenroll or simplereenroll request.
///
/// RFC 8951 section 3.1 asks for base64; any line folding is accepted, padded or not. Real clients
/// also send PEM and bare DER, so these are accepted too.
///
/// # Errors
/// [`BadBody`] when the body is too long, empty, or none of the three.
pub fn decode_request(body: &[u8]) -> Result<Vec<u8>, BadBody> {
    if body.len() > BODY_LENGTH_MAX {
        return Err(BadBody::TooLong { length: body.len() });
    }
    // Only the start: the last byte of bare DER may look like a space.
    let body = body.trim_ascii_start();
    match body.first() {
        None => Err(BadBody::Empty),
        // A SEQUENCE's tag. As base64 it would be a '0', and no DER's base64 starts with that.
        Some(0x30) => Ok(body.to_vec()),
        Some(b'-') => decode_base64(pem_content(body).ok_or(BadBody::Pem)?),
        Some(_) => decode_base64(body),
    }
}

/// Writes certificates as EST sends them: a certs-only PKCS#7 (RFC 5652, no signers) in base64.
///
/// # Errors
/// [`der::Error`] when one of them is no certificate, or stands there twice.
pub fn encode_certs_only(certificates: &[CertificateDer<'_>]) -> Result<String, der::Error> {
    let certificates = certificates
        .iter()
        .map(|der| Certificate::from_der(der).map(CertificateChoices::Certificate))
        .collect::<Result<Vec<_>, _>>()?;
    // RFC 5652 section 5.1: version 1, since there are neither other certificates nor signers.
    let signed_data = SignedData {
        version: CmsVersion::V1,
        digest_algorithms: SetOfVec::new(),
        encap_content_info: EncapsulatedContentInfo {
            econtent_type: ID_DATA,
            econtent: None,
        },
        certificates: Some(CertificateSet::try_from(certificates)?),
        crls: None,
        signer_infos: SignerInfos::try_from(Vec::new())?,
    };
    let content_info = ContentInfo {
        content_type: ID_SIGNED_DATA,
        content: Any::encode_from(&signed_data)?,
    };
    Ok(fold(&content_info.to_der()?))
}

/// Writes a private key in PKCS#8 as EST sends it: in base64 (RFC 7030 section 4.4.2).
pub fn encode_key(pkcs8: &Secret) -> Zeroizing<String> {
    Zeroizing::new(fold(pkcs8.expose()))
}

/// The body of a csrattrs response: what a CSR for this hub should look like (RFC 7030 section 4.5.2,
/// RFC 9908 section 3.2): a P-256 key, signed with ECDSA over SHA-256.
pub fn csr_attributes() -> String {
    fold(CSR_ATTRIBUTES)
}

fn decode_base64(text: &[u8]) -> Result<Vec<u8>, BadBody> {
    let text: Vec<u8> = text
        .iter()
        .copied()
        .filter(|byte| !byte.is_ascii_whitespace())
        .collect();
    LENIENT.decode(text).map_err(BadBody::Base64)
}

/// What lies between the first BEGIN and END line of a certificate request (RFC 7468 section 7).
fn pem_content(pem: &[u8]) -> Option<&[u8]> {
    let pem = str::from_utf8(pem).ok()?;
    ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"]
        .into_iter()
        .find_map(|label| {
            pem.strip_prefix("-----BEGIN ")?
                .strip_prefix(label)?
                .strip_prefix("-----")?
                .split_once(&format!("-----END {label}-----"))
                .map(|(content, _rest)| content.as_bytes())
        })
}

/// The longest body that is read, in bytes: base64 of the longest CSR, and its line ends.
pub const BODY_LENGTH_MAX: usize = 24 * 1024;

const LENIENT: GeneralPurpose = GeneralPurpose::new(
    &alphabet::STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// `CsrAttrs` in DER: an attribute id-ecPublicKey with the value secp256r1, then the OID ecdsa-with-SHA256.
const CSR_ATTRIBUTES: &[u8] = &[
    0x30, 0x21, // SEQUENCE
    0x30, 0x15, // SEQUENCE: the attribute
    0x06, 0x07, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x02, 0x01, // id-ecPublicKey
    0x31, 0x0a, // SET: its value
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07, // secp256r1
    0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x04, 0x03, 0x02, // ecdsa-with-SHA256
];

#[cfg(test)]
mod tests {
    use super::*;

    /// Any DER will do: what is in it is the CSR parser's matter.
    const DER: &[u8] = &[0x30, 0x06, 0x02, 0x01, 0x00, 0x02, 0x01, 0x2a];

    #[test]
    fn takes_base64_in_any_folding_and_with_or_without_padding() {
        for body in [
            "MAYCAQACASo=",
            "MAYCAQACASo",
            "MAYC\r\nAQAC\r\nASo=\r\n",
            "\n M A Y C\tAQACASo=\n\n",
        ] {
            assert_eq!(decode_request(body.as_bytes()).as_deref(), Ok(DER));
        }
    }

    #[test]
    fn takes_pem_and_bare_der_as_real_clients_send_them() {
        assert_eq!(decode_request(DER).as_deref(), Ok(DER));
        for label in ["CERTIFICATE REQUEST", "NEW CERTIFICATE REQUEST"] {
            let pem =
                format!("-----BEGIN {label}-----\r\nMAYCAQACASo=\r\n-----END {label}-----\r\n");
            assert_eq!(decode_request(pem.as_bytes()).as_deref(), Ok(DER));
        }
    }

    #[test]
    fn keeps_the_last_byte_of_bare_der_even_if_it_looks_like_a_space() {
        for last in *b" \n\r\t" {
            let der = [0x30, 0x03, 0x02, 0x01, last];
            assert_eq!(decode_request(&der).as_deref(), Ok(&der[..]));
        }
    }

    #[test]
    fn refuses_pem_of_something_else_or_without_an_end() {
        for pem in [
            "-----BEGIN PRIVATE KEY-----\nMAYCAQACASo=\n-----END PRIVATE KEY-----\n",
            "-----BEGIN CERTIFICATE REQUEST-----\nMAYCAQACASo=\n",
            "-----BEGIN CERTIFICATE REQUEST-----\nMAYCAQACASo=\n-----END CERTIFICATE-----\n",
            "--boundary",
        ] {
            assert_eq!(decode_request(pem.as_bytes()), Err(BadBody::Pem));
        }
    }

    #[test]
    fn refuses_an_empty_body_and_what_is_not_base64() {
        assert_eq!(decode_request(b" \r\n"), Err(BadBody::Empty));
        assert!(matches!(
            decode_request(b"{\"csr\":1}"),
            Err(BadBody::Base64(_))
        ));
    }

    #[test]
    fn ends_at_the_longest_body() {
        let longest = vec![b'M'; BODY_LENGTH_MAX];
        assert!(decode_request(&longest).is_ok());
        let longer = [longest, vec![b'M']].concat();
        assert_eq!(
            decode_request(&longer),
            Err(BadBody::TooLong {
                length: BODY_LENGTH_MAX + 1
            })
        );
    }

    #[test]
    fn refuses_to_send_what_is_no_certificate() {
        assert!(encode_certs_only(&[DER.into()]).is_err());
    }
}
