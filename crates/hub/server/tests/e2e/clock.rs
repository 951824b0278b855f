//! The machine's clock jumps: the hub issues nothing by a time that may be wrong, says so everywhere, and goes on
//! when the clock is right or a person has confirmed it.

use std::time::Duration;

use ironroot_time::UnixTime;

use crate::rig::{Hub, Identity, InsideHub, until};

const DAY: Duration = Duration::from_secs(86_400);
const YEAR: Duration = Duration::from_secs(365 * 86_400);

/// What a curl at the console's address is told.
fn tells(hub: &InsideHub, path: &str) -> (u16, String) {
    let url = format!("{}{path}", hub.url("console"));
    let answer = hub.curl().words(&[&url]).call();
    (answer.status, answer.body)
}

/// Whether certificates are issued, to a claimed device and to one that renews.
fn issues(hub: &InsideHub, renewing: &Identity, claimed: &str) -> [u16; 2] {
    let device = Identity::with_new_key(hub.folder.path(), claimed);
    let token = hub.claim(claimed);
    let csr = device.csr(&device.common_name());
    let first = hub.enrols(&device, &token, &csr).status;
    [first, hub.renews(renewing).status]
}

fn journal(hub: &InsideHub) -> String {
    hub.ironroot(&["journal", "list"]).ok()
}

/// Shows that the hub has stopped issuing, says so, and that everything else goes on.
fn stands_still(hub: &InsideHub, device: &Identity) {
    assert_eq!(issues(hub, device, "cam-2"), [503, 503]);
    let refused = hub.ironroot(&["service", "new", "backend", "--publish", "x"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(
        refused.err.contains("ironroot clock confirm"),
        "{refused:?}"
    );

    let (status, body) = tells(hub, "/readyz");
    assert_eq!(status, 503, "{body}");
    assert!(body.contains("clock jumped"), "{body}");
    assert!(
        tells(hub, "/metrics")
            .1
            .contains("ironroot_clock_stepped 1")
    );
    let status = hub.ironroot(&["status"]).ok();
    assert!(
        status.contains("DEGRADED") && status.contains("clock jumped"),
        "{status}"
    );
    until("the jump is in the journal", || {
        journal(hub)
            .contains("The machine's clock jumped")
            .then_some(())
    });
    // By the hub's own time no certificate has ended and none is too young.
    hub.mosquitto(device).publishes("d/cam-1/up/t", "21").ok();
}

/// Shows that the hub issues and has nothing to say about its clock.
fn goes_on(hub: &InsideHub, device: &Identity) {
    assert_eq!(issues(hub, device, "cam-3"), [200, 200]);
    assert_eq!(tells(hub, "/readyz").0, 200);
    assert!(
        tells(hub, "/metrics")
            .1
            .contains("ironroot_clock_stepped 0")
    );
    let status = hub.ironroot(&["status"]).ok();
    assert!(!status.contains("DEGRADED"), "{status}");
}

fn confirms(hub: &InsideHub) -> String {
    let words = ["clock", "confirm", "--why", "checked with the radio clock"];
    hub.ironroot(&words).ok()
}

#[test]
fn clock_set_back_a_year() {
    let hub = InsideHub::start();
    let device = hub.device("cam-1");
    let before = hub.shown();
    hub.set_clock(before.minus(YEAR));
    stands_still(&hub, &device);
    let said = confirms(&hub);
    assert!(said.contains("The clock is followed again"), "{said}");
    goes_on(&hub, &device);
    let journal = journal(&hub);
    assert!(
        journal.contains("admin confirmed the machine's clock"),
        "{journal}"
    );
    // No entry is older than one before it.
    let times = times(&hub);
    assert!(times.is_sorted(), "{times:?}");
}

/// The times of all entries, oldest first.
fn times(hub: &InsideHub) -> Vec<String> {
    let entries = hub.json(&["journal", "list", "--from", "0", "--limit", "500"]);
    let items = entries["items"].as_array().unwrap().iter();
    items
        .map(|entry| entry["at"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn clock_set_forward_ten_years() {
    let hub = InsideHub::start();
    let device = hub.device("cam-1");
    let before = hub.shown();
    hub.set_clock(before.plus(YEAR * 10));
    stands_still(&hub, &device);
    // What was recorded meanwhile was not dated by the wrong clock.
    let last = times(&hub).pop().unwrap();
    assert!(last < before.plus(DAY).to_string(), "{last}");
    confirms(&hub);
    let last = times(&hub).pop().unwrap();
    assert!(last < before.plus(DAY).to_string(), "{last}");
    assert_eq!(tells(&hub, "/readyz").0, 200);
    hub.ironroot(&["service", "new", "backend", "--publish", "x"])
        .ok();
    // Its certificate has ended by the time that a person has confirmed.
    let ended = hub.mosquitto(&device).publishes("d/cam-1/up/t", "x");
    assert_ne!(ended.code, 0, "{ended:?}");
}

#[test]
fn clock_that_is_set_right_again_is_followed_without_a_word() {
    let hub = InsideHub::start();
    let device = hub.device("cam-1");
    let before = hub.shown();
    hub.set_clock(before.plus(YEAR * 10));
    stands_still(&hub, &device);
    hub.set_clock(before);
    goes_on(&hub, &device);
    until("the journal says that the clock is right again", || {
        journal(&hub)
            .contains("The machine's clock was right again")
            .then_some(())
    });
}

#[test]
fn refuses_a_confirmation_without_a_jump_or_without_a_reason() {
    let hub = InsideHub::start();
    let refused = hub.ironroot(&["clock", "confirm", "--why", "to be sure"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("has not jumped"), "{refused:?}");
    hub.set_clock(hub.shown().plus(YEAR));
    let silent = hub.ironroot(&["clock", "confirm", "--why", " "]);
    assert_eq!(silent.code, 1, "{silent:?}");
    assert_eq!(tells(&hub, "/readyz").0, 503);
}

/// A hub that was stopped, and started again at the time that `then` makes of the last.
fn after_a_rest(then: impl FnOnce(UnixTime) -> UnixTime) -> (InsideHub, Identity) {
    let mut hub = InsideHub::start();
    let device = hub.device("cam-1");
    hub.stop();
    hub.set_clock(then(hub.shown()));
    hub.starts();
    (hub, device)
}

#[test]
fn a_hub_that_was_off_for_two_months_starts_without_ceremony() {
    let (hub, _device) = after_a_rest(|last| last.plus(DAY * 60));
    assert_eq!(tells(&hub, "/readyz").0, 200);
    hub.ironroot(&["service", "new", "backend", "--publish", "x"])
        .ok();
    let last = times(&hub).pop().unwrap();
    assert!(last >= hub.shown().minus(DAY).to_string(), "{last}");
}

#[test]
fn a_hub_that_starts_ten_years_later_or_a_year_earlier_asks_first() {
    for (later, earlier) in [(YEAR * 10, Duration::ZERO), (Duration::ZERO, YEAR)] {
        let (hub, device) = after_a_rest(|last| last.plus(later).minus(earlier));
        stands_still(&hub, &device);
        confirms(&hub);
        assert_eq!(tells(&hub, "/readyz").0, 200);
    }
}

#[test]
fn refuses_clock_settings_that_are_misspelt() {
    let hub = Hub::unstarted();
    hub.set("[clock]\nback_max = 1\n");
    let refused = hub.ironroot(&["check-settings"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("clock"), "{refused:?}");
}
