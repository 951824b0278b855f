//! Enrolment by EST with curl and openssl alone (RFC 7030, RFC 8951).

use std::fs;

use crate::rig::{Hub, Identity, openssl};

/// What openssl says of a certificate that it has checked up to the hub's root.
fn verified(hub: &Hub, who: &Identity) -> String {
    let (ca, certificate) = (hub.ca(), who.certificate());
    let (ca, certificate) = (ca.to_str().unwrap(), certificate.to_str().unwrap());
    let checks = ["-purpose", "sslclient", "-x509_strict", "-CAfile", ca];
    openssl(&[["verify"].as_slice(), &checks, &[certificate]].concat());
    openssl(&["x509", "-in", certificate, "-noout", "-text"])
}

#[test]
fn a_claimed_device_enrols_renews_and_talks_with_both_certificates() {
    let hub = Hub::start();
    let token = hub.claim("cam-1");
    assert_eq!(hub.lifecycle("cam-1"), "claimed");
    let device = Identity::with_new_key(hub.folder.path(), "cam-1");
    let answer = hub.enrols(&device, &token, &device.csr("/CN=cam-1"));
    assert_eq!(answer.status, 200, "{answer:?}");
    let media_type = answer.header("content-type");
    assert_eq!(media_type, "application/pkcs7-mime; smime-type=certs-only");
    assert_eq!(answer.header("content-transfer-encoding"), "base64");
    device.take_certificate(&answer.body);
    let text = verified(&hub, &device);
    assert!(text.contains("Subject: serialNumber = cam-1"), "{text}");
    assert!(text.contains("URI:urn:ironroot:device:cam-1"), "{text}");
    assert_eq!(hub.lifecycle("cam-1"), "enrolled");

    let first = device.copied();
    let renewed = hub
        .curl()
        .as_(&device)
        .est("simplereenroll", &device.renewal());
    let renewed = renewed.call();
    assert_eq!(renewed.status, 200, "{renewed:?}");
    device.take_certificate(&renewed.body);
    verified(&hub, &device);
    assert_ne!(
        fs::read(first.certificate()).unwrap(),
        fs::read(device.certificate()).unwrap()
    );
    // Certificates overlap (decision 0004): the old one holds until it expires.
    for who in [&first, &device] {
        hub.mosquitto(who).publishes("d/cam-1/up/t", "21").ok();
    }
    assert_eq!(hub.lifecycle("cam-1"), "active");
}

#[test]
fn an_enrolled_device_renews_onto_a_new_key() {
    let hub = Hub::start();
    let device = hub.device("cam-1");
    let shown = device.copied();
    let fresh = Identity::with_new_key(hub.folder.path(), "cam-1");
    let renewal = hub
        .curl()
        .as_(&shown)
        .est("simplereenroll", &fresh.renewal());
    let answer = renewal.call();
    assert_eq!(answer.status, 200, "{answer:?}");
    fresh.take_certificate(&answer.body);
    hub.mosquitto(&fresh).publishes("d/cam-1/up/t", "21").ok();
}

#[test]
fn the_ca_certificates_are_for_everybody_and_are_those_of_ca_pem() {
    let hub = Hub::start();
    for path in ["cacerts", "some-label/cacerts"] {
        let answer = hub.curl().est_get(path).call();
        assert_eq!(answer.status, 200, "{answer:?}");
        assert_eq!(answer.header("content-type"), "application/pkcs7-mime");
        let ca = Identity::in_folder(hub.folder.path(), "ca-by-est");
        ca.take_certificate(&answer.body);
        let by_est = fs::read_to_string(ca.certificate()).unwrap();
        for line in fs::read_to_string(hub.ca()).unwrap().lines() {
            assert!(by_est.contains(line), "{line} in {by_est}");
        }
    }
}

#[test]
fn the_pki_door_hands_out_what_the_certificates_point_to() {
    let hub = Hub::start();
    let text = verified(&hub, &hub.device("cam-1"));
    let url = text
        .split("CA Issuers - URI:")
        .nth(1)
        .and_then(|rest| rest.lines().next());
    let issuing = hub.file("issuing.der");
    let to = ["--no-include", "--output", issuing.to_str().unwrap()];
    hub.curl().words(&to).words(&[url.unwrap()]).call();
    let subject = [
        "-inform",
        "DER",
        "-in",
        issuing.to_str().unwrap(),
        "-noout",
        "-subject",
    ];
    let subject = openssl(&[["x509"].as_slice(), &subject].concat());
    let issuer = text
        .lines()
        .find_map(|line| line.trim().strip_prefix("Issuer: "));
    assert_eq!(subject.trim(), format!("subject={}", issuer.unwrap()));
}

#[test]
fn csrattrs_says_which_key_is_wanted() {
    let hub = Hub::start();
    let answer = hub.curl().est_get("csrattrs").call();
    assert_eq!(
        (answer.status, answer.header("content-type")),
        (200, "application/csrattrs")
    );
    let (encoded, der) = (hub.file("attributes.b64"), hub.file("attributes.der"));
    fs::write(&encoded, &answer.body).unwrap();
    let (encoded, der) = (encoded.to_str().unwrap(), der.to_str().unwrap());
    openssl(&["base64", "-d", "-in", encoded, "-out", der]);
    let parsed = openssl(&["asn1parse", "-inform", "DER", "-in", der]);
    for wanted in ["id-ecPublicKey", "prime256v1", "ecdsa-with-SHA256"] {
        assert!(parsed.contains(wanted), "{wanted} in {parsed}");
    }
}
