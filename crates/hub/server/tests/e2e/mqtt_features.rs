//! Every feature of MQTT by other people's clients: docs/mqtt.md says which test shows which.

use crate::rig::{Hub, Said, paho};

/// Eclipse Paho's cases: each is a function of the second file.
const CASES: &str = concat!(
    include_str!("rig/paho_session.py"),
    include_str!("rig/paho_features.py")
);

/// A device that may have a session in several cases at once.
const PROFILE: &str = r#"
    name = "tester"
    evidence = "none"
    [topics]
    publish = ["d/{device}/up/#"]
    subscribe = ["d/{device}/down/#"]
    [limits]
    sessions_max = 8
"#;

#[test]
fn paho_finds_every_feature_in_both_versions() {
    let mut hub = Hub::unstarted();
    // Few at once, so that a client can try one more.
    hub.set("[broker]\nin_flight_max = 8\n");
    hub.profile("tester", PROFILE);
    hub.starts();
    let own = ["t/#", "$t/#"].map(|filter| ["--publish", filter, "--subscribe", filter]);
    let service = hub.service_with("backend", own.as_flattened());
    let everything = hub.service_with("everything", &["--subscribe", "#"]);
    let device = hub.device_as("cam-1", "tester");
    let said = Said::of(&mut paho(&hub, CASES, &[&service, &everything, &device]));
    println!("{}{}", said.out, said.err);
    let passed = said
        .out
        .lines()
        .filter(|line| line.starts_with("ok "))
        .count();
    let expected = cases(CASES);
    assert_eq!((said.code, passed), (0, expected));
}

#[test]
fn mosquittos_clients_ask_and_answer() {
    let hub = Hub::start();
    let (cam, backend) = (hub.device("cam-1"), hub.service("backend"));
    let words = ["-F", "asked %p answer %R with %D"];
    let serves = hub.mosquitto(&backend);
    let serving = serves.subscribes_with("d/+/up/#", &words);
    let mut asking = hub
        .mosquitto(&cam)
        .asks("d/cam-1/up/ask", "when?", "d/cam-1/down/answer");
    serving.says("asked when? answer d/cam-1/down/answer with");
    let speaker = backend.saying("speaker");
    hub.mosquitto(&speaker)
        .publishes("d/cam-1/down/answer", "now")
        .ok();
    asking.says("now");
    assert!(asking.ends().success());
}

#[test]
fn mosquittos_clients_pass_every_property_on() {
    let hub = Hub::start();
    let (cam, backend) = (hub.device("cam-1"), hub.service("backend"));
    let shown = "got %p type=%C data=%D expires=%E format=%F answer=%R id=%S user=%P";
    let options = [
        "-D",
        "subscribe",
        "subscription-identifier",
        "7",
        "-F",
        shown,
    ];
    let service = hub
        .mosquitto(&backend)
        .subscribes_with("d/+/up/#", &options);
    let properties = [
        ["content-type", "text/plain"],
        ["correlation-data", "c"],
        ["message-expiry-interval", "3600"],
        ["payload-format-indicator", "1"],
        ["response-topic", "d/cam-1/down/answer"],
        ["topic-alias", "1"],
    ];
    let mut words: Vec<&str> = Vec::new();
    for property in &properties {
        words.extend(["-D", "publish"]);
        words.extend(property);
    }
    for (name, value) in [("b", "1"), ("a", "2"), ("b", "3")] {
        words.extend(["-D", "publish", "user-property", name, value]);
    }
    hub.mosquitto(&cam)
        .publishes_with("d/cam-1/up/t", "x", &words)
        .ok();
    let line = service.says("got x type=text/plain data=c expires=3");
    let rest = "format=1 answer=d/cam-1/down/answer id=7 user=b:1 a:2 b:3";
    assert!(line.contains(rest), "{line}");
}

/// How often a case is run: once for each version that it is for.
fn cases(text: &str) -> usize {
    let times = |line: &str| match line {
        _ if line.starts_with("def in_both_") => 2,
        _ if line.starts_with("def in_v5_") => 1,
        _ => 0,
    };
    text.lines().map(times).sum()
}
