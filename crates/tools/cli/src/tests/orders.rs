//! Orders: what is asked before, what is sent, what is said after.

use super::*;

const RETIRED: &str = r#"{"device":"cam-1","lifecycle":"retired","entry":77,"sessions_cut":2,
    "reasons_count":0}"#;

#[test]
fn an_order_is_sent_with_its_reason_and_our_token() {
    let done = r#"{"device":"cam-1","lifecycle":"quarantined","entry":41,"sessions_cut":1,
        "reasons_count":2}"#;
    let ran = Session::new().run(
        &["device", "quarantine", "cam-1", "--why", "stolen"],
        [json(done)],
    );
    let [request] = ran.requests.as_slice() else {
        panic!("one request")
    };
    assert_eq!(request.line, "POST /api/v1/devices/cam-1/orders");
    assert_eq!(request.authorization, "Bearer s3cret");
    assert_eq!(
        request.body,
        serde_json::json!({"order":"quarantine","why":"stolen"})
    );
    assert_eq!(
        ran.output,
        "cam-1 is quarantined now; 1 session was cut; 2 reasons for quarantine remain (journal \
         entry 41)\n"
    );
}

#[test]
fn refuses_to_take_something_away_without_a_reason() {
    for order in ["quarantine", "retire", "transfer"] {
        let ran = Session::new().alone(&["device", order, "cam-1"]);
        assert_eq!(ran.code, ExitCode::from(2));
        assert_eq!(
            ran.aside,
            format!(
                "error: {order} needs a reason, which stands in the journal for whoever finds the \
                 device shut out:\n  ironroot device {order} cam-1 --why \"…\"\n"
            )
        );
    }
}

#[test]
fn release_needs_no_reason() {
    let done = r#"{"device":"cam-1","lifecycle":"active","entry":42,"sessions_cut":0,
        "reasons_count":0}"#;
    let ran = Session::new().run(&["device", "release", "cam-1"], [json(done)]);
    assert_eq!(
        ran.output,
        "cam-1 is active now; no session was open (journal entry 42)\n"
    );
}

#[test]
fn retires_when_the_id_is_typed() {
    let session = Session {
        typed: "cam-1\n",
        ..Session::new()
    };
    let ran = session.run(
        &["device", "retire", "cam-1", "--why", "sold"],
        [json(RETIRED)],
    );
    assert!(ran.aside.contains("it cannot come back"));
    assert_eq!(
        ran.output,
        "cam-1 is retired now; 2 sessions were cut (journal entry 77)\n"
    );
}

#[test]
fn retires_nothing_when_another_id_or_nothing_is_typed() {
    for typed in ["cam-2\n", "y\n", ""] {
        let session = Session {
            typed,
            ..Session::new()
        };
        let ran = session.run(&["device", "retire", "cam-1", "--why", "sold"], []);
        assert_eq!(ran.code, ExitCode::from(2));
        assert!(ran.requests.is_empty());
        assert!(ran.aside.contains("cam-1 was not retired"), "{}", ran.aside);
    }
}

#[test]
fn retires_without_a_question_when_told_so() {
    let ran = Session::new().run(
        &["device", "retire", "cam-1", "--why", "sold", "--yes"],
        [json(RETIRED)],
    );
    assert_eq!((ran.code, ran.aside.as_str()), (ExitCode::SUCCESS, ""));
}

#[test]
fn one_order_about_several_devices_is_one_request() {
    let done = r#"{"done":[{"device":"cam-1","lifecycle":"quarantined","entry":41,"sessions_cut":1,
        "reasons_count":1}],"refused":[{"device":"cam-2","detail":"cam-2: a device that is claimed cannot be quarantined"}]}"#;
    let ran = Session::new().run(
        &["device", "quarantine", "cam-1", "cam-2", "--why", "stolen"],
        [json(done)],
    );
    let [request] = ran.requests.as_slice() else {
        panic!("one request")
    };
    assert_eq!(request.line, "POST /api/v1/orders");
    assert_eq!(
        request.body,
        serde_json::json!({"order":"quarantine","why":"stolen","devices":["cam-1","cam-2"]})
    );
    assert_eq!(ran.code, ExitCode::from(1));
    assert_eq!(
        ran.output,
        "cam-1 is quarantined now; 1 session was cut; 1 reason for quarantine remains (journal \
         entry 41)\ncam-2: not done: a device that is claimed cannot be quarantined\n"
    );
    assert!(
        ran.aside.contains("1 of 2 devices were not reached"),
        "{}",
        ran.aside
    );
}

#[test]
fn a_dry_run_shows_now_and_after_and_orders_nothing() {
    let grant = |open| {
        serde_json::json!({"connect":open,"renew":open,"publish":["d/cam-1/up/#"],"subscribe":[],
            "sessions_max":1,"subscriptions_max":1,"packet_size_max":1,"messages_per_s":1})
    };
    let state = |lifecycle: &str, open| {
        serde_json::json!({"lifecycle":lifecycle,"tier":"none","reasons_count":0,"certificates":1,
            "grant":grant(open)})
    };
    let what = serde_json::json!({"device":"cam-1","order":"retire","position":41,
        "now":state("active", true),"after":state("retired", false)});
    let ran = Session::new().run(
        &["device", "retire", "cam-1", "--dry-run"],
        [json(&what.to_string())],
    );
    assert_eq!(
        ran.requests[0].line,
        "GET /api/v1/devices/cam-1/orders/retire"
    );
    assert_eq!(ran.code, ExitCode::SUCCESS);
    assert!(
        ran.output
            .starts_with("retire cam-1, at journal entry 41:\n"),
        "{}",
        ran.output
    );
    assert!(
        ran.output.contains("lifecycle     active        retired"),
        "{}",
        ran.output
    );
}

#[test]
fn many_are_retired_when_their_number_is_typed() {
    let done = r#"{"done":[],"refused":[]}"#;
    let words = ["device", "retire", "cam-1", "cam-2", "--why", "sold"];
    let typed = |typed| Session {
        typed,
        ..Session::new()
    };
    let ran = typed("cam-1\n").run(&words, []);
    assert!(
        ran.requests.is_empty() && ran.aside.contains("nothing was retired"),
        "{}",
        ran.aside
    );
    assert_eq!(
        typed("2\n").run(&words, [json(done)]).code,
        ExitCode::SUCCESS
    );
}
