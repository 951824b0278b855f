//! `ironroot sim`: the scenarios by command line.

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use ironroot_mqtt::{Qos, Version};
use tokio::time::timeout;

use crate::api::Api;
use crate::fleet::{self, Device, FleetPlan};
use crate::hub::Hub;
use crate::limits;
use crate::process::Process;
use crate::scenario::idle::IdlePlan;
use crate::scenario::load::{FILTER, Load, LoadPlan, Pace};
use crate::scenario::{Door, cut, enrol, idle};
use crate::tls::{KeyExchange, Trust};

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
    key_exchange: KeyExchange,
    /// Stop after this many seconds, done or not
    #[arg(long, value_name = "S", default_value_t = 600)]
    limit_s: u64,
}

/// What `sim enroll` takes.
#[derive(Debug, Args)]
pub struct EnrollArgs {
    #[command(flatten)]
    fleet: FleetArgs,
    /// How many devices
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    devices: usize,
    /// Let each replace its certificate as well
    #[arg(long)]
    renew: bool,
}

/// What `sim idle` takes.
#[derive(Debug, Args)]
pub struct IdleArgs {
    #[command(flatten)]
    fleet: FleetArgs,
    /// How many devices, with a session each
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    devices: usize,
    /// How long to hold them, in seconds
    #[arg(long, value_name = "S", default_value_t = 10)]
    hold_s: u64,
    /// MQTT version
    #[arg(long, value_enum, default_value_t)]
    mqtt: MqttVersion,
}

/// What `sim cut` takes.
#[derive(Debug, Args)]
pub struct CutArgs {
    #[command(flatten)]
    fleet: FleetArgs,
    /// How many devices are quarantined, one after another
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    orders: usize,
    /// How many others publish meanwhile
    #[arg(long, value_name = "N", default_value_t = 50)]
    publishers: usize,
    /// Messages a second of all of them
    #[arg(long, value_name = "N", default_value_t = 4_000)]
    rate: u32,
}

/// What `sim load` takes.
#[derive(Debug, Args)]
pub struct LoadArgs {
    #[command(flatten)]
    fleet: FleetArgs,
    /// How many devices publish
    #[arg(long, value_name = "N", default_value_t = 50)]
    publishers: usize,
    /// How many subscribe to all of them
    #[arg(long, value_name = "N", default_value_t = 1)]
    subscribers: usize,
    /// Messages in all
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    messages: u64,
    /// Messages a second of all publishers; as fast as they are delivered when absent. The profile bounds
    /// what each publisher may send
    #[arg(long, value_name = "N")]
    rate: Option<u32>,
    /// Bytes in a message
    #[arg(long, value_name = "N", default_value_t = 128)]
    payload: usize,
    /// Quality of service, 0 or 1
    #[arg(long, value_name = "0|1", default_value_t = 0, value_parser = clap::value_parser!(u8).range(0..=1))]
    qos: u8,
    /// MQTT version
    #[arg(long, value_enum, default_value_t)]
    mqtt: MqttVersion,
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
        limits::raise()?;
        let fleet = match &self {
            Self::Enroll(args) => &args.fleet,
            Self::Idle(args) => &args.fleet,
            Self::Cut(args) => &args.fleet,
            Self::Load(args) => &args.fleet,
        };
        let limit = Duration::from_secs(fleet.limit_s);
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .enable_all()
            .build()?;
        runtime.block_on(async {
            timeout(limit, self.measure())
                .await
                .context("the time is up: see --limit-s")?
        })
    }

    async fn measure(self) -> Result<String> {
        match self {
            Self::Enroll(args) => {
                let fleet = args.fleet.open()?;
                let renewal = if args.renew {
                    enrol::Renewal::Once
                } else {
                    enrol::Renewal::None
                };
                let plan = fleet.plan("", args.devices, OTHER_PROFILE);
                let process = fleet.door.process;
                let (report, _devices) =
                    enrol::run(&fleet.hub, &fleet.door.trust, &plan, renewal, process).await?;
                Ok(report.to_string())
            }
            Self::Idle(args) => {
                let fleet = args.fleet.open()?;
                let devices = fleet.plan("", args.devices, OTHER_PROFILE);
                let devices = fleet.devices(&devices).await?.into();
                let plan = IdlePlan {
                    parallel: fleet.parallel,
                    version: args.mqtt.into(),
                    hold: Duration::from_secs(args.hold_s),
                };
                Ok(idle::run(&fleet.door, &devices, plan).await?.to_string())
            }
            Self::Cut(args) => {
                let fleet = args.fleet.open()?;
                let cut = fleet.plan("cut-", args.orders, CUT_PROFILE);
                let devices = fleet.devices(&cut).await?;
                let publishers = FleetPlan {
                    profile: OTHER_PROFILE.to_owned(),
                    ..fleet.plan("", args.publishers, OTHER_PROFILE)
                };
                let publishers = fleet.devices(&publishers).await?.into();
                let plan = LoadPlan {
                    messages: u64::from(args.rate) * CUT_LOAD_S,
                    payload_size: 128,
                    qos: Qos::AtMostOnce,
                    pace: Pace::PerSecond(args.rate),
                    subscribers: 1,
                    version: Version::V311,
                };
                let load = fleet.load(plan, &publishers).await?;
                Ok(cut::run(&fleet.hub, &fleet.door, devices, load)
                    .await?
                    .to_string())
            }
            Self::Load(args) => {
                let fleet = args.fleet.open()?;
                let publishers = fleet.plan("", args.publishers, OTHER_PROFILE);
                let publishers = fleet.devices(&publishers).await?.into();
                let plan = LoadPlan {
                    messages: args.messages,
                    payload_size: args.payload,
                    qos: Qos::from_bits(args.qos).context("QoS is 0 or 1")?,
                    pace: args.rate.map_or(Pace::FlatOut, Pace::PerSecond),
                    subscribers: args.subscribers,
                    version: args.mqtt.into(),
                };
                let load = fleet.load(plan, &publishers).await?;
                Ok(load.run().await?.to_string())
            }
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
            trust: Trust::new(&hub.ca_pem, self.key_exchange)?,
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

/// A built-in profile that leaves a quarantined device nothing.
const CUT_PROFILE: &str = "camera";

/// A built-in profile that lets a device publish fast.
const OTHER_PROFILE: &str = "gateway";

/// For how long the load behind `sim cut` could go on, in seconds; it ends with the last order.
const CUT_LOAD_S: u64 = 600;
