//! Claims, services and makers' CAs: what is sent, and where secrets go.

use std::os::unix::fs::PermissionsExt;

use super::*;

const ISSUED: &str = r#"{"name":"backend","certificate":"CERT\n","key":"KEY\n",
    "expires":"2027-02-19T05:00:00Z","entry":7}"#;

#[test]
fn a_claim_prints_the_token_and_where_it_goes() {
    let made = r#"{"serial":"cam-1","token":"t0ken","expires":"2026-11-29T05:00:00Z"}"#;
    let ran = Session::new().run(
        &[
            "claim",
            "new",
            "--profile",
            "camera",
            "--ttl",
            "7d",
            "cam-1",
        ],
        [json(made)],
    );
    assert_eq!(ran.requests[0].line, "POST /api/v1/claims");
    assert_eq!(
        ran.requests[0].body,
        serde_json::json!({"serial":"cam-1","profile":"camera","ttl_s":604_800})
    );
    assert_eq!(
        ran.output,
        "serial   cam-1\ntoken    t0ken\nexpires  2026-11-29 05:00:00 UTC\n"
    );
    assert!(ran.aside.contains("shown only now"));
}

#[test]
fn a_services_key_goes_to_a_file_that_only_its_owner_reads() {
    let session = Session::new();
    let out = session.path("");
    let ran = session.run(
        &[
            "service",
            "new",
            "backend",
            "--subscribe",
            "d/+/up/#",
            "--out",
            &out,
        ],
        [json(ISSUED)],
    );
    assert_eq!(
        ran.requests[0].body,
        serde_json::json!({"name":"backend","publish":[],"subscribe":["d/+/up/#"]})
    );
    let key = fs::metadata(session.path("backend.key")).unwrap();
    assert_eq!(key.permissions().mode() & 0o777, 0o600);
    assert_eq!(
        fs::read_to_string(session.path("backend.key")).unwrap(),
        "KEY\n"
    );
    assert_eq!(
        fs::read_to_string(session.path("backend.pem")).unwrap(),
        "CERT\n"
    );
    assert!(!ran.output.contains("KEY"));
}

#[test]
fn a_key_is_not_asked_for_when_it_has_no_place_to_go() {
    let session = Session::new();
    session.write("backend.key", "precious");
    let out = session.path("");
    let ran = session.run(
        &["service", "new", "backend", "--publish", "x", "--out", &out],
        [],
    );
    assert_eq!(ran.code, ExitCode::from(1));
    assert!(ran.requests.is_empty());
    assert!(
        ran.aside.contains("move it away, or name another folder"),
        "{}",
        ran.aside
    );
    assert_eq!(
        fs::read_to_string(session.path("backend.key")).unwrap(),
        "precious"
    );
    assert!(!fs::exists(session.path("backend.pem")).unwrap());
}

#[test]
fn a_refused_service_leaves_no_file_behind() {
    let session = Session::new();
    let out = session.path("");
    let arguments = ["service", "new", "backend", "--publish", "x", "--out", &out];
    let ran = session.run(&arguments, [problem(409, "backend exists already.")]);
    assert_eq!(ran.code, ExitCode::from(1));
    assert!(!fs::exists(session.path("backend.key")).unwrap());
    assert!(!fs::exists(session.path("backend.pem")).unwrap());
}

#[test]
fn refuses_a_service_that_may_do_nothing() {
    let ran = Session::new().alone(&["service", "new", "backend"]);
    assert_eq!(ran.code, ExitCode::from(2));
    assert!(
        ran.aside.contains("--subscribe 'd/+/up/#'"),
        "{}",
        ran.aside
    );
}

#[test]
fn a_makers_ca_is_sent_as_it_stands_in_its_file() {
    let session = Session::new();
    session.write("acme.pem", "-----BEGIN CERTIFICATE-----\n");
    let added = r#"{"name":"acme","subject":"CN=Acme","fingerprint":"00","serial_prefix":"acme-",
        "not_after":"2036-01-01T00:00:00Z","entry":3}"#;
    let pem = session.path("acme.pem");
    let ran = session.run(
        &[
            "ca",
            "manufacturer",
            "add",
            "acme",
            &pem,
            "--serial-prefix",
            "acme-",
        ],
        [json(added)],
    );
    assert_eq!(
        ran.requests[0].body,
        serde_json::json!({"name":"acme","pem":"-----BEGIN CERTIFICATE-----\n","serial_prefix":"acme-"})
    );
    assert_eq!(
        ran.output,
        "IDevID certificates of CN=Acme are taken now, until 2036-01-01 00:00:00 UTC (journal entry \
         3)\n"
    );
}

#[test]
fn refuses_a_file_that_is_no_pem() {
    let session = Session::new();
    session.write("acme.der", "0\u{1}");
    let ran = session.run(
        &[
            "ca",
            "manufacturer",
            "add",
            "acme",
            &session.path("acme.der"),
        ],
        [],
    );
    assert!(ran.aside.contains("is no PEM file"), "{}", ran.aside);
    assert!(ran.requests.is_empty());
}

#[test]
fn removal_and_revocation_name_what_they_mean_in_the_path() {
    let ran = Session::new().run(
        &["ca", "manufacturer", "remove", "acme"],
        [json(r#"{"name":"acme","entry":4}"#)],
    );
    assert_eq!(ran.requests[0].line, "DELETE /api/v1/manufacturer-cas/acme");
    let ran = Session::new().run(
        &["service", "revoke", "backend"],
        [json(r#"{"name":"backend","entry":5,"sessions_cut":3}"#)],
    );
    assert_eq!(ran.requests[0].line, "DELETE /api/v1/services/backend");
    assert_eq!(
        ran.output,
        "backend is revoked; 3 of its sessions were cut (journal entry 5)\n"
    );
}
