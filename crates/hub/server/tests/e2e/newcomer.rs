//! A newcomer's walk: the commands of README.md, typed as they stand there, so that it cannot rot.

use std::os::unix::fs::symlink;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process_group};

use crate::rig::{Hub, IRONROOT, Running, program, until};

const README: &str = include_str!("../../../../../README.md");

/// The commands of a section: its indented lines.
fn commands(section: &str) -> Vec<&'static str> {
    let from = README
        .split(&format!("## {section}\n"))
        .nth(1)
        .expect("the section is there");
    let section = from.split("\n## ").next().unwrap();
    section
        .lines()
        .filter_map(|line| line.strip_prefix("    "))
        .collect()
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
        self.0
            .hears(&format!("{command}\necho \"ended with $?\"\n"));
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

#[test]
fn the_commands_of_the_readme_work_as_they_stand_there() {
    let hub = Hub::start();
    let program = hub.file("target/debug/ironroot");
    std::fs::create_dir_all(program.parent().unwrap()).unwrap();
    symlink(IRONROOT, program).unwrap();
    let mut shell = Shell::open(&hub);
    let mut token = None;
    let port = hub.port("mqtt").to_string();
    let mut done = 0;
    for command in whole(commands("Your first own device in five minutes")) {
        // The two things that a reader fills in or that differ here.
        let command = command.replace("-p 8883", &format!("-p {port}"));
        let command = match &token {
            Some(token) => command.replace(":TOKEN", &format!(":{token}")),
            None => command,
        };
        if command.starts_with("mosquitto_pub") {
            // A person publishes again when the listener was not there yet.
            until("the message arrives", || {
                shell.types(&command);
                shell
                    .0
                    .said()
                    .contains("d/cam-1/up/hello world")
                    .then_some(())
            });
            continue;
        }
        let said = shell.types(&command);
        if command.starts_with("ironroot claim new") {
            let line = said
                .lines()
                .find_map(|line| line.strip_prefix("token"))
                .unwrap();
            token = Some(line.trim().to_owned());
        }
        done += 1;
    }
    assert!(done >= 10, "{done} commands");
    assert_eq!(hub.lifecycle("cam-1"), "active");
    let said = shell.0.said();
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
    // A GET alone spends nothing: it shows a button.
    let (url, key) = link.split_once("?key=").unwrap();
    assert_eq!(hub.curl().words(&[&link]).call().status, 200);
    let spend = || {
        let key = format!("key={key}");
        hub.curl().words(&["--data-urlencode", &key, url]).call()
    };
    let first = spend();
    assert_eq!(first.status, 303, "{first:?}");
    let cookie = first
        .header("set-cookie")
        .split(';')
        .next()
        .unwrap()
        .to_owned();
    let console = hub.url("console");
    let page = hub.curl().words(&["--cookie", &cookie, &console]).call();
    assert!(page.body.contains("cam-1"), "{page:?}");
    let second = spend();
    assert!(
        second.status >= 400 && second.header("set-cookie").is_empty(),
        "{second:?}"
    );
}
