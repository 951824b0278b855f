//! A hub in a process of its own, with its data in a folder that goes with it, and devices for it.

use std::fs::{self, File};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ironroot_sim::api::Api;
use ironroot_sim::fleet::{self, Device, FleetPlan};
use ironroot_sim::hub::Hub;
use ironroot_sim::process::Process;
use ironroot_sim::scenario::Door;
use ironroot_sim::scenario::load::FILTER;
use ironroot_sim::tls::{Identity, KeyExchange, Trust};
use tempfile::TempDir;

/// A hub that is up.
pub(crate) struct Stand {
    folder: TempDir,
    child: Child,
    pub(crate) hub: Hub,
}

/// A profile without a bound on rates: it is the hub that is measured, not its patience.
const PROFILE: &str = r#"
name = "bench"
summary = "Simulated device that may publish as fast as it can"
evidence = "none"
certificate_days = 30

[topics]
publish = ["d/{device}/up/#"]
subscribe = ["d/{device}/down/#"]

[limits]
messages_per_s = 0
bytes_per_s = 0
"#;

impl Stand {
    /// Starts a hub that knows nobody.
    pub(crate) async fn start() -> Result<Self> {
        let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
        let profiles = folder.path().join("profiles");
        fs::create_dir(&profiles)?;
        fs::write(profiles.join("bench.toml"), PROFILE)?;
        let (child, hub) = up(folder.path()).await?;
        Ok(Self { folder, child, hub })
    }

    /// Starts the same hub in a new process, so that what earlier work has left in memory is gone.
    pub(crate) async fn restart(mut self) -> Result<Self> {
        self.child.kill()?;
        self.child.wait()?;
        fs::remove_file(self.folder.path().join("addresses.json"))?;
        let (child, hub) = up(self.folder.path()).await?;
        self.child = child;
        self.hub = hub;
        Ok(self)
    }

    pub(crate) fn process(&self) -> Process {
        Process::new(self.child.id())
    }

    /// Its MQTT door, for devices that trust it and everybody in `others`.
    pub(crate) fn door(&self, others: &str, key_exchange: KeyExchange) -> Result<Door> {
        let pem = format!("{}{others}", self.hub.ca_pem);
        Ok(Door {
            address: self.hub.mqtt,
            trust: Trust::new(&pem, key_exchange)?,
            process: Some(self.process()),
        })
    }

    /// Devices that are claimed and enrolled; their serials begin with `prefix`.
    pub(crate) async fn devices(&self, prefix: &str, count: usize) -> Result<Vec<Device>> {
        let trust = Trust::new(&self.hub.ca_pem, KeyExchange::default())?;
        let claimed = fleet::claim(&self.hub, &plan(prefix, count)).await?;
        fleet::enrol(&self.hub, &trust, claimed, PARALLEL).await
    }

    /// Publishers, and the identity of those who subscribe to them.
    pub(crate) async fn parties(&self) -> Result<(Arc<[Device]>, Identity)> {
        let publishers = self.devices("publisher-", PUBLISHERS).await?.into();
        let mut api = Api::connect(&self.hub).await?;
        Ok((publishers, api.subscriber("bench", FILTER).await?))
    }
}

impl Drop for Stand {
    fn drop(&mut self) {
        let _gone_already = self.child.kill();
        let _reaped = self.child.wait();
    }
}

/// A fleet of this many.
pub(crate) fn plan(prefix: &str, count: usize) -> FleetPlan {
    FleetPlan {
        prefix: prefix.to_owned(),
        profile: "bench".to_owned(),
        count,
        parallel: PARALLEL,
    }
}

async fn up(data: &Path) -> Result<(Child, Hub)> {
    let log = data.join("hub.log");
    let mut command = Command::new(env!("CARGO_BIN_EXE_ironroot"));
    command.arg("up").arg("--data").arg(data);
    for door in [
        "--console-addr",
        "--mqtt-addr",
        "--device-addr",
        "--pki-addr",
    ] {
        command.args([door, "127.0.0.1:0"]);
    }
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(File::create(&log)?)
        .spawn()?;
    let begun = Instant::now();
    while !data.join("addresses.json").exists() {
        let said = || fs::read_to_string(&log).unwrap_or_default();
        ensure!(child.try_wait()?.is_none(), "the hub has ended: {}", said());
        ensure!(begun.elapsed() < START_MAX, "no hub comes up: {}", said());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    let hub = Hub::read(data).context("the hub's data folder")?;
    Ok((child, hub))
}

/// How many devices publish.
pub(crate) const PUBLISHERS: usize = 50;

/// How many devices are claimed, enrol or connect at once.
pub(crate) const PARALLEL: usize = 16;

/// The longest that a hub may take to come up.
const START_MAX: Duration = Duration::from_secs(60);
