//! A newcomer's walk: the commands of the guides, typed as they stand there, so that they cannot rot.

use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::rig::{Answer, Hub, IRONROOT, Place, Running, openssl, program, until, word};

const FIRST_DEVICE: &str = include_str!("../../../../../docs/guides/first-device.md");
const PROFILES: &str = include_str!("../../../../../docs/guides/profiles.md");
const API: &str = include_str!("../../../../../docs/guides/api.md");

/// The commands of a guide: its indented lines.
fn commands(guide: &'static str) -> Vec<String> {
    let lines = guide.lines();
    whole(lines.filter_map(|line| line.strip_prefix("    ")).collect())
}

/// A shell in which a person types; ended with all it started.
struct Shell(Running);

impl Shell {
    fn open(hub: &Hub) -> Self {
        let mut bash = program("bash");
        bash.stdin(Stdio::piped())
            .process_group(0)
            .current_dir(hub.folder.path());
        let mut shell = Self(Running::start(&mut bash));
        shell.types("shopt -s expand_aliases");
        shell
    }

    /// Types a command, waits for its end, and gives what it said; it must succeed.
    fn types(&mut self, command: &str) -> String {
        let from = self.0.said().len();
        // Both streams are told of the end, so that nothing of the command comes after it.
        self.0.hears(&format!(
            "{command}\nended=$?; echo; echo \"ended with $ended\"\n"
        ));
        let ended = self.0.says_since(from, "ended with ");
        let said = self.0.said()[from..].to_owned();
        assert_eq!(ended, "ended with 0\n", "{command}\n{said}");
        said
    }
}

impl Drop for Shell {
    fn drop(&mut self) {
        let group = Pid::from_raw(self.0.id().try_into().unwrap()).unwrap();
        // What it started in the background has no other end.
        let _gone = kill_process_group(group, Signal::KILL);
    }
}

/// Whole commands: a line that ends in `\` or `|` goes on.
fn whole(lines: Vec<&str>) -> Vec<String> {
    let mut whole: Vec<String> = Vec::new();
    let mut open = false;
    for line in lines.into_iter().filter(|line| !line.is_empty()) {
        match whole.last_mut() {
            Some(last) if open => last.extend(["\n", line]),
            _ => whole.push(line.to_owned()),
        }
        open = line.ends_with(['\\', '|']);
    }
    whole
}

/// A newcomer at a terminal, with a hub that was just built and started.
struct Newcomer {
    hub: Hub,
    shell: Shell,
    token: String,
}

impl Newcomer {
    fn sits_down() -> Self {
        let hub = Hub::start();
        let program = hub.file("target/debug/ironroot");
        std::fs::create_dir_all(program.parent().unwrap()).unwrap();
        symlink(IRONROOT, program).unwrap();
        let shell = Shell::open(&hub);
        Self {
            hub,
            shell,
            token: String::new(),
        }
    }

    /// Types a command of a guide: all that differs here are the ports, and the token that a reader fills in.
    fn types(&mut self, command: &str) -> String {
        let mut command = command.replace("the-token-from-above", &self.token);
        for (door, usual) in [("mqtt", "8883"), ("device", "8444"), ("console", "8080")] {
            command = command.replace(usual, &self.hub.port(door).to_string());
        }
        if !command.starts_with("mosquitto_pub") {
            return self.shell.types(&command);
        }
        // A person publishes again when the listener was not there yet.
        until("the message arrives", || {
            let said = self.shell.types(&command);
            let all = self.shell.0.said();
            all.contains("d/cam-1/up/hello world").then_some(said)
        })
    }

    /// Walks through the guide to the first own device.
    fn walks_to_the_first_device(&mut self) -> usize {
        let commands = commands(FIRST_DEVICE);
        let (built, walk) = commands.split_at(2);
        // This test stands on a hub that is built and up.
        assert_eq!(built, ["cargo build", "target/debug/ironroot up"]);
        for command in walk {
            let said = self.types(command);
            if command.starts_with("ironroot claim new") {
                let token = said.lines().find_map(|line| line.strip_prefix("token"));
                token.unwrap().trim().clone_into(&mut self.token);
            }
            if command == "ironroot sign-in" {
                let link = said.lines().find(|line| line.starts_with("http"));
                let (cookie, _url, _key) = signs_in(&self.hub, link.unwrap());
                let console = format!("{}/devices", self.hub.url("console"));
                let page = self
                    .hub
                    .curl()
                    .words(&["--cookie", &cookie, &console])
                    .call();
                assert!(page.body.contains("cam-1"), "{page:?}");
            }
        }
        walk.len()
    }
}

