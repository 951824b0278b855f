//! `ironroot sim load`.

use anyhow::{Context, Result};
use clap::Args;
use ironroot_mqtt::Qos;

use super::{FAST_PROFILE, FleetArgs, MqttVersion};
use crate::scenario::load::{LoadPlan, Pace};

/// What `sim load` takes.
#[derive(Debug, Args)]
pub struct LoadArgs {
    #[command(flatten)]
    pub(super) fleet: FleetArgs,
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

impl LoadArgs {
    pub(super) async fn measure(self) -> Result<String> {
        let fleet = self.fleet.open()?;
        let publishers = fleet.plan("", self.publishers, FAST_PROFILE);
        let publishers = fleet.devices(&publishers).await?.into();
        let plan = LoadPlan {
            messages: self.messages,
            payload_size: self.payload,
            qos: Qos::from_bits(self.qos).context("QoS is 0 or 1")?,
            pace: self.rate.map_or(Pace::FlatOut, Pace::PerSecond),
            subscribers: self.subscribers,
            version: self.mqtt.into(),
        };
        let report = fleet.load(plan, &publishers).await?.run().await?;
        Ok(report.to_string())
    }
}
