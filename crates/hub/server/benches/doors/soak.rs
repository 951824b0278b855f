//! Whether the hub's memory stays where it is under load for a long time, with a picture of it.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use anyhow::{Result, ensure};
use clap::Args;
use ironroot_mqtt::{Qos, Version};
use ironroot_sim::api::Api;
use ironroot_sim::fleet::Device;
use ironroot_sim::scenario::load::{FILTER, Load, LoadPlan, Pace};
use ironroot_sim::scenario::soak::{self, SoakReport};
use ironroot_sim::tls::KeyExchange;
use plotters::prelude::{BLUE, ChartBuilder, IntoDrawingArea, LineSeries, SVGBackend, WHITE};

use crate::stand::Stand;
use crate::{OURS, figure};

/// Where the picture goes when nothing else is said.
const PICTURE: &str = concat!(env!("CARGO_TARGET_TMPDIR"), "/soak.svg");

/// What the soak takes.
#[derive(Debug, Args)]
#[expect(clippy::struct_field_names, reason = "each is an option by its name")]
pub(crate) struct SoakArgs {
    /// Devices with a session each, all of which publish
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    soak_sessions: usize,
    /// Messages a second of all of them
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    soak_rate: u32,
    /// For how long
    #[arg(long, value_name = "S", default_value_t = 600)]
    soak_s: u32,
    /// Where the picture goes
    #[arg(long, value_name = "FILE", default_value = PICTURE)]
    soak_picture: PathBuf,
}

/// The most that the memory may grow in a minute over the second half, in MiB.
const GROWTH_MAX: f64 = 1.0;

/// Measures a fresh hub.
pub(crate) async fn run(args: &SoakArgs) -> Result<()> {
    let stand = Stand::start().await?;
    let devices: Arc<[Device]> = stand.devices("soak-", args.soak_sessions).await?.into();
    let subscriber = {
        let mut api = Api::connect(&stand.hub).await?;
        api.subscriber("soak", FILTER).await?
    };
    let plan = LoadPlan {
        messages: u64::from(args.soak_rate) * u64::from(args.soak_s),
        payload_size: 128,
        qos: Qos::AtLeastOnce,
        pace: Pace::PerSecond(args.soak_rate),
        subscribers: 1,
        version: Version::V311,
    };
    let door = stand.door("", KeyExchange::Hybrid)?;
    let load = Load::prepare(&door, plan, &devices, &subscriber).await?;
    let report = soak::run(load, stand.process()).await?;
    println!("{} sessions\n{report}", devices.len() + 1);
    draw(&report, args, &args.soak_picture)?;
    println!("picture   {}", args.soak_picture.display());
    let p99 = report.load.latency.quantile_ms(0.99);
    figure("soak: ms from publishing to receiving, p99", OURS, p99);
    figure(
        "soak: MiB resident at most",
        OURS,
        report.resident_mib_max(),
    );
    ensure!(
        report.load.delivered == report.load.expected,
        "messages were lost"
    );
    ensure!(
        report.growth_mib_per_min() <= GROWTH_MAX,
        "the memory grows by more than {GROWTH_MAX} MiB a minute"
    );
    Ok(())
}

/// Memory over time.
fn draw(report: &SoakReport, args: &SoakArgs, path: &Path) -> Result<()> {
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)?;
    }
    let title = format!(
        "The hub's memory: {} sessions, {} messages a second at QoS 1",
        args.soak_sessions, args.soak_rate
    );
    let area = SVGBackend::new(path, (860, 360)).into_drawing_area();
    area.fill(&WHITE)?;
    let minutes = f64::from(args.soak_s) / 60.0;
    let mut chart = ChartBuilder::on(&area)
        .caption(title, ("sans-serif", 17))
        .margin(14)
        .x_label_area_size(40)
        .y_label_area_size(56)
        .build_cartesian_2d(0.0..minutes, 0.0..1.25 * report.resident_mib_max())?;
    chart
        .configure_mesh()
        .x_desc("minutes")
        .y_desc("MiB resident")
        .draw()?;
    let points = report.samples.iter();
    let points = points.map(|sample| (sample.at.as_secs_f64() / 60.0, sample.resident_mib()));
    chart.draw_series(LineSeries::new(points, &BLUE))?;
    area.present()?;
    Ok(())
}
