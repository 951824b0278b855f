//! The issuing CA's key on a PKCS#11 token: made there, used there, and what happens when the token is away.

use std::fs;

use crate::published_pki::verified_by_crl;
use crate::rig::{Hub, Identity, Said, SoftHsm, until, up};

/// A hub whose first start made its issuing key on a token.
fn hub_with_token() -> (Hub, SoftHsm) {
    let mut hub = Hub::unstarted();
    let hsm = SoftHsm::new(hub.folder.path());
    hub.starts_as(hsm.at(up(&hub.data).args(["--ca-key", &hsm.uri("issuing-1")])));
    (hub, hsm)
}

fn starts(hub: &mut Hub, hsm: &SoftHsm) {
    hub.starts_as(hsm.at(&mut up(&hub.data)));
}

#[test]
fn a_hub_issues_with_a_key_that_never_leaves_its_token() {
    let (mut hub, hsm) = hub_with_token();
    let device = hub.device("cam-1");
    let service = hub.service("backend");
    hub.mosquitto(&device).publishes("d/cam-1/up/x", "21").ok();
    hub.mosquitto(&service)
        .publishes("d/cam-1/down/x", "21")
        .ok();
    let key = hsm.tool(&["--list-objects", "--type", "privkey"]).ok();
    assert!(key.contains("issuing-1"), "{key}");
    assert!(
        key.contains("sensitive, always sensitive, never extractable"),
        "{key}"
    );
    let out = hub.file("stolen");
    let read = [
        "--read-object",
        "--type",
        "privkey",
        "--label",
        "issuing-1",
        "-o",
    ];
    let said = hsm.tool(&[&read[..], &[out.to_str().unwrap()]].concat());
    assert!(fs::read(&out).unwrap_or_default().is_empty(), "{said:?}");
    hub.stop();
    starts(&mut hub, &hsm);
    assert_eq!(hub.renews(&device).status, 200);
    assert!(verified_by_crl(&hub, &device, &[]).contains(": OK"));
    hub.orders("retire", "cam-1");
    until("it is on a list that the token signed", || {
        let said = verified_by_crl(&hub, &device, &[]);
        said.contains("certificate revoked").then_some(())
    });
}

#[test]
fn a_token_that_goes_away_stops_issuing_alone_and_is_used_again_when_it_is_back() {
    let (hub, hsm) = hub_with_token();
    let device = hub.device("cam-1");
    let session = hub.mosquitto(&device).subscribes("d/cam-1/down/#");
    hub.until_sessions("cam-1", 1);
    hsm.unplug();

    let token = hub.claim("cam-2");
    let other = Identity::with_new_key(hub.folder.path(), "cam-2");
    let csr = other.csr("/CN=cam-2");
    let answer = hub.refuses((503, "token does not sign"), || {
        hub.enrols(&other, &token, &csr)
    });
    assert!(!answer.header("retry-after").is_empty(), "{answer:?}");
    let refused = hub.ironroot(&["service", "new", "late", "--publish", "d/+/down/#"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    until("the status says it", || {
        let status = hub.ironroot(&["status"]).ok();
        status
            .contains("No certificate is issued, since the issuing CA's token does not sign")
            .then_some(())
    });
    let metrics = hub
        .curl()
        .words(&[&format!("{}/metrics", hub.url("console"))])
        .call();
    assert!(
        metrics.body.contains("{chore=\"ca_token\"} 0"),
        "{metrics:?}"
    );

    // Everything else goes on: messages, orders, cuts.
    hub.mosquitto(&device).publishes("d/cam-1/up/x", "21").ok();
    hub.orders("quarantine", "cam-1");
    hub.until_sessions("cam-1", 0);
    drop(session);
    hub.orders("release", "cam-1");

    hsm.plug_in();
    until("it issues again", || {
        let answer = hub.enrols(&other, &token, &csr);
        (answer.status == 200).then_some(())
    });
    until("the status says so", || {
        let status = hub.ironroot(&["status"]).ok();
        (!status.contains("No certificate")).then_some(())
    });
}

#[test]
fn a_start_without_the_token_says_what_is_missing() {
    let (mut hub, hsm) = hub_with_token();
    hub.stop();
    hsm.unplug();
    let said = Said::of(hsm.at(&mut up(&hub.data)));
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("0 tokens are called \"ca\""), "{said:?}");
    hsm.plug_in();
    starts(&mut hub, &hsm);
}

#[test]
fn refuses_a_pin_on_the_command_line_and_in_the_settings() {
    let hub = Hub::unstarted();
    let hsm = SoftHsm::new(hub.folder.path());
    let uri = format!("{}&pin-value=839215", hsm.uri("issuing-1"));
    let said = Said::of(hsm.at(up(&hub.data).args(["--ca-key", &uri])));
    assert_eq!(said.code, 2, "{said:?}");
    assert!(
        said.err.contains("a PIN never stands in a PKCS#11 URI"),
        "{said:?}"
    );
    hub.set(&format!("[keys]\nca_key = \"{uri}\"\n"));
    let said = Said::of(hsm.at(&mut up(&hub.data)));
    assert_eq!(said.code, 1, "{said:?}");
    assert!(
        said.err.contains("keys.ca_key: a PIN never stands"),
        "{said:?}"
    );
}

#[test]
fn the_pin_stands_in_no_log_no_file_and_no_argument() {
    let mut hub = Hub::unstarted();
    let hsm = SoftHsm::new(hub.folder.path());
    let mut start = up(&hub.data);
    start
        .env("RUST_LOG", "trace")
        .args(["--ca-key", &hsm.uri("issuing-1")]);
    hub.starts_as(hsm.at(&mut start));
    hub.device("cam-1");
    let pin = fs::read_to_string(hsm.pin()).unwrap();
    let arguments = format!("/proc/{}/cmdline", hub.running().id());
    assert!(!fs::read_to_string(arguments).unwrap().contains(pin.trim()));
    let log = hub.stop().said();
    assert!(!log.contains(pin.trim()), "the PIN stands in the log");
}
