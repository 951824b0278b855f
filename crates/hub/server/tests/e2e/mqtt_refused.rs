//! What the MQTT door refuses mosquitto's clients, in 3.1.1 and 5.

use crate::rig::{Hub, Identity, MakersCa, Running};

/// A service that hears everything devices say, and another device that can be heard beside.
struct Witness {
    service: Running,
    beside: Identity,
}

impl Witness {
    fn new(hub: &Hub) -> Self {
        Self {
            service: hub
                .mosquitto(&hub.service("witness"))
                .subscribes("d/+/up/#"),
            beside: hub.device("beside"),
        }
    }

    /// Everything that was delivered so far: what is published now arrives after all that.
    fn heard(&self, hub: &Hub) -> String {
        let from = self.service.said().len();
        hub.mosquitto(&self.beside)
            .publishes("d/beside/up/now", "now")
            .ok();
        self.service.says_since(from, "got d/beside/up/now now");
        self.service.said()
    }
}

#[test]
fn refuses_to_publish_under_another_devices_name() {
    let hub = Hub::start();
    let cam = hub.device("cam-1");
    let witness = Witness::new(&hub);
    let refused = hub.mosquitto(&cam).publishes("d/cam-2/up/t", "forged");
    assert!(refused.err.contains("Not authorized"), "{refused:?}");
    // MQTT 3.1.1 has no word for it but the end of the connection (section 3.3.5).
    let refused = hub
        .mosquitto(&cam)
        .speaking("311")
        .publishes("d/cam-2/up/t", "forged");
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(!witness.heard(&hub).contains("forged"));
}

#[test]
fn refuses_to_publish_what_only_a_service_may() {
    let hub = Hub::start();
    let (cam, other) = (hub.device("cam-1"), hub.device("cam-2"));
    let victim = hub.mosquitto(&other).subscribes("d/cam-2/down/#");
    for topic in [
        "d/cam-2/down/order",
        "d/cam-1/down/order",
        "$SYS/broker",
        "up",
    ] {
        let refused = hub.mosquitto(&cam).publishes(topic, "forged");
        assert!(
            refused.err.contains("Not authorized"),
            "{topic}: {refused:?}"
        );
    }
    hub.mosquitto(&hub.service("backend"))
        .publishes("d/cam-2/down/order", "honest")
        .ok();
    victim.says("got d/cam-2/down/order honest");
    assert!(!victim.said().contains("forged"));
}

#[test]
fn refuses_to_listen_to_others() {
    let hub = Hub::start();
    let cam = hub.device("cam-1");
    for filter in [
        "#",
        "d/+/down/#",
        "d/cam-2/down/#",
        "d/cam-1/#",
        "+/+/+",
        "$SYS/#",
    ] {
        for (version, refusal) in [
            ("5", "Subscribed (mid: 1): 135"),
            ("311", "Subscribed (mid: 1): 128"),
        ] {
            let client = hub.mosquitto(&cam).speaking(version);
            client.tries_to_subscribe(filter, &[]).says(refusal);
        }
    }
}

#[test]
fn refuses_the_client_id_of_another_device() {
    let hub = Hub::start();
    let (cam, victim) = (hub.device("cam-1"), hub.device("cam-2"));
    let session = hub.mosquitto(&victim).subscribes("d/cam-2/down/#");
    for version in ["5", "311"] {
        for id in ["cam-2", "cam-2/app", "cam-10", "cam-1x", "backend"] {
            let attacker = hub.mosquitto(&cam).speaking(version);
            let refused = attacker.publishes_with("d/cam-1/up/t", "x", &["-i", id]);
            assert_ne!(refused.code, 0, "{id}: {refused:?}");
        }
    }
    hub.mosquitto(&hub.service("backend"))
        .publishes("d/cam-2/down/order", "still there")
        .ok();
    session.says("got d/cam-2/down/order still there");
    assert_eq!(
        session.said().matches("received CONNACK").count(),
        1,
        "{}",
        session.said()
    );
}

#[test]
fn a_service_cannot_take_over_a_devices_session() {
    let hub = Hub::start();
    let (cam, backend) = (hub.device("cam-1"), hub.service("backend"));
    let session = hub.mosquitto(&cam).subscribes("d/cam-1/down/#");
    let impostor = hub.mosquitto(&backend);
    impostor
        .publishes_with("d/cam-1/down/order", "blink", &["-i", "cam-1"])
        .ok();
    session.says("got d/cam-1/down/order blink");
    assert_eq!(
        session.said().matches("received CONNACK").count(),
        1,
        "{}",
        session.said()
    );
    assert_eq!(hub.sessions("cam-1"), 1);
}

#[test]
fn a_service_of_a_devices_name_is_not_that_device() {
    let hub = Hub::start();
    hub.device("cam-2");
    let service = hub.service("cam-2");
    let refused = hub.mosquitto(&service).publishes("d/cam-2/up/t", "forged");
    assert!(refused.err.contains("Not authorized"), "{refused:?}");
}

#[test]
fn refuses_a_client_without_a_certificate_in_the_handshake() {
    let hub = Hub::start();
    for version in ["5", "311"] {
        let refused = hub
            .stranger()
            .speaking(version)
            .publishes("d/cam-1/up/t", "x");
        assert_ne!(refused.code, 0, "{refused:?}");
    }
    assert!(
        hub.logs("A handshake failed.")
            .contains("peer sent no certificates")
    );
}

#[test]
fn refuses_a_certificate_of_an_unknown_ca_in_the_handshake() {
    let hub = Hub::start();
    hub.device("cam-1");
    let forged = Identity::with_new_key(hub.folder.path(), "forged").saying("cam-1");
    MakersCa::new(hub.folder.path(), "forger").forge(&forged, "cam-1");
    let refused = hub.mosquitto(&forged).publishes("d/cam-1/up/t", "x");
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(hub.logs("A handshake failed.").contains("UnknownIssuer"));
}

#[test]
fn refuses_a_certificate_of_another_hub_in_the_handshake() {
    let (hub, other) = (Hub::start(), Hub::start());
    hub.device("cam-1");
    let stranger = other.device("cam-1");
    let refused = hub.mosquitto(&stranger).publishes("d/cam-1/up/t", "x");
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(hub.logs("A handshake failed.").contains("UnknownIssuer"));
}

#[test]
fn refuses_the_second_session_of_a_device_that_may_have_one() {
    let hub = Hub::start();
    let cam = hub.device("cam-1");
    let first = hub.mosquitto(&cam).subscribes("d/cam-1/down/#");
    let second = hub
        .mosquitto(&cam)
        .publishes_with("d/cam-1/up/t", "x", &["-i", "cam-1/two"]);
    assert_ne!(second.code, 0, "{second:?}");
    hub.mosquitto(&hub.service("backend"))
        .publishes("d/cam-1/down/order", "blink")
        .ok();
    first.says("got d/cam-1/down/order blink");
}

#[test]
fn refuses_a_will_on_another_devices_topic() {
    let hub = Hub::start();
    let cam = hub.device("cam-1");
    let witness = Witness::new(&hub);
    let will = [
        "--will-topic",
        "d/beside/up/gone",
        "--will-payload",
        "forged",
    ];
    let mut refused = hub
        .mosquitto(&cam)
        .tries_to_subscribe("d/cam-1/down/#", &will);
    assert!(!refused.ends().success(), "{}", refused.said());
    assert!(!witness.heard(&hub).contains("forged"));
}
