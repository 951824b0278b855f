//! Starts that are refused: each says on one last line what is wrong and what to do, and ends with 1.

use std::fs;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::Command;

use crate::rig::{Hub, Place, Said, up, up_at};

/// Starts a hub on `place`, and shows that it is refused in these words.
fn refuses(place: &Place, words: &[&str]) {
    refuses_start(&mut up(&place.data), words);
}

fn refuses_start(start: &mut Command, words: &[&str]) {
    let said = Said::of(start);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(!said.out.contains("Ironroot is up."), "{said:?}");
    let last = said.err.split("ironroot: ").last().unwrap();
    for word in words {
        assert!(last.contains(word), "{word:?} in {last:?}");
    }
}

/// A hub that has run once, with something enrolled, and has stopped.
fn stopped() -> Hub {
    let mut hub = Hub::start();
    hub.device("cam-1");
    hub.stop();
    hub
}

/// Shows that the hub is as it was, once its owner has put things right.
fn starts_again(hub: &mut Hub) {
    hub.starts();
    assert_eq!(hub.lifecycle("cam-1"), "enrolled");
}

fn seal_key(place: &Place) -> PathBuf {
    place.data.join("keys/seal.key")
}

#[test]
fn refuses_to_start_without_the_sealing_key() {
    let mut hub = stopped();
    let away = hub.file("seal.key");
    fs::rename(seal_key(&hub), &away).unwrap();
    refuses(&hub, &["seal.key is missing", "put it back", "--seal-key"]);
    assert!(
        !seal_key(&hub).exists(),
        "a new key would make the old keys useless"
    );
    fs::rename(away, seal_key(&hub)).unwrap();
    starts_again(&mut hub);
}

#[test]
fn refuses_to_make_a_new_ca_for_a_hub_that_had_one() {
    let mut hub = stopped();
    let (issuing, away) = (
        seal_key(&hub).with_file_name("issuing-ca.sealed"),
        hub.file("issuing-ca.sealed"),
    );
    fs::rename(&issuing, &away).unwrap();
    refuses(&hub, &["holds no CA", "from a backup"]);
    assert!(!issuing.exists(), "with a new CA every device is shut out");
    fs::rename(away, issuing).unwrap();
    starts_again(&mut hub);
}

#[test]
fn refuses_to_start_with_the_wrong_sealing_key() {
    let mut hub = stopped();
    let right = fs::read(seal_key(&hub)).unwrap();
    let other = Hub::start();
    fs::copy(seal_key(&other), seal_key(&hub)).unwrap();
    refuses(&hub, &["seal.key gives sealing key", "put that one back"]);
    fs::write(seal_key(&hub), "not a key\n").unwrap();
    refuses(
        &hub,
        &["seal.key is no key file", "restore it from a backup"],
    );
    fs::write(seal_key(&hub), right).unwrap();
    starts_again(&mut hub);
}

#[test]
fn refuses_a_sealing_key_that_others_may_read() {
    use std::os::unix::fs::PermissionsExt;
    let mut hub = stopped();
    let mode =
        |mode| fs::set_permissions(seal_key(&hub), fs::Permissions::from_mode(mode)).unwrap();
    mode(0o640);
    refuses(&hub, &["has mode 0640", "chmod 600"]);
    mode(0o600);
    starts_again(&mut hub);
}

#[test]
fn refuses_faulty_profiles_and_names_each() {
    let mut hub = stopped();
    let profile = |name: &str| hub.data.join("profiles").join(name);
    let camera = fs::read_to_string(profile("camera.toml")).unwrap();
    fs::write(
        profile("camera.toml"),
        camera.replace("[topics]", "[topcis]"),
    )
    .unwrap();
    fs::write(profile("drone.toml"), "name = ").unwrap();
    refuses(&hub, &["camera.toml", "topcis", "drone.toml"]);
    fs::write(profile("camera.toml"), &camera).unwrap();
    fs::write(profile("drone.toml"), &camera).unwrap();
    refuses(&hub, &["drone.toml is named \"camera\" inside", "rename"]);
    fs::remove_file(profile("drone.toml")).unwrap();
    starts_again(&mut hub);
}

