//! A hub backed up while it works, and made again from the backup on an empty machine.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::json;

use crate::rig::{Api, Hub, Place, Running, Said, up};

/// A backup of the hub, in a file beside its data.
fn back_up(hub: &Hub) -> PathBuf {
    let file = hub.file("hub.tar.zst");
    hub.ironroot(&["backup", "create", text(&file)]).ok();
    file
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

/// An empty machine, to which the operator has brought the sealing key of `hub` and nothing else.
fn empty_machine(hub: &Hub) -> Hub {
    let empty = Hub::unstarted();
    bring_key(hub, &empty);
    empty
}

fn bring_key(from: &Hub, to: &Hub) {
    fs::create_dir_all(to.data.join("keys")).unwrap();
    let key = "keys/seal.key";
    fs::copy(from.data.join(key), to.data.join(key)).unwrap();
}

fn restore(place: &Place, backup: &Path, more: &[&str]) -> Said {
    place.ironroot(&[["backup", "restore", text(backup)].as_slice(), more].concat())
}

fn refused(said: &Said, words: &[&str]) {
    assert_eq!(said.code, 1, "{said:?}");
    for word in words {
        assert!(said.err.contains(word), "{word:?} in {said:?}");
    }
}

/// Everything in a folder, by name; what was changed shows.
fn everything_in(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = Vec::new();
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        if path.is_dir() {
            found.extend(everything_in(&path));
        } else {
            found.push((path.clone(), fs::read(&path).unwrap()));
        }
    }
    found.sort();
    found
}

/// The same without the empty files that SQLite leaves where a store was read.
fn all_but_traces_of_readers(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut found = everything_in(folder);
    found.retain(|(path, _)| !text(path).ends_with("-wal") && !text(path).ends_with("-shm"));
    found
}

#[test]
fn a_hub_backed_up_under_load_is_made_again_on_an_empty_machine_and_its_devices_reconnect() {
    let mut hub = Hub::start();
    let (device, backend) = (hub.device("cam-1"), hub.service("backend"));
    hub.device("cam-2");
    hub.orders("quarantine", "cam-2");
    let over = AtomicBool::new(false);
    let (backup, before) = thread::scope(|scope| {
        let api = Api::of(&hub);
        let mut talker = hub.mosquitto(&device).keeps_publishing("d/cam-1/up/n");
        let mut lines = talker.stdin();
        let over = &over;
        scope.spawn(move || {
            use std::io::Write;
            while !over.load(Ordering::Relaxed) && lines.write_all(b"a line\n").is_ok() {}
        });
        let claimed = scope.spawn(move || {
            let mut claimed = Vec::new();
            while !over.load(Ordering::Relaxed) {
                let serial = format!("claimed-{}", claimed.len());
                let asked = json!({"serial": serial, "profile": "camera"});
                let (status, claim) = api.post("/claims", &asked).unwrap();
                assert_eq!(status, 201, "{claim:#}");
                claimed.push((serial, claim["token"].as_str().unwrap().to_owned()));
            }
            claimed
        });
        // Under way before the backup begins, and after it has ended.
        let before = crate::rig::until("the load has begun", || {
            let entries = hub.entries();
            (entries > 30).then_some(entries)
        });
        let backup = back_up(&hub);
        let at_its_end = hub.entries();
        crate::rig::until("the load goes on", || {
            (hub.entries() > at_its_end).then_some(())
        });
        over.store(true, Ordering::Relaxed);
        let claimed = claimed.join().unwrap();
        (backup, (before, claimed))
    });
    let (acknowledged, claimed) = before;
    hub.kill();

    let mut again = empty_machine(&hub);
    let said = restore(&again, &backup, &[]).ok();
    again.starts();
    let restored = again.json(&["journal", "list", "--kind", "hub.restored"]);
    let size = restored["items"][0]["entry"]["size"].as_u64().unwrap();
    assert!(size >= acknowledged, "{size} of {acknowledged}");
    println!("{acknowledged} acknowledged before the backup, {size} in it\n{said}");

    again
        .mosquitto(&device)
        .publishes("d/cam-1/up/t", "back")
        .ok();
    let ears = again.mosquitto(&backend).subscribes("d/+/up/#");
    again
        .mosquitto(&device)
        .publishes("d/cam-1/up/t", "again")
        .ok();
    ears.says("got d/cam-1/up/t again");
    assert_eq!(again.lifecycle("cam-2"), "quarantined");
    let answer = again.renews(&device);
    assert_eq!(answer.status, 200, "{answer:?}");
    // The claims that were acknowledged before are there, tokens and all.
    let api = Api::of(&again);
    let mut sure = claimed
        .iter()
        .take(usize::try_from(acknowledged - 20).unwrap());
    for (serial, _) in sure.clone() {
        assert_eq!(
            api.get(&format!("/devices/{serial}"))["lifecycle"],
            "claimed"
        );
    }
    let (serial, token) = sure.next_back().unwrap();
    let newcomer = crate::rig::Identity::with_new_key(again.folder.path(), serial);
    let csr = newcomer.csr(&newcomer.common_name());
    assert_eq!(again.enrols(&newcomer, token, &csr).status, 200);
    again.stop();
    again.ironroot(&["journal", "verify"]).ok();
}

