//! What the pki door publishes, judged by openssl and curl: CRLs, OCSP, and the response stapled at our own doors.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use ironroot_pki::ocsp::REQUEST_LENGTH_MAX;

use crate::rig::{Hub, Identity, InsideHub, Place, Said, openssl, program, until, word};

/// Everything that openssl prints, whatever it thinks of it.
fn said(words: &[&str]) -> String {
    let said = Said::of(program("openssl").args(words));
    said.out + &said.err
}

/// The current issuing CA's certificate, in PEM.
fn issuing(place: &Place) -> PathBuf {
    let (der, pem) = (fetched(place, "/issuing.crt"), place.file("issuing.pem"));
    openssl(&[
        "x509",
        "-inform",
        "DER",
        "-in",
        word(&der),
        "-out",
        word(&pem),
    ]);
    pem
}

/// What lies at a path of the pki door.
fn fetched(place: &Place, path: &str) -> PathBuf {
    let file = place.file(&path.replace('/', "_"));
    let url = format!("{}{path}", place.url("pki"));
    let to = ["--fail", "--no-include", "--output", word(&file)];
    let mut curl = program("curl");
    Said::of(
        curl.args(["--silent", "--max-time", "20"])
            .args(to)
            .arg(&url),
    )
    .ok();
    file
}

/// The full list and the delta of the first CA, in PEM.
fn lists(place: &Place) -> (PathBuf, PathBuf) {
    (list(place, "/crl/1.crl"), list(place, "/crl/1.delta.crl"))
}

/// The list at a path of the pki door, in PEM.
fn list(place: &Place, path: &str) -> PathBuf {
    let (der, pem) = (fetched(place, path), place.file(&path.replace('/', "-")));
    openssl(&[
        "crl",
        "-inform",
        "DER",
        "-in",
        word(&der),
        "-out",
        word(&pem),
    ]);
    pem
}

/// `openssl verify -crl_check` with the lists of the first CA at this moment.
pub(crate) fn verified_by_crl(place: &Place, who: &Identity, more: &[&str]) -> String {
    verified_by_list(place, who, "/crl/1.crl", more)
}

/// `openssl verify -crl_check` with the list at a path of the pki door.
pub(crate) fn verified_by_list(place: &Place, who: &Identity, path: &str, more: &[&str]) -> String {
    let (ca, certificate, full) = (place.ca(), who.certificate(), list(place, path));
    let check = [
        "verify",
        "-crl_check",
        "-CAfile",
        word(&ca),
        "-CRLfile",
        word(&full),
    ];
    said(&[&check, more, &[word(&certificate)]].concat())
}

/// `openssl ocsp` at the responder that the certificate names.
fn asked_by_ocsp(place: &Place, certificate: &Path, options: &[&str]) -> String {
    let (ca, issuer) = (place.ca(), issuing(place));
    let url = openssl(&["x509", "-in", word(certificate), "-noout", "-ocsp_uri"]);
    let ask = ["ocsp", "-CAfile", word(&ca), "-issuer", word(&issuer)];
    let about = ["-cert", word(certificate), "-url", url.trim()];
    said(&[&ask, options, &about].concat())
}

const OCSP_OPTIONS: [&[&str]; 4] = [
    &["-no_nonce"],
    &["-nonce"],
    &["-no_nonce", "-sha256"],
    &["-nonce", "-sha256"],
];

