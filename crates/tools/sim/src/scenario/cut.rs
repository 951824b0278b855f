//! How long an order takes to end a live session, while others publish.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use ironroot_api::{ORDERS_MAX, Order};
use ironroot_mqtt::Version;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::api::Api;
use crate::fleet::{self, Device};
use crate::hub::{Hub, bounded};
use crate::scenario::load::Load;
use crate::scenario::{Door, Latency};

/// How long orders took.
#[derive(Clone, Debug, PartialEq)]
pub struct CutReport {
    /// From the moment before an order is sent to the end of the device's session, as its client sees it.
    pub to_end: Latency,
    /// From the same moment to the answer, which comes after the order is durable.
    pub to_answer: Latency,
}

/// Quarantines the first `orders` of the devices in turn and waits for the end of each one's session, under
/// `load`; the others have sessions meanwhile, which go on.
///
/// # Errors
/// When a device is not let in, an order is refused, a session goes on, or the load stops.
pub async fn run(
    hub: &Hub,
    door: &Door,
    devices: Vec<Device>,
    orders: usize,
    load: Load,
) -> Result<CutReport> {
    bounded("sessions", devices.len(), SESSIONS_MAX)?;
    let devices: Arc<[Device]> = devices.into();
    tokio::select! {
        ended = load.run() => {
            ended.context("the load failed")?;
            anyhow::bail!("the load ended before the last order");
        }
        report = cut(hub, door, &devices, orders) => report,
    }
}

async fn cut(hub: &Hub, door: &Door, devices: &Arc<[Device]>, orders: usize) -> Result<CutReport> {
    let all = 0..devices.len();
    let sessions = fleet::connect(door, devices, all, Version::V311, CONNECTS).await?;
    let mut sessions = devices.iter().zip(sessions);
    let mut api = Api::connect(hub).await?;
    let mut report = CutReport {
        to_end: Latency::new()?,
        to_answer: Latency::new()?,
    };
    for (device, mut session) in sessions.by_ref().take(orders) {
        session.ping().await?;
        let end = tokio::spawn(async move { session.ended().await });
        let sent = Instant::now();
        let done = api.order(&device.id, Order::Quarantine, WHY).await?;
        report.to_answer.record(sent.elapsed())?;
        ensure!(
            done.sessions_cut == 1,
            "no session of {} is cut: does its profile let it connect under quarantine?",
            device.id
        );
        let ended = timeout(END_MAX, end)
            .await
            .with_context(|| format!("the session of {} goes on", device.id))??;
        report
            .to_end
            .record(ended.saturating_duration_since(sent))?;
    }
    for (device, mut session) in sessions {
        let alive = session.ping().await;
        alive.with_context(|| format!("{} was cut with others", device.id))?;
    }
    Ok(report)
}

/// Quarantines all devices, by orders about many each: from the first order to the end of the last session.
///
/// # Errors
/// When a device is not let in, an order is refused, or a session goes on.
pub async fn together(hub: &Hub, door: &Door, devices: Vec<Device>) -> Result<Duration> {
    bounded("sessions", devices.len(), SESSIONS_MAX)?;
    let devices: Arc<[Device]> = devices.into();
    let all = 0..devices.len();
    let sessions = fleet::connect(door, &devices, all, Version::V311, CONNECTS).await?;
    let mut ends = JoinSet::new();
    for mut session in sessions {
        session.ping().await?;
        ends.spawn(async move { session.ended().await });
    }
    let ids = devices.iter().map(|device| device.id.clone()).collect();
    let sent = Instant::now();
    fleet::in_parallel(ids, ORDERS_AT_ONCE, |ids: Vec<String>| {
        let hub = hub.clone();
        async move {
            let mut api = Api::connect(&hub).await?;
            for ids in ids.chunks(ORDERS_MAX) {
                api.orders(ids, Order::Quarantine, WHY).await?;
            }
            Ok(ids)
        }
    })
    .await?;
    let ends = timeout(END_MAX, ends.join_all()).await;
    let ends = ends.context("a session goes on")?;
    let last = ends.into_iter().max().context("there are no sessions")?;
    Ok(last.saturating_duration_since(sent))
}

impl fmt::Display for CutReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "order to end of session, {}", self.to_end)?;
        write!(f, "order to answer, {}", self.to_answer)
    }
}

/// The most sessions in one run.
pub const SESSIONS_MAX: usize = 10_000;

/// What stands in the journal about each order.
const WHY: &str = "simulation";

/// Into how many orders all devices are divided, which are given at once.
const ORDERS_AT_ONCE: usize = 4;

/// How many of the devices that are to be cut connect at once.
const CONNECTS: usize = 8;

/// The longest that a session may outlive the order, before the run fails.
const END_MAX: Duration = Duration::from_secs(10);
