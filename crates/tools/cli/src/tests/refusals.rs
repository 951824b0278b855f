//! What is said when a hub refuses, or when there is none.

use super::*;

#[test]
fn a_refusal_is_told_in_the_hubs_words() {
    let ran = Session::new().run(
        &["device", "show", "cam-9"],
        [problem(404, "No device is cam-9.")],
    );
    assert_eq!(ran.code, ExitCode::from(1));
    assert_eq!(
        (ran.output.as_str(), ran.aside.as_str()),
        ("", "refused: No device is cam-9.\n")
    );
}

#[test]
fn a_refusal_is_json_when_json_is_wanted() {
    let ran = Session::new().run(
        &["device", "show", "cam-9", "--json"],
        [problem(404, "No device is cam-9.")],
    );
    assert_eq!(ran.code, ExitCode::from(1));
    assert!(ran.output.contains(r#""status":404"#), "{}", ran.output);
}

#[test]
fn a_token_that_is_not_taken_is_named_by_its_file() {
    let session = Session::new();
    let ran = session.run(&["status"], [problem(401, "The token is not known here.")]);
    assert_eq!(
        ran.aside,
        format!(
            "refused: The token is not known here. The token was read from {}.\n",
            session.path("admin.token")
        )
    );
}

#[test]
fn says_how_to_start_a_hub_when_none_answers() {
    let session = Session::new();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let console = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    session.write("addresses.json", &format!(r#"{{"console":"{console}"}}"#));
    session.write("admin.token", "s3cret");
    let ran = session.alone(&["status"]);
    assert_eq!(ran.code, ExitCode::from(1));
    let said = format!("error: no hub answers at {console}: start one with `ironroot up`");
    assert!(ran.aside.starts_with(&said), "{}", ran.aside);
}

#[test]
fn points_to_the_demonstration_when_only_that_has_started() {
    let session = Session::new();
    let data = session.path("ironroot-data");
    let ran = session.exact(&["status", "--data", &data]);
    assert!(
        ran.aside.starts_with("error: no hub has started"),
        "{}",
        ran.aside
    );
    assert!(!ran.aside.contains("demonstration"), "{}", ran.aside);
    fs::create_dir(session.path("ironroot-demo")).unwrap();
    session.write("ironroot-demo/addresses.json", "{}");
    let ran = session.exact(&["status", "--data", &data]);
    let hint = format!(
        "the demonstration is --data {}",
        session.path("ironroot-demo")
    );
    assert!(ran.aside.contains(&hint), "{}", ran.aside);
}

#[test]
fn says_so_when_something_else_answers() {
    for told in [
        (404, "text/html", b"<h1>Not found</h1>".to_vec()),
        (502, "application/json", b"{}".to_vec()),
    ] {
        let ran = Session::new().run(&["status"], [told]);
        assert_eq!(ran.code, ExitCode::from(1));
        assert!(ran.aside.contains("as no hub does"), "{}", ran.aside);
    }
}

#[test]
fn a_redirect_does_not_lead_the_token_away() {
    let ran = Session::new().run(&["status"], [(302, "text/html", Vec::new())]);
    assert_eq!(ran.requests.len(), 1);
    assert!(
        ran.aside.contains("answered 302 as no hub does"),
        "{}",
        ran.aside
    );
}

#[test]
fn an_answer_of_another_shape_is_no_answer() {
    let ran = Session::new().run(&["status"], [json("{}")]);
    assert_eq!(ran.code, ExitCode::from(1));
    assert!(
        ran.aside.contains("is it newer than this program?"),
        "{}",
        ran.aside
    );
}

#[test]
fn status_says_what_is_degraded_and_what_to_do() {
    let status = r#"{"version":"0.1.0","started_at":"2026-11-22T05:00:00Z","devices":3,"sessions":1,
        "store":{"ok":false,"cause":"the disk is full"},
        "journal":{"entries":9,"checkpoint":{"size":8,"age_s":12}},
        "degraded":[{"what":"The journal cannot append, so nothing is issued.",
            "remedy":"Free space on the disk of the data directory.",
            "since":"2026-11-22T05:06:01Z"}]}"#;
    let ran = Session::new().run(&["status"], [json(status)]);
    assert_eq!(
        ran.output,
        "version   0.1.0, up since 2026-11-22 05:00:00 UTC\n\
         devices   3\n\
         sessions  1\n\
         store     takes no writes: the disk is full\n\
         journal   9 entries, signed up to 8, 12 s ago\n\
         \n\
         DEGRADED since 2026-11-22 05:06:01 UTC: The journal cannot append, so nothing is issued.\n  \
         Free space on the disk of the data directory.\n"
    );
}

#[test]
fn an_escape_sequence_from_elsewhere_does_not_reach_the_terminal() {
    let ran = Session::new().run(&["status"], [problem(409, "\u{1b}[2J\u{9b}31m gone")]);
    assert_eq!(ran.aside, "refused: \u{fffd}[2J\u{fffd}31m gone\n");
    let profile = r#"{"name":"camera","summary":"","evidence":"none","devices":0,"digest":"00",
        "toml":"summary = \"\u001b]0;owned\u0007\""}"#;
    let ran = Session::new().run(&["profile", "show", "camera"], [json(profile)]);
    assert!(
        !ran.output.contains(['\u{1b}', '\u{7}']),
        "{:?}",
        ran.output
    );
}
