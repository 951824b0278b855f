//! `ironroot sim` against the program itself: every scenario, small.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test fails by panicking"
)]

use std::fs;
use std::io::{BufRead, BufReader, Lines};
use std::process::{Child, ChildStdout, Command, Output, Stdio};

use tempfile::TempDir;

const IRONROOT: &str = env!("CARGO_BIN_EXE_ironroot");

/// A hub in a process of its own.
struct Hub {
    folder: TempDir,
    child: Child,
    /// Kept, since the hub goes on talking.
    _said: Lines<BufReader<ChildStdout>>,
}

impl Hub {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let mut command = Command::new(IRONROOT);
        command.arg("up").arg("--data").arg(folder.path());
        for door in [
            "--console-addr",
            "--mqtt-addr",
            "--device-addr",
            "--pki-addr",
        ] {
            command.args([door, "127.0.0.1:0"]);
        }
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut said = BufReader::new(child.stdout.take().unwrap()).lines();
        let greeting = said.next().expect("the hub says that it is up");
        assert_eq!(greeting.unwrap(), "Ironroot is up.");
        Self {
            folder,
            child,
            _said: said,
        }
    }

    fn sim(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(IRONROOT);
        command.arg("sim").args(arguments);
        command.arg("--data").arg(self.folder.path());
        command.output().unwrap()
    }

    /// What a scenario reports.
    fn reports(&self, arguments: &[&str]) -> String {
        let pid = self.child.id().to_string();
        let output = self.sim(&[arguments, &["--hub-pid", &pid]].concat());
        assert!(
            output.status.success(),
            "{}",
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).unwrap()
    }

    /// Why a scenario did not run.
    fn refuses(&self, arguments: &[&str]) -> String {
        let output = self.sim(arguments);
        assert!(!output.status.success());
        String::from_utf8(output.stderr).unwrap()
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

#[test]
fn devices_are_claimed_enrol_and_enrol_again() {
    let hub = Hub::start();
    let report = hub.reports(&["enroll", "--devices", "5", "--parallel", "2", "--renew"]);
    for step in ["claims      5 in", "enrolments  5 in", "renewals    5 in"] {
        assert!(report.contains(step), "{report}");
    }
    assert!(report.contains("hub CPU"), "{report}");
}

#[test]
fn idle_sessions_are_alive_to_the_end() {
    let hub = Hub::start();
    for version in ["3.1.1", "5"] {
        let report = hub.reports(&["idle", "--devices", "6", "--hold-s", "0", "--mqtt", version]);
        assert!(report.contains("connects  6 in"), "{report}");
        assert!(report.contains("KiB for one more"), "{report}");
    }
}

#[test]
fn an_order_ends_each_session_while_others_publish() {
    let hub = Hub::start();
    let report = hub.reports(&[
        "cut",
        "--orders",
        "4",
        "--publishers",
        "2",
        "--rate",
        "50",
        "--key-exchange",
        "x25519",
    ]);
    assert!(
        report.contains("order to end of session, 4 times: p50"),
        "{report}"
    );
    assert!(report.contains("order to answer, 4 times: p50"), "{report}");
}

#[test]
fn a_session_that_its_profile_spares_is_told_from_one_that_is_cut() {
    let hub = Hub::start();
    let spared = ["cut", "--orders", "1", "--publishers", "1", "--rate", "50"];
    let refusal = hub.refuses(&[&spared[..], &["--profile", "gateway"]].concat());
    assert!(refusal.contains("no session of"), "{refusal}");
}

#[test]
fn every_message_is_delivered_to_every_subscriber() {
    let hub = Hub::start();
    let load = ["load", "--publishers", "3", "--messages", "300"];
    for more in [
        &["--qos", "0", "--subscribers", "2"][..],
        &["--qos", "1", "--subscribers", "2", "--mqtt", "5"],
    ] {
        let report = hub.reports(&[&load, more].concat());
        assert!(report.contains("600 of 600 delivered"), "{report}");
    }
    let paced = ["--qos", "1", "--rate", "600", "--payload", "16"];
    let report = hub.reports(&[&load[..], &paced].concat());
    assert!(report.contains("300 of 300 delivered"), "{report}");
}

#[test]
fn a_hub_on_another_machine_is_left_alone() {
    let hub = Hub::start();
    let addresses = hub.folder.path().join("addresses.json");
    let written = fs::read_to_string(&addresses).unwrap();
    fs::write(&addresses, written.replace("localhost", "192.0.2.1")).unwrap();
    let refusal = hub.refuses(&["enroll", "--devices", "1"]);
    assert!(refusal.contains("loopback only"), "{refusal}");
}

#[test]
fn more_than_the_bound_is_refused() {
    let hub = Hub::start();
    for arguments in [
        &["enroll", "--devices", "100001"][..],
        &["enroll", "--devices", "0"],
        &["enroll", "--parallel", "257"],
        &["load", "--publishers", "1", "--messages", "0"],
        &["load", "--publishers", "1", "--subscribers", "65"],
        &["load", "--publishers", "1", "--payload", "15"],
        &["load", "--publishers", "1", "--payload", "65537"],
    ] {
        let refusal = hub.refuses(arguments);
        assert!(refusal.starts_with("ironroot: "), "{refusal}");
    }
    let usage = hub.refuses(&["load", "--qos", "2"]);
    assert!(usage.contains("2 is not in 0..=1"), "{usage}");
}

#[test]
fn an_unknown_profile_is_the_hubs_refusal() {
    let hub = Hub::start();
    let refusal = hub.refuses(&["enroll", "--devices", "1", "--profile", "toaster"]);
    assert!(refusal.contains("/claims was answered 4"), "{refusal}");
}

#[test]
fn a_scenario_that_takes_too_long_is_stopped() {
    let hub = Hub::start();
    let hold = ["idle", "--devices", "2", "--hold-s", "60", "--limit-s", "3"];
    let refusal = hub.refuses(&hold);
    assert!(refusal.contains("the time is up"), "{refusal}");
}