#[test]
fn openssl_agrees_with_the_hub_about_good_and_revoked_by_crl_and_by_ocsp() {
    let hub = Hub::start();
    let (good, revoked) = (hub.device("cam-1"), hub.device("cam-2"));
    hub.orders("retire", "cam-2");
    for options in OCSP_OPTIONS {
        let said = asked_by_ocsp(&hub, &good.certificate(), options);
        assert!(said.contains("Response verify OK"), "{options:?}: {said}");
        assert!(said.contains("cam-1.pem: good"), "{said}");
        assert!(!said.contains("WARNING"), "{said}");
        let said = asked_by_ocsp(&hub, &revoked.certificate(), options);
        assert!(said.contains("cam-2.pem: revoked"), "{said}");
        assert!(said.contains("Reason: cessationOfOperation"), "{said}");
    }
    until("the revocation is on the list", || {
        let said = verified_by_crl(&hub, &revoked, &[]);
        said.contains("certificate revoked").then_some(())
    });
    let said = verified_by_crl(&hub, &good, &[]);
    assert!(said.contains("cam-1.pem: OK"), "{said}");
    let (full, delta) = lists(&hub);
    let text = openssl(&["crl", "-in", word(&full), "-noout", "-text"]);
    assert!(text.contains("Cessation Of Operation"), "{text}");
    let text = openssl(&["crl", "-in", word(&delta), "-noout", "-text"]);
    assert!(text.contains("Delta CRL Indicator: critical"), "{text}");
    let deltas = ["-extended_crl", "-use_deltas", "-CRLfile", word(&delta)];
    let said = verified_by_crl(&hub, &good, &deltas);
    assert!(said.contains("cam-1.pem: OK"), "{said}");
}

#[test]
fn a_certificate_that_another_hub_issued_is_unknown_or_none_of_our_business() {
    let (hub, other) = (Hub::start(), Hub::start());
    let foreign = other.device("cam-1").certificate();
    let serial = openssl(&["x509", "-in", word(&foreign), "-noout", "-serial"]);
    let serial = format!("0x{}", serial.trim().trim_start_matches("serial="));
    let (url, ca) = (format!("{}/ocsp", hub.url("pki")), hub.ca());
    let asked = |issuer: PathBuf| {
        let ask = ["ocsp", "-CAfile", word(&ca), "-issuer", word(&issuer)];
        said(&[&ask[..], &["-serial", &serial, "-url", &url]].concat())
    };
    // Our issuing CA is said to have issued it: we know better.
    let answered = asked(issuing(&hub));
    assert!(answered.contains(": unknown"), "{answered}");
    // The issuer is one that we do not speak for.
    let answered = asked(issuing(&other));
    assert!(answered.contains("unauthorized"), "{answered}");
}

#[test]
fn what_was_revoked_stays_revoked_after_it_has_ended() {
    let hub = InsideHub::start();
    let cam = hub.device("cam-1");
    hub.orders("retire", "cam-1");
    hub.advance(Duration::from_secs(86_400 * 400));
    let now = openssl(&[
        "x509",
        "-in",
        word(&cam.certificate()),
        "-noout",
        "-enddate",
    ]);
    assert!(now.starts_with("notAfter="), "{now}");
    until("lists and responders have followed the clock", || {
        let answered = asked_by_ocsp(&hub, &cam.certificate(), &["-validity_period", "40000000"]);
        answered.contains("cam-1.pem: revoked").then_some(())
    });
    let (full, _) = lists(&hub);
    let text = openssl(&["crl", "-in", word(&full), "-noout", "-text"]).to_lowercase();
    let serial = openssl(&["x509", "-in", word(&cam.certificate()), "-noout", "-serial"]);
    let serial = serial.trim().trim_start_matches("serial=").to_lowercase();
    assert!(text.contains(&serial), "{serial} in {text}");
}

