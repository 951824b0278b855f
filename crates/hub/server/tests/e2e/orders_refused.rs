//! Orders that are refused, and the exit codes by which a script tells.

use crate::rig::Hub;

#[test]
fn an_order_that_takes_something_away_needs_a_reason() {
    let hub = Hub::start();
    hub.device("cam-1");
    let entries = hub.entries();
    for order in ["quarantine", "retire", "transfer"] {
        let more = if order == "retire" {
            ["--yes"].as_slice()
        } else {
            &[]
        };
        for why in [[].as_slice(), &["--why", "  "]] {
            let refused = hub.ironroot(&[&["device", order, "cam-1"], more, why].concat());
            assert_eq!(refused.code, 2, "{refused:?}");
            assert!(
                refused.err.contains(&format!("{order} needs a reason")),
                "{refused:?}"
            );
        }
    }
    // And by the API, which does not trust the command line to ask.
    let url = format!("{}/api/v1/devices/cam-1/orders", hub.url("console"));
    let token = std::fs::read_to_string(hub.data.join("admin.token")).unwrap();
    let authorization = format!("Authorization: Bearer {}", token.trim());
    for body in [
        r#"{"order":"quarantine"}"#,
        r#"{"order":"quarantine","why":" "}"#,
    ] {
        let json = ["-H", "Content-Type: application/json", "-d", body, &url];
        let answer = hub
            .curl()
            .words(&["-H", &authorization])
            .words(&json)
            .call();
        assert_eq!(answer.status, 422, "{answer:?}");
        assert_eq!(answer.json()["fields"][0]["field"], "why", "{answer:?}");
    }
    assert_eq!(
        (hub.entries(), hub.lifecycle("cam-1")),
        (entries, "enrolled".to_owned())
    );
}

#[test]
fn an_order_that_does_not_fit_the_lifecycle_is_refused_and_changes_nothing() {
    let hub = Hub::start();
    hub.claim("new-1");
    hub.device("cam-1");
    hub.device("old-1");
    hub.orders("retire", "old-1");
    let entries = hub.entries();
    for (order, device) in [
        ("quarantine", "new-1"),
        ("release", "new-1"),
        ("release", "cam-1"),
        ("quarantine", "old-1"),
        ("release", "old-1"),
        ("transfer", "old-1"),
        ("quarantine", "no-such-device"),
    ] {
        let refused = hub.ironroot(&["device", order, device, "--why", "to see"]);
        assert_eq!(refused.code, 1, "{order} {device}: {refused:?}");
        assert!(
            refused.err.contains(device),
            "{order} {device}: {refused:?}"
        );
    }
    assert_eq!(hub.entries(), entries);
}

#[test]
fn a_script_can_tell_done_from_refused_from_misunderstood() {
    let hub = Hub::start();
    hub.device("cam-1");
    for (code, words) in [
        (0, ["device", "list"].as_slice()),
        (0, &["device", "show", "cam-1"]),
        (0, &["--help"]),
        (1, &["device", "show", "cam-9"]),
        (1, &["claim", "new", "cam-1", "--profile", "camera"]),
        (2, &["device", "show"]),
        (2, &["device", "show", "no/id"]),
        (2, &["device", "frobnicate", "cam-1"]),
        (
            2,
            &[
                "claim",
                "new",
                "cam-2",
                "--profile",
                "camera",
                "--ttl",
                "soon",
            ],
        ),
        (2, &["service", "new", "idle"]),
    ] {
        let said = hub.ironroot(words);
        assert_eq!(said.code, code, "{words:?}: {said:?}");
        assert_eq!(said.err.is_empty(), code == 0, "{words:?}: {said:?}");
    }
}

#[test]
fn nobody_gives_orders_without_the_token() {
    let hub = Hub::start();
    hub.device("cam-1");
    let url = format!("{}/api/v1/devices/cam-1/orders", hub.url("console"));
    let body = r#"{"order":"quarantine","why":"prank"}"#;
    let json = ["-H", "Content-Type: application/json", "-d", body, &url];
    let entries = hub.entries();
    for authorization in [
        "X-None: 1",
        "Authorization: Bearer",
        "Authorization: Bearer 00000000000000000000000000000000",
        "Authorization: Basic YWRtaW46YWRtaW4=",
    ] {
        let answer = hub.curl().words(&["-H", authorization]).words(&json).call();
        assert_eq!(answer.status, 401, "{authorization}: {answer:?}");
    }
    assert_eq!(
        (hub.entries(), hub.lifecycle("cam-1")),
        (entries, "enrolled".to_owned())
    );
    std::fs::write(
        hub.data.join("admin.token"),
        "00000000000000000000000000000000\n",
    )
    .unwrap();
    let refused = hub.ironroot(&["device", "list"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("admin.token"), "{refused:?}");
}

#[test]
fn a_command_without_a_hub_says_how_to_start_one() {
    let mut hub = Hub::start();
    hub.stop();
    let refused = hub.ironroot(&["device", "list"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("ironroot up"), "{refused:?}");
}
