//! The doors as doors: which TLS they speak, how many they let in, and what they say when they close.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::rig::{Hub, Identity, Running, Said, Socket, program, until};

#[test]
fn an_old_device_enrols_and_renews_over_tls_1_2() {
    let hub = Hub::start();
    let token = hub.claim("cam-1");
    let device = Identity::with_new_key(hub.folder.path(), "cam-1");
    let old = ["--tls-max", "1.2"];
    let credentials = format!("cam-1:{token}");
    let enrol = hub.curl().est("simpleenroll", &device.csr("/CN=cam-1"));
    let answer = enrol.words(&["-u", &credentials]).words(&old).call();
    assert_eq!(answer.status, 200, "{answer:?}");
    device.take_certificate(&answer.body);
    let renew = hub
        .curl()
        .as_(&device)
        .est("simplereenroll", &device.renewal());
    assert_eq!(renew.words(&old).call().status, 200);
}

#[test]
fn attack_a_client_of_tls_1_2_without_forward_secrecy_or_an_aead_is_refused() {
    let hub = Hub::start();
    for ciphers in [
        "AES128-GCM-SHA256",
        "ECDHE-ECDSA-AES128-SHA256",
        "ECDHE-ECDSA-AES256-SHA",
    ] {
        let old = ["--tls-max", "1.2", "--ciphers", ciphers];
        assert_eq!(
            hub.curl().est_get("cacerts").words(&old).call().status,
            0,
            "{ciphers}"
        );
    }
    let older = ["--tls-max", "1.1", "--ciphers", "DEFAULT:@SECLEVEL=0"];
    assert_eq!(hub.curl().est_get("cacerts").words(&older).call().status, 0);
    assert_eq!(hub.curl().est_get("cacerts").call().status, 200);
}

#[test]
fn the_mqtt_door_speaks_tls_1_2_only_where_the_settings_say_so() {
    for (settings, spoken) in [("", false), ("[mqtt]\ntls12 = true\n", true)] {
        let hub = Hub::with(settings);
        let cam = hub.device("cam-1");
        assert_eq!(shakes_hands(&hub, &cam, "-tls1_2"), spoken, "{settings:?}");
        assert!(shakes_hands(&hub, &cam, "-tls1_3"), "{settings:?}");
    }
}

/// Whether openssl comes to an end of the handshake at the MQTT door.
fn s_client(hub: &Hub, who: &Identity, version: &str) -> Command {
    let door = format!("localhost:{}", hub.port("mqtt"));
    let mut client = program("openssl");
    client.args([
        "s_client",
        version,
        "-verify_return_error",
        "-connect",
        &door,
    ]);
    client.arg("-CAfile").arg(hub.ca());
    client
        .arg("-cert")
        .arg(who.certificate())
        .arg("-key")
        .arg(who.key());
    client
}

fn shakes_hands(hub: &Hub, who: &Identity, version: &str) -> bool {
    let said = Said::of(&mut s_client(hub, who, version));
    assert_eq!(said.out.contains("New, TLSv1"), said.code == 0, "{said:?}");
    said.code == 0
}

/// Few places, and nobody is sent away for being slow.
const FEW: &str = "
    [console]
    head_timeout_s = 3600
    admission = { connections_per_source_max = 3 }
    [pki]
    head_timeout_s = 3600
    admission = { connections_per_source_max = 3 }
    [device]
    handshake_timeout_s = 3600
    admission = { connections_per_source_max = 3 }
    [mqtt]
    handshake_timeout_s = 3600
    admission = { connections_per_source_max = 3 }
";

#[test]
fn attack_one_source_cannot_take_all_the_places_of_a_door() {
    let hub = Hub::with(FEW);
    for door in ["console", "pki", "device", "mqtt"] {
        let held: Vec<_> = (0..3).map(|_| Socket::plain(&hub, door)).collect();
        assert!(Socket::plain(&hub, door).gets_all().is_empty(), "{door}");
        drop(held);
    }
    // The places are free again as soon as the hub has seen that they are.
    let cam = until("the doors are open again", || {
        let claim = hub.ironroot(&["claim", "new", "cam-1", "--profile", "camera", "--json"]);
        let claim: serde_json::Value = serde_json::from_str(&claim.out).ok()?;
        let device = Identity::with_new_key(hub.folder.path(), "cam-1");
        let token = claim["token"].as_str()?;
        let answer = hub.enrols(&device, token, &device.csr("/CN=cam-1"));
        (answer.status == 200).then(|| device.take_certificate(&answer.body))?;
        Some(device)
    });
    until("the MQTT door is open again", || {
        let said = hub.mosquitto(&cam).publishes("d/cam-1/up/t", "21");
        (said.code == 0).then_some(())
    });
}

#[test]
fn attack_a_certificate_made_with_a_stolen_ca_key_is_refused_for_it_is_not_on_record() {
    let mut hub = Hub::start();
    let cam = hub.device("cam-1");
    hub.stop();
    let thief = Hub::on_a_copy_of(&hub);
    hub.starts();
    let answer = thief.renews(&cam);
    assert_eq!(answer.status, 200, "{answer:?}");
    cam.take_certificate(&answer.body);
    thief
        .mosquitto(&cam)
        .publishes("d/cam-1/up/t", "stolen")
        .ok();

    let refused = hub.mosquitto(&cam).publishes("d/cam-1/up/t", "stolen");
    assert_ne!(refused.code, 0, "{refused:?}");
    assert!(hub.logs("A handshake failed.").contains("NotOnRecord"));
    assert_eq!(hub.renews(&cam).status, 0);
}

#[test]
fn a_hub_that_stops_tells_its_sessions_and_ends_well() {
    let mut hub = Hub::start();
    let cam = hub.device("cam-1");
    let session = hub.mosquitto(&cam).subscribes("d/cam-1/down/#");
    let stopped = hub.stop();
    stopped.says("The hub is shutting down.");
    // MQTT 5 section 3.14.2.1: server shutting down.
    session.says("Received DISCONNECT (139)");
    assert!(!stopped.said().contains("ERROR"), "{}", stopped.said());
}

#[test]
fn attack_a_client_of_tls_1_2_cannot_shake_hands_again() {
    let hub = Hub::with("[mqtt]\ntls12 = true\n");
    let cam = hub.device("cam-1");
    let mut client = s_client(&hub, &cam, "-tls1_2");
    let mut client = Running::start(client.stdin(Stdio::piped()));
    client.says("Verify return code: 0 (ok)");
    // It takes this as an order to renegotiate.
    let mut orders = client.stdin();
    orders.write_all(b"R\n").unwrap();
    client.says("no renegotiation");
}
