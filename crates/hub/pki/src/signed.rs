//! DER by hand, for what is signed here and rcgen does not write: CRLs and OCSP responses.

use std::time::Duration;

use der::Encode;
use der::asn1::{GeneralizedTime, UtcTime};
use ironroot_time::UnixTime;
use rcgen::SigningKey;

/// Why something was not signed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum NotSigned {
    /// The key refused.
    #[error("the key did not sign")]
    Key(#[source] rcgen::Error),
    /// The key is of a kind that nothing is signed with.
    #[error("nothing is signed with a key of this kind")]
    Algorithm,
    /// A part cannot be written.
    #[error("a part cannot be written in DER")]
    Part(#[from] der::Error),
}

/// One element: its tag, and its content in parts (X.690 sections 8.1.3 and 10.1).
pub(crate) fn element(tag: u8, parts: &[&[u8]]) -> Vec<u8> {
    let length: usize = parts.iter().map(|part| part.len()).sum();
    let mut element = Vec::with_capacity(length.saturating_add(10));
    element.push(tag);
    match u8::try_from(length) {
        Ok(short) if short < 0x80 => element.push(short),
        Ok(_) | Err(_) => {
            let bytes = length.to_be_bytes();
            let significant = bytes.iter().skip_while(|byte| **byte == 0);
            let count = significant.clone().count();
            element.push(0x80 | u8::try_from(count).unwrap_or(0x7f));
            element.extend(significant);
        }
    }
    for part in parts {
        element.extend_from_slice(part);
    }
    element
}

/// A signed whole: what is signed, the algorithm, the signature, and what follows unsigned.
pub(crate) fn sign(
    key: &impl SigningKey,
    to_be_signed: &[u8],
    unsigned: &[u8],
) -> Result<Vec<u8>, NotSigned> {
    let signature = key.sign(to_be_signed).map_err(NotSigned::Key)?;
    let signature = element(BIT_STRING, &[&[0], &signature]);
    Ok(element(
        SEQUENCE,
        &[to_be_signed, algorithm(key)?, &signature, unsigned],
    ))
}

/// The `AlgorithmIdentifier` of this key's signatures (RFC 5758 section 3.2, RFC 4055, RFC 8410).
pub(crate) fn algorithm(key: &impl SigningKey) -> Result<&'static [u8], NotSigned> {
    ALGORITHMS
        .iter()
        .find(|(algorithm, _)| *algorithm == key.algorithm())
        .map(|(_, identifier)| *identifier)
        .ok_or(NotSigned::Algorithm)
}

/// An extension (RFC 5280 section 4.2).
pub(crate) fn extension(oid: &[u8], critical: Critical, content: &[u8]) -> Vec<u8> {
    let flag: &[u8] = match critical {
        Critical::Yes => &[0x01, 0x01, 0xff],
        Critical::No => &[],
    };
    element(
        SEQUENCE,
        &[
            &element(OBJECT_IDENTIFIER, &[oid]),
            flag,
            &element(OCTET_STRING, &[content]),
        ],
    )
}

/// Whether whoever does not know an extension must refuse the whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Critical {
    Yes,
    No,
}

/// `UTCTime` until 2049 and `GeneralizedTime` after it (RFC 5280 section 5.1.2.4).
pub(crate) fn time(at: UnixTime) -> Result<Vec<u8>, der::Error> {
    if at < GENERALIZED_FROM {
        UtcTime::from_unix_duration(Duration::from_secs(at.as_s()))?.to_der()
    } else {
        generalized_time(at)
    }
}

/// `GeneralizedTime` in whole seconds.
pub(crate) fn generalized_time(at: UnixTime) -> Result<Vec<u8>, der::Error> {
    GeneralizedTime::from_unix_duration(Duration::from_secs(at.as_s()))?.to_der()
}

pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const SEQUENCE: u8 = 0x30;

/// An `[n]` that holds other elements.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// 2050-01-01T00:00:00Z.
const GENERALIZED_FROM: UnixTime = UnixTime::from_s(2_524_608_000);

/// How keys sign: `AlgorithmIdentifier` in DER.
const ALGORITHMS: [(&rcgen::SignatureAlgorithm, &[u8]); 4] = [
    (
        &rcgen::PKCS_ECDSA_P256_SHA256,
        b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x02",
    ),
    (
        &rcgen::PKCS_ECDSA_P384_SHA384,
        b"\x30\x0a\x06\x08\x2a\x86\x48\xce\x3d\x04\x03\x03",
    ),
    (
        &rcgen::PKCS_RSA_SHA256,
        b"\x30\x0d\x06\x09\x2a\x86\x48\x86\xf7\x0d\x01\x01\x0b\x05\x00",
    ),
    (&rcgen::PKCS_ED25519, b"\x30\x05\x06\x03\x2b\x65\x70"),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_are_as_short_as_they_can_be() {
        for (length, header) in [
            (0, &[0x30, 0][..]),
            (0x7f, &[0x30, 0x7f]),
            (0x80, &[0x30, 0x81, 0x80]),
            (0xff, &[0x30, 0x81, 0xff]),
            (0x100, &[0x30, 0x82, 1, 0]),
            (0x1_0000, &[0x30, 0x83, 1, 0, 0]),
        ] {
            let written = element(SEQUENCE, &[&vec![7; length]]);
            assert_eq!(written[..header.len()], *header, "{length}");
            assert_eq!(written.len(), header.len() + length);
        }
    }

    #[test]
    fn times_change_their_form_with_the_year_2050() {
        let form = |s| time(UnixTime::from_s(s)).unwrap()[0];
        assert_eq!(form(2_524_607_999), 0x17, "2049-12-31T23:59:59Z");
        assert_eq!(form(2_524_608_000), 0x18, "2050-01-01T00:00:00Z");
    }
}
