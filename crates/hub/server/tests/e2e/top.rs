//! `ironroot top` on a real terminal: a pseudo-terminal that `script` makes.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use rustix::process::{Pid, Signal, kill_process};

use crate::rig::{Hub, IRONROOT, Running, Said, program, until};

const ENTERS_THE_SCREEN: &str = "\u{1b}[?1049h";
const GIVES_IT_BACK: &str = "\u{1b}[?1049l";

/// The program on a terminal of 100 columns.
struct OnTerminal {
    running: Running,
    screen: PathBuf,
    pid: PathBuf,
}

impl OnTerminal {
    fn start(hub: &Hub, environment: &str) -> Self {
        let (screen, pid) = (hub.file("screen"), hub.file("pid"));
        let (data, pid_file) = (hub.data.display(), pid.display());
        for left_over in [&screen, &pid] {
            let _none = fs::remove_file(left_over);
        }
        let command = format!(
            "stty cols 100 rows 30; echo $$ > {pid_file}; {environment} exec {IRONROOT} top --data {data}"
        );
        let mut script = program("script");
        script.args(["--quiet", "--flush", "--return", "--command", &command]);
        script.arg(&screen).stdin(Stdio::piped());
        let running = Running::start(&mut script);
        Self {
            running,
            screen,
            pid,
        }
    }

    fn shows(&self, text: &str) -> String {
        until(&format!("it shows {text:?}"), || {
            let screen = String::from_utf8_lossy(&fs::read(&self.screen).ok()?).into_owned();
            screen.contains(text).then_some(screen)
        })
    }

    fn signal(&self, signal: Signal) {
        let pid: i32 = read(&self.pid).trim().parse().unwrap();
        kill_process(Pid::from_raw(pid).unwrap(), signal).unwrap();
    }
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap()
}

#[test]
fn shows_the_fleet_and_gives_the_terminal_back() {
    let hub = Hub::start();
    hub.claim("cam-1");
    let mut top = OnTerminal::start(&hub, "");
    top.shows("cam-1");
    top.running.hears("q");
    assert!(top.running.ends().success());
    let screen = top.shows(GIVES_IT_BACK);
    assert!(screen.contains(ENTERS_THE_SCREEN), "{screen:?}");
}

#[test]
fn gives_the_terminal_back_when_it_is_told_to_end() {
    let hub = Hub::start();
    hub.claim("cam-1");
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        let mut top = OnTerminal::start(&hub, "");
        top.shows("cam-1");
        top.signal(signal);
        top.running.ends();
        top.shows(GIVES_IT_BACK);
    }
}

#[test]
fn ends_when_its_terminal_is_gone() {
    let hub = Hub::start();
    hub.claim("cam-1");
    let top = OnTerminal::start(&hub, "");
    top.shows("cam-1");
    let stat = format!("/proc/{}/stat", read(&top.pid).trim());
    top.running.strike();
    until("it has ended", || {
        // Whoever inherits it may leave it a zombie.
        let running = fs::read_to_string(&stat).is_ok_and(|stat| !stat.contains(") Z "));
        (!running).then_some(())
    });
}

#[test]
fn an_order_is_given_with_a_reason_and_a_second_key() {
    let hub = Hub::start();
    let camera = hub.device("cam-1");
    hub.mosquitto(&camera).publishes("d/cam-1/up/t", "1").ok();
    let mut top = OnTerminal::start(&hub, "");
    top.shows("cam-1");
    top.running.hears("xodd traffic\ry");
    until("it is quarantined", || {
        (hub.lifecycle("cam-1") == "quarantined").then_some(())
    });
    top.shows("cam-1 is quarantined now");
    let reasons = hub.json(&["device", "show", "cam-1"]);
    assert_eq!(reasons["reasons"][0]["why"], "odd traffic");
    top.running.hears("q");
    top.running.ends();
}

#[test]
fn colour_is_left_out_where_it_is_not_wanted() {
    let hub = Hub::start();
    hub.device("cam-1");
    hub.orders("quarantine", "cam-1");
    let mut top = OnTerminal::start(&hub, "NO_COLOR=1");
    let screen = top.shows("! quarantined");
    top.running.hears("q");
    top.running.ends();
    for code in 30..=37 {
        assert!(!screen.contains(&format!("\u{1b}[{code}m")), "{screen:?}");
    }
    assert!(!screen.contains("\u{1b}[38;"), "{screen:?}");
}

#[test]
fn says_that_it_needs_a_terminal_and_what_does_not() {
    let hub = Hub::start();
    let refused = hub.ironroot(&["top"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("top needs a terminal"), "{refused:?}");
    assert!(refused.err.contains("device list --json"), "{refused:?}");
    assert_eq!(refused.out, "");
    let mut nowhere = program(IRONROOT);
    nowhere.args(["top", "--json"]);
    let refused = Said::of(&mut nowhere);
    assert_eq!(refused.code, 2, "{refused:?}");
}
