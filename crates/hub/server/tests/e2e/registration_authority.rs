//! A gateway that renews the certificates of the devices behind it (RFC 7030 section 3.7), and what it may not.

use std::fs;

use crate::rig::{Answer, Hub, Identity, openssl};

/// A gateway that may renew for meters, a meter and a camera.
struct Scene {
    hub: Hub,
    gateway: Identity,
    meter: Identity,
}

const METER: &str =
    "name = \"meter\"\nevidence = \"none\"\n[topics]\npublish = [\"d/{device}/up/#\"]";

fn gateway(renews_for: &str) -> String {
    METER.replace("meter", "hall-gateway").replace(
        "[topics]",
        &format!("registration_authority = {renews_for}\n[topics]"),
    )
}

impl Scene {
    fn new() -> Self {
        let mut hub = Hub::start();
        hub.stop();
        hub.profile("meter", METER);
        hub.profile("hall-gateway", &gateway("[\"meter\"]"));
        hub.starts();
        let gateway = hub.device_as("gate-1", "hall-gateway");
        let meter = hub.device_as("meter-1", "meter");
        Self {
            hub,
            gateway,
            meter,
        }
    }

    /// `asks` renews with the request of `device`.
    fn renews_for(&self, asks: &Identity, device: &Identity) -> Answer {
        let curl = self.hub.curl().as_(asks);
        curl.est("simplereenroll", &device.renewal()).call()
    }
}

#[test]
fn its_certificate_says_that_it_is_one() {
    let scene = Scene::new();
    let usages = |who: &Identity| {
        let certificate = who.certificate();
        let print = ["-noout", "-ext", "extendedKeyUsage", "-in"];
        openssl(
            &[
                &["x509"],
                print.as_slice(),
                &[certificate.to_str().unwrap()],
            ]
            .concat(),
        )
    };
    let text = usages(&scene.gateway);
    assert!(
        text.contains("TLS Web Client Authentication") && text.contains("CMC"),
        "{text}"
    );
    assert!(!usages(&scene.meter).contains("CMC"));
}

#[test]
fn renews_for_a_device_behind_it_and_the_journal_says_through_whom() {
    let scene = Scene::new();
    let fresh = Identity::with_new_key(scene.hub.folder.path(), "meter-1");
    let answer = scene.renews_for(&scene.gateway, &fresh);
    assert_eq!(answer.status, 200, "{answer:?}");
    fresh.take_certificate(&answer.body);
    let hub = &scene.hub;
    hub.mosquitto(&fresh).publishes("d/meter-1/up/t", "21").ok();
    let timeline = hub.ironroot(&["device", "show", "meter-1"]).ok();
    assert!(
        timeline.contains("enrolled again through gate-1"),
        "{timeline}"
    );
    // It renews its own as every device does.
    let own = hub.renews(&scene.gateway);
    assert_eq!(own.status, 200, "{own:?}");
    let timeline = hub.ironroot(&["device", "show", "gate-1"]).ok();
    assert!(timeline.contains("enrolled again and holds"), "{timeline}");
}

#[test]
fn refuses_a_device_of_another_profile_and_one_that_is_not_there() {
    let scene = Scene::new();
    let camera = scene.hub.device("cam-1");
    let nobody = camera.saying("meter-9");
    for device in [&camera, &nobody] {
        scene.hub.refuses((403, "gate-1 may not renew for"), || {
            scene.renews_for(&scene.gateway, device)
        });
    }
}

#[test]
fn refuses_a_device_under_quarantine() {
    let scene = Scene::new();
    scene.hub.orders("quarantine", "meter-1");
    scene.hub.refuses((403, "meter-1 is quarantined"), || {
        scene.renews_for(&scene.gateway, &scene.meter)
    });
}

#[test]
fn refuses_an_authority_that_is_itself_under_quarantine() {
    let scene = Scene::new();
    scene.hub.orders("quarantine", "gate-1");
    scene.hub.refuses((403, "gate-1 is quarantined"), || {
        scene.renews_for(&scene.gateway, &scene.meter)
    });
}

#[test]
fn refuses_an_authority_whose_profile_names_the_devices_no_more() {
    let mut scene = Scene::new();
    scene.hub.stop();
    scene.hub.profile("hall-gateway", &gateway("[\"camera\"]"));
    scene.hub.starts();
    scene
        .hub
        .refuses((403, "gate-1 may not renew for meter-1"), || {
            scene.renews_for(&scene.gateway, &scene.meter)
        });
}

#[test]
fn attack_an_ordinary_device_renews_for_another() {
    let scene = Scene::new();
    let other = scene.hub.device_as("meter-2", "meter");
    scene.hub.refuses((400, "the CSR does not fit"), || {
        scene.renews_for(&other, &scene.meter)
    });
}

#[test]
fn attack_an_authority_sends_a_request_that_the_devices_key_did_not_sign() {
    let scene = Scene::new();
    let csr = scene.meter.renewal();
    let mut der = fs::read(&csr).unwrap();
    *der.last_mut().unwrap() ^= 1;
    fs::write(&csr, der).unwrap();
    scene.hub.refuses((400, "not signed by the key"), || {
        let curl = scene.hub.curl().as_(&scene.gateway);
        curl.est("simplereenroll", &csr).call()
    });
}

#[test]
fn refuses_a_request_that_does_not_name_one_device() {
    let scene = Scene::new();
    for subject in ["/CN=meter-1", "/serialNumber=meter-1/CN=meter-2", "/"] {
        let csr = scene.meter.csr(subject);
        scene.hub.refuses((400, "asks for another device"), || {
            let curl = scene.hub.curl().as_(&scene.gateway);
            curl.est("simplereenroll", &csr).call()
        });
    }
}
