//! One certificate in two places at once, by two clients that take the session from each other.

use crate::rig::{Api, Hub, until};

#[test]
fn attack_a_copied_certificate_is_told_to_people_and_nobody_is_cut() {
    let hub = Hub::start();
    let cam = hub.device("cam-1");
    let from = |address| {
        let client = hub.mosquitto(&cam).speaking("311");
        client.tries_to_subscribe("d/cam-1/down/#", &["-A", address])
    };
    // Each comes back by itself when the other has taken its session over.
    let _clients = ["127.0.0.1", "127.0.0.2"].map(from);
    let api = Api::of(&hub);
    let device = until("it is noticed", || {
        let device = api.get("/devices/cam-1");
        (device["notices"].as_array()?.len() == 1).then_some(device)
    });
    assert_eq!(device["lifecycle"], "active");
    let notice = &device["notices"][0];
    assert_eq!(notice["kind"], "in_two_places");
    let what = notice["what"].as_str().unwrap();
    assert!(
        what.contains("127.0.0.1") && what.contains("127.0.0.2"),
        "{what}"
    );
    let sources = device["sources"].as_array().unwrap();
    assert_eq!(sources.len(), 2, "{sources:?}");
    let told = &device["timeline"][0];
    assert_eq!(told["kind"], "device.in_two_places");
    assert_eq!(told["entry"], notice["entry"]);

    // Addresses can be personal data.
    let entry = notice["entry"].to_string();
    hub.ironroot(&["journal", "erase", &entry]).ok();
    let what = &api.get("/devices/cam-1")["notices"][0]["what"];
    assert_eq!(what, "(these words were erased)");
    hub.ironroot(&["journal", "verify"]).ok();
}
