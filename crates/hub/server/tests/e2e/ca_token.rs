//! The issuing CA's key on a PKCS#11 token: made there, used there, and what happens when the token is away.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use crate::ca_rotation::{RootKeeper, issuer_of, rotates_to, taken_from};
use crate::published_pki::{verified_by_crl, verified_by_list};
use crate::rig::{Hub, Identity, MODULE, Said, SoftHsm, openssl, until, up};

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

/// Takes the hub's root away from it.
fn exported(hub: &mut Hub, hsm: &SoftHsm) -> RootKeeper {
    hub.stop();
    let keeper = taken_from(hub);
    starts(hub, hsm);
    keeper
}

/// Gives the device a certificate from the CA of this moment.
fn renew(hub: &Hub, device: &Identity) {
    let answer = hub.renews(device);
    assert_eq!(answer.status, 200, "{answer:?}");
    device.take_certificate(&answer.body);
}

/// Retires the device, whose CA's list says so before long, and nothing else of `other`.
fn retire(hub: &Hub, device: &Identity, other: &Identity, list: &str) {
    hub.orders("retire", &device.id);
    until("it is on its CA's list", || {
        let said = verified_by_list(hub, device, list, &[]);
        said.contains("certificate revoked").then_some(())
    });
    assert!(verified_by_list(hub, other, list, &[]).contains(": OK"));
}

/// The token has these private keys and no others, and gives none of them out.
fn keeps(hub: &Hub, hsm: &SoftHsm, keys: &[&str]) {
    let listed = hsm.tool(&["--list-objects", "--type", "privkey"]).ok();
    let count = |part: &str| listed.matches(part).count();
    assert_eq!(count("Private Key Object"), keys.len(), "{listed}");
    let never = "sensitive, always sensitive, never extractable";
    assert_eq!(count(never), keys.len(), "{listed}");
    for key in keys {
        assert!(listed.contains(key), "{listed}");
        let out = hub.file("stolen");
        let read = ["--read-object", "--type", "privkey", "--label", key, "-o"];
        let said = hsm.tool(&[&read[..], &[out.to_str().unwrap()]].concat());
        assert!(fs::read(&out).unwrap_or_default().is_empty(), "{said:?}");
    }
}

