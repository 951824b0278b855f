//! The API's token changed for a new one: what the old one and the sessions of the console are worth then.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::rig::Hub;

#[test]
fn a_new_token_voids_the_old_one_and_every_way_into_the_console_at_once() {
    let mut hub = Hub::start();
    let file = hub.data.join("admin.token");
    let old = fs::read_to_string(&file).unwrap();
    let link = hub.json(&["sign-in"])["url"].as_str().unwrap().to_owned();
    let new = hub.json(&["token", "rotate"])["token"]
        .as_str()
        .unwrap()
        .to_owned();
    assert_eq!(fs::read_to_string(&file).unwrap().trim(), new);
    assert_eq!(
        fs::metadata(&file).unwrap().permissions().mode() & 0o777,
        0o600
    );
    let status = |token: &str| {
        let bearer = format!("Authorization: Bearer {}", token.trim());
        let url = format!("{}/api/v1/status", hub.url("console"));
        hub.curl().words(&["-H", &bearer, &url]).call().status
    };
    assert_eq!((status(&old), status(&new)), (401, 200));
    let spent = hub.curl().words(&[&link]).call();
    assert!(spent.header("set-cookie").is_empty(), "{spent:?}");
    let journal = hub.ironroot(&["journal", "list"]).ok();
    assert_eq!(
        journal.matches("A token was issued to admin").count(),
        2,
        "{journal}"
    );
    hub.stop();
    hub.starts();
    hub.claim("cam-1");
    assert_eq!(fs::read_to_string(&file).unwrap().trim(), new);
}
