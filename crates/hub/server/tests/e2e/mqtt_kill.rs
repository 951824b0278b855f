//! MQTT sessions and what waits in them outlive a hub that is killed.
//!
//! `IRONROOT_KILL_ROUNDS=200` makes the long test longer.

use std::fs;
use std::net::TcpListener;

use ironroot_testkit::SeededRng;
use ironroot_time::Rng;

use crate::rig::{Api, Hub, Identity, Running, stays_subscribed, until, up_at};

const ROUNDS: usize = 4;

/// What a client says whose session is to wait for it.
const LASTING: [(&str, &[&str]); 2] = [("311", &["-c"]), ("5", &["-c", "-x", "3600"])];

#[test]
fn a_session_and_what_waits_in_it_outlive_a_kill() {
    for (version, lasting) in LASTING {
        let mut hub = Hub::start();
        let (cam, backend) = (hub.device("cam-1"), hub.service("backend"));
        let subscriber = hub.mosquitto(&backend).speaking(version);
        drop(subscriber.subscribes_with("d/+/up/#", lasting));
        for qos in ["1", "2"] {
            hub.mosquitto(&cam)
                .publishes_with("d/cam-1/up/t", qos, &["-q", qos])
                .ok();
        }
        hub.kill();
        hub.starts();
        let subscriber = hub.mosquitto(&backend).speaking(version);
        let subscriber = subscriber.tries_to_subscribe("d/+/up/#", lasting);
        subscriber.says("got d/cam-1/up/t 1");
        subscriber.says("got d/cam-1/up/t 2");
    }
}

#[test]
fn a_retained_message_outlives_a_kill() {
    let mut hub = Hub::start();
    let (cam, backend) = (hub.device("cam-1"), hub.service("backend"));
    for (topic, payload) in [("state", "fine"), ("gone", "x"), ("gone", "")] {
        let topic = format!("d/cam-1/up/{topic}");
        let message = if payload.is_empty() {
            vec!["-r", "-n"]
        } else {
            vec!["-r", "-m", payload]
        };
        hub.mosquitto(&cam).publishes_as(&topic, &message).ok();
    }
    hub.kill();
    hub.starts();
    let subscriber = hub.mosquitto(&backend).subscribes("d/+/up/#");
    subscriber.says("got d/cam-1/up/state fine");
    hub.mosquitto(&cam).publishes("d/cam-1/up/t", "last").ok();
    subscriber.says("got d/cam-1/up/t last");
    assert!(!subscriber.said().contains("gone"), "{}", subscriber.said());
}

#[test]
fn a_session_that_ended_does_not_come_back_with_the_hub() {
    let mut hub = Hub::start();
    let (cam, backend) = (hub.device("cam-1"), hub.service("backend"));
    let subscriber = hub.mosquitto(&backend);
    drop(subscriber.subscribes_with("d/+/up/#", &["-c", "-x", "3600"]));
    drop(subscriber.subscribes("d/+/up/none"));
    hub.mosquitto(&cam).publishes("d/cam-1/up/t", "lost").ok();
    hub.kill();
    hub.starts();
    let (_, lasting) = LASTING[1];
    let subscriber = hub.mosquitto(&backend);
    let subscriber = subscriber.subscribes_with("d/+/up/t", lasting);
    hub.mosquitto(&cam).publishes("d/cam-1/up/t", "last").ok();
    subscriber.says("got d/cam-1/up/t last");
    let said = subscriber.said();
    assert!(!said.contains("lost"), "{said}");
}

#[test]
fn the_will_of_a_client_that_was_in_when_the_hub_was_killed_is_published_once() {
    let mut hub = Hub::start();
    let (cam, backend) = (hub.device("cam-1"), hub.service("backend"));
    let other = hub.device("cam-2");
    let lasting = ["-c", "-x", "3600"];
    drop(
        hub.mosquitto(&backend)
            .subscribes_with("d/+/up/#", &lasting),
    );
    let will = [
        "--will-topic",
        "d/cam-1/up/gone",
        "--will-payload",
        "bye",
        "--will-qos",
        "1",
    ];
    let delay = ["-D", "will", "will-delay-interval", "1"];
    let session = [&lasting[..], &will, &delay].concat();
    let client = hub
        .mosquitto(&cam)
        .subscribes_with("d/cam-1/down/#", &session);
    hub.kill();
    drop(client);
    hub.starts();
    let reader = hub
        .mosquitto(&backend)
        .tries_to_subscribe("d/+/up/#", &lasting);
    reader.says("got d/cam-1/up/gone bye");
    hub.mosquitto(&other).publishes("d/cam-2/up/t", "last").ok();
    // What came before it is acknowledged then, and waits no more.
    reader.says("got d/cam-2/up/t last");
    drop(reader);
    hub.kill();
    hub.starts();
    let reader = hub
        .mosquitto(&backend)
        .tries_to_subscribe("d/+/up/#", &lasting);
    hub.mosquitto(&other)
        .publishes("d/cam-2/up/t", "the end")
        .ok();
    reader.says("got d/cam-2/up/t the end");
    assert!(!reader.said().contains("gone"), "{}", reader.said());
}

