//! Which keys and signatures a request may have, and the check that one fits the other.

use der::asn1::{AnyRef, UintRef};
use der::{Decode, Encode, Reader, SliceReader};
use rustls::pki_types::SignatureVerificationAlgorithm;
use webpki::aws_lc_rs as algorithms;
use x509_cert::spki::{AlgorithmIdentifierOwned, SubjectPublicKeyInfoOwned};

use super::{BadCsr, Signed};
use crate::key::KeyAlgorithm::{self, Ed25519, P256, P384, Rsa};
use crate::key::{PublicKey, algorithm_name};

/// Every accepted pair of key and signature algorithm. SHA-1 and MD5 are absent for good.
const ACCEPTED: &[(KeyAlgorithm, &dyn SignatureVerificationAlgorithm)] = &[
    (P256, algorithms::ECDSA_P256_SHA256),
    (P256, algorithms::ECDSA_P256_SHA384),
    (P256, algorithms::ECDSA_P256_SHA512),
    (P384, algorithms::ECDSA_P384_SHA256),
    (P384, algorithms::ECDSA_P384_SHA384),
    (P384, algorithms::ECDSA_P384_SHA512),
    (Ed25519, algorithms::ED25519),
    (Rsa, algorithms::RSA_PKCS1_2048_8192_SHA256),
    (Rsa, algorithms::RSA_PKCS1_2048_8192_SHA384),
    (Rsa, algorithms::RSA_PKCS1_2048_8192_SHA512),
    (Rsa, algorithms::RSA_PSS_2048_8192_SHA256_LEGACY_KEY),
    (Rsa, algorithms::RSA_PSS_2048_8192_SHA384_LEGACY_KEY),
    (Rsa, algorithms::RSA_PSS_2048_8192_SHA512_LEGACY_KEY),
];

/// Checks that the owner of the key in `spki` signed the request, and that the key is worth having.
pub(super) fn verify(
    spki: &SubjectPublicKeyInfoOwned,
    signed: &Signed<'_>,
) -> Result<PublicKey, BadCsr> {
    let key_algorithm = content(&spki.algorithm)?;
    let signature_algorithm = content(&signed.algorithm)?;
    let (key, signature) = (
        spki.subject_public_key.as_bytes(),
        signed.signature.as_bytes(),
    );
    let (Some(key), Some(signature)) = (key, signature) else {
        return Err(BadCsr::Proof);
    };

    let of_this_key: Vec<_> = ACCEPTED
        .iter()
        .filter(|(_, accepted)| accepted.public_key_alg_id().as_ref() == key_algorithm)
        .collect();
    let Some((kind, _)) = of_this_key.first() else {
        return Err(BadCsr::KeyAlgorithm {
            name: algorithm_name(&spki.algorithm),
        });
    };
    match kind {
        Rsa => check_rsa(key)?,
        P256 | P384 => check_point(key)?,
        Ed25519 => {}
    }
    let Some((_, algorithm)) = of_this_key
        .iter()
        .find(|(_, accepted)| accepted.signature_alg_id().as_ref() == signature_algorithm)
    else {
        return Err(BadCsr::SignatureAlgorithm {
            name: algorithm_name(&signed.algorithm),
        });
    };
    algorithm
        .verify_signature(key, signed.info, signature)
        .map_err(|_does_not_fit| BadCsr::Proof)?;
    Ok(PublicKey::proved(*kind, key))
}

/// An uncompressed point, the one form that every peer reads (RFC 5480 section 2.2).
fn check_point(key: &[u8]) -> Result<(), BadCsr> {
    match key {
        [0x04, ..] => Ok(()),
        [..] => Err(BadCsr::PointForm),
    }
}

/// An `RSAPublicKey` (RFC 8017 appendix A.1.1) within the bounds; exponents as in FIPS 186-5 section 5.1.
fn check_rsa(key: &[u8]) -> Result<(), BadCsr> {
    let (modulus, exponent) = read_rsa(key).map_err(BadCsr::Malformed)?;
    let bits = match modulus.as_bytes() {
        [first, rest @ ..] => rest.len() * 8 + (u8::BITS - first.leading_zeros()) as usize,
        [] => 0,
    };
    if !(RSA_BITS_MIN..=RSA_BITS_MAX).contains(&bits) {
        return Err(BadCsr::RsaSize { bits });
    }
    let exponent = exponent.as_bytes();
    let odd = exponent.last().is_some_and(|last| last % 2 == 1);
    // Both are without leading zeros, so the longer one is the greater.
    if odd && (exponent.len(), exponent) >= (RSA_EXPONENT_MIN.len(), RSA_EXPONENT_MIN) {
        Ok(())
    } else {
        Err(BadCsr::RsaExponent)
    }
}

fn read_rsa(key: &[u8]) -> der::Result<(UintRef<'_>, UintRef<'_>)> {
    let mut reader = SliceReader::new(key)?;
    let numbers = reader.sequence(|numbers| Ok((numbers.decode()?, numbers.decode()?)))?;
    reader.finish(numbers)
}

/// The content bytes of an `AlgorithmIdentifier`, which is how the algorithms name themselves.
fn content(algorithm: &AlgorithmIdentifierOwned) -> Result<Vec<u8>, BadCsr> {
    let der = algorithm.to_der().map_err(BadCsr::Malformed)?;
    let content = AnyRef::from_der(&der).map_err(BadCsr::Malformed)?;
    Ok(content.value().to_vec())
}

const RSA_BITS_MIN: usize = 2048;
const RSA_BITS_MAX: usize = 4096;
/// 65537, big-endian.
const RSA_EXPONENT_MIN: &[u8] = &[1, 0, 1];

#[cfg(test)]
mod tests {
    use super::*;

    /// An `RSAPublicKey` whose modulus has this many bits.
    fn rsa_key(bits: usize, exponent: &[u8]) -> Vec<u8> {
        let mut modulus = vec![0xff; bits.div_ceil(8)];
        modulus[0] >>= modulus.len() * 8 - bits;
        let numbers = [&modulus, exponent].map(|number| UintRef::new(number).unwrap());
        numbers.to_der().unwrap()
    }

    #[test]
    fn an_rsa_key_has_2048_to_4096_bits() {
        for bits in [2048, 4096] {
            assert_eq!(check_rsa(&rsa_key(bits, &[1, 0, 1])), Ok(()));
        }
        for bits in [1, 2047, 4097] {
            let refused = BadCsr::RsaSize { bits };
            assert_eq!(check_rsa(&rsa_key(bits, &[1, 0, 1])), Err(refused));
        }
    }

    #[test]
    fn an_rsa_exponent_is_odd_and_at_least_65537() {
        for exponent in [&[1, 0, 1][..], &[1, 0, 0, 1], &[1, 0, 3]] {
            assert_eq!(check_rsa(&rsa_key(2048, exponent)), Ok(()));
        }
        for exponent in [
            &[0][..],
            &[1],
            &[3],
            &[0xff, 0xff],
            &[1, 0, 0],
            &[1, 0, 0, 0],
        ] {
            let refused = check_rsa(&rsa_key(2048, exponent));
            assert_eq!(refused, Err(BadCsr::RsaExponent));
        }
    }

    #[test]
    fn a_point_is_uncompressed() {
        assert_eq!(check_point(&[0x04, 1, 2]), Ok(()));
        for form in [&[0x02, 1][..], &[0x03, 1], &[0x00], &[]] {
            assert_eq!(check_point(form), Err(BadCsr::PointForm));
        }
    }
}
