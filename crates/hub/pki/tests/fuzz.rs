//! Fuzz targets: each changes a valid input, so that the fuzzer works past the first bytes.
//!
//! They run for about a second each; `BOLERO_RANDOM_TEST_TIME_MS` makes it longer.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on has failed")]

use der::asn1::{Any, SetOfVec};
use der::{Decode, Encode, Tag};
use ironroot_identity::CertificateSerial;
use ironroot_pki::authority::{Authority, CertificateProfile, Issuance, PkiUrls};
use ironroot_pki::csr::Csr;
use ironroot_pki::est::{KeyRequest, decode_request, encode_certs_only};
use ironroot_pki::facts::CertificateFacts;
use ironroot_pki::key::{KeyAlgorithm, NewKey, SoftwareKey};
use ironroot_pki::ocsp::OcspRequest;
use ironroot_pki::seal::{KEY_LENGTH, SealKey};
use ironroot_pki::tls::{ManufacturerCa, Manufacturers, TrustAnchors};
use ironroot_time::UnixTime;
use rcgen::{CertificateParams, KeyPair, SanType};
use x509_cert::attr::Attribute;
use x509_cert::request::CertReq;
use zeroize::Zeroizing;

/// 2026-06-01T00:00:00Z.
const NOW: UnixTime = UnixTime::from_s(1_780_272_000);

/// One change: at which place, what to do there, and with which byte.
type Change = (u16, u8, u8);

/// The input with some bytes flipped, replaced, put in, taken out or cut off.
fn changed(input: &[u8], changes: &[Change]) -> Vec<u8> {
    let mut bytes = input.to_vec();
    for (place, what, byte) in changes.iter().take(8) {
        let at = usize::from(*place) % (bytes.len() + 1);
        match (what % 8, bytes.get_mut(at)) {
            (0..=2, Some(found)) => *found ^= byte,
            (3 | 4, Some(found)) => *found = *byte,
            (5, _) => bytes.insert(at, *byte),
            (6, Some(_)) => drop(bytes.remove(at)),
            (7, _) if *byte < 16 => bytes.truncate(at),
            _ => {}
        }
    }
    bytes
}

fn csr() -> Vec<u8> {
    let mut params = CertificateParams::default();
    params.subject_alt_names = vec![SanType::URI(
        "urn:ironroot:device:cam-1".try_into().unwrap(),
    )];
    let key = KeyPair::generate().unwrap();
    params.serialize_request(&key).unwrap().der().to_vec()
}

#[test]
fn a_changed_csr_is_refused_or_still_the_same_request() {
    let original = csr();
    let expected = Csr::parse(&original).unwrap();
    bolero::check!()
        .with_type::<Vec<Change>>()
        .for_each(|changes| {
            // ECDSA signatures can be rewritten without the key, but nothing that is signed can.
            if let Ok(csr) = Csr::parse(&changed(&original, changes)) {
                assert_eq!(csr.public_key(), expected.public_key());
                assert!(csr.names().subject().same_as(expected.names().subject()));
                assert_eq!(
                    csr.names().alternative_names(),
                    expected.names().alternative_names()
                );
            }
        });
}

#[test]
fn a_changed_request_for_a_key_is_refused_or_well_formed() {
    // An AsymmetricDecryptKeyIdentifier among the attributes, so that its reader is reached.
    let mut request = CertReq::from_der(&csr()).unwrap();
    request
        .info
        .attributes
        .insert(Attribute {
            oid: "1.2.840.113549.1.9.16.2.54".parse().unwrap(),
            values: SetOfVec::try_from(vec![Any::new(Tag::OctetString, [7; 20]).unwrap()]).unwrap(),
        })
        .unwrap();
    let original = request.to_der().unwrap();
    assert!(KeyRequest::parse(&original).is_ok());
    bolero::check!()
        .with_type::<Vec<Change>>()
        .for_each(|changes| {
            if let Ok(request) = KeyRequest::parse(&changed(&original, changes)) {
                let key = NewKey::generate(KeyAlgorithm::Ed25519).unwrap();
                assert_eq!(request.with_key(&key).public_key(), key.public_key());
            }
        });
}

