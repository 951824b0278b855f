//! Lists of claims, profiles, passwords, sessions and tokens: what is sent, and what of it is shown.

use super::*;

#[test]
fn a_list_of_claims_is_sent_whole_and_its_tokens_are_printed_as_csv() {
    let session = Session::new();
    session.write(
        "list.csv",
        "serial,profile\nSEN-1,sensor,7d\nSEN-2,sensor\n",
    );
    let list = session.path("list.csv");
    let made = r#"{"claims":[{"serial":"SEN-1","token":"t1","expires":"2026-11-29T05:00:00Z"},
        {"serial":"SEN-2","token":"t2","expires":"2026-11-23T05:00:00Z"}]}"#;
    let ran = session.run(&["claim", "import", &list], [json(made)]);
    assert_eq!(ran.requests[0].line, "POST /api/v1/claims/batch");
    assert_eq!(
        ran.requests[0].body,
        serde_json::json!({"claims": [
            {"serial": "SEN-1", "profile": "sensor", "ttl_s": 604_800},
            {"serial": "SEN-2", "profile": "sensor", "ttl_s": 86_400},
        ], "dry_run": false})
    );
    assert_eq!(
        ran.output,
        "serial,token,expires\nSEN-1,t1,2026-11-29T05:00:00Z\nSEN-2,t2,2026-11-23T05:00:00Z\n"
    );
    let dry = session.run(
        &["claim", "import", &list, "--dry-run"],
        [json(r#"{"claims":[]}"#)],
    );
    assert_eq!(dry.requests[0].body["dry_run"], true);
    assert!(
        dry.output
            .contains("all 2 can be claimed; nothing is claimed yet")
    );
}

#[test]
fn what_is_wrong_with_a_list_is_told_by_its_lines() {
    let session = Session::new();
    session.write("list.csv", "# hall 2\nSEN-1,sensor\nSEN-2\n");
    let list = session.path("list.csv");
    let unread = session.run(&["claim", "import", &list], []);
    assert_eq!(unread.code, ExitCode::from(2));
    assert!(
        unread.aside.contains("line 3: write serial,profile"),
        "{}",
        unread.aside
    );
    session.write("list.csv", "# hall 2\nSEN-1,sensor\nSEN-2,sensor\n");
    let refusal = serde_json::json!({
        "type": "urn:ironroot:problem:content", "title": "x", "status": 422, "detail": "claims[1]: in use.",
        "fields": [{"field": "claims[1]", "detail": "SEN-2: in use"}],
    });
    let told = (
        422,
        "application/problem+json",
        refusal.to_string().into_bytes(),
    );
    let refused = session.run(&["claim", "import", &list], [told]);
    assert_eq!(refused.code, ExitCode::from(1));
    assert_eq!(refused.aside, "refused: line 3: SEN-2: in use\n");
}

#[test]
fn a_claim_is_withdrawn_and_those_that_wait_are_listed() {
    let session = Session::new();
    let done = json(r#"{"serial":"cam-1","entry":7}"#);
    let ran = session.run(&["claim", "withdraw", "cam-1"], [done]);
    assert_eq!(ran.requests[0].line, "DELETE /api/v1/claims/cam-1");
    let page = r#"{"items":[{"serial":"cam-1","profile":"camera","claimed":"2026-11-22T05:00:00Z",
        "who":"admin","expires":"2026-11-23T05:00:00Z","remaining_s":86400,"entry":7}],"next":"12~cam-1"}"#;
    let listed = session.run(&["claim", "list"], [json(page)]);
    assert!(
        listed.output.contains("cam-1") && listed.output.contains("admin"),
        "{}",
        listed.output
    );
    assert!(listed.aside.contains("--cursor 12~cam-1"));
}

#[test]
fn a_password_is_read_from_standard_input_and_never_printed() {
    let session = Session {
        typed: "correct horse battery\n",
        ..Session::new()
    };
    let set = json(r#"{"entry":7,"sessions_ended":2}"#);
    let ran = session.run(&["password", "set"], [set]);
    assert_eq!(ran.requests[0].line, "PUT /api/v1/password");
    assert_eq!(
        ran.requests[0].body,
        serde_json::json!({"password": "correct horse battery"})
    );
    assert!(ran.output.contains("2 sessions of the console ended"));
    assert!(!ran.output.contains("horse") && !ran.aside.contains("horse"));
}

#[test]
fn a_profile_is_applied_only_as_it_was_when_it_was_looked_at() {
    let session = Session::new();
    session.write("camera.toml", "name = \"camera\"\n");
    let file = session.path("camera.toml");
    let grant = |connect: bool| {
        serde_json::json!({"connect": connect, "publish": ["d/{device}/up/#"], "subscribe": [],
            "sessions_max": 1, "subscriptions_max": 16, "packet_size_max": 65_536, "messages_per_s": 10})
    };
    let check = serde_json::json!({"name": "camera", "new": false, "from": "5f", "devices": 3, "cut": 2, "others": [],
        "grants": [{"lifecycle": "active", "tier": "none", "devices": 2, "before": grant(true), "after": grant(false)}]})
    .to_string();
    let dry = session.run(&["profile", "apply", &file, "--dry-run"], [json(&check)]);
    assert_eq!(dry.requests.len(), 1);
    for told in [
        "2 devices that are active, tier none",
        "connect: yes -> no",
        "2 sessions would be cut",
    ] {
        assert!(dry.output.contains(told), "{told} in {}", dry.output);
    }
    let applied = json(r#"{"name":"camera","entry":41}"#);
    let ran = session.run(&["profile", "apply", &file], [json(&check), applied]);
    assert_eq!(ran.requests[1].line, "PUT /api/v1/profiles/camera");
    assert_eq!(ran.requests[1].body["from"], "5f");
    assert_eq!(ran.output, "camera is in force (journal entry 41)\n");
}

#[test]
fn tokens_and_sessions_end_by_their_commands() {
    let session = Session::new();
    let made = json(r#"{"name":"ci","token":"00ff","entry":7}"#);
    let ran = session.run(&["token", "new", "ci"], [made]);
    assert_eq!(
        (ran.requests[0].line.as_str(), ran.output.as_str()),
        ("POST /api/v1/tokens", "00ff\n")
    );
    let revoked = json(r#"{"name":"ci","entry":8}"#);
    let ran = session.run(&["token", "revoke", "ci"], [revoked]);
    assert_eq!(ran.requests[0].line, "DELETE /api/v1/tokens/ci");
    let ended = json(r#"{"sessions_ended":3,"entry":9}"#);
    let ran = session.run(&["session", "end"], [ended]);
    assert_eq!(ran.requests[0].line, "DELETE /api/v1/sessions");
    assert_eq!(ran.output, "3 sessions ended (journal entry 9)\n");
}
