//! Every refusal of the EST door: a class and a reference for the peer, the cause in the log, and nothing
//! changed.

use std::fs;
use std::time::Duration;

use crate::rig::{Answer, Hub, Identity, InsideHub, MakersCa, openssl};

fn new_device(hub: &Hub, id: &str) -> Identity {
    Identity::with_new_key(hub.folder.path(), id)
}

/// An enrolment of the claimed `cam-1` with a body of our own.
fn enrols_with_body(hub: &Hub, token: &str, body: &[u8]) -> Answer {
    let path = hub.file("body");
    fs::write(&path, body).unwrap();
    let credentials = format!("cam-1:{token}");
    hub.curl()
        .est_body("simpleenroll", &path)
        .words(&["-u", &credentials])
        .call()
}

#[test]
fn asks_for_credentials_when_there_are_none() {
    let hub = Hub::start();
    hub.claim("cam-1");
    let csr = new_device(&hub, "cam-1").csr("/CN=cam-1");
    let answer = hub.refuses((401, "without credentials"), || {
        hub.curl().est("simpleenroll", &csr).call()
    });
    assert!(
        answer
            .header("www-authenticate")
            .starts_with("Basic realm="),
        "{answer:?}"
    );
}

#[test]
fn refuses_an_authorization_header_that_is_no_basic_one() {
    let hub = Hub::start();
    let token = hub.claim("cam-1");
    let csr = new_device(&hub, "cam-1").csr("/CN=cam-1");
    for value in [
        format!("Bearer {token}"),
        "Basic !!!".to_owned(),
        "Basic Y2FtLTE=".to_owned(),
    ] {
        let header = format!("Authorization: {value}");
        hub.refuses((401, "Authorization header"), || {
            hub.curl()
                .est("simpleenroll", &csr)
                .words(&["-H", &header])
                .call()
        });
    }
}

#[test]
fn refuses_a_wrong_token() {
    let hub = Hub::start();
    let token = hub.claim("cam-1");
    let other = hub.claim("cam-2");
    let device = new_device(&hub, "cam-1");
    let csr = device.csr("/CN=cam-1");
    for wrong in [other.as_str(), "", &token[1..], &format!("{token}0")] {
        hub.refuses((401, "the token is not the one"), || {
            hub.enrols(&device, wrong, &csr)
        });
    }
    assert_eq!(hub.enrols(&device, &token, &csr).status, 200);
}

#[test]
fn refuses_a_serial_that_nobody_has_claimed_or_that_is_no_id() {
    let hub = Hub::start();
    let token = hub.claim("cam-1");
    for (serial, cause) in [
        ("cam-9", "cam-9 was never claimed"),
        ("../cam-1", "no device id"),
    ] {
        let device = new_device(&hub, "cam-1").saying(serial);
        let csr = device.csr("/CN=cam-1");
        hub.refuses((401, cause), || hub.enrols(&device, &token, &csr));
    }
}

#[test]
fn refuses_a_token_that_was_used() {
    let hub = Hub::start();
    let token = hub.claim("cam-1");
    let (first, thief) = (new_device(&hub, "cam-1"), new_device(&hub, "thief"));
    assert_eq!(
        hub.enrols(&first, &token, &first.csr("/CN=cam-1")).status,
        200
    );
    let csr = thief.csr("/CN=cam-1");
    hub.refuses((401, "another key"), || hub.enrols(&first, &token, &csr));
}

#[test]
fn refuses_the_token_of_an_earlier_claim() {
    let hub = Hub::start();
    let earlier = hub.claim("cam-1");
    let later = hub.claim("cam-1");
    let device = new_device(&hub, "cam-1");
    let csr = device.csr("/CN=cam-1");
    hub.refuses((401, "not the one of the latest claim"), || {
        hub.enrols(&device, &earlier, &csr)
    });
    assert_eq!(hub.enrols(&device, &later, &csr).status, 200);
}

