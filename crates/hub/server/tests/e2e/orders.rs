//! A person's orders, given by command line, and what they do to live sessions at once.

use std::time::{Duration, Instant};

use crate::rig::{Hub, Identity, Running};

/// A camera with a live session, a service that hears it, and a second camera beside them.
struct Scene {
    hub: Hub,
    cam: Identity,
    beside: Identity,
    backend: Identity,
    service: Running,
}

impl Scene {
    fn new() -> Self {
        let hub = Hub::start();
        let backend = hub.service("backend");
        Self {
            cam: hub.device("cam-1"),
            beside: hub.device("beside"),
            service: hub.mosquitto(&backend).subscribes("d/+/up/#"),
            backend,
            hub,
        }
    }

    /// What the service was delivered since `from`: what is published now arrives after all that.
    fn heard_since(&self, from: usize) -> String {
        let mark = self.service.said().len();
        self.hub
            .mosquitto(&self.beside)
            .publishes("d/beside/up/now", "now")
            .ok();
        self.service.says_since(mark, "got d/beside/up/now now");
        self.service.said()[from..].to_owned()
    }
}

#[test]
fn quarantine_ends_a_live_session_at_once_and_says_why_in_the_journal() {
    for version in ["5", "311"] {
        let scene = Scene::new();
        let mut session = scene
            .hub
            .mosquitto(&scene.cam)
            .speaking(version)
            .subscribes("d/cam-1/down/#");
        let ordered = Instant::now();
        let said = scene.hub.orders("quarantine", "cam-1");
        assert!(
            said.starts_with("cam-1 is quarantined now; 1 session was cut"),
            "{said}"
        );
        if version == "5" {
            session.says("Received DISCONNECT (135)");
        }
        session.ends();
        assert!(
            ordered.elapsed() < Duration::from_secs(5),
            "{:?}",
            ordered.elapsed()
        );
        let device = scene.hub.json(&["device", "show", "cam-1"]);
        assert_eq!(device["sessions"], 0, "{device:#}");
        assert_eq!(device["reasons"][0]["why"], "odd traffic", "{device:#}");
        assert_eq!(device["reasons"][0]["who"], "admin", "{device:#}");
    }
}

#[test]
fn a_quarantined_device_is_heard_by_nobody_and_hears_nothing() {
    let scene = Scene::new();
    let Scene { hub, cam, .. } = &scene;
    hub.mosquitto(cam).publishes("d/cam-1/up/t", "before").ok();
    scene.service.says("got d/cam-1/up/t before");
    let mut session = hub.mosquitto(cam).subscribes("d/cam-1/down/#");
    let from = scene.service.said().len();
    scene.hub.orders("quarantine", "cam-1");
    for version in ["5", "311"] {
        let refused = hub
            .mosquitto(cam)
            .speaking(version)
            .publishes("d/cam-1/up/t", "under quarantine");
        assert_ne!(refused.code, 0, "{refused:?}");
    }
    hub.mosquitto(&scene.backend)
        .publishes_with("d/cam-1/down/x", "secret", &["-i", "b"])
        .ok();
    session.ends();
    assert!(!session.said().contains("secret"), "{}", session.said());
    assert!(!scene.heard_since(from).contains("cam-1"));
}

#[test]
fn a_stream_of_messages_stops_with_the_order() {
    let scene = Scene::new();
    let mut publisher = scene
        .hub
        .mosquitto(&scene.cam)
        .keeps_publishing("d/cam-1/up/n");
    publisher.hears("0\n");
    scene.service.says("got d/cam-1/up/n 0");
    scene.hub.orders("quarantine", "cam-1");
    publisher.says("Received DISCONNECT (135)");
    let from = scene.service.said().len();
    publisher.hears("1\n2\n3\n");
    drop(publisher.stdin());
    publisher.ends();
    assert!(!scene.heard_since(from).contains("got d/cam-1/"));
}

#[test]
fn release_lets_a_device_back_as_it_was() {
    let scene = Scene::new();
    scene.hub.orders("quarantine", "cam-1");
    let said = scene.hub.orders("release", "cam-1");
    assert!(said.starts_with("cam-1 is active now"), "{said}");
    let session = scene.hub.mosquitto(&scene.cam).subscribes("d/cam-1/down/#");
    scene
        .hub
        .mosquitto(&scene.backend)
        .publishes_with("d/cam-1/down/x", "welcome", &["-i", "b"])
        .ok();
    session.says("got d/cam-1/down/x welcome");
    drop(session);
    scene
        .hub
        .mosquitto(&scene.cam)
        .publishes("d/cam-1/up/t", "back")
        .ok();
    scene.service.says("got d/cam-1/up/t back");
}