#[test]
fn a_restored_hub_that_may_have_lost_entries_signs_a_log_of_another_name() {
    let mut hub = Hub::start();
    hub.device("cam-1");
    let backup = back_up(&hub);
    hub.claim("lost");
    hub.stop();
    let old = fs::read_to_string(hub.data.join("journal.vkey")).unwrap();

    let again = empty_machine(&hub);
    let said = restore(&again, &backup, &[]).ok();
    let new = fs::read_to_string(again.data.join("journal.vkey")).unwrap();
    assert_ne!(old, new);
    assert!(new.contains("/restored-"), "{new}");
    assert!(said.contains(new.trim()), "{said}");
    let verified = again.ironroot(&["journal", "verify"]).ok();
    assert!(verified.contains(", 0 wait for the next"), "{verified}");
    // The old key vouches for nothing of the new log.
    let by_old = again.ironroot(&["journal", "verify", "--key", old.trim()]);
    assert_eq!(by_old.code, 1, "{by_old:?}");
}

#[test]
fn a_hub_that_was_stopped_first_moves_with_its_log() {
    let mut hub = Hub::start();
    let device = hub.device("cam-1");
    hub.stop();
    let backup = back_up(&hub);
    let mut again = empty_machine(&hub);
    restore(&again, &backup, &["--same-log"]).ok();
    again.starts();
    again
        .mosquitto(&device)
        .publishes("d/cam-1/up/t", "21")
        .ok();
    let vkey = |hub: &Hub| fs::read_to_string(hub.data.join("journal.vkey")).unwrap();
    assert_eq!(vkey(&hub), vkey(&again));
    again.stop();
    again.ironroot(&["journal", "verify"]).ok();

    // On the first machine the log has gone on meanwhile: there it must not be signed a second time.
    hub.starts();
    hub.claim("newer");
    hub.stop();
    let over = ["--replace", "--lose-newer-entries", "--same-log"];
    refused(&restore(&hub, &backup, &over), &["second history"]);
}

#[test]
fn refuses_a_restore_over_a_newer_store_unless_told_so_by_name() {
    let mut hub = Hub::start();
    hub.device("cam-1");
    let backup = back_up(&hub);
    hub.claim("newer");
    refused(
        &restore(&hub, &backup, &["--replace"]),
        &["is in use by another program or command"],
    );
    hub.stop();
    let before = everything_in(&hub.data);
    refused(
        &restore(&hub, &backup, &[]),
        &["holds a hub already", "--replace"],
    );
    refused(
        &restore(&hub, &backup, &["--replace"]),
        &["is newer", "--lose-newer-entries"],
    );
    assert!(all_but_traces_of_readers(&hub.data) == before);

    restore(&hub, &backup, &["--replace", "--lose-newer-entries"]).ok();
    assert!(hub.data.join("replaced-1/store.sqlite").exists());
    hub.starts();
    let gone = hub.ironroot(&["device", "show", "newer"]);
    assert_eq!(gone.code, 1, "{gone:?}");
    assert_eq!(hub.lifecycle("cam-1"), "enrolled");
}

#[test]
fn refuses_a_half_written_backup_and_one_with_a_changed_byte() {
    let mut hub = Hub::start();
    hub.device("cam-1");
    hub.stop();
    let backup = back_up(&hub);
    hub.ironroot(&["backup", "create", text(&backup)])
        .code
        .ne(&0)
        .then_some(())
        .unwrap();
    let whole = fs::read(&backup).unwrap();
    let empty = empty_machine(&hub);
    let before = everything_in(&empty.data);
    for length in [0, 1, whole.len() / 3, whole.len() / 2, whole.len() - 1] {
        fs::write(&backup, &whole[..length]).unwrap();
        refused(&restore(&empty, &backup, &[]), &["hub.tar.zst"]);
        let verified = Said::of(crate::rig::program(crate::rig::IRONROOT).args([
            "backup",
            "verify",
            text(&backup),
        ]));
        refused(&verified, &["hub.tar.zst"]);
    }
    for place in (20..whole.len()).step_by(whole.len() / 7) {
        let mut changed = whole.clone();
        changed[place] ^= 1;
        fs::write(&backup, changed).unwrap();
        refused(&restore(&empty, &backup, &[]), &["hub.tar.zst"]);
    }
    assert!(everything_in(&empty.data) == before);
    fs::write(&backup, whole).unwrap();
    restore(&empty, &backup, &[]).ok();
}