#[test]
fn refuses_a_claim_that_has_expired() {
    let hub = InsideHub::start();
    let claim = |serial| {
        let words = [
            "claim",
            "new",
            serial,
            "--profile",
            "camera",
            "--ttl",
            "60s",
        ];
        hub.json(&words)["token"].as_str().unwrap().to_owned()
    };
    let (early, late) = (claim("cam-1"), claim("cam-2"));
    let enrols = |id, token: &str| {
        let device = Identity::with_new_key(hub.folder.path(), id);
        hub.enrols(&device, token, &device.csr(&device.common_name()))
            .status
    };
    hub.advance(Duration::from_secs(59));
    assert_eq!(enrols("cam-1", &early), 200);
    hub.advance(Duration::from_secs(1));
    let entries = hub.entries();
    assert_eq!(enrols("cam-2", &late), 401);
    assert_eq!(
        (hub.entries(), hub.lifecycle("cam-2")),
        (entries, "claimed".to_owned())
    );
}

#[test]
fn refuses_a_csr_that_names_another_serial() {
    let hub = Hub::start();
    let token = hub.claim("cam-1");
    let device = new_device(&hub, "cam-1");
    for subject in [
        "/CN=cam-2",
        "/serialNumber=cam-2",
        "/serialNumber=cam-1/CN=cam-2",
    ] {
        let csr = device.csr(subject);
        hub.refuses((400, "the applicant is cam-1"), || {
            hub.enrols(&device, &token, &csr)
        });
    }
}

#[test]
fn refuses_a_body_that_holds_no_request() {
    let hub = Hub::start();
    let token = hub.claim("cam-1");
    for (body, cause) in [
        (b"".as_slice(), "the body is empty"),
        (b" \r\n\t\n", "the body is empty"),
        (b"?this is not base64?", "the body is not base64"),
        (b"MAYCAQACASo=", "no PKCS#10 in DER"),
        (b"\x30\x84\xff\xff\xff\xff", "no PKCS#10 in DER"),
        (
            b"-----BEGIN CERTIFICATE REQUEST-----\nMAYC",
            "no whole CERTIFICATE REQUEST block",
        ),
    ] {
        hub.refuses((400, cause), || enrols_with_body(&hub, &token, body));
    }
}

#[test]
fn refuses_a_body_beyond_its_bound() {
    let hub = Hub::start();
    let token = hub.claim("cam-1");
    hub.refuses((400, "length limit exceeded"), || {
        enrols_with_body(&hub, &token, &vec![b'A'; 24 * 1024 + 1])
    });
    // Even one that says nothing of its length. It may be reset while it still sends.
    let endless = hub.file("endless");
    fs::write(&endless, vec![b'A'; 4 * 1024 * 1024]).unwrap();
    let credentials = format!("cam-1:{token}");
    let entries = hub.entries();
    let chunked = ["-H", "Transfer-Encoding: chunked", "-u", &credentials];
    let answer = hub
        .curl()
        .words(&chunked)
        .est_body("simpleenroll", &endless)
        .call();
    assert!(matches!(answer.status, 0 | 400), "{answer:?}");
    assert_eq!(hub.entries(), entries);
}

#[test]
fn refuses_a_request_whose_signature_is_not_by_its_key() {
    let hub = Hub::start();
    let token = hub.claim("cam-1");
    let device = new_device(&hub, "cam-1");
    let csr = device.csr("/CN=cam-1");
    let mut der = fs::read(&csr).unwrap();
    *der.last_mut().unwrap() ^= 1;
    fs::write(&csr, der).unwrap();
    hub.refuses((400, "not signed by the key"), || {
        hub.enrols(&device, &token, &csr)
    });
}

#[test]
fn refuses_a_weak_rsa_key() {
    let hub = Hub::start();
    let token = hub.claim("cam-1");
    let device = Identity::in_folder(hub.folder.path(), "cam-1");
    openssl(&["genrsa", "-out", device.key().to_str().unwrap(), "1024"]);
    let csr = device.csr("/CN=cam-1");
    hub.refuses((400, "the RSA key has 1024 bits"), || {
        hub.enrols(&device, &token, &csr)
    });
}

