//! A private key made by the hub, encrypted to a key that its new holder has already (RFC 7030 section 4.4.2):
//! an asymmetric key package (RFC 5958), signed by the hub, inside a CMS `EnvelopedData` (RFC 5652).

use aws_lc_rs::agreement::{ECDH_P256, ECDH_P384, EphemeralPrivateKey, agree_ephemeral};
use aws_lc_rs::cipher::{
    AES_128, AES_256, DecryptionContext, PaddedBlockEncryptingKey, UnboundCipherKey,
};
use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use aws_lc_rs::key_wrap::{AES_256 as WRAP_AES_256, AesKek, KeyWrap};
use aws_lc_rs::rand::{SystemRandom, fill};
use aws_lc_rs::rsa::{OAEP_SHA256_MGF1SHA256, OaepPublicEncryptingKey, PublicEncryptingKey};
use cms::cert::{CertificateChoices, IssuerAndSerialNumber};
use cms::content_info::{CmsVersion, ContentInfo};
use cms::enveloped_data::{
    EncryptedContentInfo, KeyTransRecipientInfo, OriginatorIdentifierOrKey, OriginatorPublicKey,
    RecipientIdentifier, RecipientKeyIdentifier,
};
use cms::signed_data::{CertificateSet, SignerIdentifier, SignerInfo, SignerInfos};
use der::asn1::{
    Any, AnyRef, BitString, ContextSpecific, ObjectIdentifier, OctetString, OctetStringRef,
    SetOfVec,
};
use der::oid::db::{rfc5911, rfc5912};
use der::{Decode, Encode, Sequence, Tag, TagMode, TagNumber};
use ironroot_secret::Secret;
use rustls::SignatureScheme;
use rustls::sign::CertifiedKey;
use x509_cert::Certificate;
use x509_cert::attr::Attribute;
use x509_cert::ext::pkix::SubjectKeyIdentifier;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};
use zeroize::Zeroizing;

use super::key_request::ContentCipher;
use crate::pem::fold;

