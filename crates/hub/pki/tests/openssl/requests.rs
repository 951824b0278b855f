//! Requests that OpenSSL makes, of every kind of key and signature.

use ironroot_pki::csr::{BadCsr, CSR_LENGTH_MAX, Csr};
use ironroot_pki::key::KeyAlgorithm;
use rcgen::KeyPair;

use crate::fixture::{Hub, device, params, uri};
use crate::tool::OpenSsl;

/// The request that `openssl req -new` makes with these further words.
fn request(words: &str) -> Vec<u8> {
    let openssl = OpenSsl::new();
    openssl.ok(&format!(
        "req -new -nodes -keyout key.pem -outform DER -out csr.der -subj /serialNumber=cam-1/CN=cam-1 {words}"
    ));
    openssl.read("csr.der")
}

#[test]
fn takes_every_kind_of_key_that_is_offered_to_devices() {
    use KeyAlgorithm::{Ed25519, P256, P384, Rsa};
    let p256 = "-newkey ec -pkeyopt ec_paramgen_curve:P-256";
    let p384 = "-newkey ec -pkeyopt ec_paramgen_curve:P-384";
    let pss = "-sigopt rsa_padding_mode:pss -sigopt rsa_pss_saltlen:digest";
    for (words, algorithm) in [
        (p256.to_owned(), P256),
        (format!("{p256} -sha384"), P256),
        (format!("{p256} -sha512"), P256),
        (p384.to_owned(), P384),
        (format!("{p384} -sha384"), P384),
        (format!("{p384} -sha512"), P384),
        ("-newkey ed25519".to_owned(), Ed25519),
        ("-newkey rsa:2048".to_owned(), Rsa),
        ("-newkey rsa:3072 -sha384".to_owned(), Rsa),
        ("-newkey rsa:4096 -sha512".to_owned(), Rsa),
        (format!("-newkey rsa:2048 -sha256 {pss}"), Rsa),
        (format!("-newkey rsa:2048 -sha384 {pss}"), Rsa),
        (format!("-newkey rsa:2048 -sha512 {pss}"), Rsa),
    ] {
        let csr = Csr::parse(&request(&words)).unwrap_or_else(|e| panic!("{words}: {e}"));
        assert_eq!(csr.public_key().algorithm(), algorithm, "{words}");
        assert_eq!(csr.names().subject().serial_number(), Some("cam-1"));
        assert_eq!(csr.names().subject().common_name(), Some("cam-1"));
        assert!(csr.names().alternative_names().is_empty());
    }
}

#[test]
fn a_certificate_holds_the_very_key_of_the_request() {
    let (hub, openssl) = (Hub::new(), OpenSsl::new());
    for words in [
        "-newkey ec -pkeyopt ec_paramgen_curve:P-384",
        "-newkey ed25519",
        "-newkey rsa:2048",
    ] {
        let der = request(words);
        let csr = Csr::parse(&der).unwrap();
        openssl.write("csr.der", &der);
        openssl.write(
            "leaf.pem",
            hub.issue(&device("cam-1"), csr.public_key()).pem(),
        );
        assert_eq!(
            openssl.ok("x509 -in leaf.pem -noout -pubkey"),
            openssl.ok("req -inform DER -in csr.der -noout -pubkey"),
        );
    }
}

#[test]
fn refuses_other_kinds_of_key_by_name() {
    for (words, expected) in [
        ("-newkey ec -pkeyopt ec_paramgen_curve:P-521", "secp521r1"),
        ("-newkey ec -pkeyopt ec_paramgen_curve:P-224", "secp224r1"),
        (
            "-newkey ec -pkeyopt ec_paramgen_curve:secp256k1",
            "1.3.132.0.10",
        ),
        ("-newkey ed448", "id-Ed448"),
        (
            "-newkey rsa-pss -pkeyopt rsa_keygen_bits:2048",
            "id-RSASSA-PSS",
        ),
    ] {
        let refused = Csr::parse(&request(words)).unwrap_err();
        assert!(
            matches!(&refused, BadCsr::KeyAlgorithm { name } if name == expected),
            "{words}: {refused}"
        );
    }
}

#[test]
fn refuses_a_weak_rsa_key() {
    let short = Csr::parse(&request("-newkey rsa:1024"));
    assert_eq!(short.unwrap_err(), BadCsr::RsaSize { bits: 1024 });
    let exponent = |e| request(&format!("-newkey rsa:2048 -pkeyopt rsa_keygen_pubexp:{e}"));
    assert_eq!(Csr::parse(&exponent(3)).unwrap_err(), BadCsr::RsaExponent);
    assert!(Csr::parse(&exponent(16_777_217)).is_ok());
}

