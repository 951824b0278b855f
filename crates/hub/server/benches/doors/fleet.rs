//! What a large fleet costs: 100,000 registered devices, and 1,000 of them with idle sessions.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use ironroot_mqtt::Version;
use ironroot_sim::fleet::{self, Device, FleetPlan};
use ironroot_sim::scenario::idle::{self, IdlePlan};
use ironroot_sim::tls::KeyExchange;

use crate::stand::{PARALLEL, Stand, plan};
use crate::{OURS, console, figure};

const REGISTERED: usize = 100_000;
const SESSIONS: usize = 1_000;

/// How many are registered at once: entries that come together share one `fdatasync`.
const AT_ONCE: usize = 64;

/// Measures the hub that has registered them, and the same hub after a new start.
pub(crate) async fn run() -> Result<()> {
    let stand = Stand::start().await?;
    let begun = Instant::now();
    let registered = FleetPlan {
        parallel: AT_ONCE,
        ..plan("registered-", REGISTERED - SESSIONS)
    };
    fleet::claim(&stand.hub, &registered).await?;
    println!(
        "registered {} devices in {:.1} s",
        REGISTERED - SESSIONS,
        begun.elapsed().as_secs_f64()
    );
    let devices: Arc<[Device]> = stand.devices("idle-", SESSIONS).await?.into();
    hold(&stand, &devices, "as they were registered").await?;
    let begun = Instant::now();
    let stand = stand.restart().await?;
    figure(
        "s to start with 100,000 devices",
        OURS,
        begun.elapsed().as_secs_f64(),
    );
    hold(&stand, &devices, "after a start").await?;
    let hub = stand.hub.clone();
    tokio::task::spawn_blocking(move || console::list(&hub)).await?
}

async fn hold(stand: &Stand, devices: &Arc<[Device]>, when: &str) -> Result<()> {
    let plan = IdlePlan {
        parallel: PARALLEL,
        version: Version::V311,
        hold: Duration::ZERO,
    };
    let door = stand.door("", KeyExchange::Hybrid)?;
    let report = idle::run(&door, devices, plan).await?;
    println!("{when}\n{report}");
    let resident = report.resident_mib().context("no process is measured")?;
    let what = format!("MiB resident, 100,000 devices and 1,000 idle sessions, {when}");
    figure(&what, OURS, resident);
    Ok(())
}