#[test]
fn an_est_body_gives_bounded_bytes_or_is_refused() {
    let certificate = KeyPair::generate().unwrap();
    let certificate = CertificateParams::default()
        .self_signed(&certificate)
        .unwrap();
    let base64 = encode_certs_only(&[certificate.der().clone()]).unwrap();
    let pem =
        format!("-----BEGIN CERTIFICATE REQUEST-----\n{base64}-----END CERTIFICATE REQUEST-----\n");
    bolero::check!()
        .with_type::<(bool, Vec<Change>)>()
        .for_each(|(as_pem, changes)| {
            let body = if *as_pem { &pem } else { &base64 };
            if let Ok(der) = decode_request(&changed(body.as_bytes(), changes)) {
                assert!(der.len() <= body.len() + changes.len());
            }
        });
}

#[test]
fn a_changed_certificate_never_becomes_somebody_else() {
    let folder = tempfile::tempdir().unwrap();
    let seal = SealKey::from_random(Zeroizing::new([1; KEY_LENGTH]));
    let authority = Authority::create(folder.path(), &seal, NOW).unwrap();
    let issued = authority
        .issue(&Issuance {
            profile: &CertificateProfile::Device("cam-1".parse().unwrap()),
            public_key: &SoftwareKey::generate().unwrap().public_key(),
            serial: CertificateSerial::from_random([7; 16]),
            now: NOW,
            not_after: UnixTime::from_s(NOW.as_s() + 86_400),
            urls: &PkiUrls::default(),
        })
        .unwrap();
    // The hub's own CA as a manufacturer's as well: the widest door there is.
    let anchors = TrustAnchors::new(
        &authority,
        &[ManufacturerCa {
            label: "Acme".to_owned(),
            certificate: authority.current().certificate().clone(),
        }],
    )
    .unwrap();
    let identify = |der: Vec<u8>| anchors.identify(&der.into(), &[], Manufacturers::Accepted, NOW);
    let expected = identify(issued.der.to_vec()).unwrap();
    bolero::check!()
        .with_type::<Vec<Change>>()
        .for_each(|changes| {
            let der = changed(&issued.der, changes);
            let facts = CertificateFacts::read(&der);
            if let Ok(peer) = identify(der) {
                assert_eq!(peer.identity(), expected.identity());
                assert_eq!(peer.spki_der(), expected.spki_der());
                assert_eq!(peer.not_after(), expected.not_after());
                assert_eq!(facts.unwrap().not_after, expected.not_after());
            }
        });
}

#[test]
fn a_changed_seal_opens_to_nothing_else() {
    let key = SealKey::from_random(Zeroizing::new([1; KEY_LENGTH]));
    let sealed = key
        .seal("issuing-ca", b"thirty-two bytes of a secret key")
        .unwrap();
    bolero::check!()
        .with_type::<Vec<Change>>()
        .for_each(|changes| {
            let changed = changed(&sealed, changes);
            assert_eq!(key.open("issuing-ca", &changed).is_ok(), changed == sealed);
        });
}

/// Two requests of `openssl ocsp`: by SHA-1 with a nonce, and two certificates by SHA-256 without.
const OCSP_REQUESTS: [&str; 2] = [
    "30763074304d304b3049300906052b0e03021a050004140f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f04 \
     140e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e021041010101010101010101010101010101a223302130 \
     1f06092b06010505073001020412041007070707070707070707070707070707",
    "3081d83081d53081d230673065300d0609608648016503040201050004200f0f0f0f0f0f0f0f0f0f0f0f0f0f \
     0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f04200e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e \
     0e0e0e0e0e0e0e0e02104101010101010101010101010101010130673065300d060960864801650304020105 \
     0004200f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f0f04200e0e0e0e0e0e0e \
     0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e0e021041010101010101010101010101010101",
];

#[test]
fn no_bytes_make_the_ocsp_parser_panic() {
    for request in OCSP_REQUESTS {
        let original = hex::decode(request.replace(' ', "")).unwrap();
        OcspRequest::parse(&original).unwrap();
        bolero::check!()
            .with_type::<Vec<Change>>()
            .for_each(|changes| {
                if let Ok(request) = OcspRequest::parse(&changed(&original, changes)) {
                    assert!((1..=16).contains(&request.certificates.len()));
                    let nonce = request.nonce.map(|nonce| nonce.len());
                    assert!(nonce.is_none_or(|length| (1..=128).contains(&length)));
                }
            });
    }
}
