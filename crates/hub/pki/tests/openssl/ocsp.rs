//! What `openssl ocsp` makes of the responder, request by request, through files.

use std::time::Duration;

use ironroot_identity::{CertificateSerial, Revocation, RevocationReason};
use ironroot_pki::key::SoftwareKey;
use ironroot_pki::ocsp::{
    BadRequest, CertificateStatus, ErrorStatus, OcspRequest, REQUEST_LENGTH_MAX, Responder,
    UnrecordedResponder,
};
use ironroot_time::UnixTime;

use crate::fixture::{DAY, Hub, NOW, device};
use crate::tool::OpenSsl;

const GOOD: u8 = 1;
const REVOKED: u8 = 2;
const NEVER_ISSUED: u8 = 3;

fn number(n: u8) -> CertificateSerial {
    CertificateSerial::from_random([n; 16])
}

struct Desk {
    openssl: OpenSsl,
    responder: Responder,
}

impl Desk {
    fn new() -> Self {
        let (hub, openssl) = (Hub::new(), OpenSsl::new());
        let ca = hub.authority.current();
        openssl.write_pem("issuing.pem", &[ca.certificate()]);
        openssl.write("ca.pem", hub.authority.ca_pem());
        for n in [GOOD, REVOKED, NEVER_ISSUED] {
            let key = SoftwareKey::generate().unwrap();
            let id = device(&format!("cam-{n}"));
            let issued = hub.issue_numbered(number(n), NOW, &id, &key.public_key());
            openssl.write(&format!("{n}.pem"), issued.pem());
        }
        let until = NOW.plus(90 * DAY);
        let responder = UnrecordedResponder::make(&ca, number(9), NOW, until).unwrap();
        Self {
            openssl,
            responder: responder.recorded(),
        }
    }

    /// Writes a request about these certificates with the options of `openssl ocsp`.
    fn ask(&self, certificates: &[u8], options: &str) -> OcspRequest {
        let certificates = arguments(certificates);
        self.openssl.ok(&format!(
            "ocsp {options} -issuer issuing.pem {certificates} -reqout request.der"
        ));
        OcspRequest::parse(&self.openssl.read("request.der")).unwrap()
    }

    /// Answers, and has OpenSSL check the answer at `now` against the request.
    fn answer(&self, request: &OcspRequest, certificates: &[u8], now: UnixTime) -> String {
        self.answer_with("", request, certificates, now)
    }

    fn answer_with(
        &self,
        hash: &str,
        request: &OcspRequest,
        certificates: &[u8],
        now: UnixTime,
    ) -> String {
        let status = |serial| match serial {
            serial if serial == number(GOOD) => CertificateStatus::Good,
            serial if serial == number(REVOKED) => CertificateStatus::Revoked(Revocation {
                at_s: NOW.as_s() - 60,
                reason: RevocationReason::KeyCompromise,
            }),
            _ => CertificateStatus::Unknown,
        };
        let nonce = request.nonce.as_deref();
        let response = self
            .responder
            .respond(&request.certificates, nonce, now, status)
            .unwrap();
        self.openssl.write("response.der", &response.der);
        let certificates = arguments(certificates);
        // -attime is for the path alone; thisUpdate is compared with the real clock, hence the wide period.
        self.openssl.ok(&format!(
            "ocsp -no_nonce -reqin request.der -respin response.der -issuer issuing.pem {hash} {certificates} \
             -CAfile ca.pem -attime {} -validity_period 3000000000 -resp_text",
            now.as_s()
        ))
    }
}

fn arguments(certificates: &[u8]) -> String {
    let arguments: Vec<_> = certificates
        .iter()
        .map(|n| format!("-cert {n}.pem"))
        .collect();
    arguments.join(" ")
}

#[test]
fn openssl_reads_good_revoked_and_unknown_and_believes_the_delegated_responder() {
    let desk = Desk::new();
    for (nonce, hash) in [
        ("-no_nonce", ""),
        ("-nonce", ""),
        ("-no_nonce", "-sha256"),
        ("-nonce", "-sha256"),
    ] {
        for (n, expected) in [
            (GOOD, ": good"),
            (REVOKED, ": revoked"),
            (NEVER_ISSUED, ": unknown"),
        ] {
            let request = desk.ask(&[n], &format!("{nonce} {hash}"));
            assert_eq!(request.nonce.is_some(), nonce == "-nonce");
            let said = desk.answer_with(hash, &request, &[n], NOW);
            assert!(said.contains("Response verify OK"), "{hash} {n}: {said}");
            assert!(said.contains(&format!("{n}.pem{expected}")), "{said}");
            assert!(!said.contains("WARNING: no nonce"), "{said}");
        }
    }
}

#[test]
fn a_revocation_comes_with_its_reason_and_moment_and_an_archive_cutoff() {
    let desk = Desk::new();
    let said = desk.answer(&desk.ask(&[REVOKED], "-no_nonce"), &[REVOKED], NOW);
    for part in [
        "Reason: keyCompromise",
        "Revocation Time: May 31 23:59:00 2026 GMT",
        "OCSP Archive Cutoff",
        "OCSP Signing",
        "OCSP No Check",
    ] {
        assert!(said.contains(part), "{part}: {said}");
    }
}