/// Opens a sign-in link and presses its button; gives the session's cookie, and what the link was made of.
pub(crate) fn signs_in<'a>(hub: &Place, link: &'a str) -> (String, &'a str, &'a str) {
    // A GET alone spends nothing: it shows a button.
    let (url, key) = link.split_once("?key=").unwrap();
    assert_eq!(hub.curl().words(&[link]).call().status, 200);
    let first = presses(hub, url, key);
    assert_eq!(first.status, 303, "{first:?}");
    let cookie = first.header("set-cookie");
    (cookie.split(';').next().unwrap().to_owned(), url, key)
}

fn presses(hub: &Place, url: &str, key: &str) -> Answer {
    let key = format!("key={key}");
    hub.curl().words(&["--data-urlencode", &key, url]).call()
}

#[test]
fn the_guide_leads_from_nothing_to_a_device_in_the_console() {
    let mut newcomer = Newcomer::sits_down();
    let done = newcomer.walks_to_the_first_device();
    assert!(done >= 15, "{done} commands");
    assert_eq!(newcomer.hub.lifecycle("cam-1"), "active");
    let said = newcomer.shell.0.said();
    for shown in [
        "opens ports it never had",
        "cam-1 is quarantined now",
        "cam-1 is active now",
        "entries are under the signed checkpoint",
    ] {
        assert!(said.contains(shown), "{shown:?} in {said}");
    }
}

#[test]
fn every_example_of_the_api_works_as_it_stands_there() {
    let mut newcomer = Newcomer::sits_down();
    newcomer.hub.device("cam-1");
    let commands = commands(API);
    assert!(commands.len() >= 20, "{commands:?}");
    for command in commands {
        newcomer.types(&command);
    }
    let said = newcomer.shell.0.said();
    for shown in [
        r#""token":"#,
        r#""lifecycle":"quarantined""#,
        "c2sp.org/tlog-proof",
        "problem",
    ] {
        assert!(said.contains(shown), "{shown:?} in {said}");
    }
}

#[test]
fn the_profile_of_the_guide_is_taken_in_and_its_device_claimed() {
    let mut newcomer = Newcomer::sits_down();
    let toml = PROFILES.split("```toml\n").nth(1).unwrap();
    newcomer
        .hub
        .profile("doorbell", toml.split("```").next().unwrap());
    newcomer.hub.stop();
    newcomer.hub.starts();
    newcomer.types("alias ironroot=target/debug/ironroot");
    for command in commands(PROFILES) {
        newcomer.types(&command);
    }
    assert_eq!(newcomer.hub.lifecycle("bell-1"), "claimed");
}

#[test]
fn what_make_run_prints_first_is_true() {
    let hub = Hub::start();
    let greeting = hub.running().says("Claim a first device:");
    let command = greeting
        .split_once("ironroot ")
        .unwrap()
        .1
        .replace(" --data ", " ");
    let mut words: Vec<&str> = command.split_whitespace().collect();
    words.retain(|word| Path::new(word) != hub.data);
    hub.ironroot(&words).ok();
    let link = hub
        .running()
        .says("sign in")
        .split_whitespace()
        .nth(2)
        .unwrap()
        .to_owned();
    let shown = hub.curl().words(&[link.as_str()]).call().body;
    let printed_key = hub.running().says("(the sign-in page shows the same)");
    let (_, groups) = printed_key.split_once("SHA256:").unwrap();
    let groups = groups.split_once("  (").unwrap().0;
    assert!(shown.contains(&format!("SHA256:{groups}")), "{shown}");
    let (bundle, root) = (
        std::fs::read_to_string(hub.ca()).unwrap(),
        hub.file("root.pem"),
    );
    let printed: Vec<_> = bundle
        .split_inclusive("-----END CERTIFICATE-----\n")
        .map(|certificate| {
            std::fs::write(&root, certificate).unwrap();
            let words = [
                "x509",
                "-in",
                word(&root),
                "-noout",
                "-fingerprint",
                "-sha256",
            ];
            openssl(&words).replace(':', "").to_lowercase()
        })
        .collect();
    let begins = format!("={}", groups.replace(' ', ""));
    assert!(
        printed.iter().any(|line| line.contains(&begins)),
        "{printed:?}"
    );
    let (cookie, url, key) = signs_in(&hub, &link);
    let console = hub.url("console");
    let page = hub.curl().words(&["--cookie", &cookie, &console]).call();
    assert!(page.body.contains("cam-1"), "{page:?}");
    let second = presses(&hub, url, key);
    assert!(
        second.status >= 400 && second.header("set-cookie").is_empty(),
        "{second:?}"
    );
}
