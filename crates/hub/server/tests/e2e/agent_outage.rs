//! What an application has handed over comes to the hub once, or is reported as dropped, whatever is killed or cut.
//!
//! `IRONROOT_KILL_ROUNDS=60` makes the long test longer.

use std::net::TcpListener;

use serde_json::json;

use crate::rig::{Account, Agent, Application, Cable, Hub, Running, stays_subscribed, up_at};

const ROUNDS: usize = 6;

struct Scene {
    hub: Hub,
    address: String,
    wire: Cable,
    agent: Agent,
    subscriber: Running,
    /// What the agent has said that it keeps.
    kept: Vec<String>,
}

impl Scene {
    fn start(more: &str) -> Self {
        // The subscriber comes back by itself, so the door must stay where it is.
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let mut hub = Hub::unstarted();
        hub.starts_as(&mut up_at(&hub.data, "mqtt", &address));
        let backend = hub.service("backend");
        let subscriber = stays_subscribed(&hub, &backend, "5", ("d/+/up/#", 1));
        let wire = Cable::to(hub.port("mqtt"));
        let mut agent = Agent::claimed(&hub, "cam-1");
        let mqtt = format!("mqtts://localhost:{}", wire.port);
        let more =
            format!("[enrol]\ntoken_file = \"FOLDER/token\"\n[inventory]\ninterval_s = 0\n{more}");
        agent.set_at(&hub.url("device"), &mqtt, &more);
        agent.connects();
        Self {
            hub,
            address,
            wire,
            agent,
            subscriber,
            kept: Vec::new(),
        }
    }

    /// Hands readings over until so many have been answered, or the agent has gone.
    fn hands_over(&mut self, round: usize, count: usize, payload: usize) {
        self.kept.extend(self.agent.keeps(round, count, payload));
    }

    fn ends(&self) -> Account {
        Account::up_to("the-end", &self.agent, &self.subscriber)
    }
}

#[test]
fn every_reading_comes_once_however_often_hub_agent_and_network_fail() {
    let mut scene = Scene::start("");
    for round in 0..rounds() {
        match round % 3 {
            0 => {
                scene.hands_over(round, 100, 10);
                scene.hub.kill();
                scene.hands_over(1_000 + round, 100, 10);
                let command = &mut up_at(&scene.hub.data, "mqtt", &scene.address);
                scene.hub.starts_as(command);
            }
            1 => {
                scene.wire.cut();
                scene.hands_over(round, 200, 10);
                scene.wire.mend(scene.hub.port("mqtt"));
            }
            _ => {
                // Struck while readings are on their way, from a thread that does not wait for them.
                let after = 20 * (round + 1);
                let agent = scene.agent.running().id();
                let socket = scene.agent.file("socket");
                let striker = std::thread::spawn(move || strike_after(&socket, agent, after));
                scene.hands_over(round, 5_000, 10);
                striker.join().unwrap();
                scene.agent.kill();
                scene.agent.starts();
            }
        }
    }
    let account = scene.ends();
    account.accounts_for(&scene.kept);
    assert!(account.dropped.is_empty(), "{:?}", account.dropped);
    println!(
        "{} readings kept over {} failures, {} came, {} deliveries",
        scene.kept.len(),
        rounds(),
        account.readings.len(),
        account.deliveries
    );
}

/// Kills the agent once it has answered so many readings of another application.
fn strike_after(socket: &std::path::Path, agent: u32, count: usize) {
    let mut application = Application::at(socket).unwrap();
    for _ in 0..count {
        application.asks(&json!({ "topic": "up/other", "payload": 1 }));
    }
    let pid = rustix::process::Pid::from_raw(i32::try_from(agent).unwrap()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::KILL).unwrap();
}

#[test]
fn what_a_full_spool_drops_is_reported_to_the_last_reading() {
    let mut scene = Scene::start("[spool]\nbytes_max = 262144\n");
    scene.hands_over(0, 10, 100);
    scene.wire.cut();
    scene.hands_over(1, 800, 1_000);
    scene.agent.kill();
    scene.agent.starts();
    scene.hands_over(2, 50, 1_000);
    scene.wire.mend(scene.hub.port("mqtt"));
    let account = scene.ends();
    account.accounts_for(&scene.kept);
    assert!(account.dropped.len() > 300, "{}", account.dropped.len());
}

#[test]
fn what_the_hub_refuses_is_reported_and_does_not_hold_up_the_rest() {
    let hub = Hub::unstarted();
    hub.profile(
        "meter",
        "name = \"meter\"\nevidence = \"none\"\n[topics]\npublish = [\"d/{device}/up/ok/#\", \"d/{device}/up/agent/#\"]\n\
         subscribe = [\"d/{device}/down/#\"]\n",
    );
    let mut hub = hub;
    hub.starts();
    let backend = hub.service("backend");
    let subscriber = stays_subscribed(&hub, &backend, "5", ("d/+/up/#", 1));
    let mut agent = Agent::claimed_as(&hub, "cam-1", "meter");
    agent.connects();
    agent.publishes("up/secret", "no").ok();
    agent.publishes("up/ok/t", "yes").ok();
    subscriber.says("got d/cam-1/up/ok/t yes");
    let report = subscriber.says("got d/cam-1/up/agent/dropped");
    assert!(report.contains("NotAuthorized"), "{report}");
    assert!(!subscriber.said().contains("up/secret"));
}

fn rounds() -> usize {
    let asked = std::env::var_os("IRONROOT_KILL_ROUNDS");
    asked.map_or(ROUNDS, |rounds| rounds.to_str().unwrap().parse().unwrap())
}
