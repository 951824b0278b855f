//! The agent as a service: the unit that we hand out, and how much the program needs.

use std::fs;
use std::path::Path;

use crate::rig::{Agent, Hub, IRONROOT, Said, program, word};

const UNIT: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/../../../contrib/systemd/ironroot-agent.service"
);

#[test]
fn the_agents_unit_is_valid_and_leaves_it_little_to_be_misused_for() {
    let hub = Hub::unstarted();
    let unit = hub.file("ironroot-agent.service");
    let text = fs::read_to_string(UNIT).unwrap();
    let installed = "/usr/local/bin/ironroot-agent";
    assert!(text.contains(installed), "{text}");
    fs::write(&unit, text.replace(installed, "/bin/true")).unwrap();
    let verified = Said::of(program("systemd-analyze").arg("verify").arg(&unit));
    assert_eq!(
        (verified.code, verified.err.as_str()),
        (0, ""),
        "{verified:?}"
    );
    // In tenths: 2.0 of 10 at most.
    let judge = ["security", "--offline=true", "--threshold=20"];
    let judged = Said::of(program("systemd-analyze").args(judge).arg(&unit));
    assert_eq!(judged.code, 0, "{judged:?}");
}

#[test]
fn the_units_settings_are_those_that_the_manual_shows() {
    let hub = Hub::start();
    let agent = Agent::claimed(&hub, "cam-1");
    let manual = include_str!("../../../../../docs/agent.md");
    let (_, rest) = manual.split_once("```toml\n").unwrap();
    let (example, _) = rest.split_once("```").unwrap();
    let ca = agent.file("ca.pem");
    let example = example
        .replace("/etc/ironroot/ca.pem", ca.to_str().unwrap())
        .replace("/usr/lib/camera/restart", "/bin/true");
    fs::write(agent.file("agent.toml"), example).unwrap();
    agent.says(&["check"]).ok();
}

#[test]
fn a_program_for_another_processor_does_the_same_under_emulation() {
    let target = Path::new(IRONROOT).ancestors().nth(2).unwrap();
    let built = target.join("cross/aarch64-unknown-linux-gnu/agent/ironroot-agent");
    if !built.exists() {
        println!("skipped: cargo xtask agent --target aarch64-unknown-linux-gnu was not run");
        return;
    }
    let hub = Hub::start();
    let backend = hub.service("backend");
    let subscriber = hub.mosquitto(&backend).subscribes("d/+/up/#");
    let emulated = [
        "qemu-aarch64-static",
        "-L",
        "/usr/aarch64-linux-gnu",
        word(&built),
    ];
    let mut agent = Agent::claimed(&hub, "cam-1").by(&emulated);
    agent.connects();
    agent.publishes("up/t", "21").ok();
    subscriber.says("got d/cam-1/up/t 21");
    agent.kill();
    agent.says(&["enroll", "--renew"]).ok();
    agent.connects();
    agent.publishes("up/t", "22").ok();
    subscriber.says("got d/cam-1/up/t 22");
}
