//! The sealing key from each of its sources, its rotation, and what a wrong or lost one comes to.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::rig::{Hub, IRONROOT, Said, SwTpm, program, up};

const PASSPHRASE: &str = "correct horse battery staple\n";

/// A file for its owner alone.
fn private(path: &Path, content: &str) -> PathBuf {
    fs::write(path, content).unwrap();
    fs::set_permissions(path, fs::Permissions::from_mode(0o600)).unwrap();
    path.to_owned()
}

fn source(kind: &str, path: &Path) -> String {
    format!("{kind}:{}", path.display())
}

/// `ironroot keys …` about this hub.
fn keys(hub: &Hub, words: &[&str]) -> Command {
    let mut command = program(IRONROOT);
    command.arg("keys").args(words).arg("--data").arg(&hub.data);
    command
}

fn refused(said: &Said, words: &[&str]) {
    assert_eq!(said.code, 1, "{said:?}");
    for word in words {
        assert!(said.err.contains(word), "{word:?} in {said:?}");
    }
}

/// A hub whose first start names this source, with something enrolled; it is stopped.
fn sealed_by(source: &str, prepare: impl Fn(&mut Command)) -> Hub {
    let mut hub = Hub::unstarted();
    let mut start = up(&hub.data);
    prepare(start.args(["--seal-key", source]));
    hub.starts_as(&mut start);
    hub.device("cam-1");
    hub.stop();
    hub
}

#[test]
fn a_passphrase_opens_the_hub_and_the_record_remembers_it() {
    let place = tempfile::tempdir().unwrap();
    let file = private(&place.path().join("passphrase"), PASSPHRASE);
    let mut hub = sealed_by(&source("passphrase", &file), |_| {});
    assert!(!hub.data.join("keys/seal.key").exists());
    hub.starts();
    assert_eq!(hub.lifecycle("cam-1"), "enrolled");
    let status = Said::of(&mut keys(&hub, &["status"])).ok();
    assert!(status.contains("passphrase:"), "{status}");
    assert!(
        status.contains("issuing-ca.sealed  opens with it"),
        "{status}"
    );
    assert!(!status.contains(PASSPHRASE.trim()), "{status}");
}

#[test]
fn a_wrong_passphrase_is_called_wrong() {
    let place = tempfile::tempdir().unwrap();
    let file = private(&place.path().join("passphrase"), PASSPHRASE);
    let mut hub = sealed_by(&source("passphrase", &file), |_| {});
    private(&file, "correct horse battery stable\n");
    refused(
        &Said::of(&mut up(&hub.data)),
        &["passphrase is wrong", "passphrase in"],
    );
    private(&file, "short\n");
    refused(
        &Said::of(&mut up(&hub.data)),
        &["has 5 bytes, and at least 15"],
    );
    fs::remove_file(&file).unwrap();
    refused(
        &Said::of(&mut up(&hub.data)),
        &["passphrase cannot be opened"],
    );
    private(&file, PASSPHRASE);
    hub.starts();
}

#[test]
fn a_credential_of_systemd_opens_the_hub() {
    let directory = tempfile::tempdir().unwrap();
    // As systemd gives it: readable by its owner, and by the hub's user through an access control list,
    // whose mask shows as the group's bits.
    let credential = directory.path().join("ironroot.seal");
    fs::write(
        &credential,
        "c2VhbGluZyBrZXkgb2YgdGhpcnR5IHR3byBieXRlcyE=\n",
    )
    .unwrap();
    let mode = |mode| fs::set_permissions(&credential, fs::Permissions::from_mode(mode)).unwrap();
    mode(0o440);
    let with_credentials = |command: &mut Command| {
        command.env("CREDENTIALS_DIRECTORY", directory.path());
    };
    let mut hub = sealed_by("credential:ironroot.seal", with_credentials);
    refused(
        &Said::of(&mut up(&hub.data)),
        &["$CREDENTIALS_DIRECTORY is not set"],
    );
    mode(0o444);
    let mut start = up(&hub.data);
    with_credentials(&mut start);
    refused(&Said::of(&mut start), &["mode 0444"]);
    mode(0o400);
    let mut start = up(&hub.data);
    with_credentials(&mut start);
    hub.starts_as(&mut start);
    assert_eq!(hub.lifecycle("cam-1"), "enrolled");
}

#[test]
fn a_tpm_opens_the_hub_and_no_other_tpm_does() {
    let (tpm, other) = (SwTpm::start(), SwTpm::start());
    let mut hub = sealed_by("tpm", |command| {
        tpm.at(command);
    });
    hub.starts_as(tpm.at(&mut up(&hub.data)));
    hub.stop();
    refused(
        &Said::of(other.at(&mut up(&hub.data))),
        &["this TPM did not seal the sealing key"],
    );
    let nowhere = Said::of(up(&hub.data).env("TPM2TOOLS_TCTI", "swtpm:path=/nowhere"));
    refused(&nowhere, &["the TPM cannot be used", "tpm2-tools"]);
    hub.starts_as(tpm.at(&mut up(&hub.data)));
    assert_eq!(hub.lifecycle("cam-1"), "enrolled");
}

