//! A TCP load balancer before the doors: `HAProxy`, with the configuration that we hand out, tells by the PROXY
//! protocol whom it speaks for.

use std::fs;
use std::net::{TcpListener, TcpStream};

use crate::rig::{Answer, Hub, Identity, Running, program, until};

const CONFIGURATION: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../contrib/haproxy/haproxy.cfg"
);

/// A hub that believes 127.0.0.1, and `HAProxy` there before it.
struct Scene {
    hub: Hub,
    mqtt: u16,
    device: u16,
    _haproxy: Running,
}

impl Scene {
    fn new(limits: &str) -> Self {
        let believed = "proxy_from = [\"127.0.0.1\"]";
        let hub = Hub::with(&format!(
            "[mqtt.admission]\n{believed}\n[device.admission]\n{believed}\n{limits}"
        ));
        let (mqtt, device) = (free_port(), free_port());
        let mut text = fs::read_to_string(CONFIGURATION).unwrap();
        for (door, port, example) in [("mqtt", mqtt, 8883), ("device", device, 8444)] {
            for (from, to) in [
                (format!("bind :{example}"), format!("bind 127.0.0.1:{port}")),
                (
                    format!("192.0.2.10:{example}"),
                    format!("127.0.0.1:{}", hub.port(door)),
                ),
            ] {
                assert!(text.contains(&from), "{from}");
                text = text.replace(&from, &to);
            }
        }
        let file = hub.file("haproxy.cfg");
        fs::write(&file, text).unwrap();
        let haproxy = Running::start(program("haproxy").arg("-db").arg("-f").arg(&file));
        for port in [mqtt, device] {
            until("HAProxy listens", || {
                TcpStream::connect(("127.0.0.1", port)).ok()
            });
        }
        Self {
            hub,
            mqtt,
            device,
            _haproxy: haproxy,
        }
    }

    /// An enrolment with a wrong token, from this address of the machine.
    fn knocks(&self, port: u16, from: &str, words: &[&str]) -> Answer {
        let device = Identity::with_new_key(self.hub.folder.path(), "cam-1");
        let csr = device.csr("/CN=cam-1");
        let url = format!("https://localhost:{port}/.well-known/est/simpleenroll");
        let body = format!("@{}", csr.display());
        let what = [
            "--data-binary",
            &body,
            "-u",
            "cam-1:wrong",
            "--interface",
            from,
            &url,
        ];
        self.hub.curl().words(&what).words(words).call()
    }
}

/// A port that nobody listens at.
fn free_port() -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

#[test]
fn each_device_is_seen_with_its_own_address_behind_haproxy() {
    let scene = Scene::new("");
    scene.hub.claim("cam-1");
    for from in ["127.0.0.2", "127.0.0.3"] {
        let answer = scene.knocks(scene.device, from, &[]);
        assert_eq!(answer.status, 401, "{answer:?}");
        let line = scene.hub.logs(&answer.reference());
        assert!(line.contains(&format!("peer={from}:")), "{line}");
    }
}

#[test]
fn a_device_enrols_and_talks_through_haproxy() {
    let scene = Scene::new("");
    let token = scene.hub.claim("cam-1");
    let device = Identity::with_new_key(scene.hub.folder.path(), "cam-1");
    let body = format!("@{}", device.csr("/CN=cam-1").display());
    let url = format!(
        "https://localhost:{}/.well-known/est/simpleenroll",
        scene.device
    );
    let credentials = format!("cam-1:{token}");
    let words = ["--data-binary", &body, "-u", &credentials, &url];
    let answer = scene.hub.curl().words(&words).call();
    assert_eq!(answer.status, 200, "{answer:?}");
    device.take_certificate(&answer.body);
    let port = scene.mqtt.to_string();
    let said = scene
        .hub
        .mosquitto(&device)
        .publishes_with("d/cam-1/up/t", "21", &["-p", &port]);
    said.ok();
}

#[test]
fn the_bounds_are_each_devices_own_behind_haproxy() {
    let scene = Scene::new("connects_per_source_per_s = 1");
    scene.hub.claim("cam-1");
    until("the device that comes too often is refused", || {
        (scene.knocks(scene.device, "127.0.0.2", &[]).status == 0).then_some(())
    });
    let line = scene.hub.logs("the source connects too often");
    assert!(line.contains("address=127.0.0.2:"), "{line}");
    assert_eq!(scene.knocks(scene.device, "127.0.0.3", &[]).status, 401);
}

#[test]
fn refuses_the_load_balancers_address_without_a_header() {
    let scene = Scene::new("");
    let answer = scene.knocks(scene.hub.port("device"), "127.0.0.1", &[]);
    assert_eq!(answer.status, 0, "{answer:?}");
    scene.hub.logs("does not begin with a PROXY header");
}

#[test]
fn attack_a_stranger_says_that_it_is_somebody_else() {
    let scene = Scene::new("");
    let forged = ["--haproxy-protocol"];
    let answer = scene.knocks(scene.hub.port("device"), "127.0.0.4", &forged);
    assert_eq!(answer.status, 0, "{answer:?}");
    let line = scene.hub.logs("address=127.0.0.4:");
    assert!(line.contains("A handshake failed."), "{line}");
}
