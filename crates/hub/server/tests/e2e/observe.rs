//! What a running hub shows of itself: the manual's table of metrics, the dashboard and the alert rules that we
//! hand out name what is there, and the log reads as JSON.

use std::collections::BTreeSet;
use std::fs;

use serde_json::Value;

use crate::rig::{Hub, Said, program, up};

const REPOSITORY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../../");

fn handed_out(file: &str) -> String {
    fs::read_to_string(format!("{REPOSITORY}{file}")).unwrap()
}

/// The metrics that a text names.
fn named(text: &str) -> BTreeSet<String> {
    let word = |c: char| !(c.is_ascii_lowercase() || c == '_');
    text.split(word)
        .filter(|name| name.starts_with("ironroot_"))
        .map(str::to_owned)
        .collect()
}

/// The metrics that a hub has.
fn shown() -> BTreeSet<String> {
    let hub = Hub::start();
    let url = format!("{}/metrics", hub.url("console"));
    let page = hub.curl().words(&[&url]).call().body;
    let types = page.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types
        .filter_map(|line| line.split(' ').next())
        .map(str::to_owned)
        .collect()
}

#[test]
fn the_manual_tells_of_every_metric_and_of_no_other() {
    let manual = handed_out("docs/operate/observe.md");
    let rows = manual
        .lines()
        .filter(|line| line.starts_with("| `ironroot_"));
    let told: BTreeSet<String> = rows
        .filter_map(|row| row.split('`').nth(1))
        .map(|name| name.split('{').next().unwrap_or(name).to_owned())
        .collect();
    assert_eq!(told, shown());
}

#[test]
fn the_dashboard_shows_metrics_that_are_there() {
    let dashboard: Value =
        serde_json::from_str(&handed_out("contrib/grafana/ironroot.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let mut places = BTreeSet::new();
    let mut asked = BTreeSet::new();
    for panel in panels {
        assert!(
            panel["title"].is_string() && panel["type"].is_string(),
            "{panel}"
        );
        assert!(places.insert(panel["id"].as_u64().unwrap()), "{panel}");
        let [x, width] = ["x", "w"].map(|side| panel["gridPos"][side].as_u64().unwrap());
        assert!(x + width <= 24, "{panel}");
        for target in panel["targets"].as_array().unwrap() {
            asked.extend(named(target["expr"].as_str().unwrap()));
        }
    }
    assert!(dashboard["schemaVersion"].as_u64() >= Some(36));
    let missing: Vec<_> = asked.difference(&shown()).cloned().collect();
    assert!(!asked.is_empty() && missing.is_empty(), "{missing:?}");
}

#[test]
fn the_alert_rules_are_valid_and_about_metrics_that_are_there() {
    let rules = format!("{REPOSITORY}contrib/prometheus/alerts.yml");
    Said::of(program("promtool").args(["check", "rules", &rules])).ok();
    let text = handed_out("contrib/prometheus/alerts.yml");
    let expressions = text.lines().filter(|line| line.trim().starts_with("expr:"));
    let asked = named(&expressions.collect::<String>());
    let missing: Vec<_> = asked.difference(&shown()).cloned().collect();
    assert!(!asked.is_empty() && missing.is_empty(), "{missing:?}");
}

#[test]
fn the_log_is_one_json_object_a_line_where_that_is_asked_for() {
    let mut hub = Hub::unstarted();
    hub.starts_as(up(&hub.data).args(["--log-format", "json"]));
    let line = hub.logs("\"level\"");
    let entry: Value = serde_json::from_str(&line).unwrap();
    for field in ["timestamp", "level", "message", "target"] {
        assert!(entry[field].is_string(), "{field} in {line}");
    }
}
