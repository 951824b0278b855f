//! Segments of a running hub moved to an archive, which stay provable; and the hub killed at every step of it.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use ironroot_archive::SEGMENT_SIZE;
use ironroot_machine::SystemClock;
use ironroot_registry::{Fact, Fold, Registry, TokenIssued};
use ironroot_store::{Change, Store};
use ironroot_store_sqlite::{Settings, SqliteStore};

use crate::rig::{Hub, until};

/// A hub that has recorded somewhat more than a segment, is down, and has an archive in its settings.
struct Scene {
    hub: Hub,
    archive: PathBuf,
}

fn scene() -> Scene {
    let mut hub = Hub::start();
    hub.device("cam-1");
    hub.orders("quarantine", "cam-1");
    hub.stop();
    fill(&hub.data.join("store.sqlite"));
    let archive = hub.data.join("../archive");
    fs::create_dir(&archive).unwrap();
    let archive = archive.canonicalize().unwrap();
    let place = archive.display();
    hub.set(&format!(
        "[archive]\nurl = \"file://{place}\"\nkeep_entries = 100\n"
    ));
    Scene { hub, archive }
}

/// What a year would bring, at once: entries as the hub writes them.
fn fill(store: &Path) {
    let name = "auditor".to_owned();
    let draft = Fact::from(TokenIssued { name, by: None }).draft().unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build();
    runtime.unwrap().block_on(async {
        let (clock, fold) = (Arc::new(SystemClock), Arc::new(Fold));
        let follower = Arc::new(Registry::default());
        let store = SqliteStore::open(&Settings::new(store), clock, fold, follower).unwrap();
        let full = || Change {
            entries: vec![draft.clone(); 256],
            ..Change::default()
        };
        let waiting: Vec<_> = (0..=SEGMENT_SIZE / 256)
            .map(|_| store.commit(full()))
            .collect();
        for committed in waiting {
            committed.await.unwrap();
        }
    });
}

impl Scene {
    fn floor(&self) -> u64 {
        let database = rusqlite::Connection::open(self.hub.data.join("store.sqlite")).unwrap();
        let floor = "SELECT value FROM meta WHERE name = 'floor'";
        let floor = database.query_row(floor, [], |row| row.get::<_, i64>(0));
        floor.map_or(0, i64::unsigned_abs)
    }

    fn recorded(&self) -> bool {
        let database = rusqlite::Connection::open(self.hub.data.join("store.sqlite")).unwrap();
        let recorded = "SELECT count(*) FROM state WHERE tbl = 'segments'";
        database.query_row(recorded, [], |row| row.get::<_, i64>(0)) == Ok(1)
    }

    fn archived(&self, name: &str) -> PathBuf {
        self.archive.join(name)
    }

    fn here(&self, name: &str) -> PathBuf {
        self.hub.data.join("journal").join(name)
    }

    fn waits_until_moved(&self) {
        until("the segment has left", || {
            let last = self.here("tile/entries/255");
            (self.floor() == SEGMENT_SIZE && !last.exists()).then_some(())
        });
    }

    fn verifies(&self) {
        for command in ["verify", "rebuild"] {
            for more in [&[] as &[&str], &["--from-start"]] {
                self.hub
                    .ironroot(&[&["journal", command], more].concat())
                    .ok();
            }
        }
    }
}

