//! A device that has no network for a week: what waits on it stays within its bound, what was dropped is reported
//! once, and what has ended meanwhile is said plainly.
//!
//! Its machine's clock and the hub's are moved by hand, a day at a time; it is switched off between the days.

use std::fs;
use std::time::Duration;

use crate::rig::{Account, Agent, Cable, InsideHub, Running, stays_subscribed};

const DAY: Duration = Duration::from_secs(86_400);
const SPOOL_BYTES_MAX: u64 = 262_144;
const SETTINGS: &str = "[enrol]\ntoken_file = \"FOLDER/token\"\n[inventory]\ninterval_s = 0\n\
                        [spool]\nbytes_max = 262144\n";

struct Scene {
    hub: InsideHub,
    subscriber: Running,
    cables: [Cable; 2],
    agent: Agent,
    /// Days since the start.
    day: u32,
    kept: Vec<String>,
}

impl Scene {
    /// A device of this profile that has reached the hub.
    fn start(profile: &str) -> Self {
        let mut hub = InsideHub::start();
        let brief = "name = \"brief\"\nevidence = \"none\"\ncertificate_days = 1\n[topics]\n\
                     publish = [\"d/{device}/up/#\"]\nsubscribe = [\"d/{device}/down/#\"]\n";
        hub.profile("brief", brief);
        hub.stop();
        hub.starts();
        let backend = hub.service("backend");
        let subscriber = stays_subscribed(&hub, &backend, "5", ("d/+/up/#", 1));
        let cables = ["device", "mqtt"].map(|door| Cable::to(hub.port(door)));
        let mut agent = Agent::claimed_as(&hub, "cam-1", profile);
        let [est, mqtt] = cables.each_ref().map(|cable| cable.port);
        let (est, mqtt) = (
            format!("https://localhost:{est}"),
            format!("mqtts://localhost:{mqtt}"),
        );
        agent.set_at(&est, &mqtt, SETTINGS);
        agent.set_clock("+0d");
        agent.connects();
        Self {
            hub,
            subscriber,
            cables,
            agent,
            day: 0,
            kept: Vec::new(),
        }
    }

    fn hands_over(&mut self, count: usize) {
        let round = usize::try_from(self.day).unwrap();
        self.kept.extend(self.agent.keeps(round, count, 1_000));
    }

    fn network_is_lost(&self) {
        for cable in &self.cables {
            cable.cut();
        }
    }

    fn network_is_back(&self) {
        for (cable, door) in self.cables.iter().zip(["device", "mqtt"]) {
            cable.mend(self.hub.port(door));
        }
    }

    /// The device is switched off, and on again a day later.
    fn a_day_passes(&mut self) {
        self.agent.kill();
        self.day += 1;
        self.hub.advance(DAY);
        self.agent.set_clock(&format!("+{}d", self.day));
        self.agent.starts();
    }

    fn spool_bytes(&self) -> u64 {
        let files = fs::read_dir(self.agent.file("state/spool")).unwrap();
        files
            .map(|file| file.unwrap().metadata().unwrap().len())
            .sum()
    }

    fn account(&self, end: &str) -> Account {
        Account::up_to(end, &self.agent, &self.subscriber)
    }
}

#[test]
fn a_week_offline_costs_the_oldest_readings_alone_and_that_is_reported_once() {
    if std::env::var_os("IRONROOT_AGENT").is_some() {
        println!("skipped: the clock of an emulated program is not moved");
        return;
    }
    let mut scene = Scene::start("gateway");
    scene.hands_over(10);
    scene.subscriber.says(" 0.9.");
    scene.network_is_lost();
    for _day in 0..7 {
        scene.a_day_passes();
        scene.hands_over(60);
        assert!(scene.spool_bytes() <= SPOOL_BYTES_MAX + 4_096);
        let status = scene.agent.status();
        assert_eq!(status["connected"], false, "{status}");
        // A machine that was off for a day has a clock that is right.
        assert_eq!(status["clock_trusted"], true, "{status}");
    }
    assert_eq!(scene.kept.len(), 430);
    scene.network_is_back();
    scene.subscriber.says(" 7.59.");
    let account = scene.account("the-end");
    account.accounts_for(&scene.kept);
    assert_eq!(account.reports.len(), 1, "{:?}", account.reports);
    let (first, last) = *account.reports.first().unwrap();
    // The oldest of those that the hub did not have; one that came and was not acknowledged may be among them.
    assert!(first <= 11 && last < 300, "{first} to {last}");
    let dates: Vec<_> = account.dates.values().collect();
    assert!(dates.is_sorted(), "{dates:?}");
    let span = Duration::from_millis(dates[dates.len() - 1] - dates[0]);
    assert!(span > DAY * 7, "{span:?}");

    // While it runs, a clock that jumps by a week is not followed; readings go on, in the right order.
    scene.agent.set_clock("+14d");
    scene.hands_over(1);
    assert_eq!(scene.agent.status()["clock_trusted"], false);
    let later = scene.account("after-the-jump");
    let (last, before) = (later.dates.values().max(), account.dates.values().max());
    let went_on = Duration::from_millis(last.unwrap() - before.unwrap());
    assert!(went_on < DAY, "{went_on:?}");
}

#[test]
fn a_certificate_that_has_ended_meanwhile_needs_a_fresh_claim_and_the_readings_wait_for_it() {
    if std::env::var_os("IRONROOT_AGENT").is_some() {
        println!("skipped: the clock of an emulated program is not moved");
        return;
    }
    let mut scene = Scene::start("brief");
    scene.network_is_lost();
    scene.a_day_passes();
    scene.hands_over(20);
    scene.a_day_passes();
    scene.network_is_back();
    scene.hands_over(20);
    let said = scene.agent.logs("The hub gave no certificate.");
    for word in [
        "the certificate has ended on",
        "transfer cam-1 at the hub, claim it anew",
        "was used already",
    ] {
        assert!(said.contains(word), "{word:?} in {said}");
    }
    let said = scene.agent.logs("There is no session with the hub.");
    assert!(said.contains("the certificate has ended on"), "{said}");
    // The used token was not shown with another key, which the hub would take for a theft.
    assert_eq!(scene.hub.lifecycle("cam-1"), "active");
    let refused = scene.agent.running().said();
    assert!(!refused.contains("was answered 401"), "{refused}");

    // A person does as it says.
    scene.hub.orders("transfer", "cam-1");
    let token = scene.hub.claim_as("cam-1", "brief");
    scene.agent.writes_secret("token", &token);
    scene.agent.stop();
    scene.agent.connects();
    let account = scene.account("the-end");
    account.accounts_for(&scene.kept);
    assert_eq!(scene.kept.len(), 40);
    assert!(account.dropped.is_empty(), "{:?}", account.dropped);
}