/// Why a key is not encrypted, and so not handed out.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotEnveloped {
    /// The client shows no key of this identifier.
    #[error(
        "the key is to be encrypted to one whose identifier is not that of the certificate in the TLS handshake"
    )]
    UnknownRecipient,
    /// The client's key is of a kind that nothing is encrypted to.
    #[error("nothing can be encrypted to a key of this kind; RSA, P-256 and P-384 serve")]
    RecipientAlgorithm,
    /// A part could not be written.
    #[error("the key package could not be written")]
    Writing(#[from] der::Error),
    /// The cryptographic library refused.
    #[error("the cryptographic library refused")]
    Crypto(#[from] aws_lc_rs::error::Unspecified),
    /// The hub's own key does not sign.
    #[error("the hub's key did not sign the key package")]
    Signing(#[from] rustls::Error),
}

/// Whose key the package is encrypted to: a `SubjectPublicKeyInfo` in DER, and its identifier.
#[derive(Clone, Debug)]
pub struct Recipient {
    spki: SubjectPublicKeyInfoOwned,
    spki_der: Vec<u8>,
    identifier: Vec<u8>,
}

impl Recipient {
    /// The owner of the key in `spki_der`, who calls it by `identifier`.
    ///
    /// # Errors
    /// [`NotEnveloped::UnknownRecipient`] unless the identifier is that key's, made as in RFC 5280 section
    /// 4.2.1.2 (1) or RFC 7093 section 2 (1); and when nothing can be encrypted to such a key.
    pub fn named(spki_der: &[u8], identifier: &[u8]) -> Result<Self, NotEnveloped> {
        let spki = SubjectPublicKeyInfoOwned::from_der(spki_der)?;
        let bits = spki.subject_public_key.raw_bytes();
        let (sha1, sha256) = (
            digest(&SHA1_FOR_LEGACY_USE_ONLY, bits),
            digest(&SHA256, bits),
        );
        let truncated = sha256.as_ref().get(..20).unwrap_or_default();
        if ![sha1.as_ref(), truncated].contains(&identifier) {
            return Err(NotEnveloped::UnknownRecipient);
        }
        Ok(Self {
            spki,
            spki_der: spki_der.to_vec(),
            identifier: identifier.to_vec(),
        })
    }

    /// Wraps the key that the content is encrypted with.
    fn wrap(&self, content_key: &[u8]) -> Result<Any, NotEnveloped> {
        let curve = self.spki.algorithm.parameters.as_ref();
        let curve = curve.and_then(|curve| curve.decode_as::<ObjectIdentifier>().ok());
        match (self.spki.algorithm.oid, curve) {
            (rfc5912::RSA_ENCRYPTION, _) => self.transport(content_key),
            (rfc5912::ID_EC_PUBLIC_KEY, Some(rfc5912::SECP_256_R_1)) => {
                self.agree(&ECDH_P256, content_key)
            }
            (rfc5912::ID_EC_PUBLIC_KEY, Some(rfc5912::SECP_384_R_1)) => {
                self.agree(&ECDH_P384, content_key)
            }
            _ => Err(NotEnveloped::RecipientAlgorithm),
        }
    }

    /// RSAES-OAEP with SHA-256 (RFC 3560).
    fn transport(&self, content_key: &[u8]) -> Result<Any, NotEnveloped> {
        let key = PublicEncryptingKey::from_der(&self.spki_der)
            .map_err(|_rejected| NotEnveloped::RecipientAlgorithm)?;
        let key = OaepPublicEncryptingKey::new(key)?;
        let mut encrypted = vec![0; key.ciphertext_size()];
        let encrypted = key.encrypt(&OAEP_SHA256_MGF1SHA256, content_key, &mut encrypted, None)?;
        let identifier = SubjectKeyIdentifier(OctetString::new(self.identifier.as_slice())?);
        Ok(Any::encode_from(&KeyTransRecipientInfo {
            // RFC 5652 section 6.2.1: 2, because of the identifier's form.
            version: CmsVersion::V2,
            rid: RecipientIdentifier::SubjectKeyIdentifier(identifier),
            key_enc_alg: AlgorithmIdentifierOwned::from_der(OAEP_SHA256)?,
            enc_key: OctetString::new(&*encrypted)?,
        })?)
    }

    /// Ephemeral-static ECDH with the X9.63 key derivation over SHA-256 (RFC 5753 section 3.1).
    fn agree(
        &self,
        curve: &'static aws_lc_rs::agreement::Algorithm,
        content_key: &[u8],
    ) -> Result<Any, NotEnveloped> {
        let ephemeral = EphemeralPrivateKey::generate(curve, &SystemRandom::new())?;
        let originator = ephemeral.compute_public_key()?;
        let peer = aws_lc_rs::agreement::UnparsedPublicKey::new(
            curve,
            self.spki.subject_public_key.raw_bytes(),
        );
        let wrap_algorithm = algorithm(rfc5911::ID_AES_256_WRAP);
        let shared_info = SharedInfo {
            key_info: wrap_algorithm.clone(),
            supp_pub_info: OctetString::new(WRAP_KEY_BITS.to_be_bytes())?,
        }
        .to_der()?;
        // One round of the derivation gives 32 bytes, which is what AES-256 takes.
        let refused = NotEnveloped::Crypto(aws_lc_rs::error::Unspecified);
        let wrap_key = agree_ephemeral(ephemeral, peer, refused, |secret| {
            let parts = [secret, &1_u32.to_be_bytes(), &shared_info].concat();
            Ok(digest(&SHA256, &Zeroizing::new(parts)))
        })?;
        let mut wrapped = vec![0; content_key.len() + WRAP_OVERHEAD];
        let wrapped = AesKek::new(&WRAP_AES_256, wrap_key.as_ref())?
            .wrap(content_key, &mut wrapped)?
            .to_vec();
        let recipient = RecipientKeyIdentifier {
            subject_key_identifier: SubjectKeyIdentifier(OctetString::new(
                self.identifier.as_slice(),
            )?),
            date: None,
            other: None,
        };
        let agreement = KeyAgreement {
            version: CmsVersion::V3,
            originator: OriginatorIdentifierOrKey::OriginatorKey(OriginatorPublicKey {
                algorithm: algorithm(rfc5912::ID_EC_PUBLIC_KEY),
                public_key: BitString::from_bytes(originator.as_ref())?,
            }),
            key_enc_alg: AlgorithmIdentifierOwned {
                oid: ECDH_SHA256,
                parameters: Some(Any::encode_from(&wrap_algorithm)?),
            },
            wrapped: [WrappedKey {
                recipient,
                wrapped: OctetString::new(wrapped)?,
            }],
        };
        let agreement = ContextSpecific {
            tag_number: TagNumber::N1,
            tag_mode: TagMode::Implicit,
            value: agreement,
        };
        Ok(Any::from_der(&agreement.to_der()?)?)
    }
}

/// Signs a private key in PKCS#8 as the hub, encrypts it to `recipient`, and writes it as EST sends it: the
/// CMS in base64.
///
/// # Errors
/// [`NotEnveloped`]; nothing of the key is left behind.
pub fn envelope_key(
    pkcs8: &Secret,
    signer: &CertifiedKey,
    recipient: &Recipient,
    cipher: ContentCipher,
) -> Result<String, NotEnveloped> {
    let package = encode_secret(&AnyRef::new(Tag::Sequence, pkcs8.expose())?)?;
    let mut content = sign(&package, signer)?;
    let (algorithm, length) = match cipher {
        ContentCipher::Aes256 => (&AES_256, 32),
        ContentCipher::Aes128 => (&AES_128, 16),
    };
    let mut content_key = Zeroizing::new(vec![0; length]);
    fill(&mut content_key)?;
    let key = UnboundCipherKey::new(algorithm, &content_key)?;
    // In place: what was the key's bytes is ciphertext afterwards.
    let used = PaddedBlockEncryptingKey::cbc_pkcs7(key)?.encrypt(&mut *content)?;
    let DecryptionContext::Iv128(iv) = &used else {
        return Err(aws_lc_rs::error::Unspecified.into());
    };
    let iv: &[u8; 16] = iv.as_ref();
    let enveloped = Enveloped {
        // RFC 5652 section 6.1: 2, since no recipient's version is 0.
        version: CmsVersion::V2,
        recipients: SetOfVec::try_from(vec![recipient.wrap(&content_key)?])?,
        content: EncryptedContentInfo {
            content_type: rfc5911::ID_SIGNED_DATA,
            content_enc_alg: AlgorithmIdentifierOwned {
                oid: cipher.oid(),
                parameters: Some(Any::new(Tag::OctetString, iv.as_slice())?),
            },
            encrypted_content: Some(OctetString::new(content.as_slice())?),
        },
    };
    let content_info = ContentInfo {
        content_type: rfc5911::ID_ENVELOPED_DATA,
        content: Any::encode_from(&enveloped)?,
    };
    Ok(fold(&content_info.to_der()?))
}

/// `SignedData` (RFC 5652 section 5.1) that borrows its content, so that no copy of a key is left.
#[derive(Sequence)]
struct SignedPackage<'a> {
    version: CmsVersion,
    digest_algorithms: SetOfVec<AlgorithmIdentifierOwned>,
    content: Encapsulated<'a>,
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true")]
    certificates: CertificateSet,
    signer_infos: SignerInfos,
}

#[derive(Sequence)]
struct Encapsulated<'a> {
    content_type: ObjectIdentifier,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT", constructed = "true")]
    content: OctetStringRef<'a>,
}