#[test]
fn several_certificates_are_answered_at_once() {
    let desk = Desk::new();
    let all = [GOOD, REVOKED, NEVER_ISSUED];
    let said = desk.answer(&desk.ask(&all, "-nonce"), &all, NOW);
    for expected in ["1.pem: good", "2.pem: revoked", "3.pem: unknown"] {
        assert!(said.contains(expected), "{said}");
    }
}

#[test]
fn a_revoked_certificate_stays_revoked_after_its_end() {
    let desk = Desk::new();
    let after_its_end = NOW.plus(40 * DAY);
    let request = desk.ask(&[REVOKED], "-no_nonce");
    let said = desk.answer(&request, &[REVOKED], after_its_end);
    assert!(said.contains("2.pem: revoked"), "{said}");
}

#[test]
fn a_response_ends_with_the_responder_at_the_latest() {
    let desk = Desk::new();
    let request = desk.ask(&[GOOD], "-no_nonce");
    let late = desk.responder.not_after().minus(Duration::from_secs(60));
    let response = desk
        .responder
        .respond(&request.certificates, None, late, |_| {
            CertificateStatus::Good
        });
    assert_eq!(response.unwrap().next_update, desk.responder.not_after());
}

#[test]
fn speaks_for_its_own_ca_alone() {
    let (desk, other) = (Desk::new(), Desk::new());
    let foreign = other.ask(&[GOOD], "-no_nonce");
    assert!(!desk.responder.speaks_for(&foreign.certificates[0]));
    let own = desk.responder.cert_id(number(GOOD));
    assert!(desk.responder.speaks_for(&own));
    assert_eq!(desk.ask(&[GOOD], "-no_nonce").certificates, [own]);
    let answered = desk
        .responder
        .respond(&foreign.certificates, None, NOW, |_| {
            panic!("nothing is looked up for another CA")
        });
    answered.unwrap();
}

#[test]
fn refuses_more_certificates_than_sixteen_and_none() {
    let desk = Desk::new();
    assert_eq!(desk.ask(&[GOOD; 16], "-no_nonce").certificates.len(), 16);
    desk.openssl.ok(&format!(
        "ocsp -no_nonce -issuer issuing.pem {} -reqout many.der",
        "-cert 1.pem ".repeat(17)
    ));
    let many = OcspRequest::parse(&desk.openssl.read("many.der"));
    assert_eq!(many, Err(BadRequest::Count { count: 17 }));
    let none = [0x30, 0x04, 0x30, 0x02, 0x30, 0x00];
    assert_eq!(
        OcspRequest::parse(&none),
        Err(BadRequest::Count { count: 0 })
    );
}

#[test]
fn refuses_what_is_no_request_and_what_is_too_long() {
    for junk in [&b""[..], b"junk", &[0x30, 0x80], &[0x30, 0x00]] {
        assert!(matches!(
            OcspRequest::parse(junk),
            Err(BadRequest::Malformed(_))
        ));
    }
    let long = vec![0x30; REQUEST_LENGTH_MAX + 1];
    assert!(matches!(
        OcspRequest::parse(&long),
        Err(BadRequest::TooLong { .. })
    ));
    let openssl = OpenSsl::new();
    openssl.write("response.der", ErrorStatus::MalformedRequest.response());
    let said = openssl.run("ocsp -respin response.der -noverify");
    assert!(said.text.contains("malformedrequest"), "{}", said.text);
}

/// An element in DER.
fn element(tag: u8, content: &[u8]) -> Vec<u8> {
    let length = content.len().to_be_bytes();
    let header = match content.len() {
        ..0x80 => vec![tag, length[7]],
        0x80..0x100 => vec![tag, 0x81, length[7]],
        0x100.. => vec![tag, 0x82, length[6], length[7]],
    };
    [header, content.to_vec()].concat()
}

/// A request with a nonce of this length, made from one that OpenSSL wrote.
fn with_nonce(request: &[u8], length: usize) -> Vec<u8> {
    let id = [0x06, 9, 0x2b, 6, 1, 5, 5, 7, 0x30, 1, 2];
    let at = request.windows(id.len()).position(|w| w == id).unwrap();
    let nonce = element(0x04, &element(0x04, &vec![7; length]));
    let extension = element(0x30, &[&id[..], &nonce].concat());
    let extensions = element(0xa2, &element(0x30, &extension));
    // Four bytes of headers, the list of requests, and the extensions, which are [2].
    let end = request[..at]
        .iter()
        .rposition(|byte| *byte == 0xa2)
        .unwrap();
    let list = &request[4..end];
    element(0x30, &element(0x30, &[list, &extensions].concat()))
}

#[test]
fn takes_nonces_of_1_to_128_bytes_and_refuses_the_empty_and_the_longer() {
    let desk = Desk::new();
    desk.ask(&[GOOD], "-nonce");
    let request = desk.openssl.read("request.der");
    for length in [1, 32, 128] {
        let parsed = OcspRequest::parse(&with_nonce(&request, length)).unwrap();
        assert_eq!(parsed.nonce, Some(vec![7; length]));
    }
    for length in [0, 129] {
        assert_eq!(
            OcspRequest::parse(&with_nonce(&request, length)),
            Err(BadRequest::Nonce { length })
        );
    }
}
