//! An enrolment whose answer was lost on the way: the same key asks again; another key is a thief's.

use std::time::Duration;

use crate::rig::{Hub, Identity, InsideHub};

#[test]
fn the_same_key_asks_again_and_talks_with_the_second_certificate() {
    let hub = Hub::start();
    let token = hub.claim("cam-1");
    let device = Identity::with_new_key(hub.folder.path(), "cam-1");
    let csr = device.csr("/CN=cam-1");
    let lost = hub.enrols(&device, &token, &csr);
    assert_eq!(lost.status, 200, "{lost:?}");
    device.take_certificate(&lost.body);
    let first = device.copied();
    let answer = hub.enrols(&device, &token, &csr);
    assert_eq!(answer.status, 200, "{answer:?}");
    device.take_certificate(&answer.body);
    let timeline = hub.ironroot(&["device", "show", "cam-1"]).ok();
    assert!(timeline.contains("repeated its enrolment"), "{timeline}");

    // Nobody has the certificate that was lost, so nobody may use it.
    let refused = hub.mosquitto(&first).publishes("d/cam-1/up/t", "x");
    assert_ne!(refused.code, 0, "{refused:?}");
    hub.mosquitto(&device).publishes("d/cam-1/up/t", "21").ok();
    // It has used its certificate, so no answer is lost any more.
    hub.refuses((401, "its claim token was used"), || {
        hub.enrols(&device, &token, &csr)
    });
}

#[test]
fn a_repetition_comes_within_the_claims_life() {
    let hub = InsideHub::start();
    let token = hub.claim("cam-1");
    let device = Identity::with_new_key(hub.folder.path(), "cam-1");
    let csr = device.csr("/CN=cam-1");
    let enrols = || hub.enrols(&device, &token, &csr).status;
    assert_eq!(enrols(), 200);
    assert_eq!(enrols(), 200);
    hub.advance(Duration::from_secs(366 * 86_400));
    assert_eq!(enrols(), 401);
}

#[test]
fn attack_a_stolen_token_with_another_key_is_refused_and_is_an_alarm() {
    let hub = Hub::start();
    let token = hub.claim("cam-1");
    let device = Identity::with_new_key(hub.folder.path(), "cam-1");
    let enrolled = hub.enrols(&device, &token, &device.csr("/CN=cam-1"));
    device.take_certificate(&enrolled.body);
    let thief = Identity::with_new_key(hub.folder.path(), "thief").saying("cam-1");
    let csr = thief.csr("/CN=cam-1");
    // Before the device has used its certificate, and after.
    for _ in ["enrolled", "active"] {
        hub.refuses((401, "somebody has stolen the token"), || {
            hub.enrols(&thief, &token, &csr)
        });
        let alarm = hub.logs("A claim token came a second time, with another key.");
        assert!(alarm.contains("ERROR"), "{alarm}");
        hub.mosquitto(&device).publishes("d/cam-1/up/t", "21").ok();
    }
}

#[test]
fn refuses_a_repetition_under_quarantine() {
    let hub = Hub::start();
    let token = hub.claim("cam-1");
    let device = Identity::with_new_key(hub.folder.path(), "cam-1");
    let csr = device.csr("/CN=cam-1");
    assert_eq!(hub.enrols(&device, &token, &csr).status, 200);
    hub.orders("quarantine", "cam-1");
    hub.refuses((401, "its claim token was used"), || {
        hub.enrols(&device, &token, &csr)
    });
}
