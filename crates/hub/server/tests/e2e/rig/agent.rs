//! `ironroot-agent`: the program of a device, in a folder of its own.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::Value;

use super::openssl::word;
use super::{Application, Identity, Place, Running, Said, SmallDisk, program};

/// An agent and its folder.
pub(crate) struct Agent {
    pub(crate) id: String,
    folder: PathBuf,
    /// The program, and what comes before it: an emulator, for example.
    program: Vec<String>,
    /// The file that says how far its clock is from the right one, if a test moves that.
    clock: Option<PathBuf>,
    running: Option<Running>,
}

impl Agent {
    /// One that is to enrol as a gateway, with the token of its claim.
    pub(crate) fn claimed(hub: &Place, id: &str) -> Self {
        Self::claimed_as(hub, id, "gateway")
    }

    /// The same with another profile.
    pub(crate) fn claimed_as(hub: &Place, id: &str, profile: &str) -> Self {
        let agent = Self::unclaimed(hub, id);
        agent.writes_secret("token", &hub.claim_as(id, profile));
        agent.set(hub, "[enrol]\ntoken_file = \"FOLDER/token\"\n");
        agent
    }

    /// One that has nothing yet but its folder and the hub's CA.
    pub(crate) fn unclaimed(hub: &Place, id: &str) -> Self {
        let folder = hub.file("agents").join(id);
        std::fs::create_dir_all(&folder).unwrap();
        std::fs::copy(hub.ca(), folder.join("ca.pem")).unwrap();
        Self {
            id: id.to_owned(),
            folder,
            program: agent_program(),
            clock: None,
            running: None,
        }
    }

    /// The same by another program, word by word.
    pub(crate) fn by(self, program: &[&str]) -> Self {
        let program = program.iter().map(|&word| word.to_owned()).collect();
        Self { program, ..self }
    }

    /// The same on this disk.
    pub(crate) fn on(self, disk: &SmallDisk) -> Self {
        let program = disk.inside().into_iter().chain(self.program).collect();
        Self { program, ..self }
    }

    /// Sets the clock of its machine, as far as the agent sees it: so far from the right time, like `+3d`. A first
    /// call counts from the next start.
    pub(crate) fn set_clock(&mut self, offset: &str) {
        let path = self.file("clock");
        // Whole at every moment: it is read at each look at the clock.
        let beside = self.file("clock.new");
        std::fs::write(&beside, offset).unwrap();
        std::fs::rename(beside, &path).unwrap();
        self.clock = Some(path);
    }

    /// Writes the settings; `FOLDER` in `more` stands for the agent's folder.
    pub(crate) fn set(&self, hub: &Place, more: &str) {
        self.set_at(&hub.url("device"), &hub.url("mqtt"), more);
    }

    /// The same, with doors at other addresses.
    pub(crate) fn set_at(&self, est: &str, mqtt: &str, more: &str) {
        let id = &self.id;
        let text = format!(
            "device = \"{id}\"\nstate = \"FOLDER/state\"\n{more}\n\
             [hub]\nest = \"{est}\"\nmqtt = \"{mqtt}\"\nca = \"FOLDER/ca.pem\"\n"
        );
        // Sections that a test has not named itself.
        let socket = "[socket]\npath = \"FOLDER/socket\"\n";
        let text = if more.contains("[socket]") {
            text
        } else {
            format!("{text}{socket}")
        };
        let text = text.replace("FOLDER", word(&self.folder));
        std::fs::write(self.settings(), text).unwrap();
    }

