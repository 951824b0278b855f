//! The identity of a device, sealed by a TPM 2.0: it opens by that TPM alone, and only as long as the machine has
//! started what it had started then.

use std::process::Command;

use crate::rig::{Agent, Hub, Said, SwTpm};

const ENROL: &str = "[enrol]\ntoken_file = \"FOLDER/token\"\n";

struct Scene {
    hub: Hub,
    tpm: SwTpm,
    agent: Agent,
}

impl Scene {
    /// A device that has enrolled, its identity sealed by `seal_key`.
    fn sealed_by(seal_key: &str) -> Self {
        let hub = Hub::start();
        let agent = Agent::claimed(&hub, "cam-1");
        let scene = Self {
            hub,
            tpm: SwTpm::start(),
            agent,
        };
        scene.is_told_of(seal_key);
        scene.says(&["enroll"]).ok();
        scene
    }

    /// Writes the source of the sealing key into the settings.
    fn is_told_of(&self, seal_key: &str) {
        let settings = format!("seal_key = \"{seal_key}\"\n{ENROL}");
        self.agent.set(&self.hub, &settings);
    }

    fn command(&self, words: &[&str], tpm: &SwTpm) -> Command {
        let mut command = self.agent.command(words);
        tpm.at(&mut command);
        command
    }

    fn says(&self, words: &[&str]) -> Said {
        Said::of(&mut self.command(words, &self.tpm))
    }
}

fn refused(said: &Said, words: &[&str]) {
    assert_eq!(said.code, 1, "{said:?}");
    for word in words {
        assert!(said.err.contains(word), "{word:?} in {said:?}");
    }
}

#[test]
fn a_tpm_opens_the_identity_and_no_other_tpm_does() {
    let mut scene = Scene::sealed_by("tpm");
    assert!(!scene.agent.file("state/keys/seal.key").exists());
    let other = SwTpm::start();
    refused(
        &Said::of(&mut scene.command(&["run"], &other)),
        &["this TPM did not seal", "claim the device anew"],
    );
    refused(
        &scene.agent.says(&["run"]),
        &["the TPM cannot be used", "tpm2-tools"],
    );
    let mut run = scene.command(&["run"], &scene.tpm);
    scene.agent.starts_as(&mut run);
    scene.agent.logs("Connected with the hub.");
    scene.agent.publishes("up/t", "21").ok();
    scene.agent.stop();
    let renewed = scene.says(&["enroll", "--renew"]).ok();
    assert!(renewed.contains("cam-1 has certificate"), "{renewed}");
}

#[test]
fn a_tpm_keeps_the_identity_shut_when_a_pcr_has_changed() {
    let scene = Scene::sealed_by("tpm:sha256:7,16");
    scene.says(&["enroll"]).ok();
    scene.tpm.extend(16);
    refused(
        &scene.says(&["run"]),
        &[
            "sha256:7,16 are not what they were",
            "claim the device anew",
        ],
    );
}

#[test]
fn the_identity_outlives_a_change_of_firmware_that_was_prepared() {
    let scene = Scene::sealed_by("tpm:sha256:7,16");
    let certificate = scene.says(&["enroll"]).ok();
    let file = scene.agent.file("seal.key");
    let file = format!("file:{}", file.display());
    let sealed = scene.says(&["seal", "--to", &file]).ok();
    assert!(
        sealed.contains(&format!("seal_key = \"{file}\"")),
        "{sealed}"
    );
    refused(
        &scene.says(&["enroll"]),
        &["the folder is sealed by file:", "ironroot-agent seal --to"],
    );
    scene.is_told_of(&file);
    scene.tpm.extend(16);
    assert_eq!(scene.says(&["enroll"]).ok(), certificate);
    scene.says(&["seal", "--to", "tpm:sha256:7,16"]).ok();
    scene.is_told_of("tpm:sha256:7,16");
    assert_eq!(scene.says(&["enroll"]).ok(), certificate);
    refused(&scene.agent.says(&["enroll"]), &["the TPM cannot be used"]);
}

#[test]
fn an_identity_is_not_sealed_again_under_a_running_agent() {
    let mut scene = Scene::sealed_by("tpm");
    let mut run = scene.command(&["run"], &scene.tpm);
    scene.agent.starts_as(&mut run);
    refused(
        &scene.says(&["seal", "--to", "tpm:sha256:7"]),
        &["in use", "stop that first"],
    );
}