/// The public key that a request is about.
fn key_in(hub: &Hub, csr: &str) -> String {
    let file = hub.file("asked.pem");
    fs::write(&file, csr).unwrap();
    openssl(&["req", "-in", file.to_str().unwrap(), "-noout", "-pubkey"])
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
    keeps(&hub, &hsm, &["issuing-1"]);
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
fn an_issuing_ca_is_rotated_on_its_token_and_devices_go_on() {
    let (mut hub, hsm) = hub_with_token();
    let keeper = exported(&mut hub, &hsm);
    let [cam, old, revoked] = ["cam-1", "cam-2", "cam-3"].map(|id| hub.device(id));
    let first_ca = issuer_of(&cam.certificate());
    let session = hub.mosquitto(&cam).subscribes("d/cam-1/down/#");
    hub.until_sessions("cam-1", 1);

    rotates_to(&hub, &keeper, &[]);
    assert_eq!(hub.sessions("cam-1"), 1, "{}", session.said());
    keeps(&hub, &hsm, &["issuing-1", "issuing-2"]);

    hub.mosquitto(&old).publishes("d/cam-2/up/t", "21").ok();
    renew(&hub, &cam);
    let second_ca = issuer_of(&cam.certificate());
    assert_ne!(second_ca, first_ca);
    let (new, new_revoked) = (hub.device("cam-4"), hub.device("cam-5"));
    assert_eq!(issuer_of(&new.certificate()), second_ca);
    retire(&hub, &revoked, &old, "/crl/1.crl");
    retire(&hub, &new_revoked, &new, "/crl/2.crl");
    drop(session);

    hub.stop();
    starts(&mut hub, &hsm);
    for device in [&cam, &old, &new] {
        let topic = format!("d/{}/up/t", device.id);
        hub.mosquitto(device).publishes(&topic, "22").ok();
    }
    assert_eq!(issuer_of(&hub.device("cam-6").certificate()), second_ca);
    // The first CA signs its lists as before.
    hub.orders("retire", &old.id);
    until("it is on a list that the first key signed", || {
        let said = verified_by_crl(&hub, &old, &[]);
        said.contains("certificate revoked").then_some(())
    });
}

#[test]
fn a_hub_moves_its_issuing_ca_to_a_token() {
    let mut hub = Hub::unstarted();
    let hsm = SoftHsm::new(hub.folder.path());
    starts(&mut hub, &hsm);
    let keeper = exported(&mut hub, &hsm);
    let (cam, old) = (hub.device("cam-1"), hub.device("cam-2"));
    let first_ca = issuer_of(&cam.certificate());

    // What was asked for before a token was named is asked for no more.
    let asked = |words: &[&str]| {
        let csr = hub.ironroot(&[&["ca", "request"], words].concat()).ok();
        key_in(&hub, &csr)
    };
    let sealed = asked(&[]);
    let uri = hsm.uri("plant");
    let on_token = asked(&["--ca-key", &uri]);
    assert_ne!(on_token, sealed);
    assert_eq!(asked(&["--ca-key", &uri]), on_token);
    assert_eq!(asked(&[]), on_token);
    keeps(&hub, &hsm, &["plant"]);
    rotates_to(&hub, &keeper, &[]);

    hub.mosquitto(&old).publishes("d/cam-2/up/t", "21").ok();
    renew(&hub, &cam);
    assert_ne!(issuer_of(&cam.certificate()), first_ca);
    hub.stop();
    hsm.unplug();
    let said = Said::of(hsm.at(&mut up(&hub.data)));
    assert!(said.err.contains("0 tokens are called \"ca\""), "{said:?}");
    hsm.plug_in();
    starts(&mut hub, &hsm);
    let new = hub.device("cam-3");
    assert_eq!(issuer_of(&new.certificate()), issuer_of(&cam.certificate()));
    retire(&hub, &new, &cam, "/crl/2.crl");

    // The one after it stays on the token.
    rotates_to(&hub, &keeper, &[]);
    keeps(&hub, &hsm, &["plant", "plant-3"]);
    renew(&hub, &cam);
    hub.mosquitto(&cam).publishes("d/cam-1/up/t", "21").ok();
}

#[test]
fn a_token_that_is_lost_is_made_good_by_a_new_ca_from_the_root_and_devices_go_on() {
    let (mut hub, hsm) = hub_with_token();
    let keeper = exported(&mut hub, &hsm);
    let (cam, old) = (hub.device("cam-1"), hub.device("cam-2"));
    let first_ca = issuer_of(&cam.certificate());
    let session = hub.mosquitto(&cam).subscribes("d/cam-1/down/#");
    hub.until_sessions("cam-1", 1);
    hsm.unplug();
    hub.refuses((503, "token does not sign"), || hub.renews(&cam));

    rotates_to(&hub, &keeper, &["--ca-key", "sealed"]);
    assert_eq!(hub.sessions("cam-1"), 1, "{}", session.said());
    renew(&hub, &cam);
    assert_ne!(issuer_of(&cam.certificate()), first_ca);
    drop(session);

    // The token never comes back.
    hub.stop();
    starts(&mut hub, &hsm);
    hub.mosquitto(&old).publishes("d/cam-2/up/t", "21").ok();
    hub.orders("quarantine", "cam-2");
    hub.orders("release", "cam-2");
    renew(&hub, &old);
    let new = hub.device("cam-3");
    assert_eq!(issuer_of(&new.certificate()), issuer_of(&cam.certificate()));
    retire(&hub, &new, &old, "/crl/2.crl");
    let log = hub.stop().said();
    assert!(log.contains("A former CA has no revocation lists"), "{log}");
    assert!(log.contains("A former CA has no OCSP responder"), "{log}");
}

#[test]
fn a_token_that_is_lost_while_the_hub_is_stopped_is_made_good_on_its_files() {
    let (mut hub, hsm) = hub_with_token();
    let keeper = exported(&mut hub, &hsm);
    let old = hub.device("cam-1");
    let request = ["ca", "request", "--stopped", "--ca-key", "sealed"];
    let said = hub.ironroot(&request);
    assert_eq!(said.code, 1, "a hub that is up holds its files: {said:?}");
    hub.stop();
    hsm.unplug();
    let said = Said::of(hsm.at(&mut up(&hub.data)));
    assert_eq!(said.code, 1, "{said:?}");

    let csr = hub.ironroot(&request).ok();
    let issuing = keeper.signs(&hub, &csr, &[]);
    let install = ["ca", "install", "--stopped", issuing.to_str().unwrap()];
    assert!(hub.ironroot(&install).ok().contains("Issuing CA 2"));
    starts(&mut hub, &hsm);
    hub.mosquitto(&old).publishes("d/cam-1/up/t", "21").ok();
    let first_ca = issuer_of(&old.certificate());
    renew(&hub, &old);
    assert_ne!(issuer_of(&old.certificate()), first_ca);
    let listed = hub.ironroot(&["journal", "list"]).ok();
    assert!(
        listed.contains("Issuing CA 2 was put into service"),
        "{listed}"
    );
    hub.stop();
    hub.ironroot(&["journal", "verify"]).ok();
}

#[test]
fn a_request_for_a_key_on_a_token_says_what_stands_in_its_way() {
    let (hub, hsm) = hub_with_token();
    let refused = |uri: &str, part: &str| {
        let said = hub.ironroot(&["ca", "request", "--ca-key", uri]);
        assert_eq!(said.code, 1, "{said:?}");
        assert!(said.err.contains(part), "{part:?} in {said:?}");
    };
    refused(
        &hsm.uri("issuing-1"),
        "has a key called \"issuing-1\" already",
    );
    refused("token", "`sealed`, or a PKCS#11 URI");
    let pin = format!("{}&pin-value=839215", hsm.uri("issuing-2"));
    refused(&pin, "a PIN never stands in a PKCS#11 URI");
    hsm.unplug();
    refused(&hsm.uri("issuing-2"), "0 tokens are called \"ca\"");
    hsm.plug_in();
    until("the token is found again", || {
        let said = hub.ironroot(&["ca", "request"]);
        (said.code == 0).then_some(())
    });
    keeps(&hub, &hsm, &["issuing-1", "issuing-2"]);
}

#[test]
fn attack_a_module_that_others_may_write_is_not_loaded_into_the_hub() {
    let (hub, hsm) = hub_with_token();
    let theirs = hub.file("theirs.so");
    fs::copy(MODULE, &theirs).unwrap();
    fs::set_permissions(&theirs, fs::Permissions::from_mode(0o666)).unwrap();
    let uri = hsm
        .uri("issuing-2")
        .replace(MODULE, theirs.to_str().unwrap());
    let said = hub.ironroot(&["ca", "request", "--ca-key", &uri]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("others may write"), "{said:?}");
    let maps = fs::read_to_string(format!("/proc/{}/maps", hub.running().id())).unwrap();
    assert!(!maps.contains("theirs.so"), "{maps}");
    keeps(&hub, &hsm, &["issuing-1"]);
}

#[test]
fn a_token_that_goes_away_stops_issuing_alone_and_is_used_again_when_it_is_back() {
    let (hub, hsm) = hub_with_token();
    let (device, retired) = (hub.device("cam-1"), hub.device("cam-3"));
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
    hub.orders("retire", &retired.id);
    until("a list was wanted, and not signed", || {
        let log = hub.running().said();
        log.contains("could not be signed").then_some(())
    });

    hsm.plug_in();
    until("it issues again", || {
        let answer = hub.enrols(&other, &token, &csr);
        (answer.status == 200).then_some(())
    });
    until("the status says so", || {
        let status = hub.ironroot(&["status"]).ok();
        (!status.contains("No certificate")).then_some(())
    });
    until("who was retired meanwhile is on the list", || {
        let said = verified_by_crl(&hub, &retired, &[]);
        said.contains("certificate revoked").then_some(())
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
