//! Certificates from birth: what a device maker's IDevID (IEEE 802.1AR) opens, and everything that it does not.

use crate::rig::{Answer, Hub, Identity, MakersCa};

/// A hub that accepts the CA of a maker, and a device of that maker with its IDevID.
struct Scene {
    hub: Hub,
    acme: MakersCa,
    device: Identity,
}

impl Scene {
    fn new() -> Self {
        Self::with_prefix("")
    }

    fn with_prefix(prefix: &str) -> Self {
        let hub = Hub::start();
        let acme = MakersCa::new(hub.folder.path(), "acme");
        let certificate = acme.certificate();
        let add = [
            "ca",
            "manufacturer",
            "add",
            "acme",
            certificate.to_str().unwrap(),
        ];
        let mut prefixed = add.to_vec();
        if !prefix.is_empty() {
            prefixed.extend(["--serial-prefix", prefix]);
        }
        hub.ironroot(&prefixed).ok();
        let device = Identity::with_new_key(hub.folder.path(), "idevid").saying("cam-1");
        acme.issue(&device, "cam-1");
        Self { hub, acme, device }
    }

    /// A first enrolment with the IDevID in place of a token.
    fn enrols_as(&self, name: &str) -> Answer {
        let csr = self.device.csr(&format!("/CN={name}"));
        self.hub
            .curl()
            .as_(&self.device)
            .est("simpleenroll", &csr)
            .call()
    }
}

#[test]
fn stands_for_the_token_and_never_for_the_claim() {
    let scene = Scene::new();
    scene.hub.refuses((401, "cam-1 was never claimed"), || {
        scene.enrols_as("cam-1")
    });
    scene.hub.claim("cam-1");
    let answer = scene.enrols_as("cam-1");
    assert_eq!(answer.status, 200, "{answer:?}");
    scene.device.take_certificate(&answer.body);
    scene
        .hub
        .mosquitto(&scene.device)
        .publishes("d/cam-1/up/t", "21")
        .ok();
}

#[test]
fn two_makers_serials_are_told_apart_by_a_prefix() {
    let scene = Scene::with_prefix("acme-");
    scene.hub.claim("cam-1");
    scene
        .hub
        .refuses((401, "acme-cam-1 was never claimed"), || {
            scene.enrols_as("acme-cam-1")
        });
    scene.hub.claim("acme-cam-1");
    assert_eq!(scene.enrols_as("acme-cam-1").status, 200);
    assert_eq!(scene.hub.lifecycle("cam-1"), "claimed");
}

#[test]
fn stands_for_one_enrolment_of_one_claim() {
    let scene = Scene::new();
    scene.hub.claim("cam-1");
    assert_eq!(scene.enrols_as("cam-1").status, 200);
    let another_key = Identity::with_new_key(scene.hub.folder.path(), "another");
    let csr = another_key.csr("/CN=cam-1");
    scene.hub.refuses((401, "its claim token was used"), || {
        let curl = scene.hub.curl().as_(&scene.device);
        curl.est("simpleenroll", &csr).call()
    });
}

#[test]
fn does_not_enrol_another_serial() {
    let scene = Scene::new();
    scene.hub.claim("cam-1");
    scene.hub.claim("cam-2");
    scene
        .hub
        .refuses((400, "the applicant is cam-1"), || scene.enrols_as("cam-2"));
}

#[test]
fn renews_nothing() {
    let scene = Scene::new();
    scene.hub.refuses((401, "needs the certificate"), || {
        let renewal = scene.device.renewal();
        scene
            .hub
            .curl()
            .as_(&scene.device)
            .est("simplereenroll", &renewal)
            .call()
    });
}

#[test]
fn does_not_open_the_mqtt_door() {
    let scene = Scene::new();
    scene.hub.device("cam-1");
    let refused = scene
        .hub
        .mosquitto(&scene.device)
        .publishes("d/cam-1/up/t", "x");
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(
        scene
            .hub
            .logs("A handshake failed.")
            .contains("UnknownIssuer")
    );
}

#[test]
fn opens_nothing_when_its_maker_is_accepted_no_more() {
    let scene = Scene::new();
    scene.hub.claim("cam-1");
    scene
        .hub
        .ironroot(&["ca", "manufacturer", "remove", "acme"])
        .ok();
    let entries = scene.hub.entries();
    let answer = scene.enrols_as("cam-1");
    assert_eq!(
        (answer.status, scene.hub.entries()),
        (0, entries),
        "{answer:?}"
    );
}

#[test]
fn attack_an_accepted_maker_cannot_forge_a_certificate_of_the_hub() {
    let scene = Scene::new();
    let victim = scene.hub.device("cam-1");
    scene.acme.forge(&scene.device, "cam-1");
    let entries = scene.hub.entries();
    let renewal = victim.renewal();
    let answer = scene
        .hub
        .curl()
        .as_(&scene.device)
        .est("simplereenroll", &renewal)
        .call();
    assert_eq!(
        (answer.status, scene.hub.entries()),
        (0, entries),
        "{answer:?}"
    );
    let refused = scene
        .hub
        .mosquitto(&scene.device)
        .publishes("d/cam-1/up/t", "forged");
    assert_ne!(refused.code, 0, "{refused:?}");
}
