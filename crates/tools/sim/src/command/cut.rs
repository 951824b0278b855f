//! `ironroot sim cut`.

use anyhow::Result;
use clap::Args;
use ironroot_mqtt::{Qos, Version};

use super::{FAST_PROFILE, FleetArgs};
use crate::fleet::FleetPlan;
use crate::scenario::cut;
use crate::scenario::load::{LoadPlan, Pace};

/// What `sim cut` takes.
#[derive(Debug, Args)]
pub struct CutArgs {
    #[command(flatten)]
    pub(super) fleet: FleetArgs,
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

impl CutArgs {
    pub(super) async fn measure(self) -> Result<String> {
        let fleet = self.fleet.open()?;
        let cut = fleet.plan("cut-", self.orders, BARRED_PROFILE);
        let devices = fleet.devices(&cut).await?;
        let publishers = FleetPlan {
            profile: FAST_PROFILE.to_owned(),
            ..fleet.plan("", self.publishers, FAST_PROFILE)
        };
        let publishers = fleet.devices(&publishers).await?.into();
        let plan = LoadPlan {
            messages: u64::from(self.rate) * LOAD_S,
            payload_size: 128,
            qos: Qos::AtMostOnce,
            pace: Pace::PerSecond(self.rate),
            subscribers: 1,
            version: Version::V311,
        };
        let load = fleet.load(plan, &publishers).await?;
        let report = cut::run(&fleet.hub, &fleet.door, devices, self.orders, load).await?;
        Ok(report.to_string())
    }
}

/// A built-in profile that leaves a quarantined device nothing.
const BARRED_PROFILE: &str = "camera";

/// For how long the load could go on, in seconds; it ends with the last order.
const LOAD_S: u64 = 600;