#[test]
fn an_archived_entry_is_shown_proved_and_erased_as_before() {
    let mut scene = scene();
    let (hub, archive) = (&mut scene.hub, scene.archive.display().to_string());
    hub.starts();
    scene.waits_until_moved();
    let hub = &mut scene.hub;
    let page = hub.json(&["journal", "list", "--device", "cam-1"]);
    let newest = &page["items"][0];
    assert_eq!(
        (&newest["archived"], &newest["kind"]),
        (&true.into(), &"device.quarantined".into())
    );
    let index = newest["index"].to_string();
    let shown = hub.ironroot(&["journal", "show", &index]).ok();
    assert!(shown.contains("kept       in the archive"), "{shown}");
    let device = hub.json(&["device", "show", "cam-1"]);
    assert_eq!(device["timeline"][0]["entry"], newest["index"]);

    let proof = hub.ironroot(&["journal", "proof", &index]).ok();
    let file = hub.file("entry.tlog-proof");
    fs::write(&file, proof).unwrap();
    let proved = hub.ironroot(&["journal", "verify", file.to_str().unwrap()]);
    assert!(proved.ok().contains("cam-1"));
    let export = hub.file("export");
    hub.ironroot(&["journal", "export", "--to", export.to_str().unwrap()])
        .ok();
    assert!(export.join("tile/entries/000").exists());

    hub.ironroot(&["journal", "erase", &index]).ok();
    let sealed = hub.ironroot(&["journal", "seal"]).ok();
    assert!(sealed.contains(&archive), "{sealed}");
    assert!(sealed.contains("begins with entry 65536"), "{sealed}");
    hub.ironroot(&["journal", "snapshot"]).ok();
    // It is read back and checked as it is made.
    let backup = hub.file("all.backup");
    hub.ironroot(&["backup", "create", backup.to_str().unwrap()])
        .ok();
    hub.stop();
    scene.verifies();

    let damaged = scene.archived("tile/entries/100");
    let mut bytes = fs::read(&damaged).unwrap();
    bytes[40] ^= 1;
    fs::write(&damaged, bytes).unwrap();
    fs::remove_file(scene.archived("tile/entries/101")).unwrap();
    let said = scene.hub.ironroot(&["journal", "verify"]);
    assert_eq!(said.code, 1, "{said:?}");
    for name in ["tile/entries/100", "tile/entries/101"] {
        let named = scene.archived(name).display().to_string();
        assert!(said.out.contains(&named), "{said:?}");
    }
}

#[test]
fn while_the_archive_cannot_be_reached_the_hub_works_and_says_so() {
    let mut scene = scene();
    let away = scene.archive.with_extension("away");
    fs::rename(&scene.archive, &away).unwrap();
    scene.hub.starts();
    let told = until("it says so", || {
        let status = scene.hub.json(&["status"]);
        let what = status["degraded"][0]["what"].as_str();
        what.map(str::to_owned)
    });
    assert!(told.contains("Nothing is moved to the archive"), "{told}");
    scene.hub.orders("release", "cam-1");
    assert_eq!(scene.floor(), 0);
    fs::rename(&away, &scene.archive).unwrap();
    scene.waits_until_moved();
    until("it is well again", || {
        let status = scene.hub.json(&["status"]);
        status["degraded"]
            .as_array()
            .unwrap()
            .is_empty()
            .then_some(())
    });
}

/// The hub is killed as soon as it has taken a step, and goes on from there at the next start.
#[test]
fn attack_a_kill_between_copy_record_and_drop_loses_nothing() {
    let mut scene = scene();
    let steps: [fn(&Scene) -> bool; 5] = [
        |scene| scene.archived("tile/entries/020").exists(),
        |scene| scene.archived("checkpoint").exists(),
        Scene::recorded,
        |scene| scene.floor() > 0,
        |scene| !scene.here("tile/entries/000").exists(),
    ];
    for (nth, taken) in steps.into_iter().enumerate() {
        scene.hub.starts();
        until("the step is taken", || taken(&scene).then_some(()));
        scene.hub.kill();
        let said = scene.hub.ironroot(&["journal", "verify", "--from-start"]);
        assert_eq!(said.code, 0, "after step {nth}: {said:?}");
    }
    scene.hub.starts();
    scene.waits_until_moved();
    scene.hub.stop();
    scene.verifies();
    let page = fs::read_dir(scene.archived("tile/entries")).unwrap();
    assert!(page.count() > 256);
}
