//! The agent as a service: the unit that we hand out, and how much the program needs.

use std::fs;
use std::path::Path;

use crate::rig::{Agent, Hub, IRONROOT, systemd_accepts, word};

#[test]
fn the_agents_unit_is_valid_and_leaves_it_little_to_be_misused_for() {
    let hub = Hub::unstarted();
    let installed = "/usr/local/bin/ironroot-agent";
    systemd_accepts(&hub, "ironroot-agent.service", installed, "/bin/true");
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
    let folder = Path::new(IRONROOT).ancestors().nth(2).unwrap();
    for (target, emulator, libraries) in PROCESSORS {
        let built = folder.join(format!("cross/{target}/agent/ironroot-agent"));
        if !built.exists() {
            println!("skipped: cargo xtask agent --target {target} was not run");
            continue;
        }
        let hub = Hub::start();
        let backend = hub.service("backend");
        let subscriber = hub.mosquitto(&backend).subscribes("d/+/up/#");
        let emulated = [emulator, "-L", libraries, word(&built)];
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
}

/// Target, emulator, and where Debian puts the target's libraries.
const PROCESSORS: [(&str, &str, &str); 2] = [
    (
        "aarch64-unknown-linux-gnu",
        "qemu-aarch64-static",
        "/usr/aarch64-linux-gnu",
    ),
    (
        "armv7-unknown-linux-gnueabihf",
        "qemu-arm-static",
        "/usr/arm-linux-gnueabihf",
    ),
];