#[test]
fn refuses_a_weak_hash_by_name() {
    for (words, expected) in [
        ("-newkey rsa:2048 -sha1", "sha1WithRSAEncryption"),
        (
            "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -sha1",
            "1.2.840.10045.4.1",
        ),
        ("-newkey rsa:2048 -md5", "md5WithRSAEncryption"),
    ] {
        let refused = Csr::parse(&request(words)).unwrap_err();
        assert!(
            matches!(&refused, BadCsr::SignatureAlgorithm { name } if name == expected),
            "{words}: {refused}"
        );
    }
}

#[test]
fn tells_the_names_that_a_request_asks_for() {
    let words = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -addext subjectAltName=URI:urn:ironroot:device:cam-1,DNS:cam-1.local,IP:192.0.2.7,email:ops@example";
    let csr = Csr::parse(&request(words)).unwrap();
    let names: Vec<_> = csr
        .names()
        .alternative_names()
        .iter()
        .map(ToString::to_string)
        .collect();
    assert_eq!(
        names,
        [
            "URI:urn:ironroot:device:cam-1",
            "DNS:cam-1.local",
            "IP:192.0.2.7",
            "email:ops@example"
        ]
    );
}

#[test]
fn attack_a_request_signed_by_another_key() {
    let key = KeyPair::generate().unwrap();
    let mut csr = params("cam-1")
        .serialize_request(&key)
        .unwrap()
        .der()
        .to_vec();
    let at = csr
        .windows(65)
        .position(|window| window == key.public_key_raw())
        .unwrap();
    csr[at..at + 65].copy_from_slice(KeyPair::generate().unwrap().public_key_raw());
    assert_eq!(Csr::parse(&csr).unwrap_err(), BadCsr::Proof);
}

#[test]
fn attack_a_request_whose_names_were_changed_after_signing() {
    let csr = params("cam-1")
        .serialize_request(&KeyPair::generate().unwrap())
        .unwrap();
    let mut csr = csr.der().to_vec();
    let at = csr
        .windows(5)
        .position(|window| window == b"cam-1")
        .unwrap();
    csr[at + 4] = b'2';
    assert_eq!(Csr::parse(&csr).unwrap_err(), BadCsr::Proof);
}

#[test]
fn attack_a_request_that_asks_to_become_a_ca_gets_a_leaf() {
    let words = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -addext basicConstraints=critical,CA:TRUE -addext keyUsage=keyCertSign -addext extendedKeyUsage=serverAuth -addext subjectAltName=URI:urn:ironroot:service:backend";
    let csr = Csr::parse(&request(words)).unwrap();
    let (hub, openssl) = (Hub::new(), OpenSsl::new());
    openssl.write(
        "leaf.pem",
        hub.issue(&device("cam-1"), csr.public_key()).pem(),
    );
    let text = openssl.ok("x509 -in leaf.pem -noout -text");
    assert!(text.contains("CA:FALSE") && !text.contains("CA:TRUE"));
    assert!(text.contains("urn:ironroot:device:cam-1") && !text.contains("service"));
    assert!(!text.contains("Certificate Sign") && !text.contains("Server Authentication"));
}

#[test]
fn refuses_what_follows_a_request_and_what_is_cut_off() {
    let csr = request("-newkey ed25519");
    let longer = [&csr[..], &[0]].concat();
    assert!(matches!(Csr::parse(&longer), Err(BadCsr::Malformed(_))));
    for length in 0..csr.len() {
        assert!(matches!(
            Csr::parse(&csr[..length]),
            Err(BadCsr::Malformed(_))
        ));
    }
}

#[test]
fn ends_at_the_longest_request() {
    let many = |count: usize| {
        let mut params = params("cam-1");
        params.subject_alt_names = vec![uri(&"x".repeat(count))];
        let key = KeyPair::generate().unwrap();
        params.serialize_request(&key).unwrap().der().to_vec()
    };
    assert!(Csr::parse(&many(CSR_LENGTH_MAX - 500)).is_ok());
    assert!(matches!(
        Csr::parse(&many(CSR_LENGTH_MAX)),
        Err(BadCsr::TooLong { length }) if length > CSR_LENGTH_MAX
    ));
}
