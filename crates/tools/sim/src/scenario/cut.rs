//! How long an order takes to end a live session, while others publish.

use std::fmt;
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use hdrhistogram::Histogram;
use ironroot_api::Order;
use ironroot_mqtt::Version;
use tokio::time::timeout;

use crate::api::Api;
use crate::fleet::{self, Device};
use crate::hub::{Hub, bounded};
use crate::scenario::Door;
use crate::scenario::load::Load;

/// How long orders took.
#[derive(Clone, Debug, PartialEq)]
pub struct CutReport {
    /// From the moment before an order is sent to the end of the device's session, as its client sees it.
    pub to_end: Latency,
    /// From the same moment to the answer, which comes after the order is durable.
    pub to_answer: Latency,
}

/// Times in microseconds.
#[derive(Clone, Debug, PartialEq)]
pub struct Latency(Histogram<u64>);

/// Quarantines every device in turn and waits for the end of its session, under `load`.
///
/// # Errors
/// When a device is not let in, an order is refused, a session goes on, or the load stops.
pub async fn run(hub: &Hub, door: &Door, devices: Vec<Device>, load: Load) -> Result<CutReport> {
    bounded("orders", devices.len(), ORDERS_MAX)?;
    let devices: Arc<[Device]> = devices.into();
    tokio::select! {
        ended = load.run() => {
            ended.context("the load failed")?;
            anyhow::bail!("the load ended before the last order");
        }
        report = cut(hub, door, &devices) => report,
    }
}

async fn cut(hub: &Hub, door: &Door, devices: &Arc<[Device]>) -> Result<CutReport> {
    let all = 0..devices.len();
    let sessions = fleet::connect(door, devices, all, Version::V311, CONNECTS);
    let mut api = Api::connect(hub).await?;
    let mut report = CutReport {
        to_end: Latency::new()?,
        to_answer: Latency::new()?,
    };
    for (device, mut session) in devices.iter().zip(sessions.await?) {
        session.ping().await?;
        let end = tokio::spawn(async move { session.ended().await });
        let sent = Instant::now();
        let done = api.order(&device.id, Order::Quarantine).await?;
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
    Ok(report)
}

impl Latency {
    fn new() -> Result<Self> {
        Ok(Self(Histogram::new_with_max(LATENCY_MAX_US, 3)?))
    }

    fn record(&mut self, latency: Duration) -> Result<()> {
        Ok(self.0.record(u64::try_from(latency.as_micros())?)?)
    }

    /// The latency that this share of all does not exceed, in milliseconds.
    pub fn quantile_ms(&self, share: f64) -> f64 {
        ms(self.0.value_at_quantile(share))
    }

    /// The longest, in milliseconds.
    pub fn max_ms(&self) -> f64 {
        ms(self.0.max())
    }

    /// How many were slower than each of the bounds, so that the shape of the tail shows.
    fn bars(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut low = 0;
        for high in BOUNDS_US {
            let count = self.0.count_between(low, high - 1);
            writeln!(f, "  below {:>7.2} ms  {count:>6}", ms(high))?;
            low = high;
        }
        let rest = self.0.count_between(low, LATENCY_MAX_US);
        write!(f, "  from  {:>7.2} ms  {rest:>6}", ms(low))
    }
}

#[expect(
    clippy::cast_precision_loss,
    reason = "microseconds of at most a minute"
)]
fn ms(us: u64) -> f64 {
    us as f64 / 1_000.0
}

impl fmt::Display for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} times: p50 {:.2} ms, p99 {:.2} ms, longest {:.2} ms",
            self.0.len(),
            self.quantile_ms(0.5),
            self.quantile_ms(0.99),
            self.max_ms()
        )?;
        self.bars(f)
    }
}

impl fmt::Display for CutReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "order to end of session, {}", self.to_end)?;
        write!(f, "order to answer, {}", self.to_answer)
    }
}

/// The most orders in one run.
pub const ORDERS_MAX: usize = 10_000;

/// How many of the devices that are to be cut connect at once.
const CONNECTS: usize = 8;

/// The longest that a session may outlive the order, before the run fails.
const END_MAX: Duration = Duration::from_secs(10);

/// The longest latency that is told from longer ones: a minute.
const LATENCY_MAX_US: u64 = 60_000_000;

const BOUNDS_US: [u64; 9] = [250, 500, 1_000, 1_500, 2_000, 3_000, 5_000, 10_000, 100_000];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reports_quantiles_and_the_shape_of_the_tail() {
        let mut latency = Latency::new().unwrap();
        for us in [200, 300, 300, 2_500, 4_000] {
            latency.record(Duration::from_micros(us)).unwrap();
        }
        let report = latency.to_string();
        assert!(
            report.starts_with("5 times: p50 0.30 ms, p99 4.00 ms, longest 4.00 ms\n"),
            "{report}"
        );
        assert!(report.contains("below    0.25 ms       1"), "{report}");
        assert!(report.contains("below    0.50 ms       2"), "{report}");
        assert!(report.contains("below    5.00 ms       1"), "{report}");
        assert!(report.ends_with("from   100.00 ms       0"), "{report}");
    }

    #[test]
    fn refuses_a_latency_past_its_range() {
        let mut latency = Latency::new().unwrap();
        assert!(latency.record(Duration::from_secs(60)).is_ok());
        assert!(latency.record(Duration::from_secs(70)).is_err());
    }
}
