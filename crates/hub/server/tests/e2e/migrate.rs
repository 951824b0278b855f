//! A hub whose store moves into another database: its devices notice nothing.

use std::fs;

use ironroot_registry::{Fact, TokenIssued};
use ironroot_server::storage::{Parts, StoreUrl};
use ironroot_store::{CHANGE_ENTRIES_MAX, Change};
use ironroot_testkit::Postgres;

use crate::rig::{Hub, IRONROOT, Identity, Running, program, until, up};

fn sqlite(hub: &Hub, name: &str) -> String {
    format!("sqlite:{}", hub.file(name).display())
}

/// Moves the store of the stopped hub from one database to another, and shows that the hub goes on there:
/// nobody enrols again, and the journal holds.
fn moves_and_goes_on(hub: &mut Hub, from: Option<&str>, to: &str, device: &Identity) {
    let from: Vec<&str> = from.iter().flat_map(|from| ["--from", from]).collect();
    let words = [&["store", "migrate", "--to", to], from.as_slice()].concat();
    let said = hub.ironroot(&words).ok();
    assert!(
        said.contains("The state made from them is what it was"),
        "{said}"
    );
    hub.starts_as(up(&hub.data.clone()).args(["--store", to]));
    hub.mosquitto(device).publishes("d/cam-1/up/t", "21").ok();
    assert_eq!(hub.renews(device).status, 200);
    assert_eq!(hub.lifecycle("cam-2"), "quarantined");
    let after = format!("after-{}", hub.entries());
    hub.claim(&after);
    hub.orders("retire", &after);
    hub.stop();
    let verified = hub.ironroot(&["journal", "verify", "--store", to]).ok();
    assert!(verified.contains(", 0 wait for the next"), "{verified}");
}

/// A stopped hub with some history, and a device of it.
fn stopped() -> (Hub, Identity) {
    let mut hub = Hub::start();
    let device = hub.device("cam-1");
    hub.device("cam-2");
    hub.orders("quarantine", "cam-2");
    hub.stop();
    (hub, device)
}

#[test]
fn a_store_moves_to_another_file_and_the_hub_goes_on_there() {
    let (mut hub, device) = stopped();
    let to = sqlite(&hub, "elsewhere.sqlite");
    moves_and_goes_on(&mut hub, None, &to, &device);

    // The store that was left behind is not taken for the hub's again.
    let mut left = Running::start(&mut up(&hub.data));
    assert!(!left.ends().success());
    left.says("does not go on where the signed journal ends");
}

#[test]
fn a_store_moves_to_postgresql_and_back_and_the_hub_goes_on_there() {
    let (mut hub, device) = stopped();
    let server = Postgres::shared();
    let postgres = server.new_store();
    moves_and_goes_on(&mut hub, None, &postgres, &device);
    let back = sqlite(&hub, "back.sqlite");
    moves_and_goes_on(&mut hub, Some(&postgres), &back, &device);
}

#[test]
fn refuses_to_move_into_a_store_with_anything_in_it() {
    let (hub, _) = stopped();
    let (other, _) = stopped();
    let to = format!("sqlite:{}", other.data.join("store.sqlite").display());
    let before = fs::read(other.data.join("store.sqlite")).unwrap();
    let said = hub.ironroot(&["store", "migrate", "--to", &to]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("not empty"), "{said:?}");
    assert!(fs::read(other.data.join("store.sqlite")).unwrap() == before);
    let own = format!("sqlite:{}", hub.data.join("store.sqlite").display());
    let said = hub.ironroot(&["store", "migrate", "--to", &own]);
    assert!(said.err.contains("the same store"), "{said:?}");
}

#[test]
fn refuses_to_move_the_store_of_a_running_hub() {
    let hub = Hub::start();
    let to = sqlite(&hub, "elsewhere.sqlite");
    let said = hub.ironroot(&["store", "migrate", "--to", &to]);
    assert_eq!(said.code, 1, "{said:?}");
    assert!(said.err.contains("another hub has it open"), "{said:?}");
    assert!(!hub.file("elsewhere.sqlite").exists());
}

/// Appends more entries to the store of a stopped hub than are copied in a moment.
fn fill(hub: &Hub) {
    let store = StoreUrl::default_in(&hub.data)
        .open(Parts::offline())
        .unwrap();
    let fact = Fact::from(TokenIssued {
        name: "filler".to_owned(),
        by: None,
    });
    let draft = fact.draft().unwrap();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        for _ in 0..100 {
            let entries = vec![draft.clone(); CHANGE_ENTRIES_MAX];
            let change = Change {
                entries,
                ..Change::default()
            };
            store.commit(change).await.unwrap();
        }
    });
}

#[test]
fn a_move_killed_on_its_way_leaves_the_store_alone_and_the_other_unfinished() {
    let (mut hub, device) = stopped();
    fill(&hub);
    let (source, target_log) = (
        hub.data.join("store.sqlite"),
        hub.file("elsewhere.sqlite-wal"),
    );
    let before = fs::read(&source).unwrap();
    let to = sqlite(&hub, "elsewhere.sqlite");
    let mut migrate = program(IRONROOT);
    migrate
        .args(["store", "migrate", "--to", &to, "--data"])
        .arg(&hub.data);
    let moving = Running::start(&mut migrate);
    let copied = || fs::metadata(&target_log).is_ok_and(|file| file.len() > 1 << 19);
    until("some of it was copied", || copied().then_some(()));
    moving.kill();

    let mut unfinished = Running::start(up(&hub.data).args(["--store", &to]));
    assert!(!unfinished.ends().success());
    unfinished.says("is not whole");
    let entries = |file: &[u8]| {
        file.windows(12)
            .filter(|part| part == b"token.issued")
            .count()
    };
    assert_eq!(entries(&fs::read(&source).unwrap()), entries(&before));
    hub.starts();
    hub.mosquitto(&device).publishes("d/cam-1/up/t", "20").ok();
    hub.stop();
    moves_and_goes_on(&mut hub, None, &to, &device);
}
