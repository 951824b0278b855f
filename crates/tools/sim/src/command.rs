//! `ironroot sim`: the scenarios by command line, one file each.

mod cut;
mod enroll;
mod idle;
mod load;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use ironroot_mqtt::Version;
use tokio::time::timeout;

use crate::api::Api;
use crate::fleet::{self, Device, FleetPlan};
use crate::hub::Hub;
use crate::limits;
use crate::process::Process;
use crate::scenario::Door;
use crate::scenario::load::{FILTER, Load, LoadPlan};
use crate::tls::{KeyExchange, Trust};

pub use cut::CutArgs;
pub use enroll::EnrollArgs;
pub use idle::IdleArgs;
pub use load::LoadArgs;

/// Simulated devices at a hub on this machine: real certificates, real TLS, real MQTT. They stay in its
/// journal, so point them at a hub that is for trying things out.
#[derive(Debug, Subcommand)]
pub enum SimCommand {
    /// Claim and enrol devices; how fast, and what it costs the hub
    Enroll(EnrollArgs),
    /// Hold idle MQTT sessions; what letting in and keeping one costs
    Idle(IdleArgs),
    /// Quarantine devices with live sessions under load; how long until each session ends
    Cut(CutArgs),
    /// Publish to subscribers; how fast, and what a million messages cost
    Load(LoadArgs),
}

impl SimCommand {
    /// Carries the command out on this process's terminal.
    #[expect(
        clippy::print_stdout,
        clippy::print_stderr,
        reason = "a command prints what it found"
    )]
    pub fn run(self) -> ExitCode {
        match self.report() {
            Ok(report) => {
                println!("{report}");
                ExitCode::SUCCESS
            }
            Err(cause) => {
                eprintln!("ironroot: {cause:#}");
                ExitCode::FAILURE
            }
        }
    }

    fn report(self) -> Result<String> {
        match self {
            Self::Enroll(args) => bounded(args.fleet.limit_s, args.measure()),
            Self::Idle(args) => bounded(args.fleet.limit_s, args.measure()),
            Self::Cut(args) => bounded(args.fleet.limit_s, args.measure()),
            Self::Load(args) => bounded(args.fleet.limit_s, args.measure()),
        }
    }
}

/// Lets a scenario run, for so many seconds at most.
fn bounded(limit_s: u64, scenario: impl Future<Output = Result<String>>) -> Result<String> {
    limits::raise()?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        timeout(Duration::from_secs(limit_s), scenario)
            .await
            .context("the time is up: see --limit-s")?
    })
}

/// Which hub, and what kind of devices.
#[derive(Debug, Args)]
struct FleetArgs {
    /// The hub's data directory
    #[arg(long, value_name = "DIR", default_value = "./ironroot-data")]
    data: PathBuf,
    /// The hub's process, to measure its processor time and memory
    #[arg(long, value_name = "PID")]
    hub_pid: Option<u32>,
    /// The devices' profile; `camera` for devices that are cut, since it leaves them nothing, and `gateway`
    /// for all others, since it lets them publish fast
    #[arg(long, value_name = "NAME")]
    profile: Option<String>,
    /// What their serials begin with; made up when absent, since a serial enrols only once
    #[arg(long, value_name = "TEXT")]
    prefix: Option<String>,
    /// How many connections are made at once
    #[arg(long, value_name = "N", default_value_t = 16)]
    parallel: usize,
    /// The key exchange that the devices offer
    #[arg(long, value_enum, default_value_t)]
    key_exchange: Agreement,
    /// Stop after this many seconds, done or not
    #[arg(long, value_name = "S", default_value_t = 600)]
    limit_s: u64,
}

/// A key exchange by its usual name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum Agreement {
    /// X25519MLKEM768 if the server has it, else X25519: what a new device does.
    #[default]
    Hybrid,
    /// X25519 alone: what every peer has.
    X25519,
}

impl From<Agreement> for KeyExchange {
    fn from(agreement: Agreement) -> Self {
        match agreement {
            Agreement::Hybrid => Self::Hybrid,
            Agreement::X25519 => Self::X25519,
        }
    }
}

/// A version by its usual name.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
enum MqttVersion {
    /// MQTT 3.1.1
    #[default]
    #[value(name = "3.1.1")]
    V311,
    /// MQTT 5
    #[value(name = "5")]
    V5,
}

impl From<MqttVersion> for Version {
    fn from(version: MqttVersion) -> Self {
        match version {
            MqttVersion::V311 => Self::V311,
            MqttVersion::V5 => Self::V5,
        }
    }
}

/// A hub, and what its devices begin with.
struct Fleet {
    hub: Hub,
    door: Door,
    prefix: String,
    profile: Option<String>,
    parallel: usize,
}

impl FleetArgs {
    fn open(self) -> Result<Fleet> {
        let hub = Hub::read(&self.data)?;
        let door = Door {
            address: hub.mqtt,
            trust: Trust::new(&hub.ca_pem, self.key_exchange.into())?,
            process: self.hub_pid.map(Process::new),
        };
        Ok(Fleet {
            prefix: self.prefix.map_or_else(fleet::fresh_prefix, Ok)?,
            hub,
            door,
            profile: self.profile,
            parallel: self.parallel,
        })
    }
}

impl Fleet {
    fn plan(&self, part: &str, count: usize, profile: &str) -> FleetPlan {
        FleetPlan {
            prefix: format!("{}{part}", self.prefix),
            profile: self.profile.as_deref().unwrap_or(profile).to_owned(),
            count,
            parallel: self.parallel,
        }
    }

    async fn devices(&self, plan: &FleetPlan) -> Result<Vec<Device>> {
        let claimed = fleet::claim(&self.hub, plan).await?;
        fleet::enrol(&self.hub, &self.door.trust, claimed, self.parallel).await
    }

    async fn load(&self, plan: LoadPlan, publishers: &Arc<[Device]>) -> Result<Load> {
        let name = format!("{}subscriber", self.prefix);
        let mut api = Api::connect(&self.hub).await?;
        let subscriber = api.subscriber(&name, FILTER).await?;
        Load::prepare(&self.door, plan, publishers, &subscriber).await
    }
}

/// A built-in profile that lets a device publish fast.
const FAST_PROFILE: &str = "gateway";
