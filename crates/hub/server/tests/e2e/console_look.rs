//! The console in a real browser: every page of `crates/hub/console/check/pages.mjs`, light and dark, narrow and
//! wide (in turns), over a fleet in which something of everything is; each daily flow with scripts off; and the
//! demonstration's Overview, scene by scene.
//!
//! `cargo xtask console-check` runs this alone, and takes pictures.

use std::path::Path;
use std::process::{Command, Stdio};

use ironroot_sim::demo::{Pace, Scene};

use crate::demonstration::Play;
use crate::rig::{Hub, Place, Running, program, until};

const CHECK: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../console/check");

/// Words that a person could give as a reason, and that a page must show as words.
const HOSTILE: &str = "<script>alert(1)</script> \u{202e}desrever\u{202c} مرحبا 🙂 & \"quoted\"";

#[test]
fn every_page_is_in_order_in_every_scheme_and_width() {
    let hub = Hub::start();
    let sessions = fleet(&hub);
    println!("{}", runs_to_its_end(&mut browser("check.mjs", &hub)));
    drop(sessions);
}

#[test]
fn each_flow_works_with_scripts_off() {
    let hub = Hub::start();
    for id in ["cam-1", "cam-2", "cam-3"] {
        let device = hub.device(id);
        hub.mosquitto(&device)
            .publishes(&format!("d/{id}/up/state"), "fine")
            .ok();
    }
    claims_many(&hub, 30);
    println!("{}", runs_to_its_end(&mut browser("walk.mjs", &hub)));
}

#[test]
fn the_demonstrations_overview_holds_in_every_scene() {
    let mut play = Play::at(Pace::times(10_000));
    let mut looks = Running::start(browser("story.mjs", &play.hub).stdin(Stdio::piped()));
    for scene in Scene::ALL {
        play.plays(scene);
        let name = format!("scene-{}", scene.number());
        looks.hears(&format!("{name}\n"));
        looks.says(&format!("seen {name}: "));
    }
    drop(looks.stdin());
    assert!(looks.ends().success());
}

/// A script of the check in its folder.
pub(crate) fn in_folder_of_the_check(script: &str) -> Command {
    assert!(
        Path::new(CHECK).join("node_modules/axe-core").exists(),
        "`cargo xtask deps` installs what looks at the pages"
    );
    let mut node = program("node");
    node.arg(script).current_dir(CHECK);
    node
}

/// A script that looks at the hub's console.
fn browser(script: &str, hub: &Place) -> Command {
    let link = hub.json(&["sign-in"])["url"].as_str().unwrap().to_owned();
    let mut node = in_folder_of_the_check(script);
    node.env("CONSOLE_LINK", link);
    node
}

/// Not bound by the wait for a door's answer: it looks some hundred times.
fn runs_to_its_end(node: &mut Command) -> String {
    let said = node.output().expect("`make test` installs node");
    let told = String::from_utf8_lossy(&said.stdout);
    let cause = String::from_utf8_lossy(&said.stderr);
    assert!(said.status.success(), "{told}{cause}");
    told.into_owned()
}

fn claims_many(hub: &Hub, count: u32) {
    let lines: Vec<_> = (1..=count)
        .map(|n| format!("SEN-20C4-{n:04},camera"))
        .collect();
    let file = hub.file("claims.csv");
    std::fs::write(&file, lines.join("\n")).unwrap();
    hub.ironroot(&["claim", "import", file.to_str().unwrap()])
        .ok();
}

/// Brings in devices of each kind; some stay connected as long as what is returned lives.
pub(crate) fn fleet(hub: &Hub) -> Vec<Running> {
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
    claims_many(hub, 26);
    until("the sessions are there", || {
        (hub.sessions(connected[0]) > 0).then_some(())
    });
    sessions
}
