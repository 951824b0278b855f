//! One certificate at a time: listed, and revoked by a person.

use crate::rig::{Hub, openssl, word};

fn serial_of(certificate: &std::path::Path) -> String {
    let serial = openssl(&["x509", "-in", word(certificate), "-noout", "-serial"]);
    serial.trim().trim_start_matches("serial=").to_owned()
}

const WHY: [&str; 2] = ["--why", "the flash was read out"];

#[test]
fn a_revoked_certificate_ends_its_session_and_not_that_of_the_devices_other_one() {
    let hub = Hub::start();
    let cam = hub.device("cam-1");
    let first = cam.copied();
    let answer = hub.renews(&cam);
    cam.take_certificate(&answer.body);
    let old = hub.mosquitto(&first).subscribes("d/cam-1/down/#");
    hub.until_sessions("cam-1", 1);
    let serial = serial_of(&first.certificate());
    let revoke = [
        "certificate",
        "revoke",
        &serial,
        "--reason",
        "key-compromise",
    ];
    let said = hub.ironroot(&[&revoke[..], &WHY].concat()).ok();
    assert!(said.contains("is revoked for good"), "{said}");
    // MQTT 5 section 3.14.2.1: administrative action, or not authorized.
    old.says("Received DISCONNECT");
    hub.until_sessions("cam-1", 0);
    let refused = hub.mosquitto(&first).publishes("d/cam-1/up/t", "21");
    assert_ne!(refused.code, 0, "{refused:?}");
    hub.mosquitto(&cam).publishes("d/cam-1/up/t", "21").ok();

    let listed = hub.ironroot(&["certificate", "list"]).ok();
    let line = |part: &str| listed.lines().find(|line| line.contains(part)).unwrap();
    let revoked = line(&serial.to_lowercase());
    assert!(
        revoked.contains("device cam-1") && revoked.contains("key_compromise"),
        "{listed}"
    );
    assert!(line(&serial_of(&cam.certificate()).to_lowercase()).contains("valid"));
    assert!(
        listed.contains(" hub "),
        "the hub's own are listed: {listed}"
    );
    let journal = hub.ironroot(&["journal", "list"]).ok();
    assert!(journal.contains("(key compromise)"), "{journal}");
}

#[test]
fn refuses_to_revoke_twice_and_what_was_never_issued() {
    let hub = Hub::start();
    let serial = serial_of(&hub.device("cam-1").certificate());
    let revokes = |serial: &str| {
        let revoke = ["certificate", "revoke", serial, "--reason", "superseded"];
        hub.ironroot(&[&revoke[..], &WHY].concat())
    };
    revokes(&serial).ok();
    let again = revokes(&serial);
    assert!(
        again.code == 1 && again.err.contains("revoked before"),
        "{again:?}"
    );
    let never = revokes(&"4a".repeat(16));
    assert!(
        never.code == 1 && never.err.contains("issued no certificate"),
        "{never:?}"
    );
    assert_eq!(revokes("cam-1").code, 2);
}

#[test]
fn a_service_whose_certificate_is_revoked_is_out_until_it_gets_another() {
    let hub = Hub::start();
    let backend = hub.service("backend");
    let session = hub.mosquitto(&backend).subscribes("d/+/up/#");
    let serial = serial_of(&backend.certificate());
    let revoke = [
        "certificate",
        "revoke",
        &serial,
        "--reason",
        "privilege-withdrawn",
    ];
    hub.ironroot(&[&revoke[..], &WHY].concat()).ok();
    session.says("Received DISCONNECT");
}

#[test]
fn the_doors_get_a_new_certificate_when_theirs_is_revoked() {
    let hub = Hub::start();
    let shown = || {
        let door = format!("localhost:{}", hub.port("device"));
        let ca = hub.ca();
        let connect = ["s_client", "-connect", &door, "-CAfile", word(&ca)];
        let said = crate::rig::Said::of(crate::rig::program("openssl").args(connect));
        let (pem, file) = (said.out, hub.file("shown.pem"));
        std::fs::write(&file, pem).unwrap();
        serial_of(&file)
    };
    let first = shown();
    let revoke = [
        "certificate",
        "revoke",
        &first,
        "--reason",
        "key-compromise",
    ];
    hub.ironroot(&[&revoke[..], &WHY].concat()).ok();
    crate::rig::until("the doors show another certificate", || {
        (shown() != first).then_some(())
    });
    let answer = hub
        .curl()
        .words(&["--cert-status"])
        .est_get("cacerts")
        .call();
    assert_eq!(answer.status, 200, "{answer:?}");
}