/// `EnvelopedData` (RFC 5652 section 6.1), without its optional fields.
#[derive(Sequence)]
struct Enveloped {
    version: CmsVersion,
    recipients: SetOfVec<Any>,
    content: EncryptedContentInfo,
}

/// `KeyAgreeRecipientInfo` (RFC 5652 section 6.2.2); the one in the crate `cms` 0.2 writes the recipient's
/// identifier as a primitive, which no other program reads.
#[derive(Sequence)]
struct KeyAgreement {
    version: CmsVersion,
    #[asn1(context_specific = "0", tag_mode = "EXPLICIT")]
    originator: OriginatorIdentifierOrKey,
    key_enc_alg: AlgorithmIdentifierOwned,
    wrapped: [WrappedKey; 1],
}

#[derive(Sequence)]
struct WrappedKey {
    #[asn1(context_specific = "0", tag_mode = "IMPLICIT", constructed = "true")]
    recipient: RecipientKeyIdentifier,
    wrapped: OctetString,
}

/// What the wrapping key is derived for (`ECC-CMS-SharedInfo`, RFC 5753 section 7.2).
#[derive(Sequence)]
struct SharedInfo {
    key_info: AlgorithmIdentifierOwned,
    #[asn1(context_specific = "2", tag_mode = "EXPLICIT", constructed = "true")]
    supp_pub_info: OctetString,
}