#[test]
fn refuses_a_service_that_asks_for_a_devices_certificate() {
    let hub = Hub::start();
    let service = hub.service("backend");
    hub.claim("backend");
    let csr = service.csr("/CN=backend");
    for path in ["simpleenroll", "simplereenroll"] {
        hub.refuses((403, "asks for a device's certificate"), || {
            hub.curl().as_(&service).est(path, &csr).call()
        });
    }
}

#[test]
fn refuses_an_enrolled_device_at_simpleenroll() {
    let hub = Hub::start();
    let device = hub.device("cam-1");
    let csr = device.csr("/CN=cam-1");
    hub.refuses((401, "its claim token was used"), || {
        hub.curl().as_(&device).est("simpleenroll", &csr).call()
    });
}

#[test]
fn refuses_a_renewal_without_a_certificate() {
    let hub = Hub::start();
    let renewal = hub.device("cam-1").renewal();
    hub.refuses((401, "needs the certificate"), || {
        hub.curl().est("simplereenroll", &renewal).call()
    });
}

#[test]
fn refuses_a_renewal_under_other_names() {
    let hub = Hub::start();
    let device = hub.device("cam-1");
    hub.device("cam-2");
    let other = device.renewal_as("cam-2");
    hub.refuses((400, "the CSR does not fit"), || {
        hub.curl().as_(&device).est("simplereenroll", &other).call()
    });
}

#[test]
fn refuses_a_renewal_under_quarantine_and_allows_it_after_release() {
    let hub = Hub::start();
    let device = hub.device("cam-1");
    hub.orders("quarantine", "cam-1");
    let cause = "cam-1 is quarantined: it is granted no new certificate";
    hub.refuses((403, cause), || hub.renews(&device));
    hub.orders("release", "cam-1");
    assert_eq!(hub.renews(&device).status, 200);
}

#[test]
fn refuses_a_retired_device_already_in_the_handshake() {
    let hub = Hub::start();
    let device = hub.device("cam-1");
    hub.orders("retire", "cam-1");
    let entries = hub.entries();
    let answer = hub.renews(&device);
    assert_eq!(answer.status, 0, "{answer:?}");
    assert!(hub.logs("A handshake failed.").contains("evoked"));
    assert_eq!(hub.entries(), entries);
}

#[test]
fn refuses_a_certificate_of_an_unknown_ca_already_in_the_handshake() {
    let hub = Hub::start();
    hub.claim("cam-1");
    let device = new_device(&hub, "cam-1");
    MakersCa::new(hub.folder.path(), "forger").forge(&device, "cam-1");
    let entries = hub.entries();
    for path in ["simpleenroll", "simplereenroll"] {
        let answer = hub.curl().as_(&device).est(path, &device.renewal()).call();
        assert_eq!(answer.status, 0, "{answer:?}");
    }
    assert!(hub.logs("A handshake failed.").contains("UnknownIssuer"));
    assert_eq!(hub.entries(), entries);
}

#[test]
fn refuses_a_claim_under_a_profile_that_is_not_there() {
    let hub = Hub::start();
    let entries = hub.entries();
    let refused = hub.ironroot(&["claim", "new", "cam-1", "--profile", "submarine"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("submarine"), "{refused:?}");
    assert_eq!(hub.entries(), entries);
}

#[test]
fn knows_no_other_way_in() {
    let hub = Hub::start();
    let url = format!("{}/.well-known/est/simpleenroll", hub.url("device"));
    assert_eq!(hub.curl().words(&[&url]).call().status, 405);
    for path in ["fullcmc", ""] {
        assert_eq!(hub.curl().est_get(path).call().status, 404, "{path}");
    }
    let api = format!("{}/api/v1/devices", hub.url("device"));
    assert_eq!(hub.curl().words(&[&api]).call().status, 404);
}
