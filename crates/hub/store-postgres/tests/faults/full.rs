//! The disk below the tables is full.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use ironroot_store::{Health, LaterCause, Store};
use ironroot_testkit::Postgres;
use tempfile::TempDir;

use crate::place::{opened, settings};

/// A disk of 4 MiB in memory, as long as this lives. Making one takes root.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let folder = tempfile::tempdir().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=4m", "none"])
            .arg(folder.path())
            .output();
        let mounted = mounted.is_ok_and(|done| done.status.success());
        mounted.then(|| Self(folder))
    }

    fn path(&self) -> &Path {
        self.0.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("-l").arg(self.path()).status();
        assert!(unmounted.is_ok_and(|status| status.success()));
    }
}

#[tokio::test]
async fn a_full_disk_refuses_for_now_and_the_store_goes_on_when_there_is_room() {
    let Some(disk) = SmallDisk::mount() else {
        println!("skipped: a disk that is full takes root, who may mount one");
        return;
    };
    let server = Postgres::start();
    let tables = disk.path().join("tables");
    fs::create_dir(&tables).unwrap();
    server.give(&tables);
    fs::write(disk.ballast(), vec![0; 2 << 20]).unwrap();
    let url = server.new_store();
    let small = format!("CREATE TABLESPACE small LOCATION '{}'", tables.display());
    server.sql(&url, &small);
    let url = url.replace("options=", "options=-cdefault_tablespace%3Dsmall%20");
    let opened = opened(&settings(&url));

    let mut kept = Vec::new();
    let cause = loop {
        let name = format!("{:0>1000}", kept.len());
        match opened.commit(&name).await {
            Ok(receipt) => assert_eq!(receipt.indices.start, kept.len() as u64),
            Err(ironroot_store::CommitError::Later(cause)) => break cause,
            Err(other) => panic!("{other:?}"),
        }
        kept.push(name);
    };
    assert!(matches!(cause, LaterCause::Full(_)), "{cause:?}");
    assert!(matches!(
        opened.store.health(),
        Health::Failing(LaterCause::Full(_))
    ));
    assert!(kept.len() > 50, "{}", kept.len());

    fs::remove_file(disk.ballast()).unwrap();
    opened.commit("more").await.unwrap();
    kept.push("more".to_owned());
    assert!(matches!(opened.store.health(), Health::Appending));
    let names: Vec<_> = kept.iter().map(String::as_str).collect();
    opened.has(&names).await;
    drop(opened);
    drop(server);
}
