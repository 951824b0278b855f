//! `ironroot sim idle`.

use std::time::Duration;

use anyhow::Result;
use clap::Args;

use super::{FAST_PROFILE, FleetArgs, MqttVersion};
use crate::scenario::idle::{self, IdlePlan};

/// What `sim idle` takes.
#[derive(Debug, Args)]
pub struct IdleArgs {
    #[command(flatten)]
    pub(super) fleet: FleetArgs,
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

impl IdleArgs {
    pub(super) async fn measure(self) -> Result<String> {
        let fleet = self.fleet.open()?;
        let devices = fleet.plan("", self.devices, FAST_PROFILE);
        let devices = fleet.devices(&devices).await?.into();
        let plan = IdlePlan {
            parallel: fleet.parallel,
            version: self.mqtt.into(),
            hold: Duration::from_secs(self.hold_s),
        };
        let report = idle::run(&fleet.door, &devices, plan).await?;
        Ok(report.to_string())
    }
}
