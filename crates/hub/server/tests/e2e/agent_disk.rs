//! A device's disk that is full or broken: the application is told, and what it was told is kept is not lost.

use std::fs;
use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::rig::{Account, Agent, Application, Cable, Hub, Running, SmallDisk, stays_subscribed};

struct Scene {
    hub: Hub,
    subscriber: Running,
    wire: Cable,
    agent: Agent,
    /// Where its state folder is, if not with everybody's.
    disk: Option<SmallDisk>,
    kept: Vec<String>,
}

impl Scene {
    /// A device whose state is on a disk of 1 MiB, with a session.
    fn on_a_small_disk(more: &str) -> Self {
        Self::start(Some(1_024), more)
    }

    fn start(disk_kib: Option<u32>, more: &str) -> Self {
        let hub = Hub::start();
        let backend = hub.service("backend");
        let subscriber = stays_subscribed(&hub, &backend, "5", ("d/+/up/#", 1));
        let wire = Cable::to(hub.port("mqtt"));
        let mut agent = Agent::claimed(&hub, "cam-1");
        let disk = disk_kib.map(|kib| SmallDisk::mounted(&agent.file("state"), kib));
        if let Some(disk) = &disk {
            agent = agent.on(disk);
        }
        let mqtt = format!("mqtts://localhost:{}", wire.port);
        let more =
            format!("[enrol]\ntoken_file = \"FOLDER/token\"\n[inventory]\ninterval_s = 0\n{more}");
        agent.set_at(&hub.url("device"), &mqtt, &more);
        agent.connects();
        Self {
            hub,
            subscriber,
            wire,
            agent,
            disk,
            kept: Vec::new(),
        }
    }

    fn disk(&self) -> &SmallDisk {
        self.disk.as_ref().unwrap()
    }

    /// Hands a reading over, and gives what it was told if that was a refusal.
    fn hands_over(&mut self, application: &mut Application, mark: usize) -> Option<String> {
        let text = format!("0.{mark}.{}", "x".repeat(1_000));
        let answer = application.asks(&json!({ "topic": "up/n", "text": text }));
        if let Value::String(error) = &answer["error"] {
            return Some(error.clone());
        }
        assert_eq!(answer["ok"], true, "{answer}");
        self.kept.push(format!("0.{mark}."));
        None
    }

    fn account(&self) -> Account {
        Account::up_to("the-end", &self.agent, &self.subscriber)
    }
}

#[test]
fn a_full_disk_is_told_to_the_application_and_nothing_acknowledged_is_lost() {
    let mut scene = Scene::on_a_small_disk("");
    let application = &mut scene.agent.application();
    scene.hands_over(application, 0);
    scene.wire.cut();
    for mark in 1..50 {
        assert_eq!(scene.hands_over(application, mark), None);
    }
    scene.disk().fills();
    let refused = (50..200).find_map(|mark| scene.hands_over(application, mark));
    let refused = refused.expect("the disk takes no more");
    assert!(refused.contains("No space left on device"), "{refused}");
    let refused = scene.agent.publishes("up/n", &"x".repeat(5_000));
    assert_eq!(refused.code, 1, "{refused:?}");
    // The talk goes on, and so does the agent: killed, it has everything that it said it keeps.
    assert_eq!(
        application.asks(&json!({ "status": true }))["status"]["connected"],
        false
    );
    scene.agent.kill();
    scene.agent.starts();
    scene.disk().has_room_again();
    let application = &mut scene.agent.application();
    assert_eq!(scene.hands_over(application, 200), None);
    scene.wire.mend(scene.hub.port("mqtt"));
    let account = scene.account();
    account.accounts_for(&scene.kept);
    assert!(account.dropped.is_empty(), "{:?}", account.dropped);
}

#[test]
fn readings_still_come_through_a_full_disk_while_the_hub_is_there() {
    let mut scene = Scene::on_a_small_disk("");
    let application = &mut scene.agent.application();
    for mark in 0..50 {
        assert_eq!(scene.hands_over(application, mark), None);
    }
    scene.subscriber.says(" 0.49.");
    scene.disk().fills();
    // The room of those that the hub has serves for the next ones, again and again. One may come before the hub has
    // acknowledged the last: it is refused, and handed over again.
    for mark in 50..250 {
        let mut tries = 0;
        while scene.hands_over(application, mark).is_some() {
            tries += 1;
            assert!(tries < 100_000, "{mark} is never taken");
        }
    }
    scene.disk().has_room_again();
    let account = scene.account();
    account.accounts_for(&scene.kept);
    assert!(account.dropped.is_empty(), "{:?}", account.dropped);
}

#[test]
fn a_disk_that_others_fill_costs_the_oldest_readings_and_that_is_reported() {
    let mut scene = Scene::on_a_small_disk("[spool]\nbytes_max = 262144\n");
    scene.wire.cut();
    let application = &mut scene.agent.application();
    for mark in 0..100 {
        assert_eq!(scene.hands_over(application, mark), None);
    }
    scene.disk().fills();
    for mark in 100..150 {
        assert_eq!(scene.hands_over(application, mark), None);
    }
    scene.disk().has_room_again();
    scene.wire.mend(scene.hub.port("mqtt"));
    let account = scene.account();
    account.accounts_for(&scene.kept);
    assert_eq!(account.reports.len(), 1, "{:?}", account.reports);
}

#[test]
fn a_failing_fdatasync_is_told_to_the_application_and_the_next_reading_is_taken() {
    let mut scene = Scene::start(None, "");
    // Takes what is written, and fails when that is to be made durable: the first segment is yet to be begun.
    let segment = scene.agent.file("state/spool/00000000000000000001.spool");
    symlink("/dev/null", &segment).unwrap();
    let application = &mut scene.agent.application();
    for _ in 0..3 {
        let refused = scene.hands_over(application, 0).unwrap();
        assert!(refused.contains("the disk failed"), "{refused}");
    }
    let refused = scene.agent.publishes("up/n", "x");
    assert!(
        refused.code == 1 && refused.err.contains("was not kept"),
        "{refused:?}"
    );
    fs::remove_file(segment).unwrap();
    for mark in 1..20 {
        assert_eq!(scene.hands_over(application, mark), None);
    }
    scene.agent.logs("Readings are durable again.");
    let said = scene.agent.running().said();
    assert_eq!(
        said.matches("could not be made durable").count(),
        1,
        "{said}"
    );
    scene.agent.kill();
    scene.agent.starts();
    let account = scene.account();
    account.accounts_for(&scene.kept);
    assert_eq!(account.readings.len(), 20);
}