    pub(crate) fn writes_secret(&self, name: &str, text: &str) {
        use std::os::unix::fs::PermissionsExt;
        let path = self.file(name);
        std::fs::write(&path, text).unwrap();
        std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).unwrap();
    }

    pub(crate) fn file(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    fn settings(&self) -> PathBuf {
        self.file("agent.toml")
    }

    /// `ironroot-agent …` of this device.
    pub(crate) fn command(&self, words: &[&str]) -> Command {
        let mut command = program(&self.program[0]);
        command.args(&self.program[1..]);
        command.arg("--settings").arg(self.settings()).args(words);
        if let Some(clock) = &self.clock {
            command
                .env("LD_PRELOAD", FAKETIME)
                .env("FAKETIME_TIMESTAMP_FILE", clock)
                .env("FAKETIME_NO_CACHE", "1")
                .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        }
        command
    }

    pub(crate) fn says(&self, words: &[&str]) -> Said {
        Said::of(&mut self.command(words))
    }

    /// Starts it, and waits until it is up.
    pub(crate) fn starts(&mut self) {
        self.starts_as(&mut self.command(&["run"]));
    }

    /// The same, by another command that comes to it.
    pub(crate) fn starts_as(&mut self, command: &mut Command) {
        let running = Running::start(command);
        running.says("The agent is up.");
        self.running = Some(running);
    }

    /// Starts it, and waits until it has a session with the hub.
    pub(crate) fn connects(&mut self) {
        self.starts();
        self.logs("Connected with the hub.");
    }

    pub(crate) fn running(&self) -> &Running {
        self.running.as_ref().expect("it is up")
    }

    /// Waits until it has logged this.
    pub(crate) fn logs(&self, text: &str) -> String {
        self.running().says(text)
    }

    /// Kills it outright, as a power cut would.
    pub(crate) fn kill(&mut self) {
        self.running.take().expect("it is up").kill();
    }

    /// Asks it to end, and waits until it has.
    pub(crate) fn stop(&mut self) {
        let mut running = self.running.take().expect("it is up");
        running.terminate();
        assert!(running.ends().success(), "{}", running.said());
    }

    /// Hands one reading over.
    pub(crate) fn publishes(&self, topic: &str, payload: &str) -> Said {
        self.says(&["publish", topic, payload])
    }

    /// An application that talks with it.
    pub(crate) fn application(&self) -> Application {
        Application::at(&self.file("socket")).unwrap()
    }

    /// Hands readings over as one application does; see [`Application::hands_over`].
    pub(crate) fn keeps(&self, round: usize, count: usize, bytes: usize) -> Vec<String> {
        let application = Application::at(&self.file("socket"));
        application.map_or_else(
            |_gone| Vec::new(),
            |application| application.hands_over(round, count, bytes),
        )
    }

    /// A publisher that hands over each line that it hears.
    pub(crate) fn keeps_publishing(&self, topic: &str) -> Running {
        let mut command = self.command(&["publish", topic, "--lines"]);
        Running::start(command.stdin(Stdio::piped()))
    }

    /// What it says of itself.
    pub(crate) fn status(&self) -> Value {
        serde_json::from_str(&self.says(&["status"]).ok()).unwrap()
    }
}

/// What moves a program's clock, in the package `faketime`; the loader puts the processor's folder in.
const FAKETIME: &str = "/usr/$LIB/faketime/libfaketime.so.1";

/// `ironroot-agent`: the one beside the program under test, or what `IRONROOT_AGENT` names, word by word: an emulator
/// and a program of another processor, for example.
fn agent_program() -> Vec<String> {
    if let Some(words) = std::env::var_os("IRONROOT_AGENT") {
        let words = words.to_str().unwrap().split(' ');
        return words.map(str::to_owned).collect();
    }
    let beside = Path::new(super::IRONROOT).with_file_name("ironroot-agent");
    assert!(
        beside.exists(),
        "{} is missing: cargo build -p ironroot-agent",
        beside.display()
    );
    vec![word(&beside).to_owned()]
}

/// A device maker's certificate as files that an agent's settings can name: the key in PKCS#8.
pub(crate) fn as_pkcs8(identity: &Identity) {
    let (key, plain) = (identity.key(), identity.key().with_extension("pkcs8"));
    let words = ["pkcs8", "-topk8", "-nocrypt", "-in", word(&key), "-out"];
    super::openssl(&[words.as_slice(), &[word(&plain)]].concat());
}