#[test]
fn a_get_request_is_answered_so_that_it_can_be_cached() {
    let hub = Hub::start();
    let cam = hub.device("cam-1");
    let (issuer, request) = (issuing(&hub), hub.file("request.der"));
    let certificate = cam.certificate();
    let ask = ["ocsp", "-no_nonce", "-issuer", word(&issuer), "-cert"];
    openssl(&[&ask[..], &[word(&certificate), "-reqout", word(&request)]].concat());
    let encoded = openssl(&["base64", "-A", "-in", word(&request)]);
    let escaped = encoded
        .trim()
        .replace('+', "%2B")
        .replace('/', "%2F")
        .replace('=', "%3D");
    for path in [encoded.trim(), &escaped] {
        let url = format!("{}/ocsp/{path}", hub.url("pki"));
        let head = [
            "--output",
            "/dev/null",
            "--dump-header",
            "-",
            "--no-include",
        ];
        let first = hub.curl().words(&head).words(&[&url]).call();
        assert_eq!(first.status, 200, "{first:?}");
        assert_eq!(first.header("content-type"), "application/ocsp-response");
        let cached = first.header("cache-control");
        assert!(
            cached.starts_with("max-age=3") && cached.contains("must-revalidate"),
            "{cached}"
        );
        let etag = format!("If-None-Match: {}", first.header("etag"));
        let again = hub.curl().words(&head).words(&["-H", &etag, &url]).call();
        assert_eq!(again.status, 304, "{again:?}");
        let since = format!("If-Modified-Since: {}", first.header("last-modified"));
        let again = hub.curl().words(&head).words(&["-H", &since, &url]).call();
        assert_eq!(again.status, 304, "{again:?}");
    }
}

#[test]
fn attack_bytes_that_are_no_ocsp_request_get_malformed_request_and_nothing_else() {
    let hub = Hub::start();
    let url = format!("{}/ocsp", hub.url("pki"));
    for (name, junk) in [
        ("empty", Vec::new()),
        ("text", b"who is revoked?".to_vec()),
        ("half", vec![0x30, 0x82, 0x01]),
        ("deep", [0x30, 0x80].repeat(1_000)),
    ] {
        let (body, answer) = (hub.file(name), hub.file("answer.der"));
        fs::write(&body, junk).unwrap();
        let data = format!("@{}", word(&body));
        let post = [
            "--no-include",
            "--output",
            word(&answer),
            "--data-binary",
            &data,
        ];
        hub.curl().words(&post).words(&[&url]).call();
        let text = said(&["ocsp", "-respin", word(&answer), "-noverify"]);
        assert!(text.contains("malformedrequest"), "{name}: {text}");
    }
    let (body, too_long) = (hub.file("long"), vec![0x30; REQUEST_LENGTH_MAX + 1]);
    fs::write(&body, too_long).unwrap();
    let data = format!("@{}", word(&body));
    let answer = hub.curl().words(&["--data-binary", &data, &url]).call();
    assert_eq!(answer.status, 413, "{answer:?}");
    for path in [
        "/crl/01.crl",
        "/crl/9.crl",
        "/crl/x.delta.crl",
        "/ca/2.crt",
        "/crl/1",
    ] {
        let url = format!("{}{path}", hub.url("pki"));
        assert_eq!(hub.curl().words(&[&url]).call().status, 404, "{path}");
    }
}

#[test]
fn a_list_that_has_not_changed_is_not_sent_again() {
    let hub = Hub::start();
    let url = format!("{}/crl/1.crl", hub.url("pki"));
    let head = [
        "--output",
        "/dev/null",
        "--dump-header",
        "-",
        "--no-include",
    ];
    let first = hub.curl().words(&head).words(&[&url]).call();
    assert_eq!(first.header("content-type"), "application/pkix-crl");
    let etag = format!("If-None-Match: {}", first.header("etag"));
    let again = hub.curl().words(&head).words(&["-H", &etag, &url]).call();
    assert_eq!((first.status, again.status), (200, 304), "{again:?}");
}

#[test]
fn curl_wants_the_stapled_response_and_gets_it_at_the_device_door() {
    let hub = Hub::start();
    let answer = hub
        .curl()
        .words(&["--cert-status"])
        .est_get("cacerts")
        .call();
    assert_eq!(answer.status, 200, "{answer:?}");
    let door = format!("localhost:{}", hub.port("mqtt"));
    let ca = hub.ca();
    let handshake = said(&[
        "s_client",
        "-status",
        "-connect",
        &door,
        "-CAfile",
        word(&ca),
    ]);
    assert!(
        handshake.contains("OCSP Response Status: successful"),
        "{handshake}"
    );
    assert!(handshake.contains("Cert Status: good"), "{handshake}");
}