#[test]
fn a_tpm_keeps_the_key_when_a_pcr_has_changed() {
    let tpm = SwTpm::start();
    let mut hub = sealed_by("tpm:sha256:7,16", |command| {
        tpm.at(command);
    });
    hub.starts_as(tpm.at(&mut up(&hub.data)));
    hub.stop();
    tpm.extend(16);
    refused(
        &Said::of(tpm.at(&mut up(&hub.data))),
        &["sha256:7,16 are not what they were"],
    );
    let status = Said::of(tpm.at(&mut keys(&hub, &["status"])));
    assert_eq!(status.code, 1, "{status:?}");
    assert!(
        status.out.contains("Wrong: the TPM does not give"),
        "{status:?}"
    );
}

#[test]
fn the_key_moves_from_source_to_source_and_each_old_one_opens_nothing_more() {
    let tpm = SwTpm::start();
    let mut hub = Hub::start();
    hub.device("cam-1");
    hub.stop();
    let passphrase = private(&hub.file("passphrase"), PASSPHRASE);
    let ids = |hub: &Hub| {
        let record = fs::read_to_string(hub.data.join("keys/seal.toml")).unwrap();
        let key = record.lines().find(|line| line.starts_with("key"));
        key.unwrap().to_owned()
    };
    let mut seen = vec![ids(&hub)];
    let second = hub.file("second.key");
    for to in [
        source("passphrase", &passphrase),
        "tpm:sha256:7".to_owned(),
        source("passphrase", &passphrase),
        source("file", &second),
    ] {
        let sealed = Said::of(tpm.at(&mut keys(&hub, &["seal", "--to", &to]))).ok();
        assert!(sealed.contains("journal.sealed"), "{sealed}");
        assert!(
            !seen.contains(&ids(&hub)),
            "the same passphrase gives another key"
        );
        seen.push(ids(&hub));
        hub.starts_as(tpm.at(&mut up(&hub.data)));
        assert_eq!(hub.lifecycle("cam-1"), "enrolled");
        hub.stop();
    }
    let old = source("file", &hub.data.join("keys/seal.key"));
    refused(
        &Said::of(up(&hub.data).args(["--seal-key", &old])),
        &["seal.key gives sealing key", "put that one back"],
    );
    refused(
        &Said::of(up(&hub.data).args(["--seal-key", "tpm"])),
        &["sealed by file:", "ironroot keys seal --to tpm"],
    );
}

#[test]
fn keys_are_not_sealed_again_under_a_running_hub() {
    let hub = Hub::start();
    let to = source("file", &hub.file("new.key"));
    refused(
        &Said::of(&mut keys(&hub, &["seal", "--to", &to])),
        &["in use", "stop that first"],
    );
    assert!(!hub.file("new.key").exists());
}

#[test]
fn sealing_again_under_the_same_key_is_refused() {
    let mut hub = Hub::start();
    hub.stop();
    let same = source("file", &hub.data.join("keys/seal.key"));
    refused(
        &Said::of(&mut keys(&hub, &["seal", "--to", &same])),
        &["nothing was changed", "in use already"],
    );
    hub.starts();
}

#[test]
fn a_damaged_sealed_file_is_named_and_stops_the_start_and_the_rotation() {
    let mut hub = Hub::start();
    hub.device("cam-1");
    hub.stop();
    for file in ["issuing-ca.sealed", "journal.sealed"] {
        let path = hub.data.join("keys").join(file);
        let whole = fs::read(&path).unwrap();
        let mut damaged = whole.clone();
        *damaged.last_mut().unwrap() ^= 1;
        for wrong in [&damaged[..], &whole[..whole.len() - 1], b"junk"] {
            fs::write(&path, wrong).unwrap();
            refused(&Said::of(&mut up(&hub.data)), &[file, "does not open"]);
            let to = source("file", &hub.file("new.key"));
            refused(
                &Said::of(&mut keys(&hub, &["seal", "--to", &to])),
                &["nothing was changed", file],
            );
        }
        let status = Said::of(&mut keys(&hub, &["status"])).out;
        assert!(status.contains(&format!("{file}  is damaged")), "{status}");
        fs::write(&path, whole).unwrap();
    }
    hub.starts();
    assert_eq!(hub.lifecycle("cam-1"), "enrolled");
}

#[test]
fn no_secret_of_a_source_stands_in_arguments_output_or_files() {
    let tpm = SwTpm::start();
    let mut hub = Hub::start();
    hub.stop();
    let passphrase = private(&hub.file("passphrase"), PASSPHRASE);
    let to = source("passphrase", &passphrase);
    let said = Said::of(keys(&hub, &["seal", "--to", &to]).env("RUST_LOG", "trace"));
    let traced = hub.file("trace");
    let mut traced_seal = program("strace");
    traced_seal
        .args(["-f", "-s", "4096", "-e", "trace=execve", "-o"])
        .arg(&traced)
        .arg(IRONROOT)
        .args(["keys", "seal", "--to", "tpm", "--data"])
        .arg(&hub.data);
    Said::of(tpm.at(&mut traced_seal)).ok();
    let trace = fs::read_to_string(traced).unwrap();
    assert!(trace.contains("tpm2_create"), "{trace}");
    // The programs are called with names of files and nothing that looks like a key.
    let long_hex = trace
        .split(|c: char| !c.is_ascii_hexdigit())
        .any(|word| word.len() >= 32);
    assert!(!long_hex, "{trace}");
    for text in [said.out, said.err, trace] {
        assert!(!text.contains("horse"), "{text}");
    }
    for entry in fs::read_dir(hub.data.join("keys")).unwrap() {
        let content = fs::read(entry.unwrap().path()).unwrap();
        assert!(!content.windows(5).any(|part| part == b"horse"));
    }
}
