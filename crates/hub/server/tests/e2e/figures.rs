//! Figures over time, of a hub that devices and strangers come to.

use serde_json::Value;

use crate::rig::{Api, Hub, until};

/// The sum of one figure over all that the hub has counted.
fn sum(hub: &Hub, figure: &str) -> u64 {
    let figures = Api::of(hub).get("/figures?over=14d");
    let points = figures["points"].as_array().unwrap().iter();
    points
        .map(|point| point.pointer(figure).and_then(Value::as_u64).unwrap())
        .sum()
}

#[test]
fn what_comes_to_the_door_is_counted_and_kept_over_a_restart() {
    let mut hub = Hub::start();
    let cam = hub.device("cam-1");
    for _ in 0..3 {
        hub.mosquitto(&cam)
            .publishes("d/cam-1/up/state", "fine")
            .ok();
    }
    hub.mosquitto(&cam)
        .publishes("d/cam-2/up/state", "I am another");
    hub.stranger().publishes("d/cam-1/up/state", "let me in");
    hub.orders("quarantine", "cam-1");
    let expected = [
        ("/messages_in", 3),
        ("/refused/not_granted", 1),
        ("/refused/certificate", 1),
        ("/refused/over_limit", 0),
        ("/quarantined", 1),
        ("/enrolled", 1),
    ];
    let counted = |hub: &Hub| expected.map(|(figure, _)| (figure, sum(hub, figure)));
    until("all of it is counted", || {
        (counted(&hub) == expected).then_some(())
    });

    hub.stop();
    hub.starts();
    assert_eq!(counted(&hub), expected);
    let table = hub.ironroot(&["figures", "--over", "14d"]).ok();
    assert!(
        table.starts_with("FROM (UTC)") && table.lines().count() >= 2,
        "{table}"
    );
}