#[test]
fn refuses_to_restore_without_the_sealing_key_or_with_another() {
    let mut hub = Hub::start();
    hub.device("cam-1");
    hub.stop();
    let backup = back_up(&hub);
    let empty = Hub::unstarted();
    refused(
        &restore(&empty, &backup, &[]),
        &["keyring cannot be opened", "seal.key"],
    );
    bring_key(&Hub::start(), &empty);
    refused(
        &restore(&empty, &backup, &[]),
        &["keyring cannot be opened"],
    );
    assert!(!empty.data.join("store.sqlite").exists());
    bring_key(&hub, &empty);
    restore(&empty, &backup, &[]).ok();
}

#[test]
fn attack_reading_a_backup_without_the_sealing_key_finds_no_secret() {
    let hub = Hub::start();
    hub.device("cam-1");
    let backup = back_up(&hub);
    let opened = hub.file("opened");
    fs::create_dir(&opened).unwrap();
    let mut tar = crate::rig::program("tar");
    Said::of(tar.args(["--zstd", "-xf", text(&backup), "-C", text(&opened)])).ok();
    let token = fs::read(hub.data.join("admin.token")).unwrap();
    let seal_key = fs::read(hub.data.join("keys/seal.key")).unwrap();
    let names: Vec<_> = everything_in(&opened)
        .into_iter()
        .map(|(path, bytes)| {
            for secret in [token.trim_ascii(), seal_key.trim_ascii(), b"token/admin"] {
                let found = bytes.windows(secret.len()).any(|part| part == secret);
                assert!(!found, "{}", path.display());
            }
            path.strip_prefix(&opened).unwrap().to_owned()
        })
        .collect();
    assert!(names.contains(&"secrets/000000000000".into()), "{names:?}");
    assert!(
        names.contains(&"files/keys/issuing-ca.sealed".into()),
        "{names:?}"
    );
    // Anybody's own tool checks the parts.
    let mut sums = crate::rig::program("sha256sum");
    Said::of(
        sums.args(["--check", "--strict", "SHA256SUMS"])
            .current_dir(&opened),
    )
    .ok();
}

#[test]
fn what_was_erased_or_shredded_before_the_backup_does_not_come_back() {
    let mut hub = Hub::start();
    hub.device("cam-1");
    let why = [
        "device",
        "quarantine",
        "cam-1",
        "--why",
        "alice@example.com saw it",
    ];
    hub.ironroot(&why).ok();
    let entry = hub.entries() - 1;
    hub.ironroot(&["journal", "erase", &entry.to_string()]).ok();
    let token = hub.claim("cam-2");
    hub.orders("retire", "cam-2");
    hub.stop();
    let backup = back_up(&hub);
    let mut again = empty_machine(&hub);
    restore(&again, &backup, &[]).ok();
    for (path, bytes) in everything_in(&again.data) {
        let found = bytes.windows(5).any(|part| part == b"alice");
        assert!(!found, "{}", path.display());
    }
    again.starts();
    let newcomer = crate::rig::Identity::with_new_key(again.folder.path(), "cam-2");
    let csr = newcomer.csr(&newcomer.common_name());
    assert_eq!(again.enrols(&newcomer, &token, &csr).status, 401);
    assert_eq!(again.lifecycle("cam-2"), "retired");
}

#[test]
fn a_restore_cut_short_while_it_puts_things_in_place_is_finished_by_the_next() {
    let mut hub = Hub::start();
    let device = hub.device("cam-1");
    hub.stop();
    let backup = back_up(&hub);
    let mut again = empty_machine(&hub);
    restore(&again, &backup, &[]).ok();
    // As it is when the power goes before the store is in its place.
    let placing = again.data.join("placing");
    fs::create_dir(&placing).unwrap();
    fs::rename(
        again.data.join("store.sqlite"),
        placing.join("store.sqlite"),
    )
    .unwrap();
    let mut refused = Running::start(&mut up(&again.data));
    assert!(!refused.ends().success());
    refused.says("is being restored");
    restore(&again, &backup, &[]).ok();
    again.starts();
    again
        .mosquitto(&device)
        .publishes("d/cam-1/up/t", "21")
        .ok();
}

#[test]
fn the_newest_backups_of_a_folder_are_kept() {
    let hub = Hub::start();
    let folder = hub.file("backups");
    fs::create_dir(&folder).unwrap();
    for _ in 0..3 {
        hub.ironroot(&["backup", "create", text(&folder), "--keep", "2"])
            .ok();
    }
    let files = everything_in(&folder);
    assert_eq!(files.len(), 2);
    for (file, _) in files {
        let verify = ["backup", "verify", text(&file)];
        let said = Said::of(crate::rig::program(crate::rig::IRONROOT).args(verify)).ok();
        assert!(said.contains("Every part is what its log signed"), "{said}");
    }
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 2);
}
