//! EST bodies as OpenSSL reads and writes them, and the rule of re-enrolment.

use std::slice;

use ironroot_pki::CertificateDer;
use ironroot_pki::csr::Csr;
use ironroot_pki::est::{
    NamesDiffer, check_reenrolment, csr_attributes, decode_request, encode_certs_only,
};
use ironroot_pki::peer::PeerCertificate;
use ironroot_pki::tls::{Manufacturers, TrustAnchors};

use crate::fixture::{Hub, NOW};
use crate::tool::OpenSsl;

#[test]
fn openssl_reads_the_ca_certificates_out_of_our_body() {
    let (hub, openssl) = (Hub::new(), OpenSsl::new());
    let certificates = [
        hub.authority.current().certificate().clone(),
        hub.authority.current().root().clone(),
    ];
    let body = encode_certs_only(&certificates).unwrap();
    assert!(body.lines().all(|line| line.len() <= 76));
    openssl.write("body.b64", &body);
    openssl.ok("base64 -d -in body.b64 -out body.der");
    let printed = openssl.ok("pkcs7 -inform DER -in body.der -print_certs");
    openssl.write("printed.pem", &printed);
    for certificate in &certificates {
        assert_eq!(
            certificates_in(&printed)
                .filter(|found| found == certificate)
                .count(),
            1
        );
    }
    let cms = openssl.ok("cms -cmsout -print -inform DER -in body.der");
    let cms: Vec<_> = cms.split_whitespace().collect();
    assert!(cms.contains(&"pkcs7-signedData") && cms.ends_with(&["signerInfos:", "<EMPTY>"]));
}

#[test]
fn an_enrolment_answer_holds_the_issued_certificate_alone() {
    let (hub, openssl) = (Hub::new(), OpenSsl::new());
    let leaf = hub.device("cam-1").certificate;
    openssl.write(
        "body.b64",
        encode_certs_only(slice::from_ref(&leaf)).unwrap(),
    );
    openssl.ok("base64 -d -in body.b64 -out body.der");
    let printed = openssl.ok("pkcs7 -inform DER -in body.der -print_certs");
    assert_eq!(certificates_in(&printed).collect::<Vec<_>>(), [leaf]);
}

#[test]
fn openssl_reads_the_attributes_that_a_csr_should_have() {
    let openssl = OpenSsl::new();
    openssl.write("attributes.b64", csr_attributes());
    openssl.ok("base64 -d -in attributes.b64 -out attributes.der");
    let printed = openssl.ok("asn1parse -inform DER -in attributes.der");
    let objects: Vec<_> = printed
        .lines()
        .filter_map(|line| {
            line.split_once("OBJECT")
                .map(|(_, name)| name.trim_start_matches([' ', ':']))
        })
        .collect();
    assert_eq!(
        objects,
        ["id-ecPublicKey", "prime256v1", "ecdsa-with-SHA256"]
    );
}

#[test]
fn takes_a_request_as_openssl_writes_it() {
    let openssl = OpenSsl::new();
    openssl.ok("req -new -nodes -newkey ed25519 -keyout key.pem -out csr.pem -subj /CN=cam-1");
    openssl.ok("req -in csr.pem -outform DER -out csr.der");
    openssl.ok("base64 -in csr.der -out csr.b64");
    let der = openssl.read("csr.der");
    for file in ["csr.pem", "csr.der", "csr.b64"] {
        assert_eq!(decode_request(&openssl.read(file)).unwrap(), der, "{file}");
    }
}

/// A device's certificate, and what OpenSSL asks for with these words and the same key.
fn renewal(words: &str) -> (PeerCertificate, Csr) {
    let (hub, openssl) = (Hub::new(), OpenSsl::new());
    let cam = hub.device("cam-1");
    openssl.write("key.pem", &cam.key_pem);
    openssl.ok(&format!(
        "req -new -key key.pem -outform DER -out csr.der {words}"
    ));
    let anchors = TrustAnchors::new(&hub.authority, &[]).unwrap();
    let peer = anchors.identify(&cam.certificate, &[], Manufacturers::Refused, NOW);
    (peer.unwrap(), Csr::parse(&openssl.read("csr.der")).unwrap())
}

#[test]
fn a_csr_with_the_names_of_the_certificate_renews_it() {
    for words in [
        "-subj /serialNumber=cam-1/CN=cam-1 -addext subjectAltName=URI:urn:ironroot:device:cam-1",
        "-subj /serialNumber=cam-1/CN=cam-1",
    ] {
        let (peer, csr) = renewal(words);
        assert_eq!(check_reenrolment(csr.names(), &peer), Ok(()));
    }
}

#[test]
fn attack_renewing_into_another_device() {
    for words in [
        "-subj /serialNumber=cam-2/CN=cam-2",
        "-subj /serialNumber=CAM-1/CN=cam-1",
        "-subj /CN=cam-1",
        "-subj /CN=cam-1/serialNumber=cam-1",
        "-subj /serialNumber=cam-1/CN=cam-1/O=Acme",
        "-subj /",
    ] {
        let (peer, csr) = renewal(words);
        let refused = check_reenrolment(csr.names(), &peer);
        assert!(
            matches!(refused, Err(NamesDiffer::Subject { .. })),
            "{words}"
        );
    }
    for name in [
        "URI:urn:ironroot:device:cam-2",
        "URI:urn:ironroot:device:cam-1,URI:urn:ironroot:device:cam-2",
        "DNS:cam-1",
    ] {
        let (peer, csr) = renewal(&format!(
            "-subj /serialNumber=cam-1/CN=cam-1 -addext subjectAltName={name}"
        ));
        let refused = check_reenrolment(csr.names(), &peer);
        assert!(
            matches!(refused, Err(NamesDiffer::AlternativeNames { .. })),
            "{name}"
        );
    }
}

/// The certificates in PEM text.
fn certificates_in(text: &str) -> impl Iterator<Item = CertificateDer<'static>> {
    use rustls::pki_types::pem::PemObject;
    CertificateDer::pem_slice_iter(text.as_bytes())
        .map(Result::unwrap)
        .collect::<Vec<_>>()
        .into_iter()
}
