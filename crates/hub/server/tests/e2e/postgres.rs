//! The store in PostgreSQL: what the hub does while the database is away, and two hubs that want one store.

use std::fs;
use std::path::Path;

use ironroot_testkit::Postgres;

use crate::rig::{Hub, Running, Said, program, until, up};

#[test]
fn while_the_database_is_away_sessions_go_on_grants_shrink_and_nothing_widens() {
    let server = Postgres::start();
    let hub = Hub::with_store(&server.new_store());
    let (cam, other) = (hub.device("cam-1"), hub.device("cam-2"));
    let mut session = hub.mosquitto(&cam).subscribes("d/cam-1/down/#");
    hub.until_sessions("cam-1", 1);
    server.kill();

    // From memory: who was let in is, and talks.
    hub.mosquitto(&other).publishes("d/cam-2/up/t", "21").ok();
    let claim = hub.ironroot(&["claim", "new", "late", "--profile", "camera"]);
    assert_eq!(claim.code, 1, "{claim:?}");
    assert!(claim.err.contains("journal cannot append"), "{claim:?}");
    let renewal = hub.renews(&other);
    assert_eq!(renewal.status, 503, "{renewal:?}");

    // Every surface says so.
    let ready = hub.curl().words(&[&console(&hub, "readyz")]).call();
    assert_eq!(ready.status, 503, "{ready:?}");
    assert!(ready.body.contains("database"), "{ready:?}");
    let metrics = hub.curl().words(&[&console(&hub, "metrics")]).call();
    let line = "ironroot_journal_appending 0";
    assert!(metrics.body.contains(line), "{metrics:?}");
    let status = hub.ironroot(&["status"]).ok();
    assert!(status.contains("takes no writes"), "{status}");

    // An order that shrinks is obeyed all the same, and recorded when the database is back.
    let held = hub.ironroot(&["device", "quarantine", "cam-1", "--why", "odd traffic"]);
    assert!(held.err.contains("am-1 is cut off"), "{held:?}");
    session.says("Received DISCONNECT (135)");
    session.ends();

    server.starts();
    hub.is_well();
    let newest = &hub.json(&["journal", "list", "--device", "cam-1"])["items"][0];
    assert_eq!(newest["kind"], "device.quarantined", "{newest:#}");
    assert_eq!(hub.renews(&other).status, 200);
    hub.verifies();
}

fn console(hub: &Hub, page: &str) -> String {
    format!("{}/{page}", hub.url("console"))
}

#[test]
fn a_second_hub_is_refused_and_takes_over_from_one_that_sleeps_which_never_writes_again() {
    let server = Postgres::shared();
    let url = format!("{}&lease_s=3", server.new_store());
    let hub = Hub::with_store(&url);
    hub.claim("cam-1");
    let second = Hub::unstarted();
    Said::of(
        program("cp")
            .arg("-r")
            .arg(hub.data.join("."))
            .arg(&second.data),
    )
    .ok();
    let refused = Said::of(up(&second.data).args(["--store", &url]));
    assert_eq!(refused.code, 1, "{refused:?}");
    for word in ["another hub has it open", "stop that one"] {
        assert!(refused.err.contains(word), "{refused:?}");
    }
    hub.claim("cam-2");

    hub.running().pause();
    let second = until("the lease ends", || takes_over(&second.data, &url));
    hub.running().resume();
    hub.logs("Another hub has taken over this store");
    let refused = hub.ironroot(&["claim", "new", "cam-3", "--profile", "camera"]);
    assert_eq!(refused.code, 1, "{refused:?}");
    let status = hub.ironroot(&["status"]).ok();
    assert!(status.contains("another hub"), "{status}");
    drop(second);
    let verified = Said::of(
        program(crate::rig::IRONROOT)
            .args(["journal", "rebuild", "--store", &url])
            .arg("--data")
            .arg(&hub.data),
    );
    assert!(verified.ok().contains("It is what it was before."));
}

/// A hub on this store, unless another has it.
fn takes_over(data: &Path, url: &str) -> Option<Running> {
    let start = Running::start(up(data).args(["--store", url]));
    let is_up = until("it starts or refuses", || {
        let said = start.said();
        let is_up = said.contains("Ironroot is up.");
        (is_up || said.contains("ironroot: ")).then_some(is_up)
    });
    is_up.then_some(start)
}

#[test]
fn refuses_to_make_a_new_ca_when_the_journal_is_in_postgresql() {
    let server = Postgres::shared();
    let mut hub = Hub::with_store(&server.new_store());
    hub.stop();
    let (keys, away) = (hub.data.join("keys"), hub.file("keys"));
    fs::rename(&keys, &away).unwrap();
    let refused = Said::of(&mut hub.up());
    assert_eq!(refused.code, 1, "{refused:?}");
    assert!(refused.err.contains("holds no CA"), "{refused:?}");
    fs::remove_dir_all(&keys).unwrap_or_default();
    fs::rename(away, keys).unwrap();
    hub.starts();
}

#[test]
fn refuses_a_database_that_is_not_there_and_says_which() {
    let hub = Hub::unstarted();
    let url = "postgres://hub:s3cret@127.0.0.1:9/fleet";
    let refused = Said::of(up(&hub.data).args(["--store", url]));
    assert_eq!(refused.code, 1, "{refused:?}");
    let said = "the store postgres://hub@127.0.0.1:9/fleet cannot be opened";
    assert!(refused.err.contains(said), "{refused:?}");
    assert!(!refused.err.contains("s3cret"), "{refused:?}");
}