#[test]
fn refuses_faulty_settings_and_names_each() {
    let place = Place::new();
    let settings = place.data.join("ironroot.toml");
    for (text, words) in [
        ("[mqtt\n", ["ironroot.toml", ""]),
        ("[mqtt]\ntls1_2 = true\n", ["mqtt", "tls1_2"]),
        (
            "[device]\nhead_timeout_s = \"soon\"\n",
            ["device.head_timeout_s", ""],
        ),
        ("[hub]\nnames = [\"no host\"]\n", ["hub.names", "no host"]),
    ] {
        fs::write(&settings, text).unwrap();
        refuses(&place, &words);
    }
    let mut several = up_at(&place.data, "console", "192.0.2.1:0");
    several.args(["--store", "floppy", "--settings", "/nowhere"]);
    refuses_start(
        &mut several,
        &["loopback address", "write sqlite:FILE", "/nowhere"],
    );
    assert!(!place.data.join("store.sqlite").exists());
}

#[test]
fn check_settings_prints_what_up_would_take_and_refuses_what_it_would_refuse() {
    let place = Place::new();
    let settings = place.data.join("ironroot.toml");
    fs::write(&settings, "[mqtt]\ntls12 = true\n").unwrap();
    let printed = place.ironroot(&["check-settings"]).ok();
    assert!(printed.contains("tls12: true"), "{printed}");
    fs::write(&settings, "[mqtt]\ntls12 = 1\n").unwrap();
    let refused = place.ironroot(&["check-settings"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("mqtt.tls12"), "{refused:?}");
}

#[test]
fn refuses_a_second_hub_on_the_same_data_and_leaves_the_first_alone() {
    let hub = Hub::start();
    let addresses = hub.url("console");
    refuses(&hub, &["store.sqlite", "another hub"]);
    assert_eq!(hub.url("console"), addresses);
    hub.device("cam-1");
}

#[test]
fn refuses_a_port_that_is_taken_and_says_whose_door() {
    let place = Place::new();
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    for door in ["console", "mqtt", "device", "pki"] {
        let name = format!("the {door} door");
        refuses_start(
            &mut up_at(&place.data, door, &address),
            &[&name, &address, "another hub"],
        );
    }
    assert!(
        !place.data.join("keys").exists(),
        "nothing is made before the doors are free"
    );
}

#[test]
fn refuses_a_store_that_is_none() {
    let hub = stopped();
    let store = hub.data.join("store.sqlite");
    fs::write(&store, "this is no database").unwrap();
    refuses(&hub, &["store.sqlite"]);
    let other = hub.file("other.sqlite");
    rusqlite::Connection::open(&other)
        .unwrap()
        .execute_batch("CREATE TABLE notes (text)")
        .unwrap();
    let url = format!("sqlite:{}", other.display());
    refuses_start(
        up(&hub.data).args(["--store", &url]),
        &["no store of Ironroot"],
    );
}

#[test]
fn refuses_a_damaged_row_and_starts_again_after_rebuild() {
    let mut hub = stopped();
    let store = rusqlite::Connection::open(hub.data.join("store.sqlite")).unwrap();
    let damaged = store
        .execute("UPDATE state SET value = x'7b' WHERE key = 'cam-1'", [])
        .unwrap();
    assert_eq!(damaged, 1);
    drop(store);
    refuses(&hub, &["ironroot journal rebuild"]);
    assert_eq!(hub.ironroot(&["journal", "verify"]).code, 1);
    hub.ironroot(&["journal", "rebuild"]).ok();
    hub.ironroot(&["journal", "verify"]).ok();
    starts_again(&mut hub);
}