#[test]
fn retained_messages_are_withheld_under_quarantine_and_deleted_by_retirement() {
    let scene = Scene::new();
    let Scene {
        hub, cam, backend, ..
    } = &scene;
    hub.mosquitto(cam)
        .publishes_with("d/cam-1/up/state", "fine", &["-r"])
        .ok();
    hub.mosquitto(&scene.beside)
        .publishes_with("d/beside/up/state", "fine", &["-r"])
        .ok();
    // Retained messages come in one go: what a later subscriber has when it hears of one, it has of both.
    let later = |name: &str| {
        let subscriber = hub
            .mosquitto(backend)
            .subscribes_with("d/+/up/state", &["-i", name]);
        subscriber.says("got d/beside/up/state fine");
        let from = subscriber.said().len();
        hub.mosquitto(&scene.beside)
            .publishes("d/beside/up/state", "still")
            .ok();
        subscriber.says_since(from, "got d/beside/up/state still");
        subscriber.said().contains("got d/cam-1/up/state fine")
    };
    assert!(later("before"));
    scene.hub.orders("quarantine", "cam-1");
    assert!(!later("under quarantine"));
    scene.hub.orders("release", "cam-1");
    assert!(later("after release"));
    scene.hub.orders("retire", "cam-1");
    assert!(!later("after retirement"));
}

#[test]
fn a_retired_device_is_refused_in_the_next_handshake() {
    let scene = Scene::new();
    let mut session = scene.hub.mosquitto(&scene.cam).subscribes("d/cam-1/down/#");
    let said = scene.hub.orders("retire", "cam-1");
    assert!(
        said.starts_with("cam-1 is retired now; 1 session was cut"),
        "{said}"
    );
    session.ends();
    let refused = scene
        .hub
        .mosquitto(&scene.cam)
        .publishes("d/cam-1/up/t", "x");
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(scene.hub.logs("A handshake failed.").contains("evoked"));
    let device = scene.hub.json(&["device", "show", "cam-1"]);
    assert_eq!(device["certificates"][0]["status"], "revoked", "{device:#}");
}

#[test]
fn a_transferred_device_is_cut_and_starts_again_with_a_claim() {
    let scene = Scene::new();
    let mut session = scene.hub.mosquitto(&scene.cam).subscribes("d/cam-1/down/#");
    scene.hub.orders("transfer", "cam-1");
    session.ends();
    let refused = scene
        .hub
        .mosquitto(&scene.cam)
        .publishes("d/cam-1/up/t", "x");
    assert_ne!(refused.code, 0, "{refused:?}");
    let cam = scene.hub.device("cam-1");
    scene
        .hub
        .mosquitto(&cam)
        .publishes("d/cam-1/up/t", "new owner")
        .ok();
    scene.service.says("got d/cam-1/up/t new owner");
}

#[test]
fn what_a_profile_leaves_a_quarantined_device_it_may_do_and_no_more() {
    let scene = Scene::new();
    let gateway = scene.hub.device_as("gw-1", "gateway");
    let session = scene
        .hub
        .mosquitto(&gateway)
        .subscribes_with("d/gw-1/down/#", &["-t", "d/gw-1/down/diagnosis"]);
    scene.hub.orders("quarantine", "gw-1");
    let speaker = scene.hub.mosquitto(&scene.backend);
    speaker
        .publishes_with("d/gw-1/down/reboot", "now", &["-i", "b"])
        .ok();
    speaker
        .publishes_with("d/gw-1/down/diagnosis", "how are you", &["-i", "b"])
        .ok();
    session.says("got d/gw-1/down/diagnosis how are you");
    assert!(!session.said().contains("reboot"), "{}", session.said());
    let with = ["-i", "gw-1/two"];
    scene
        .hub
        .mosquitto(&gateway)
        .publishes_with("d/gw-1/up/diagnosis", "odd", &with)
        .ok();
    scene.service.says("got d/gw-1/up/diagnosis odd");
    let refused = scene
        .hub
        .mosquitto(&gateway)
        .publishes_with("d/gw-1/up/t", "21", &with);
    assert!(refused.err.contains("Not authorized"), "{refused:?}");
}

#[test]
fn a_revoked_service_is_cut_and_refused_in_the_next_handshake() {
    let mut scene = Scene::new();
    let said = scene.hub.ironroot(&["service", "revoke", "backend"]).ok();
    assert!(
        said.starts_with("backend is revoked; 1 of its sessions were cut"),
        "{said}"
    );
    scene.service.ends();
    let refused = scene
        .hub
        .mosquitto(&scene.backend)
        .publishes("d/cam-1/down/x", "x");
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(scene.hub.logs("A handshake failed.").contains("evoked"));
}

#[test]
fn a_quarantine_outlives_the_hub() {
    let mut scene = Scene::new();
    scene.hub.orders("quarantine", "cam-1");
    scene.hub.kill();
    scene.hub.starts();
    assert_eq!(scene.hub.lifecycle("cam-1"), "quarantined");
    let refused = scene
        .hub
        .mosquitto(&scene.cam)
        .publishes("d/cam-1/up/t", "x");
    assert_ne!(refused.code, 0, "{refused:?}");
}
