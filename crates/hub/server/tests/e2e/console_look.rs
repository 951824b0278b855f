//! The console in a real browser: every page of `crates/hub/console/check/pages.mjs`, light and dark, narrow and
//! wide (in turns), over a fleet in which something of everything is.
//!
//! `cargo xtask console-check` runs this alone, and takes pictures.

use std::path::Path;

use crate::rig::{Hub, Running, program, until};

const CHECK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../console/check");

/// Words that a person could give as a reason, and that a page must show as words.
const HOSTILE: &str = "<script>alert(1)</script> \u{202e}desrever\u{202c} مرحبا 🙂 & \"quoted\"";

#[test]
fn every_page_is_in_order_in_every_scheme_and_width() {
    assert!(
        Path::new(CHECK).join("node_modules/axe-core").exists(),
        "`cargo xtask deps` installs what looks at the pages"
    );
    let hub = Hub::start();
    let sessions = fleet(&hub);
    let link = hub.json(&["sign-in"])["url"].as_str().unwrap().to_owned();
    let mut node = program("node");
    node.arg("check.mjs")
        .current_dir(CHECK)
        .env("CONSOLE_LINK", link);
    // Not bound by the wait for a door's answer: it looks some hundred times.
    let said = node.output().expect("`make test` installs node");
    let told = String::from_utf8_lossy(&said.stdout);
    let cause = String::from_utf8_lossy(&said.stderr);
    println!("{told}");
    assert!(said.status.success(), "{told}{cause}");
    drop(sessions);
}

/// Brings in devices of each kind; some stay connected as long as what is returned lives.
fn fleet(hub: &Hub) -> Vec<Running> {
    let connected = ["CAM-7F31-0440", "CAM-7F31-0441", "GTW-5A09-0007"];
    let mut sessions = Vec::new();
    for id in connected {
        let profile = if id.starts_with("GTW") {
            "gateway"
        } else {
            "camera"
        };
        let device = hub.device_as(id, profile);
        sessions.push(hub.mosquitto(&device).subscribes(&format!("d/{id}/down/#")));
        let topic = format!("d/{id}/up/state");
        hub.mosquitto(&device.saying(&format!("{id}/two")))
            .publishes(&topic, "fine");
    }
    let shut_out = hub.device("CAM-7F31-0442");
    hub.mosquitto(&shut_out)
        .publishes("d/CAM-7F31-0442/up/state", "fine")
        .ok();
    for words in [HOSTILE, "opens ports it never had"] {
        hub.ironroot(&["device", "quarantine", &shut_out.id, "--why", words])
            .ok();
    }
    hub.device("CAM-7F31-0443");
    hub.device("CAM-7F31-0444");
    hub.orders("retire", "CAM-7F31-0444");
    hub.ironroot(&[
        "service",
        "new",
        "backend",
        "--subscribe",
        "d/+/up/#",
        "--publish",
        "d/+/down/#",
    ])
    .ok();
    hub.ironroot(&["token", "new", "ci"]).ok();
    hub.claim(&"W".repeat(64));
    for n in 1..=26 {
        hub.claim_as(&format!("SEN-20C4-{n:04}"), "camera");
    }
    until("the sessions are there", || {
        (hub.sessions(connected[0]) > 0).then_some(())
    });
    sessions
}
