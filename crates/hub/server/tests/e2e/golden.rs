//! What hubs of every release left behind is taken up by this one: their backups and their stores.
//!
//! `tests/golden/<release>` holds a backup that a hub of that release made, its store as it lay there, and the
//! sealing key, which protects test data alone. Before a release, `IRONROOT_GOLDEN=<release> cargo test -p
//! ironroot-server --test e2e golden` writes its folder; a folder that is there is never written again.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::Once;

use ironroot_server::storage::{Parts, StoreUrl};
use ironroot_store::Source;

use crate::rig::{Hub, Identity};

fn golden() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden")
}

/// The folders of the releases; the one that is asked for is made first.
fn releases() -> Vec<PathBuf> {
    static MADE: Once = Once::new();
    MADE.call_once(|| {
        let release = std::env::var_os("IRONROOT_GOLDEN").map(|release| golden().join(release));
        if let Some(folder) = release.filter(|folder| !folder.exists()) {
            make(&folder);
        }
    });
    let releases = fs::read_dir(golden()).unwrap();
    releases.map(|release| release.unwrap().path()).collect()
}

/// Has a hub of this version live a little, and keeps what it leaves behind.
fn make(folder: &Path) {
    let mut hub = Hub::start();
    let device = hub.device("active");
    hub.mosquitto(&device).publishes("d/active/up/t", "21").ok();
    hub.device("quarantined");
    hub.orders("quarantine", "quarantined");
    hub.ironroot(&["journal", "erase", &(hub.entries() - 1).to_string()])
        .ok();
    hub.device("retired");
    hub.orders("retire", "retired");
    hub.service("backend");
    hub.stop();
    fs::create_dir_all(folder).unwrap();
    let backup = folder.join("hub.tar.zst");
    hub.ironroot(&["backup", "create", backup.to_str().unwrap()])
        .ok();
    for (from, to) in [
        ("keys/seal.key", "seal.key"),
        ("store.sqlite", "store.sqlite"),
    ] {
        fs::copy(hub.data.join(from), folder.join(to)).unwrap();
    }
}

#[test]
fn the_backup_of_every_release_is_restored_and_a_hub_starts_on_it() {
    for release in releases() {
        let mut hub = Hub::unstarted();
        fs::create_dir(hub.data.join("keys")).unwrap();
        // A file in a source tree may be read by others, and a sealing key may not.
        let key = hub.data.join("keys/seal.key");
        fs::copy(release.join("seal.key"), &key).unwrap();
        fs::set_permissions(&key, fs::Permissions::from_mode(0o600)).unwrap();
        let backup = release.join("hub.tar.zst");
        hub.ironroot(&["backup", "restore", backup.to_str().unwrap(), "--same-log"])
            .ok();
        hub.starts();
        for device in ["active", "quarantined", "retired"] {
            assert_eq!(hub.lifecycle(device), device, "{}", release.display());
        }
        let newcomer = Identity::with_new_key(hub.folder.path(), "newcomer");
        let (token, csr) = (hub.claim("newcomer"), newcomer.csr("/CN=newcomer"));
        assert_eq!(hub.enrols(&newcomer, &token, &csr).status, 200);
        hub.stop();
        hub.ironroot(&["journal", "verify"]).ok();
    }
}

#[tokio::test]
async fn the_store_of_every_release_is_opened_and_its_rows_made_again() {
    for release in releases() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("store.sqlite");
        fs::copy(release.join("store.sqlite"), &path).unwrap();
        let store = StoreUrl::Sqlite(path).open(Parts::offline()).unwrap();
        assert!(store.head().size > 10);
        let rebuilt = store.rebuild(Source::default()).await.unwrap();
        let verified = store.verify_state(Source::default()).await.unwrap();
        assert_eq!(verified, rebuilt);
    }
}
