//! Signatures and points as a token writes them, and as certificates hold them.

use aws_lc_rs::signature::{ECDSA_P256_SHA256_ASN1, UnparsedPublicKey};
use der::asn1::{OctetStringRef, UintRef};
use der::{Decode, Encode, Sequence};

/// `Ecdsa-Sig-Value` (RFC 3279 section 2.2.3).
#[derive(Sequence)]
struct EcdsaSignature<'a> {
    r: UintRef<'a>,
    s: UintRef<'a>,
}

/// The DER form of a token's signature, which is r and s one after the other (PKCS#11 3.0 section 2.3.1).
pub(crate) fn to_der(raw: &[u8]) -> Option<Vec<u8>> {
    let (r, s) = raw.split_at_checked(SCALAR)?;
    let signature = EcdsaSignature {
        r: UintRef::new(r).ok()?,
        s: UintRef::new(s).ok()?,
    };
    (s.len() == SCALAR).then(|| signature.to_der().ok())?
}

/// Whether it is the signature of `message` under `point`.
pub(crate) fn verifies(point: &[u8], message: &[u8], signature: &[u8]) -> bool {
    UnparsedPublicKey::new(&ECDSA_P256_SHA256_ASN1, point)
        .verify(message, signature)
        .is_ok()
}

/// The uncompressed point in a `CKA_EC_POINT`: DER, or bare as some tokens give it.
pub(crate) fn point(attribute: &[u8]) -> Option<Vec<u8>> {
    let uncompressed = |bytes: &[u8]| bytes.len() == POINT && bytes.first() == Some(&4);
    if uncompressed(attribute) {
        return Some(attribute.to_vec());
    }
    let inner = OctetStringRef::from_der(attribute).ok()?.as_bytes();
    uncompressed(inner).then(|| inner.to_vec())
}

/// `secp256r1` in DER (RFC 5480 section 2.1.1.1).
pub(crate) const P256: [u8; 10] = [0x06, 0x08, 0x2a, 0x86, 0x48, 0xce, 0x3d, 0x03, 0x01, 0x07];
const SCALAR: usize = 32;
const POINT: usize = 1 + 2 * SCALAR;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_has_the_shortest_integers() {
        let mut raw = [0; 64];
        raw[31] = 1;
        raw[32] = 0x80;
        let der = to_der(&raw).unwrap();
        assert_eq!(der[..5], [0x30, 38, 2, 1, 1]);
        assert_eq!(der[5..9], [2, 33, 0, 0x80]);
    }

    #[test]
    fn refuses_a_signature_of_another_length() {
        for length in [0, 32, 63, 65, 96] {
            assert_eq!(to_der(&vec![1; length]), None, "{length}");
        }
    }

    #[test]
    fn reads_a_point_in_der_and_bare_and_refuses_others() {
        let bare = [&[4][..], &[7; 64]].concat();
        let wrapped = [&[4, 65][..], &bare].concat();
        assert_eq!(point(&bare), Some(bare.clone()));
        assert_eq!(point(&wrapped), Some(bare.clone()));
        let compressed = [&[4, 33, 2][..], &[7; 32]].concat();
        for wrong in [&wrapped[..66], &bare[..64], b"", &compressed] {
            assert_eq!(point(wrong), None);
        }
    }
}
