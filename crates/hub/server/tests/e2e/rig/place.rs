//! Where a hub is: its folder, its addresses, and what a person does with them.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tempfile::TempDir;

use super::openssl::word;
use super::{Curl, Identity, Mosquitto, Said, program, until};

/// The program under test.
pub(crate) const IRONROOT: &str = env!("CARGO_BIN_EXE_ironroot");

/// A folder that is gone after the test, the hub's data in it, and the way to its doors.
pub(crate) struct Place {
    pub(crate) folder: TempDir,
    pub(crate) data: PathBuf,
}

impl Place {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().join("ironroot-data");
        fs::create_dir(&data).unwrap();
        Self { folder, data }
    }

    /// A file in the folder, outside the hub's data.
    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    pub(crate) fn ca(&self) -> PathBuf {
        self.data.join("ca.pem")
    }

    /// The URL of a door, as the hub wrote it.
    pub(crate) fn url(&self, door: &str) -> String {
        let addresses = fs::read(self.data.join("addresses.json")).unwrap();
        let addresses: Value = serde_json::from_slice(&addresses).unwrap();
        addresses[door].as_str().unwrap().to_owned()
    }

    pub(crate) fn port(&self, door: &str) -> u16 {
        let url = self.url(door);
        url.rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// `ironroot …` about this hub.
    pub(crate) fn ironroot(&self, words: &[&str]) -> Said {
        let mut command = program(IRONROOT);
        command.args(words).arg("--data").arg(&self.data);
        Said::of(command.current_dir(self.folder.path()))
    }

    /// The JSON that `ironroot … --json` prints.
    pub(crate) fn json(&self, words: &[&str]) -> Value {
        let words = [words, &["--json"]].concat();
        serde_json::from_str(&self.ironroot(&words).ok()).unwrap()
    }

    /// How many entries the journal has.
    pub(crate) fn entries(&self) -> u64 {
        self.json(&["status"])["journal"]["entries"]
            .as_u64()
            .unwrap()
    }

    pub(crate) fn lifecycle(&self, device: &str) -> String {
        let device = self.json(&["device", "show", device]);
        device["lifecycle"].as_str().unwrap().to_owned()
    }

    /// How many sessions the device has.
    pub(crate) fn sessions(&self, device: &str) -> u64 {
        self.json(&["device", "show", device])["sessions"]
            .as_u64()
            .unwrap()
    }

    /// Claims a serial as a camera; gives the token.
    pub(crate) fn claim(&self, serial: &str) -> String {
        self.claim_as(serial, "camera")
    }

    pub(crate) fn claim_as(&self, serial: &str, profile: &str) -> String {
        let claim = self.json(&["claim", "new", serial, "--profile", profile]);
        claim["token"].as_str().unwrap().to_owned()
    }

    /// A camera with a key and a certificate of this hub.
    pub(crate) fn device(&self, id: &str) -> Identity {
        self.device_as(id, "camera")
    }

    pub(crate) fn device_as(&self, id: &str, profile: &str) -> Identity {
        let token = self.claim_as(id, profile);
        let device = Identity::with_new_key(self.folder.path(), id);
        let answer = self.enrols(&device, &token, &device.csr(&device.common_name()));
        assert_eq!(answer.status, 200, "{answer:?}");
        device.take_certificate(&answer.body);
        device
    }

    /// Writes the profile of a device class; it counts from the hub's next start.
    pub(crate) fn profile(&self, name: &str, text: &str) {
        let folder = self.data.join("profiles");
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(format!("{name}.toml")), text).unwrap();
    }

    /// A backend that hears every device and may tell every device something.
    pub(crate) fn service(&self, name: &str) -> Identity {
        self.service_with(
            name,
            &["--subscribe", "d/+/up/#", "--publish", "d/+/down/#"],
        )
    }

    /// A backend with these rights.
    pub(crate) fn service_with(&self, name: &str, rights: &[&str]) -> Identity {
        // Apart from the devices' files: a service may have a device's name.
        let folder = self.file("services");
        fs::create_dir_all(&folder).unwrap();
        let to = ["--out", word(&folder)];
        self.ironroot(&[["service", "new", name].as_slice(), rights, &to].concat())
            .ok();
        Identity::in_folder(&folder, name)
    }

    /// A first enrolment with serial and token.
    pub(crate) fn enrols(&self, device: &Identity, token: &str, csr: &Path) -> super::Answer {
        let credentials = format!("{}:{token}", device.id);
        self.curl()
            .est("simpleenroll", csr)
            .words(&["-u", &credentials])
            .call()
    }

    /// A renewal with the certificate that the device has.
    pub(crate) fn renews(&self, device: &Identity) -> super::Answer {
        self.curl()
            .as_(device)
            .est("simplereenroll", &device.renewal())
            .call()
    }

    /// Gives an order about a device, with a reason; gives what the command line said of it.
    pub(crate) fn orders(&self, order: &str, device: &str) -> String {
        let words = ["device", order, device, "--why", "odd traffic"];
        let sure: &[&str] = if order == "retire" { &["--yes"] } else { &[] };
        self.ironroot(&[&words, sure].concat()).ok()
    }

    pub(crate) fn curl(&self) -> Curl<'_> {
        Curl::new(self)
    }

    pub(crate) fn mosquitto<'a>(&'a self, who: &'a Identity) -> Mosquitto<'a> {
        Mosquitto::new(self, Some(who))
    }

    /// A client that shows no certificate.
    pub(crate) fn stranger(&self) -> Mosquitto<'_> {
        Mosquitto::new(self, None)
    }

    /// Waits until the device has this many sessions.
    pub(crate) fn until_sessions(&self, device: &str, sessions: u64) {
        until(&format!("{device} has {sessions} sessions"), || {
            (self.sessions(device) == sessions).then_some(())
        });
    }
}