#[test]
fn a_devices_counters_outlive_a_kill() {
    let mut hub = Hub::with("[broker]\nfigures_interval_s = 1\n");
    let cam = hub.device("cam-1");
    for payload in ["1", "2", "3"] {
        hub.mosquitto(&cam).publishes("d/cam-1/up/t", payload).ok();
    }
    until("the counters are on disk", || {
        let files = ["mqtt.sqlite", "mqtt.sqlite-wal"];
        let mut written = files
            .iter()
            .filter_map(|file| fs::read(hub.data.join(file)).ok());
        let counted = b"\"messages_in\":3,";
        written
            .any(|bytes| bytes.windows(counted.len()).any(|window| window == counted))
            .then_some(())
    });
    let device = |hub: &Hub| Api::of(hub).get("/devices/cam-1");
    let before = device(&hub);
    hub.kill();
    hub.starts();
    let after = device(&hub);
    assert_eq!(after["traffic"]["messages_in"], 3);
    assert_eq!(after["traffic"]["connects"], before["traffic"]["connects"]);
    assert_eq!(after["traffic"]["topics_today"], 1);
    assert_eq!(after["last_seen"], before["last_seen"]);
}

/// A subscriber that stays while the hub is killed again and again, and a publisher that counts what was
/// acknowledged to it: at QoS 2 each of these comes once.
#[test]
fn what_was_acknowledged_at_qos_2_comes_exactly_once_however_often_the_hub_is_killed() {
    for version in ["311", "5"] {
        let acknowledged = comes_exactly_once(version);
        println!(
            "{acknowledged} messages of QoS 2 came exactly once over {} kills",
            rounds()
        );
    }
}

fn comes_exactly_once(version: &str) -> usize {
    let mut fleet = Fleet::start(version);
    let mut acknowledged = Vec::new();
    for round in 0..rounds() {
        fleet.is_killed_while_publishing(round, &mut acknowledged);
    }
    let last = "the last";
    until("the last message is in", || {
        let (cam, hub) = (&fleet.cam, &fleet.hub);
        let sent = hub.mosquitto(cam).publishes_with(TOPIC, last, &["-q", "2"]);
        (sent.code == 0).then_some(())
    });
    fleet.subscriber.says(last);
    let said = fleet.subscriber.said();
    let got = |payload: &str| {
        let line = format!("got {TOPIC} {payload}");
        said.lines().filter(|said| **said == *line).count()
    };
    for payload in &acknowledged {
        assert_eq!(got(payload), 1, "{payload}");
    }
    assert!(acknowledged.len() >= rounds(), "{acknowledged:?}");
    acknowledged.len()
}

const TOPIC: &str = "d/cam-1/up/n";

struct Fleet {
    hub: Hub,
    address: String,
    cam: Identity,
    subscriber: Running,
    chance: SeededRng,
}

impl Fleet {
    fn start(version: &str) -> Self {
        // The subscriber comes back by itself, so the door must stay where it is.
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = free.local_addr().unwrap().to_string();
        drop(free);
        let mut hub = Hub::unstarted();
        hub.starts_as(&mut up_at(&hub.data, "mqtt", &address));
        let (cam, backend) = (hub.device("cam-1"), hub.service("backend"));
        let subscriber = stays_subscribed(&hub, &backend, version, ("d/+/up/#", 2));
        Self {
            hub,
            address,
            cam,
            subscriber,
            chance: SeededRng::new(11),
        }
    }

    fn is_killed_while_publishing(&mut self, round: usize, acknowledged: &mut Vec<String>) {
        let mut chance = [0; 2];
        self.chance.fill(&mut chance);
        let enough = usize::from(chance[0] % 12) + 1;
        for nth in 0..enough {
            let payload = format!("{round}.{nth}");
            let sent = self.hub.mosquitto(&self.cam);
            sent.publishes_with(TOPIC, &payload, &["-q", "2"]).ok();
            acknowledged.push(payload);
        }
        // Some are on their way when the hub dies; what becomes of them is not counted.
        let talker = self.cam.saying("cam-1/talker");
        let mut talker = self
            .hub
            .mosquitto(&talker)
            .keeps_publishing("d/cam-1/up/other");
        let mut lines = talker.stdin();
        for nth in 0..chance[1] % 32 {
            let _hub_may_be_gone =
                std::io::Write::write_all(&mut lines, format!("{nth}\n").as_bytes());
        }
        self.hub.kill();
        let command = &mut up_at(&self.hub.data, "mqtt", &self.address);
        self.hub.starts_as(command);
    }
}

fn rounds() -> usize {
    let asked = std::env::var_os("IRONROOT_KILL_ROUNDS");
    asked.map_or(ROUNDS, |rounds| rounds.to_str().unwrap().parse().unwrap())
}