/// Signs as RFC 5652 section 5.4 has it: over attributes that hold the content's kind and digest.
fn sign(package: &[u8], signer: &CertifiedKey) -> Result<Zeroizing<Vec<u8>>, NotEnveloped> {
    let no_key = || rustls::Error::General("the hub's door has no P-256 key".to_owned());
    let certificate = Certificate::from_der(signer.end_entity_cert()?)?;
    let attribute = |oid, value| {
        let values = SetOfVec::try_from(vec![value])?;
        Ok::<_, der::Error>(Attribute { oid, values })
    };
    let package_digest = digest(&SHA256, package);
    let attributes = SetOfVec::try_from(vec![
        attribute(rfc5911::ID_CONTENT_TYPE, Any::encode_from(&KEY_PACKAGE)?)?,
        attribute(
            rfc5911::ID_MESSAGE_DIGEST,
            Any::new(Tag::OctetString, package_digest.as_ref())?,
        )?,
    ])?;
    let scheme = [SignatureScheme::ECDSA_NISTP256_SHA256];
    let key = signer.key.choose_scheme(&scheme).ok_or_else(no_key)?;
    let signature = key.sign(&attributes.to_der()?)?;
    let sha256 = algorithm(rfc5912::ID_SHA_256);
    let info = SignerInfo {
        version: CmsVersion::V1,
        sid: SignerIdentifier::IssuerAndSerialNumber(IssuerAndSerialNumber {
            issuer: certificate.tbs_certificate.issuer.clone(),
            serial_number: certificate.tbs_certificate.serial_number.clone(),
        }),
        digest_alg: sha256.clone(),
        signed_attrs: Some(attributes),
        signature_algorithm: algorithm(rfc5912::ECDSA_WITH_SHA_256),
        signature: OctetString::new(signature)?,
        unsigned_attrs: None,
    };
    let chain = signer
        .cert
        .iter()
        .map(|der| Certificate::from_der(der).map(CertificateChoices::Certificate));
    let whole = SignedPackage {
        // RFC 5652 section 5.1: 3, since the content is no plain data.
        version: CmsVersion::V3,
        digest_algorithms: SetOfVec::try_from(vec![sha256])?,
        content: Encapsulated {
            content_type: KEY_PACKAGE,
            content: OctetStringRef::new(package)?,
        },
        certificates: CertificateSet::try_from(chain.collect::<Result<Vec<_>, _>>()?)?,
        signer_infos: SignerInfos::try_from(vec![info])?,
    };
    Ok(encode_secret(&whole)?)
}

/// Encodes into memory that is wiped, with room for a block of padding, so that it never moves.
fn encode_secret(value: &impl Encode) -> Result<Zeroizing<Vec<u8>>, der::Error> {
    let length = usize::try_from(value.encoded_len()?)?;
    let mut bytes = Zeroizing::new(Vec::with_capacity(length + BLOCK_LENGTH));
    bytes.resize(length, 0);
    value.encode_to_slice(&mut bytes)?;
    Ok(bytes)
}

fn algorithm(oid: ObjectIdentifier) -> AlgorithmIdentifierOwned {
    AlgorithmIdentifierOwned {
        oid,
        parameters: None,
    }
}

/// id-ct-KP-aKeyPackage (RFC 5958 section 4).
const KEY_PACKAGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.16.840.1.101.2.1.2.78.5");
/// dhSinglePass-stdDH-sha256kdf-scheme (RFC 5753 section 7.1.4).
const ECDH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.132.1.11.1");
/// Bits of the key that wraps the content's key.
const WRAP_KEY_BITS: u32 = 256;
/// By how many bytes AES key wrap lengthens what it wraps (RFC 3394).
const WRAP_OVERHEAD: usize = 8;
/// AES's block, in bytes.
const BLOCK_LENGTH: usize = 16;
/// id-RSAES-OAEP with SHA-256 for both of its digests, in DER (RFC 4055 section 4.1).
const OAEP_SHA256: &[u8] = &[
    0x30, 0x3c, // SEQUENCE
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x07, // id-RSAES-OAEP
    0x30, 0x2f, // SEQUENCE: its parameters
    0xa0, 0x0f, 0x30, 0x0d, // hashFunc: SHA-256
    0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00, //
    0xa1, 0x1c, 0x30, 0x1a, // maskGenFunc: MGF1
    0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01, 0x08, //
    0x30, 0x0d, // with SHA-256
    0x06, 0x09, 0x60, 0x86, 0x48, 0x01, 0x65, 0x03, 0x04, 0x02, 0x01, 0x05, 0x00,
];
