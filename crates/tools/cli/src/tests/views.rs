//! Saved views: saved with the filters of the list, and shown by name.

use super::*;

const ONE: &str =
    r#"{"items":[{"name":"shut-out","query":"lifecycle=quarantined","entry":7}],"next":null}"#;

#[test]
fn a_view_is_saved_with_the_filters_of_the_list() {
    let saved = r#"{"name":"late","query":"sort=last_seen&unseen_for_s=86400","entry":9}"#;
    let ran = Session::new().run(
        &[
            "view",
            "save",
            "late",
            "--unseen-for",
            "24h",
            "--sort",
            "last_seen",
        ],
        [json(saved)],
    );
    assert_eq!(ran.requests[0].line, "POST /api/v1/views");
    assert_eq!(
        ran.requests[0].body,
        serde_json::json!({"name":"late","query":"sort=last_seen&unseen_for_s=86400"})
    );
    assert_eq!(
        ran.output,
        "late is saved (journal entry 9): ironroot device list --view late\n"
    );
}

#[test]
fn a_view_is_shown_by_its_name() {
    let none = r#"{"items":[],"next":null}"#;
    let words = ["device", "list", "--view", "shut-out", "--limit", "5"];
    let ran = Session::new().run(&words, [json(ONE), json(none)]);
    assert_eq!(ran.requests[0].line, "GET /api/v1/views");
    assert_eq!(
        ran.requests[1].line,
        "GET /api/v1/devices?limit=5&lifecycle=quarantined"
    );
    let ran = Session::new().run(&["device", "list", "--view", "mine"], [json(ONE)]);
    assert!(ran.aside.contains("there is no view mine"), "{}", ran.aside);
}

#[test]
fn views_are_listed_and_removed() {
    let ran = Session::new().run(&["view", "list"], [json(ONE)]);
    assert!(
        ran.output.contains("shut-out  lifecycle=quarantined  7"),
        "{}",
        ran.output
    );
    let gone = r#"{"name":"shut-out","entry":8}"#;
    let ran = Session::new().run(&["view", "remove", "shut-out"], [json(gone)]);
    assert_eq!(ran.requests[0].line, "DELETE /api/v1/views/shut-out");
    assert_eq!(ran.output, "shut-out is removed (journal entry 8)\n");
}
