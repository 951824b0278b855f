//! The MQTT door with mosquitto's clients, in 3.1.1 and 5: what gets through.

use crate::rig::{Hub, Running};

const VERSIONS: [&str; 2] = ["311", "5"];

#[test]
fn a_device_and_a_service_talk_with_each_other_in_both_versions() {
    let hub = Hub::start();
    let (cam, backend) = (hub.device("cam-1"), hub.service("backend"));
    for version in VERSIONS {
        let service = hub
            .mosquitto(&backend)
            .speaking(version)
            .subscribes("d/+/up/#");
        let device = hub
            .mosquitto(&cam)
            .speaking(version)
            .subscribes("d/cam-1/down/#");
        let speaker = hub.mosquitto(&backend).speaking(version);
        speaker
            .publishes_with("d/cam-1/down/order", "blink", &["-i", "speaker"])
            .ok();
        device.says("got d/cam-1/down/order blink");
        drop(device);
        hub.mosquitto(&cam)
            .speaking(version)
            .publishes("d/cam-1/up/t", "21.5")
            .ok();
        service.says("got d/cam-1/up/t 21.5");
    }
}

#[test]
fn a_device_may_leave_its_client_id_to_the_hub_or_add_a_suffix() {
    let hub = Hub::start();
    let (cam, backend) = (hub.device("cam-1"), hub.service("backend"));
    let service = hub.mosquitto(&backend).subscribes("d/+/up/#");
    for id in ["", "cam-1/app"] {
        let payload = format!("as {id:?}");
        hub.mosquitto(&cam.saying(id))
            .publishes("d/cam-1/up/t", &payload)
            .ok();
        service.says(&format!("got d/cam-1/up/t {payload}"));
    }
}

#[test]
fn a_retained_message_waits_for_later_subscribers() {
    let hub = Hub::start();
    let (cam, backend) = (hub.device("cam-1"), hub.service("backend"));
    hub.mosquitto(&cam)
        .publishes_with("d/cam-1/up/state", "fine", &["-r"])
        .ok();
    for version in VERSIONS {
        let service = hub
            .mosquitto(&backend)
            .speaking(version)
            .subscribes("d/+/up/state");
        service.says("got d/cam-1/up/state fine");
    }
}

/// A device that has left a will, and listens.
fn with_will(hub: &Hub, cam: &crate::rig::Identity, version: &'static str) -> Running {
    let will = ["--will-topic", "d/cam-1/up/gone", "--will-payload", "gone"];
    hub.mosquitto(cam)
        .speaking(version)
        .subscribes_with("d/cam-1/down/#", &will)
}

#[test]
fn a_will_is_delivered_when_the_device_dies() {
    let hub = Hub::start();
    let (cam, backend) = (hub.device("cam-1"), hub.service("backend"));
    let service = hub.mosquitto(&backend).subscribes("d/+/up/#");
    for version in VERSIONS {
        let from = service.said().len();
        with_will(&hub, &cam, version).kill();
        service.says_since(from, "got d/cam-1/up/gone gone");
    }
}

#[test]
fn a_will_is_not_delivered_when_the_device_is_quarantined() {
    let hub = Hub::start();
    let (cam, other) = (hub.device("cam-1"), hub.device("cam-2"));
    let service = hub
        .mosquitto(&hub.service("backend"))
        .subscribes("d/+/up/#");
    for version in VERSIONS {
        let mut device = with_will(&hub, &cam, version);
        hub.orders("quarantine", "cam-1");
        device.ends();
        hub.until_sessions("cam-1", 0);
        let from = service.said().len();
        hub.mosquitto(&other)
            .publishes("d/cam-2/up/after", version)
            .ok();
        service.says_since(from, "got d/cam-2/up/after");
        assert!(!service.said().contains("gone"), "{}", service.said());
        hub.orders("release", "cam-1");
    }
}

#[test]
fn a_first_connect_makes_a_device_active_and_is_recorded_once() {
    let hub = Hub::start();
    let cam = hub.device("cam-1");
    assert_eq!(hub.lifecycle("cam-1"), "enrolled");
    for payload in ["1", "2", "3"] {
        hub.mosquitto(&cam).publishes("d/cam-1/up/t", payload).ok();
    }
    crate::rig::until("cam-1 is active", || {
        (hub.lifecycle("cam-1") == "active").then_some(())
    });
    let page = hub.json(&[
        "journal",
        "list",
        "--device",
        "cam-1",
        "--kind",
        "device.activated",
    ]);
    assert_eq!(page["items"].as_array().unwrap().len(), 1, "{page:#}");
}
