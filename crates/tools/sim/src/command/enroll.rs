//! `ironroot sim enroll`.

use anyhow::Result;
use clap::Args;

use super::{FAST_PROFILE, FleetArgs};
use crate::scenario::enrol::{self, Renewal};

/// What `sim enroll` takes.
#[derive(Debug, Args)]
pub struct EnrollArgs {
    #[command(flatten)]
    pub(super) fleet: FleetArgs,
    /// How many devices
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    devices: usize,
    /// Let each replace its certificate as well
    #[arg(long)]
    renew: bool,
}

impl EnrollArgs {
    pub(super) async fn measure(self) -> Result<String> {
        let fleet = self.fleet.open()?;
        let renewal = if self.renew {
            Renewal::Once
        } else {
            Renewal::None
        };
        let plan = fleet.plan("", self.devices, FAST_PROFILE);
        let door = &fleet.door;
        let measured = enrol::run(&fleet.hub, &door.trust, &plan, renewal, door.process);
        let (report, _devices) = measured.await?;
        Ok(report.to_string())
    }
}
