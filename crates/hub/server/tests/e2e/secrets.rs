//! Secrets stay where they belong: not in the log, not in the journal, not in files that others may read.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::rig::{Hub, Identity, up};

/// A hub that says all it can say, after a day's work; and the secrets that were part of it.
fn after_a_days_work() -> (Hub, Vec<(&'static str, String)>) {
    let mut hub = Hub::start();
    hub.stop();
    hub.starts_as(up(&hub.data).env("RUST_LOG", "trace"));
    let used = hub.claim("cam-1");
    let unused = hub.claim("cam-2");
    let device = Identity::with_new_key(hub.folder.path(), "cam-1");
    let csr = device.csr("/CN=cam-1");
    assert_eq!(hub.enrols(&device, &unused, &csr).status, 401);
    assert_eq!(hub.enrols(&device, &used, &csr).status, 200);
    let service = hub.service("backend");
    hub.mosquitto(&service)
        .publishes("d/cam-1/down/x", "21")
        .ok();
    let admin = fs::read_to_string(hub.data.join("admin.token")).unwrap();
    let seal = fs::read_to_string(hub.data.join("keys/seal.key")).unwrap();
    let link = hub.json(&["sign-in"])["url"].as_str().unwrap().to_owned();
    let key = fs::read_to_string(service.key()).unwrap();
    let secrets = vec![
        ("a token that was used", used),
        ("a token that was not", unused),
        ("the administrator's token", admin.trim().to_owned()),
        ("the sealing key", seal.trim().to_owned()),
        ("a service's key", key.lines().nth(1).unwrap().to_owned()),
        (
            "a sign-in link",
            link.split_once("key=").unwrap().1.to_owned(),
        ),
    ];
    (hub, secrets)
}

/// Every file below a folder.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    entries
        .flat_map(|path| {
            if path.is_dir() {
                files(&path)
            } else {
                vec![path]
            }
        })
        .collect()
}

#[test]
fn no_secret_stands_in_the_log_not_even_at_its_most_talkative() {
    let (mut hub, secrets) = after_a_days_work();
    let log = hub.stop().said();
    assert!(log.contains("An enrolment was refused."), "{log}");
    for (whose, secret) in secrets {
        assert!(!log.contains(&secret), "{whose} stands in the log");
    }
}

#[test]
fn no_secret_stands_in_a_file_but_the_two_that_are_for_it() {
    let (mut hub, secrets) = after_a_days_work();
    hub.stop();
    for path in files(&hub.data) {
        let name = path.file_name().unwrap().to_str().unwrap();
        let content = fs::read(&path).unwrap();
        for (whose, secret) in &secrets {
            let found = content
                .windows(secret.len())
                .any(|part| part == secret.as_bytes());
            let belongs = matches!(
                (name, *whose),
                ("admin.token", "the administrator's token") | ("seal.key", "the sealing key")
            );
            assert_eq!(found, belongs, "{whose} in {}", path.display());
        }
    }
}

#[test]
fn nobody_but_the_owner_may_read_keys_tokens_and_the_store() {
    let hub = Hub::start();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    for private in ["admin.token", "store.sqlite", "keys/seal.key"] {
        assert_eq!(mode(&hub.data.join(private)), 0o600, "{private}");
    }
    for path in files(&hub.data.join("keys")) {
        assert_eq!(mode(&path), 0o600, "{}", path.display());
    }
    assert_eq!(mode(&hub.data.join("keys")), 0o700);
}
